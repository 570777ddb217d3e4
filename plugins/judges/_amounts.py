"""The number that a reply gives as its answer, in English, Spanish, French, German, Italian or Portuguese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness_plugins.judges._text import excerpt, plain, sentences

_WRITTEN = (
    (r"<<[^<>]*>>", ""),  # a calculator mark repeats what stands beside it
    (r"\{,\}", ","),  # LaTeX for a comma between thousands
    (r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}", r" \1/\2"),
    (r"\\(?=[$%€£])", ""),
    (r"[-−–]\$(?=[.,]?\d)", "-"),
    (r"≈|\\approx\b", "="),
    (r"#{4,}\s*(?=[-−–~≈$€£\s]*[.,]?\d)", "\nthe answer is "),
)
_ORDINAL = r"(?:st|nd|rd|th|er|ère|ème|[eºª])\b"
_DIGITS = r"(?>\d{1,3}(?P<group>[.,' ])\d{3}(?:(?P=group)\d{3})*(?!\d)(?:(?!(?P=group))[.,]\d+)?|\d*[.,]?\d+)"
# No part of a longer number or of a name, no exponent, no ordinal.
_NUMBER = re.compile(
    rf"(?P<minus>(?<![\w)%])(?<![\d)%] )-(?=[$€£]?[.,]?\d))?[$€£]?(?<![^\W_])(?<!\d[.,'/])(?<!\^)"
    rf"(?:(?:(?P<whole>\d+) )?(?P<above>\d+)/(?P<below>\d++)(?![.,/]\d)|(?P<digits>{_DIGITS}))(?!{_ORDINAL})"
    r"(?P<percent> ?%)?"
)
_ANSWER = re.compile(
    r"\b(?:answer|result|solution|respuesta|resultado|solución|réponse|résultat|antwort|(?:end)?ergebnis|lösung|"
    r"risposta|risultato|resposta)\b[^.!?;\n]{0,80}?"
    r"(?:=|:|\b(?:is|are|was|equals|(?:will|would|should|must) be|es|son|será|sería|est|sera|serait|vaut|"
    r"ist|sind|lautet|beträgt|è|sarà|é)\b)"
    r"(?=(?P<clause>(?:(?!\b(?:not|no|never|pas|nicht|non|não)\b)[^.!?;\d\n]){0,60}?[-$€£.,]{0,2}\d.*))"
)
_REASON = re.compile(
    r"[,;:(](?!\d)|\b(?:because|since|as|so|porque|ya que|pues|car|puisque|parce|weil|denn|da|perché|poiché)\b"
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a text: the values that its spelling allows, the likeliest first, and the words it stands in.

    1,250 may be 1250 or 1.25, and 25 % may be 25 or 0.25.
    """

    values: tuple[float, ...]
    words: str


def given_amount(reply: str) -> Amount | None:
    """The last number that a reply gives as the answer in so many words, else the last of its last sentence with one.

    In so many words: `#### 5`, `\\boxed{5}`, "the answer is 5", "la respuesta es 5" and their like. An equation
    counts by what stands after its last equals sign. Questions give no answer.
    """
    for pattern, words in _WRITTEN:
        reply = re.sub(pattern, words, reply)
    lines = [sentence.text for sentence in sentences(reply) if not sentence.asks]
    named = [amount for line in lines for amount in _named(line)]
    if named:
        return named[-1]
    return next((found[-1] for line in reversed(lines) if (found := amounts(line))), None)


def amounts(text: str) -> list[Amount]:
    """Every number of a plain text, in order."""
    found = [(_values(match), match) for match in _NUMBER.finditer(text)]
    return [Amount(values, excerpt(text[max(0, m.start() - 20) : m.end() + 10])) for values, m in found if values]


def amount(fact: object) -> float | None:
    """The value of a case's fact, a number or a text that holds one."""
    if isinstance(fact, str):
        found = amounts(plain(fact))
        return found[-1].values[0] if found else None
    return float(fact) if isinstance(fact, int | float) and not isinstance(fact, bool) else None


def _named(line: str) -> Iterator[Amount]:
    for match in _ANSWER.finditer(line):
        clause = match["clause"]
        first = _NUMBER.search(clause)
        if first is None:
            continue
        reason = _REASON.search(clause, first.end())
        clause = clause[: reason.start() if reason else None]
        found = amounts(clause.rpartition("=")[2])
        unfinished = "=" not in clause and re.match(r" ?[-+×*÷^] ?\d", clause[first.end() :])
        if found and not unfinished:
            yield Amount(found[0].values, excerpt(match[0] + clause))


def _values(match: re.Match[str]) -> tuple[float, ...]:
    sign = -1.0 if match["minus"] else 1.0
    if match["below"]:
        below = float(match["below"])
        values = [float(match["whole"] or 0) + float(match["above"]) / below] if below else []
    else:
        values = _spelled(match["digits"], match["group"])
    hundredths = [value / 100 for value in values] if match["percent"] else []
    return tuple(sign * value for value in (*values, *hundredths))


def _spelled(digits: str, group: str | None) -> list[float]:
    """The values of a run of digits: 1,250 and 1.250 may be a thousand or a decimal, 0.250 and 1,250.5 only one."""
    if group is None:
        return [float(digits.replace(",", "."))]
    thousand = float(digits.replace(group, "").replace(",", "."))
    if group in "' " or len(re.findall(r"\D", digits)) > 1:
        return [thousand]
    decimal = float(digits.replace(",", "."))
    if digits.startswith("0"):
        return [decimal]
    return [thousand, decimal] if group == "," else [decimal, thousand]
