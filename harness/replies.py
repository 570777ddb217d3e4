"""Replies that a run has stored in its logs, with all that a judge may look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.log import EvalSample, read_eval_log

from harness.contracts import Case, Message
from harness.errors import HarnessError, gist

UNREAD = {"events", "store", "attachments", "timelines"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One reply: the log and sample that hold it, its split, and the case that it answers."""

    place: str
    split: str
    case: Case
    text: str


def stored(run: Path) -> Iterator[Stored]:
    """The replies in the logs of the run folder `run`: by log, then by case and sample."""
    for log in sorted((run / "logs").glob("*.eval")):
        try:
            samples = read_eval_log(log, exclude_fields=UNREAD).samples or []
        except Exception as error:
            raise HarnessError(f"{log} is not a readable log ({gist(error)}); delete it and run the cell") from error
        for sample in sorted(samples, key=lambda sample: (str(sample.id), sample.epoch)):
            yield _stored(log, sample)


def _stored(log: Path, sample: EvalSample) -> Stored:
    about = sample.metadata
    return Stored(
        place=f"{log}, sample {sample.id} {sample.epoch}",
        split=about["split"],
        case=Case(id=about["case"], messages=_asked(sample), facts=about["facts"], cluster=about["cluster"]),
        text=sample.output.completion,
    )


def _asked(sample: EvalSample) -> tuple[Message, ...]:
    """The case's own turns, without a prompt that a condition put back."""
    if own := sample.metadata.get("question"):
        return tuple(Message(turn["role"], turn["content"]) for turn in own)
    if isinstance(sample.input, str):
        return (Message("user", sample.input),)
    return tuple(Message(turn.role, turn.text) for turn in sample.input if turn.role != "tool")
