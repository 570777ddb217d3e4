"""Which engine `--engine` means, and models opened on it: what the evaluation asks in the torch engine's place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, gist, unknown
from harness.files import digest_of, file_sha256
from harness.models import Dtype, ModelRef, materialise, quiet
from harness.serving.environment import VllmEnvironment, find_environment
from harness.serving.plugin import VERSION
from harness.serving.processes import (
    DTYPES,
    LocalServer,
    RemoteServer,
    ServedModel,
    further_arguments,
)
from harness.serving.self_test import check_steering
from harness.serving.server_engine import STEERING, ModelServer, ServedAdapter, ServerEngine
from harness.serving.wire import Declined, ServerGone, Wire, own_key

TORCH, VLLM = "torch", "vllm"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine that is not torch: `name` is what a key has; it is started from `environment`, or at `wire`."""

    name: str
    environment: VllmEnvironment | None = None
    wire: Wire | None = None


def engine_choice(text: str) -> EngineChoice | None:
    """What `--engine` says, None for torch; HarnessError for what is none, or is not there."""
    if text in ("", TORCH):
        return None
    if text == VLLM:
        found = find_environment()
        told = f"+{digest_of(further_arguments())[:8]}" if further_arguments() else ""
        return EngineChoice(name=f"{found.name}{told}", environment=found)
    if re.match(r"https?://", text):
        wire = Wire(text.rstrip("/").removesuffix("/v1"), own_key())
        return EngineChoice(name=_name_of(wire), wire=wire)
    raise unknown("engine", text, [TORCH, VLLM, "http://HOST:PORT"])


class ServedModels:
    """A loader of models, as `Loader` says, on servers that are started when they are wanted, and ended by `stop`.

    One server at a time: one for another model takes its place.
    """

    def __init__(self, choice: EngineChoice, *, adapters: int = 1) -> None:
        self.choice = choice
        self._adapters = adapters
        self._held: tuple[ServedModel, ModelServer] | None = None
        self._tested = -1

    def __call__(self, ref: ModelRef, *, dtype: Dtype, adapter: Path | None = None) -> ServerEngine:
        """The model of `ref` on its server, `adapter` (a folder in peft's format) beside its weights, in `dtype`."""
        try:
            return self._opened(ref, dtype, adapter)
        except ServerGone as gone:
            raise HarnessError(f"the model server failed: {gone}; give the same command again") from gone

    def _opened(self, ref: ModelRef, dtype: Dtype, adapter: Path | None) -> ServerEngine:
        from harness.engine import chat, load_tokenizer

        folder = materialise(ref)
        config, generation = _configs(folder)
        rank = max(_rank(adapter), self._held[0].rank if self._held else 64)
        server = self._server(ServedModel(folder=folder, dtype=dtype, rank=rank, adapters=self._adapters))
        tokenizer = load_tokenizer(folder)
        engine = ServerEngine(
            server=server,
            tokenizer=tokenizer,
            dtype=dtype,
            block_count=int(config.num_hidden_layers),
            width=int(config.hidden_size),
            vocabulary=int(config.vocab_size),
            stop=chat.stop_ids(tokenizer, generation),
            longest=_longest(server),
            steers=_steers(server, dtype, config),
            adapter=None if adapter is None else _adapter(adapter),
            digest=ref.digest if adapter is None else "",
        )
        if engine.steers and self._tested != server.life:
            check_steering(engine)
            self._tested = server.life
        return engine

    def stop(self) -> None:
        """Ends the server that was started, if any: what it held is free."""
        if self._held is not None:
            self._held[1].stop()
        self._held, self._tested = None, -1

    def _server(self, model: ServedModel) -> ModelServer:
        if self._held is None or self._held[0] != model:
            self.stop()
            made: ModelServer
            if self.choice.environment is not None:
                made = LocalServer(self.choice.environment, model)
            else:
                assert self.choice.wire is not None
                made = RemoteServer(self.choice.wire, _base_of(self.choice.wire))
            self._held = model, made
        return self._held[1]


