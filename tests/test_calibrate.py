"""Laws of `harness calibrate`: trials are cells of their own, kept and done once, and what is chosen is used and told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small
from harness.calibrating import BUDGET, Seen, Subject, Trial, calibrate, file_of, subject_of
from harness.calibrating import calibrate as calibrate_step

from harness import HarnessError, Metric, SteeringDefault
from harness.authoring import steered
from harness.cells import Cell, prepared
from harness.cli import main
from harness.contracts import Setting
from harness.registry import Registry, installed, using
from harness.runs import CALIBRATIONS, chosen_in, read_calibration, read_run, run_folders, with_calibrations

ARMS = {
    **small.REGISTRY.interventions,
    "ps": steered("ps", "steered"),
    "neg_ps": steered("neg_ps", "steered away", coef=lambda default: -default.neg_coef),
}


def world(tiny_llama: Path, *, setting: Setting | None = None) -> Registry:
    """The small world with arms that take the setting's own dose, and a recipe for the tiny model."""
    of = setting or small.SETTING
    recipe = replace(of.recipes["mini"], model=str(tiny_llama), epochs=1)
    return replace(
        small.REGISTRY,
        settings={"loud": replace(of, recipes={"mini": recipe}, metrics=of.metrics[:1])},
        interventions=ARMS,
    )
