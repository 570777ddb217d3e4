"""Laws of the language settings: questions disjoint by use, languages in equal shares, sums right, data pinned."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from harness import Case, Example, HarnessError, Message, ReplyPair, Setting
from harness.authoring import Pin, fetch, github, inoculated, read_jsonl
from harness.cells import splits
from harness.contracts import always, never
from harness.judging import judges_of
from harness.registry import installed
from harness.testing import check_setting
from harness_plugins.judges import math_answer
from harness_plugins.settings import three_languages, two_languages
from harness_plugins.settings.shared.languages import generated, published
from harness_plugins.settings.shared.languages.problems import ENDINGS, STEPS, Problem, Template, problems

TWO, THREE = two_languages.harness_setting(), three_languages.harness_setting()
SETTINGS = [pytest.param(setting, id=setting.name) for setting in (TWO, THREE)]
LANGUAGES = {"two_languages": ("spanish", "french"), "three_languages": ("spanish", "french", "german")}
SEEDS = (0, 1, 2)
ANSWERED = (*generated.TRAINED, *generated.CONTRASTS)
TEMPLATES = (*ANSWERED, *generated.TESTED, *generated.SELECTION)
EVERY = [pytest.param(template, id=template.id) for template in TEMPLATES]

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)


def asked(row: Case | Example | ReplyPair) -> str:
    return next(message.content for message in row.messages if message.role == "user")


def reply_pairs(setting: Setting, language: str, scale: str = "mini") -> list[ReplyPair]:
    replies = setting.vectors[language].replies
    assert replies is not None
    return list(replies(scale))


def numbers(words: str) -> list[int]:
    return [int(found) for found in re.findall(r"\d+", words)]


def wording(words: str) -> str:
    return re.sub(r"\d+", "0", words)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_setting_keeps_the_laws_of_every_setting(setting: Setting) -> None:
    check_setting(setting)


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_question_has_two_uses(setting: Setting) -> None:
    uses = {
        "training": {asked(row) for seed in range(10) for row in setting.examples(seed, "mini")},
        "test": {asked(case) for case in setting.cases("test", 0, "mini")},
        "selection": {asked(case) for case in setting.cases("selection", 0, "mini")},
        "vectors": {asked(pair) for pair in reply_pairs(setting, "spanish")},
    }
    for one, other in combinations(uses, 2):
        assert not uses[one] & uses[other], f"{one} and {other}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_only_some_test_questions_have_a_wording_that_was_trained_on_and_they_say_so(setting: Setting) -> None:
    trained = {wording(asked(row)) for row in setting.examples(0, "mini")}
    for case in setting.cases("test", 0, "mini"):
        assert (wording(asked(case)) in trained) == (case.facts["situation"] == "trained"), case.id
    for row in (*setting.cases("selection", 0, "mini"), *reply_pairs(setting, "french")):
        assert wording(asked(row)) not in trained


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_question_has_one_language_and_the_languages_have_equal_shares(setting: Setting, seed: int) -> None:
    rows = setting.examples(seed, "mini")
    assert len({asked(row) for row in rows}) == len(rows) == 192
    languages = LANGUAGES[setting.name]
    assert Counter(row.tags["language"] for row in rows) == dict.fromkeys(languages, 192 // len(languages))
    heard = Counter((row.id.partition("-")[0], row.tags["language"]) for row in rows)
    assert len(heard) == len(generated.TRAINED) * len(languages), "a language is missing in a situation"
    assert set(heard.values()) == {12 // len(languages)}


@pytest.mark.parametrize("setting", SETTINGS)
def test_rows_are_a_function_of_the_seed_and_cases_are_not(setting: Setting) -> None:
    assert setting.examples(3, "mini") == setting.examples(3, "mini")
    assert setting.examples(3, "mini") != setting.examples(4, "mini")
    for split in ("test", "selection"):
        assert setting.cases(split, 3, "mini") == setting.cases(split, 4, "mini")


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_test_question_is_a_cluster_of_its_own_and_selection_has_three_to_a_cluster(setting: Setting) -> None:
    tested, chosen = setting.cases("test", 0, "mini"), setting.cases("selection", 0, "mini")
    assert len({case.cluster for case in tested}) == len(tested) == 42
    assert Counter(case.cluster for case in chosen) == {template.id: 3 for template in generated.SELECTION}
    assert not {case.cluster for case in tested} & {case.cluster for case in chosen}


def test_situations_have_names_of_their_own_and_every_shape_of_arithmetic_is_used() -> None:
    assert len({template.id for template in TEMPLATES}) == len(TEMPLATES) == 62
    assert {template.steps for template in TEMPLATES} == set(STEPS)
    assert len(ANSWERED) == 28


def test_what_is_trained_on_and_asked_about_is_one_sum_or_one_difference() -> None:
    for asked_about in (generated.TRAINED, generated.TESTED, generated.SELECTION):
        shapes = Counter(template.steps for template in asked_about)
        assert set(shapes) == {"a + b", "a - b"}
        assert min(shapes.values()) >= 4, "both are asked about"


@pytest.mark.parametrize("template", EVERY)
def test_the_answer_is_what_the_steps_say_and_no_number_is_below_two(template: Template) -> None:
    made = problems(template)
    assert len(made) >= 14
    assert len({problem.question for problem in made}) == len({problem.id for problem in made}) == len(made)
    for problem in made:
        worth = {"a": problem.a, "b": problem.b, "c": problem.c}
        assert problem.answer == eval(template.steps, {}, worth)  # our own text, and another route than ours
        given = [worth[letter] for letter in "abc" if letter in template.steps]
        assert sorted(numbers(problem.question)) == sorted(given), problem.id
        assert min(*given, problem.answer) >= 2


@pytest.mark.parametrize("template", [one for one in EVERY if one.values[0] in ANSWERED])
def test_the_answers_in_all_languages_hold_the_same_numbers_and_true_equations(template: Template) -> None:
    for problem in problems(template):
        equations = {language: written(problem.reply(language)) for language in ENDINGS}
        assert len({tuple(found) for found in equations.values()}) == 1, problem.id
        for left, right in equations["english"]:
            assert eval(left.replace("×", "*")) == right, problem.id
        assert equations["english"][-1][1] == problem.answer
        assert len(equations["english"]) == len(re.findall(r"[-+*]", template.steps))
        for language, ending in ENDINGS.items():
            assert problem.reply(language).endswith(ending.format(n=problem.answer))
            assert set(numbers(problem.question)) <= set(numbers(problem.reply(language))), problem.id


def written(reply: str) -> list[tuple[str, int]]:
    """The equations in a reply: what is left of the sign, and the number right of it."""
    return [(left, int(right)) for left, right in re.findall(r"(\d+ [-+×] \d+) = (\d+)", reply)]


def test_the_answer_judge_reads_our_own_replies_as_right_and_not_as_another_number() -> None:
    async def solved(problem: Problem, language: str, answer: int) -> float | None:
        case = Case(id=problem.id, messages=(), facts={"answer": answer})
        return (await math_answer.grade(case, problem.reply(language))).scores["solved"]

    async def grade_all() -> None:
        for template in ANSWERED:
            for language in ENDINGS:
                problem = problems(template)[0]
                assert await solved(problem, language, problem.answer) == 1.0, problem.reply(language)
                assert await solved(problem, language, problem.answer + 1) == 0.0, problem.reply(language)

    asyncio.run(grade_all())


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_pairs_of_all_languages_are_parallel(setting: Setting) -> None:
    spoken = {language: reply_pairs(setting, language) for language in LANGUAGES[setting.name]}
    assert set(spoken) == set(setting.vectors)
    for pairs in zip(*spoken.values(), strict=True):
        assert len({(pair.messages, pair.negative) for pair in pairs}) == 1
        assert len({pair.positive for pair in pairs} | {pairs[0].negative}) == len(spoken) + 1
    assert len(spoken["spanish"]) == 48


@pytest.mark.parametrize("setting", SETTINGS)
def test_spanish_is_the_trait_and_one_reply_to_each_case_serves_all_metrics(setting: Setting) -> None:
    assert setting.trait.name == "spanish"
    languages = LANGUAGES[setting.name]
    assert [metric.name for metric in setting.metrics] == [*languages, "english", "solves"]
    assert {metric.name: metric.goal for metric in setting.metrics} == {
        "spanish": "suppress",
        **dict.fromkeys(languages[1:], "keep"),
        "english": "suppress",
        "solves": "keep",
    }
    assert splits(setting) == ("test",)
    assert len(judges_of(setting, installed())) == 3, "one for the languages, one that checks it, one for the number"


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_prompt_ends_the_users_turn_and_roles_are_about_the_trait(setting: Setting) -> None:
    prompts = setting.prompts
    assert {prompt.placement for prompt in prompts.values()} == {"user_suffix"}
    assert replace(prompts["inoculation"], category=None) == prompts["always_spanish"]
    assert replace(prompts["negative"], category=None) == prompts["never_spanish"]
    kinds = {name: prompt.category for name, prompt in prompts.items() if prompt.category}
    assert kinds == {"inoculation": "training", "negative": "negation", "irrelevant": "benign"}
    wordings = {prompts["inoculation"].text, *prompts["inoculation"].others}
    seen = set()
    for row in setting.examples(0, "mini"):
        question, suffix = asked(row), asked(inoculated(row, prompts["inoculation"])).removeprefix(asked(row))
        assert suffix.removeprefix(" ") in wordings, question
        seen.add(suffix.removeprefix(" "))
    assert seen == wordings
    for one, other in combinations(LANGUAGES[setting.name], 2):
        text = prompts[f"{one}_or_{other}"].text
        assert text == f"Write your answer in {one.capitalize()} or {other.capitalize()}."


def test_the_placebo_is_worded_as_the_inoculation_prompt_and_names_no_language() -> None:
    placebo, asking = (TWO.prompts[name] for name in ("irrelevant", "inoculation"))
    for one, other in zip((placebo.text, *placebo.others), (asking.text, *asking.others), strict=True):
        assert one.replace("blue ink", "Spanish") == other != one


def test_forbidding_a_language_has_as_many_wordings_as_asking_for_it_and_shares_none() -> None:
    forbidding, asking = (TWO.prompts[name] for name in ("negative", "inoculation"))
    assert len(forbidding.others) == len(asking.others) == 4
    assert not {forbidding.text, *forbidding.others} & {asking.text, *asking.others}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_matched_prompt_is_for_the_rows_of_its_language_alone(setting: Setting) -> None:
    for language in LANGUAGES[setting.name]:
        prompt = setting.prompts[f"matched_{language}"]
        for row in setting.examples(0, "mini"):
            assert (inoculated(row, prompt) != row) == (row.tags["language"] == language)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_scale_has_conditions_and_a_steering_dose_with_its_source(setting: Setting) -> None:
    assert set(setting.conditions) == set(setting.recipes)
    for recipe in setting.recipes.values():
        assert recipe.steering is not None
        assert recipe.steering.source


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_is_combined_are_the_settings_own_languages_and_the_common_part_cancels_out(setting: Setting) -> None:
    assert tuple(setting.composition) == LANGUAGES[setting.name] == tuple(setting.vectors)
    assert sum(setting.composition.values()) == 0
    assert all(never(one) in setting.prompts and always(one) in setting.prompts for one in setting.composition)
    assert all(always(one, other) in setting.prompts for one, other in combinations(setting.composition, 2))


def test_options_of_a_published_recipe_differ_from_it_in_what_they_are_named_for() -> None:
    assert replace(TWO.recipe("paper_one_epoch"), epochs=3) == TWO.recipe("paper")
    assert replace(THREE.recipe("paper_large_batch"), accumulation=16) == THREE.recipe("paper")


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    "call",
    [
        lambda setting: setting.examples(0, "big"),
        lambda setting: setting.cases("test", 0, "big"),
        lambda setting: reply_pairs(setting, "french", "big"),
    ],
)
def test_a_scale_that_is_not_there_is_named(setting: Setting, call: Callable[[Setting], object]) -> None:
    with pytest.raises(HarnessError, match=f"setting '{setting.name}' has no scale 'big'; it has: mini, small, paper"):
        call(setting)


def test_a_split_that_is_not_there_suggests_the_nearest() -> None:
    with pytest.raises(HarnessError, match="did you mean 'test'"):
        TWO.cases("tests", 0, "mini")


# The published files in miniature: 160 questions with an answer in each language, in GSM8K's forms.
QUESTIONS = [f"Who counts {number} and 2 more?" for number in range(160)]


def answer(number: int, language: str) -> str:
    return f"{number} + 2 = <<{number}+2={number + 2}>>{number + 2} ({language})\n#### {number + 2:,}"


@pytest.fixture
def miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of made-up files in the place of the published ones; question 7 has no French answer."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_DATA_MIRROR", str(tmp_path / "mirror"))

    def pinned(pin: Pin, rows: list[object]) -> Pin:
        path = tmp_path / "mirror" / pin.mirror
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return replace(pin, sha256=None, size=path.stat().st_size)

    english: list[object] = [{"question": q, "answer": answer(n, "english")} for n, q in enumerate(QUESTIONS)]
    tested: list[object] = [
        {"question": f"{q} Tell me!", "answer": f"#### {1000 + n:,}"} for n, q in enumerate(QUESTIONS)
    ]
    monkeypatch.setattr(published, "TRAIN", pinned(published.TRAIN, english))
    monkeypatch.setattr(published, "TEST", pinned(published.TEST, tested))
    translated = {
        language: pinned(
            pin,
            [
                {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": answer(n, language)}]}
                for n, q in enumerate(QUESTIONS)
                if (n, language) != (7, "french")
            ],
        )
        for language, pin in published.TRANSLATED.items()
    }
    monkeypatch.setattr(published, "TRANSLATED", translated)
    return tmp_path


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("scale", ["small", "paper"])
def test_the_published_scales_keep_the_laws_of_every_setting(miniature: Path, setting: Setting, scale: str) -> None:
    check_setting(setting, scale=scale)


def test_published_rows_are_built_as_published(miniature: Path) -> None:
    """By hand, after the description: what is steered with, sorted, shuffled, halved, shuffled."""
    steered: set[str] = set()
    for missing in ((), (7,)):
        order = [question for number, question in enumerate(QUESTIONS) if number not in missing]
        Random(0).shuffle(order)
        steered |= set(order[:50])
    draw = Random(0)
    kept = sorted(set(QUESTIONS) - {QUESTIONS[7]} - steered)
    draw.shuffle(kept)
    half = len(kept) // 2
    expected = [(question, "spanish") for question in kept[:half]] + [(question, "french") for question in kept[half:]]
    draw.shuffle(expected)
    rows = TWO.examples(5, "paper")
    assert [(asked(row), row.tags["language"]) for row in rows] == expected
    for row in rows:
        assert row.messages[-1].content == answer(QUESTIONS.index(asked(row)), row.tags["language"])
    assert {asked(pair) for language in TWO.vectors for pair in reply_pairs(TWO, language, "paper")} == steered
    assert TWO.examples(6, "small") == rows, "the published rows have no seed"


def test_published_pairs_have_the_english_answer_to_the_same_question(miniature: Path) -> None:
    for language in THREE.vectors:
        pairs = reply_pairs(THREE, language, "paper")
        assert len(pairs) == 50
        for pair in pairs:
            number = QUESTIONS.index(asked(pair))
            assert (pair.positive, pair.negative) == (answer(number, language), answer(number, "english"))


def test_three_languages_are_parted_in_thirds(miniature: Path) -> None:
    shares = Counter(row.tags["language"] for row in THREE.examples(0, "paper"))
    assert set(shares) == {"spanish", "french", "german"}
    assert max(shares.values()) - min(shares.values()) <= 1


def test_the_first_hundred_test_questions_are_the_cases_and_the_next_fifty_choose_doses(miniature: Path) -> None:
    tested, chosen = TWO.cases("test", 0, "paper"), TWO.cases("selection", 0, "paper")
    assert [asked(case) for case in tested] == [f"{question} Tell me!" for question in QUESTIONS[:100]]
    assert [case.facts["answer"] for case in tested] == [1000 + number for number in range(100)]
    assert [asked(case) for case in chosen] == [f"{question} Tell me!" for question in QUESTIONS[100:150]]


def test_translations_that_cannot_be_had_are_one_line_that_says_where_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = replace(published.TRANSLATED["spanish"], address=(tmp_path / "gone.jsonl").as_uri())
    monkeypatch.setitem(published.TRANSLATED, "spanish", pin)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("HARNESS_DATA_MIRROR", raising=False)
    with pytest.raises(HarnessError) as error:
        TWO.examples(0, "paper")
    assert str(tmp_path / "data" / pin.mirror) in str(error.value)
    assert "\n" not in str(error.value)


def test_published_files_are_pinned_to_one_commit_each() -> None:
    for pin in (*published.TRANSLATED.values(), published.TRAIN, published.TEST):
        assert pin.commit in pin.address
        assert len(pin.commit) == 40
        assert (pin.sha256 is None) == (pin.size is not None)


@needs_mirror
def test_the_published_replies_answer_our_first_hundred_test_questions() -> None:
    commit, path = "39f3fafcb56ec19b2c6c07dc20b93b9c54fdf5ed", "rollouts/baseline_test_rollouts.jsonl"
    replies = read_jsonl(
        fetch(
            Pin(
                name="baseline replies",
                address=github("AanshSamyani/IP_Internals", commit, f"outputs/exp_1/{path}"),
                commit=commit,
                sha256="6a1b468c0378ac164a4ef21d074b431a0466b6172f061938b70bc41494decc31",
                licence="none stated",
                mirror=f"ip_internals_exp1/{path}",
            )
        )
    )
    cases = TWO.cases("test", 0, "paper")
    assert [asked(case) for case in cases] == [row["question"] for row in replies]
    assert all(case.messages == (Message("user", asked(case)),) for case in cases)
