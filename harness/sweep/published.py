"""The experiment on the post, which comes with the harness: all of it or some, at any scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from harness.cells import BASE
from harness.errors import HarnessError, unknown
from harness.registry import installed
from harness.sweep.experiment import Experiment, load

SCALE = "mini"
"""The scale of the file, and the only one for which weights of a balance are known."""


def folder() -> Path:
    """Where the experiments that come with the harness are, `claims/` among them."""
    package = find_spec("harness_experiments")
    assert package is not None
    assert package.submodule_search_locations is not None
    (found,) = package.submodule_search_locations
    return Path(found)


def post_claims() -> Path:
    """The sentences of the post as claims."""
    return folder() / "claims" / "post.yaml"


def post(
    *, scale: str = SCALE, quick: bool = False, settings: Sequence[str] = (), lora_targets: str = ""
) -> Experiment:
    """The post's settings and arms at `scale`, `quick` with the first seed alone, of `settings` only where named.

    Adapters are put on `lora_targets` where they are named, as `harness.models.named_layers` spells them.
    Balances of traits are left out at other scales than mini: their weights were chosen there.
    """
    whole = load(folder() / "post.yaml")
    for name in settings:
        if name not in whole.settings:
            raise unknown("setting of the post", name, whole.settings)
    asked = [cell for cell in whole.cells if cell.setting in (settings or whole.settings)]
    for name in dict.fromkeys(cell.setting for cell in asked):
        if scale not in (known := installed().setting(name).recipes):
            raise HarnessError(f"{unknown(f'scale of {name}', scale, known)}")
    first = min(cell.seed for cell in asked)
    kept = [cell for cell in asked if (scale == SCALE or not cell.weights) and (cell.seed == first or not quick)]
    balanced = dict.fromkeys(cell.setting for cell in asked if cell.weights and scale != SCALE)
    lost = [f"{name}: no balance is set; its weights are known at {SCALE} alone" for name in balanced]
    return replace(
        whole,
        cells=tuple(
            replace(cell, scale=scale, lora_targets="" if cell.intervention == BASE else lora_targets) for cell in kept
        ),
        left_out=(*whole.left_out, *lost),
    )
