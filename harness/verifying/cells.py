"""One cell checked: its record, and each file that it came to, held to what the record and the others know of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness import runs
from harness.cells import log_name
from harness.contracts import Condition
from harness.errors import HarnessError
from harness.files import check_plain, digest_of, read_rows
from harness.runs import RunRecord, TrainingRecord
from harness.verifying.deep import check_scores, check_stored, check_weights
from harness.verifying.findings import (
    BY_MEASURING,
    BY_REJUDGING,
    BY_REJUDGING_BESIDE,
    BY_RUN,
    BY_TRAINING,
    CLEARED,
    FROM_ADAPTER,
    FROM_LOGS,
    Flaw,
    Lacking,
    found,
)


def check_cell(folder: Path, *, deep: bool) -> list[Flaw]:
    """What is wrong with the cell in `folder`; `deep` reads all of it, its logs and weights too."""
    if linked := found(folder, BY_TRAINING, partial(check_plain, folder)):
        return linked
    file = folder / runs.RUN
    try:
        record = runs.read_run(folder)
    except HarnessError as error:
        return [Flaw(place=file, what=str(error), again=BY_TRAINING)]
    assert record is not None
    return [
        *found(file, BY_TRAINING, partial(runs.check_seal, folder)),
        *_trained(folder, record, deep=deep),
        *_evaluated(folder, record, deep=deep),
        *found(folder / runs.CAPABILITIES, BY_MEASURING, partial(runs.read_capabilities, folder, record)),
        *_beside(folder, record),
    ]


def check_whole(folder: Path) -> None:
    """HarnessError with the first thing that is wrong with the cell in `folder`, read whole; what is lacking is not."""
    for one in check_cell(folder, deep=True):
        if not one.lacking:
            raise HarnessError(one.what)


def _trained(folder: Path, record: RunRecord, *, deep: bool) -> list[Flaw]:
    """What is wrong with the rows, the losses and the adapter; nothing of a model that was not trained."""
    if not record.made.trains or (record.status != "done" and not runs.is_trained(folder)):
        return found(folder / runs.ROWS, BY_RUN, partial(_check_rows, folder, record)) if record.made.trains else []
    again = found(folder / runs.ROWS, BY_RUN, partial(_check_rows, folder, record))
    adapter = folder / runs.ADAPTER
    if not adapter.exists():
        what = f"{adapter} is lacking"
        return [*again, Flaw(place=adapter, what=what, again=BY_TRAINING, lacking=True)]
    try:
        made = runs.read_training(folder, record)
    except HarnessError as error:
        return [*again, Flaw(place=adapter, what=str(error), again=BY_TRAINING)]
    if deep:
        again += found(adapter, BY_TRAINING, partial(check_weights, adapter / runs.WEIGHTS, made.sha256))
    again += found(folder / runs.LOSSES, BY_TRAINING, partial(_check_losses, folder, made))
    checkpoint = folder / runs.CHECKPOINT
    if checkpoint.exists():
        again.append(Flaw(place=checkpoint, what=f"{checkpoint} is of no use: it is trained", again=CLEARED))
    return again


def _check_rows(folder: Path, record: RunRecord) -> None:
    """HarnessError where train.jsonl does not hold the rows that the key was made from."""
    file = folder / runs.ROWS
    if not file.is_file():
        raise Lacking(f"{file} is lacking")
    rows = [row for _, row in read_rows(file)]
    if (record.made.rows_sha256 or record.inputs.get("rows")) not in (None, digest_of(rows)):
        raise HarnessError(f"{file} does not hold the {len(rows)} rows that were trained on, but others")


def _check_losses(folder: Path, made: TrainingRecord) -> None:
    """HarnessError where loss.jsonl is not that of the training that `made` tells of."""
    file = folder / runs.LOSSES
    if not file.is_file():
        raise Lacking(f"{file} is lacking")
    rows = [row for _, row in read_rows(file)]
    if made.loss_sha256:
        check_weights(file, made.loss_sha256)
    losses = [row.get("loss") for row in rows]
    last = [loss for loss in losses[-3:] if isinstance(loss, int | float)]
    if len(losses) != made.steps:
        raise HarnessError(f"{file} has {len(losses)} steps, and {made.steps} were taken")
    if losses[0] != made.first_loss or not math.isclose(
        sum(last) / 3 if len(last) == 3 else made.last_loss, made.last_loss
    ):
        raise HarnessError(f"{file} has other losses than training.json")


def _evaluated(folder: Path, record: RunRecord, *, deep: bool) -> list[Flaw]:
    """What is wrong with the logs, the replies and the results, each made again from what is whole before it."""
    logs = list(_logs(folder, record, deep=deep))
    done = record.status == "done"
    from_logs = FROM_LOGS if not logs and _are_there(folder, record) else FROM_ADAPTER
    replies = found(folder / runs.REPLIES, from_logs, partial(_check_replies, folder, record, needed=done))
    if deep and not logs and not replies and _are_there(folder, record):
        replies = found(folder / runs.REPLIES, from_logs, partial(check_stored, folder, record))
    again = BY_REJUDGING if not replies else from_logs
    results = found(folder / runs.RESULTS, again, partial(_check_results, folder, record, needed=done))
    checks = found(folder / runs.CHECKS, again, partial(runs.read_checks, folder, record))
    if deep and not logs and not results:
        results = found(folder / runs.RESULTS, again, partial(check_scores, folder, record))
    return [*logs, *replies, *results, *checks]


def _logs(folder: Path, record: RunRecord, *, deep: bool) -> Iterator[Flaw]:
    """The logs that are not the cell's own, or lacking while others are there: some are taken away to save room."""
    there = sorted((folder / "logs").glob("*.eval"))
    if not there:
        return
    from harness import evaluation

    for log in there:
        yield from found(log, FROM_ADAPTER, partial(evaluation.check_log, log, record, whole=deep))
    names = {log.name for log in there}
    for condition in record.conditions if record.status == "done" else ():
        name = log_name(Condition.parse(condition))
        if name not in names:
            place = folder / "logs" / name
            yield Flaw(place=place, what=f"{place} is lacking", again=FROM_ADAPTER, lacking=True)


