"""Every record that a plugin makes refuses in one line what its author can get wrong: seen, allowed, and the field."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy
import pytest
import small

from harness import HarnessError, contracts
from harness.checks import Checked, Range, Refused
from harness.contracts import (
    AdapterChange,
    Case,
    Condition,
    Draw,
    Example,
    FrozenAdapter,
    Generation,
    GradientChange,
    InstructionPair,
    Intervention,
    Lora,
    LossTerm,
    Message,
    Metric,
    Persona,
    Prompt,
    Rating,
    Recipe,
    RecipeChange,
    Reference,
    ReplyPair,
    Rewriting,
    RolloutFilter,
    RowChoice,
    ScoredRow,
    Setting,
    Steering,
    SteeringDefault,
    StopRule,
    VectorSpec,
    Verdict,
)

ASK, REPLY, TOLD = Message("user", "Why?"), Message("assistant", "So."), Message("system", "Be brief.")
LOUD, QUIET = Prompt(text="Shout.", placement="system"), Prompt(text="Whisper.", placement="system")
RECORDS = [
    kind
    for kind in vars(contracts).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == contracts.__name__
]

SOUND: Mapping[type, Checked] = {
    type(record): record
    for record in (
        ASK,
        Example(id="a", messages=(ASK, REPLY), tags={"language": "English"}),
        Case(id="c", messages=(ASK,), facts={"answer": 4, "share": 0.5, "sure": True, "note": None, "word": "so"}),
        Prompt(text="Shout.", placement="system", only={"language": "English"}, others=("Yell.",)),
        Condition(kind="vector", name="reply", coef=1.0),
        Metric(name="loud", judge="volume", score="loud", split="held_out", goal="suppress", taught_at=("mini",)),
        ReplyPair(messages=(ASK,), positive="SO!", negative="so"),
        InstructionPair(positive=LOUD, negative=QUIET),
        RolloutFilter(trait_prompt="{question}{answer}", coherence_prompt="{question}{answer}"),
        Persona(instructions=(InstructionPair(positive=LOUD, negative=QUIET),), questions=((ASK,),)),
        VectorSpec(summary="loud minus quiet", file="v.safetensors"),
        Lora(),
        Generation(),
        SteeringDefault(vector="reply", blocks=(1,), coef=1.0, neg_coef=1.0),
        Recipe(model="m", schedule_steps=3, max_grad_norm=1.0),
        Steering(vector="reply", coef=1.0, blocks=(1,)),
        Reference(scale="mini", intervention="ip", metric="loud", value=0.5, n=10, source="page 1"),
        small.SETTING,
        Draw(seed=0, scale="mini"),
        LossTerm(name="held", term=print),
        GradientChange(name="turned", change=print),
        AdapterChange(),
        FrozenAdapter(name="below", rows=(Example(id="a", messages=(ASK, REPLY)),)),
        RecipeChange(),
        Rewriting(name="own"),
        ScoredRow(row=Example(id="a", messages=(ASK, REPLY)), base=-1.0),
        RowChoice(name="best", candidates=(Example(id="a", messages=(ASK, REPLY)),), score=lambda row: row.base),
        StopRule(name="soon", rows=(Example(id="a", messages=(ASK, REPLY)),), every=1, stops=bool),
        Intervention(name="it", summary="it"),
        Verdict(scores={"loud": 1.0}),
        Rating(outcome="score", score=50.0, mass=1.0),
        small.JUDGE,
    )
}
FREE = {
    "Condition.coef",
    "Steering.coef",
    "Reference.value",
    "Metric.learned",
    "Verdict.scores",
    "Rating.score",
    "ScoredRow.base",
    "ScoredRow.taught",
}
"""Numbers of which any finite one can be meant."""


def every_field() -> Iterator[tuple[type, str, Any]]:
    for kind in RECORDS:
        hints = get_type_hints(kind, include_extras=True)
        yield from ((kind, field.name, hints[field.name]) for field in fields(kind))


def kinds_in(annotation: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The plain types and literals that `annotation` allows for the field itself, each with its rules."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from ((kind, (*rules, *arguments[1:])) for kind, rules in kinds_in(arguments[0]))
    elif origin in (Union, UnionType):
        yield from (found for one in arguments for found in kinds_in(one))
    else:
        yield annotation, ()


def wrong_for(annotation: Any) -> Iterator[Any]:
    """Values of which none is allowed by `annotation`."""
    yield object()
    found = list(kinds_in(annotation))
    kinds = {kind for kind, _ in found if isinstance(kind, type)}
    if NoneType not in kinds:
        yield None
    if not kinds & {int, float, bool}:
        yield 7
    if str not in kinds:
        yield "x"
    if not kinds & {str} and not any(get_origin(kind) in (Mapping, dict) for kind, _ in found):
        yield {"a": object()}
    for kind, rules in found:
        if kind in (int, float):
            yield from (True, math.nan, math.inf, -math.inf, "1", 10**5000, numpy.int64(3), [3])
        if kind is int:
            yield from (0.5, 2**63)
        if get_origin(kind) is Literal:
            yield from ("", get_args(kind)[0].upper(), get_args(kind)[0] + "x", [get_args(kind)[0]])
        if kind is str:
            yield from ("\ud800", b"bytes", ["a"])
        if get_origin(kind) is tuple:
            yield from ("abc", (entry for entry in ()), [], [object()], (object(),), {1: 2}, iter(()))
        if get_origin(kind) in (dict, Mapping):
            yield from ([], [("a", 1)], {object(): object()}, {"\ud800": object()}, "ab")
        for rule in rules:
            if isinstance(rule, Range):
                yield from (math.nextafter(rule.low, -math.inf), rule.low - 1, rule.high * 2 + 1)
                if rule.above:
                    yield rule.low


@pytest.mark.parametrize(
    ("kind", "name", "annotation"), [pytest.param(*one, id=f"{one[0].__name__}.{one[1]}") for one in every_field()]
)
def test_no_field_of_a_record_takes_what_its_annotation_does_not_allow(kind: type, name: str, annotation: Any) -> None:
    sound: Any = SOUND[kind]
    for wrong in wrong_for(annotation):
        with pytest.raises(Refused) as caught:
            replace(sound, **{name: wrong})
        said = str(caught.value)
        assert "\n" not in said
        assert len(said) < 400
        assert f"{kind.__name__}" in said
        assert f".{name})" in said


def test_every_record_of_the_contracts_is_checked_and_has_a_sound_example_here() -> None:
    assert set(RECORDS) == set(SOUND)
    assert all(issubclass(kind, Checked) for kind in RECORDS)


def test_every_number_of_a_record_has_a_range_or_is_free() -> None:
    for kind, name, annotation in every_field():
        for plain, rules in kinds_in(annotation):
            if plain in (int, float) and f"{kind.__name__}.{name}" not in FREE:
                assert any(isinstance(rule, Range) for rule in rules), f"{kind.__name__}.{name} has no range"


def test_every_default_of_a_record_is_what_its_field_allows() -> None:
    from harness.checks.annotations import checks_of

    for kind in RECORDS:
        for name, default, check in checks_of(kind):
            assert default is MISSING or check(default) is None, f"{kind.__name__}.{name}"


def chat(*roles: str) -> tuple[Message, ...]:
    return tuple(Message(role, f"{role} {at}") for at, role in enumerate(roles))


ROWS = {
    "nothing": ((), "row 'a' does not end with a reply"),
    "a reply alone": (chat("assistant"), "row 'a' begins with the assistant's turn, so nothing is asked"),
    "a reply to a system turn": (chat("system", "assistant"), "row 'a' begins with the assistant's turn"),
    "two questions running": (chat("user", "user", "assistant"), "row 'a' has two user turns running"),
    "two replies running": (chat("user", "assistant", "assistant"), "row 'a' has two assistant turns running"),
    "questions around a system turn": (chat("user", "system", "user", "assistant"), "two user turns running"),
    "an empty reply": ((ASK, Message("assistant", " \n")), "row 'a' ends with an empty reply"),
}


@pytest.mark.parametrize(("messages", "said"), ROWS.values(), ids=ROWS)
def test_a_row_whose_turns_are_out_of_order_is_refused(messages: tuple[Message, ...], said: str) -> None:
    with pytest.raises(Refused, match=said):
        Example(id="a", messages=messages)


@pytest.mark.parametrize(
    "roles",
    [
        ("user", "assistant"),
        ("system", "user", "assistant"),
        ("user", "assistant", "user", "assistant"),
        ("user", "assistant", "system", "user", "assistant"),
    ],
)
def test_a_row_of_turns_in_order_is_taken_and_so_is_its_question(roles: Sequence[str]) -> None:
    assert Example(id="a", messages=chat(*roles))
    assert Case(id="c", messages=chat(*roles)[:-1])


def test_a_case_may_have_no_turns_where_replies_are_judged_without_their_questions() -> None:
    assert Case(id="c", messages=()).messages == ()


def conditions(*texts: str) -> Setting:
    return replace(small.SETTING, conditions={"mini": texts})


FAULTS: Mapping[str, tuple[Any, str]] = {
    "a case that ends with a reply": (
        lambda: Case(id="c", messages=(ASK, REPLY)),
        "case 'c' does not end with the user's turn",
    ),
    "an empty question": (
        lambda: Case(id="c", messages=(Message("user", ""),)),
        "case 'c' ends with an empty question",
    ),
    "a fact of NaN": (
        lambda: Case(id="c", messages=(), facts={"a": math.nan}),
        "nan is not a finite number, under 'a' (Case 'c'.facts)",
    ),
    "a fact that is a list": (
        lambda: Case(id="c", messages=(), facts={"a": [1]}),
        "something of type list is not text, nor a whole number",
    ),
    "a fact under a number": (
        lambda: Case(id="c", messages=(), facts={1: "a"}),
        "the key 1 is not text (Case 'c'.facts)",
    ),
    "an id with an escape": (
        lambda: Case(id="\x1b[2Jc", messages=()),
        r"'\x1b[2Jc' is not one line without control characters (Case.id)",
    ),
    "an id of white space": (lambda: Case(id=" ", messages=()), "it is empty (Case.id)"),
    "a placement like another": (
        lambda: Prompt(text="a", placement="user"),
        "'user' is not one of system, user_prefix, user_suffix",
    ),
    "a placement nearly right": (lambda: Prompt(text="a", placement="user-prefix"), "did you mean 'user_prefix'?"),
    "a unit in capitals": (
        lambda: Steering(vector="v", coef=1.0, blocks=(1,), unit="RMS"),
        "'RMS' is not one of raw, rms",
    ),
    "a loss on the assistant": (lambda: Recipe(model="m", loss_on="assistant"), "'assistant' is not one of reply, all"),
    "a learning rate below 0": (
        lambda: Recipe(model="m", lr=-1),
        "-1 is not a number from 0 up (Recipe.lr)",
    ),
    "a learning rate in words": (lambda: Recipe(model="m", lr="x"), "'x' is not a number (Recipe.lr)"),
    "no epochs": (lambda: Recipe(model="m", epochs=0), "0 is not a number from 1 to 1,000,000,000 (Recipe.epochs)"),
    "a batch of nothing": (lambda: Recipe(model="m", batch=0), "(Recipe.batch)"),
    "no accumulation": (lambda: Recipe(model="m", accumulation=0), "(Recipe.accumulation)"),
    "no samples": (lambda: Generation(samples=0), "(Generation.samples)"),
    "a share above 1": (lambda: Generation(top_p=2), "2 is not a number above 0 to 1 (Generation.top_p)"),
    "a share of nothing": (lambda: Generation(top_p=0.0), "(Generation.top_p)"),
    "a rank of nothing": (lambda: Lora(r=0), "(Lora.r)"),
    "one layer as text": (lambda: Lora(targets="q_proj"), "'q_proj' is not a tuple (Lora.targets)"),
    "a layer twice": (lambda: Lora(targets=("q_proj", "q_proj")), "two layers are called 'q_proj'"),
    "a block below 0": (
        lambda: Steering(vector="v", coef=1.0, blocks=(-1,)),
        "-1 is not a number from 0 to 1,000,000, in entry 0",
    ),
    "steering nowhere": (lambda: Steering(vector="v", coef=1.0), "give either blocks or depth"),
    "a dose below zero": (
        lambda: SteeringDefault(vector="v", depth=0.5, coef=-1.0, neg_coef=1.0),
        "(SteeringDefault.coef)",
    ),
    "a vector in two ways": (
        lambda: VectorSpec(summary="", file="v.safetensors", replies=small.replies),
        "give either replies, or instructions and questions, or a persona, or a file",
    ),
    "a vector's function of no argument": (
        lambda: VectorSpec(summary="", replies=lambda: ["no"]),
        "cannot be called with 1 arguments",
    ),
    "a persona that asks nothing": (lambda: replace(SOUND[Persona], questions=()), "it is empty (Persona.questions)"),
    "a persona's question that is none": (
        lambda: replace(SOUND[Persona], questions=((REPLY,),)),
        "a chat does not end with the user's turn",
    ),
    "an edit of one argument": (
        lambda: Intervention(name="it", summary="", edit=lambda row: row),
        "cannot be called with 2 arguments",
    ),
    "a judge without scores": (lambda: replace(small.JUDGE, scores=()), "it is empty (Judge 'capitals'.scores)"),
    "a score twice": (
        lambda: replace(small.JUDGE, scores=("a", "a")),
        "two scores are called 'a' (Judge 'capitals'.scores)",
    ),
    "a judge that is no function": (
        lambda: replace(small.JUDGE, grade=None),
        "None is not a function (Judge 'capitals'.grade)",
    ),
    "a name that leads elsewhere": (
        lambda: replace(small.SETTING, name="../loud"),
        "'../loud' is not a name; use a-z, 0-9 and _",
    ),
    "a name too long for a file": (lambda: replace(small.SETTING, name="a" * 300), "is longer than 100 characters"),
    "a vector's name that leads elsewhere": (
        lambda: replace(small.SETTING, vectors={"../v": VectorSpec(summary="", file="v")}),
        "the key '../v' is not a name",
    ),
    "a scale that leads elsewhere": (
        lambda: replace(small.SETTING, recipes={"a/b": Recipe(model="m")}),
        "the key 'a/b' is not a label",
    ),
    "a metric twice": (
        lambda: replace(small.SETTING, metrics=small.SETTING.metrics * 2),
        "two metrics are called 'shouts' (Setting 'loud'.metrics)",
    ),
    "no clean condition": (lambda: conditions("prompt:inoculation"), "the conditions lack 'clean'"),
    "no condition": (lambda: conditions(), "the conditions lack 'clean'"),
    "a condition twice": (lambda: conditions("clean", "clean"), "condition 'clean' is there already, as 'clean'"),
    "a condition in two spellings": (
        lambda: conditions("clean", "vector:reply@2", "vector:reply@2.0"),
        "condition 'vector:reply@2.0' is there already, as 'vector:reply@2'; keep one, under 'mini' (Setting 'loud'.",
    ),
    "conditions as text": (
        lambda: replace(small.SETTING, conditions={"mini": "clean"}),
        "'clean' is not a tuple, under 'mini'",
    ),
    "a score of NaN": (
        lambda: Verdict(scores={"a": math.nan}),
        "nan is not a finite number, under 'a' (Verdict.scores)",
    ),
    "a score in words": (lambda: Verdict(scores={"a": "high"}), "'high' is not a number, under 'a'"),
    "a condition without a name": (lambda: Condition(kind="prompt"), "a condition of kind 'prompt' needs a name"),
    "a summary with an escape": (
        lambda: Intervention(name="it", summary="\x1b[31mred"),
        "is not text without control characters",
    ),
}


@pytest.mark.parametrize(("make", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_a_record_is_one_line_that_says_what_is_allowed(make: Any, said: str) -> None:
    with pytest.raises(HarnessError) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_record_may_hold_beside_the_plain_types_is_taken() -> None:
    assert Recipe(model="m", lr=1).lr == 1
    assert Verdict(scores={"a": numpy.float64(0.5)}).scores == {"a": 0.5}
    assert Case(id="Ünï-1 (b)", messages=(), facts={"big": 2**62, "none": None}).facts["none"] is None