def _name_of(wire: Wire) -> str:
    """What a run's key has of a server that somebody else runs."""
    try:
        version = str((wire.get("/version") or {}).get("version", "unknown"))
        steering = f"+steering{VERSION}" if _report(wire) else ""
        served = re.sub(r"[^A-Za-z0-9._-]+", "_", _base_of(wire))
    except ServerGone as gone:
        raise HarnessError(f"no model server to be asked: {gone}; name the address of one that runs") from gone
    return f"vllm-{version}{steering}+{served[:60]}"


def _base_of(wire: Wire) -> str:
    """What the server calls the model that its adapters are of."""
    models = (wire.get("/v1/models") or {}).get("data", [])
    bases = [str(one["id"]) for one in models if not one.get("parent")]
    if not bases:
        raise HarnessError(f"the server at {wire.url} lists no model; name one of vLLM's")
    return bases[0]


def _report(wire: Wire) -> Any:
    """What the steering plugin of a server says; None where there is none."""
    try:
        return wire.get(STEERING)
    except Declined as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _steers(server: ModelServer, dtype: Dtype, config: Any) -> bool:
    """Whether the server has the plugin; HarnessError where it has another, or serves another model than is meant."""
    wire = server.reach()
    told = _report(wire)
    if told is None and isinstance(server, RemoteServer):
        return False
    if told is None or not told["armed"]:
        raise HarnessError(
            f"the steering plugin does not steer this model ({', '.join(config.architectures or ['no architecture'])}) "
            "in vLLM; leave out --engine to evaluate with torch"
        )
    wanted = {"plugin": VERSION, "blocks": config.num_hidden_layers, "width": config.hidden_size}
    wanted |= {"dtype": DTYPES[dtype]}
    for name, value in wanted.items():
        if told[name] != value:
            raise HarnessError(
                f"the model server has {name} {told[name]}, and the run needs {value}; name another server"
            )
    return True


def _longest(server: ModelServer) -> int:
    for one in server.reach().get("/v1/models")["data"]:
        if one["id"] == server.base and isinstance(one.get("max_model_len"), int):
            return int(one["max_model_len"])
    raise HarnessError(f"the model server does not say how many tokens {server.base!r} reads; it takes one of vLLM's")


def _configs(folder: Path) -> tuple[Any, Any]:
    """The config of a model's text part, and its settings of generation as transformers gives them to a model."""
    from transformers import AutoConfig, GenerationConfig

    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            if (folder / "generation_config.json").is_file():
                generation = GenerationConfig.from_pretrained(folder)
            else:
                generation = GenerationConfig.from_model_config(config)
    except Exception as error:
        raise HarnessError(f"cannot read the config of the model in {folder}: {gist(error)}; fetch it again") from error
    text = config.get_text_config()
    text.architectures = config.architectures
    return text, generation


def _adapter(folder: Path) -> ServedAdapter:
    try:
        name = digest_of([file_sha256(folder / file) for file in ADAPTER_FILES])
    except OSError as error:
        raise HarnessError(f"cannot read the adapter in {folder}: {error.strerror}; run the cell again") from error
    return ServedAdapter(name=name, folder=folder)


def _rank(adapter: Path | None) -> int:
    """The largest rank in an adapter; 0 without one."""
    if adapter is None:
        return 0
    told = read_adapter_config(adapter)
    ranks = [told.get("r", 0), *(told.get("rank_pattern") or {}).values()]
    return max((rank for rank in ranks if type(rank) is int), default=0)


def read_adapter_config(adapter: Path) -> Any:
    """What adapter_config.json of a folder says."""
    from harness.files import NotJson, parsed, read_text

    file, advice = adapter / ADAPTER_FILES[0], "move its run away and run the cell again"
    try:
        return parsed(read_text(file, what="the adapter", advice=advice))
    except NotJson as error:
        raise HarnessError(f"{error.place(file)}: {error.said}; {advice}") from None
