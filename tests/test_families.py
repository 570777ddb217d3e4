"""Laws of model families: what is computed here is what the model's own code gives, or one line refuses the family.

Tiny models with random weights, every number that scales logits, embeddings or residuals set to one that shows.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from harness import HarnessError, Lora, Recipe
from harness.engine import Row, TorchEngine, check_family, load, logits
from harness.engine.decoding import Batch, Writer, _uniform, sampled
from harness.engine.head import kind_of
from harness.engine.interface import Continuation, Request
from harness.engine.likelihood import likelihoods
from harness.engine.steering import decoder_blocks
from harness.planning import _adapter_numbers
from harness.training.adapters import with_adapter
from harness.training.loss import loss_of

RECIPE = Recipe(model="tiny", lora=Lora(r=2, alpha=4))
VOCABULARY = 96
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 128,
    "n_inner": 48,
    "d_model": 32,
    "n_layers": 2,
    "n_heads": 4,
    "num_layers": 2,
    "attention_heads": 4,
    "ffn_dim": 48,
    "word_embed_proj_dim": 32,
    "rotary_dim": 4,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "n_routed_experts": 4,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "sliding_window": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "logits_scaling": 3.0,
    "logit_scale": 0.25,
    "final_logit_softcapping": 5.0,
    "embedding_multiplier": 2.0,
    "residual_multiplier": 0.7,
}
MATRIX = (
    "afmoe",
    "apertus",
    "arcee",
    "aria_text",
    "biogpt",
    "bitnet",
    "bloom",
    "codegen",
    "cwm",
    "diffllama",
    "doge",
    "ernie4_5",
    "ernie4_5_moe",
    "exaone4",
    "falcon",
    "gemma",
    "glm",
    "glm4",
    "glm4_moe",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gpt_oss",
    "gptj",
    "helium",
    "hunyuan_v1_dense",
    "llama",
    "ministral",
    "mistral",
    "mixtral",
    "mpt",
    "nemotron",
    "olmo",
    "olmo2",
    "olmo3",
    "olmoe",
    "opt",
    "persimmon",
    "phi",
    "phi3",
    "phimoe",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "seed_oss",
    "smollm3",
    "stablelm",
    "starcoder2",
    "xglm",
)
CAPPED = ("gemma2", "gemma3_text", "nanochat", "vaultgemma")
OWN = ("cohere", "cohere2", "granite", "granitemoe", "granitemoeshared", "hyperclovax")
RIGHT = {**dict.fromkeys(MATRIX, "matrix"), **dict.fromkeys(CAPPED, "capped"), **dict.fromkeys(OWN, "own")}
REFUSED = ("falcon_h1", "falcon_mamba", "jamba", "llama4_text", "mamba", "openai-gpt", "qwen3_5_text", "qwen3_next")


def tiny(family: str) -> Any:
    """A model of a family with random weights."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    config = CONFIG_MAPPING[family]()
    of = getattr(config, "text_config", None) or config
    for name, value in SIZES.items():
        if hasattr(of, name):
            with suppress(AttributeError):  # some are made from others
                setattr(of, name, value)
    for name in ("layer_types", "layers_block_type", "mlp_layer_types"):
        kinds = list(dict.fromkeys(getattr(of, name, None) or ()))
        if kinds:
            with suppress(AttributeError):
                setattr(of, name, [kinds[at % len(kinds)] for at in range(2)])
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval().float()
    for weight in model.parameters():
        if weight.ndim >= 2:
            torch.nn.init.normal_(weight, std=0.15)
    return model


@torch.no_grad()
def own(model: Any, tokens: list[int]) -> Tensor:
    """The logits of the model's own forward pass, (n, vocabulary)."""
    found: Tensor = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0].float()
    return found


def texts() -> list[list[int]]:
    draw = torch.Generator().manual_seed(1)
    return [torch.randint(3, VOCABULARY, (length,), generator=draw).tolist() for length in (12, 5, 9)]


def test_there_are_enough_families_and_none_is_twice() -> None:
    assert len(RIGHT) == len(MATRIX) + len(CAPPED) + len(OWN) >= 50
    assert not set(RIGHT) & set(REFUSED)


