"""What each worker answers about its steering; vLLM adds it to its worker class (`--worker-extension-cls`)."""

from __future__ import annotations

from typing import Any


class SteeringReport:
    """Methods for `collective_rpc`. Their names must be none of a worker's own."""

    def report_steering(self) -> dict[str, Any]:
        """What is armed, and the tokens steered by key since the start."""
        runner: Any = self.model_runner  # type: ignore[attr-defined]
        steering = getattr(runner.get_model(), "steering", None)
        if steering is None:
            return {"armed": False}
        return {
            "armed": True,
            "blocks": len(steering.tables),
            "width": steering.width,
            "rows": len(steering.tables[0]),
            "dtype": str(steering.dtype).removeprefix("torch."),
            "runner": type(runner).__module__,
            "tokens": dict(steering.rows.tokens),
        }
