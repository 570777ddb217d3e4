"""Where a prompt ends and its reply begins: the pieces that a model would write behind the pieces that it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

ANCHORS = ("\n", ".", "a")
"""Texts that a reply is cut into tokens behind where that can be done neither alone nor behind its prompt."""

OPENED = re.compile(r"<(think|thinking|thought|reasoning)>(\s*)\Z")
"""How a generation prompt ends that has a model think before it replies (DeepSeek-R1, QwQ, Qwen3 Thinking)."""


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """The token ids of `text` as it stands."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def ids_behind(tokenizer: Any, prompt: str, reply: str) -> list[int] | None:
    """The ids of `reply` that read as it does behind those of `prompt`; None where none do.

    Cut alone, as tokenizers that work on bytes can do it, unless that adds or loses something: those made after
    SentencePiece put a space before whatever they are given. Then as in the whole, where this begins with the ids of
    `prompt`, and where the last of these would be another piece in the whole, behind a text that stays as it is.
    """
    first, whole = ids_of(tokenizer, prompt), ids_of(tokenizer, prompt + reply)
    read = None
    for before in ("", prompt, *ANCHORS):
        head = ids_of(tokenizer, before) if before else []
        both = whole if before == prompt else ids_of(tokenizer, before + reply)
        if both[: len(head)] != head:
            continue
        found = both[len(head) :]
        if [*first, *found] == whole:
            return found
        read = _read(tokenizer, whole) if read is None else read
        if _read(tokenizer, [*first, *found]) == read:
            return found
    return None


def thought_closed(prompt: str) -> str:
    """`prompt`, with the thought closed that it opens for the model: as Qwen3 writes that there is none."""
    found = OPENED.search(prompt)
    if found is None:
        return prompt
    return f"{prompt[: found.start(2)]}\n\n</{found[1]}>\n\n"


def reply_in(whole: str, opened: str) -> str | None:
    """What stands in `whole`, a chat with its reply, behind the generation prompt `opened`; None where it is not there.

    A template may leave the thought out of a reply that it is given, and its tags with it.
    """
    closed = thought_closed(opened)
    if whole.startswith(closed):
        return whole[len(closed) :]
    found = OPENED.search(opened)
    if found is None or not whole.startswith(opened[: found.start()]):
        return None
    rest = whole[found.start() :]
    return None if rest.startswith(f"<{found[1]}>") else rest


def apart(whole: str, opened: str) -> str:
    """How the generation prompt ends, and how the chat with its reply goes on, from where they are not the same."""
    pairs = enumerate(zip(whole, opened, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(whole), len(opened)))
    asked, given = opened[same : same + 40], whole[same : same + 40]
    return f"it asks for a reply with {asked!r} and writes one that is given as {given!r}"


def _read(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
