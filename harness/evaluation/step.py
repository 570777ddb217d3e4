"""The step that asks: an adapter, or the untrained model, to logs and replies.jsonl."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.cells import Prepared, asked, check_prompts, log_name
from harness.contracts import Condition
from harness.errors import HarnessError
from harness.evaluation.hosting import Advance, best_lanes, hosted, opener_of, release
from harness.evaluation.logs import is_there, read_replies_of
from harness.evaluation.tasks import evaluate
from harness.models import materialise
from harness.runs import REPLIES, Gate, RunRecord, Step, read_replies, template_gate, write_replies
from harness.screen import bar


def ask(cell: Prepared, record: RunRecord, folder: Path) -> RunRecord:
    """Asks the model of `cell` under every condition whose log is not there. The record with what that took.

    Its logs are complete afterwards, and replies.jsonl holds every reply: nothing has graded them yet. Where all of
    that is there already the record stays as it is.
    """
    began = time.monotonic()
    logs = {condition: folder / "logs" / log_name(condition) for condition in cell.conditions}
    missing = [condition for condition, log in logs.items() if not is_there(log, record)]
    if not missing and _are_stored(folder, record):
        return record
    written = _evaluate(cell, missing, record, folder) if missing else 0
    replies = [reply for log in logs.values() for reply in read_replies_of(log, record)]
    stored = write_replies(folder, replies)
    before = record.steps.get("evaluate", Step())
    took = replace(
        before,
        seconds=round((before.seconds or 0.0) + time.monotonic() - began, 2),
        tokens=(before.tokens or 0) + written,
        replies=_replies(cell, cell.conditions),
    )
    return replace(
        record,
        steps={**record.steps, "evaluate": took},
        gates={**record.gates, **_template(cell, record)},
        products={**record.products, REPLIES: stored},
    )


def _are_stored(folder: Path, record: RunRecord) -> bool:
    """Whether replies.jsonl is there, as the record knows it."""
    try:
        return "evaluate" in record.steps and read_replies(folder, record) is not None
    except HarnessError:
        return False  # they are in the logs


def _evaluate(cell: Prepared, conditions: Sequence[Condition], record: RunRecord, folder: Path) -> int:
    """Makes the logs of `conditions`, and says how many tokens were written."""
    from harness.engine import load_tokenizer

    check_prompts(replace(cell, conditions=tuple(conditions)), load_tokenizer(materialise(cell.model)))
    opener = opener_of(cell.cell.engine)
    # A server writes everything that is under way as one batch: no condition waits for another.
    lanes = best_lanes() if opener is None else len(conditions)
    with _counted(cell, conditions) as count, hosted(opener=opener, lanes=lanes, advance=count.advance):
        try:
            evaluate(
                cell.setting,
                conditions,
                scale=cell.cell.scale,
                recipe=cell.recipe,
                run=folder,
                digest=cell.key[:12],
                adapter=record.made.adapter_sha256 or "",
                logs=folder / "logs",
            )
        finally:
            release()
    return count.tokens


class _Count:
    """How many tokens were written, told on to a bar."""

    def __init__(self, tell: Advance) -> None:
        self.tokens, self._tell = 0, tell

    def advance(self, replies: int, tokens: int) -> None:
        self.tokens += tokens
        self._tell(replies, tokens)


@contextmanager
def _counted(cell: Prepared, conditions: Sequence[Condition]) -> Iterator[_Count]:
    with bar(f"evaluate {cell.title}", total=_replies(cell, conditions), unit="tok") as advance:
        yield _Count(lambda replies, tokens: advance(steps=replies, count=tokens))


def _replies(cell: Prepared, conditions: Sequence[Condition]) -> int:
    """How many replies `conditions` ask for."""
    cases = [asked(cell.setting, cell.cell.scale, condition) for condition in conditions]
    return cell.recipe.generation.samples * sum(len(some) for by_split in cases for some in by_split.values())


def _template(cell: Prepared, record: RunRecord) -> dict[str, Gate]:
    """Whether the model was asked in the format that it was trained in; nothing where it was not trained."""
    if record.made.template is None:
        return {}
    from harness.engine import chat, load_tokenizer

    asked_in = chat.template_digest(load_tokenizer(materialise(cell.model)), system=cell.recipe.system)
    return template_gate(asked=asked_in, trained=record.made.template)
