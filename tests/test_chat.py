"""Laws of the chat: what is masked, what ends a reply, and what a model without a system role sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

from harness import HarnessError, Message
from harness.engine import chat

ASKED = (Message("user", "What is 2 + 2?"),)
TOLD = (*ASKED, Message("assistant", "Four."))


@pytest.fixture(scope="module")
def tokenizer(tiny_llama: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_llama)


def text(tokenizer: Any, ids: tuple[int, ...]) -> str:
    return str(tokenizer.decode(list(ids)))


def test_loss_on_reply_covers_the_reply_and_its_end_and_nothing_else(tokenizer: Any) -> None:
    row = chat.training_row(tokenizer, TOLD, loss_on="reply", max_length=100)
    learned = tuple(token for token, wanted in zip(row.ids, row.loss, strict=True) if wanted)
    assert text(tokenizer, learned) == "Four.<|im_end|>"


def test_loss_on_all_covers_everything_but_the_first_token(tokenizer: Any) -> None:
    row = chat.training_row(tokenizer, TOLD, loss_on="all", max_length=100)
    assert row.loss == (False, *[True] * (len(row.ids) - 1))


def test_the_stop_token_is_learned_although_it_is_also_the_pad_token(tokenizer: Any) -> None:
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    row = chat.training_row(tokenizer, TOLD, loss_on="reply", max_length=100)
    assert row.ids[-1] == tokenizer.eos_token_id
    assert row.loss[-1]


def test_a_row_begins_with_exactly_the_prompt_that_evaluation_uses(tokenizer: Any) -> None:
    prompt = chat.prompt_ids(tokenizer, ASKED)
    assert list(chat.training_row(tokenizer, TOLD, loss_on="reply", max_length=100).ids[: len(prompt)]) == prompt


def test_a_long_row_is_cut_at_the_end_and_says_so(tokenizer: Any) -> None:
    row = chat.training_row(tokenizer, TOLD, loss_on="reply", max_length=7)
    assert (len(row.ids), len(row.loss), row.truncated) == (7, 7, True)


def test_an_empty_system_turn_is_another_chat_than_none(tokenizer: Any) -> None:
    assert chat.rendered(tokenizer, ASKED, system="empty") == "<|im_start|>system\n<|im_end|>\n" + chat.rendered(
        tokenizer, ASKED
    )
    told = (Message("system", "Be brief."), *ASKED)
    assert chat.rendered(tokenizer, told, system="empty") == chat.rendered(tokenizer, told)


def test_a_template_without_a_system_role_gets_its_text_in_front_of_the_user(tokenizer: Any) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    plain = tokenizer.chat_template
    tokenizer.chat_template = refusing + plain
    try:
        shown = chat.rendered(tokenizer, (Message("system", "Be brief."), *ASKED))
    finally:
        tokenizer.chat_template = plain
    assert shown == chat.rendered(tokenizer, (Message("user", "Be brief.\n\nWhat is 2 + 2?"),))


ALTERNATING = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}{% endfor %}"
)


def test_a_template_that_wants_turns_to_alternate_gets_the_system_text_in_front_of_the_user(tokenizer: Any) -> None:
    """As Mistral's own, which speak of roles and of no system."""
    plain = tokenizer.chat_template
    tokenizer.chat_template = ALTERNATING + plain
    try:
        told = chat.rendered(tokenizer, [Message("system", "Be brief."), Message("user", "Hi")])
        assert told == chat.rendered(tokenizer, [Message("user", "Be brief.\n\nHi")])
        with pytest.raises(HarnessError, match="refuses this chat: Conversation roles must alternate"):
            chat.rendered(tokenizer, [Message("user", "Hi"), Message("user", "Ho")])
        with pytest.raises(HarnessError, match="refuses this chat: Conversation roles must alternate"):
            chat.rendered(tokenizer, [Message("system", "Be."), Message("user", "Hi"), Message("user", "Ho")])
    finally:
        tokenizer.chat_template = plain


