"""Laws that every plugin must obey, for its author's own tests.

    from harness.testing import check_intervention, check_judge, check_setting

Each `check_` function raises AssertionError with one line that names the record and the broken law.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from harness import authoring, laws
from harness.calls import AtRandom, guarded
from harness.cells import changes_of, left_out, splits
from harness.checks import called_by
from harness.contracts import ONE_WAY, Case, Condition, Draw, Example, Intervention, Judge, Message, Setting, VectorSpec
from harness.errors import HarnessError, gist


@contextmanager
def _asserted(record: Setting | Intervention | Judge, scale: str = "mini") -> Iterator[None]:
    """Says of a broken law as an AssertionError what the command line would say."""
    own = called_by(record)
    try:
        yield
    except HarnessError as error:
        said = str(error)
        raise AssertionError(said if said.startswith(own) else f"{own}, scale {scale}: {said}") from error


def check_setting(setting: Setting, *, scale: str = "mini") -> None:
    """Every law of a setting at `scale`: its rows, its cases, its conditions, its vectors and its recipe."""
    with _asserted(setting, scale):
        _check_setting(guarded(setting), scale)


def _check_setting(setting: Setting, scale: str) -> None:
    where = f"setting {setting.name!r}, scale {scale}"
    steers = setting.recipe(scale).steering
    _law(set(setting.recipes) == set(setting.conditions), where, "recipes and conditions are for different scales")
    _law(any(m.goal == "suppress" for m in setting.metrics), where, "no metric has the goal 'suppress'")
    for name in authoring.algebra.names(steers.vector) if steers is not None else ():
        _law(name in setting.vectors, where, f"steers with {name!r}, which is no vector of the setting")
    _check_conditions(setting, scale, where)
    examples = _check_examples(setting, scale, where)
    tested = _check_cases(setting, scale, where)
    for example in examples:
        text = _last_user_text(example.messages)
        _law(text not in tested, where, f"training row {example.id!r} asks what test case {tested.get(text)!r} asks")
    for one in setting.reference:
        _law(one.scale in setting.recipes, where, f"a reference is for scale {one.scale!r}, which the setting has not")
        known = {metric.name for metric in setting.metrics}
        _law(one.metric in known, where, f"a reference is for metric {one.metric!r}, which the setting has not")
        _law(bool(one.source), where, f"the reference for {one.intervention} {one.metric} names no source")
        _law(
            one.weights == authoring.weights.canonical(one.weights),
            where,
            f"the weights {one.weights!r} are not canonical",
        )
    for name, weight in setting.composition.items():
        _law(name in setting.vectors, where, f"the composition names {name!r}, which is no vector of the setting")
        _law(math.isfinite(weight), where, f"the composition gives {name!r} the weight {weight}")
    for name, spec in setting.vectors.items():
        _check_vector(spec, scale, tested, f"{where}, vector {name!r}")


def check_intervention(intervention: Intervention, setting: Setting, *, scale: str = "mini") -> None:
    """Every law of an intervention, tried on the training rows and the recipe of one setting."""
    with _asserted(intervention, scale):
        _check_intervention(guarded(intervention), guarded(setting), scale)


def _check_intervention(intervention: Intervention, setting: Setting, scale: str) -> None:
    if laws.reason_against(intervention, setting) is not None:
        return
    rows, recipe = setting.examples(0, scale), setting.recipe(scale)
    edited = laws.edited(intervention, setting, rows)
    for dose in (1.0, 0.0):
        laws.mixed(intervention, setting, edited if dose else tuple(rows), Draw(seed=0, scale=scale, dose=dose))
    laws.steering_of(intervention, setting, recipe)
    changes_of(intervention, setting, recipe, Draw(seed=0, scale=scale))
    if intervention.prompt is not None:
        laws.reworded(intervention, setting, "Say so.", rows)
    if intervention.given is not None and setting.composition:
        made = laws.weighted(intervention, setting, {next(iter(setting.composition)): 0.5})
        _check_intervention(replace(made, given=None), setting, scale)


def check_judge(judge: Judge, *, cases: Sequence[Case] = ()) -> None:
    """Every law of a judge, tried with awkward replies on `cases`, or on one case without facts.

    A judge that asks a grader model gets one that answers nothing of use.
    """
    plain = Case(id="plain", messages=(Message("user", "What is two plus two?"),))
    judge = guarded(judge)
    for case in cases or (plain,):
        for reply in laws.AWKWARD_REPLIES:
            try:
                with _asserted(judge):
                    laws.tried(judge, case, (reply,))
            except AssertionError:
                raise
            except Exception as error:
                seen = f"judge {judge.name!r}, case {case.id!r}, reply {reply[:20]!r}"
                raise AssertionError(f"{seen}: raised {gist(error)}") from error


def _check_conditions(setting: Setting, scale: str, where: str) -> None:
    for text in setting.conditions.get(scale, ()):
        condition = Condition.parse(text)
        _law(str(condition) == text, where, f"condition {text!r} is spelled {condition}")
        if condition.kind == "prompt":
            _law(condition.name in setting.prompts, where, f"condition {text!r} names no prompt of the setting")
        for name in authoring.algebra.names(condition.name) if condition.kind == "vector" else ():
            _law(name in setting.vectors, where, f"condition {text!r} names no vector of the setting")


def _check_examples(setting: Setting, scale: str, where: str) -> Sequence[Example]:
    try:
        examples = setting.examples(0, scale)
    except AtRandom as error:
        raise AssertionError(f"{where}: seed 0 gives other training rows each time") from error
    _law(bool(examples), where, "no training rows")
    for example in examples:
        ends = example.messages[-1].role == "assistant"
        _law(ends, where, f"row {example.id!r} does not end with a reply")
    return examples


def _check_cases(setting: Setting, scale: str, where: str) -> dict[str, str]:
    """What is asked in a result, by text: the id of its case."""
    tested: dict[str, str] = {}
    left_to_chance = scale == "mini" and setting.trait_at(scale).split in setting.optional_splits
    _law(not left_to_chance, where, "the trait is measured on an optional split")
    left = left_out(setting, scale)
    for split in splits(setting):
        if split in left:
            continue
        for case in _sound_cases(setting, split, scale, where):
            tested[_last_user_text(case.messages)] = case.id
    for case in _sound_cases(setting, "selection", scale, where):
        _law(_last_user_text(case.messages) not in tested, where, f"selection case {case.id!r} is also a test case")
    return tested


def _sound_cases(setting: Setting, split: str, scale: str, where: str) -> Iterator[Case]:
    try:
        cases = setting.cases(split, 0, scale)
    except AtRandom as error:
        raise AssertionError(f"{where}: split {split!r} differs each time at seed 0") from error
    _law(bool(cases), where, f"split {split!r} has no cases")
    for case in cases:
        _law(bool(case.messages), where, f"case {case.id!r} of split {split!r} asks nothing")
        yield case


def _check_vector(spec: VectorSpec, scale: str, tested: dict[str, str], where: str) -> None:
    one = any((spec.replies, spec.questions and spec.instructions, spec.persona, spec.file))
    _law(one, where, f"give {ONE_WAY}")
    if spec.file:
        return
    if spec.persona is not None:
        chats = list(spec.persona(scale).questions)
    elif spec.replies is not None:
        chats = [pair.messages for pair in spec.replies(scale)]
    else:
        assert spec.questions is not None
        chats = [tuple(chat) for chat in spec.questions(scale)]
    for chat in chats:
        text = _last_user_text(chat)
        _law(text not in tested, where, f"extraction asks what test case {tested.get(text)!r} asks")


def _last_user_text(messages: Sequence[Message]) -> str:
    return next((" ".join(message.content.split()) for message in reversed(messages) if message.role == "user"), "")


def _law(holds: bool, where: str, broken: str) -> None:
    if not holds:
        raise AssertionError(f"{where}: {broken}")
