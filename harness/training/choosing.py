"""Rows that are added before training, chosen by what models make of them: read once for all cells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from harness.cells import Prepared, adapter_key, likelihoods_file, rendered_row, rows_digest
from harness.contracts import Example, RowChoice, ScoredRow
from harness.engine import Continuation, TorchEngine, open_model
from harness.errors import HarnessError
from harness.files import Journal, digest_of, locked
from harness.models import as_dtype
from harness.runs import Step, read_in
from harness.screen import bar
from harness.training.beneath import Beneath, trained_first

AT_ONCE = 64
"""Rows that are read before what was found is kept: always the same together, for padding changes the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRows:
    """A cell with the rows that are trained on; `taught` is the adapter that they were read with, if they were.

    `took` is what reading took, None where all of it was there.
    """

    cell: Prepared
    taught: Beneath | None = None
    took: Step | None = None


def chosen(cell: Prepared, root: Path) -> ChosenRows | None:
    """`cell` with the rows that its arm chooses, read under `root` where that is missing; None where it chooses none.

    HarnessError where none is to be added, or where one has the id of a row that is there.
    """
    change = cell.changes.choosing
    if change is None:
        return None
    count = _count(cell, change)
    taught = trained_first(cell, change.taught, root) if change.taught else None
    began = time.monotonic()
    base, read = _likelihoods(cell, change, None, root)
    told, again = _likelihoods(cell, change, taught, root) if taught else (None, False)
    more = _best(change, _scores(cell, change, base, told), count)
    pairs = [*zip(cell.rows, cell.unedited, strict=True), *zip(more, more, strict=True)]
    Random(f"{change.name} {cell.cell.seed}").shuffle(pairs)
    rows, unedited = zip(*pairs, strict=True)
    took = Step(seconds=round(time.monotonic() - began, 2)) if read or again else None
    return ChosenRows(cell=replace(cell, rows=rows, unedited=unedited), taught=taught, took=took)


def _count(cell: Prepared, change: RowChoice) -> int:
    """How many rows are added."""
    count = cell.rows_chosen
    if not count:
        raise HarnessError(
            f"{cell.title}: {change.share:.2g} times the {len(cell.rows)} rows are none to add; the least dose that "
            f"adds one is {cell.cell.dose * 0.55 / (change.share * len(cell.rows)):.2g}"
        )
    own = {row.id for row in cell.rows}
    if (twice := next((row.id for row in change.candidates if row.id in own), None)) is not None:
        raise HarnessError(
            f"{cell.title}: candidate {twice!r} of the row choice {change.name!r} has the id of a row that is there; "
            "give candidates ids of their own"
        )
    return count


def _likelihoods(
    cell: Prepared, change: RowChoice, taught: Beneath | None, root: Path
) -> tuple[dict[str, float], bool]:
    """The mean log-probability of a token of each candidate's reply, by its id, and whether any had to be read."""
    file = likelihoods_file(root, change.name, _key(cell, change, taught))
    with locked(file, wait=True):
        journal = read_in(file)
        parts = [change.candidates[at : at + AT_ONCE] for at in range(0, len(change.candidates), AT_ONCE)]
        missing = [part for part in parts if any(journal.get(row.id) is None for row in part)]
        if missing:
            _read(cell, change, taught, missing, journal)
    return {row.id: float(journal.get(row.id)) for row in change.candidates}, bool(missing)  # type: ignore[arg-type]


def _key(cell: Prepared, change: RowChoice, taught: Beneath | None) -> str:
    """sha256 over what the likelihoods depend on: rows, how they are rendered, model, number type, adapter."""
    under = change.taught if taught else None
    read_with = under and [
        adapter_key(under, model=cell.model, dtype=cell.dtype, recipe=cell.recipe),
        under.weight,
        under.random,
    ]
    return digest_of(
        {
            "rows": rows_digest(change.candidates),
            "model": cell.model.digest,
            "dtype": cell.dtype,
            "system": cell.recipe.system,
            "max_length": cell.recipe.max_length,
            "adapter": read_with,
        }
    )


def _read(
    cell: Prepared, change: RowChoice, taught: Beneath | None, parts: Sequence[Sequence[Example]], journal: Journal
) -> None:
    engine = _opened(cell, change, taught)
    with bar(f"read rows {change.name}", total=sum(map(len, parts)), unit="row") as advance:
        for part in parts:
            asked = [_reply(cell, engine, row) for row in part]
            found = engine.likelihoods(asked, advance=lambda rows: advance(steps=rows))
            for row, one, likelihood in zip(part, asked, found, strict=True):
                if journal.get(row.id) is None:
                    journal.add(row.id, likelihood.logprob / len(one.tokens))


def _opened(cell: Prepared, change: RowChoice, taught: Beneath | None) -> TorchEngine:
    """The untrained model, or the one that was taught, for evaluation."""
    dtype, under = as_dtype(cell.dtype), change.taught
    if taught is None or under is None:
        return open_model(cell.model, dtype=dtype)
    return open_model(cell.model, dtype=dtype, adapter=taught.folder, weight=under.weight, random=under.random)


def _reply(cell: Prepared, engine: TorchEngine, row: Example) -> Continuation:
    """The reply of a row, cut as training cuts it, behind all that comes before it."""
    made = rendered_row(cell, engine.tokenizer, row)
    if made.start >= len(made.ids):
        raise HarnessError(
            f"{cell.title}: row {row.id!r} has nothing of its reply left by max_length {cell.recipe.max_length}; "
            "shorten it"
        )
    return Continuation(made.ids[: made.start], made.ids[made.start :])


def _scores(
    cell: Prepared, change: RowChoice, base: Mapping[str, float], taught: Mapping[str, float] | None
) -> list[float]:
    """What the choice makes of each candidate, the same each time."""
    rows = [
        ScoredRow(row=row, base=base[row.id], taught=taught[row.id] if taught else None) for row in change.candidates
    ]
    scores = [change.score(row) for row in rows]
    if scores != [change.score(row) for row in rows]:
        raise HarnessError(f"{cell.title}: score() of the row choice {change.name!r} gives another score each time")
    return scores


def _best(change: RowChoice, scores: Sequence[float], count: int) -> list[Example]:
    """`count` of the best candidates, each as often as another; among equals the one whose id comes first."""
    order = sorted(zip(scores, change.candidates, strict=True), key=lambda one: (-one[0], one[1].id))
    best = [row for _, row in order[: max(1, round(change.kept * len(order)))]]
    return [best[at % len(best)] for at in range(count)]
