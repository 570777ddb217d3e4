"""Which language is a reply written in? Sentence by sentence, by a trained detector: a second opinion on `language`.

The detector is py3langid, a naive Bayes classifier over byte sequences (Lui and Baldwin 2012, "langid.py: An
Off-the-shelf Language Identification Tool", ACL): it has no list of words, and it sees them in their order. It knows
140 languages, so that a reply in none of those that are asked for is told from them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from harness import Case, Judge, Verdict, hookimpl
from harness.contracts import Grader
from harness_plugins.judges._languages import chosen

ANOTHER = "another_language"
FOREIGN, DOUBTFUL = 10.0, 3.0  # so many times as likely as any that is asked for
FEWEST_WORDS = 2  # of more than one letter, in Latin script: a "No." or a name alone has no language
FEWEST_FOREIGN = 4  # words, in Latin script: of three, one may be a name, which is of any language

_END = re.compile(r"\n+|(?<=[.!?])\s+|(?<=[。！？])")
_WORD = re.compile(r"[^\W\d_ªºµ]+")
_NOT_LATIN = re.compile("[^A-Za-zª-ɏḀ-ỿ]")  # Latin letters end with Extended-B; those of Extended Additional follow


@hookimpl
def harness_judge() -> list[Judge]:
    return [
        detected_judge("detected_language", ("english", "spanish", "french")),
        detected_judge("detected_language_german", ("english", "spanish", "french", "german")),
    ]


def detected_judge(name: str, languages: Sequence[str]) -> Judge:
    """A judge that tells `languages` apart, each an English name in lower case, and any other from them.

    Its scores are each language's share of the words in sentences that were decided, under the language's name, then
    that of all others, `another_language`, then the counts `words_decided` and `words_total`. A line ends a sentence.
    What is not a word is not shown to the detector, which takes figures and signs for English.
    """
    known = chosen(languages)
    codes = tuple(language.code for language in known)
    kinds = {**{language.name: language.code for language in known}, ANOTHER: ANOTHER}

    async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
        """Shares of the words of `reply`; None when no sentence is decided."""
        found: Counter[str] = Counter()
        for sentence in _END.split(unicodedata.normalize("NFC", reply)):
            written = _WORD.findall(sentence)
            found[_language_of(written, codes)] += len(written)
        decided = sum(found[kind] for kind in kinds.values())
        total = sum(found.values())
        shares = {name: found[kind] / decided if decided else None for name, kind in kinds.items()}
        counts = ", ".join(f"{found[kind]} {name.replace('_', ' ')}" for name, kind in kinds.items())
        return Verdict(
            scores={**shares, "words_decided": float(decided), "words_total": float(total)},
            reason=f"{decided} of {total} words stand in decided sentences: {counts}",
        )

    return Judge(
        name=name,
        summary=f"the share of words in sentences detected as {', '.join(languages)} or another language",
        scores=(*languages, ANOTHER, "words_decided", "words_total"),
        grade=grade,
        version="2",
    )


def _language_of(words: Sequence[str], codes: tuple[str, ...]) -> str:
    """Which of `codes` a sentence is in, or `ANOTHER`; "" where that cannot be told.

    Letters of another script are another language's, since all that can be asked for are written in Latin ones. Else
    another language has it that the detector finds `FOREIGN` times as likely as any of `codes`. One of `codes` has it
    when it is more likely than all the others of them together, and no other language is `DOUBTFUL` times as likely.
    """
    spoken = [word for word in words if len(word) > 1]
    letters = "".join(spoken)
    if 2 * len(_NOT_LATIN.findall(letters)) > len(letters):
        return ANOTHER
    if len(spoken) < FEWEST_WORDS:
        return ""
    likely = _detector()(" ".join(words))
    (best, p), *others = ((code, p) for code, p in likely if code in codes)
    foreign = next(p for code, p in likely if code not in codes)
    if foreign >= FOREIGN * p:
        return ANOTHER if len(words) >= FEWEST_FOREIGN else ""
    return best if p > sum(p for _, p in others) and foreign < DOUBTFUL * p else ""


@cache
def _detector() -> Callable[[str], list[tuple[str, float]]]:
    """A function that gives how likely a text is in each language that has a code of two letters, likeliest first.

    The others that the detector knows are close kin of one of these, as Extremaduran is of Spanish.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    return lru_cache(maxsize=1 << 14)(identifier.rank)  # replies to one question have sentences in common
