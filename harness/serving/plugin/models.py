"""The steered form of each architecture, made when vLLM asks this module for it by name."""

from __future__ import annotations

import importlib
from typing import Any

from . import FAMILIES
from .runners import arm_runner, model_state
from .steered import arm

_MADE: dict[str, type[Any]] = {}


def __getattr__(name: str) -> Any:
    if name not in FAMILIES:
        raise AttributeError(name)
    if name not in _MADE:
        module = importlib.import_module(f"vllm.model_executor.models.{FAMILIES[name]}")
        _MADE[name] = _steered(getattr(module, name))
    return _MADE[name]


def _steered(base: Any) -> type[Any]:
    def __init__(self: Any, *, vllm_config: Any, prefix: str = "", **named: Any) -> None:
        base.__init__(self, vllm_config=vllm_config, prefix=prefix, **named)
        # Not a module: what it holds are the layers' own buffers.
        object.__setattr__(self, "steering", arm(self, vllm_config))
        arm_runner()

    def get_model_state_cls(self: Any) -> type[Any]:
        return model_state()

    inside = {"__init__": __init__, "get_model_state_cls": get_model_state_cls, "__module__": __name__}
    # Under the architecture's own name: vLLM keys what it compiled by it, and the version tells the two apart.
    return type(base.__name__, (base,), inside)
