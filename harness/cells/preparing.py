"""A cell looked up: all that goes into it, and the key that names it.

A run folder's name ends with a hash of every input: rows after editing, vectors, recipe, model, cases,
conditions, seed, dose. Whatever changes, changes the name, so nothing old is mixed into a new result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace

from harness import laws
from harness.authoring import algebra, weights
from harness.cells.cell import Cell, Prepared
from harness.cells.fits import fit_of, fitted
from harness.cells.keys import FORMAT, vector_key
from harness.cells.spelled import cases_spelled, cell_spelled, example_spelled, recipe_spelled
from harness.contracts import (
    CLEAN,
    ONE_WAY,
    Condition,
    Example,
    Intervention,
    Recipe,
    Setting,
    Steering,
)
from harness.errors import HarnessError
from harness.files import digest_of
from harness.models import ModelRef, resolve
from harness.registry import Registry, installed


def prepare(cell: Cell, *, dtype: str, registry: Registry | None = None) -> Prepared:
    """`cell` looked up and keyed. `dtype` is what the recipe's number type resolves to on this machine.

    HarnessError for an unknown name, a scale the setting lacks, an intervention that does not apply, or a
    dose that means nothing.
    """
    found = registry or installed()
    setting = found.setting(cell.setting)
    own = setting.recipe(cell.scale).model
    model = resolve(cell.model or own)
    setting = fitted(setting, cell.scale, found.chosen_for(setting.name, cell.scale, model.digest))
    recipe = setting.recipe(cell.scale)
    intervention = weighted(found.intervention(cell.intervention), setting, cell.weights)
    where = str(model.folder) if model.folder is not None else cell.model or own
    cell = replace(cell, model=where, dose=_dose(cell.dose), weights=weights.canonical(cell.weights))
    steering = _steering(intervention, setting, recipe, cell.dose) if intervention.trains else None
    laws.concept_of(intervention, setting, recipe)
    unedited = _examples(setting, cell) if intervention.trains else ()
    rows = _rows(unedited, intervention, setting, cell, steers=steering is not None)
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
            unedited=unedited,
            steering=steering,
            conditions=conditions,
            vectors=_vectors(setting, recipe, cell, model, dtype, steering, conditions),
            plain=intervention.trains and steering is None and rows == unedited,
            fit=fit_of(found, setting, cell.scale, model, arm=intervention, steers=steering is not None),
        )
    )


def _keyed(made: Prepared) -> Prepared:
    """`made` with all that decides a result, and the hash of it."""
    setting, recipe, model, dtype = made.setting, made.recipe, made.model, made.dtype
    inputs: dict[str, object] = {
        "format": FORMAT,
        "cell": cell_spelled(made.cell, model),
        "dtype": dtype,
        "recipe": recipe_spelled(recipe, dtype=dtype, model=model),
        "rows": digest_of([example_spelled(row) for row in made.rows]),
        "steering": asdict(made.steering) if made.steering else None,
        "vectors": made.vectors,
        "conditions": [str(condition) for condition in made.conditions],
        "cases": digest_of(cases_spelled(setting, made.cell.scale, made.conditions)),
    }
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


def scales(cell: Cell) -> bool:
    """Whether a dose changes anything: whether the intervention steers, or edits a row."""
    setting = installed().setting(cell.setting)
    intervention = weighted(installed().intervention(cell.intervention), setting, cell.weights)
    if not intervention.trains:
        return False
    if laws.steering_of(intervention, setting, setting.recipe(cell.scale)) is not None:
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


def _examples(setting: Setting, cell: Cell) -> tuple[Example, ...]:
    """The setting's own rows."""
    rows = tuple(setting.examples(cell.seed, cell.scale))
    if not rows:
        raise HarnessError(f"setting {setting.name!r} gave no training rows for scale {cell.scale!r}")
    for row in rows:
        if row.messages[-1].role != "assistant":
            raise HarnessError(
                f"training row {row.id!r} of setting {setting.name!r} has no assistant turn at its end, so there is "
                "nothing to learn from it; complete the row or take it out"
            )
    return rows


def _rows(
    unedited: tuple[Example, ...], intervention: Intervention, setting: Setting, cell: Cell, *, steers: bool
) -> tuple[Example, ...]:
    """What is trained on."""
    edited = laws.edited(intervention, setting, unedited)
    if cell.dose != 1 and not steers and edited == unedited:
        raise HarnessError(
            f"intervention {cell.intervention!r} has nothing that a dose of {cell.dose:g} could scale; leave it at 1"
        )
    return _mixed(unedited, edited, cell)


def _steering(intervention: Intervention, setting: Setting, recipe: Recipe, dose: float) -> Steering | None:
    steering = laws.steering_of(intervention, setting, recipe)
    return None if steering is None else replace(steering, coef=steering.coef * dose)


def _mixed(plain: tuple[Example, ...], edited: tuple[Example, ...], cell: Cell) -> tuple[Example, ...]:
    """A fraction `dose` of the rows edited: the rows that a lower dose edits are among those of a higher one."""
    if edited == plain or cell.dose == 1:
        return edited
    if cell.dose > 1:
        raise HarnessError(
            f"{cell.intervention!r} edits rows, and a dose is the fraction of rows edited: at most 1, not {cell.dose:g}"
        )
    order = sorted(range(len(plain)), key=lambda i: digest_of([cell.seed, plain[i].id]))
    chosen = set(order[: round(cell.dose * len(plain))])
    if cell.dose and not chosen:
        raise HarnessError(
            f"a dose of {cell.dose:g} of {cell.intervention!r} edits none of {len(plain)} rows; "
            f"the least that edits one is {1 / len(plain):.2g}"
        )
    return tuple(new if i in chosen else old for i, (old, new) in enumerate(zip(plain, edited, strict=True)))


def _vectors(
    setting: Setting,
    recipe: Recipe,
    cell: Cell,
    model: ModelRef,
    dtype: str,
    steering: Steering | None,
    conditions: Sequence[Condition],
) -> dict[str, str]:
    """The key of every vector that training or a condition needs."""
    expressions = [condition.name for condition in conditions if condition.kind == "vector"]
    if steering is not None:
        expressions.append(steering.vector)
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
