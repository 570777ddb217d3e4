"""What a steering adds to a model, block by block: arithmetic that is the same for every engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.authoring import algebra
from harness.checks import called_by
from harness.contracts import GradientChange, LossTerm, Steering, SteeringDefault
from harness.engine.interface import Engine, Vectors
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor


def additions(engine: Engine, wanted: Steering) -> dict[int, Tensor]:
    """What `wanted` adds to the output of each block it names, (hidden,) fp32."""
    value, lookup = _evaluated(engine, wanted.vector)
    blocks = engine.block_count
    rms = lookup(algebra.names(wanted.vector)[0]).rms
    chosen = chosen_blocks(wanted, blocks)
    if wanted.coef:
        _check_not_0(wanted.vector, value, chosen)
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


def directions(engine: Engine, wanted: Steering | GradientChange) -> dict[int, Tensor]:
    """The unit direction, (hidden,) fp32, of the expression that `wanted` names, at each block that it names."""
    value, _ = _evaluated(engine, wanted.vector)
    chosen = chosen_blocks(wanted, engine.block_count)
    _check_not_0(wanted.vector, value, chosen)
    return {block: value[block] / value[block].norm() for block in chosen}


def vectors_for(engine: Engine, wanted: Steering) -> dict[int, Tensor]:
    """What `wanted` adds at each block that it names, or the unit direction that it ablates there, (hidden,) fp32."""
    return directions(engine, wanted) if wanted.ablates else additions(engine, wanted)


def _evaluated(engine: Engine, vector: str) -> tuple[Tensor, Vectors]:
    """The expression `vector`, (blocks, hidden), and where the vectors in it come from."""
    if engine.vectors is None:
        raise HarnessError("this engine was opened without vectors")
    lookup, blocks = engine.vectors, engine.block_count
    value = algebra.evaluate(vector, lambda name: lookup(name).value)
    if value.shape[0] != blocks:
        raise HarnessError(
            f"vector {vector!r} has {value.shape[0]} blocks, the model {blocks}; "
            "it was made for another model: move it out of the vectors of these runs and run again"
        )
    return value, lookup


def _check_not_0(vector: str, value: Tensor, blocks: Sequence[int]) -> None:
    empty = [block for block in blocks if not float(value[block].norm())]
    if empty:
        raise HarnessError(
            f"vector {vector!r} is 0 at block {empty[0]}, so steering with it changes nothing there; "
            "name another vector or block"
        )


def relative(engine: Engine, wanted: Steering) -> float:
    """Norm of what is added over the residual RMS, the mean over the steered blocks: comparable across models."""
    added = additions(engine, wanted)
    assert engine.vectors is not None
    rms = engine.vectors(algebra.names(wanted.vector)[0]).rms
    shares = [float(vector.norm() / rms[block]) for block, vector in added.items()]
    return sum(shares) / len(shares)


def chosen_blocks(place: Steering | SteeringDefault | GradientChange | LossTerm, blocks: int) -> tuple[int, ...]:
    """The 0-based blocks that `place` means in a model of so many `blocks`."""
    what = called_by(place) if isinstance(place, LossTerm) else f"steering with {place.vector!r}"
    if place.blocks:
        outside = [block for block in place.blocks if not 0 <= block < blocks]
        if outside:
            raise HarnessError(f"{what} names block {outside[0]}, and this model has blocks 0 to {blocks - 1}")
        return tuple(place.blocks)
    if place.depth is None or not 0.0 <= place.depth <= 1.0:
        raise HarnessError(f"{what} names neither blocks nor a depth between 0 and 1")
    return (min(blocks - 1, round(place.depth * blocks)),)
