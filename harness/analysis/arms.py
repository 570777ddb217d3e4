"""The arms of a table: runs of one intervention with its weights or a prompt at one dose, their seeds pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.analysis.grouping import grouped
from harness.analysis.results import Run, pooled
from harness.cells import BASE, Cell
from harness.registry import Registry
from harness.runs import faults
from harness.stats import Observations

PLAIN = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of a table: an intervention with its weights or prompt at a dose, stopped at a share of its steps, seeds
    pooled.

    `failed` has a line for each fault that leaves a run out of comparisons, and in a table also for each gate that
    failed over all seeds. `summary` says what the intervention is. With a `prompt` that it was given a placebo is no
    `control`: the words are what made it one.
    """

    label: str
    summary: str
    intervention: str
    weights: str
    dose: float
    until: float
    prompt: str
    trains: bool
    control: bool
    runs: tuple[Run, ...]
    failed: tuple[str, ...]
    _pooled: dict[tuple[str, str], Observations] = field(default_factory=dict, init=False, repr=False, compare=False)

    def replies(self, condition: str, metric: str) -> Observations:
        """The judged replies of all runs under one condition, pooled when first asked for."""
        key = (condition, metric)
        if key not in self._pooled:
            self._pooled[key] = pooled(self.runs, condition, metric)
        return self._pooled[key]

    @property
    def concept(self) -> str:
        """What the arm's prompt or vector is about; "" where it has none, or was run before that was recorded."""
        return next((run.record.concept for run in self.runs if run.record.concept), "")

    @property
    def plain(self) -> bool:
        """Whether it is plain training, or the untrained model: no intervention."""
        return self.intervention == PLAIN or not self.trains

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds that are pooled, sorted."""
        return tuple(sorted(run.cell.seed for run in self.runs))


def arms_of(runs: Sequence[Run], registry: Registry) -> tuple[Arm, ...]:
    """An arm for each intervention, weights, prompt, dose and length: the untrained model first, then plain training,
    controls last.
    """
    groups = grouped(runs, lambda run: _of(run.cell))
    arms = [_arm(same[0].cell, same, registry) for same in groups.values()]
    return tuple(sorted(arms, key=_rank))


def plain_of(arms: Sequence[Arm]) -> Arm | None:
    """The arm of plain training to its end."""
    return next((arm for arm in arms if arm.intervention == PLAIN and arm.until == 1), None)


def untrained_of(arms: Sequence[Arm]) -> Arm | None:
    """The arm of the untrained model."""
    return next((arm for arm in arms if not arm.trains), None)


def _of(cell: Cell) -> tuple[str, str, str, float, float]:
    return (cell.intervention, cell.weights, cell.prompt, cell.dose, cell.until)


def _arm(of: Cell, runs: Sequence[Run], registry: Registry) -> Arm:
    record = registry.interventions.get(of.intervention)
    ordered = tuple(sorted(runs, key=lambda run: run.cell.seed))
    summary = record.summary if record else of.intervention
    return Arm(
        label=of.arm,
        summary=f"{summary}; here it is: {' '.join(of.prompt.split())}" if of.prompt else summary,
        intervention=of.intervention,
        weights=of.weights,
        dose=of.dose,
        until=of.until,
        prompt=of.prompt,
        trains=record.trains if record else of.intervention != BASE,
        control=record.control and not of.prompt if record else False,
        runs=ordered,
        failed=tuple(
            f"seed {run.cell.seed}: gate {gate} failed: saw {told.seen}, wanted {told.wanted}"
            for run in ordered
            for gate, told in faults(run.record.gates).items()
        ),
    )


def _rank(arm: Arm) -> tuple[bool, bool, bool, str, str, str, bool, float, float]:
    own = (arm.intervention, arm.weights, arm.prompt, arm.dose != 1, arm.dose, arm.until)
    return (arm.trains, arm.intervention != PLAIN, arm.control, *own)
