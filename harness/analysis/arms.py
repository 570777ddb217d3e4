"""The arms of a table: runs of one intervention with its weights at one dose, their seeds pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.grouping import grouped
from harness.analysis.results import Run
from harness.cells import BASE
from harness.registry import Registry
from harness.runs import faults

PLAIN = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of a table: an intervention with its weights at a dose, its seeds pooled.

    `failed` has a line for each fault that leaves a run out of comparisons, and in a table also for each gate that
    failed over all seeds. `summary` says what the intervention is.
    """

    label: str
    summary: str
    intervention: str
    weights: str
    dose: float
    trains: bool
    control: bool
    runs: tuple[Run, ...]
    failed: tuple[str, ...]

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
    """An arm for each intervention, weights and dose: the untrained model first, then plain training, controls last."""
    groups = grouped(runs, lambda run: (run.cell.intervention, run.cell.weights, run.cell.dose))
    arms = [_arm(name, weights, dose, same, registry) for (name, weights, dose), same in groups.items()]
    return tuple(sorted(arms, key=_rank))


def plain_of(arms: Sequence[Arm]) -> Arm | None:
    """The arm of plain training."""
    return next((arm for arm in arms if arm.intervention == PLAIN), None)


def untrained_of(arms: Sequence[Arm]) -> Arm | None:
    """The arm of the untrained model."""
    return next((arm for arm in arms if not arm.trains), None)


def _arm(name: str, weights: str, dose: float, runs: Sequence[Run], registry: Registry) -> Arm:
    record = registry.interventions.get(name)
    ordered = tuple(sorted(runs, key=lambda run: run.cell.seed))
    return Arm(
        label=ordered[0].cell.arm,
        summary=record.summary if record else name,
        intervention=name,
        weights=weights,
        dose=dose,
        trains=record.trains if record else name != BASE,
        control=record.control if record else False,
        runs=ordered,
        failed=tuple(
            f"seed {run.cell.seed}: gate {gate} failed: saw {told.seen}, wanted {told.wanted}"
            for run in ordered
            for gate, told in faults(run.record.gates).items()
        ),
    )


def _rank(arm: Arm) -> tuple[bool, bool, bool, str, str, bool, float]:
    return (arm.trains, arm.intervention != PLAIN, arm.control, arm.intervention, arm.weights, arm.dose != 1, arm.dose)
