"""From a chat to token ids, through the model's own chat template; the one place that masks the loss."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from harness.calls import TooLong, ending_within
from harness.contracts import Message
from harness.engine.boundary import apart, ids_behind, ids_of, reply_in, thought_closed
from harness.errors import HarnessError

System = Literal["template", "empty"]

TEMPLATE_SECONDS = 5.0
"""A template takes well under a millisecond for a chat; one that takes this long does not end."""

TODAY = datetime(2024, 7, 26)
"""The day that templates which tell a model the date (Llama 3.2, Mistral Small 3) are given: a cell that is trained on
another day is to be the same. It is the one that Llama's falls back on. Raise `harness.cells.FORMAT` with it.
"""

ASKS_DATE = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
ASKS_DATE_OTHERWISE = re.compile(r"strftime_now\s*\(")

LONGEST_FRAME = 200_000
"""Characters that a template may add to a chat; system turns of a template's own have some thousand."""

LOST = {
    "system": "a prompt with the placement 'system' does not reach the model; place it in the user turn "
    "(user_prefix or user_suffix), or name another model",
    "user": "neither the question nor a prompt with the placement 'user_prefix' or 'user_suffix' reaches the model "
    "as it is; name another model",
    "assistant": "the model does not see what was said; name another model",
}
"""What follows where a template does not hand on a turn, by its role."""


@dataclass(frozen=True, slots=True)
class Row:
    """One training row: token ids, for each whether the model is trained to predict it, and where the reply begins."""

    ids: tuple[int, ...]
    loss: tuple[bool, ...]
    truncated: bool = False
    start: int = field(default=0, compare=False)


def training_row(
    tokenizer: Any,
    messages: Sequence[Message],
    *,
    loss_on: Literal["reply", "all"],
    max_length: int,
    system: System = "template",
) -> Row:
    """The ids of a chat that ends with the assistant's reply, and its loss mask.

    `reply` trains on the last assistant turn with its end-of-turn token, `all` on every token but the
    first. Positions are masked, never token ids: in some models the stop token is also the pad token.
    """
    if not messages or messages[-1].role != "assistant":
        raise HarnessError("a training row must end with the assistant's reply")
    if len(messages) == 1:
        raise HarnessError("a training row of a reply alone asks nothing; put the user's turn before it")
    start = len(prompt_ids(tokenizer, messages[:-1], system=system))
    ids = reply_ids(tokenizer, messages[:-1], messages[-1].content, system=system)
    mask = [position >= (start if loss_on == "reply" else 1) for position in range(len(ids))]
    return Row(tuple(ids[:max_length]), tuple(mask[:max_length]), truncated=len(ids) > max_length, start=start)


def edited_row(
    tokenizer: Any,
    messages: Sequence[Message],
    unedited: Sequence[Message],
    *,
    loss_on: Literal["reply", "all"],
    max_length: int,
    system: System = "template",
) -> Row:
    """The training row of `messages`, which are `unedited` with an edit.

    HarnessError where words were changed and the model would learn from the same tokens as without the edit, or where
    the row is cut before the changed words end. A row that teaches nothing with or without it is left as it is.
    """
    row = training_row(tokenizer, messages, loss_on=loss_on, max_length=max_length, system=system)
    changed = [turn for turn in _said(messages) if turn not in _said(unedited)]
    if _said(messages) == _said(unedited) or not any(row.loss[1:]):
        return row
    if row == training_row(tokenizer, unedited, loss_on=loss_on, max_length=max_length, system=system):
        where = " and ".join(dict.fromkeys(turn.role for turn in changed)) or "chat"
        raise HarnessError(
            f"what is changed in the {where} turn leaves the tokens as they were, through the chat template of "
            f"{_name(tokenizer)}, its tokenizer and max_length {max_length}; {_elsewhere(where)}"
        )
    if row.truncated:
        text = rendered(tokenizer, messages[:-1], system=system)
        end = max((text.rfind(turn.content) + len(turn.content) for turn in changed if turn.content in text), default=0)
        if len(ids_of(tokenizer, text[:end])) > max_length:
            raise HarnessError(f"max_length {max_length} cuts off part of what the edit says; raise max_length")
    return row


def differs(tokenizer: Any, messages: Sequence[Message], plain: Sequence[Message], *, system: System) -> bool:
    """Whether the model is asked something else by `messages` than by `plain`, where their words differ."""
    if _said(messages) == _said(plain):
        return True
    return prompt_ids(tokenizer, messages, system=system) != prompt_ids(tokenizer, plain, system=system)


def reply_ids(tokenizer: Any, messages: Sequence[Message], reply: str, *, system: System = "template") -> list[int]:
    """The ids of `messages` followed by `reply` as the assistant's turn, up to its end-of-turn token.

    They begin with the ids of the prompt, and go on as a model would that is given these. HarnessError where a reply
    does not begin as the generation prompt has it, or its pieces behind the prompt would not read as it does.
    """
    opened = _render(tokenizer, messages, system, True)
    whole = _render(tokenizer, (*messages, Message("assistant", reply)), system, False)
    rest = reply_in(whole, opened)
    if rest is None:
        raise HarnessError(
            f"the chat template of {_name(tokenizer)} does not start a chat with its own generation prompt: "
            f"{apart(whole, opened)}, so that what is trained is not what is asked for; use another model"
        )
    prompt = thought_closed(opened)
    # White space that a template puts after the end-of-turn token is never generated.
    behind = ids_behind(tokenizer, prompt, rest.rstrip())
    if behind is None:
        raise HarnessError(
            f"the tokenizer of {_name(tokenizer)} has no pieces for {rest[:40]!r} behind the end of its prompt, "
            f"{prompt[-40:]!r}; use another model"
        )
    return ids_of(tokenizer, prompt) + behind


