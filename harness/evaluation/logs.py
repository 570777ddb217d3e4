"""Inspect logs: the replies that are in them, and the scores that they show.

A folder of logs holds whole logs alone: what is being written lies beside it and moves in by one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import inspect_ai
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import ModelConfig
from inspect_ai.scorer import Score

from harness.cells import log_name
from harness.contracts import Condition
from harness.errors import HarnessError, gist
from harness.evaluation.scorers import Given, case_of, given_scorers, score_of
from harness.files import check_regular, inspect_home, unpacked_bytes
from harness.graders import ModelGrader
from harness.judging import JudgeOfSplit, Verdicts
from harness.runs import AskedGrader, Reply, RunRecord, Unfit, reply_of

UNREAD = {"messages", "events", "store", "attachments", "timelines"}
WAY_OUT = "move it away, and the cell's 'harness run' command makes it again"

UNPACKED_BYTES, UNPACKED_TIMES, SMALL_BYTES = 4 << 30, 200, 16 << 20
"""The most that a log may unpack to: so many bytes, and so many times its own size where that is more than a few MB."""


def read_replies_of(log_path: Path, of: RunRecord | None = None) -> list[Reply]:
    """Every reply in a log, by case and sample; HarnessError when it cannot be read.

    Unfit where it is not a log of the run that the record is `of`.
    """
    log = read_log(log_path, exclude_fields=UNREAD)
    if of is not None:
        _check_log(log, log_path, of)
    try:
        condition = (log.eval.metadata or {})["condition"]
        rows = [
            {
                "condition": condition,
                "split": sample.metadata["split"],
                "sample": sample.epoch,
                "case": asdict(case_of(sample.metadata, sample.input)),
                "reply": sample.output.completion,
            }
            for sample in sorted(log.samples or [], key=lambda sample: (str(sample.id), sample.epoch))
        ]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{log_path} is not a log of a run: {gist(error)}; {WAY_OUT}") from error
    return [reply_of(row, str(log_path), WAY_OUT) for row in rows]


def show_scores(
    log_path: Path,
    judges: Sequence[JudgeOfSplit],
    verdicts: Verdicts,
    *,
    versions: Mapping[str, str],
    asked: AskedGrader | None = None,
    grader: ModelGrader | None = None,
    of: RunRecord | None = None,
) -> None:
    """Writes into a log what `judges` said of its replies, in place of what it showed.

    A judge without verdicts keeps the scores that the log has of it, or stays out. `versions` are those of all judges
    that graded, `asked` says which grader was asked; `grader` is there where it was asked just now. A log that shows
    all of that already is left as it is, and one that is not `of` the run is refused.
    """
    log = read_log(log_path, exclude_fields=UNREAD)  # most often it shows them
    if of is not None:
        _check_log(log, log_path, of)
    shown = [one for one in judges if one.judge.name in verdicts or _is_shown(one, log.samples or [])]
    about = _about(log, versions, asked)
    if log.eval.metadata == about and _are_shown(log, shown, _given(log, verdicts)):
        return
    log = read_log(log_path)
    given = _given(log, verdicts)
    scorers = given_scorers(shown, given)
    with inspect_home():
        done = inspect_ai.score(log, scorers, action="overwrite", model="none/none", display="none", copy=False)
    done.eval.metadata = about
    if grader is not None:
        done.eval.model_roles = {"grader": _config(grader)}
    with beside(log_path.parent) as part:
        write_eval_log(done, part / log_path.name)
        os.replace(part / log_path.name, log_path)


def is_there(path: Path, of: RunRecord) -> bool:
    """Whether there is a log at `path`; HarnessError for one that cannot be read, or is not of this run."""
    if not path.is_file():
        return False
    _check_log(read_log(path, header_only=True), path, of)
    return True


def check_log(path: Path, of: RunRecord, *, whole: bool = False) -> None:
    """Unfit where the log at `path` is not the run's own, as its header says, or, if `whole` is read, its replies."""
    if whole:
        read_replies_of(path, of)
    else:
        is_there(path, of)


def scores_in(path: Path) -> dict[tuple[str, str, str, int, str, str], float | None]:
    """What a log shows, by condition, split, case, sample, judge and the name of the score."""
    log = read_log(path, exclude_fields=UNREAD)
    condition = str((log.eval.metadata or {})["condition"])
    shown: dict[tuple[str, str, str, int, str, str], float | None] = {}
    for sample in log.samples or ():
        split, case = sample.metadata["split"], sample.metadata["case"]
        for scorer, score in (sample.scores or {}).items():
            judge = scorer.removesuffix(f"_of_{split}")
            for name, value in score.value.items() if isinstance(score.value, dict) else ():
                told = float(value) if isinstance(value, int | float) else None
                shown[condition, split, case, sample.epoch, judge, name] = told
    return shown


