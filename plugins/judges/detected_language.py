"""Which language is a reply written in? Sentence by sentence, by a trained detector: a second opinion on `language`.

The detector is py3langid, a naive Bayes classifier over byte sequences (Lui and Baldwin 2012, "langid.py: An
Off-the-shelf Language Identification Tool", ACL): it has no list of words, and it sees them in their order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from harness import Case, Judge, Verdict, hookimpl
from harness.contracts import Grader
from harness_plugins.judges._languages import chosen, words

_END = re.compile(r"\n+|(?<=[.!?])\s+")
CERTAIN = 0.5  # more likely than all others together


@hookimpl
def harness_judge() -> list[Judge]:
    return [
        detected_judge("detected_language", ("english", "spanish", "french")),
        detected_judge("detected_language_german", ("english", "spanish", "french", "german")),
    ]


def detected_judge(name: str, languages: Sequence[str]) -> Judge:
    """A judge that tells `languages` apart, each an English name in lower case.

    Its scores are each language's share of the words in sentences that were decided, under the language's name,
    then the counts `words_decided` and `words_total`. A line ends a sentence. What is not a word is not shown to the
    detector, which takes figures and signs for English. A sentence of single letters, like an equation, has no
    language, and neither has one in which none of `languages` is more likely than all others together.
    """
    known = chosen(languages)
    codes = tuple(language.code for language in known)

    async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
        """Shares of the words of `reply`; None when no sentence is decided."""
        found: Counter[str] = Counter()
        for sentence in _END.split(reply):
            written = words(sentence, known)
            spoken = any(len(word) > 1 for word in written)
            found[_detector(codes)(" ".join(written)) if spoken else ""] += len(written)
        decided = sum(found[code] for code in codes)
        total = sum(found.values())
        shares = {language.name: found[language.code] / decided if decided else None for language in known}
        counts = ", ".join(f"{found[language.code]} {language.name}" for language in known)
        return Verdict(
            scores={**shares, "words_decided": float(decided), "words_total": float(total)},
            reason=f"{decided} of {total} words stand in decided sentences: {counts}",
        )

    return Judge(
        name=name,
        summary=f"the share of words in sentences detected as {', '.join(languages[:-1])} or {languages[-1]}",
        scores=(*languages, "words_decided", "words_total"),
        grade=grade,
    )


@cache
def _detector(codes: tuple[str, ...]) -> Callable[[str], str]:
    """A function that gives the likeliest of `codes` for a text, or "und"."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=CERTAIN)
    identifier.set_languages(codes)
    return lambda text: str(identifier.classify(text)[0])