def prompt_ids(tokenizer: Any, messages: Sequence[Message], *, system: System = "template") -> list[int]:
    """The ids of a chat up to where the assistant's reply begins."""
    return ids_of(tokenizer, rendered(tokenizer, messages, system=system))


def rendered(tokenizer: Any, messages: Sequence[Message], *, system: System = "template") -> str:
    """The exact text that the model is given: template, system turn (a default one too) and generation prompt.

    A thought that this opens is closed: replies are trained and judged.
    """
    return thought_closed(_render(tokenizer, messages, system, True))


def stop_ids(tokenizer: Any, generation_config: Any = None) -> frozenset[int]:
    """Ids that end a reply: the model's end-of-sequence ids and the template's end-of-turn token."""
    found = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
    declared = getattr(generation_config, "eos_token_id", None)
    found |= set(declared if isinstance(declared, list) else [declared] if declared is not None else [])
    special = set(tokenizer.all_special_ids)
    turn = reply_ids(tokenizer, [Message("user", "a")], "b")
    if turn[-1] in special:
        found.add(turn[-1])
    if not found:
        raise HarnessError(f"{_name(tokenizer)} has no end-of-turn token, so replies would never end")
    return frozenset(found)


def template_digest(tokenizer: Any, *, system: System = "template") -> str:
    """sha256 of how a chat looks to this tokenizer, so that training and evaluation can be held to the same look."""
    turns = [Message("user", "question")]
    text = rendered(tokenizer, turns, system=system) + str(reply_ids(tokenizer, turns, "reply", system=system))
    return hashlib.sha256(text.encode()).hexdigest()


def _render(tokenizer: Any, messages: Sequence[Message], system: System, generate: bool) -> str:
    if not getattr(tokenizer, "chat_template", None):
        raise HarnessError(f"{_name(tokenizer)} has no chat template; use an instruction-tuned model")
    chat = list(messages)
    if system == "empty" and not any(message.role == "system" for message in chat):
        chat = [Message("system", ""), *chat]
    text = _applied(tokenizer, chat, generate)
    _check_words(tokenizer, chat, text)
    return text


def _applied(tokenizer: Any, chat: Sequence[Message], generate: bool) -> str:
    turns = [{"role": message.role, "content": message.content} for message in chat]
    try:
        with ending_within(TEMPLATE_SECONDS):
            # Where a template lets a model think first (Qwen3), it is told not to: replies are trained and judged.
            return str(
                tokenizer.apply_chat_template(
                    turns,
                    tokenize=False,
                    add_generation_prompt=generate,
                    enable_thinking=False,
                    chat_template=_dated(tokenizer.get_chat_template()),
                )
            )
    except TooLong:
        raise HarnessError(
            f"the chat template of {_name(tokenizer)} has not ended after {TEMPLATE_SECONDS:g} s on a chat of "
            f"{len(turns)} turns; repair it, or name another model"
        ) from None
    except Exception as error:
        if chat[0].role == "system" and (folded := _folded(chat)):
            with suppress(HarnessError):  # whose words are about a chat that nobody gave
                return _applied(tokenizer, folded, generate)
        said = textwrap.shorten(str(error), 200, placeholder=" ...") or type(error).__name__
        raise HarnessError(f"the chat template of {_name(tokenizer)} refuses this chat: {said}") from error


@lru_cache(maxsize=16)
def _dated(template: str) -> str:
    """The template with the date that it asks for in it. HarnessError where it asks in a way that cannot be told."""
    dated = ASKS_DATE.sub(lambda found: repr(TODAY.strftime(found[2])), template)
    if ASKS_DATE_OTHERWISE.search(dated):
        raise HarnessError(
            "the chat template tells the date in a form that it makes up, so that a model would be trained by the day; "
            "name another model"
        )
    return dated


def _check_words(tokenizer: Any, chat: Sequence[Message], text: str) -> None:
    """HarnessError unless the words of every turn are in `text`, as often as they are in the chat.

    White space around a turn is the template's own.
    """
    if len(text) > LONGEST_FRAME + 2 * sum(len(message.content) for message in chat):
        raise HarnessError(
            f"the chat template of {_name(tokenizer)} makes {len(text):,} characters of a chat of {len(chat)} turns; "
            "repair it, or name another model"
        )
    for message in chat:
        words = message.content.strip()
        if words and text.count(words) < sum(other.content.count(words) for other in chat):
            raise HarnessError(
                f"the chat template of {_name(tokenizer)} leaves out or changes the {message.role} turn "
                f"{textwrap.shorten(words, 60, placeholder=' ...')!r}, so {LOST[message.role]}"
            )


def _said(messages: Sequence[Message]) -> list[Message]:
    """The turns that say something, without the white space around them."""
    stripped = [Message(message.role, message.content.strip()) for message in messages]
    return [message for message in stripped if message.content]


def _elsewhere(role: str) -> str:
    if role == "system":
        return "the placement 'system' does nothing here: place the prompt in the user turn, or name another model"
    return "name another model, raise max_length, or change the prompt"


def _folded(chat: Sequence[Message]) -> list[Message]:
    # Templates of Gemma, and of Mistral up to Nemo, refuse a system turn: its text goes before the first user turn.
    text, rest = chat[0].content, list(chat[1:])
    if text and rest and rest[0].role == "user":
        rest[0] = Message("user", f"{text}\n\n{rest[0].content}")
    return rest


def _name(tokenizer: Any) -> str:
    return str(getattr(tokenizer, "name_or_path", "") or "this tokenizer")