@pytest.mark.parametrize(("family", "kind"), RIGHT.items(), ids=RIGHT)
def test_a_family_is_computed_as_by_its_own_code(family: str, kind: str) -> None:
    """Logits, loss of padded rows, likelihoods, greedy and sampled replies of a batch that is refilled."""
    model = tiny(family)
    check_family(model)
    asked = texts()
    whole = [own(model, tokens) for tokens in asked]
    with torch.no_grad():
        hidden = model.get_decoder()(input_ids=torch.tensor(asked[:1]), use_cache=False).last_hidden_state[0]
        assert kind_of(model, hidden) == kind
        assert torch.allclose(logits(model, hidden), whole[0], atol=1e-4, rtol=1e-4)
        rows = [Row(ids=tuple(one), loss=(False,) * 3 + (True,) * (len(one) - 3), truncated=False) for one in asked]
        loss, count = loss_of(model, rows, "fp32")
    wanted = [
        -float(scores[at - 1].log_softmax(-1)[tokens[at]])
        for tokens, scores in zip(asked, whole, strict=True)
        for at in range(3, len(tokens))
    ]
    assert count == len(wanted)
    assert float(loss) == pytest.approx(sum(wanted), rel=1e-4)
    found = likelihoods(model, [Continuation(tuple(one[:3]), tuple(one[3:])) for one in asked], longest=64)
    assert sum(one.logprob for one in found) == pytest.approx(-sum(wanted), rel=1e-4)
    requests = [Request(tokens=tuple(one), max_tokens=6, temperature=at * 0.7, seed=at) for at, one in enumerate(asked)]
    assert written(model, requests) == [by_hand(model, request) for request in requests]


def written(model: Any, requests: list[Request]) -> list[list[int]]:
    blocks = TorchEngine.around(model, None, "fp32").block_count
    writer = Writer(
        model=model, tokenizer=None, stop=frozenset({2}), blocks=blocks, slots=2, device=torch.device("cpu")
    )
    batch = Batch(writer, requests, lambda replies, tokens: None)
    batch.write()
    return batch.written


def by_hand(model: Any, request: Request) -> list[int]:
    """A reply by whole forward passes, one for each token."""
    reply: list[int] = []
    while len(reply) < request.max_tokens and reply[-1:] != [2]:
        scores = own(model, [*request.tokens, *reply])[-1]
        if request.temperature:
            drawn = float(_uniform(request)[len(reply)])
            reply.append(sampled((scores / request.temperature).double().softmax(-1), request.top_p, drawn, floor=0.0))
        else:
            reply.append(int(scores.argmax()))
    return reply


