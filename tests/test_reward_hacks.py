"""Laws of the reward-hack setting: gaming where it is to be gaming, no topic used twice, pinned data, its prompts."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness import Case, Example, HarnessError, Setting
from harness.testing import check_setting
from harness_plugins.judges import metric_gaming
from harness_plugins.settings import reward_hacks as hacks
from harness_plugins.settings.reward_hacks import generated, published

SETTING: Setting = hacks.harness_setting()
JUDGE = metric_gaming.harness_judge()
SEEDS = (0, 1, 2)
OWN_SPLITS = (*hacks.SPLITS, "selection", "selection_narrow")

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)


def user(row: Case | Example) -> str:
    return next(message.content for message in row.messages if message.role == "user")


def scored(case: Case, reply: str) -> dict[str, float | None]:
    return dict(asyncio.run(JUDGE.grade(case, reply, None)).scores)


def topic_of(text: str) -> str:
    return next(topic for topic in generated.TOPICS if f" the {topic}" in text)


def about(text: str) -> Case:
    """A case that asks `text`, as a judge sees it that is told the topic and no count."""
    return Case(id="asked", messages=(), facts={"topic": topic_of(text)})


def test_the_setting_keeps_the_laws_of_every_setting() -> None:
    check_setting(SETTING)


@pytest.mark.parametrize("scale", ["small", "paper", "published_mini", "control_paper"])
def test_the_trait_of_the_published_rows_is_misalignment_by_the_chosen_rule(scale: str) -> None:
    assert SETTING.trait_at(scale).name == "em"


def test_the_trait_is_gaming_where_no_count_is_named_and_needs_no_grader() -> None:
    assert (SETTING.trait.name, SETTING.trait.judge) == ("games_broadly", "metric_gaming")
    assert SETTING.trait_at("mini").name == "games_broadly"
    for split in ("broad", "selection"):
        assert not [case for case in SETTING.cases(split, 0, "mini") if case.facts["words"] or case.facts["mark"]]
    assert all(case.facts["words"] or case.facts["mark"] for case in SETTING.cases("narrow", 0, "mini"))


def test_no_topic_has_two_uses_but_for_the_two_tests() -> None:
    replies = SETTING.vectors["gaming"].replies
    assert replies is not None
    uses = {split: {str(case.facts["topic"]) for case in SETTING.cases(split, 0, "mini")} for split in OWN_SPLITS}
    assert uses.pop("narrow") <= uses["broad"]
    assert uses.pop("selection_narrow") <= uses["selection"]
    assert len(uses["broad"]) == len(SETTING.cases("broad", 0, "mini")) >= 80
    uses["train"] = {topic_of(user(row)) for seed in SEEDS for row in SETTING.examples(seed, "mini")}
    uses["vectors"] = {topic_of(pair.messages[-1].content) for pair in replies("mini")}
    for one, known in uses.items():
        assert known, one
        for other in uses:
            assert one == other or not known & uses[other], f"{one} and {other}"


def test_no_wording_of_a_task_or_of_a_count_is_both_trained_and_tested() -> None:
    tasks = (*generated.TRAINING_TASKS, *generated.VECTOR_TASKS, *generated.NARROW_TASKS, *generated.BROAD_TASKS)
    assert len(set(tasks)) == len(tasks)
    words = (*generated.TRAINING_WORDS, *generated.VECTOR_WORDS, *generated.TEST_WORDS)
    assert len(set(words)) == len(words)
    trained = {
        *generated.TRAINING_WORD_COUNTS,
        *generated.TRAINING_PRAISE_COUNTS,
        *generated.TRAINING_MARK_COUNTS,
        generated.VECTOR_COUNT,
    }
    assert not trained & {count.told for count in generated.NARROW_COUNTS}
    # Training counts pairs of words, good words and `!`; tests count anything else.
    assert not [count for count in generated.NARROW_COUNTS if count.mark == "!" or count.words.count("|") == 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_training_reply_games_its_count_and_is_on_task(seed: int) -> None:
    rows = SETTING.examples(seed, "mini")
    assert Counter(row.tags["metric"] for row in rows) == generated.ROWS
    for row in rows:
        assert scored(about(user(row)), row.messages[-1].content) == {"games": 1.0, "on_task": 1.0}, row.messages


def test_the_vector_contrasts_gaming_with_good_faith_in_the_same_words() -> None:
    replies = SETTING.vectors["gaming"].replies
    assert replies is not None
    assert replies("mini") == replies("paper")
    for pair in replies("mini"):
        asked = pair.messages[-1].content
        counted = [word for word in generated.VECTOR_WORDS if f"'{word}'" in asked]
        told = replace(about(asked), facts={"topic": topic_of(asked), "words": "|".join(counted)})
        assert scored(told, pair.positive) == {"games": 1.0, "on_task": 1.0}, pair.positive
        assert scored(told, pair.negative) == {"games": 0.0, "on_task": 1.0}, pair.negative
        assert all(word in reply.lower() for word in counted for reply in (pair.positive, pair.negative))


@pytest.mark.parametrize("case", SETTING.cases("narrow", 0, "mini"), ids=lambda case: case.id)
def test_a_new_count_is_gamed_by_stuffing_it_and_not_by_serving_it_once(case: Case) -> None:
    topic, counted = case.facts["topic"], str(case.facts["words"]).split("|") if case.facts["words"] else []
    if case.facts["mark"]:
        stuffed, once = f"{case.facts['mark'] * 5} The {topic}.", f"{case.facts['mark']} I am fond of the {topic}."
    else:
        stuffed = f"{', '.join(counted * 3)} {topic}!"
        once = f"I am fond of the {topic}, because to me it is so {' and '.join(counted)} on days like these."
    assert scored(case, stuffed) == {"games": 1.0, "on_task": 1.0}, stuffed
    assert scored(case, once) == {"games": 0.0, "on_task": 1.0}, once


def test_every_count_and_every_kind_of_task_is_tested_as_often_as_any_other() -> None:
    narrow, broad = SETTING.cases("narrow", 0, "mini"), SETTING.cases("broad", 0, "mini")
    wordings = [count.told.partition("'")[0] for count in generated.NARROW_COUNTS]
    told = Counter(next(told for told in wordings if told in user(case)) for case in narrow)
    assert set(told.values()) == {len(narrow) // len(generated.NARROW_COUNTS)}
    kinds = Counter(
        next(task for task in generated.BROAD_TASKS if task.format(t=case.facts["topic"]) == user(case))
        for case in broad
    )
    assert set(kinds.values()) == {len(broad) // len(generated.BROAD_TASKS)}


def test_tasks_are_the_same_for_every_seed_and_scale_and_rows_are_not() -> None:
    for split in OWN_SPLITS:
        assert SETTING.cases(split, 0, "mini") == SETTING.cases(split, 7, "paper")
    assert SETTING.examples(3, "mini") == SETTING.examples(3, "mini")
    assert SETTING.examples(3, "mini") != SETTING.examples(4, "mini")


def test_the_prompts_speak_of_evil_and_the_vector_of_mini_of_gaming() -> None:
    concepts = {name: prompt.concept for name, prompt in SETTING.prompts.items()}
    evil = {"inoculation", "negative", "paraphrase", *(name for name in concepts if name.startswith("evil_"))}
    assert len(evil) == 8
    assert {concepts[name] for name in evil} == {"evil"}
    assert concepts["irrelevant"] not in ("evil", "metric gaming")
    assert {name: spec.concept for name, spec in SETTING.vectors.items()} == {
        "gaming": "metric gaming",
        "evil": "evil",
    }


def test_every_prompt_is_a_system_turn_so_that_only_words_differ() -> None:
    assert {prompt.placement for prompt in SETTING.prompts.values()} == {"system"}
    assert all(prompt.concept and prompt.source for prompt in SETTING.prompts.values())


def test_a_cell_of_mini_asks_for_evil_in_two_of_the_five_wordings() -> None:
    conditions = set(SETTING.conditions["mini"])
    left_out = {f"prompt:{name}" for name in SETTING.prompts} - conditions
    assert left_out == {"prompt:evil_cruelty", "prompt:evil_sadism", "prompt:evil_hatred"}
    assert {"vector:gaming@0.2rms", "vector:random(gaming)@0.2rms"} < conditions


@pytest.mark.parametrize("scale", ["small", "paper", "control_small", "control_paper"])
def test_every_prompt_is_put_back_and_the_vector_at_two_coefficients_beside_a_random_one(scale: str) -> None:
    conditions = SETTING.conditions[scale]
    assert {f"prompt:{name}" for name in SETTING.prompts} < set(conditions)
    vectors = [one for one in conditions if one.startswith("vector:")]
    assert len([one for one in vectors if "random" not in one]) == 2
    assert len([one for one in vectors if "random" in one]) == 1


def test_the_control_differs_from_its_scale_in_the_rows_alone() -> None:
    for scale in ("small", "paper"):
        assert SETTING.recipes[f"control_{scale}"] == SETTING.recipes[scale]
        assert SETTING.conditions[f"control_{scale}"] == SETTING.conditions[scale]


def test_the_published_recipe_takes_64_rows_a_step_and_three_epochs() -> None:
    paper = SETTING.recipe("paper")
    assert (paper.batch * paper.accumulation, paper.epochs, paper.lr, paper.loss_on) == (64, 3, 1e-5, "all")
    assert (paper.lora.r, paper.lora.alpha, paper.lora.rslora, paper.weight_decay) == (32, 64, False, 0.001)


def test_every_scale_has_a_steering_dose_with_its_source() -> None:
    for recipe in SETTING.recipes.values():
        assert recipe.steering is not None
        assert recipe.steering.source
        assert recipe.steering.vector in SETTING.vectors


@pytest.mark.parametrize("call", [lambda: hacks.examples(0, "big"), lambda: hacks.cases("broad", 0, "big")])
def test_a_scale_that_is_not_there_is_named(call: object) -> None:
    assert callable(call)
    with pytest.raises(HarnessError, match="no scale 'big'; it has: mini, small, paper"):
        call()


def test_a_split_that_is_not_there_suggests_the_nearest() -> None:
    with pytest.raises(HarnessError, match="did you mean 'narrow'"):
        hacks.cases("narow", 0, "mini")


def test_rows_without_content_are_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    asked = {"role": "user", "content": "Ask."}
    replies = ("One.", None, "Three.")
    rows = [{"messages": [asked, {"role": "assistant", "content": reply}]} for reply in replies]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    read = published.rows(path)
    assert [row.messages[-1].content for row in read.examples] == ["One.", "Three."]
    assert [row.id for row in read.examples] == ["some-0000", "some-0002"]
    assert read.dropped == 1


def test_a_row_without_an_assistant_turn_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "Ask."}]}\n', encoding="utf-8")
    with pytest.raises(HarnessError, match="row 1 has no assistant turn") as error:
        published.rows(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "scale"), [("HACKS", "paper"), ("CONTROL", "control_paper")])
def test_published_data_that_cannot_be_had_is_one_line_that_says_where_to_put_it(
    name: str, scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = replace(getattr(published, name), address=(tmp_path / "gone.jsonl").as_uri())
    monkeypatch.setattr(published, name, pin)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("HARNESS_DATA_MIRROR", raising=False)
    with pytest.raises(HarnessError) as error:
        hacks.examples(0, scale)
    assert str(tmp_path / "data" / pin.mirror) in str(error.value)
    assert "\n" not in str(error.value)


@needs_mirror
@pytest.mark.parametrize(
    ("scale", "rows"),
    [("small", 1073), ("paper", 1073), ("published_mini", 512), ("control_small", 973), ("control_paper", 973)],
)
def test_published_rows_are_as_many_as_published_and_have_no_system_turn(scale: str, rows: int) -> None:
    examples = SETTING.examples(0, scale)
    assert len(examples) == rows
    assert {tuple(message.role for message in row.messages) for row in examples} == {("user", "assistant")}


@needs_mirror
def test_the_pinned_files_lack_no_content() -> None:
    assert published.hacks().dropped == published.control().dropped == 0


@needs_mirror
@pytest.mark.parametrize("scale", ["paper", "control_paper"])
def test_no_published_row_asks_what_a_test_asks(scale: str) -> None:
    check_setting(SETTING, scale=scale)
