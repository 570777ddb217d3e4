"""What a finished log says, and how its replies are graded again: nothing is generated but what a grader is asked.

A log says which judges graded it, and in which version. Judges that ask a grader are in it only once one was named.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import inspect_ai
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import ModelConfig
from inspect_ai.scorer import Score

from harness import registry
from harness.cells import splits
from harness.contracts import Metric, Setting
from harness.errors import HarnessError
from harness.evaluation import Place, Wanted, beside, case_of, score_of, scorer_name, scorers, wanted
from harness.graders import ModelGrader, opened
from harness.judging import asking, compared, judge_versions, judged
from harness.runs import Check, Result, Stored
from harness.screen import progress

Graded = Mapping[str, str]
"""The judges that graded a log, each with its version."""

UNREAD = {"messages", "events", "store", "attachments", "timelines"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a log holds, each list by split, case and sample.

    `results` are the judged replies, metric by metric as the setting lists them; metrics whose judge asks a grader
    have none where no grader was asked. `checks` is what second judges said beside the first. `grader` is the model
    that graded and how it was asked, None where none was.
    """

    replies: list[Stored]
    results: list[Result]
    checks: list[Check]
    judges: Graded
    grader: dict[str, object] | None


def read(log_path: Path, setting: Setting) -> Contents:
    """What the log in `log_path` says; HarnessError when it cannot be read, or lacks a score of a judge it names."""
    log = read_log(log_path, exclude_fields=UNREAD)
    metadata = log.eval.metadata or {}
    condition, judges = str(metadata["condition"]), _judges(log)
    samples = sorted(log.samples or [], key=_place)
    return Contents(
        replies=_replies(samples, condition),
        results=_results(samples, setting, condition, judges, log_path),
        checks=_checks(samples, setting, condition, judges, log_path),
        judges=judges,
        grader=metadata.get("grader"),
    )


def _results(
    samples: Sequence[EvalSample], setting: Setting, condition: str, graded: Graded, log_path: Path
) -> list[Result]:
    return [
        _result(sample, metric, condition, log_path)
        for split in splits(setting)
        for metric in setting.metrics
        if metric.split == split and _has(metric.judge, graded)
        for sample in samples
        if sample.metadata["split"] == split
    ]


def _checks(
    samples: Sequence[EvalSample], setting: Setting, condition: str, graded: Graded, log_path: Path
) -> list[Check]:
    found = registry.installed()
    names = {judge: compared(setting, judge, found) for judge in setting.checks}
    metrics = {(m.split, m.judge, m.score): m.name for m in setting.metrics}
    return [
        Check(
            condition=condition,
            split=split,
            case=sample.metadata["case"],
            sample=sample.epoch,
            judge=judge,
            check=second,
            first={n: _value(sample, judge, split, metrics[split, judge, n], log_path) for n in names[judge]},
            second={n: _value(sample, second, split, n, log_path) for n in names[judge]},
        )
        for split in splits(setting)
        for judge, second in setting.checks.items()
        if all((split, judge, name) in metrics for name in names[judge])
        if _has(judge, graded) and _has(second, graded)
        for sample in samples
        if sample.metadata["split"] == split
    ]


def read_replies(log_path: Path) -> list[Stored]:
    """Every reply in a log, by case and sample, whatever it was graded by."""
    log = read_log(log_path, exclude_fields=UNREAD)
    return _replies(sorted(log.samples or [], key=_place), str((log.eval.metadata or {})["condition"]))


def _replies(samples: Sequence[EvalSample], condition: str) -> list[Stored]:
    return [
        Stored(
            condition=condition,
            split=sample.metadata["split"],
            sample=sample.epoch,
            case=case_of(sample.metadata, sample.input),
            reply=sample.output.completion,
        )
        for sample in samples
    ]


