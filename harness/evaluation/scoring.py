"""Judges as Inspect scorers: one score per split and judge, and "cannot tell" kept apart from 0."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessage, get_model, model_roles
from inspect_ai.scorer import Metric as Summary
from inspect_ai.scorer import SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from harness import registry
from harness.contracts import Case, Judge, Message, Setting, Verdict
from harness.errors import HarnessError
from harness.evaluation.provider import EvaluationError
from harness.graders import around
from harness.judging import compared, judged

ANSWER_CHARACTERS = 200


Place = tuple[str, int]
"""Which reply in a log: its sample's id and epoch."""

Given = Mapping[str, Mapping[Place, Score]]
"""Scores that are there already, by the scorer's name and the reply."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One judge on one split: which of its scores are shown, and under which names."""

    split: str
    judge: Judge
    scores: Mapping[str, str]

    @property
    def name(self) -> str:
        """How its scores are called in a log."""
        return scorer_name(self.judge.name, self.split)


def wanted(setting: Setting) -> list[Wanted]:
    """Every judge and second judge of `setting`, once per split, so that it grades a reply once, whatever it gives."""
    found = registry.installed()
    pairs = dict.fromkeys((metric.split, metric.judge) for metric in setting.metrics)
    judges = []
    for split, judge in pairs:
        scores = {m.name: m.score for m in setting.metrics if (m.split, m.judge) == (split, judge)}
        judges.append(Wanted(split, found.judge(judge), scores))
        if same := compared(setting, judge, found):
            judges.append(Wanted(split, found.judge(setting.checks[judge]), {name: name for name in same}))
    return judges


def scorers(setting: Setting, *, given: Given | None = None, role: bool = False) -> list[Scorer]:
    """One scorer for each judge and split; a judge that asks a grader is there only with scores `given`.

    With `role`, such a judge asks the model that Inspect was given as the role `grader`, and is silent without one.
    """
    there = given or {}
    return [
        _scorer(one, there.get(one.name))
        for one in wanted(setting)
        if one.name in there or not one.judge.grader or role
    ]


def score_of(one: Wanted, verdict: Verdict, reply: str) -> Score:
    """A verdict as Inspect shows it."""
    return Score(
        value={name: verdict.scores[score] for name, score in one.scores.items()},
        answer=reply if len(reply) <= ANSWER_CHARACTERS else f"{reply[:ANSWER_CHARACTERS]}…",
        explanation=verdict.reason or "no reason given",
        metadata={"judge": one.judge.name, "version": one.judge.version},
    )


def scorer_name(judge: str, split: str) -> str:
    """How the scores that `judge` gives the replies of `split` are called in a log."""
    return f"{judge}_of_{split}"


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


def _scorer(one: Wanted, given: Mapping[Place, Score] | None) -> Scorer:
    @scorer(name=one.name, metrics={name: [told()] for name in one.scores})
    def grading() -> Scorer:
        async def grade(state: TaskState, target: Target) -> Score | None:
            if state.metadata["split"] != one.split:
                return None
            if given is not None:
                return given[str(state.sample_id), state.epoch]
            if one.judge.grader and "grader" not in model_roles():
                return None
            reply = state.output.completion
            return score_of(one, await _verdict(one.judge, case_of(state.metadata, state.input), reply), reply)

        return grade

    return grading()


async def _verdict(judge: Judge, case: Case, reply: str) -> Verdict:
    try:
        grader = around(get_model(role="grader", required=True)) if judge.grader else None
        return await judged(judge, case, reply, grader)
    except HarnessError as error:
        raise EvaluationError(str(error)) from error


def case_of(metadata: Mapping[str, Any], asked: str | Sequence[ChatMessage]) -> Case:
    """The case behind a sample, as its setting wrote it."""
    turns = metadata.get("question") or [
        {"role": turn.role, "content": turn.text} for turn in asked if not isinstance(turn, str)
    ]
    return Case(
        id=metadata["case"],
        messages=tuple(Message(turn["role"], turn["content"]) for turn in turns),
        facts=metadata["facts"],
        cluster=metadata["cluster"],
    )
