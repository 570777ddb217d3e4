"""Whether a recipe's training and doses were chosen for the model that a cell takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.contracts import Intervention, Recipe, Setting
from harness.errors import HarnessError
from harness.models import ModelRef, resolve
from harness.registry import Calibration, Registry

BEGIN = "begin with: "
RUNS = Path("runs")
"""The folder of runs where no other is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The calibration that a cell uses, by the name of its record, and a line on what its doses are worth.

    Both are empty where the setting itself chose them for this model.
    """

    calibration: str = ""
    note: str = ""

    def told(self, runs: Path) -> str:
        """The line for who is about to train in the folder `runs`: a command that it gives is for that folder."""
        return f"{self.note} --runs {runs}" if BEGIN in self.note and runs != RUNS else self.note


def fitted(setting: Setting, scale: str, chosen: Calibration | None) -> Setting:
    """`setting`, its recipe of `scale` with the training and the dose that were `chosen`, where any were."""
    if chosen is None or chosen.epochs is None:
        return setting
    recipe = setting.recipe(scale)
    steering = chosen.steering or recipe.steering
    return replace(
        setting, recipes={**setting.recipes, scale: replace(recipe, epochs=chosen.epochs, steering=steering)}
    )


def trained_for(setting: Setting, scale: str, epochs: int) -> Setting:
    """`setting`, its recipe of `scale` with so many `epochs`, on a schedule that is as much longer."""
    recipe = setting.recipe(scale)
    if epochs == recipe.epochs:
        return setting
    last = recipe.schedule_steps
    longer = replace(
        recipe, epochs=epochs, schedule_steps=None if last is None else max(1, round(last * epochs / recipe.epochs))
    )
    return replace(setting, recipes={**setting.recipes, scale: longer})


def trained_at(setting: Setting, scale: str, layers: str) -> Setting:
    """`setting`, its recipe of `scale` with an adapter on `layers`, as `harness.models.named_layers` spells them."""
    recipe = setting.recipe(scale)
    there = replace(recipe, lora=replace(recipe.lora, targets=tuple(layers.split(","))))
    return replace(setting, recipes={**setting.recipes, scale: there})


def fit_of(found: Registry, setting: Setting, scale: str, model: ModelRef, *, arm: Intervention, steers: bool) -> Fit:
    """What is known of how the recipe of `scale` fits `model`, for an `arm` that `steers` or not."""
    chosen = found.chosen_for(setting.name, scale, model.digest)
    if not arm.trains:
        return Fit()
    if chosen is not None and chosen.epochs is not None:
        return Fit(calibration=chosen.record, note=f"{chosen.said}{_of_other_layers(found, setting, scale)}")
    if chosen is not None:
        return Fit(calibration=chosen.record, note=f"{chosen.said}; what follows is trained by the recipe as it stands")
    on, first = setting.chosen_for.get(scale, ""), _first(found, setting, scale, model)
    if on and not _is(on, model):
        return Fit(
            note=f"training and doses of {setting.name} at {scale} were chosen for {on}, not for {model.name}; {first}"
        )
    if not on and steers:
        return Fit(note=f"nobody has calibrated the doses of {setting.name} at {scale}; {first}")
    other = _of_other_layers(found, setting, scale) if on else ""
    return Fit(note=f"training and doses of {setting.name} at {scale} are as they were{other}" if other else "")


def _of_other_layers(found: Registry, setting: Setting, scale: str) -> str:
    """What is to be said where `setting` has an adapter elsewhere than it had when its doses were chosen."""
    layers = setting.recipe(scale).lora.targets
    same = layers == found.setting(setting.name).recipe(scale).lora.targets
    return "" if same else f", chosen with an adapter on other layers than {','.join(layers)}"


def command_for(setting: Setting, scale: str, reference: str) -> str:
    """The command that calibrates `setting` at `scale` for the model that `reference` names."""
    size = "" if scale == "mini" else f" --scale {scale}"
    return f"harness calibrate {setting.name}{size}{f' --model {reference}' if reference else ''}"


def _first(found: Registry, setting: Setting, scale: str, model: ModelRef) -> str:
    """What to do before anything else."""
    trait = setting.trait_at(scale)
    judge = found.judges.get(trait.judge)
    if judge is not None and judge.grader:
        return f"its trait {trait.name} is told by a grader there, which 'harness calibrate' does not ask"
    return f"{BEGIN}{command_for(setting, scale, _reference(model, setting.recipe(scale)))}"


def _reference(model: ModelRef, recipe: Recipe) -> str:
    """What names `model` on a command line; empty for the recipe's own."""
    return "" if _is(recipe.model, model) else str(model.folder or model.hub or model.name)


def _is(reference: str, model: ModelRef) -> bool:
    try:
        return resolve(reference).digest == model.digest
    except HarnessError:  # of a folder that is not on this machine
        return False
