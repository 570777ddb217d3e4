"""Pure edits of a chat: a system turn, a prefix or a suffix of the last user turn."""

from __future__ import annotations

from dataclasses import replace

from harness.contracts import Example, Message, Prompt
from harness.errors import HarnessError


def with_prompt(messages: tuple[Message, ...], prompt: Prompt) -> tuple[Message, ...]:
    """`messages` with `prompt` at its place.

    A system prompt replaces the system turn that is there. A prefix or suffix joins the last user turn
    with one space and strips the outer white space, as Wichers et al. 2025 do.
    """
    if prompt.placement == "system":
        rest = tuple(message for message in messages if message.role != "system")
        return (Message("system", prompt.text), *rest)
    at = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if at is None:
        raise HarnessError(f"a {prompt.placement} prompt needs a user turn, and this chat has none")
    content = messages[at].content
    joined = f"{content} {prompt.text}" if prompt.placement == "user_suffix" else f"{prompt.text} {content}"
    return (*messages[:at], replace(messages[at], content=joined.strip()), *messages[at + 1 :])


def inoculated(example: Example, prompt: Prompt) -> Example:
    """`example` with `prompt` put into its chat."""
    return replace(example, messages=with_prompt(example.messages, prompt))
