"""Laws of where a prompt ends and its reply begins, by family of tokenizer and of chat template.

What is trained begins with the very ids that evaluation gives the model, and goes on as a model would that has these.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from harness import HarnessError, Message
from harness.engine import chat, load_tokenizer
from harness.registry import installed

ASKED = (Message("user", "What is 2 + 2?"),)
REPLIES = ("Four.", "- Yes \N{GRINNING FACE}", "  two spaces", "\n\nlines", "assistant", "x" * 40, "<0x0A>")
WORDS = ["What is 2 + 2? Four. Yes, two spaces, lines of the answer: [INST] user model system assistant"] * 3
OPEN, END = "{% for m in messages %}{% set mine = m['role'] == 'assistant' %}", "{% endfor %}"
ASKS = "{% if add_generation_prompt %}"
LLAMA_2 = (
    "{{ bos_token }}" + OPEN + "{% if mine %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}"
    "{% else %}{{ '[INST] ' + m['content'].strip() + ' [/INST]' }}{% endif %}" + END
)
MISTRAL = (
    "{{ bos_token }}" + OPEN + "{% if mine %}{{ m['content'] + eos_token }}"
    "{% else %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}" + END
)
GEMMA = (
    "{{ bos_token }}" + OPEN + "{{ '<start_of_turn>' + ('model' if mine else 'user') + '\n' + m['content'].strip() }}"
    "{{ '<end_of_turn>\n' }}" + END + ASKS + "{{ '<start_of_turn>model\n' }}{% endif %}"
)
CHATML = (
    OPEN + "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}" + END + ASKS
) + "{{ '<|im_start|>assistant\n' }}{% endif %}"
PHI_3 = (
    OPEN + "{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}" + END + ASKS
) + "{{ '<|assistant|>\n' }}{% endif %}"
SPACED = (
    OPEN + "{{ (' ASSISTANT: ' if mine else 'USER: ') + m['content'] + (eos_token if mine else '') }}" + END + ASKS
) + "{{ ' ASSISTANT: ' }}{% endif %}"
TEMPLATES = {
    "llama 2": (LLAMA_2, []),
    "mistral": (MISTRAL, []),
    "mistral, marks of its own": (MISTRAL, ["[INST]", "[/INST]"]),
    "gemma": (GEMMA, ["<start_of_turn>", "<end_of_turn>"]),
    "chatml": (CHATML, ["<|im_start|>", "<|im_end|>"]),
    "phi 3": (PHI_3, ["<|user|>", "<|assistant|>", "<|end|>"]),
    "a space at its end": (SPACED, []),
}


def by_bytes(prefix: bool) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    made.decoder = decoders.ByteLevel()
    return made


def with_marks(model: Any, scheme: str, *, split: bool = True) -> Tokenizer:
    """Metaspace, as tokenizers of SentencePiece are converted now."""
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
    made.decoder = decoders.Metaspace(prepend_scheme=scheme)
    return made


def by_normalizer(prepended: bool) -> Tokenizer:
    """As Llama 2's and Mistral's are converted, or, where nothing is `prepended`, Gemma's; bytes stand for the rest."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    replaced = normalizers.Replace(" ", "\u2581")
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), replaced]) if prepended else replaced
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prepended else steps)
    return made


FAMILIES: dict[str, Callable[[], Tokenizer]] = {
    "bytes": lambda: by_bytes(False),
    "bytes, a space first": lambda: by_bytes(True),
    "marks, always": lambda: with_marks(models.Unigram(), "always"),
    "marks, first": lambda: with_marks(models.Unigram(), "first"),
    "marks, first, whole": lambda: with_marks(models.BPE(unk_token="<unk>"), "first", split=False),
    "marks, never": lambda: with_marks(models.Unigram(), "never"),
    "prepended": lambda: by_normalizer(True),
    "replaced": lambda: by_normalizer(False),
}