EXPERTS = {
    "afmoe",
    "aria_text",
    "ernie4_5_moe",
    "glm4_moe",
    "gpt_oss",
    "mixtral",
    "olmoe",
    "phimoe",
    "qwen2_moe",
    "qwen3_moe",
    "granitemoe",
    "granitemoeshared",
}
OTHERWISE = {
    "phi3": {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"},
    "gpt2": {"c_attn", "c_proj", "c_fc"},
    "gpt_neox": {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"},
    "opt": {"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"},
    "glm4": {"q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"},
    "mpt": {"Wqkv", "out_proj", "up_proj", "down_proj"},
    "nemotron": {"q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"},
    "mixtral": {"q_proj", "k_proj", "v_proj", "o_proj"},
}


@pytest.mark.parametrize("family", RIGHT)
def test_every_layer_that_is_meant_learns_and_no_other(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All matrices of the blocks but routers and experts, by whatever name; gradients reach each of them."""
    model = tiny(family)
    kinds = (torch.nn.Linear, Conv1D)
    inside = {name for name, module in decoder_blocks(model).named_modules() if isinstance(module, kinds)}
    adapted = with_adapter(model, RECIPE, dtype="fp32")
    names = {name.rpartition(".")[2] for name in inside}
    assert set(adapted.lora_targets) == OTHERWISE.get(family, set(adapted.lora_targets)) <= names
    weights = {name: weight for name, weight in adapted.named_parameters() if weight.requires_grad}
    learning = {name.partition(".lora_")[0].partition("layers.")[2] or name.partition(".h.")[2] for name in weights}
    assert len({name for name in weights if "lora_B" in name}) == len(
        [name for name in inside if name.rpartition(".")[2] in adapted.lora_targets]
    ), learning
    left = {name.rpartition(".")[2] for name in inside} - set(adapted.lora_targets)
    dense = {"gate_proj", "up_proj", "down_proj"} if family in EXPERTS else set()
    assert left <= {"gate", "router", "shared_expert_gate", "dt_proj", *dense}, left
    rows = [Row(ids=tuple(one), loss=(False,) * 3 + (True,) * (len(one) - 3), truncated=False) for one in texts()]
    loss_of(adapted.get_base_model(), rows, "fp32")[0].backward()  # type: ignore[no-untyped-call]
    unmoved = [name for name, weight in weights.items() if "lora_B" in name and not float(weight.grad.abs().max())]
    assert not unmoved
    assert ("get no adapter" in capsys.readouterr().err) == (family in EXPERTS)


def test_a_plan_counts_the_numbers_of_every_layer_that_gets_an_adapter() -> None:
    for family in ("llama", "phi3", "mixtral"):
        model = tiny(family)
        shapes = {name: list(weight.shape) for name, weight in model.named_parameters()}
        counted = _adapter_numbers(shapes, RECIPE.lora)
        adapted = with_adapter(model, RECIPE, dtype="fp32")
        assert counted == sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)


@pytest.mark.parametrize("wanted", [("query",), ("q_proj", "experts"), ("lm_head",)])
def test_a_target_that_matches_nothing_names_what_there_is(wanted: tuple[str, ...]) -> None:
    with pytest.raises(HarnessError) as error:
        with_adapter(tiny("phi3"), replace(RECIPE, lora=Lora(targets=wanted)), dtype="fp32")
    assert f"no linear layer is called {wanted[-1]!r}" in str(error.value)
    assert "there are: down_proj, gate_up_proj, o_proj, qkv_proj" in str(error.value)


def test_a_layer_of_the_same_name_outside_the_decoder_gets_no_adapter() -> None:
    model = tiny("llama")
    model.vision = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(4, 4)})
    adapted = with_adapter(model, RECIPE, dtype="fp32")
    assert not [name for name, _ in adapted.named_parameters() if "vision" in name and "lora" in name]
    assert len([name for name, _ in adapted.named_parameters() if "lora_B" in name]) == 14


@pytest.mark.parametrize("family", OWN)
def test_gradients_go_through_the_models_own_way_to_logits(family: str) -> None:
    model = tiny(family)
    hidden = torch.randn(4, 32, requires_grad=True)
    logits(model, hidden).square().sum().backward()
    assert hidden.grad is not None
    assert float(hidden.grad.norm()) > 0
    assert "forward" not in model.get_decoder().__dict__


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_is_not_is_refused_in_one_line(family: str) -> None:
    with pytest.raises(HarnessError) as error:
        check_family(tiny(family))
    assert "choose a model of another family" in str(error.value) or "families known to work" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


class Skewed(torch.nn.Linear):
    """A head in which every second row of a batch comes out otherwise."""

    def forward(self, x: Tensor) -> Tensor:
        odd = (torch.arange(x.shape[-2]) % 2)[:, None]
        return super().forward(x) + 100.0 * odd * torch.arange(self.out_features)


class Moved(torch.nn.Embedding):
    """An embedding that knows whether it reads a batch."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1.0 if x.shape[0] == 1 else torch.linspace(1.0, 3.0, self.embedding_dim))


@pytest.mark.parametrize(
    ("part", "other", "said"),
    [
        (
            "lm_head",
            Skewed,
            "replies of LlamaForCausalLM are not its own where a batch is written (token 1 of a reply)",
        ),
        ("model.embed_tokens", Moved, "off its own where it is computed in parts"),
    ],
)
def test_what_comes_out_otherwise_in_parts_is_refused(part: str, other: type, said: str) -> None:
    model = tiny("llama")
    model.get_submodule(part).__class__ = other
    with pytest.raises(HarnessError) as error:
        check_family(model)
    assert said in str(error.value)


def test_a_model_is_asked_as_it_is_loaded(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.engine import loading

    seen: list[str] = []
    monkeypatch.setattr(loading, "check_family", lambda model: seen.append(type(model).__name__))
    load(tiny_llama)
    assert seen == ["LlamaForCausalLM"]
