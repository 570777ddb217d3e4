"""Claims, seeds and looks fixed before the first cell of an experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cells import BASE, Cell, model_meant
from harness.errors import HarnessError
from harness.registry import installed
from harness.sweep.experiment import Experiment

if TYPE_CHECKING:
    from harness.claims import Claims, LockedArm, LockedLooks


def lock_claims(experiment: Experiment, runs: Path, *, looks: LockedLooks | None = None) -> None:
    """Fixes the claims that `experiment` names, its file, its seeds and `looks` before its first cell.

    A lock that is there stays. HarnessError where it plans other looks.
    """
    if experiment.claims is not None:
        from harness import claims

        found = claims_of(experiment)
        claims.lock(found, runs, experiment=experiment.file, arms=list(locked_arms(experiment)), looks=looks)
        fixed = claims.planned_looks(runs)
        if looks is not None and fixed != looks:
            kept = "plans no looks" if fixed is None else f"plans other {fixed}"
            raise HarnessError(
                f"the lock of claims in {runs} {kept}, made before its first run; go on with that plan, "
                "or add seeds by looks in a runs folder of its own"
            )


def claims_of(experiment: Experiment) -> Claims:
    """The claims that `experiment` names; HarnessError where it names none."""
    from harness import claims

    if experiment.claims is None:
        raise HarnessError(f"{experiment.file} names no claims to decide; write claims: FILE")
    found = claims.read_claims(experiment.claims, installed())
    claims.check_conditions(found, installed(), also=experiment.conditions)
    return found


def locked_arms(experiment: Experiment) -> Iterator[LockedArm]:
    """Every trained arm of the experiment with its seeds, in the order of the file."""
    from harness.claims import LockedArm

    seeds: dict[Cell, list[int]] = {}
    for cell in experiment.cells:
        if cell.intervention != BASE:
            seeds.setdefault(arm_of(cell), []).append(cell.seed)
    for cell, own in seeds.items():
        model = cell.trained_on(model_of(cell))
        yield LockedArm(setting=cell.setting, arm=cell.arm, scale=cell.scale, model=model, seeds=tuple(own))


def arm_of(cell: Cell) -> Cell:
    """The cell without its seed: what all seeds of an arm share."""
    return replace(cell, seed=0)


def model_of(cell: Cell) -> str:
    """The digest of the cell's model, and its engine if that is not torch, as the record of its run has them."""
    return cell.answered_by(model_meant(cell).digest)
