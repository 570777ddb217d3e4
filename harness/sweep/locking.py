"""Claims fixed before the first cell of an experiment."""

from __future__ import annotations

from pathlib import Path

from harness.registry import installed
from harness.sweep.experiment import Experiment


def lock_claims(experiment: Experiment, runs: Path) -> None:
    """Fixes the claims that `experiment` names, and its file, before its first cell; a lock that is there stays."""
    if experiment.claims is not None:
        from harness import claims

        found = claims.read_claims(experiment.claims, installed())
        claims.check_conditions(found, installed(), also=experiment.conditions)
        claims.lock(found, runs, experiment=experiment.file)