def regrade(log_path: Path, setting: Setting, *, grader: ModelGrader | None = None, again: bool = False) -> bool:
    """Grades the replies in a log again where its judges have changed since, or all when `again`; says whether it did.

    Judges that ask are asked of `grader`, where its log does not hold them from the same model. Without `grader` they
    keep their scores; those whose version changed are asked of the log's own grader. When a grader fails the log
    stays as it was, and what the grader said is kept.
    """
    header = read_log(log_path, header_only=True)
    found = registry.installed()
    graded, versions, own = _judges(header), judge_versions(setting, found), _grader_of(header)
    ask = set(asking(setting, found))
    stale = {name for name in ask & set(graded) if graded[name] != versions[name]}
    if grader is None and stale and own:
        grader = opened(own)
    due = _due(ask, graded, versions, grader, own, again)
    rules = {name: version for name, version in versions.items() if name not in ask}
    if not (again or due or any(graded.get(name) != version for name, version in rules.items())):
        return False
    log = read_log(log_path)
    given = {one.name: _kept(log, one) for one in wanted(setting) if one.judge.name in ask & set(graded) - due}
    if grader is not None and due:
        given |= asyncio.run(_asked(log, [one for one in wanted(setting) if one.judge.name in due], grader))
    done = inspect_ai.score(
        log, scorers(setting, given=given), action="overwrite", model="none/none", display="none", copy=False
    )
    now = rules | {name: versions[name] for name in ask if name in due or name in graded}
    done.eval.metadata = {**(done.eval.metadata or {}), "judges": now}
    if grader is not None and due:
        done.eval.metadata["grader"] = {"model": grader.name, "how": grader.how}
        done.eval.model_roles = {"grader": _config(grader)}
    with beside(log_path.parent) as part:
        write_eval_log(done, part / log_path.name)
        os.replace(part / log_path.name, log_path)
    return True


def _due(
    ask: set[str], graded: Graded, versions: Graded, grader: ModelGrader | None, own: str | None, again: bool
) -> set[str]:
    """The judges that `grader` is to be asked for. One grader graded a log: another one grades all of it."""
    if grader is None:
        return set()
    if again or own != grader.name:
        return ask
    return {name for name in ask if graded.get(name) != versions[name]}


async def _asked(log: EvalLog, judges: Sequence[Wanted], grader: ModelGrader) -> dict[str, dict[Place, Score]]:
    jobs = [(one, sample) for one in judges for sample in log.samples or [] if sample.metadata["split"] == one.split]
    scores: dict[str, dict[Place, Score]] = {one.name: {} for one in judges}
    if not jobs:
        return scores

    async def grade(one: Wanted, sample: EvalSample) -> None:
        reply = sample.output.completion
        verdict = await judged(one.judge, case_of(sample.metadata, sample.input), reply, grader)
        scores[one.name][_place(sample)] = score_of(one, verdict, reply)
        advance()

    title = f"grade {(log.eval.metadata or {}).get('setting')} {(log.eval.metadata or {}).get('condition')}"
    with progress.bar(title, total=len(jobs), unit="reply") as advance:
        async with grader:
            await asyncio.gather(*(grade(one, sample) for one, sample in jobs))
    return scores


def _kept(log: EvalLog, one: Wanted) -> dict[Place, Score]:
    return {
        _place(sample): (sample.scores or {})[one.name]
        for sample in log.samples or []
        if one.name in (sample.scores or {})
    }


def _config(grader: ModelGrader) -> ModelConfig:
    return ModelConfig(
        model=str(grader.model),
        config=grader.model.config,
        base_url=grader.model.explicit_base_url,
    )


def _grader_of(log: EvalLog) -> str | None:
    named = (log.eval.metadata or {}).get("grader")
    return str(named["model"]) if isinstance(named, Mapping) else None


def _place(sample: EvalSample) -> Place:
    return str(sample.id), sample.epoch


def _has(judge: str, graded: Graded) -> bool:
    return judge in graded or not registry.installed().judge(judge).grader


def _judges(log: EvalLog) -> dict[str, str]:
    return dict((log.eval.metadata or {}).get("judges", {}))


def _result(sample: EvalSample, metric: Metric, condition: str, path: Path) -> Result:
    return Result(
        condition=condition,
        split=metric.split,
        case=sample.metadata["case"],
        cluster=sample.metadata["cluster"],
        sample=sample.epoch,
        metric=metric.name,
        judge=metric.judge,
        score=metric.score,
        value=_value(sample, metric.judge, metric.split, metric.name, path),
    )


def _value(sample: EvalSample, judge: str, split: str, name: str, path: Path) -> float | None:
    score = (sample.scores or {}).get(scorer_name(judge, split))
    values = score.value if score is not None and isinstance(score.value, Mapping) else {}
    if name not in values:
        raise HarnessError(f"{path} has no {name!r} of {sample.id!r}; run the cell again with --force")
    value = values[name]
    return None if value is None else float(value)


def read_log(path: Path, *, header_only: bool = False, exclude_fields: set[str] | None = None) -> EvalLog:
    """The log in `path`; HarnessError when it cannot be read."""
    try:
        return read_eval_log(path, header_only=header_only, exclude_fields=exclude_fields)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        raise HarnessError(
            f"{path} is not a readable log: {type(error).__name__}: {first}; delete it and run the cell again"
        ) from error
