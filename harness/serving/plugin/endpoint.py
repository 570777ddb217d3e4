"""Two routes of the server, behind its key as all below /v1: what steering there is, and additions handed to it."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from . import NAME, VERSION
from .additions import LARGEST_BYTES, keep_additions, parse_additions
from .steered import folder_of_additions

ROUTE = "/v1/steering"


class SteeringRoutes:
    """GET /v1/steering and PUT /v1/steering/KEY, where the body is the safetensors file of that sha256."""

    name = NAME
    required_tasks = ("generate",)

    def attach_router(self, app: Any) -> None:
        """Adds the routes."""
        # Without annotations of types that are imported here: FastAPI reads them in the module.
        app.add_api_route(ROUTE, self.report, methods=["GET"])
        app.router.add_route(f"{ROUTE}/{{key}}", self.put, methods=["PUT"])

    async def init_state(self, engine_client: Any, state: Any, args: Namespace) -> None:
        """Keeps what the routes ask."""
        self._engine, self._args = engine_client, args

    async def report(self) -> dict[str, Any]:
        """What all workers say alike, and of the tokens by key the fewest that any of them counted."""
        from vllm import __version__

        told = await self._engine.collective_rpc("report_steering")
        fewest: dict[str, int] = dict(told[0].get("tokens", {}))
        for one in told[1:]:
            fewest = {key: min(count, one.get("tokens", {}).get(key, 0)) for key, count in fewest.items()}
        armed = all(one["armed"] for one in told)
        return {**told[0], "armed": armed, "tokens": fewest, "plugin": VERSION, "vllm": __version__, "ranks": len(told)}

    async def put(self, request: Any) -> Any:
        """Keeps the additions of a key; 400 with the reason for what no model here could add."""
        from starlette.responses import JSONResponse

        key = request.path_params["key"]
        if int(request.headers.get("content-length") or 0) > LARGEST_BYTES:
            return JSONResponse({"error": f"additions take at most {LARGEST_BYTES:,} bytes"}, status_code=413)
        told = (await self._engine.collective_rpc("report_steering"))[0]
        try:
            if not told["armed"]:
                raise ValueError("this model is not steered here: its architecture is not among those known")
            content = await request.body()
            parse_additions(content, key, blocks=told["blocks"], width=told["width"])
            keep_additions(folder_of_additions(), key, content)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"kept": key})
