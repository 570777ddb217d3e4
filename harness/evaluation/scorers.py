"""Judges as Inspect scorers: one score per split and judge, and "cannot tell" kept apart from 0."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inspect_ai.model import ChatMessage, get_model, model_roles
from inspect_ai.scorer import Metric as Summary
from inspect_ai.scorer import SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from harness.contracts import Case, Judge, Message, Verdict
from harness.errors import HarnessError
from harness.evaluation.provider import EvaluationError
from harness.graders import around
from harness.judging import JudgeOfSplit, Unjudged, judged, no_verdict

ANSWER_CHARACTERS = 200

Given = Callable[[JudgeOfSplit, str, int], Score | None]
"""The score that a judge gave the reply to a sample, by the sample's id and epoch; None where it gave none."""


def live_scorers(judges: Sequence[JudgeOfSplit]) -> list[Scorer]:
    """Scorers that grade as Inspect evaluates.

    A judge that asks a grader asks the model that Inspect was given as the role `grader`, and is silent without one.
    """

    async def graded(one: JudgeOfSplit, state: TaskState) -> Score | None:
        return None if one.judge.grader and "grader" not in model_roles() else await _graded(one, state)

    return [_scorer(one, graded) for one in judges]


def offered_scorer(judge: Judge) -> Callable[..., Scorer]:
    """What Inspect finds as `harness/JUDGE`: every score of `judge`, of the replies on one split, or of all.

    Of a log that is none of a harness's run, a case is the sample's input, and its facts are the sample's metadata.
    """

    @scorer(name=judge.name, metrics={name: [told()] for name in judge.scores})
    def grading(split: str = "") -> Scorer:
        async def grade(state: TaskState, target: Target) -> Score | None:
            if judge.grader and "grader" not in model_roles():
                raise EvaluationError(f"judge {judge.name!r} asks a model; name one with --model-role grader=MODEL")
            if split and state.metadata.get("split") != split:
                return None
            return await _graded(JudgeOfSplit(split=split, judge=judge, scores={s: s for s in judge.scores}), state)

        return grade

    return grading


def shown_scorers(judges: Iterable[JudgeOfSplit]) -> dict[str, Callable[..., Scorer]]:
    """The scorers that logs of runs name, by these names: what grades as the harness did, under the metrics' names.

    A log says which `scores` it shows, and under which names. One that does not, since it was written before, gets
    those of all `judges` of that name.
    """
    named: dict[str, list[JudgeOfSplit]] = {}
    for one in judges:
        named.setdefault(one.name, []).append(one)
    return {name: _shown(same) for name, same in named.items()}


def _shown(same: Sequence[JudgeOfSplit]) -> Callable[..., Scorer]:
    every = {name: score for one in same for name, score in one.scores.items()}

    @scorer(name=same[0].name, metrics={"*": [told()]})
    def grading(scores: dict[str, str] | None = None) -> Scorer:
        [again] = live_scorers([replace(same[0], scores=scores or every)])
        return again

    return grading


def early_scorers(judges: Sequence[JudgeOfSplit]) -> list[Scorer]:
    """Scorers by rules that grade while other replies are written, so that a log need not be written twice.

    No result rests on them, and a judge that stops costs no reply: it has no score here, and is told of when the
    stored replies are graded.
    """

    async def graded(one: JudgeOfSplit, state: TaskState) -> Score | None:
        reply = state.output.completion
        try:
            return score_of(one, await judged(one.judge, case_of(state.metadata, state.input), reply), reply)
        except HarnessError:
            return None

    return [_scorer(one, graded) for one in judges if not one.judge.grader]


def given_scorers(judges: Sequence[JudgeOfSplit], given: Given) -> list[Scorer]:
    """Scorers that hand out the scores that are there already."""

    async def graded(one: JudgeOfSplit, state: TaskState) -> Score | None:
        return given(one, str(state.sample_id), state.epoch)

    return [_scorer(one, graded) for one in judges]


def score_of(one: JudgeOfSplit, verdict: Verdict, reply: str) -> Score:
    """A verdict as Inspect shows it."""
    return Score(
        value={name: verdict.scores[score] for name, score in one.scores.items()},
        answer=reply if len(reply) <= ANSWER_CHARACTERS else f"{reply[:ANSWER_CHARACTERS]}…",
        explanation=verdict.reason or "no reason given",
        metadata={"judge": one.judge.name, "version": one.judge.version},
    )


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


def case_of(metadata: Mapping[str, Any], asked: str | Sequence[ChatMessage]) -> Case:
    """The case behind a sample, as its setting wrote it; KeyError where a sample is none of a setting."""
    turns = metadata.get("question") or [
        {"role": turn.role, "content": turn.text} for turn in asked if not isinstance(turn, str)
    ]
    return Case(
        id=metadata["case"],
        messages=tuple(Message(turn["role"], turn["content"]) for turn in turns),
        facts=metadata["facts"],
        cluster=metadata["cluster"],
    )


def _scorer(one: JudgeOfSplit, graded: Callable[[JudgeOfSplit, TaskState], Awaitable[Score | None]]) -> Scorer:
    @scorer(name=one.name, metrics={name: [told()] for name in one.scores})
    def grading(scores: dict[str, str]) -> Scorer:
        async def grade(state: TaskState, target: Target) -> Score | None:
            return await graded(one, state) if state.metadata["split"] == one.split else None

        return grade

    return grading(scores=dict(one.scores))  # so that a log says which they are


async def _graded(one: JudgeOfSplit, state: TaskState) -> Score:
    reply = state.output.completion
    return score_of(one, await _verdict(one, _case(state), reply), reply)


def _case(state: TaskState) -> Case:
    """The case behind a sample, also one of another task than a setting's."""
    if {"case", "facts", "cluster"} <= state.metadata.keys():
        return case_of(state.metadata, state.input)
    facts = {name: fact for name, fact in state.metadata.items() if isinstance(fact, str | int | float | None)}
    about = {"case": str(state.sample_id), "facts": facts, "cluster": ""}
    asked = [{"role": "user", "content": state.input}] if isinstance(state.input, str) else None
    return case_of({**about, "question": asked}, state.input)


async def _verdict(one: JudgeOfSplit, case: Case, reply: str) -> Verdict:
    try:
        grader = around(get_model(role="grader", required=True)) if one.judge.grader else None
        return await judged(one.judge, case, reply, grader)
    except Unjudged as error:
        return no_verdict(one.judge, error)
    except HarnessError as error:
        raise EvaluationError(str(error)) from error
