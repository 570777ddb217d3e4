"""A condition as an Inspect task, judges as its scorers, and what a finished log says.

A folder of logs holds complete logs alone: an evaluation writes beside it and moves the log in at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import inspect_ai
from inspect_ai import Epochs, Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, transcript, write_eval_log
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.viewer import ViewerConfig

from harness import algebra, registry
from harness.batching import Advance, hosted
from harness.contracts import Case, Condition, Message, Metric, Recipe, Setting
from harness.errors import HarnessError, system_error, unknown, way_out
from harness.judging import compared, judge_versions
from harness.prompts import with_prompt
from harness.provider import EvaluationError, HarnessAPI, note
from harness.runs import splits
from harness.scoring import grader_model, scorer_name, scorers

Display = Literal["none", "plain", "rich", "full", "log", "conversation"]

# Every cell of a setting answers the same cases, so that arms are compared case by case.
CASE_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One judged reply: a row of results.jsonl. `sample` counts from 1; `value` None is "cannot tell"."""

    condition: str
    split: str
    case: str
    cluster: str
    sample: int
    metric: str
    judge: str
    score: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One reply as two judges scored it: a row of checks.jsonl. `judge` gave `first`, and `check` gave `second`."""

    condition: str
    split: str
    case: str
    sample: int
    judge: str
    check: str
    first: Mapping[str, float | None]
    second: Mapping[str, float | None]


def condition_task(
    setting: Setting, condition: Condition, *, scale: str, recipe: Recipe, limit: int | None = None
) -> Task:
    """The cases of every metric of `setting`, asked under `condition`; the first `limit` of each split, if given."""
    _check(setting, condition)
    cases = [(split, case) for split in splits(setting) for case in setting.cases(split, CASE_SEED, scale)[:limit]]
    drawn = recipe.generation
    return Task(
        name=setting.name,
        display_name=f"{setting.name} {condition}",
        dataset=MemoryDataset([_sample(setting, condition, split, case) for split, case in cases], name=setting.name),
        solver=replying(),
        scorer=scorers(setting),
        epochs=Epochs(drawn.samples),
        config=GenerateConfig(
            max_tokens=drawn.max_tokens,
            temperature=drawn.temperature,
            top_p=drawn.top_p,
            # Inspect would start with 20 connections and probe for more; the provider's own limit sends all at once.
            adaptive_connections=False,
            extra_body=note(condition, expect=len(cases) * drawn.samples),
        ),
        tags=[str(condition)],
        # Text as it was written, not as Markdown: a tag in a prompt must not vanish from the page.
        viewer=ViewerConfig(trust_content=False),
        metadata={
            "setting": setting.name,
            "condition": str(condition),
            "scale": scale,
            "judges": judge_versions(setting, registry.installed()),
        },
    )


def evaluate(
    setting: Setting,
    condition: Condition,
    *,
    scale: str,
    recipe: Recipe,
    run: Path,
    digest: str,
    logs: Path,
    grader: str | None = None,
    limit: int | None = None,
    advance: Advance | None = None,
    display: Display = "none",
) -> Path:
    """The log of `setting` asked under `condition`, in `logs`; replaces the one that is there.

    `grader` names the model that judges may ask. `advance(replies, tokens)` hears of each step. Ctrl-C
    raises KeyboardInterrupt; anything else that goes wrong is a HarnessError, and leaves no log.
    """
    asked = grader_model(setting, grader)
    task = condition_task(setting, condition, scale=scale, recipe=recipe, limit=limit)
    target = logs / log_name(condition)
    with _beside(logs) as part, hosted(advance=advance):
        done = inspect_ai.eval(
            task,
            model=get_model(f"harness/{run}@{digest}", memoize=False),
            model_roles={"grader": asked} if asked else None,
            metadata={"run": run.name, "digest": digest},
            log_dir=str(part),
            log_format="eval",
            log_level="error",
            log_samples=True,
            log_realtime=False,
            display=display,
            score_display=False,
            fail_on_error=True,
            retry_on_error=0,
            ctl_server=False,
            cache=False,
        )
        log = _complete(done, len(task.dataset) * recipe.generation.samples, f"{setting.name} {condition}")
        os.replace(part / Path(log.location).name, target)
    return target


def read_results(log_path: Path, setting: Setting) -> list[Result]:
    """The judged replies in a log: by split and metric as the setting lists them, then by case and sample."""
    condition, samples = _graded(log_path)
    return [
        _result(sample, wanted, condition, log_path)
        for split in splits(setting)
        for wanted in setting.metrics
        if wanted.split == split
        for sample in samples
        if sample.metadata["split"] == split
    ]


def read_checks(log_path: Path, setting: Setting) -> list[Check]:
    """What second judges said of the replies in a log, beside the first: by split and judge, case and sample."""
    condition, samples = _graded(log_path)
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
        for sample in samples
        if sample.metadata["split"] == split
    ]


def regrade(log_path: Path, setting: Setting, *, grader: str | None = None) -> bool:
    """Grades the replies in a log again where its judges have changed since; says whether they had.

    Nothing is generated but what a grader is asked. Without `grader`, the log's own grader is asked.
    """
    header = _read(log_path, header_only=True)
    versions = judge_versions(setting, registry.installed())
    if _judges(header) == versions:
        return False
    its_own = not grader and "grader" in (header.eval.model_roles or {})
    asked = None if its_own else grader_model(setting, grader)
    graded = inspect_ai.score(
        _read(log_path),
        scorers(setting),
        action="overwrite",
        model="none/none",
        model_roles={"grader": asked} if asked else None,
        display="none",
        copy=False,
    )
    graded.eval.metadata = {**(graded.eval.metadata or {}), "judges": versions}
    with _beside(log_path.parent) as part:
        write_eval_log(graded, part / log_path.name)
        os.replace(part / log_path.name, log_path)
    return True


def inspect_task(setting: Setting) -> Callable[..., Task]:
    """The task by which `inspect eval harness/NAME -T condition=CONDITION` asks `setting`.

    The scale is that of the run, unless -T scale=SCALE says another.
    """

    @inspect_ai.task(name=setting.name)
    def evaluation(condition: str = "clean", scale: str | None = None) -> Task:
        try:
            return _asked_by_inspect(registry.installed().setting(setting.name), Condition.parse(condition), scale)
        except HarnessError as error:
            raise EvaluationError(str(error)) from error

    return evaluation


def log_name(condition: Condition) -> str:
    """The file name of a condition's log: `clean.eval`, `prompt-inoculation.eval`, `vector-reply@3.eval`."""
    spelled = str(condition).replace(":", "-", 1)
    safe = re.sub(r"[^A-Za-z0-9_.@+-]+", "_", spelled)
    return f"{safe}.eval" if safe == spelled else f"{safe}-{hashlib.sha256(spelled.encode()).hexdigest()[:6]}.eval"


