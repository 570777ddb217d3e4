"""What the runs of a study answer, in sentences: every word of them a verdict, or the figures that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.analysis import ALIKE, Table, grouped, plain_of
from harness.claims import Answered, ArmAnswers, Decision, answers, takes
from harness.contracts import CLEAN
from harness.registry import installed
from harness.reporting.numbers import interval, percent
from harness.reporting.section import Section
from harness.runs import PooledGate
from harness.stats import estimate

SHOWS_LESS, SLIGHT, NOT_LESS = "reproduced", "there, size open", ("contradicted", "there, too small to count")
UNKNOWN = ("inconclusive", "not run", "invalid")
POINTS = f"{100 * ALIKE:g} points"
WORDS = {
    "reproduced": "yes",
    "contradicted": "no",
    "there, size open": "yes, size open",
    "there, too small to count": "too little to count",
    "inconclusive": "open",
}
HEAD = ("arm", "less of the trait", "skills kept", "less than its placebo", "wakes when asked for")
REMEDIES = {
    "judge_could_tell": "read what it could not tell with 'inspect view', and ask for longer replies or another judge",
    "learned_": "train longer or at a higher rate, or let 'harness calibrate' look for the least training that teaches",
    "taught_": "run the untrained model, and ask questions to which it does not show the trait by itself",
    "absent_before_": "ask questions to which the untrained model does not show the trait by itself",
    "loss_went_down": "lower the learning rate, or train longer",
    "steered_every_step": "run it anew with --force",
    "same_template": "train and evaluate with one version of the tokenizer",
    "setting_known": "install the package of the setting",
}


def of_answers(tables: Sequence[Table]) -> list[Section]:
    """The answers of every table that has arms to answer for."""
    return [_section(one) for one in answers(tables, installed()) if not one.lacking]


def _section(answer: ArmAnswers) -> Section:
    """The answers arm by arm, and their sentences."""
    return Section(
        title=f"answers: {answer.study.setting}, {answer.study.scale}, {answer.study.model}",
        detail=f"against plain training, in clean; what counts is {POINTS}",
        head=HEAD,
        rows=tuple((one.arm.label, *map(_word, (one.less, one.kept, one.beyond, one.wakes))) for one in answer.arms),
        lines=sentences(answer),
        figures=False,
    )


def sentences(answer: ArmAnswers) -> tuple[str, ...]:
    """What the runs support, which arms cannot be told apart, and what it would take; no sentence without a verdict."""
    if answer.lacking:
        return (answer.lacking,)
    own = [one for one in answer.arms if not one.arm.control]
    placebos = [one for one in answer.arms if one.arm.control]
    return (*_suppressing(answer, own), *_placebos(own, placebos), *_waking(answer, own), *_unknown(own))


def remedy(gate: str) -> str:
    """What to change where the gate of this name did not hold; "" where nothing can be said."""
    return next((text for name, text in REMEDIES.items() if gate.startswith(name)), "")


def _word(decision: Decision | None) -> str:
    return "-" if decision is None else WORDS.get(decision.verdict, decision.verdict)


def _suppressing(answer: ArmAnswers, arms: Sequence[Answered]) -> Iterator[str]:
    """Who shows less of the trait, and at which price."""
    trait, skills = answer.study.trait, " and ".join(answer.skills)
    plain = plain_of(answer.study.arms)
    before = "" if plain is None else percent(estimate(plain.replies(CLEAN, trait)).mean)
    after = f"{before} after plain training"
    less = [one for one in arms if one.less.verdict == SHOWS_LESS]
    by_price = grouped(less, _price)
    told = {
        "kept": f"Suppresses {trait} ({after}) and keeps {skills}",
        "lost": f"Suppresses {trait} ({after}), but {skills} falls by {POINTS} or more",
        "open": f"Suppresses {trait} ({after}); whether {skills} is kept is open",
        "-": f"Suppresses {trait} ({after})",
    }
    for price in told:
        if same := by_price.get(price):
            yield _listed(told[price], same, _seen)
    if slight := [one for one in arms if one.less.verdict == SLIGHT]:
        yield _listed(f"Shows less {trait} than plain training, and whether by {POINTS} is open", slight, _seen)
    if none := [one for one in arms if one.less.verdict in NOT_LESS]:
        yield _listed(f"Does not suppress {trait} by {POINTS}", none, _seen)


def _price(one: Answered) -> str:
    if one.kept is None:
        return "-"
    return {"reproduced": "kept", "contradicted": "lost"}.get(one.kept.verdict, "open")


def _waking(answer: ArmAnswers, arms: Sequence[Answered]) -> Iterator[str]:
    """In whom the trait comes back when it is asked for."""
    trait = answer.study.trait
    asked = [one for one in arms if one.wakes is not None and not any(part.too_few for part in one.wakes.parts)]
    again = f"{trait} comes back when it is asked for or its vector is added, beyond the untrained model"
    for heading, verdicts in (
        (f"Leaves something that wakes: {again}", (SHOWS_LESS, SLIGHT)),
        (f"Leaves nothing that wakes by {POINTS}", NOT_LESS),
        (f"Whether {again}, is open", UNKNOWN[:1]),
    ):
        if same := [one for one in asked if one.wakes is not None and one.wakes.verdict in verdicts]:
            yield _listed(heading, same, lambda one: _change(one.wakes))


def _placebos(arms: Sequence[Answered], placebos: Sequence[Answered]) -> Iterator[str]:
    """Whether those who suppress the trait do more than their placebos."""
    less = [one for one in arms if one.less.verdict == SHOWS_LESS and one.beyond is not None]
    for heading, verdicts in (
        ("Does more than its placebo", (SHOWS_LESS, SLIGHT)),
        (f"Suppresses no more than its placebo, within {POINTS}", NOT_LESS),
        ("Whether it does more than its placebo is open", UNKNOWN[:1]),
    ):
        if same := [one for one in less if one.beyond is not None and one.beyond.verdict in verdicts]:
            yield _listed(heading, same, lambda one: _change(one.beyond))
    if same := [one for one in placebos if one.less.verdict == SHOWS_LESS]:
        yield _listed("A placebo that suppresses the trait by itself", same, _seen)


def _unknown(arms: Sequence[Answered]) -> Iterator[str]:
    """Of whom nothing can be said yet, and what it would take."""
    open_ = [one for one in arms if one.less.verdict in UNKNOWN]
    for why, same in grouped(open_, lambda one: _reason(one.less)).items():
        names = ", ".join(one.arm.label for one in same)
        yield f"Cannot be told from plain training: {names}: {why}."


def _reason(decision: Decision) -> str:
    if decision.verdict == "invalid":
        gates = dict.fromkeys(gate for part in decision.parts for gate in part.gates if gate.stops)
        return "; ".join(map(_gate, gates))
    if few := dict.fromkeys(part.too_few for part in decision.parts if part.too_few):
        return "; ".join(few)
    if decision.verdict == "not run":
        return decision.why
    told = (takes(part) for part in decision.parts if part.outcome == "open")
    return "; ".join(dict.fromkeys(told))


def _gate(gate: PooledGate) -> str:
    advice = remedy(gate.name)
    return f"{gate}; {advice}" if advice else str(gate)


def _listed(heading: str, arms: Iterable[Answered], figure: Callable[[Answered], str]) -> str:
    """`Suppresses it: ps (-41 [-50, -32]), ip (-30 [-40, -20])`, the greatest change first."""
    ordered = sorted(arms, key=lambda one: (_size(one.less), one.arm.label))
    return f"{heading}: {', '.join(f'{one.arm.label} ({figure(one)})' for one in ordered)}."


def _size(decision: Decision) -> float:
    found = decision.parts[0].estimate if decision.parts else None
    return 0.0 if found is None or found.mean is None else found.mean


def _seen(one: Answered) -> str:
    """The change of the trait, and of skills that fall."""
    lost = one.kept.parts if one.kept is not None and one.kept.verdict == "contradicted" else ()
    falls = [
        f"{part.compare.metric} {-100 * part.estimate.mean:+.0f}"
        for part in lost
        if part.estimate is not None and part.estimate.mean is not None and part.outcome == "excluded"
    ]
    doubts = [*one.less.doubts]
    return "; ".join([_change(one.less), *falls, *doubts])


def _change(decision: Decision | None) -> str:
    found = [part.estimate for part in decision.parts] if decision is not None else []
    told = [f"{100 * one.mean:+.0f} {interval(one, '+.0f')}".rstrip() for one in found if one and one.mean is not None]
    return ", ".join(told) or "-"
