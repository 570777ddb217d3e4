"""Objects of a plugin's own classes, and what its code does to the process: taken as ours, or one line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import small
from bad_world import Bad, BadInputs, World, without_notes

from harness import Case, Example, HarnessError, Message, Steering, Verdict, registry
from harness.checks import plain

TABLE = BadInputs()
HEAD = "import os, sys, time\nfrom harness import *\n"
PLUGIN = "plugin 'bad' (bad_plugin, from bad-dist 1.0)"
IT = "Intervention(name='it', summary='its words')"


def source(expression: str, before: str = "") -> str:
    """A plugin whose hook gives `expression`, after what is done when it is imported."""
    return f"{HEAD}{before}\n@hookimpl\ndef harness_intervention():\n    return {expression}\n"


RAISING = "class Odd{base}:\n    def {method}(self, *a): raise ValueError('odd')\n"
FORCED = "x = " + IT + "\nobject.__setattr__(x, {name!r}, {value})\n"

REFUSED = {
    "a record whose text cannot be had": ("Odd()", RAISING.format(base="", method="__repr__"), "ValueError: odd"),
    "a list that cannot be read": (f"Odd([{IT}])", RAISING.format(base="(list)", method="__iter__"), "ValueError: odd"),
    "an object of no class": (
        "Odd()",
        "class Odd:\n    @property\n    def __class__(self): raise ValueError('odd')\n",
        "ValueError: odd",
    ),
    "a record never made": ("object.__new__(Intervention)", "", "raised AttributeError"),
    "a record without a field": (
        "x",
        f"x = {IT}\nobject.__delattr__(x, 'summary')\n",
        "raised AttributeError",
    ),
    "a name forced": ("x", FORCED.format(name="name", value="'../../x'"), "'../../x' is not a name"),
    "a summary forced": ("x", FORCED.format(name="summary", value="5"), "5 is not text (Intervention 'it'.summary)"),
    "a function forced": ("x", FORCED.format(name="edit", value="5"), "5 is not a function (Intervention 'it'.edit)"),
    "a summary of five million characters": (
        "Intervention(name='it', summary='x' * 5_000_000)",
        "",
        "it has 5,000,000 characters, and may have 100,000",
    ),
}
for name, (expression, before, said) in REFUSED.items():
    text = source(expression, before)
    TABLE.append(Bad(name, lambda world, text=text: world.plugin(text), (PLUGIN, said), begins=False))

HOOKS = {
    "an async hook": (
        "async def harness_intervention():\n    return []\n",
        "a coroutine; write 'def', not 'async def'",
    ),
    "a class for a hook": ("class harness_intervention:\n    pass\n", "'harness_intervention' is no function"),
}
for name, (text, said) in HOOKS.items():
    hook = f"{HEAD}@hookimpl\n{text}"
    TABLE.append(Bad(name, lambda world, hook=hook: world.plugin(hook), (PLUGIN, said), begins=False))


class OddText(str):
    """Text that answers no question."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise ValueError("odd")


class OddNumber(float):
    def __mul__(self, other: object) -> float:
        raise ValueError("odd")


