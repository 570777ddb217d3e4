"""The step that calibrates: a setting, a scale and a model to a record of what was tried and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.calibrating.asked import Judged
from harness.calibrating.blocks import blocks_to_try
from harness.calibrating.rule import RULE, UNDOSED, Seen, Trial
from harness.calibrating.search import Found, Start, check_budget, search
from harness.calibrating.trials import SELECTION, Subject, answer, cell_of, dose_at, unmeasured, wanted
from harness.cells import Prepared, fitted, recipe_digest
from harness.contracts import SteeringDefault
from harness.errors import HarnessError
from harness.files import digest_of, locked
from harness.models import resolve
from harness.registry import installed
from harness.runs import (
    CalibrationRecord,
    TrialRecord,
    calibration_file,
    commit,
    read_calibration,
    versions,
    with_calibrations,
    write_calibration,
)
from harness.screen import say

SEEDS = (1000, 1001, 1002)
"""Training seeds that no result uses: the first that is taught on for the search, another to confirm its choice."""
BUDGET = 28
"""The trials that a search takes at most, where nobody says otherwise: all three blocks, each to its end."""
FORMAT = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A calibration's file and record, and whether anything was left to do."""

    file: Path
    record: CalibrationRecord
    fresh: bool


def subject_of(setting: str, *, scale: str, model: str, runs: Path) -> Subject:
    """What is to be calibrated; HarnessError where it cannot be, with what is lacking."""
    found = installed().setting(setting)
    recipe = found.recipe(scale)
    if recipe.steering is None or not found.vectors:
        raise HarnessError(f"setting {setting!r} has no dose of a vector at {scale}, so there is none to calibrate")
    trait = found.trait_at(scale)
    if installed().judge(trait.judge).grader:
        raise HarnessError(
            f"setting {setting!r} cannot be calibrated at {scale}: its trait {trait.name!r} is told by the judge "
            f"{trait.judge!r}, which asks a grader; name a scale whose trait is judged by rule"
        )
    try:
        cases = found.cases(SELECTION, 0, scale)
    except HarnessError as error:
        raise HarnessError(f"setting {setting!r} has no selection cases at {scale} ({error}); give it some") from error
    if not cases:
        raise HarnessError(f"setting {setting!r} has no selection cases at {scale}; give it some, in no other split")
    return Subject(setting=found, scale=scale, model=model or recipe.model, runs=runs)


def as_fitted(subject: Subject) -> Subject:
    """`subject` with what was calibrated for it, where anything was."""
    found = with_calibrations(installed(), subject.runs, [subject.setting.name])
    chosen = found.chosen_for(subject.setting.name, subject.scale, resolve(subject.model).digest)
    return replace(subject, setting=fitted(subject.setting, subject.scale, chosen))


def file_of(subject: Subject) -> Path:
    """Where the calibration of `subject` is kept."""
    return calibration_file(subject.runs, subject.setting.name, subject.scale, resolve(subject.model))


def calibrate(subject: Subject, *, budget: int = BUDGET, seeds: Sequence[int] = SEEDS) -> Calibrated:
    """Searches what is missing and records the choice; what was tried before is not tried again.

    HarnessError where the budget does not reach; the trials are kept. A record of the same inputs is given as it is.
    """
    file, start = file_of(subject), _start(subject, budget, seeds)
    first = Trial(arm="ps", seed=seeds[0], epochs=start.epochs, block=0, share=1.0)
    steered, _ = cell_of(first, subject)
    inputs = _inputs(subject, steered, budget, seeds)
    with locked(file):
        before = read_calibration(file)
        if before is not None and before.inputs == inputs:
            return Calibrated(file=file, record=before, fresh=False)
        start = replace(start, blocks=blocks_to_try(steered, subject))
        found = search(lambda trial: told(trial, subject), start)
        made = _record(subject, found, start, inputs)
        write_calibration(file, made)
    return Calibrated(file=file, record=made, fresh=True)


def outlined(subject: Subject, *, budget: int = BUDGET, seeds: Sequence[int] = SEEDS) -> list[str]:
    """What a calibration would do, in lines; nothing is trained."""
    start = _start(subject, budget, seeds)
    before = read_calibration(file_of(subject))
    cases = len(subject.setting.cases(SELECTION, 0, subject.scale))
    lines = [
        f"{subject.setting.name} at {subject.scale} for {subject.model}: at most {budget} cells, {start.epochs} epochs "
        f"each or what else teaches, seeds {', '.join(map(str, seeds))}, {cases} selection cases",
        f"trials are kept in {subject.root}, and none is done twice",
        *([before.said] if before is not None else []),
        *([_not_asked(subject, lost)] if (lost := unmeasured(subject)) else []),
    ]
    return [*lines, *(f"rule: {line}" for line in RULE)]


