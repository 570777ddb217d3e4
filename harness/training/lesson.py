"""What an arm changes of learning, ready for one model: tensors and token ids instead of names and chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from harness.cells import Changes, Prepared, rendered_row
from harness.contracts import Example, Steering
from harness.engine import Row, TorchEngine, chosen_blocks, directions, vectors_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is learned by beside rows and recipe; with nothing given, cross-entropy alone.

    `vectors`, (hidden,) by block, are added to the residual stream, or removed from it where `steering` says so.
    `changes` have their `loss_rows`, `loss_blocks` and `gradient_rows`, and their `directions`, (hidden,) by block;
    `held_out` are the rows by whose loss training ends.
    """

    steering: Steering | None = None
    vectors: Mapping[int, Tensor] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    loss_rows: Sequence[Row] = ()
    loss_blocks: tuple[int, ...] = ()
    gradient_rows: Sequence[Row] = ()
    directions: Mapping[int, Tensor] = field(default_factory=dict)
    held_out: Sequence[Row] = ()


def lesson_of(cell: Prepared, engine: TorchEngine) -> Lesson:
    """What `cell` changes of learning, for the model in `engine`. HarnessError for a proxy row that teaches nothing."""
    changes, steering = cell.changes, cell.steering
    loss, gradients = changes.loss, changes.gradients
    placed = loss is not None and {"hidden", "base_hidden"} & set(loss.needs)
    return Lesson(
        steering=steering,
        vectors=vectors_for(engine, steering) if steering is not None else {},
        changes=changes,
        loss_rows=_rows(cell, engine, loss.proxy if loss else ()),
        loss_blocks=chosen_blocks(loss, engine.block_count) if loss is not None and placed else (),
        gradient_rows=_rows(cell, engine, gradients.proxy if gradients else ()),
        directions=directions(engine, gradients) if gradients is not None and gradients.vector else {},
        held_out=_rows(cell, engine, changes.stopping.rows if changes.stopping else ()),
    )


def _rows(cell: Prepared, engine: TorchEngine, proxy: Sequence[Example]) -> list[Row]:
    return [rendered_row(cell, engine.tokenizer, row) for row in proxy]
