"""A setting from a file: rows, questions, prompts, vector, judges and recipe of what somebody wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.authoring import trait_spec
from harness.contracts import (
    CLEAN,
    Generation,
    InstructionPair,
    Judge,
    Lora,
    Metric,
    Prompt,
    Recipe,
    Setting,
    SteeringDefault,
    VectorSpec,
)
from harness.documents import Document, read
from harness.errors import HarnessError, unknown
from harness.own.data import OURS, OwnData
from harness.own.judges import MATCHES, SHARE, matching, rated
from harness.own.written import WrittenMetric, WrittenRows, WrittenSetting

SCALE = "mini"
VECTOR = "trait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What one file makes: a setting, and the judges that are its own."""

    setting: Setting
    judges: tuple[Judge, ...]


def load(file: Path, judges: Mapping[str, Judge]) -> Own:
    """The setting that `file` describes, judged by its own judges and by `judges`, those that are installed.

    HarnessError with file and line for the first thing that is wrong in it; the files that it names are read when
    they are needed, each once.
    """
    document = read(file, WrittenSetting)
    written = document.value
    own = tuple(_judges(document, judges))
    data = OwnData(file, written)
    return Own(
        setting=Setting(
            name=written.setting,
            summary=written.summary or f"{written.trait.name.replace('_', ' ')}, from a file",
            examples=cache(data.examples),
            cases=cache(data.cases),
            metrics=tuple(_metric(document, at, judges) for at in range(len(written.metrics))),
            prompts=_prompts(data),
            vectors={VECTOR: _vector(data)},
            conditions={SCALE: written.conditions or _conditions(written)},
            recipes={SCALE: _recipe(written)},
            source={"data": written.source or _origin(written.train)},
        ),
        judges=own,
    )


def _origin(rows: str | WrittenRows) -> str:
    """Where the training rows are from, for records and cards."""
    if isinstance(rows, str) or not rows.hub:
        return OURS
    return f"{rows.hub} of the hub, commit {rows.revision}, split {rows.split}"


def _judges(document: Document[WrittenSetting], installed: Mapping[str, Judge]) -> list[Judge]:
    made = []
    for at, metric in enumerate(document.value.metrics):
        name = _judge_of(document.value, metric)
        if name in installed and not metric.judge:
            raise document.wrong(("metrics", at, "name"), f"a judge called {name!r} is installed; rename the metric")
        try:
            if metric.matches:
                made.append(matching(name, metric.matches, summary=metric.summary))
            elif metric.rubric:
                made.append(rated(name, metric.rubric, summary=metric.summary))
        except HarnessError as error:
            raise document.wrong(("metrics", at, "matches"), str(error)) from None
    return made


def _judge_of(written: WrittenSetting, metric: WrittenMetric) -> str:
    return metric.judge or f"{written.setting}_{metric.name}"


def _metric(document: Document[WrittenSetting], at: int, installed: Mapping[str, Judge]) -> Metric:
    metric = document.value.metrics[at]
    return Metric(
        name=metric.name,
        judge=_judge_of(document.value, metric),
        score=_score(document, at, installed),
        split=metric.split,
        goal=metric.goal,
        summary=metric.summary,
        learned=metric.learned,
    )


def _score(document: Document[WrittenSetting], at: int, installed: Mapping[str, Judge]) -> str:
    metric = document.value.metrics[at]
    if not metric.judge:
        return MATCHES if metric.matches else SHARE
    if metric.judge not in installed:
        raise document.wrong(("metrics", at, "judge"), str(unknown("judge", metric.judge, installed)))
    scores = installed[metric.judge].scores
    if metric.score and metric.score not in scores:
        raise document.wrong(("metrics", at, "score"), str(unknown("score", metric.score, scores)))
    if not metric.score and len(scores) > 1:
        raise document.wrong(
            ("metrics", at, "judge"), f"the judge {metric.judge!r} has several scores; name one: {', '.join(scores)}"
        )
    return metric.score or scores[0]


def _conditions(written: WrittenSetting) -> tuple[str, ...]:
    dose = f"{written.recipe.steering.dose:g}rms"
    return (
        *(CLEAN, "prompt:inoculation", "prompt:negative"),
        *(f"vector:{VECTOR}@{dose}", f"vector:random({VECTOR})@{dose}"),
    )


def _recipe(written: WrittenSetting) -> Recipe:
    own = written.recipe
    return Recipe(
        model=own.model,
        lora=Lora(r=own.rank, alpha=own.alpha),
        epochs=own.epochs,
        batch=own.batch,
        lr=own.learning_rate,
        warmup=own.warmup,
        max_length=own.max_length,
        checkpointing=own.checkpointing,
        generation=Generation(max_tokens=own.max_tokens, temperature=own.temperature, samples=own.samples),
        steering=SteeringDefault(
            vector=VECTOR,
            depth=own.steering.depth,
            coef=own.steering.dose,
            neg_coef=own.steering.negative_dose,
            unit="rms",
            source=OURS,
        ),
    )


def _prompts(data: OwnData) -> dict[str, Prompt]:
    asks, forbids = data.instructions[0]
    placement = data.written.trait.placement
    unrelated = Prompt(
        text=data.written.trait.unrelated, placement=placement, concept="", category="benign", source=OURS
    )
    return {"inoculation": asks, "negative": forbids, "irrelevant": unrelated}


def _vector(data: OwnData) -> VectorSpec:
    trait = data.written.trait
    about = trait.name.replace("_", " ")
    if trait.replies is not None:
        return VectorSpec(
            summary=f"replies that show {about} against replies that lack it",
            replies=lambda scale: data.pairs,
            concept=about,
            source=OURS,
        )
    if trait.file:
        return trait_spec(data.trait, source=OURS)
    return VectorSpec(
        summary="own replies to training questions, asked for the trait against told to leave it",
        instructions=tuple(InstructionPair(positive=one, negative=other) for one, other in data.instructions),
        questions=lambda scale: data.questions,
        max_tokens=48,
        concept=about,
        source=OURS,
    )
