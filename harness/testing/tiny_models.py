"""Tiny random models of several families, each with a tokenizer: to try a plugin on, in seconds and without network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

Family = Literal["llama", "qwen2", "qwen3", "gemma2", "gemma3", "mistral"]
FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "mistral")

VOCABULARY = 320
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_model(folder: Path, *, family: Family = "llama", seed: int = 0, blocks: int = 4, head_dim: int = 8) -> Path:
    """`folder` with a random causal language model (hidden size 32) and a byte-level tokenizer, as safetensors.

    The chat template is ChatML without a default system prompt; end of text and padding are one token, as
    in SmolLM2. The same seed writes the same weights. Needs no network.
    """
    import torch
    import transformers

    tokenizer = _tiny_tokenizer()
    config = _tiny_config(family, blocks, head_dim)
    config.eos_token_id = config.pad_token_id = tokenizer.eos_token_id
    config.bos_token_id = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        from_config: Callable[..., PreTrainedModel] = transformers.AutoModelForCausalLM.from_config
        model = from_config(config, dtype=torch.float32)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tiny_tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|im_end|>", "<|im_start|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(
        ["system user assistant", "Yes, you are right. No, that is not right. The answer is"], trainer
    )
    build: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    tokenizer = build(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHATML
    return tokenizer


def _tiny_config(family: Family, blocks: int, head_dim: int) -> PretrainedConfig:
    import transformers

    kinds: dict[Family, str] = {
        "llama": "LlamaConfig",
        "qwen2": "Qwen2Config",
        "qwen3": "Qwen3Config",
        "gemma2": "Gemma2Config",
        "gemma3": "Gemma3TextConfig",
        "mistral": "MistralConfig",
    }
    if family not in kinds:
        raise ValueError(f"no tiny model of family {family!r}; there are: {', '.join(kinds)}")
    build: Callable[..., PretrainedConfig] = getattr(transformers, kinds[family])
    return build(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=blocks,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=head_dim,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