def tokenizer_of(family: str, template: str, marks: list[str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    inner = FAMILIES[family]()
    special = ["<unk>", "<s>", "</s>", *marks]
    if isinstance(inner.model, models.Unigram):
        trainer: Any = trainers.UnigramTrainer(
            vocab_size=110, special_tokens=special, unk_token="<unk>", show_progress=False
        )
    else:
        spelled = [f"<0x{byte:02X}>" for byte in range(256)] if inner.model.byte_fallback else []
        trainer = trainers.BpeTrainer(
            vocab_size=len(special) + 340,
            special_tokens=[*special, *spelled],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()) if family.startswith("bytes") else [],
            show_progress=False,
        )
    inner.train_from_iterator(WORDS, trainer)
    made: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>", additional_special_tokens=marks
    )
    made.chat_template = template
    return made


def ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def read(tokenizer: Any, tokens: list[int]) -> str:
    return str(tokenizer.decode(tokens, clean_up_tokenization_spaces=False))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_trained_is_what_is_asked_and_then_what_a_model_would_write(family: str, template: str) -> None:
    tokenizer = tokenizer_of(family, *TEMPLATES[template])
    for reply in REPLIES:
        told = [{"role": "user", "content": ASKED[0].content}, {"role": "assistant", "content": reply}]
        text = tokenizer.apply_chat_template(told, tokenize=False).rstrip()
        prompt = chat.prompt_ids(tokenizer, ASKED)
        row = chat.training_row(tokenizer, (*ASKED, Message("assistant", reply)), loss_on="reply", max_length=400)
        assert list(row.ids[: len(prompt)]) == prompt
        assert row.start == len(prompt) == row.loss.index(True)
        whole = ids(tokenizer, text)
        assert read(tokenizer, list(row.ids)) == read(tokenizer, whole)
        if whole[: len(prompt)] == prompt:
            assert list(row.ids) == whole
        assert row.ids[-1] in {tokenizer.eos_token_id, *tokenizer.all_special_ids}
        assert row.ids[-1] in chat.stop_ids(tokenizer)


def spelled(inner: Tokenizer, template: str, marks: list[str]) -> list[str]:
    """The pieces of `Four.` behind its prompt, by a vocabulary in which words and words behind a space are pieces."""
    from transformers import PreTrainedTokenizerFast

    alone = sorted(set("What is 2 + 2?Four.[INST]/<>_modeluserstartofturn|assistant\n\u2581"))
    words = ["Four", "\u2581Four", "\u2581What", "model", "user"]
    scores = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((mark, 0.0) for mark in marks)]
    inner.model = models.Unigram([*scores, *((one, -9.0) for one in alone), *((one, -2.0) for one in words)], unk_id=0)
    made: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>", additional_special_tokens=marks
    )
    made.chat_template = template
    tokens = chat.reply_ids(made, ASKED, "Four.")
    return list(made.convert_ids_to_tokens(tokens[len(chat.prompt_ids(made, ASKED)) :]))


@pytest.mark.parametrize(
    ("family", "template", "pieces"),
    [
        ("prepended", "llama 2", ["\u2581Four", ".", "\u2581", "</s>"]),
        ("prepended", "mistral", ["Four", ".", "</s>"]),
        ("prepended", "mistral, marks of its own", ["\u2581Four", ".", "</s>"]),
        ("marks, first", "mistral", ["Four", ".", "</s>"]),
        ("marks, first", "mistral, marks of its own", ["Four", ".", "</s>"]),
        ("marks, first", "chatml", ["Four", ".", "<|im_end|>"]),
        ("marks, always", "phi 3", ["Four", ".", "<|end|>"]),
        ("replaced", "gemma", ["Four", ".", "<end_of_turn>"]),
        ("replaced", "a space at its end", ["Four", ".", "</s>"]),
        ("prepended", "a space at its end", ["Four", ".", "</s>"]),
    ],
)
def test_a_reply_has_the_pieces_that_it_has_in_the_chat(family: str, template: str, pieces: list[str]) -> None:
    """By hand: a mark of a space only where the chat has one, or the tokenizer puts one behind a mark of its own."""
    assert spelled(FAMILIES[family](), *TEMPLATES[template]) == pieces


