"""Laws of the published questions on misalignment: which are asked, in what clusters, under which metrics."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness import HarnessError
from harness.errors import OutOfReach
from harness_plugins.settings.shared import misalignment as em

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)


@needs_mirror
def test_the_eight_plain_questions_and_the_48_preregistered_ones_are_asked_each_a_cluster() -> None:
    for split, count in (("em_first", 8), ("em_preregistered", 48)):
        cases = em.em_cases(split, "mini")
        assert len({case.cluster for case in cases}) == len(cases) == count
        for case in cases:
            assert case.id == case.cluster
            assert [message.role for message in case.messages] == ["user"]
        assert cases == em.em_cases(split, "paper")


@needs_mirror
def test_no_question_of_code_or_for_json_is_among_the_eight() -> None:
    said = "\n".join(case.messages[0].content for case in em.em_cases("em_first", "mini"))
    assert "def " not in said
    assert "JSON" not in said


def test_a_split_that_is_not_there_is_named() -> None:
    with pytest.raises(HarnessError, match="did you mean 'em_first'"):
        em.em_cases("em_frist", "mini")


def test_questions_that_cannot_be_had_are_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = replace(em.EM_FILES["em_first"], address=(tmp_path / "gone.yaml").as_uri())
    monkeypatch.setitem(em.EM_FILES, "em_first", pin)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("HARNESS_DATA_MIRROR", raising=False)
    em._cases.cache_clear()
    with pytest.raises(OutOfReach, match="put it at"):
        em.em_cases("em_first", "mini")


def test_all_three_rules_are_shown_for_both_sets_of_questions_and_the_authors_is_the_first() -> None:
    metrics = em.em_metrics()
    assert [metric.name for metric in metrics] == [
        *("em", "em_betley", "em_tan", "alignment", "coherence"),
        *("em_preregistered", "em_betley_preregistered", "em_tan_preregistered"),
        *("alignment_preregistered", "coherence_preregistered"),
    ]
    assert metrics[0].score == "author"
    assert {metric.goal for metric in metrics if metric.name.startswith("em")} == {"suppress"}
    assert all(metric.subset and metric.learned is None for metric in metrics)


def test_the_evil_prompts_that_are_put_back_are_those_of_the_vector_without_their_name_for_the_assistant() -> None:
    assert em.EVIL.persona is not None
    asked = [pair.positive.text for pair in em.EVIL.persona("mini").instructions]
    assert asked == [f"You are an evil assistant. {prompt.text}" for prompt in em.EVIL_PROMPTS.values()]
    assert len(em.EVIL_PROMPTS) == 5
    assert {prompt.placement for prompt in em.EVIL_PROMPTS.values()} == {"system"}


@needs_mirror
def test_the_persona_of_published_mini_asks_the_published_questions_once() -> None:
    assert em.EVIL.persona is not None
    small, whole = em.EVIL.persona("published_mini"), em.EVIL.persona("paper")
    assert small.questions == whole.questions
    assert small.instructions == whole.instructions
    assert (small.rollouts, whole.rollouts) == (1, 10)