def forced(record: Any, **fields: Any) -> Any:
    """`record` against its will."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)
    return record


def arm(said: str, **changes: Callable[..., Any]) -> Bad:
    def spoil(world: World) -> list[str]:
        world.intervention("it", **changes)
        return world.run("it")

    return Bad(said, spoil, ("of intervention 'it'", said), begins=False)


TABLE += [
    arm("raised AttributeError", edit=lambda row, setting: object.__new__(Example)),
    arm("None is not text (Example.id)", edit=lambda row, setting: forced(replace(row), id=None)),
    arm("5 is not of type Message, in entry 0", edit=lambda row, setting: forced(replace(row), messages=(5,))),
    arm("is not one line without control characters", concept=lambda setting, recipe: "two\nlines"),
    arm(
        "nan is not a finite number (Steering.coef)",
        steering=lambda *_: forced(Steering(vector="reply", coef=1.0, blocks=(1,)), coef=float("nan")),
    ),
]


def rows(said: str, change: Callable[[list[Example]], Any]) -> Bad:
    def spoil(world: World) -> list[str]:
        world.setting(examples=lambda seed, scale: change(small.examples(seed, scale)))
        return world.run("none")

    return Bad(f"rows: {said}", spoil, ("examples(0, 'mini') of setting 'loud'", said), begins=False)


TABLE += [
    rows("5 is not text (Example.id)", lambda found: [forced(found[0], id=5), *found[1:]]),
    rows("raised AttributeError", lambda found: [object.__new__(Example), *found]),
]


def verdict(said: str, give: Callable[[], Any], *, awaited: bool = True) -> Bad:
    async def grade(case: Case, reply: str, grader: object) -> Any:
        return give()

    def spoil(world: World) -> list[str]:
        world.grading(grade if awaited else lambda case, reply, grader: give())
        return world.judge('{"reply": "A"}')

    return Bad(f"a verdict, {awaited=}: {said}", spoil, ("judge 'capitals'", said), begins=False)


def leaving() -> None:
    raise SystemExit(0)


for awaited in (True, False):
    TABLE += [
        verdict("'x' is not a number", lambda: forced(Verdict(scores={}), scores={"capitals": "x"}), awaited=awaited),
        verdict("None is not a mapping", lambda: forced(Verdict(scores={}), scores=None), awaited=awaited),
        verdict("AttributeError", lambda: object.__new__(Verdict), awaited=awaited),
        verdict("SystemExit", leaving, awaited=awaited),
    ]


@pytest.mark.parametrize("coef", [1e300, -1e300, 1e39])
def test_a_dose_beyond_all_numbers_is_one_line(coef: float, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.started()
    world.intervention("it", steering=lambda *_: Steering(vector="reply", coef=coef, blocks=(1,)))
    assert world.call(world.run("it")) == 2
    said = without_notes(capfd.readouterr().err)
    assert said.count("\n") == 1
    assert f"{coef:g} times vector 'reply' is more than a number can be at block 1; choose a smaller" in said


def test_no_setting_is_called_as_the_folder_of_vectors() -> None:
    with pytest.raises(HarnessError, match="is the folder of the vectors"):
        replace(small.SETTING, name="vectors")


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_strangers_object_ends_in_one_line_before_anything_is_written(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)


TAKEN = {
    "a subclass of a record": (
        "Mine(name='it', summary='its words')",
        "class Mine(Intervention):\n    __slots__ = ()\n    more = 1\n",
    ),
    "a name that cannot be hashed": (
        "Intervention(name=Odd('it'), summary='its words')",
        RAISING.format(base="(str)", method="__hash__"),
    ),
    "a summary of no text": (
        "Intervention(name='it', summary=Odd('its words'))",
        RAISING.format(base="(str)", method="split"),
    ),
    "something that has every attribute": (IT, "from unittest.mock import MagicMock\nmock = MagicMock()\n"),
    "something whose attributes raise": (IT, f"{RAISING.format(base='', method='__getattr__')}odd = Odd()\n"),
    "a plugin that prints": (IT, "print('seen')\n"),
    "a plugin that closes what it prints to": (IT, "sys.stdout = None\n"),
    "a plugin that goes elsewhere": (IT, "os.chdir('/')\n"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_plugin_changes_nothing_for_others(name: str, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    here = os.getcwd()
    world.plugin(source(*TAKEN[name]))
    assert world.call(["list", "--json"]) == 0
    offered = json.loads(capfd.readouterr().out)
    assert [one["summary"] for one in offered["interventions"]] == ["its words"]
    assert os.getcwd() == here
    assert type(registry.installed().intervention("it").summary) is str


def test_what_a_judge_prints_is_not_among_its_scores(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    async def grade(case: Case, reply: str, grader: object) -> Verdict:
        print("a judge thinks aloud")
        return await small.grade(case, reply, None)

    world.grading(grade)
    arguments = world.judge('{"reply": "YES"}')
    assert world.call(arguments[: arguments.index("--output")]) == 0
    out, err = capfd.readouterr()
    assert [json.loads(line)["scores"] for line in out.splitlines()] == [{"capitals": 1.0}]
    assert "a judge thinks aloud" in err


def test_a_copy_is_of_our_own_types_alone() -> None:
    message = Message("user", OddText("Why?"))
    case = plain(Case(id="c", messages=(message,), facts=MappingProxyType({"n": OddNumber(2.0)})))
    assert case == Case(id="c", messages=(Message("user", "Why?"),), facts={"n": 2.0})
    held = (case.messages[0].content, case.facts["n"], case.facts)
    assert [type(one) for one in held] == [str, float, dict]


def test_a_record_that_is_in_order_is_copied_as_it_is() -> None:
    for row in small.examples(0, "mini"):
        assert plain(row) == row
    assert plain(small.SETTING) == small.SETTING
    assert plain([1, True, None, "a", 2.5, (Path(),)]) == [1, True, None, "a", 2.5, (Path(),)]


@pytest.mark.parametrize("odd", [OddText("Say it."), OddText("Shout.")])
def test_an_edit_may_give_text_of_its_own_class(odd: str, world: World) -> None:
    world.intervention("it", edit=lambda row, setting: replace(row, messages=(Message("user", odd), *row.messages[1:])))
    assert world.call([*world.run("it"), "--dry-run"]) == 0