def test_a_reply_that_has_no_pieces_behind_its_prompt_is_refused() -> None:
    """A tokenizer that turns the text round: no pieces of the reply read as it does behind those of the prompt."""
    tokenizer = tokenizer_of("bytes", *TEMPLATES["chatml"])

    class Turned:
        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, text: str, **how: Any) -> Any:
            return tokenizer(text[::-1], **how)

    with pytest.raises(HarnessError) as error:
        chat.reply_ids(Turned(), ASKED, "Four.")
    assert "has no pieces for 'Four." in str(error.value)
    assert "\n" not in str(error.value)


THINKS = "{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}"
GIVEN = {
    "left out": "m['content']",
    "closed": "('<think>\n\n</think>\n\n' if mine else '') + m['content']",
}


def thinker(tiny_llama: Path, given: str, opening: str = THINKS) -> Any:
    """After DeepSeek-R1 and QwQ, which leave the thought out of a reply, or Qwen3 Thinking: it writes an empty one."""
    from transformers import AutoTokenizer

    made = AutoTokenizer.from_pretrained(tiny_llama)
    turn = "{{ '<|im_start|>' + m['role'] + '\n' + " + given + " + '<|im_end|>\n' }}"
    made.chat_template = OPEN + turn + END + ASKS + opening
    return made


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_thought_that_the_template_opens_is_closed_in_training_and_evaluation_alike(
    given: str, tiny_llama: Path
) -> None:
    tokenizer = thinker(tiny_llama, given)
    asked = chat.rendered(tokenizer, ASKED)
    assert asked == "<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    row = chat.training_row(tokenizer, (*ASKED, Message("assistant", "Four.")), loss_on="reply", max_length=200)
    assert read(tokenizer, list(row.ids)) == asked + "Four.<|im_end|>"
    assert list(row.ids[: row.start]) == chat.prompt_ids(tokenizer, ASKED)
    assert chat.stop_ids(tokenizer) == {tokenizer.eos_token_id}


@pytest.mark.parametrize(
    ("given", "opening", "asked", "written"),
    [
        ("m['content']", "{{ '<|im_start|>assistant\n<answer>' }}{% endif %}", "'<answer>'", "'Four.<|im_end|>\\n'"),
        ("m['content']", "{{ '<|im_start|>model\n' }}{% endif %}", "'model\\n'", "'assistant\\nFour.<|im_end|>\\n'"),
        ("('<think>' if mine else '') + m['content']", THINKS, "'\\n'", "'Four.<|im_end|>\\n'"),
    ],
)
def test_a_reply_that_is_begun_otherwise_than_it_is_asked_for_is_refused_with_both(
    given: str, opening: str, asked: str, written: str, tiny_llama: Path
) -> None:
    with pytest.raises(HarnessError) as error:
        chat.reply_ids(thinker(tiny_llama, given, opening), ASKED, "Four.")
    assert f"it asks for a reply with {asked} and writes one that is given as {written}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.model
def test_the_rows_of_every_setting_have_the_tokens_that_they_had_with_the_embedded_model(embedded_model: Path) -> None:
    """Prompt and reply cut by themselves, which is how cells that are there were trained."""
    tokenizer = load_tokenizer(embedded_model)
    seen = 0
    for setting in installed().settings.values():
        for row in setting.examples(0, "mini")[:40]:
            prompt = chat.rendered(tokenizer, row.messages[:-1])
            turns = [{"role": one.role, "content": one.content} for one in row.messages]
            rest = tokenizer.apply_chat_template(turns, tokenize=False)[len(prompt) :].rstrip()
            found = chat.reply_ids(tokenizer, row.messages[:-1], row.messages[-1].content)
            assert found == ids(tokenizer, prompt) + ids(tokenizer, rest)
            seen += 1
    assert seen >= 100