def _start(subject: Subject, budget: int, seeds: Sequence[int]) -> Start:
    """Where the search begins, its blocks left out; HarnessError where the budget is too small."""
    epochs = subject.recipe.epochs
    start = Start(seeds=tuple(seeds), blocks=(), epochs=epochs, wanted=wanted(subject), budget=budget)
    check_budget(start)
    return start


def told(trial: Trial, subject: Subject) -> Seen:
    """The answer to `trial`, said on stderr."""
    seen = answer(trial, subject)
    steered = f" {trial.share:.3g} at block {trial.block}"
    dose = steered if trial.block is not None else "" if trial.arm in UNDOSED else f" x{trial.share:.3g}"
    rates = ", ".join(f"{name} {rate_of(rate)}" for name, rate in {**seen.skills, **seen.breaking}.items())
    say(
        f"{trial.arm}{dose}, {trial.epochs} epochs, s{trial.seed}: trait {rate_of(seen.trait)}"
        f"{f', {rates}' if rates else ''}, {seen.judged} of {seen.n} judged"
    )
    return seen


def _inputs(subject: Subject, steered: Prepared, budget: int, seeds: Sequence[int]) -> str:
    """sha256 over all that decides the choice: a trial's own inputs, the recipe with its doses, rule and budget."""
    skills = wanted(subject)
    return digest_of(
        {
            "format": FORMAT,
            "trial": steered.key,
            "recipe": recipe_digest(subject.recipe),
            "rule": RULE,
            "asked": [skills.trait, dict(skills.skills), list(skills.overdose)],
            "budget": budget,
            "seeds": list(seeds),
        }
    )


def _record(subject: Subject, found: Found, start: Start, inputs: str) -> CalibrationRecord:
    steering = _steering(subject, found)
    return CalibrationRecord(
        setting=subject.setting.name,
        scale=subject.scale,
        model=resolve(subject.model).digest,
        reference=subject.model,
        recipe=recipe_digest(subject.recipe),
        inputs=inputs,
        outcome=found.outcome,
        said=_said(subject, found, steering),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rule=RULE,
        budget=start.budget,
        seeds=start.seeds,
        blocks=start.blocks,
        trials=tuple(map(_trial, found.trials)),
        epochs=found.epochs,
        steering=steering,
        overdose=_overdose(found),
        notes=tuple(_notes(subject, found)),
        versions=versions(),
        commit=commit(),
    )


def _steering(subject: Subject, found: Found) -> SteeringDefault | None:
    own = subject.recipe.steering
    if found.dose is None or found.dose.block is None or own is None:
        return None
    negative = found.negative.share if found.negative is not None else found.dose.share
    return dose_at(own, found.dose.block, found.dose.share, negative)


def _said(subject: Subject, found: Found, steering: SteeringDefault | None) -> str:
    """The outcome in a line."""
    what = f"{subject.setting.name} at {subject.scale} with {subject.model}"
    tried = f"{len(found.trials)} cells"
    if found.outcome == "no training":
        return f"calibrating {what}: no training taught what is asked ({found.why}; {tried})"
    if found.outcome == "no dose":
        return f"calibrating {what}: no dose suppresses with the skill kept ({found.why}; {tried})"
    assert steering is not None
    negative = f"{steering.neg_coef:.3g}" if found.negative is not None else "none that is sound"
    return (
        f"calibrated {what}: {found.epochs} epochs, {steering.coef:.3g} of the residual RMS at block "
        f"{steering.blocks[0]}, negative {negative} ({tried})"
    )


def _overdose(found: Found) -> str:
    if found.overdose is None:
        return ""
    return f"{found.overdose.trial.share:.3g}: {'; '.join(found.overdose.against)}"


def _notes(subject: Subject, found: Found) -> list[str]:
    notes = [_not_asked(subject, lost)] if (lost := unmeasured(subject)) else []
    if found.outcome == "chosen" and found.negative is None:
        notes.append("no negative dose was sound on every seed, so neg_ps stands at the dose of ps and means nothing")
    if found.outcome == "chosen" and found.overdose is None:
        notes.append("no dose that was tried at the chosen block broke the model")
    return notes


def _not_asked(subject: Subject, lost: Sequence[str]) -> str:
    return (
        f"no selection case of {subject.setting.name} asks for {', '.join(lost)}: these may be lost at a dose that is "
        "chosen here"
    )


def _trial(one: Judged) -> TrialRecord:
    trial, seen = one.trial, one.seen
    sign = -1 if trial.arm == "neg_ps" else 1
    return TrialRecord(
        arm=trial.arm,
        seed=trial.seed,
        key=seen.key,
        epochs=trial.epochs or None,
        block=trial.block,
        share=None if trial.block is None else sign * trial.share,
        trait=seen.trait,
        n=seen.n,
        judged=seen.judged,
        rates={**seen.skills, **seen.breaking},
        against=one.against,
    )


def rate_of(rate: float | None) -> str:
    """A rate as it is said, a dash where there is none."""
    return "-" if rate is None else f"{rate:.2f}"
