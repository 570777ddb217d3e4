"""A cell looked up: all that goes into it, and the key that names it.

A run folder's name ends with a hash of every input: rows after editing, vectors, recipe, model, cases,
conditions, seed, dose. Whatever changes, changes the name, so nothing old is mixed into a new result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness import laws
from harness.authoring import algebra, weights
from harness.cells.cell import Cell, Prepared
from harness.cells.changes import SCALED, Changes, changes_of, stopped
from harness.cells.fits import fit_of, fitted, trained_at, trained_for
from harness.cells.keys import FORMAT, vector_key
from harness.cells.rows import beside, check_held_out, trained_rows, unedited_rows
from harness.cells.spelled import (
    cases_spelled,
    cell_spelled,
    changes_spelled,
    proxies_spelled,
    recipe_spelled,
    rows_digest,
    steering_spelled,
)
from harness.checks import MOST_EPOCHS
from harness.contracts import (
    CLEAN,
    ONE_WAY,
    Condition,
    Draw,
    Intervention,
    Recipe,
    Setting,
    Steering,
)
from harness.errors import HarnessError
from harness.files import digest_of
from harness.models import ModelRef, named_layers, resolve
from harness.registry import Registry, installed


def model_meant(cell: Cell) -> ModelRef:
    """The model of `cell`, which has its recipe's where it names none."""
    return resolve(cell.model or installed().setting(cell.setting).recipe(cell.scale).model)


def prepare(cell: Cell, *, dtype: str, registry: Registry | None = None) -> Prepared:
    """`cell` looked up and keyed. `dtype` is what the recipe's number type resolves to on this machine.

    HarnessError for an unknown name or scale, an intervention that does not apply, or a dose that means nothing.
    """
    found = registry or installed()
    setting = found.setting(cell.setting)
    named = cell.model or setting.recipe(cell.scale).model
    model = resolve(named)
    setting = fitted(setting, cell.scale, found.chosen_for(setting.name, cell.scale, model.digest))
    cell = _canonical(cell, str(model.folder) if model.folder is not None else named, setting)
    cell, intervention = _with_arm(cell, found, setting)
    setting = _told(setting, cell)
    recipe = setting.recipe(cell.scale)
    steering = _steering(intervention, setting, recipe, cell.dose) if intervention.trains else None
    laws.concept_of(intervention, setting, recipe)
    draw = Draw(seed=cell.seed, scale=cell.scale, dose=cell.dose)
    changes = stopped(changes_of(intervention, setting, recipe, draw), cell.until) if intervention.trains else Changes()
    unedited = unedited_rows(setting, cell) if intervention.trains else ()
    rows = trained_rows(unedited, intervention, setting, draw, scaled=_is_scaled(intervention, setting, recipe))
    conditions = tuple(Condition.parse(text) for text in setting.conditions.get(cell.scale, (CLEAN,)))
    return _keyed(
        Prepared(
            cell=cell,
            setting=setting,
            intervention=intervention,
            recipe=recipe,
            model=model,
            dtype=dtype,
            rows=rows,
            unedited=beside(rows, unedited),
            steering=steering,
            conditions=conditions,
            vectors=_vectors(setting, recipe, cell, model, dtype, _expressions(steering, changes, conditions)),
            plain=intervention.trains and steering is None and not changes and rows == unedited,
            changes=changes,
            fit=fit_of(found, setting, cell.scale, model, arm=intervention, steers=steering is not None),
        )
    )


def _canonical(cell: Cell, model: str, setting: Setting) -> Cell:
    """The cell as its key has it: its model by `model`, numbers and weights spelled one way."""
    return replace(
        cell,
        model=model,
        dose=_dose(cell.dose),
        weights=weights.canonical(cell.weights),
        epochs=_epochs(cell.epochs, setting.recipe(cell.scale)),
        until=_until(cell.until),
        lora_targets=named_layers(cell.lora_targets) if cell.lora_targets else "",
    )


def _with_arm(cell: Cell, found: Registry, setting: Setting) -> tuple[Cell, Intervention]:
    """The cell without what its intervention has no use for, and the intervention by its weights or its prompt."""
    intervention = weighted(found.intervention(cell.intervention), setting, cell.weights)
    cell = worded(cell if intervention.trains else replace(cell.untrained, prompt=cell.prompt), intervention, setting)
    return cell, _reworded(intervention, setting, cell) if cell.prompt else intervention


def _told(setting: Setting, cell: Cell) -> Setting:
    """`setting`, its recipe with what the cell says of training itself."""
    longer = trained_for(setting, cell.scale, cell.epochs) if cell.epochs else setting
    return trained_at(longer, cell.scale, cell.lora_targets) if cell.lora_targets else longer


def _keyed(made: Prepared) -> Prepared:
    """`made` with all that decides a result, and the hash of it."""
    setting, recipe, model, dtype = made.setting, made.recipe, made.model, made.dtype
    check_held_out(made.changes.stopping, (*made.rows, *made.unedited), setting, made.cell.scale)
    inputs: dict[str, object] = {
        "format": FORMAT,
        "cell": cell_spelled(made.cell, model),
        "dtype": dtype,
        "recipe": recipe_spelled(recipe, dtype=dtype, model=model),
        "rows": rows_digest(made.rows),
        "steering": steering_spelled(made.steering) if made.steering else None,
        "vectors": made.vectors,
        "conditions": [str(condition) for condition in made.conditions],
        "cases": digest_of(cases_spelled(setting, made.cell.scale, made.conditions)),
    }
    told = changes_spelled(made.changes)
    if made.intervention.rows is not None and made.cell.dose:
        told["rows"] = "as a whole"
    if told:
        inputs["changes"] = told
    if proxies := proxies_spelled(made.changes):
        inputs["proxy_rows"] = proxies
    return replace(made, inputs=inputs, key=digest_of(inputs))


