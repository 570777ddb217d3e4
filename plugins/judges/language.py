"""Which language is a reply written in? Word by word, from how often each word is used; no model is asked.

A word belongs to the language in which it is most frequent, when it is at least twice as frequent there as in any
other that was asked for; else it is ambiguous, and unknown when no list holds it. Names, numerals and cognates
make 5 to 8 % "English" a floor in replies that hold none. The rule, the margin and the letters of a word are those of
`judge_multilingual` in github.com/AanshSamyani/IP_Internals (39f3faf). Three things are ours: shares are fractions; a
reply without a decided word has none, where theirs has 0 for each language; accents that stand apart from their
letter (NFD) do not cut a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from harness import Case, Judge, Verdict, hookimpl
from harness.contracts import Grader
from harness_plugins.judges._languages import chosen, words

MARGIN = 2.0


@hookimpl
def harness_judge() -> list[Judge]:
    return [
        language_judge("language", ("english", "spanish", "french")),
        language_judge("language_german", ("english", "spanish", "french", "german")),
    ]


def language_judge(name: str, languages: Sequence[str]) -> Judge:
    """A judge that tells `languages` apart, each an English name in lower case.

    Its scores are each language's share of the decided words, under the language's name, then the counts: `words_`
    and the language, `words_ambiguous`, `words_unknown`, `words_decided` and `words_total`. Another set of
    languages is another judge, since a word that two languages share is decided only where one of them is left out.
    """
    known = chosen(languages)
    codes = tuple(language.code for language in known)

    async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
        """Shares and counts of the words of `reply`; the shares are None when no word is decided."""
        found = Counter(_decided(word.lower(), codes) for word in words(reply, known))
        counts = {language.name: found[language.code] for language in known}
        decided = sum(counts.values())
        shares = {language: count / decided if decided else None for language, count in counts.items()}
        tally = {**counts, "ambiguous": found["ambiguous"], "unknown": found["unknown"]}
        total = sum(tally.values())
        tally |= {"decided": decided, "total": total}
        return Verdict(
            scores={**shares, **{f"words_{kind}": float(count) for kind, count in tally.items()}},
            reason=f"{decided} of {total} words decided: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()),
        )

    kinds = (*languages, "ambiguous", "unknown", "decided", "total")
    return Judge(
        name=name,
        summary=f"the share of words that are {', '.join(languages[:-1])} or {languages[-1]}, by word frequency",
        scores=(*languages, *(f"words_{kind}" for kind in kinds)),
        grade=grade,
    )


@lru_cache(maxsize=1 << 17)
def _decided(word: str, codes: tuple[str, ...]) -> str:
    """The code of the language that `word` belongs to, or "ambiguous", or "unknown"."""
    from wordfreq import word_frequency

    best, second = sorted(((word_frequency(word, code), code) for code in codes), reverse=True)[:2]
    if not best[0]:
        return "unknown"
    return best[1] if best[0] >= MARGIN * second[0] else "ambiguous"