@solver
def replying() -> Solver:
    """One reply to each sample, drawn with a seed of its own, and the exact text that was replied to."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        own = hashlib.sha256(f"{state.sample_id}/{state.epoch}".encode()).digest()
        state = await generate(state, seed=int.from_bytes(own[:4], "big"))
        if state.output.metadata:
            # The messages do not show what the chat template adds, such as a default system turn.
            transcript().info(state.output.metadata, source="harness")
        return state

    return solve


def _asked_by_inspect(setting: Setting, condition: Condition, scale: str | None) -> Task:
    api = get_model().api
    ours = isinstance(api, HarnessAPI)
    if condition.kind == "vector" and not ours:
        raise HarnessError(f"only a harness/RUN model can be steered, so {api.model_name} cannot run '{condition}'")
    size = scale or (api.record.scale if isinstance(api, HarnessAPI) else "mini")
    task = condition_task(setting, condition, scale=size, recipe=setting.recipe(size))
    if not ours:
        task.config = task.config.model_copy(update={"extra_body": None})
    return task


def _check(setting: Setting, condition: Condition) -> None:
    if "selection" in splits(setting):
        raise HarnessError(f"setting {setting.name!r} has a metric on the split 'selection', which no result may use")
    if condition.kind == "prompt" and condition.name not in setting.prompts:
        raise unknown("prompt", condition.name, setting.prompts)
    if condition.kind == "vector":
        algebra.check(condition.name, setting.vectors)


def _sample(setting: Setting, condition: Condition, split: str, case: Case) -> Sample:
    metadata: dict[str, Any] = {
        "split": split,
        "case": case.id,
        "cluster": case.cluster or case.id,
        "condition": str(condition),
        "facts": dict(case.facts),
    }
    messages = case.messages
    if condition.kind == "prompt":
        messages = with_prompt(messages, setting.prompts[condition.name], draw_by=case.id)
        metadata["question"] = [{"role": message.role, "content": message.content} for message in case.messages]
    return Sample(id=f"{split}/{case.id}", input=[_turn(message) for message in messages], metadata=metadata)


def _turn(message: Message) -> ChatMessage:
    if message.role == "system":
        return ChatMessageSystem(content=message.content)
    if message.role == "user":
        return ChatMessageUser(content=message.content)
    return ChatMessageAssistant(content=message.content)


def _graded(log_path: Path) -> tuple[str, list[EvalSample]]:
    """The condition of a log, and its samples by case and sample, without what was said."""
    log = _read(log_path, exclude_fields={"messages", "events", "store", "attachments", "output", "timelines"})
    samples = sorted(log.samples or [], key=lambda sample: (str(sample.id), sample.epoch))
    return str((log.eval.metadata or {})["condition"]), samples


def _complete(done: Sequence[EvalLog], expected: int, what: str) -> EvalLog:
    # Inspect turns Ctrl-C into an empty list.
    if not done or done[0].status == "cancelled":
        raise KeyboardInterrupt
    log = done[0]
    if log.error or log.status != "success":
        said = log.error.message if log.error else f"it ended with status {log.status!r}"
        if cause := system_error(said):
            raise HarnessError(f"cannot write the log of {what}: {cause.strerror}; {way_out(cause) or 'run it again'}")
        raise HarnessError(f"evaluation of {what} failed: {next(iter(said.strip().splitlines()), 'no message')}")
    there = sum(sample.error is None for sample in log.samples or [])
    if there != expected:
        raise HarnessError(f"evaluation of {what} failed: {there} of {expected} replies are there")
    return log


def _result(sample: EvalSample, wanted: Metric, condition: str, path: Path) -> Result:
    value = _value(sample, wanted.judge, wanted.split, wanted.name, path)
    return Result(
        condition=condition,
        split=wanted.split,
        case=sample.metadata["case"],
        cluster=sample.metadata["cluster"],
        sample=sample.epoch,
        metric=wanted.name,
        judge=wanted.judge,
        score=wanted.score,
        value=value,
    )


def _value(sample: EvalSample, judge: str, split: str, name: str, path: Path) -> float | None:
    score = (sample.scores or {}).get(scorer_name(judge, split))
    values: Mapping[str, Any] = score.value if score is not None and isinstance(score.value, Mapping) else {}
    if name not in values:
        raise HarnessError(f"{path} has no {name!r} of {sample.id!r}; run the cell again with --force")
    value = values[name]
    return None if value is None else float(value)


def _judges(log: EvalLog) -> object:
    return (log.eval.metadata or {}).get("judges")


def _read(path: Path, *, header_only: bool = False, exclude_fields: set[str] | None = None) -> EvalLog:
    try:
        return read_eval_log(path, header_only=header_only, exclude_fields=exclude_fields)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        raise HarnessError(
            f"{path} is not a readable log: {type(error).__name__}: {first}; delete it and run the cell again"
        ) from error


@contextlib.contextmanager
def _beside(logs: Path) -> Iterator[Path]:
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
