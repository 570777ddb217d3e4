"""Steering of single requests inside vLLM. In vLLM's environment this folder is the package `harness_steering`.

It imports nothing of the harness, and vLLM only inside functions. A request that names a key in
`vllm_xargs={"steer": KEY}` has the vectors of the file KEY.safetensors added to the residual stream, at every
position; a request that names none gets row 0 of the same tables, which is zeros. So plain, steered and adapted
requests share one batch, one compiled program and one CUDA graph.

`cache_salt` of such a request must be its key: vLLM's cache of prefixes knows nothing of steering.
"""

from __future__ import annotations

VERSION = "1"
"""Raise with every change of what the server does: it is in the key of vLLM's cache of compiled programs."""

NAME = "harness_steering"
"""The package, its entry points, and its part of vLLM's `additional_config`."""

FOLDER = "HARNESS_STEERING_FOLDER"
"""The environment variable that names the folder of additions. Not in `additional_config`, which keys that cache."""

FAMILIES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3",
}
"""The architectures whose layers give (delta, residual), and the module of vLLM that has each."""


def register() -> None:
    """Has vLLM build the steered form of each architecture; called in each of its processes."""
    from vllm import ModelRegistry

    for architecture in FAMILIES:
        ModelRegistry.register_model(architecture, f"{__name__}.models:{architecture}")