def weighted(intervention: Intervention, setting: Setting, text: str) -> Intervention:
    """`intervention` as the weights that `text` spells make it on `setting`; "" leaves it as it is.

    HarnessError where it does not apply, or where weights mean nothing to it.
    """
    reason = laws.reason_against(intervention, setting)
    if reason is not None:
        raise HarnessError(f"intervention {intervention.name!r} does not apply to setting {setting.name!r}: {reason}")
    if not text:
        return intervention
    if intervention.given is None:
        raise HarnessError(f"intervention {intervention.name!r} takes no weights; leave out the weights {text!r}")
    return laws.weighted(intervention, setting, weights.parse(text))


def worded(cell: Cell, intervention: Intervention, setting: Setting) -> Cell:
    """`cell` without its prompt where that is what its intervention says by itself.

    HarnessError where the intervention puts no prompt on rows that another could stand for.
    """
    if not cell.prompt:
        return cell
    own = laws.prompt_of(intervention, setting)
    if own is None:
        raise HarnessError(
            f"intervention {intervention.name!r} takes no prompt; leave out the prompt {cell.prompt!r:.60}"
        )
    return replace(cell, prompt="") if own.text == cell.prompt and not own.others else cell


def _reworded(intervention: Intervention, setting: Setting, cell: Cell) -> Intervention:
    """`intervention` with the prompt of `cell`, about what the setting says of these words, if it has them."""
    concepts = (prompt.concept for prompt in setting.prompts.values() if cell.prompt in (prompt.text, *prompt.others))
    concept = next(concepts, "")
    return laws.reworded(intervention, setting, cell.prompt, unedited_rows(setting, cell), concept=concept)


def scales(cell: Cell) -> bool:
    """Whether a dose changes anything: whether the intervention changes more than nothing of training."""
    setting = installed().setting(cell.setting)
    intervention = weighted(installed().intervention(cell.intervention), setting, cell.weights)
    if not intervention.trains:
        return False
    if _is_scaled(intervention, setting, setting.recipe(cell.scale)):
        return True
    return laws.edits(intervention, setting, setting.examples(cell.seed, cell.scale))


def current_key(cell: Cell, dtype: str) -> str | None:
    """The key that the installed plugins would give the recorded `cell`, or None where that cannot be told."""
    try:
        return prepare(cell, dtype=dtype).key
    except HarnessError:
        return None


def _dose(dose: float) -> float:
    if not math.isfinite(dose) or dose < 0:
        raise HarnessError(f"a dose is a number from 0 up, not {dose}; for the opposite direction use a negative form")
    return float(dose)


def _epochs(epochs: int, recipe: Recipe) -> int:
    """The epochs that stand for the recipe's; 0 where these are the same."""
    if not 0 <= epochs <= MOST_EPOCHS:
        raise HarnessError(f"epochs are a whole number from 1 to {MOST_EPOCHS:,}, not {epochs}")
    return 0 if epochs == recipe.epochs else epochs


def _until(until: float) -> float:
    if not 0 < until <= 1:
        raise HarnessError(f"a training stops after a share of its steps, above 0 and at most 1, not {until}")
    return float(until)


def _is_scaled(intervention: Intervention, setting: Setting, recipe: Recipe) -> bool:
    """Whether a dose scales anything but the edits of rows."""
    changes = any(getattr(intervention, part) is not None for part in ("rows", *SCALED))
    return changes or laws.steering_of(intervention, setting, recipe) is not None


def _steering(intervention: Intervention, setting: Setting, recipe: Recipe, dose: float) -> Steering | None:
    steering = laws.steering_of(intervention, setting, recipe)
    return None if steering is None else replace(steering, coef=steering.coef * dose)


def _expressions(steering: Steering | None, changes: Changes, conditions: Sequence[Condition]) -> list[str]:
    """The vector expressions that training and conditions use."""
    used = [condition.name for condition in conditions if condition.kind == "vector"]
    used += [steering.vector] if steering is not None else []
    return [*used, changes.gradients.vector] if changes.gradients and changes.gradients.vector else used


def _vectors(
    setting: Setting, recipe: Recipe, cell: Cell, model: ModelRef, dtype: str, expressions: Sequence[str]
) -> dict[str, str]:
    """The key of every vector that training or a condition needs."""
    for expression in expressions:
        algebra.check(expression, setting.vectors)
    needed = sorted({name for expression in expressions for name in algebra.names(expression)})
    for name in needed:
        spec = setting.vectors[name]
        if not any((spec.file, spec.persona, spec.replies, spec.questions and spec.instructions)):
            raise HarnessError(f"vector {name!r} of setting {setting.name!r}: give {ONE_WAY}")
    return {
        name: vector_key(
            setting,
            name,
            scale=cell.scale,
            model=model,
            dtype=dtype,
            recipe=recipe,
            grader=cell.vector_grader,
        )
        for name in needed
    }
