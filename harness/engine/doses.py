"""What a steering adds to a model, block by block: arithmetic that is the same for every engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.authoring import algebra
from harness.contracts import Steering
from harness.engine.interface import Engine
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor


def additions(engine: Engine, wanted: Steering) -> dict[int, Tensor]:
    """What `wanted` adds to the output of each block it names, (hidden,) fp32."""
    if engine.vectors is None:
        raise HarnessError("this engine was opened without vectors")
    lookup, blocks = engine.vectors, engine.block_count
    value = algebra.evaluate(wanted.vector, lambda name: lookup(name).value)
    if value.shape[0] != blocks:
        raise HarnessError(
            f"vector {wanted.vector!r} has {value.shape[0]} blocks, the model {blocks}; "
            "it was made for another model: move it out of the vectors of these runs and run again"
        )
    rms = lookup(algebra.names(wanted.vector)[0]).rms
    chosen = chosen_blocks(wanted, blocks)
    empty = [block for block in chosen if not float(value[block].norm())]
    if empty and wanted.coef:
        raise HarnessError(
            f"vector {wanted.vector!r} is 0 at block {empty[0]}, so steering with it changes nothing there; "
            "name another vector or block"
        )
    added = {
        block: value[block] * wanted.coef * (rms[block] / (value[block].norm() or 1.0) if wanted.unit == "rms" else 1.0)
        for block in chosen
    }
    for block, vector in added.items():
        if not math.isfinite(float(vector.norm())):
            raise HarnessError(
                f"{wanted.coef:g} times vector {wanted.vector!r} is more than a number can be at block {block}; "
                "choose a smaller coefficient or dose"
            )
    return added


def relative(engine: Engine, wanted: Steering) -> float:
    """Norm of what is added over the residual RMS, the mean over the steered blocks: comparable across models."""
    added = additions(engine, wanted)
    assert engine.vectors is not None
    rms = engine.vectors(algebra.names(wanted.vector)[0]).rms
    shares = [float(vector.norm() / rms[block]) for block, vector in added.items()]
    return sum(shares) / len(shares)


def chosen_blocks(wanted: Steering, blocks: int) -> tuple[int, ...]:
    """The 0-based blocks that `wanted` means in a model of so many blocks."""
    if wanted.blocks:
        outside = [block for block in wanted.blocks if not 0 <= block < blocks]
        if outside:
            raise HarnessError(
                f"steering with {wanted.vector!r} names block {outside[0]}, and this model has blocks 0 to {blocks - 1}"
            )
        return tuple(wanted.blocks)
    if wanted.depth is None or not 0.0 <= wanted.depth <= 1.0:
        raise HarnessError(f"steering with {wanted.vector!r} names neither blocks nor a depth between 0 and 1")
    return (min(blocks - 1, round(wanted.depth * blocks)),)
