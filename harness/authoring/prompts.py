"""Pure edits of a chat: a system turn, a prefix or a suffix of the last user turn."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from harness.contracts import Example, Message, Placement, Prompt
from harness.errors import HarnessError


def with_prompt(messages: tuple[Message, ...], prompt: Prompt, *, draw_by: str = "") -> tuple[Message, ...]:
    """`messages` with `prompt` at its place, worded as `wording(prompt, draw_by)` says.

    A system prompt replaces the system turn that is there. A prefix or suffix joins the last user turn
    with one space and strips the outer white space, as Wichers et al. 2025 do.
    """
    return _placed(messages, wording(prompt, draw_by), prompt.placement)


def wording(prompt: Prompt, draw_by: str = "") -> str:
    """One of the prompt's texts, the same for the same `draw_by`, which is the id of a row or case; "" is `text`."""
    texts = (prompt.text, *prompt.others)
    if not draw_by or len(texts) == 1:
        return prompt.text
    return texts[int.from_bytes(hashlib.sha256(f"wording/{draw_by}".encode()).digest()[:8]) % len(texts)]


def inoculated(example: Example, *prompts: Prompt) -> Example:
    """`example` with `prompts` put into its chat, joined with spaces; those for rows with other tags are left out."""
    wanted = [one for one in prompts if all(example.tags.get(tag) == value for tag, value in one.only.items())]
    if not wanted:
        return example
    if len({one.placement for one in wanted}) > 1:
        raise HarnessError(f"row {example.id!r} cannot take prompts of different placements at once")
    text = " ".join(wording(one, example.id) for one in wanted)
    return replace(example, messages=_placed(example.messages, text, wanted[0].placement))


def _placed(messages: tuple[Message, ...], text: str, placement: Placement) -> tuple[Message, ...]:
    if placement == "system":
        return (Message("system", text), *(message for message in messages if message.role != "system"))
    at = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if at is None:
        raise HarnessError(f"a {placement} prompt needs a user turn, and this chat has none")
    content = messages[at].content
    joined = f"{content} {text}" if placement == "user_suffix" else f"{text} {content}"
    return (*messages[:at], Message("user", joined.strip()), *messages[at + 1 :])
