"""Judges as Inspect scorers: one score per split and judge, and "cannot tell" kept apart from 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from inspect_ai.model import Model, get_model
from inspect_ai.scorer import Metric as Summary
from inspect_ai.scorer import SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from harness import registry
from harness.contracts import Case, Grader, Judge, Message, Setting, Verdict
from harness.errors import HarnessError
from harness.judging import compared, judge_versions, judged
from harness.provider import EvaluationError

ANSWER_CHARACTERS = 200


def scorers(setting: Setting) -> list[Scorer]:
    """One scorer per split and judge, so that a judge grades a reply once, whatever it promises."""
    found = registry.installed()
    pairs = dict.fromkeys((wanted.split, wanted.judge) for wanted in setting.metrics)
    grading = []
    for split, judge in pairs:
        scores = {m.name: m.score for m in setting.metrics if (m.split, m.judge) == (split, judge)}
        grading.append(_scorer(split, found.judge(judge), scores))
        if same := compared(setting, judge, found):
            grading.append(_scorer(split, found.judge(setting.checks[judge]), {name: name for name in same}))
    return grading


def scorer_name(judge: str, split: str) -> str:
    """How the scores that `judge` gives the replies of `split` are called in a log."""
    return f"{judge}_of_{split}"


def grader_model(setting: Setting, name: str | None) -> Model | None:
    """The model that the judges of `setting` may ask; HarnessError when one wants to ask and `name` is None."""
    found = registry.installed()
    asking = [judge for judge in judge_versions(setting, found) if found.judge(judge).grader]
    if name is None:
        if asking:
            where = f"judge {asking[0]!r} of setting {setting.name!r}"
            raise HarnessError(f"{where} asks a grader model, and none is named")
        return None
    try:
        return get_model(name)
    except Exception as error:
        raise HarnessError(f"grader {name!r} cannot be had: {' '.join(str(error).split())}") from error


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


def _scorer(split: str, judge: Judge, scores: Mapping[str, str]) -> Scorer:
    """Shows the score `scores[name]` of `judge` under each name."""

    @scorer(name=scorer_name(judge.name, split), metrics={name: [told()] for name in scores})
    def grading() -> Scorer:
        async def grade(state: TaskState, target: Target) -> Score | None:
            if state.metadata["split"] != split:
                return None
            reply = state.output.completion
            verdict = await _verdict(judge, _case(state), reply)
            return Score(
                value={name: verdict.scores[score] for name, score in scores.items()},
                answer=reply if len(reply) <= ANSWER_CHARACTERS else f"{reply[:ANSWER_CHARACTERS]}…",
                explanation=verdict.reason or "no reason given",
                metadata={"judge": judge.name, "version": judge.version},
            )

        return grade

    return grading()


async def _verdict(judge: Judge, case: Case, reply: str) -> Verdict:
    grader: Grader | None = _Grader(get_model(role="grader", required=True)) if judge.grader else None
    try:
        return await judged(judge, case, reply, grader)
    except HarnessError as error:
        raise EvaluationError(str(error)) from error


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