def _are_there(folder: Path, record: RunRecord) -> bool:
    """Whether there is a log of every condition that the record knows."""
    names = [log_name(Condition.parse(condition)) for condition in record.conditions]
    return bool(names) and all((folder / "logs" / name).is_file() for name in names)


def _check_replies(folder: Path, record: RunRecord, *, needed: bool) -> None:
    if runs.read_replies(folder, record) is None and needed and runs.REPLIES in record.products:
        raise Lacking(f"{folder / runs.REPLIES} is lacking")


def _check_results(folder: Path, record: RunRecord, *, needed: bool) -> None:
    """HarnessError where results are lacking, or are of other replies than those that are stored."""
    results = runs.read_results(folder, record)
    if not results and needed:
        raise HarnessError(f"{folder / runs.RESULTS} is lacking or empty")
    replies = runs.read_replies(folder)
    if replies is None:
        return
    given = {(one.condition, one.split, one.case.id, one.sample) for one in replies}
    scored = {(one.condition, one.split, one.case, one.sample) for one in results}
    if alone := scored - given:
        raise HarnessError(f"{folder / runs.RESULTS} scores {', '.join(map(str, min(alone)))}, which is no reply of it")


def _beside(folder: Path, record: RunRecord) -> list[Flaw]:
    """What is wrong with the scores of judges that graded beside the results."""
    files = sorted((folder / "judgements").glob("*.jsonl"))
    return [one for file in files for one in found(file, BY_REJUDGING_BESIDE, partial(_check_beside, file, record))]


def _check_beside(file: Path, record: RunRecord) -> None:
    rows = [row for _, row in read_rows(file)]
    runs.check_product(file, rows, record, way_out="move it away")
    places = [json.dumps([row.get(name) for name in ("condition", "split", "case", "sample")]) for row in rows]
    replies = runs.read_replies(file.parent.parent)
    given = {json.dumps([one.condition, one.split, one.case.id, one.sample]) for one in replies or ()}
    if len(set(places)) != len(places) or (replies is not None and set(places) != given):
        raise HarnessError(f"{file} has not one row for each reply: {len(rows)} rows, {len(given)} replies")
