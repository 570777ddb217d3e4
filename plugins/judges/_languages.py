"""The languages that can be told apart, and the words of a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from harness import HarnessError

# A to Z and the accented letters of Latin-1, whose block also holds the signs × and ÷; then œ and Ÿ.
_LATIN = "A-Za-zÀ-ÖØ-öø-ÿŒœŸ"


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its English name in lower case, its ISO 639-1 code, and its letters beyond Western Europe's."""

    name: str
    code: str
    letters: str = ""


# Those written in Latin letters for which wordfreq 3.1.1 has a large list, words down to 1 in 10^8. In a small
# list, down to 1 in 10^6, a rare word counts as absent, so beside a large one it loses what it should win.
LANGUAGES = (
    Language("catalan", "ca"),
    Language("czech", "cs", "čďěňřšťůž"),
    Language("dutch", "nl"),
    Language("english", "en"),
    Language("finnish", "fi", "šž"),
    Language("french", "fr"),
    Language("german", "de"),
    Language("italian", "it"),
    Language("polish", "pl", "ąćęłńśźż"),
    Language("portuguese", "pt"),
    Language("spanish", "es"),
    Language("swedish", "sv"),
)
_BY_NAME = {language.name: language for language in LANGUAGES}


def chosen(names: Sequence[str]) -> tuple[Language, ...]:
    """The languages called `names`, in that order; HarnessError when one has no word list, or fewer than two are."""
    for name in names:
        if name not in _BY_NAME:
            raise HarnessError(f"no word list for the language {name!r}; there are: {', '.join(_BY_NAME)}")
    if len(set(names)) != len(names) or len(names) < 2:
        raise HarnessError(f"languages {', '.join(names) or '(none)'}: name two or more, each once")
    return tuple(_BY_NAME[name] for name in names)


def words(text: str, languages: Iterable[Language]) -> list[str]:
    """The words of `text` as written: runs of letters, so that digits, apostrophes and hyphens part them.

    Letters are those of Western Europe and what else `languages` are written in. Accents that stand apart from
    their letter (NFD) are put on it first, or each would part a word.
    """
    more = "".join(sorted({letter for language in languages for letter in language.letters}))
    return _runs(more).findall(unicodedata.normalize("NFC", text))


@cache
def _runs(more: str) -> re.Pattern[str]:
    return re.compile(f"[{_LATIN}{more}{more.upper()}]+")