def _check_log(log: EvalLog, path: Path, of: RunRecord) -> None:
    """Unfit where a log, whole or its header alone, is that of another run, adapter or condition, or not all of it."""
    about = log.eval.metadata or {}
    condition, digest = str(about.get("condition")), log.eval.model.rpartition("@")[2]
    expected = (log.eval.dataset.samples or 0) * (log.eval.config.epochs or 1)
    there = log.results.completed_samples if log.samples is None and log.results else len(log.samples or ())
    wrong = ""
    if digest != of.key[: len(digest)] or not digest:
        wrong = f"it is of the run {digest}"
    elif about.get("adapter") not in (None, "", of.made.adapter_sha256):
        wrong = "it is of another adapter than the run has now"
    elif condition not in (of.conditions or (condition,)) or log_name(Condition.parse(condition)) != path.name:
        wrong = f"it is of the condition {condition}"
    elif there != expected:
        wrong = f"it has {there} replies of {expected}"
    if wrong:
        raise Unfit(f"{path} does not belong to its run: {wrong}; {WAY_OUT}")


def read_log(path: Path, *, header_only: bool = False, exclude_fields: set[str] | None = None) -> EvalLog:
    """The log in `path`; HarnessError when it cannot be read."""
    check_regular(path, advice=WAY_OUT)
    try:
        _check_unpacked(path)
        return read_eval_log(path, header_only=header_only, exclude_fields=exclude_fields)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        raise HarnessError(f"{path} is not a readable log: {type(error).__name__}: {first:.200}; {WAY_OUT}") from error


def _check_unpacked(path: Path) -> None:
    """ValueError for a log that unpacks to more than any of ours does."""
    whole = unpacked_bytes(path)
    if whole > UNPACKED_BYTES or whole > max(UNPACKED_TIMES * path.stat().st_size, SMALL_BYTES):
        raise ValueError(f"it unpacks to {whole:,} bytes")


@contextlib.contextmanager
def beside(logs: Path) -> Iterator[Path]:
    """An empty folder beside `logs`, gone afterwards. What a killed run left in it is thrown away."""
    part = logs.parent / f".{logs.name}.part"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
    except OSError as error:
        raise HarnessError(f"cannot write logs to {logs}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _given(log: EvalLog, verdicts: Verdicts) -> Given:
    """The score of each reply in `log`: by the verdicts, or as the log has it of a judge that gave none."""
    condition = str((log.eval.metadata or {})["condition"])
    samples = {(str(sample.id), sample.epoch): sample for sample in log.samples or []}

    def given(one: JudgeOfSplit, sample_id: str, epoch: int) -> Score | None:
        sample = samples[sample_id, epoch]
        if one.judge.name not in verdicts:
            return (sample.scores or {}).get(one.name)
        verdict = verdicts[one.judge.name].get((condition, one.split, sample.metadata["case"], epoch))
        return None if verdict is None else score_of(one, verdict, sample.output.completion)

    return given


def _about(log: EvalLog, versions: Mapping[str, str], asked: AskedGrader | None) -> dict[str, object]:
    """What the log says of itself once `versions` have graded."""
    found = {**(log.eval.metadata or {}), "judges": dict(versions)}
    return found if asked is None else found | {"grader": {"model": asked.model, "how": asked.how}}


def _are_shown(log: EvalLog, judges: Sequence[JudgeOfSplit], given: Given) -> bool:
    """Whether the log shows what each of `judges` gave."""
    for sample in log.samples or []:
        for one in (one for one in judges if one.split == sample.metadata["split"]):
            now, then = given(one, str(sample.id), sample.epoch), (sample.scores or {}).get(one.name)
            if (now is None) != (then is None) or (now and then and now.value != then.value):
                return False
    return True


def _is_shown(one: JudgeOfSplit, samples: Sequence[EvalSample]) -> bool:
    return any(one.name in (sample.scores or {}) for sample in samples)


def _config(grader: ModelGrader) -> ModelConfig:
    return ModelConfig(
        model=str(grader.model),
        config=grader.model.config,
        base_url=grader.model.explicit_base_url,
    )
