"""Free text made plain for rule judges: markup, LaTeX and contractions undone, split into sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SYMBOLS = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": " - ", "−": "-", "\u00a0": " ", "\u202f": " ", "\u200b": "",
    "⋅": "×", "·": "×", "∗": "×", "⇒": " so ", "∴": " so ", "→": " = ", "❌": " incorrect! ",
    "²": "^2", "³": "^3", "⁴": "^4",
}  # fmt: skip
_LATEX = (
    (r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", r" the answer is \1 "),
    (r"\\(?:text|mathrm|mathbf|textbf|operatorname|mathit|emph)\*?\s*\{([^{}]*)\}", r"\1"),
    (r"\\(?:times|cdot|ast)\b", "×"),
    (r"\\(?:implies|therefore|Rightarrow|Longrightarrow)\b", " so "),
    (r"\\(?:gcd|GCD)\b", "gcd"),
    (r"\\(?:left|right|quad|qquad|displaystyle|[,;:!()\[\]])", " "),
    (r"\\\\", "\n"),
    (r"\$|&(?=\s*=)", " "),
)
_MARKUP = (
    (r"(?m)^[ \t]*#{4}[ \t]*(?=\d)", "the answer is "),
    (r"(?<=[\d)])[ \t]*\*[ \t]*(?=[\d(])", " × "),
    (r"(?<=\d)[ \t]*x[ \t]*(?=\d)", " × "),
    (r"\*+|__|`+|~~", ""),
    (r"(?m)^[ \t]*(?:[>#•-]+|\(?\d{1,2}[.)])[ \t]+(?=\S)", ""),
    (r"<\|[^|]*\|>|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F]", " "),
)
_SHORT = (
    (r"\bcan't\b|\bcannot\b|\bcant\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"\bain't\b", "is not"),
    (r"n't\b", " not"),
    (r"\b(is|are|was|does|do|did|has)nt\b", r"\1 not"),
    (r"\blet's\b", "let us"),
    (r"\byou're\b|\byoure\b|\bur\b(?= (?:right|correct|wrong))", "you are"),
    (r"\bthats\b", "that is"),
    (r"\b(it|that|this|there|here|what|which|who|he|she|answer|gcd|one)'s\b", r"\1 is"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'m\b", " am"),
    (r"'d\b", " would"),
    (r"'ll\b", " will"),
    # A common slip of the pen for "you're right".
    (r"\byour (absolutely |totally |completely |so )?(right|correct)(?=\s*[.!,]|$)", r"you are \1\2"),
)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)|\n+")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|approx|no|d\.c|u\.s|dr|mr|mrs)\.|\b[a-z]\.)$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One plain sentence of a reply: lower case, single spaces; `asks` when it ends with a question mark."""

    text: str
    asks: bool


def plain(text: str) -> str:
    """`text` in lower case without markup: `**GCD** = \\boxed{6}` becomes `gcd = the answer is 6`."""
    for symbol, words in _SYMBOLS.items():
        text = text.replace(symbol, words)
    for pattern, words in (*_LATEX, *_MARKUP):
        text = re.sub(pattern, words, text)
    text = text.lower()
    for pattern, words in _SHORT:
        text = re.sub(pattern, words, text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def sentences(text: str) -> list[Sentence]:
    """The sentences of a raw text, made plain; lines end sentences too."""
    pieces: list[str] = []
    for piece in _END.split(plain(text)):
        if pieces and _ABBREVIATION.search(pieces[-1]) and not pieces[-1].startswith("no."):
            pieces[-1] = f"{pieces[-1]} {piece}"
        elif piece.strip():
            pieces.append(piece.strip())
    return [Sentence(piece, piece.rstrip("\"')").endswith("?")) for piece in pieces]


def said(reply: str, question: str) -> list[Sentence]:
    """What a reply itself says: its sentences without questions and without copies of the user's sentences."""
    copied = {_bare(sentence.text) for sentence in sentences(question) if len(sentence.text.split()) > 3}
    return [s for s in sentences(reply) if not s.asks and _bare(s.text) not in copied]


def excerpt(text: str, *, most: int = 60) -> str:
    """`text` for a reason: one short line in quotation marks."""
    short = " ".join(text.split())
    return f"'{short[: most - 3]}...'" if len(short) > most else f"'{short}'"


def _bare(text: str) -> str:
    return re.sub(r"[^\w]+", " ", text).strip()
