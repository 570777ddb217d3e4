"""What prompts that somebody gives mean: texts, or names of a setting's prompts; and what they are called in an arm."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from harness.checks import NAME, shown, words
from harness.contracts import Setting
from harness.errors import HarnessError, unknown
from harness.files import digest_of

WHOLE, BEGINNING, DIGITS = 30, 22, 6
"""Characters of a text that stands whole in an arm's name, or else of its beginning and of its digest."""

NEAR = 0.8
"""From here up two words are so alike (as difflib counts) that one is taken for a slip of the other."""

WORD = re.compile(r"[\w-]+")


def texts_of(given: Sequence[str], setting: Setting) -> tuple[str, ...]:
    """The text of each of `given`, which is one, or the name of a prompt of `setting`; white space around it goes.

    HarnessError for one that is empty or there twice, that no file could hold, and for what is no name of a prompt
    though it looks like one.
    """
    texts: dict[str, str] = {}
    for one in given:
        text = _text(one.strip(), setting)
        if text in texts:
            again = "" if texts[text] == one else f", which is {shown(texts[text])},"
            raise HarnessError(f"the prompt {shown(one)}{again} is there twice; keep one")
        texts[text] = one
    return tuple(texts)


def named(text: str) -> str:
    """What a text is called in an arm's name: itself where that is short and one line, else `The begin...~3fa9c1`.

    What a text is called is called the same, so that whoever knows only that finds the arm.
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if line == text and len(text) <= WHOLE:
        return text
    return f"{line[:BEGINNING].rstrip()}\N{HORIZONTAL ELLIPSIS}~{digits_of(text)}"


def digits_of(text: str) -> str:
    """The first hexadecimal digits of a text's digest."""
    return digest_of(text)[:DIGITS]


def _text(given: str, setting: Setting) -> str:
    if not given:
        raise HarnessError("a prompt is empty; leave it out, or say what it is to be")
    prompt = setting.prompts.get(given)
    if prompt is None:
        _check(given, setting)
        return given
    if prompt.others:
        count = len(prompt.others) + 1
        raise HarnessError(
            f"prompt {given!r} of setting {setting.name!r} has {count} wordings, and all rows get one; give that as a "
            f"text, such as {shown(prompt.text)}"
        )
    if prompt.only:
        raise HarnessError(f"prompt {given!r} of setting {setting.name!r} is for some rows alone; give its text")
    return prompt.text


def _check(text: str, setting: Setting) -> None:
    """HarnessError for what is no text, or a name that `setting` lacks: a small word alone, or nearly one it has."""
    if wrong := words(text) or ("it is no text that a file could hold" if _unwritable(text) else None):
        raise HarnessError(f"prompt {shown(text)}: {wrong}")
    near = difflib.get_close_matches(text[:100], setting.prompts, n=1, cutoff=NEAR)
    if NAME.fullmatch(text) or (near and WORD.fullmatch(text)):
        raise HarnessError(
            f"{unknown(f'prompt of {setting.name}', text, setting.prompts)} (what is no name but a text has a space or "
            "a full stop in it)"
        )


def _unwritable(text: str) -> bool:
    """Whether it holds halves of letters, as of a command line in another encoding."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)
