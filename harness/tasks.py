"""A condition as an Inspect task, judges as its scorers, and what a finished log says.

A folder of logs holds complete logs alone: an evaluation writes beside it and moves the log in at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
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
    Model,
    get_model,
)
from inspect_ai.scorer import Metric as Summary
from inspect_ai.scorer import SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.viewer import ViewerConfig

from harness import algebra, registry
from harness.batching import Advance, hosted
from harness.contracts import Case, Condition, Grader, Judge, Message, Recipe, Setting, Verdict
from harness.errors import HarnessError, unknown
from harness.prompts import with_prompt
from harness.provider import EvaluationError, HarnessAPI, note

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


def condition_task(
    setting: Setting, condition: Condition, *, scale: str, recipe: Recipe, limit: int | None = None
) -> Task:
    """The cases of every metric of `setting`, asked under `condition`; the first `limit` of each split, if given."""
    cases = [(split, case) for split in splits(setting) for case in setting.cases(split, CASE_SEED, scale)[:limit]]
    _check(setting, condition)
    drawn = recipe.generation
    return Task(
        name=setting.name,
        display_name=f"{setting.name} {condition}",
        dataset=MemoryDataset([_sample(setting, condition, split, case) for split, case in cases], name=setting.name),
        solver=replying(),
        scorer=_scorers(setting),
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
            "judges": judge_versions(setting),
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
    _check_grader(setting, grader)
    task = condition_task(setting, condition, scale=scale, recipe=recipe, limit=limit)
    target = logs / log_name(condition)
    with _beside(logs) as part, hosted(advance=advance):
        done = inspect_ai.eval(
            task,
            model=get_model(f"harness/{run}@{digest}", memoize=False),
            model_roles={"grader": grader} if grader else None,
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
    log = _read(log_path, exclude_fields={"messages", "events", "store", "attachments", "output", "timelines"})
    condition = str((log.eval.metadata or {})["condition"])
    samples = sorted(log.samples or [], key=lambda sample: (str(sample.id), sample.epoch))
    return [
        _result(sample, wanted.name, condition, setting, log_path)
        for split in splits(setting)
        for wanted in setting.metrics
        if wanted.split == split
        for sample in samples
        if sample.metadata["split"] == split
    ]


def regrade(log_path: Path, setting: Setting, *, grader: str | None = None) -> bool:
    """Grades the replies in a log again where its judges have changed since; says whether they had.

    Nothing is generated but what a grader is asked. Without `grader`, the log's own grader is asked.
    """
    header = _read(log_path, header_only=True)
    if _judges(header) == judge_versions(setting):
        return False
    _check_grader(setting, grader or (header.eval.model_roles or {}).get("grader"))
    graded = inspect_ai.score(
        _read(log_path),
        _scorers(setting),
        action="overwrite",
        model="none/none",
        model_roles={"grader": grader} if grader else None,
        display="none",
        copy=False,
    )
    graded.eval.metadata = {**(graded.eval.metadata or {}), "judges": judge_versions(setting)}
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
        known = registry.installed().setting(setting.name)
        api = get_model().api
        wanted = Condition.parse(condition)
        size = scale or (api.record.scale if isinstance(api, HarnessAPI) else "mini")
        made = condition_task(known, wanted, scale=size, recipe=known.recipe(size))
        if not isinstance(api, HarnessAPI):
            if wanted.kind == "vector":
                raise EvaluationError(
                    f"only a harness/RUN model can be steered, so {api.model_name} cannot run {condition!r}"
                )
            made.config = made.config.model_copy(update={"extra_body": None})
        return made

    return evaluation


def splits(setting: Setting) -> tuple[str, ...]:
    """The splits that the metrics of `setting` are over, each once; never `selection`, which chose the doses."""
    found = tuple(dict.fromkeys(wanted.split for wanted in setting.metrics))
    if "selection" in found:
        raise HarnessError(f"setting {setting.name!r} has a metric on the split 'selection', which no result may use")
    return found


def judge_versions(setting: Setting) -> dict[str, str]:
    """The version of every judge that `setting` uses, by name."""
    return {name: registry.installed().judge(name).version for name in sorted({m.judge for m in setting.metrics})}


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


@metric(scores="unreduced")
def told() -> Summary:
    """`mean` over the replies that the judge could tell, and which share of all replies was `judged`."""

    def summary(scores: list[SampleScore]) -> Value:
        values = [float(one.score.value) for one in scores if isinstance(one.score.value, int | float)]
        return {
            "mean": sum(values) / len(values) if values else math.nan,
            "judged": len(values) / len(scores) if scores else math.nan,
        }

    return summary


def _check(setting: Setting, condition: Condition) -> None:
    if condition.kind == "prompt" and condition.name not in setting.prompts:
        raise unknown("prompt", condition.name, setting.prompts)
    if condition.kind == "vector":
        algebra.check(condition.name, setting.vectors)


def _check_grader(setting: Setting, grader: object) -> None:
    asking = [name for name in judge_versions(setting) if registry.installed().judge(name).grader]
    if asking and not grader:
        raise HarnessError(f"judge {asking[0]!r} of setting {setting.name!r} asks a grader model, and none is named")


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
        messages = with_prompt(messages, setting.prompts[condition.name])
        metadata["question"] = [{"role": message.role, "content": message.content} for message in case.messages]
    return Sample(id=f"{split}/{case.id}", input=[_turn(message) for message in messages], metadata=metadata)


def _turn(message: Message) -> ChatMessage:
    if message.role == "system":
        return ChatMessageSystem(content=message.content)
    if message.role == "user":
        return ChatMessageUser(content=message.content)
    return ChatMessageAssistant(content=message.content)


def _scorers(setting: Setting) -> list[Scorer]:
    """One scorer per split and judge, so that a judge grades a reply once, whatever it promises."""
    pairs = dict.fromkeys((wanted.split, wanted.judge) for wanted in setting.metrics)
    return [_scorer(setting, split, registry.installed().judge(judge)) for split, judge in pairs]


def _scorer(setting: Setting, split: str, judge: Judge) -> Scorer:
    scores = {m.name: m.score for m in setting.metrics if (m.split, m.judge) == (split, judge.name)}

    @scorer(name=f"{judge.name}_of_{split}", metrics={name: [told()] for name in scores})
    def grading() -> Scorer:
        async def grade(state: TaskState, target: Target) -> Score | None:
            if state.metadata["split"] != split:
                return None
            reply = state.output.completion
            verdict = await _verdict(judge, _case(state), reply)
            return Score(
                value={name: verdict.scores[score] for name, score in scores.items()},
                answer=reply if len(reply) <= 200 else f"{reply[:199]}…",
                explanation=verdict.reason or "no reason given",
                metadata={"judge": judge.name, "version": judge.version},
            )

        return grade

    return grading()


async def _verdict(judge: Judge, case: Case, reply: str) -> Verdict:
    grader: Grader | None = _Grader(get_model(role="grader", required=True)) if judge.grader else None
    try:
        verdict = await judge.grade(case, reply, grader)
    except HarnessError:
        raise
    except Exception as error:
        raise EvaluationError(
            f"judge {judge.name!r} failed on case {case.id!r}: {type(error).__name__}: {error}"
        ) from error
    for name in judge.scores:
        if name not in verdict.scores or not math.isfinite(verdict.scores[name] or 0.0):
            seen = verdict.scores.get(name, "nothing")
            raise EvaluationError(
                f"judge {judge.name!r} gave {seen} as {name!r} for case {case.id!r}; a number or None"
            )
    return verdict


@dataclass(frozen=True, slots=True)
class _Grader:
    model: Model

    async def ask(self, prompt: str) -> str:
        return (await self.model.generate(prompt)).completion


def _case(state: TaskState) -> Case:
    asked = state.metadata.get("question")
    turns = asked or [{"role": turn.role, "content": turn.text} for turn in state.input if not isinstance(turn, str)]
    return Case(
        id=state.metadata["case"],
        messages=tuple(Message(turn["role"], turn["content"]) for turn in turns),
        facts=state.metadata["facts"],
        cluster=state.metadata["cluster"],
    )


def _complete(done: Sequence[EvalLog], expected: int, what: str) -> EvalLog:
    # Inspect turns Ctrl-C into an empty list.
    if not done or done[0].status == "cancelled":
        raise KeyboardInterrupt
    log = done[0]
    if log.error or log.status != "success":
        said = log.error.message if log.error else f"it ended with status {log.status!r}"
        raise HarnessError(f"evaluation of {what} failed: {next(iter(said.strip().splitlines()), 'no message')}")
    there = sum(sample.error is None for sample in log.samples or [])
    if there != expected:
        raise HarnessError(f"evaluation of {what} failed: {there} of {expected} replies are there")
    return log


def _result(sample: EvalSample, name: str, condition: str, setting: Setting, path: Path) -> Result:
    wanted = next(m for m in setting.metrics if m.name == name)
    values: dict[str, Any] = {}
    for score in (sample.scores or {}).values():
        if isinstance(score.value, Mapping):
            values.update(score.value)
    if name not in values:
        raise HarnessError(f"{path} has no value of {name!r} for {sample.id!r}; run the cell again with --force")
    return Result(
        condition=condition,
        split=wanted.split,
        case=sample.metadata["case"],
        cluster=sample.metadata["cluster"],
        sample=sample.epoch,
        metric=name,
        judge=wanted.judge,
        score=wanted.score,
        value=None if values[name] is None else float(values[name]),
    )


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
