"""What an intervention may do to rows, and to the residual stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TypeVar

from harness.authoring import algebra
from harness.calls import AtRandom, whose
from harness.contracts import Example, Intervention, Recipe, Setting, Steering
from harness.errors import HarnessError

Given = TypeVar("Given")


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


def concept_of(intervention: Intervention, setting: Setting, recipe: Recipe) -> str:
    """What the prompt or the vector of `intervention` is about, the same each time."""
    drawn = "concept() gives something else"
    return _steady(intervention, setting, drawn, lambda: intervention.concept(setting, recipe))


def _steady(intervention: Intervention, setting: Setting, drawn: str, call: Callable[[], Given]) -> Given:
    """What `call` gives twice; AtRandom, in the words `drawn`, where that differs."""
    with _unchanged(intervention, setting):
        first, again = call(), call()
    if first != again:
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
    return f"intervention {intervention.name!r}{whose(intervention.edit)} on setting {setting.name!r}"
