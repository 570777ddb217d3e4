"""What an intervention may do to rows, to the residual stream, and to how is learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, TypeVar

from harness.authoring import algebra, inoculated
from harness.calls import AtRandom, whose
from harness.checks import Checked
from harness.contracts import (
    AdapterChange,
    Draw,
    Example,
    GradientChange,
    Intervention,
    LossTerm,
    Prompt,
    Recipe,
    RecipeChange,
    Rewriting,
    RowChoice,
    Setting,
    Steering,
    StopRule,
)
from harness.errors import HarnessError

Given = TypeVar("Given")
Part = TypeVar("Part", LossTerm, GradientChange, AdapterChange, RecipeChange, Rewriting, RowChoice, StopRule)


def edited(intervention: Intervention, setting: Setting, rows: Sequence[Example]) -> tuple[Example, ...]:
    """What `intervention` makes of `rows`, the same each time, each row with its id and its reply.

    HarnessError for the first row of which that is not so, and where a row or the setting itself is changed.
    """
    with _unchanged(intervention, setting):
        return tuple(_edited(intervention, setting, row) for row in rows)


def edits(intervention: Intervention, setting: Setting, rows: Sequence[Example]) -> bool:
    """Whether `intervention` makes another row of any of `rows`; it looks no further than the first."""
    with _unchanged(intervention, setting):
        return any(_edited(intervention, setting, row) != row for row in rows)


def _edited(intervention: Intervention, setting: Setting, row: Example) -> Example:
    # Of its own, so that what is changed in place is not what others are given.
    given = replace(row, tags=dict(row.tags))
    after = intervention.edit(given, setting)
    if given.messages is not row.messages or given.tags != row.tags:
        broken = f"row {row.id!r} is changed in place; give a new one with dataclasses.replace"
    elif after.id != row.id:
        broken = f"row {row.id!r} is given another id"
    elif after.messages[-1] != row.messages[-1]:
        broken = f"row {row.id!r} loses or changes its reply"
    elif not intervention.trains and after != row:
        broken = "rows are edited although nothing is trained"
    else:
        broken = None
    if broken is None and after != intervention.edit(given, setting):
        raise AtRandom(f"{_where(intervention, setting)}: row {row.id!r} is edited differently each time")
    if broken is not None:
        raise HarnessError(f"{_where(intervention, setting)}: {broken}")
    return after


def mixed(intervention: Intervention, setting: Setting, rows: Sequence[Example], draw: Draw) -> tuple[Example, ...]:
    """What `intervention` makes of the whole list of `rows`, the same each time: its own added, some left out.

    HarnessError where a row of the setting gets another reply, though that is not declared, where two rows of others
    have one id, where a row has no reply, and where a dose of 0 changes anything.
    """
    if intervention.rows is None:
        return tuple(rows)
    make, where = intervention.rows, _where(intervention, setting)
    given = [replace(row, tags=dict(row.tags)) for row in rows]
    made = _steady(intervention, setting, "rows() gives other rows", lambda: tuple(make(given, setting, draw)))
    if draw.dose == 0 and made != tuple(rows):
        raise HarnessError(f"{where}: rows() changes the rows at a dose of 0, which is plain training")
    if not intervention.trains and made != tuple(rows):
        raise HarnessError(f"{where}: rows are changed although nothing is trained")
    own = {row.id: row for row in rows}
    others: dict[str, Example] = {}
    for row in made:
        if row.messages[-1].role != "assistant":
            raise HarnessError(f"{where}: rows() gives row {row.id!r} without a reply at its end")
        if row.id not in own:
            if others.setdefault(row.id, row) != row:
                raise HarnessError(f"{where}: rows() gives two rows the id {row.id!r}")
        elif row.messages[-1] != own[row.id].messages[-1] and not intervention.rewrites:
            raise HarnessError(
                f"{where}: rows() changes the reply of row {row.id!r}; give rows of your own ids of their own, or "
                "declare rewrites=True"
            )
    return made


def part_of(
    intervention: Intervention,
    setting: Setting,
    recipe: Recipe,
    draw: Draw,
    function: Callable[[Setting, Recipe, Draw], Part | None] | None,
    *,
    name: str,
) -> Part | None:
    """What a `function` of `intervention`, its field `name`, gives for a recipe of `setting`, the same each time.

    Functions are not compared, for who makes them in place makes others each time.
    """
    if function is None:
        return None
    drawn = f"{name}() gives something else"
    part: Part | None = _steady(
        intervention, setting, drawn, lambda: function(setting, recipe, draw), key=_without_functions
    )
    where = _where(intervention, setting)
    if part is not None and not intervention.trains:
        raise HarnessError(f"{where}: {name}() changes training although nothing is trained")
    if isinstance(part, GradientChange) and part.vector:
        try:
            algebra.check(part.vector, setting.vectors)
        except HarnessError as error:
            raise HarnessError(f"{where}: {name}() asks for what is not there: {error}") from error
    if (row := next((row for row in _rows_of(part) if row.messages[-1].role != "assistant"), None)) is not None:
        raise HarnessError(f"{where}: {name}() gives row {row.id!r} without a reply at its end")
    return part


def _rows_of(part: object) -> Iterator[Example]:
    """All rows that a part holds, those of an adapter in it among them."""
    for name in ("proxy", "candidates", "rows"):
        yield from getattr(part, name, ())
    for name in ("under", "taught"):
        if (first := getattr(part, name, None)) is not None:
            yield from first.rows


def _without_functions(part: Any) -> object:
    if not isinstance(part, Checked):
        return part
    held = {field.name: getattr(part, field.name) for field in fields(part)}  # type: ignore[arg-type]
    return {name: value for name, value in held.items() if not callable(value)}


def reason_against(intervention: Intervention, setting: Setting) -> str | None:
    """Why `intervention` cannot be used on `setting`, as a sentence; None where it can."""
    reason = _steady(intervention, setting, "applies() gives another reason", lambda: intervention.applies(setting))
    if reason is not None and (len(reason.split()) < 2 or "\n" in reason):
        raise HarnessError(f"{_where(intervention, setting)}: applies() gives no sentence")
    return reason


def steering_of(intervention: Intervention, setting: Setting, recipe: Recipe) -> Steering | None:
    """What `intervention` adds to the residual stream at a dose of 1, by the vectors of the setting, at one place."""
    drawn, where = "steering() gives something else", _where(intervention, setting)
    steering = _steady(intervention, setting, drawn, lambda: intervention.steering(setting, recipe))
    if steering is None:
        return None
    if not intervention.trains:
        raise HarnessError(f"{where}: steering although nothing is trained")
    if steering.blocks and steering.depth is not None:
        raise HarnessError(f"{where}: give either blocks or depth")
    try:
        algebra.check(steering.vector, setting.vectors)
    except HarnessError as error:
        raise HarnessError(f"{where}: steering() asks for what is not there: {error}") from error
    return steering


def weighted(intervention: Intervention, setting: Setting, weights: Mapping[str, float]) -> Intervention:
    """What `weights` make of an `intervention` that takes them."""
    assert intervention.given is not None
    with _unchanged(intervention, setting):
        made = intervention.given(setting, dict(weights))
    if made.name != intervention.name:
        broken = f"weights make another intervention, {made.name!r}, of it"
        raise HarnessError(f"{_where(intervention, setting)}: {broken}")
    return made


def prompt_of(intervention: Intervention, setting: Setting) -> Prompt | None:
    """The one prompt that `intervention` puts on rows, the same each time; None where it takes no other."""
    tell = intervention.prompt
    if tell is None:
        return None
    return _steady(intervention, setting, "prompt() gives another prompt", lambda: tell(setting))


def reworded(
    intervention: Intervention, setting: Setting, text: str, rows: Sequence[Example], *, concept: str = ""
) -> Intervention:
    """An `intervention` that has a prompt, with `text`, which is about `concept`, in the place of its words.

    HarnessError where it puts anything else on `rows` than the prompt that it tells.
    """
    own = prompt_of(intervention, setting)
    assert own is not None
    if edited(intervention, setting, rows) != tuple(inoculated(row, own) for row in rows):
        raise HarnessError(f"{_where(intervention, setting)}: edit() does not put on rows just what prompt() tells")
    given = replace(own, text=text, others=(), concept=concept, category=None, source="")
    return replace(
        intervention,
        edit=lambda row, setting: inoculated(row, given),
        prompt=lambda setting: given,
        concept=lambda setting, recipe: concept,
    )


def concept_of(intervention: Intervention, setting: Setting, recipe: Recipe) -> str:
    """What the prompt or the vector of `intervention` is about, the same each time."""
    drawn = "concept() gives something else"
    return _steady(intervention, setting, drawn, lambda: intervention.concept(setting, recipe))


def _same(value: object) -> object:
    return value


def _steady(
    intervention: Intervention,
    setting: Setting,
    drawn: str,
    call: Callable[[], Given],
    *,
    key: Callable[[Given], object] = _same,
) -> Given:
    """What `call` gives twice; AtRandom, in the words `drawn`, where that differs by `key`."""
    with _unchanged(intervention, setting):
        first, again = call(), call()
    if key(first) != key(again):
        raise AtRandom(f"{_where(intervention, setting)}: {drawn} each time")
    return first


@contextmanager
def _unchanged(intervention: Intervention, setting: Setting) -> Iterator[None]:
    """HarnessError where a mapping of `setting` holds something else after the block."""
    before = _held(setting)
    yield
    for name, held in _held(setting).items():
        if held != before[name]:
            raise HarnessError(f"{_where(intervention, setting)}: it changes {name} of the setting in place")


def _held(setting: Setting) -> dict[str, dict[object, object]]:
    values = {field.name: getattr(setting, field.name) for field in fields(setting)}
    return {name: dict(value) for name, value in values.items() if isinstance(value, Mapping)}


def _where(intervention: Intervention, setting: Setting) -> str:
    functions = (getattr(intervention, field.name) for field in fields(intervention))
    owner = next(filter(None, map(whose, functions)), "")
    return f"intervention {intervention.name!r}{owner} on setting {setting.name!r}"
