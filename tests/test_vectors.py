"""Laws of extraction: means over reply tokens at block outputs, and a card that tells signal from noise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import small
import torch
from safetensors.torch import save_file

from harness import HarnessError, Message, Steering
from harness.engine import TorchEngine, chat, open_model, relative
from harness.models import resolve
from harness.registry import using
from harness.runs import Layer, VectorCard, read_card
from harness.testing import tiny_model
from harness.vectors import Extraction, extract, load_vector, make_vectors
from harness.vectors.elicitation import verdict
from harness.vectors.quality import quality, shared
from harness.vectors.stored import save

SPEC = small.SETTING.vectors["reply"]
CARD = VectorCard(name="v", setting="loud", scale="mini", key="0" * 64, blocks=(Layer(block=0, norm=1.0),))


@pytest.fixture(scope="module")
def tiny(tiny_llama: Path) -> TorchEngine:
    return open_model(resolve(str(tiny_llama)), dtype="fp32")


@pytest.fixture(scope="module")
def found(tiny: TorchEngine) -> Extraction:
    return extract(tiny, SPEC, scale="mini", system="template")


def by_hand(tiny: TorchEngine, messages: tuple[Message, ...], reply: str, block: int) -> torch.Tensor:
    """Reply-token activations of one chat by HF's own hidden states, whose row block + 1 is block's output."""
    prompt = chat.prompt_ids(tiny.tokenizer, messages)
    ids = chat.reply_ids(tiny.tokenizer, messages, reply)
    with torch.no_grad():
        states = tiny.model(torch.tensor([ids], device=tiny.device), output_hidden_states=True).hidden_states
    return states[block + 1][0, len(prompt) :]


def test_a_vector_is_the_difference_of_mean_reply_activations(tiny: TorchEngine, found: Extraction) -> None:
    pairs = small.replies("mini")
    for block in (0, 2):
        positive = torch.stack([by_hand(tiny, p.messages, p.positive, block).mean(0) for p in pairs]).mean(0)
        negative = torch.stack([by_hand(tiny, p.messages, p.negative, block).mean(0) for p in pairs]).mean(0)
        assert torch.allclose(found.value[block], positive - negative, atol=1e-5)


def test_the_residual_rms_is_over_the_norms_of_reply_tokens(tiny: TorchEngine, found: Extraction) -> None:
    pairs = small.replies("mini")
    squares = torch.cat(
        [by_hand(tiny, p.messages, reply, 1).square().sum(-1) for p in pairs for reply in (p.positive, p.negative)]
    )
    assert float(found.rms[1]) == pytest.approx(float(squares.mean().sqrt()), rel=1e-5)


def test_the_models_own_replies_are_read_under_the_prompts_that_made_them(tiny: TorchEngine) -> None:
    own = extract(tiny, small.SETTING.vectors["asked"], scale="mini", system="template")
    assert own.value.shape == (4, 32)
    assert bool(own.value.isfinite().all())
    assert float(own.value.norm()) > 0


def test_the_card_tells_a_direction_from_noise() -> None:
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(40, 2, 16, generator=draw)
    shift = torch.zeros(2, 16)
    shift[0, 3] = 6.0
    other = torch.randn(40, 2, 16, generator=draw)
    card = quality(Extraction(positive=noise + shift, negative=other, rms=torch.ones(2)))
    assert card[0].auroc > 0.95
    assert card[0].split_half_cosine > 0.9
    assert abs(card[1].auroc - 0.5) < 0.25
    assert abs(card[1].split_half_cosine) < 0.7
    said = verdict(card, [], [0])
    assert "is linearly there at block 0" in said
    assert "is hardly" in verdict(card, [], [1])


def test_one_question_alone_has_no_card() -> None:
    one = Extraction(positive=torch.ones(1, 2, 4), negative=torch.zeros(1, 2, 4), rms=torch.ones(2))
    with pytest.raises(HarnessError, match="at least two questions"):
        quality(one)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path, found: Extraction) -> None:
    save(tmp_path / "v.safetensors", found.vector, CARD)
    loaded = load_vector(tmp_path / "v.safetensors")
    assert torch.equal(loaded.value, found.value)
    assert torch.equal(loaded.rms, found.rms)


def test_a_vector_that_is_missing_cut_changed_or_not_finite_is_named(tmp_path: Path, found: Extraction) -> None:
    file = tmp_path / "v.safetensors"
    with pytest.raises(HarnessError, match="no vector at"):
        load_vector(file)
    save(file, found.vector, CARD)
    whole = file.read_bytes()
    file.write_bytes(whole[:50])
    with pytest.raises(HarnessError, match="is cut or no safetensors file"):
        load_vector(file)
    save_file({"vector": found.value * 2, "rms": found.rms}, file)
    with pytest.raises(HarnessError, match="has changed since its card was written"):
        load_vector(file)
    save_file({"vector": found.value * float("nan"), "rms": found.rms}, file)
    with pytest.raises(HarnessError, match="values that are not finite"):
        load_vector(file)


def test_a_card_of_an_older_format_is_read_and_completed_in_the_format_of_now(tiny_llama: Path, tmp_path: Path) -> None:
    """Format 1 had no number, and left out what there was nothing to say of."""
    with using(small.REGISTRY):
        (file,) = make_vectors("loud", tmp_path, model=str(tiny_llama), names=["reply"])
        whole = json.loads(file.read_text())
        later = ("format", "imported", "made_from", "swept", "steered", "shared", "seal")
        file.write_text(json.dumps({name: value for name, value in whole.items() if name not in later}))
        assert read_card(file.with_suffix(".safetensors")).format == 1
        assert make_vectors("loud", tmp_path, model=str(tiny_llama), names=["reply"]) == [file]
    assert json.loads(file.read_text()) == whole


def test_cards_of_all_vectors_name_doses_depths_and_cosines(tiny_llama: Path, tmp_path: Path) -> None:
    with using(small.REGISTRY):
        files = make_vectors("loud", tmp_path, model=str(tiny_llama))
        again = make_vectors("loud", tmp_path, model=str(tiny_llama))
    assert files == again
    card = json.loads(files[0].read_text())
    assert card["name"] == "reply"
    assert [row["block"] for row in card["blocks"]] == [0, 1, 2, 3]
    assert {(tuple(row["blocks"]), row["coef"]) for row in card["elicitation"]} == {
        ((block,), coef) for block in (1, 2, 3) for coef in (0.0, 0.5, 1.0, 2.0)
    }
    assert list(card["cosines"]) == ["asked"]
    assert card["steered"] == [1]
    assert all(-1.0001 <= one <= 1.0001 for one in card["cosines"]["asked"])


def test_a_model_of_two_blocks_is_steered_at_each_of_them_once(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model", blocks=2)
    with using(small.REGISTRY):
        (file,) = make_vectors("loud", tmp_path / "runs", model=str(model), names=["reply"])
    places = [tuple(row["blocks"]) for row in json.loads(file.read_text())["elicitation"] if row["coef"] == 0.5]
    assert places == [(1,), (0,)]


def test_a_card_names_what_shares_most_of_its_direction_and_the_difference_that_parts_them() -> None:
    """0.8^2 = 0.64 of the squared length is more than half, 0.6^2 = 0.36 is less; the opposite is not the same."""
    said = shared("spanish", {"french": [0.1, 0.8], "german": [0.9, 0.6], "ink": [0.0, -0.9]}, (1,))
    assert said == (
        "spanish and french share most of a direction at block 1 (cosine 0.80, above 0.71): adding one adds the "
        "other; to part them, steer along spanish - french",
    )


def test_two_vectors_of_one_trait_are_not_told_apart_and_two_of_two_traits_are(
    tiny_llama: Path, tmp_path: Path
) -> None:
    same, other = (replace(SPEC, concept=concept) for concept in ("shouting", "volume"))
    setting = replace(small.SETTING, vectors={"reply": same, "again": same, "volume": other})
    with using(replace(small.REGISTRY, settings={"loud": setting})):
        cards = [json.loads(file.read_text()) for file in make_vectors("loud", tmp_path, model=str(tiny_llama))]
    assert [len(card["shared"]) for card in cards] == [1, 1, 2]
    assert "reply and volume share most of a direction at block 1 (cosine 1.00" in cards[0]["shared"][0]
    assert cards[0]["cosines"]["again"][1] == pytest.approx(1)


def test_relative_dose_is_the_added_norm_over_the_residual(tiny: TorchEngine, found: Extraction) -> None:
    tiny.vectors = lambda _: found.vector
    share = relative(tiny, Steering(vector="reply", coef=2.0, blocks=(1,)))
    assert share == pytest.approx(2 * float(found.value[1].norm()) / float(found.rms[1]), rel=1e-5)
