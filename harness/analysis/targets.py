"""Balances that are asked for before anything is measured: a share for each of several traits, adding up to 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.authoring import weights
from harness.cells import Cell
from harness.errors import HarnessError, unknown
from harness.files import NotJson, parsed, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A balance asked for of an arm before it was measured: a share for each trait, adding up to 1."""

    setting: str
    intervention: str
    weights: str
    dose: float
    shares: Mapping[str, float]

    @property
    def arm(self) -> str:
        """The arm as reports call it."""
        return Cell(setting=self.setting, intervention=self.intervention, weights=self.weights, dose=self.dose).arm


def read_targets(file: Path) -> list[Target]:
    """The targets in a JSON file: a list of {setting, intervention, weights, target: {trait: share}}.

    Shares are divided by their sum. HarnessError with the place for the first entry that is wrong.
    """
    try:
        entries = parsed(read_text(file, advice="name a JSON file of targets"))
    except NotJson as error:
        raise HarnessError(
            f"{error.place(file)} is not JSON ({error.said}); repair it: shares are numbers from 0 up"
        ) from None
    if not isinstance(entries, list) or not entries:
        raise HarnessError(f"{file} is no list of targets; write [{{setting, intervention, weights, target}}, ...]")
    return [_target(entry, f"{file}, target {number}") for number, entry in enumerate(entries, start=1)]


def _target(entry: object, place: str) -> Target:
    keys, others = {"setting", "intervention", "target"}, {"weights", "dose"}
    if not isinstance(entry, dict) or not keys <= set(entry):
        raise HarnessError(f"{place}: give setting, intervention, target, and weights or dose where the arm has them")
    for key in set(entry) - keys - others:
        raise HarnessError(
            f"{place}: {unknown('key of a target', key, keys | others)}; give setting, intervention, target"
        )
    shares, dose = entry["target"], entry.get("dose", 1.0)
    sound = isinstance(shares, dict) and len(shares) > 1 and all(map(_is_share, shares.values()))
    if not sound or not 0 < sum(map(float, shares.values())) < math.inf:
        raise HarnessError(f"{place}: 'target' gives two or more traits their shares, numbers from 0 up, not all 0")
    if not _is_share(dose) or not all(isinstance(entry.get(key, ""), str) for key in (*keys - {"target"}, "weights")):
        raise HarnessError(f"{place}: setting, intervention and weights are text, and dose is a number from 0 up")
    try:
        balance = weights.canonical(entry.get("weights", ""))
    except HarnessError as error:
        raise HarnessError(f"{place}: {error}") from None
    whole = sum(shares.values())
    return Target(
        setting=entry["setting"],
        intervention=entry["intervention"],
        weights=balance,
        dose=float(dose),
        shares={trait: share / whole for trait, share in shares.items()},
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
