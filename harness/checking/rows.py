"""Findings about rows and questions: what is trained on, what is asked, and whether the two are kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.authoring import question_of
from harness.cells import Prepared, check_prompts, splits
from harness.checking.findings import Remark
from harness.contracts import Case, Message
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.engine import Row

FEWEST, FEW = 8, 30
"""Questions under which there is no verdict, and under which an interval is wider than most effects."""


def of_rows(cell: Prepared, rows: Sequence[Row]) -> Iterator[Remark]:
    """How long the rows are, how many lose their end, and how many are the same."""
    lengths = sorted(len(row.ids) for row in rows)
    taught = sum(map(sum, (row.loss for row in rows)))
    said = f"{len(rows):,} rows of {lengths[0]} to {lengths[-1]} tokens, {median(lengths):.0f} in the middle"
    yield Remark("ok", "training rows", f"{said}; {taught:,} tokens are trained on")
    cut = [row.id for row, made in zip(cell.rows, rows, strict=True) if made.truncated]
    if cut:
        most = f"longer than max_length {cell.recipe.max_length}, and lose their end: {_some(cut)}"
        yield Remark("warning", "training rows", f"{len(cut)} of {len(rows):,} are {most}; raise max_length")
    same = Counter(row.messages for row in cell.rows)
    if twice := sum(count - 1 for count in same.values()):
        yield Remark("warning", "training rows", f"{twice} are the same as another row; is that meant?")
    steps = cell.recipe.steps(len(cell.rows))
    if steps <= cell.recipe.warmup:
        advice = f"all {steps} steps are warm-up, so little is learned; train for longer, or lower warmup"
        yield Remark("warning", "training rows", advice)


def of_questions(cell: Prepared) -> Iterator[Remark]:
    """How many questions there are, and whether any of them was trained on."""
    trained = {_question(row.messages): row.id for row in cell.rows}
    for split in splits(cell.setting):
        cases = cell.setting.cases(split, cell.cell.seed, cell.cell.scale)
        yield _counted(split, cases)
        seen = [case.id for case in cases if _question(case.messages) in trained]
        if seen:
            said = f"{len(seen)} of {len(cases)} questions of {split} stand in the training rows too: {_some(seen)}"
            yield Remark("error", "questions", f"{said}; take them out of one")


def _counted(split: str, cases: Sequence[Case]) -> Remark:
    clusters = len({case.cluster or case.id for case in cases})
    told = f"{split}: {len(cases)} questions" + (f" about {clusters} problems" if clusters < len(cases) else "")
    if clusters < FEWEST:
        return Remark("warning", "questions", f"{told}; under {FEWEST} there is no verdict: ask more")
    if clusters < FEW:
        return Remark("note", "questions", f"{told}; under {FEW} intervals are wide")
    return Remark("ok", "questions", told)


def of_prompts(cell: Prepared, tokenizer: Any) -> Remark:
    """Whether the prompts that are put back reach the model through its chat template."""
    named = [condition.name for condition in cell.conditions if condition.kind == "prompt"]
    try:
        check_prompts(cell, tokenizer)
    except HarnessError as error:
        return Remark("error", "prompts", str(error))
    return Remark("ok", "prompts", f"{', '.join(named) or 'none'}: what is put back reaches the model")


def shown(row: Row, tokenizer: Any) -> tuple[tuple[str, bool], ...]:
    """A row as the model is given it, in pieces, each with whether it is trained on."""
    parts = groupby(zip(row.ids, row.loss, strict=True), key=lambda one: one[1])
    return tuple((tokenizer.decode([token for token, _ in part]), taught) for taught, part in parts)


def _question(messages: Sequence[Message]) -> str:
    """The last question of a chat, without what tells apart two spellings of it."""
    return " ".join(question_of(messages).casefold().split())


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
