"""A finding: where something is not as it should be, what it is, and the way to have it made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

BY_REJUDGING = "results are made again from the replies: move what is wrong away and give 'harness rejudge'"
FROM_LOGS = "replies are made again from the logs: move replies.jsonl away and give 'harness rejudge'"
FROM_ADAPTER = (
    "logs are made again from the adapter: move the log, replies.jsonl and results.jsonl away and give the cell's "
    "'harness run' command again"
)
BY_TRAINING = "the cell is made again by training: move its folder away and give its 'harness run' command again"
BY_RUN = "the cell's 'harness run' command writes it again, once what is there is moved away"
BY_MEASURING = "tasks are asked again: move capabilities.json away and give 'harness run --capabilities' again"
BY_REJUDGING_BESIDE = "scores of other judges are made again from the replies by 'harness rejudge --judge'"
BY_EXTRACTION = "a vector is made again by extraction: move both of its files away and give 'harness vectors'"
BY_IMPORT = "an imported vector cannot be made again from what is here: restore it, or import it again"
BY_TRIALS = "a calibration is made again from its trials: move it away and give its 'harness calibrate' command again"
BY_NEXT = "it is made again before training: move it away, and the next 'harness run' that needs it makes it"
BY_PROMPTS = "prompts are tried again on the untrained model: move it away and give its 'harness prompts' command again"
CLEARED = "it is cleared by the next command that writes there"
NOT_AT_ALL = "it cannot be made again from what is here: restore it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something in `place` that is not as it should be, and how it is made `again`, or that it cannot be.

    `lacking` says that nothing is wrong but that it is not there: adapters and logs are taken away to save room.
    """

    place: Path
    what: str
    again: str
    lacking: bool = False


class Lacking(HarnessError):
    """A file that is not there."""


def found(place: Path, again: str, check: Callable[[], object]) -> list[Flaw]:
    """The finding of `check` where it stops with an error, with the way out that `again` says; else none."""
    try:
        check()
    except HarnessError as error:
        return [Flaw(place=place, what=str(error), again=again, lacking=isinstance(error, Lacking))]
    return []
