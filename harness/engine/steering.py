"""Changes to a model's residual stream, each a `with` block that leaves nothing behind.

A block is one decoder layer; its output is the residual stream that the next block reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import HarnessError


@dataclass(slots=True)
class Calls:
    """How often the hooks of a `with` block have fired. Zero after a forward pass means no steering happened.

    With `thread`, an identifier of `threading`, passes of other threads are neither changed nor counted. Whoever makes
    the passes may set the rest between them: `scale` times the change is made, at the positions where `where`,
    (batch, positions, 1), is 1, and none while `off`.
    """

    count: int = 0
    thread: int | None = None
    scale: float = 1.0
    where: Tensor | None = None
    off: bool = False


@contextmanager
def adding(
    blocks: Sequence[nn.Module], additions: Mapping[int, Tensor], *, this_thread: bool = False
) -> Iterator[Calls]:
    """Inside the block, `additions[i]`, (hidden,), is added at every position to the output of block i.

    Gradients flow through; the addition itself takes none. A forward pass that is run again (gradient
    checkpointing) is steered again, so the block must enclose backward too. With `this_thread`, only the passes of
    the thread that entered the block are steered, so that several threads can use one model, each in its own way;
    not for training, where backward may run elsewhere.
    """
    changes = {block: _adder(vector) for block, vector in _checked(blocks, additions).items()}
    with _hooked(blocks, changes, this_thread=this_thread) as calls:
        yield calls


@contextmanager
def ablating(blocks: Sequence[nn.Module], directions: Mapping[int, Tensor], *, share: float = 1.0) -> Iterator[Calls]:
    """Inside the block, the output of block i loses a `share` of its part along `directions[i]`, (hidden,).

    Concept ablation fine-tuning, as `type: ablate` in the public persona-vectors code.
    """
    checked = _checked(blocks, directions)
    if any(float(vector.norm()) == 0.0 for vector in checked.values()):
        raise HarnessError("a direction of norm 0 cannot be ablated")
    changes = {block: _remover(vector / vector.norm(), share) for block, vector in checked.items()}
    with _hooked(blocks, changes) as calls:
        yield calls


@contextmanager
def reading(
    blocks: Sequence[nn.Module], receive: Callable[[int, Tensor], None], *, at: Sequence[int] = ()
) -> Iterator[Calls]:
    """Inside the block, `receive(i, output)` gets the output, (batch, positions, hidden), of all blocks or those `at`.

    Hooks rather than `output_hidden_states`, whose last entry has been through the final norm.
    """

    def reader(block: int) -> Change:
        return lambda output, calls: receive(block, output)

    with _hooked(blocks, {block: reader(block) for block in at or range(len(blocks))}) as calls:
        yield calls


def decoder_blocks(model: nn.Module) -> nn.ModuleList:
    """The decoder blocks of a causal language model, in order; HarnessError when they cannot be told.

    The one `ModuleList` whose length is the config's number of hidden layers: true of Llama, Qwen 2 and
    3, Gemma 2 and 3 and Mistral, with or without an adapter around them.
    """
    config = getattr(model, "config", None)
    wanted = getattr(getattr(config, "text_config", config), "num_hidden_layers", None)
    lists = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == wanted and "vision" not in name
    ]
    if len(lists) != 1:
        raise HarnessError(
            f"cannot find the decoder blocks of {type(model).__name__}: {len(lists)} module lists have the "
            f"{wanted} layers that its config names; families known to work: Llama, Qwen, Gemma, Mistral"
        )
    return lists[0]


Change = Callable[[Tensor, Calls], Tensor | None]


@contextmanager
def _hooked(
    blocks: Sequence[nn.Module], changes: Mapping[int, Change], *, this_thread: bool = False
) -> Iterator[Calls]:
    calls = Calls(thread=threading.get_ident() if this_thread else None)
    with ExitStack() as stack:
        for block, change in changes.items():
            handle = blocks[block].register_forward_hook(_hook(change, calls))
            stack.callback(handle.remove)
        yield calls


def _hook(change: Change, calls: Calls) -> Callable[[nn.Module, Any, Any], Any]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        if calls.off or calls.thread not in (None, threading.get_ident()):
            return None
        calls.count += 1
        if isinstance(output, Tensor):
            return change(output, calls)
        changed = change(output[0], calls)
        return output if changed is None else (changed, *output[1:])

    return hook


def _adder(vector: Tensor) -> Change:
    ready: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def add(output: Tensor, calls: Calls) -> Tensor:
        key = (output.dtype, output.device)
        if key not in ready:
            _same_width(vector, output)
            ready[key] = vector.to(device=output.device, dtype=output.dtype)
        return output + _there(ready[key], calls)

    return add


def _remover(unit: Tensor, share: float) -> Change:
    def remove(output: Tensor, calls: Calls) -> Tensor:
        _same_width(unit, output)
        direction = unit.to(device=output.device, dtype=output.dtype)
        return output - _there((output @ direction).unsqueeze(-1) * (share * direction), calls)

    return remove


def _there(change: Tensor, calls: Calls) -> Tensor:
    """`change` as far as it is to be made now, at the positions that it is meant for."""
    scaled = change if calls.scale == 1 else change * calls.scale
    return scaled if calls.where is None else scaled * calls.where.to(change.dtype)


def _checked(blocks: Sequence[nn.Module], vectors: Mapping[int, Tensor]) -> dict[int, Tensor]:
    if not vectors:
        raise HarnessError("steering names no block")
    for block, vector in vectors.items():
        if not 0 <= block < len(blocks):
            raise HarnessError(f"this model has blocks 0 to {len(blocks) - 1}, not {block}")
        if vector.ndim != 1:
            raise HarnessError(f"a steering vector has shape (hidden,), not {tuple(vector.shape)}")
        if not bool(vector.isfinite().all()):
            raise HarnessError(f"the steering vector for block {block} has values that are not finite")
    return {block: vector.detach() for block, vector in vectors.items()}


def _same_width(vector: Tensor, output: Tensor) -> None:
    if vector.shape[0] != output.shape[-1]:
        raise HarnessError(
            f"the steering vector is {vector.shape[0]} wide, the model {output.shape[-1]}; "
            "it was made for another model: move it out of the vectors of these runs and run again"
        )
