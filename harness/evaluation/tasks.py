"""A condition as an Inspect task, and all conditions of a run evaluated, each in a log of its own.

No result comes from here, and a judge that stops costs no reply: the replies that are stored are graded later.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import inspect_ai
from inspect_ai import Epochs, Task, TaskSource
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, transcript
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.viewer import ViewerConfig

from harness import registry
from harness.authoring import algebra, with_prompt
from harness.calls import HOW
from harness.cells import asked, log_name, splits
from harness.contracts import Case, Condition, Message, Recipe, Setting
from harness.errors import HarnessError, gist, system_error, unknown, way_out
from harness.evaluation.hosting import Advance, hosted
from harness.evaluation.logs import beside
from harness.evaluation.provider import EvaluationError, HarnessAPI, note
from harness.evaluation.scorers import early_scorers, live_scorers
from harness.files import inspect_home
from harness.judging import judges_of, rule_judges

Display = Literal["none", "plain", "rich", "full", "log", "conversation"]


def condition_task(
    setting: Setting,
    condition: Condition,
    *,
    scale: str,
    recipe: Recipe,
    limit: int | None = None,
    scorers: Sequence[Scorer] = (),
) -> Task:
    """The cases that `setting` asks under `condition`, the first `limit` of each split, if given; `scorers` grade."""
    _check(setting, condition)
    cases = [(split, case) for split, some in asked(setting, scale, condition).items() for case in some[:limit]]
    drawn = recipe.generation
    return Task(
        name=setting.name,
        display_name=f"{setting.name} {condition}",
        dataset=MemoryDataset([_sample(setting, condition, split, case) for split, case in cases], name=setting.name),
        solver=replying(),
        scorer=list(scorers) or None,
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
            "judges": rule_judges(setting, registry.installed()),
        },
    )


def evaluate(
    setting: Setting,
    conditions: Sequence[Condition],
    *,
    scale: str,
    recipe: Recipe,
    run: Path,
    digest: str,
    logs: Path,
    adapter: str = "",
    limit: int | None = None,
    advance: Advance | None = None,
    display: Display = "none",
) -> list[Path]:
    """The logs of `setting` asked under each of `conditions`, in `logs`; they replace those that are there.

    While one condition is written, others are stored; a log is in `logs` as soon as it is whole, and shows what
    rules say of its replies, and of which `adapter` it is, by its digest.
    `advance(replies, tokens)` hears of each step. Ctrl-C raises KeyboardInterrupt; anything else that goes wrong
    under a condition is a HarnessError once the others are done, and leaves no log of that one.
    """
    if not conditions:
        return []
    scorers, tasks = early_scorers(judges_of(setting, registry.installed())), {}
    for one in conditions:
        tasks[str(one)] = task = condition_task(setting, one, scale=scale, recipe=recipe, limit=limit, scorers=scorers)
        task.model = get_model(f"harness/{run}@{digest}", memoize=False)
    expected = {name: len(task.dataset) * recipe.generation.samples for name, task in tasks.items()}
    about = {"run": run.name, "digest": digest, "adapter": adapter}
    with inspect_home(), beside(logs) as part, hosted(advance=advance) as lanes:

        async def keep(log: EvalLog) -> None:
            [name] = log.eval.tags or []
            if _fault(log, expected[name]) is None:
                os.replace(part / Path(log.location).name, logs / log_name(Condition.parse(name)))

        source = TaskSource.from_tasks(list(tasks.values()), task_complete=keep)
        done = _run_inspect(source, part, lanes=lanes, about=about, display=display)
        _check_all(done, expected, setting)
    return [logs / log_name(condition) for condition in conditions]


def inspect_task(setting: Setting) -> Callable[..., Task]:
    """The task by which `inspect eval harness/NAME -T condition=CONDITION` asks `setting`, graded as it goes.

    The scale is that of the run, unless -T scale=SCALE says another.
    """

    @inspect_ai.task(name=setting.name)
    def evaluation(condition: str = "clean", scale: str | None = None) -> Task:
        try:
            return _asked_by_inspect(registry.installed().setting(setting.name), Condition.parse(condition), scale)
        except HarnessError as error:
            raise EvaluationError(str(error)) from error

    return evaluation


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


def _run_inspect(
    source: TaskSource, folder: Path, *, lanes: int, about: Mapping[str, str], display: Display
) -> Sequence[EvalLog]:
    """Every task of `source` evaluated into `folder`, `lanes` at once and one more that is being stored."""
    try:
        return inspect_ai.eval(
            source,
            max_tasks=lanes + 1,
            metadata=dict(about),
            log_dir=str(folder),
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
    except EvaluationError:
        raise
    except PrerequisiteError as error:
        raise HarnessError(f"Inspect cannot begin in {folder}: {gist(error)}; {HOW}") from error


def _asked_by_inspect(setting: Setting, condition: Condition, scale: str | None) -> Task:
    api = get_model().api
    ours = isinstance(api, HarnessAPI)
    if condition.kind == "vector" and not ours:
        raise HarnessError(f"only a harness/RUN model can be steered, so {api.model_name} cannot run '{condition}'")
    size = scale or (api.respondent.scale if isinstance(api, HarnessAPI) else "mini")
    scorers = live_scorers(judges_of(setting, registry.installed()))
    task = condition_task(setting, condition, scale=size, recipe=setting.recipe(size), scorers=scorers)
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
    metadata: dict[str, object] = {
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


def _check_all(done: Sequence[EvalLog], expected: Mapping[str, int], setting: Setting) -> None:
    """KeyboardInterrupt unless every condition was ended, and HarnessError for the first that went wrong."""
    # Inspect turns Ctrl-C into an empty list, or leaves out what had not begun.
    if len(done) < len(expected) or any(log.status == "cancelled" for log in done):
        raise KeyboardInterrupt
    for log in done:
        [name] = log.eval.tags or []
        if fault := _fault(log, expected[name]):
            if cause := system_error(fault):
                advice = way_out(cause) or "run it again"
                raise HarnessError(f"cannot write the log of {setting.name} {name}: {cause.strerror}; {advice}")
            raise HarnessError(f"evaluation of {setting.name} {name} failed: {fault}")


def _fault(log: EvalLog, expected: int) -> str | None:
    """What is wrong with a log that should hold so many replies, in one line."""
    if log.error or log.status != "success":
        said = log.error.message if log.error else f"it ended with status {log.status!r}"
        return next(iter(said.strip().splitlines()), "no message")
    there = log.results.completed_samples if log.results else 0
    return None if there == expected else f"{there} of {expected} replies are there"