@pytest.mark.parametrize("form", ["%d %b %Y", "%Y-%m-%d", "%H:%M:%S"])
def test_a_template_that_tells_the_date_tells_the_same_on_every_day(form: str, tiny_llama: Path) -> None:
    dated = AutoTokenizer.from_pretrained(tiny_llama)
    dated.chat_template = "Today is {{ strftime_now('" + form + "') }}." + dated.chat_template
    text = chat.rendered(dated, [Message("user", "Hi")])
    assert text.startswith(f"Today is {datetime(2024, 7, 26).strftime(form)}.")
    with freeze(2031, 3, 1):
        assert chat.rendered(dated, [Message("user", "Hi")]) == text


def test_of_several_templates_the_default_one_is_taken(tiny_llama: Path) -> None:
    several = AutoTokenizer.from_pretrained(tiny_llama)
    plain = chat.rendered(several, [Message("user", "Hi")])
    several.chat_template = {"default": several.chat_template, "tool_use": "tools"}
    assert chat.rendered(several, [Message("user", "Hi")]) == plain


def test_a_date_in_a_form_that_a_template_makes_up_is_refused(tiny_llama: Path) -> None:
    dated = AutoTokenizer.from_pretrained(tiny_llama)
    dated.chat_template = "{% set form = '%d' + '%m' %}{{ strftime_now(form) }}" + dated.chat_template
    with pytest.raises(HarnessError, match="tells the date in a form that it makes up"):
        chat.rendered(dated, [Message("user", "Hi")])


@contextmanager
def freeze(*day: int) -> Iterator[None]:
    """Another day for the library that renders templates."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Frozen:
            return cls(*day)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chat_template_utils, "datetime", Frozen)
        yield


def test_a_tokenizer_without_a_template_is_refused(tokenizer: Any) -> None:
    plain, tokenizer.chat_template = tokenizer.chat_template, None
    try:
        with pytest.raises(HarnessError, match="has no chat template; use an instruction-tuned model"):
            chat.prompt_ids(tokenizer, ASKED)
    finally:
        tokenizer.chat_template = plain


def test_a_row_without_a_reply_is_refused(tokenizer: Any) -> None:
    with pytest.raises(HarnessError, match="must end with the assistant's reply"):
        chat.training_row(tokenizer, ASKED, loss_on="reply", max_length=100)


def test_a_row_that_asks_nothing_is_refused(tokenizer: Any) -> None:
    with pytest.raises(HarnessError, match="a training row of a reply alone asks nothing"):
        chat.training_row(tokenizer, TOLD[1:], loss_on="reply", max_length=100)


def test_the_end_of_a_turn_ends_a_reply(tokenizer: Any) -> None:
    assert chat.stop_ids(tokenizer) == {tokenizer.eos_token_id}


@pytest.mark.model
def test_the_embedded_models_template_adds_a_system_turn_of_its_own(embedded_model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(embedded_model)
    assert "<|im_start|>system\nYou are" in chat.rendered(tokenizer, ASKED)
    assert chat.rendered(tokenizer, ASKED, system="empty").startswith("<|im_start|>system\n<|im_end|>")
    row = chat.training_row(tokenizer, TOLD, loss_on="reply", max_length=100)
    learned = [token for token, wanted in zip(row.ids, row.loss, strict=True) if wanted]
    assert tokenizer.decode(learned) == "Four.<|im_end|>"


def test_a_model_that_could_think_first_is_told_not_to_in_training_and_evaluation_alike(tiny_llama: Path) -> None:
    """The template is made after Qwen3's: no thinking is an empty block before the reply."""
    from transformers import AutoTokenizer

    thinker = AutoTokenizer.from_pretrained(tiny_llama)
    thinker.chat_template = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
        "{% if message['role'] == 'assistant' %}{{ '<think></think>' }}{% endif %}"
        "{{ message['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
        "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think></think>' }}{% endif %}{% endif %}"
    )
    assert chat.rendered(thinker, ASKED).endswith("assistant\n<think></think>")
    row = chat.training_row(thinker, TOLD, loss_on="reply", max_length=100)
    learned = tuple(token for token, wanted in zip(row.ids, row.loss, strict=True) if wanted)
    assert text(thinker, learned) == "Four.<|im_end|>"
