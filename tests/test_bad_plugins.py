"""Whatever a plugin's function does is one line with plugin, function and setting; what draws at random is found."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from bad_world import Bad, BadInputs, World, within

from harness import Case, Example, HarnessError, Intervention, Message, Setting, Verdict, calls, registry
from harness.calls import waiting
from harness.cli import main

TABLE = BadInputs()
TURN = itertools.count()
PLUGIN = "plugin 'bad' (bad_plugin, from bad-dist 1.0)"
HEAD = "import sys, time\nfrom harness import *\n"


class Stop(BaseException):
    """An end that no `except Exception` sees."""


def raises(error: Callable[[], BaseException]) -> Callable[..., Any]:
    def function(*given: object) -> object:
        raise error()

    return function


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def recursion(*given: object) -> object:
    return recursion(*given)


def midway(*given: object) -> Iterator[object]:
    yield small.examples(0, "mini")[0]
    raise ValueError("midway")


async def coroutine(*given: object) -> object:
    return []


DOES: dict[str, tuple[Callable[..., Any], str]] = {
    "raises": (raises(lambda: KeyError("two\nlines")), "raised KeyError: 'two\\nlines'; --debug shows where"),
    "asserts": (raises(AssertionError), "raised AssertionError: no message"),
    "exits": (raises(lambda: SystemExit(3)), "raised SystemExit: 3"),
    "exits well": (raises(lambda: SystemExit(0)), "raised SystemExit: 0"),
    "stops": (raises(Stop), "raised Stop: no message"),
    "ends a generator": (raises(GeneratorExit), "raised GeneratorExit"),
    "stops an iteration": (raises(StopIteration), "raised StopIteration"),
    "has no memory": (raises(MemoryError), "raised MemoryError"),
    "finds a disk full": (raises(lambda: OSError(28, "No space left on device", "rows")), "make room"),
    "finds a pipe broken": (raises(BrokenPipeError), "raised BrokenPipeError"),
    "raises what has no words": (raises(Unspeakable), "raised Unspeakable"),
    "recurs": (recursion, "raised RecursionError"),
    "gives a coroutine": (coroutine, "a coroutine; write 'def', not 'async def'"),
    "gives an object": (lambda *given: object(), "something of type object is not"),
}
GIVES: dict[str, tuple[Callable[..., Any], str]] = {
    "gives a generator": (midway, "something of type generator is not a list or a tuple"),
    "gives nothing": (lambda *given: None, "None is not a list or a tuple"),
    "gives text": (lambda *given: "rows", "'rows' is not a list or a tuple"),
    "gives a mapping": (lambda *given: {"a": 1}, "something of type dict is not a list or a tuple"),
    "gives dicts": (lambda *given: [{"id": "a"}], "something of type dict is not of type"),
    "gives names": (lambda *given: ["a"], "'a' is not of type"),
}


def part_of_it(part: str, world: World, does: Callable[..., Any]) -> list[str]:
    return arm(world, **{part: does})


PLACES: dict[str, Callable[[World, Callable[..., Any]], list[str]]] = {
    "examples(0, 'mini') of setting 'loud'": lambda world, does: setting(world, examples=does),
    "cases('held_out', 0, 'mini') of setting 'loud'": lambda world, does: setting(world, cases=does),
    "applies(setting 'loud') of intervention 'it'": lambda world, does: arm(world, applies=does),
    "edit(example '0-": lambda world, does: arm(world, edit=does),
    "steering(setting 'loud', Recipe) of intervention 'it'": lambda world, does: arm(world, steering=does),
    "given(setting 'loud') of intervention 'it'": lambda world, does: [*arm(world, given=does), "--weights", "reply=1"],
    "replies('mini') of vector 'reply' of setting 'loud'": lambda world, does: vector(world, replies=does),
    "persona('mini') of vector 'reply' of setting 'loud'": lambda world, does: vector(
        world, replies=None, persona=does
    ),
    "concept(setting 'loud', Recipe) of intervention 'it'": lambda world, does: arm(world, concept=does),
    "rows(setting 'loud', Draw) of intervention 'it'": lambda world, does: arm(world, rows=does),
    **{
        f"{part}(setting 'loud', Recipe, Draw) of intervention 'it'": partial(part_of_it, part)
        for part in ("rewriting", "loss", "gradients", "adapter", "training", "choosing", "stopping")
    },
}


def setting(world: World, **changes: Any) -> list[str]:
    world.setting(**changes)
    return world.run("ps")


def arm(world: World, **changes: Any) -> list[str]:
    world.intervention("it", **changes)
    return world.run("it")


def vector(world: World, **changes: Any) -> list[str]:
    made = replace(small.SETTING.vectors["reply"], **changes)
    return setting(world, vectors={**small.SETTING.vectors, "reply": made})


def in_place(place: str, does: Callable[..., Any], said: str) -> None:
    def spoil(world: World) -> list[str]:
        return PLACES[place](world, does)

    TABLE.append(Bad(f"{place} {said}", spoil, (place, said), begins=False))


for place in PLACES:
    for does, said in DOES.values():
        in_place(place, does, said)
for place in [*list(PLACES)[:2], list(PLACES)[6], "rows(setting 'loud', Draw) of intervention 'it'"]:
    for does, said in GIVES.values():
        in_place(place, does, said)


def bad(*said: str) -> Callable[[Callable[[World], list[str]]], Callable[[World], list[str]]]:
    return TABLE.bad(*said)


def rows(change: Callable[[list[Example]], Sequence[Example]]) -> Callable[[World], list[str]]:
    return lambda world: setting(world, examples=lambda seed, scale: change(small.examples(seed, scale)))


@bad("examples(0, 'mini') of setting 'loud' gives something else each time; draw by the seed")
def rows_drawn_anew(world: World) -> list[str]:
    return rows(lambda found: random.sample(found, 8))(world)


@bad("examples(0, 'mini') of setting 'loud' gave what it may not: two training rows are called '")
def a_row_twice(world: World) -> list[str]:
    return rows(lambda found: found + found[:1])(world)


@bad("training row 'x' of setting 'loud' has no assistant turn at its end")
def a_row_without_a_reply(world: World) -> list[str]:
    return rows(lambda found: [Example(id="x", messages=found[0].messages[:1])])(world)


@bad("cases('held_out', 0, 'mini') of setting 'loud' gave what it may not: two cases are called 'held_out-tree'")
def a_case_twice(world: World) -> list[str]:
    return setting(world, cases=lambda split, seed, scale: small.cases(split, seed, scale)[:1] * 2)


@bad("cases('held_out', 0, 'mini') of setting 'loud': nan is not a finite number, under 'share' (Case 'c'.facts)")
def a_fact_that_json_cannot_hold(world: World) -> list[str]:
    ask = (Message("user", "Why?"),)
    return setting(world, cases=lambda *_: [Case(id="c", messages=ask, facts={"share": float("nan")})])


@bad("cases('held_out', 0, 'mini') of setting 'loud' gives something else each time")
def cases_drawn_anew(world: World) -> list[str]:
    ask = (Message("user", "Why?"),)
    return setting(world, cases=lambda *_: [Case(id="c", messages=ask, facts={"turn": next(TURN)})])


@bad("replies('mini') of vector 'reply' of setting 'loud' gives something else each time")
def replies_drawn_anew(world: World) -> list[str]:
    return vector(world, replies=lambda scale: random.sample(small.replies(scale), 8))


@bad("replies('mini') of vector 'reply' of setting 'loud' gave what it may not: it is empty")
def no_pair_of_replies(world: World) -> list[str]:
    return vector(world, replies=lambda scale: [])


@bad("vector 'reply' of setting 'loud': give either replies, or instructions and questions, or a persona, or a file")
def a_vector_from_nothing(world: World) -> list[str]:
    return vector(world, replies=None)


EDITS: dict[str, tuple[Callable[[Example, Setting], Any], str]] = {
    "an_id_changed": (lambda row, _: replace(row, id="x"), "is given another id"),
    "a_reply_changed": (
        lambda row, _: replace(row, messages=(*row.messages[:-1], Message("assistant", "No."))),
        "loses or changes its reply",
    ),
    "a_reply_lost": (lambda row, _: replace(row, messages=row.messages[:-1]), "loses or changes its reply"),
    "a_row_edited_at_random": (
        lambda row, _: replace(row, tags={"n": str(next(TURN))}),
        "is edited differently each time",
    ),
    "tags_changed_in_place": (lambda row, _: (row.tags.update(n="1"), row)[1], "is changed in place"),
    "a_row_taken_out": (lambda row, _: None, "None is not of type Example"),
    "a_row_doubled": (lambda row, _: [row, row], "something of type list is not of type Example"),
    "the_setting_changed": (
        lambda row, setting: (setting.prompts.update(more=small.ASK), row)[1],
        "it changes prompts of the setting in place",
    ),
}


def edit(name: str) -> None:
    does, said = EDITS[name]

    def spoil(world: World) -> list[str]:
        world.setting(prompts=dict(small.SETTING.prompts))
        return arm(world, edit=does)

    TABLE.append(Bad(name, spoil, ("intervention 'it'", "setting 'loud'", said), begins=False))


for name in EDITS:
    edit(name)


@bad("intervention 'it' on setting 'loud': applies() gives no sentence")
def a_reason_that_is_no_sentence(world: World) -> list[str]:
    return arm(world, applies=lambda setting: "no")


@bad("intervention 'it' on setting 'loud': steering() asks for what is not there: no vector named 'replay'")
def a_vector_that_is_not_there(world: World) -> list[str]:
    return arm(world, steering=lambda *_: small.Steering(vector="replay", coef=1.0, blocks=(1,)))


@bad("steering(setting 'loud', Recipe) of intervention 'it': 'RMS' is not one of raw, rms", "(Steering.unit)")
def a_unit_that_is_none(world: World) -> list[str]:
    return arm(world, steering=lambda *_: small.Steering(vector="reply", coef=1.0, blocks=(1,), unit="RMS"))


@bad("intervention 'it' on setting 'loud': steering() gives something else each time")
def steering_at_random(world: World) -> list[str]:
    return arm(world, steering=lambda *_: small.Steering(vector="reply", coef=next(TURN), blocks=(1,)))


@bad("concept(setting 'loud', Recipe) of intervention 'it' gave what it may not: None is not text")
def a_concept_of_nothing(world: World) -> list[str]:
    return arm(world, concept=lambda *_: None)


@bad("intervention 'it' on setting 'loud': weights make another intervention, 'none', of it")
def weights_that_make_another_arm(world: World) -> list[str]:
    made = Intervention(name="none", summary="")
    return [*arm(world, given=lambda setting, weights: made), "--weights", "reply=1"]


def judged(give: Callable[[str], Any]) -> Callable[[World], list[str]]:
    async def grade(case: Case, reply: str, grader: object) -> Any:
        return give(reply)

    def spoil(world: World) -> list[str]:
        world.grading(grade)
        return world.run("none")

    return spoil


JUDGES: dict[str, tuple[Callable[[str], Any], str]] = {
    "another_score": (
        lambda reply: Verdict(scores={"loudness": 1.0}),
        "gave {'loudness': 1.0} for case 'held_out-tree'",
    ),
    "no_verdict": (lambda reply: 0.5, "gave 0.5 for case 'held_out-tree', not a Verdict; the fault is the judge's"),
    "a_score_of_nan": (lambda reply: Verdict(scores={"capitals": float("nan")}), "nan is not a finite number"),
    "a_score_in_words": (lambda reply: Verdict(scores={"capitals": "high"}), "'high' is not a number"),
    "a_verdict_drawn": (
        lambda reply: Verdict(scores={"capitals": float(next(TURN))}),
        "case 'held_out-tree', reply '': the same reply gets another verdict",
    ),
}
for name, (give, said) in JUDGES.items():
    TABLE.append(Bad(f"judge: {name}", judged(give), ("judge 'capitals'", said), begins=False))


@bad("judge 'capitals' changes case 'held_out-tree' in place; the fault is the judge's")
def a_judge_that_changes_its_case(world: World) -> list[str]:
    async def grade(case: Case, reply: str, grader: object) -> Verdict:
        case.facts["seen"] = next(TURN)
        return Verdict(scores={"capitals": 1.0})

    world.grading(grade)
    return world.run("none")


HOOK = "@hookimpl\ndef harness_{kind}():\n    {does}\n"
HOOKS = {
    "raises": ("raise KeyError('a')", ": harness_{kind} raised KeyError: 'a'"),
    "exits": ("sys.exit(3)", ": harness_{kind} raised SystemExit: 3"),
    "ends": ("raise GeneratorExit", ": harness_{kind} raised GeneratorExit"),
    "recurs": ("return harness_{kind}()", ": harness_{kind} raised RecursionError"),
    "yields": ("yield 1", ": harness_{kind} returned <generator object"),
    "gives a dict": ("return [{{}}]", ": harness_{kind} returned {{}} instead of"),
    "takes a wrong unit": (
        "return Steering(vector='v', coef=1, blocks=(1,), unit='RMS')",
        ": 'RMS' is not one of raw, rms; did you mean 'rms'? (Steering.unit)",
    ),
    "takes no epochs": (
        "return Recipe(model='m', epochs=0)",
        ": 0 is not a number from 1 to 1,000,000,000 (Recipe.epochs)",
    ),
    "misses a field": ("return Recipe()", ": harness_{kind} raised TypeError: Recipe.__init__() missing 1 required"),
}


def hooked(kind: str, name: str) -> None:
    does, said = (text.format(kind=kind) for text in HOOKS[name])
    source = HEAD + HOOK.format(kind=kind, does=does)
    TABLE.append(Bad(f"harness_{kind} {name}", lambda world: world.plugin(source), (PLUGIN + said,), begins=False))


for kind, name in itertools.product(("setting", "intervention", "judge"), HOOKS):
    hooked(kind, name)

IMPORTS = {
    "raises": ("1 / 0\n", "failed to import: ZeroDivisionError: division by zero; --debug shows where"),
    "stops": ("class Stop(BaseException): pass\nraise Stop\n", "failed to import: Stop: no message"),
    "recurs": ("def f(): f()\nf()\n", "failed to import: RecursionError"),
    "makes a wrong record": (
        "Generation(top_p=2)\n",
        "failed to import: 2 is not a number above 0 to 1 (Generation.top_p)",
    ),
}
for name, (source, said) in IMPORTS.items():
    TABLE.append(
        Bad(f"import {name}", lambda world, text=source: world.plugin(HEAD + text), (PLUGIN, said), begins=False)
    )


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_what_a_plugin_does_wrong_ends_in_one_line_before_anything_is_written(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)


def test_a_fault_in_a_function_names_the_plugin_and_its_distribution(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    source = HEAD + (
        "@hookimpl\ndef harness_intervention():\n"
        "    return Intervention(name='it', summary='', applies=lambda setting: 1 / 0)\n"
    )
    world.plugin(source)
    assert world.call(["describe", "it"]) in (0, 2)
    found = registry.installed().intervention("it")
    with pytest.raises(HarnessError) as caught:
        found.applies(small.SETTING)
    assert str(caught.value) == (
        f"{PLUGIN}: applies(setting 'loud') of intervention 'it' raised ZeroDivisionError: division by zero; "
        "--debug shows where"
    )


@pytest.mark.parametrize("way", ["before", "after", "environment"])
def test_debug_shows_where_an_error_was_raised_and_the_same_line(
    world: World, way: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = setting(world, examples=raises(lambda: KeyError("a")))
    if way == "environment":
        monkeypatch.setenv("HARNESS_DEBUG", "1")
    asked = ["--debug", *arguments] if way == "before" else [*arguments, "--debug"] if way == "after" else arguments
    assert world.call(asked) == 2
    shown = capfd.readouterr().err.splitlines()
    assert shown[0] == "Traceback (most recent call last):"
    assert any("test_bad_plugins.py" in line for line in shown)
    assert shown[-1].startswith("harness: examples(0, 'mini') of setting 'loud' raised KeyError")
    monkeypatch.delenv("HARNESS_DEBUG", raising=False)
    assert world.call(arguments) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def sleeping(*given: object) -> object:
    with within(30):
        while True:
            time.sleep(0.01)


@pytest.mark.parametrize("place", PLACES)
def test_what_takes_long_is_named_and_again_after_ctrl_c(
    world: World, place: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.1)
    arguments = PLACES[place](world, sleeping)
    stop = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    stop.start()
    try:
        assert world.call(arguments) == 130
    finally:
        stop.cancel()
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith(f"harness: waiting for {place}")
    assert said[0].endswith("s so far; it may be slow, or never end: Ctrl-C stops")
    assert said[-1].startswith(f"harness: stopped while waiting for {place}")
    assert world.tree() == {}


def test_nothing_watches_once_no_plugin_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.1)
    assert calls.called(lambda: "it", lambda: 4) == 4
    deadline = time.monotonic() + 10
    while any(thread.name == "waiting for plugins" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_every_function_of_a_record_in_a_registry_is_guarded() -> None:
    from harness.checks import functions_of

    found = registry.installed()
    settings = [*found.settings.values(), *small.REGISTRY.settings.values()]
    records = [*settings, *found.interventions.values(), *found.judges.values()]
    records += [spec for one in settings for spec in one.vectors.values()]
    counted = 0
    for record in records:
        for name in functions_of(type(record)):
            function = getattr(record, name)
            ours = function is type(record).__dataclass_fields__[name].default
            assert ours or isinstance(function, calls.PluginFunction), f"{record}.{name}"
            counted += not ours
    assert counted > 50


def test_what_a_function_of_plain_values_gave_is_kept_and_cannot_be_changed_by_who_got_it() -> None:
    asked: list[int] = []

    def examples(seed: int, scale: str) -> list[Example]:
        asked.append(seed)
        return small.examples(seed, scale)

    found = calls.guarded(replace(small.SETTING, examples=examples))
    first = found.examples(0, "mini")
    assert isinstance(first, list)
    first.clear()
    assert list(found.examples(0, "mini")) == small.examples(0, "mini")
    assert asked == [0, 0]


def test_an_edit_that_changes_the_process_changes_no_training(
    world: World, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(row: Example, setting: Setting) -> Example:
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(True)
        random.seed(0)
        os.chdir("/")
        os.environ.clear()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return replace(
            row, messages=(replace(row.messages[0], content=f"Well: {row.messages[0].content}"), *row.messages[1:])
        )

    monkeypatch.chdir(world.folder)
    world.runs = Path("runs")
    assert world.call(arm(world, edit=edit)) == 0, capfd.readouterr().err
    assert torch.is_grad_enabled()
    assert (world.folder / "runs" / "loud" / "it").is_dir()


def test_main_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_DEBUG", raising=False)
    assert main(["--debug", "no_such_command"]) == 2
    assert "HARNESS_DEBUG" not in os.environ
