"""What finished runs answer where nobody wrote claims: the same few claims of every arm, judged as those of a file are.

Each is held to the least difference that counts here, 10 points, and to the level of its family: all arms of a study.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis import ALIKE, PLAIN, Arm, Study, placebos_of, plain_of, untrained_of
from harness.claims.schema import TRAIT, TRIGGERS, Claim, ClaimFile, Claims, Comparison
from harness.claims.verdicts import Decision, judge_studies
from harness.contracts import CLEAN
from harness.registry import Registry
from harness.stats import Direction

LESS, KEPT, BEYOND, WAKES = "less", "kept", "beyond", "wakes"
PLACEBOS = "placebos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is decided of one arm, each None where it cannot be asked.

    `less`: in clean it shows less of the trait than plain training. `kept`: it has no skill that lies under that of
    plain training. `beyond`: it shows less of the trait than each of its placebos. `wakes`: what asks for the trait, or
    adds its vector, brings more of it back than it brings out of the untrained model.
    """

    arm: Arm
    less: Decision
    kept: Decision | None = None
    beyond: Decision | None = None
    wakes: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAnswers:
    """What the runs of one study answer: of every arm that changes training, placebos among them.

    `skills` are the metrics that `kept` is about. Where nothing can be asked there are no arms, and `lacking` says why.
    """

    study: Study
    skills: tuple[str, ...]
    arms: tuple[Answered, ...] = ()
    lacking: str = ""


def answers(found: Sequence[Study], registry: Registry) -> tuple[ArmAnswers, ...]:
    """An answer for every study, in order."""
    return tuple(_answer(study, registry) for study in found)


def _answer(study: Study, registry: Registry) -> ArmAnswers:
    skills = _skills(study)
    if lacking := _lacking(study):
        return ArmAnswers(study=study, skills=skills, lacking=lacking)
    arms = [arm for arm in study.arms if not arm.plain]
    asked = [(arm, kind, claim) for arm in arms for kind, claim in _claims(study, arm, skills)]
    file = ClaimFile(title="answers", source="the runs", claims=tuple(claim for _, _, claim in asked))
    decided = judge_studies(Claims(Path(), file, {}), [replace(study, epochs=0)], registry)
    by_arm: dict[str, dict[str, Decision]] = {}
    for (arm, kind, _), decision in zip(asked, decided, strict=True):
        by_arm.setdefault(arm.label, {})[kind] = decision
    return ArmAnswers(study=study, skills=skills, arms=tuple(Answered(arm=arm, **by_arm[arm.label]) for arm in arms))


def _lacking(study: Study) -> str:
    """Why nothing can be said of interventions, in a sentence; "" where something can."""
    if plain_of(study.arms) is None:
        return "Nothing can be said of interventions: plain training, the arm none, was not run."
    if study.trait not in study.metrics:
        return f"Nothing can be said of interventions: the trait{study.trait and f', {study.trait},'} was not measured."
    if not _is_share(study, study.trait):
        return f"Nothing is said of interventions in words: {study.trait} is no share from 0 to 1; see its table."
    if all(arm.plain for arm in study.arms):
        return "Only plain training was run: run an intervention beside it, such as ip or ps."
    return ""


def _is_share(study: Study, metric: str) -> bool:
    """Whether the metric is a share from 0 to 1 wherever it was judged, so that 10 points mean something."""
    return all(arm.replies(CLEAN, metric).are_rates for arm in study.arms)


def _skills(study: Study) -> tuple[str, ...]:
    """The metrics that training teaches and that are to stay, as far as they were measured and are shares."""
    taught = [one for one in study.known if one.goal == "keep" and one.taught(study.scale) and one.learned is not None]
    return tuple(one.name for one in taught if one.name in study.metrics and _is_share(study, one.name))


def _claims(study: Study, arm: Arm, skills: Sequence[str]) -> Iterator[tuple[str, Claim]]:
    def claim(kind: str, *parts: Comparison) -> tuple[str, Claim]:
        family = f"{kind}, {PLACEBOS}" if arm.control else kind
        named = f"{kind}: {arm.label}"
        return kind, Claim(
            name=named, setting=study.setting, says=kind, source="the runs", family=family, compare=parts
        )

    label = arm.label
    yield claim(LESS, _compared(label, PLAIN, "less"))
    if skills:
        yield claim(KEPT, *(_compared(PLAIN, label, "no more", metric=name) for name in skills))
    if placebos := placebos_of(arm, study.arms):
        yield claim(BEYOND, *(_compared(label, one.label, "less") for one in placebos))
    untrained = untrained_of(study.arms)
    if untrained is not None and len(study.conditions) > 1:
        asked = _compared(label, untrained.label, "more")
        yield claim(WAKES, asked.model_copy(update={"measure": "leak", "condition": TRIGGERS}))


def _compared(arm: str, against: str, direction: Direction, *, metric: str = TRAIT) -> Comparison:
    return Comparison(arm=arm, against=against, direction=direction, metric=metric, smallest=ALIKE)
