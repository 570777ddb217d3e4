"""Laws that every plugin must obey, for its author's own tests.

    from harness.testing import check_intervention, check_judge, check_setting

Each `check_` function raises AssertionError with one line that names the record and the broken law.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from harness import authoring
from harness.cells import left_out, splits
from harness.contracts import (
    Case,
    Condition,
    Example,
    Intervention,
    Judge,
    Message,
    Rating,
    Recipe,
    Setting,
    Steering,
    VectorSpec,
    Verdict,
)

AWKWARD_REPLIES = ("", " \n\t", "...", "yes " * 200, "42", "\u200b\ufffd{}[]<|im_end|>", "Не знаю. 我不知道。 🤷")


def check_setting(setting: Setting, *, scale: str = "mini") -> None:
    """Every law of a setting at `scale`: its rows, its cases, its conditions, its vectors and its recipe."""
    where = f"setting {setting.name!r}, scale {scale}"
    recipe = setting.recipe(scale)
    _law(set(setting.recipes) == set(setting.conditions), where, "recipes and conditions are for different scales")
    _law(any(m.goal == "suppress" for m in setting.metrics), where, "no metric has the goal 'suppress'")
    _distinct((metric.name for metric in setting.metrics), where, "metric")
    _check_recipe(recipe, setting, where)
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
    where = f"intervention {intervention.name!r} on setting {setting.name!r}"
    reason = intervention.applies(setting)
    if reason is not None:
        _law(
            isinstance(reason, str) and len(reason.split()) > 1 and "\n" not in reason,
            where,
            "applies() gives no sentence",
        )
        return
    for before in setting.examples(0, scale):
        after = intervention.edit(before, setting)
        _law(after == intervention.edit(before, setting), where, f"row {before.id!r} is edited differently each time")
        _law(after.id == before.id, where, f"row {before.id!r} is given another id")
        _law(after.messages[-1:] == before.messages[-1:], where, f"row {before.id!r} loses or changes its reply")
        _law(intervention.trains or after == before, where, "rows are edited although nothing is trained")
    recipe = setting.recipe(scale)
    steering = intervention.steering(setting, recipe)
    if steering is not None:
        _law(intervention.trains, where, "steering although nothing is trained")
        _check_steering(steering, setting, where)
    if intervention.given is not None and setting.composition:
        made = intervention.given(setting, {next(iter(setting.composition)): 0.5})
        _law(made.name == intervention.name, where, f"weights make another intervention, {made.name!r}, of it")
        check_intervention(replace(made, given=None), setting, scale=scale)


def check_judge(judge: Judge, *, cases: Sequence[Case] = ()) -> None:
    """Every law of a judge, tried with awkward replies on `cases`, or on one case without facts.

    A judge that asks a grader model gets one that answers nothing of use.
    """
    where = f"judge {judge.name!r}"
    _law(bool(judge.scores), where, "promises no score")
    _distinct(judge.scores, where, "score")
    plain = Case(id="plain", messages=(Message("user", "What is two plus two?"),))
    for case in cases or (plain,):
        for reply in AWKWARD_REPLIES:
            seen = f"{where}, case {case.id!r}, reply {reply[:20]!r}"
            verdict = _graded(judge, case, reply, seen)
            _law(
                set(verdict.scores) == set(judge.scores), seen, f"promised {judge.scores}, gave {tuple(verdict.scores)}"
            )
            for name, value in verdict.scores.items():
                _law(value is None or math.isfinite(value), seen, f"score {name!r} is {value}, neither finite nor None")
            _law(verdict == _graded(judge, case, reply, seen), seen, "the same reply gets another verdict")


def _check_recipe(recipe: Recipe, setting: Setting, where: str) -> None:
    default = recipe.steering
    if default is None:
        return
    _law(
        default.coef > 0 and default.neg_coef > 0, where, "steering doses are positive; the intervention gives the sign"
    )
    for coef in (default.coef, default.neg_coef):
        _check_steering(
            Steering(vector=default.vector, coef=coef, blocks=default.blocks, depth=default.depth), setting, where
        )


def _check_steering(steering: Steering, setting: Setting, where: str) -> None:
    _law(math.isfinite(steering.coef), where, f"the steering coefficient is {steering.coef}")
    _law(bool(steering.blocks) != (steering.depth is not None), where, "give either blocks or depth")
    _law(steering.depth is None or 0 <= steering.depth <= 1, where, f"depth {steering.depth} is not within 0 and 1")
    for name in authoring.algebra.names(steering.vector):
        _law(name in setting.vectors, where, f"steers with {name!r}, which is no vector of the setting")


def _check_conditions(setting: Setting, scale: str, where: str) -> None:
    texts = setting.conditions.get(scale, ())
    _law("clean" in texts, where, "the conditions lack 'clean'")
    for text in texts:
        condition = Condition.parse(text)
        _law(str(condition) == text, where, f"condition {text!r} is spelled {condition}")
        if condition.kind == "prompt":
            _law(condition.name in setting.prompts, where, f"condition {text!r} names no prompt of the setting")
        for name in authoring.algebra.names(condition.name) if condition.kind == "vector" else ():
            _law(name in setting.vectors, where, f"condition {text!r} names no vector of the setting")


def _check_examples(setting: Setting, scale: str, where: str) -> Sequence[Example]:
    examples = setting.examples(0, scale)
    _law(bool(examples), where, "no training rows")
    _law(list(examples) == list(setting.examples(0, scale)), where, "seed 0 gives other training rows each time")
    _distinct((example.id for example in examples), where, "training row")
    for example in examples:
        last = example.messages[-1] if example.messages else None
        _law(last is not None and last.role == "assistant", where, f"row {example.id!r} does not end with a reply")
        _law(last is not None and bool(last.content.strip()), where, f"row {example.id!r} ends with an empty reply")
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
    cases = setting.cases(split, 0, scale)
    _law(bool(cases), where, f"split {split!r} has no cases")
    _law(list(cases) == list(setting.cases(split, 0, scale)), where, f"split {split!r} differs each time at seed 0")
    _distinct((case.id for case in cases), where, f"{split} case")
    for case in cases:
        ends = bool(case.messages) and case.messages[-1].role == "user"
        _law(ends, where, f"case {case.id!r} of split {split!r} does not end with the user's turn")
        yield case


def _check_vector(spec: VectorSpec, scale: str, tested: dict[str, str], where: str) -> None:
    by_instruction = bool(spec.instructions) and spec.questions is not None
    ways = (spec.replies is not None, by_instruction, spec.persona is not None, bool(spec.file))
    _law(sum(ways) == 1, where, "give either replies, or instructions and questions, or a persona, or a file")
    if spec.file:
        return
    if spec.persona is not None:
        chats = list(spec.persona(scale).questions)
        _law(bool(spec.persona(scale).instructions), where, "a persona has no instructions")
    elif spec.replies is not None:
        chats = [pair.messages for pair in spec.replies(scale)]
    else:
        assert spec.questions is not None
        chats = [tuple(chat) for chat in spec.questions(scale)]
    _law(bool(chats), where, "nothing to extract from")
    for chat in chats:
        _law(bool(chat) and chat[-1].role == "user", where, "a chat does not end with the user's turn")
        text = _last_user_text(chat)
        _law(text not in tested, where, f"extraction asks what test case {tested.get(text)!r} asks")


def _last_user_text(messages: Sequence[Message]) -> str:
    return next((" ".join(message.content.split()) for message in reversed(messages) if message.role == "user"), "")


def _graded(judge: Judge, case: Case, reply: str, where: str) -> Verdict:
    async def grade() -> Verdict:
        return await judge.grade(case, reply, _Mumbler() if judge.grader else None)

    try:
        return asyncio.run(grade())
    except Exception as error:
        raise AssertionError(f"{where}: raised {type(error).__name__}: {error}") from error


class _Mumbler:
    async def ask(self, prompt: str) -> str:
        return "Hm."

    async def rate(self, prompt: str) -> Rating:
        return Rating(outcome="unclear", mass=0.0, text="Hm.")


def _distinct(values: Iterable[Hashable], where: str, kind: str) -> None:
    seen: set[Hashable] = set()
    for value in values:
        _law(value not in seen, where, f"two {kind}s are called {value!r}")
        seen.add(value)


def _law(holds: bool, where: str, broken: str) -> None:
    if not holds:
        raise AssertionError(f"{where}: {broken}")
