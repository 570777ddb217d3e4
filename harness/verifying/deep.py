"""What takes time: large files digested anew, logs read whole, and their replies and scores held to the stored ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import runs
from harness.cells import log_name
from harness.contracts import Condition
from harness.errors import HarnessError
from harness.files import content_sha256
from harness.runs import RunRecord


def check_weights(file: Path, sha256: str) -> None:
    """HarnessError where `file` has another digest, which is computed and not remembered."""
    seen = content_sha256(file)
    if seen != sha256:
        raise HarnessError(f"{file} has sha256 {seen[:12]}..., not {sha256[:12]}... as it was written")


def check_stored(folder: Path, record: RunRecord) -> None:
    """HarnessError where the stored replies are others than those in the logs."""
    stored = runs.read_replies(folder)
    if stored is None:
        return
    from harness import evaluation

    logged = [reply for log in _logs(folder, record) for reply in evaluation.read_replies_of(log, record)]
    texts = [
        {(one.condition, one.split, one.case.id, one.sample): one.reply for one in some} for some in (stored, logged)
    ]
    if texts[0] != texts[1]:
        other = [place for place in {**texts[0], **texts[1]} if texts[0].get(place) != texts[1].get(place)]
        first = ", ".join(map(str, other[0]))
        raise HarnessError(f"{folder / runs.REPLIES} and the logs differ in {len(other)} replies, first {first}")


def check_scores(folder: Path, record: RunRecord) -> None:
    """HarnessError where the logs that are there show other scores than the results have."""
    logs = _logs(folder, record)
    if not logs:
        return
    from harness import evaluation

    shown = {place: value for log in logs for place, value in evaluation.scores_in(log).items()}
    for one in runs.read_results(folder):
        place = (one.condition, one.split, one.case, one.sample, one.judge, one.metric)
        if place in shown and shown[place] != one.value:
            raise HarnessError(
                f"{folder / runs.RESULTS} has {one.value} for {', '.join(map(str, place))}, and its log {shown[place]}"
            )


def _logs(folder: Path, record: RunRecord) -> list[Path]:
    logs: Iterator[Path] = (folder / "logs" / log_name(Condition.parse(condition)) for condition in record.conditions)
    return [log for log in logs if log.is_file()]
