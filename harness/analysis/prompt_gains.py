"""What prompts were found to do before training, beside what the arms that trained with them suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.analysis.arms import Arm, plain_of
from harness.analysis.doses import by_seed
from harness.analysis.results import Run
from harness.analysis.studies import Study
from harness.contracts import CLEAN
from harness.runs import PromptCard

LEAST = 3
"""Arms that a line is drawn through; through two there is always one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPoint:
    """An arm that trained with a prompt: its `gain` in nats, and how far the trait lies below plain training's.

    Both are means over the `seeds` that have a card, the arm and plain training.
    """

    arm: str
    prompt: str
    gain: float
    suppression: float
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFit:
    """The line of suppression over gain through `points`: its slope a nat, with a 95 % t interval over arms, and R^2.

    The last four are None with fewer than three points, or with points of one gain.
    """

    points: tuple[PromptPoint, ...]
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    explained: float | None = None


def prompt_fit(study: Study, cards: Sequence[PromptCard]) -> PromptFit | None:
    """The prompt arms of `study` that have a card, and the line through them; None where there are none."""
    plain = plain_of(study.arms)
    if plain is None or not study.trait or not cards:
        return None
    points = tuple(point for arm in study.arms if (point := _point(study, arm, plain, cards)) is not None)
    return _fitted(points) if points else None


def _point(study: Study, arm: Arm, plain: Arm, cards: Sequence[PromptCard]) -> PromptPoint | None:
    if arm.plain:
        return None
    before, after = (by_seed(one.replies(CLEAN, study.trait)) for one in (plain, arm))
    found = [
        (seed, *told, before[seed] - after[seed])
        for run in arm.runs
        if (seed := run.cell.seed) in before and seed in after
        if (told := _gain(run, cards)) is not None
    ]
    if not found:
        return None
    return PromptPoint(
        arm=arm.label,
        prompt=found[0][1],
        gain=fmean(gain for _, _, gain, _ in found),
        suppression=fmean(less for *_, less in found),
        seeds=tuple(seed for seed, *_ in found),
    )


def _gain(run: Run, cards: Sequence[PromptCard]) -> tuple[str, float] | None:
    """The prompt on a card, and its gain, of just the rows that a run was trained on, if it changed nothing else."""
    if "changes" in run.inputs or run.inputs.get("steering"):
        return None
    of = (run.cell.setting, run.record.model_digest, run.cell.seed)
    prompts = [one for card in cards if (card.setting, card.model, card.seed) == of for one in card.prompts]
    return next(((one.name or one.text, one.gain) for one in prompts if one.edited == run.inputs.get("rows")), None)


def _fitted(points: tuple[PromptPoint, ...]) -> PromptFit:
    gains, less = [one.gain for one in points], [one.suppression for one in points]
    if len(points) < LEAST or len(set(gains)) == 1:
        return PromptFit(points=points)
    from scipy.stats import linregress, t  # 1 s to import

    line = linregress(gains, less)
    half = float(t.ppf(0.975, len(points) - 2) * line.stderr)
    slope = float(line.slope)
    return PromptFit(points=points, slope=slope, low=slope - half, high=slope + half, explained=float(line.rvalue**2))
