"""Laws of generation: batching, padding, steering and refilling change no reply."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness import HarnessError, Message, Steering
from harness.engine import Request, TorchEngine, Vector, chat, open_model
from harness.engine.decoding import HEAD, sampled
from harness.engine.grouping import PASS, Family, alike, families, within
from harness.engine.kv_cache import Cache
from harness.models import resolve
from harness.testing import FAMILIES, tiny_model


@pytest.fixture(scope="module")
def tiny(tiny_llama: Path) -> TorchEngine:
    return steerable(open_model(resolve(str(tiny_llama)), dtype="fp32"))


def steerable(opened: TorchEngine) -> TorchEngine:
    shape = (len(opened.blocks), opened.model.config.hidden_size)
    value = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    opened.vectors = lambda name: Vector(value=value, rms=torch.full(shape[:1], 5.0))
    return opened


def requests(opened: TorchEngine, count: int = 12, **options: Any) -> list[Request]:
    draw = random.Random(3)
    asked = [(Message("user", "Hi! " * draw.randint(1, 9) + str(i)),) for i in range(count)]
    return [
        Request(
            tokens=tuple(chat.prompt_ids(opened.tokenizer, chat_)),
            **{"max_tokens": draw.randint(1, 12), "seed": i, **options},
        )
        for i, chat_ in enumerate(asked)
    ]


def reference(opened: TorchEngine, request: Request) -> list[int]:
    """Greedy tokens by whole forward passes, no cache, no batch, no padding."""
    tokens = list(request.tokens)
    stop = chat.stop_ids(opened.tokenizer, opened.model.generation_config)
    with torch.no_grad():
        for _ in range(request.max_tokens):
            tokens.append(int(opened.model(torch.tensor([tokens], device=opened.device)).logits[0, -1].argmax()))
            if tokens[-1] in stop:
                break
    return tokens[len(request.tokens) :]


@pytest.mark.parametrize("slots", [1, 3, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_reply_is_what_the_model_writes_alone(family: Any, slots: int, tmp_path: Path) -> None:
    opened = open_model(resolve(str(tiny_model(tmp_path / family, family=family))), dtype="fp32")
    opened.slots = slots
    asked = requests(opened)
    for request, reply in zip(asked, opened.generate(asked), strict=True):
        expected = reference(opened, request)
        assert reply.tokens == len(expected)
        assert reply.text == opened.tokenizer.decode(expected, skip_special_tokens=True)


def test_steered_batches_equal_one_by_one_and_differ_from_unsteered(tiny: TorchEngine) -> None:
    asked = requests(tiny, max_tokens=8)
    plain = tiny.generate(asked)
    with tiny.steered(Steering(vector="v", coef=3.0, blocks=(1,))):
        together = tiny.generate(asked)
        alone = [tiny.generate([request])[0] for request in asked]
    assert together == alone
    assert together != plain
    assert tiny.generate(asked) == plain


def test_a_long_run_of_refills_drops_old_columns_and_keeps_every_reply(tiny: TorchEngine) -> None:
    crowded = replace_slots(tiny, 2)
    asked = requests(tiny, count=40, max_tokens=25)
    assert crowded.generate(asked) == tiny.generate(asked)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_asked_a_batch_writes_what_each_request_gets_alone(
    tiny: TorchEngine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    stem = draw.choices(range(3, 200), k=draw.choice([0, 6, 40]))
    asked = [
        Request(
            tokens=(*stem, *draw.choices(range(3, 200), k=draw.choice([1, 3, 9, 30, 70]))),
            max_tokens=draw.choice([1, 3, 20, 40]),
            temperature=draw.choice([0.0, 1.0]),
            seed=at,
        )
        for at in range(draw.randint(2, 20))
    ]
    alone = [tiny.generate([request])[0] for request in asked]
    for slots in (1, draw.randint(2, 6), 64):
        monkeypatch.setattr("harness.engine.decoding.MOST_AHEAD", draw.choice([1, 3, 8, 256]))
        assert replace_slots(tiny, slots).generate(asked) == alone


def test_a_full_cache_drops_old_columns_before_it_makes_the_next() -> None:
    cache = Cache(1, room=8, slots=3)
    told = torch.arange(2 * 8.0).view(2, 1, 8, 1)
    cache.write(0, told, -told)
    assert cache.trim(9, 4) == 5
    cache.length = 3
    keys, values = cache.write(0, torch.full((2, 1, 1, 1), 99.0), torch.full((2, 1, 1, 1), -99.0))
    assert keys[:, 0, :, 0].tolist() == [[5, 6, 7, 99], [13, 14, 15, 99]]
    assert torch.equal(values, -keys)


def test_rows_that_leave_a_cache_are_replaced_by_the_last_and_their_places_are_told() -> None:
    cache = Cache(1, room=1, slots=6)
    told = torch.arange(6.0).view(6, 1, 1, 1)
    cache.write(0, told, -told)
    cache.length = 1
    assert cache.keep([1, 2, 5]) == [5, 1, 2]
    cache.put(cache.taken([1], room=1), [3], at=0)
    assert cache.taken([0, 1, 2, 3], room=1).keys[0].flatten().tolist() == [5, 1, 2, 1]
    assert cache.keep([]) == []
    assert cache.rows == 0


def replace_slots(opened: TorchEngine, slots: int) -> TorchEngine:
    return replace(opened, slots=slots)


def test_what_a_row_draws_depends_on_its_seed_and_not_on_its_neighbours(tiny: TorchEngine) -> None:
    asked = requests(tiny, temperature=1.0, max_tokens=10)
    drawn = tiny.generate(asked)
    assert drawn[3:5] == tiny.generate(asked[3:5])
    assert drawn != tiny.generate([replace(request, seed=request.seed + 100) for request in asked])


def test_top_p_near_zero_is_greedy(tiny: TorchEngine) -> None:
    asked = requests(tiny)
    cold = [replace(request, temperature=1.0, top_p=1e-9) for request in asked]
    assert tiny.generate(cold) == tiny.generate(asked)


NOWHERE = "in no reply"


@pytest.mark.parametrize("number", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.5, 1e-9])
@pytest.mark.parametrize("spread", [0.1, 1.0, 8.0])
def test_a_draw_among_the_likeliest_tokens_is_the_draw_among_all(
    number: torch.dtype, top_p: float, spread: float
) -> None:
    """Many tokens of a vocabulary are equally likely in bf16; where the nucleus is larger than the head, all count."""
    draw = torch.Generator().manual_seed(5)
    chances = (torch.randn(20_000, generator=draw) * spread).to(number).double().softmax(-1)
    floor = float(chances.topk(HEAD)[0][-1])
    for at in (0.0, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12):
        assert sampled(chances, top_p, at, floor=floor) == sampled(chances, top_p, at, floor=0.0)


def test_a_draw_is_the_inverse_of_the_chances_added_up() -> None:
    chances = torch.tensor([0.1, 0.4, 0.1, 0.4], dtype=torch.float64)
    found = [sampled(chances, 1.0, at, floor=0.0) for at in (0.0, 0.3, 0.5, 0.85, 0.95)]
    assert found == [1, 1, 3, 0, 2]
    assert [sampled(chances, 0.5, at, floor=0.0) for at in (0.0, 0.49, 0.51, 0.99)] == [1, 1, 3, 3]


def test_a_reply_ends_before_the_first_of_its_stop_texts_and_no_other_reply_changes(tiny: TorchEngine) -> None:
    asked = requests(tiny, max_tokens=16, temperature=1.0)
    whole = tiny.generate(asked)
    # Two characters from the middle of a reply, wherever tokens begin and end; U+FFFD is none.
    found = [reply.text[len(reply.text) // 2 :][:2] for reply in whole]
    stops = [text if "\ufffd" not in text else "" for text in found]
    asking = [replace(one, stops=(NOWHERE, stop)) if stop else one for one, stop in zip(asked, stops, strict=True)]
    for before, after, stop in zip(whole, tiny.generate(asking), stops, strict=True):
        assert after.text == (before.text.partition(stop)[0] if stop else before.text)
        assert after.tokens <= before.tokens
        assert after.finish == ("stop" if stop else before.finish)
    assert sum(map(bool, stops)) > 3
    assert tiny.generate([replace(one, stops=(NOWHERE,)) for one in asked]) == whole


def test_sampled_tokens_follow_the_models_chances(tiny: TorchEngine) -> None:
    request = replace(requests(tiny, count=1)[0], max_tokens=1, temperature=1.0)
    drawn = tiny.generate([replace(request, seed=seed) for seed in range(2000)])
    with torch.no_grad():
        chances = tiny.model(torch.tensor([request.tokens], device=tiny.device)).logits[0, -1].softmax(-1)
    best = int(chances.argmax())
    share = sum(reply.text == tiny.tokenizer.decode([best], skip_special_tokens=True) for reply in drawn) / 2000
    expected = float(chances[best])
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 2000) ** 0.5 + 0.002


def test_progress_counts_every_reply_and_every_token(tiny: TorchEngine) -> None:
    asked = requests(tiny)
    told: list[tuple[int, int]] = []
    replies = tiny.generate(asked, advance=lambda done, tokens: told.append((done, tokens)))
    assert sum(done for done, _ in told) == len(asked)
    assert sum(tokens for _, tokens in told) == sum(reply.tokens for reply in replies)


def test_no_request_gives_no_reply_and_an_impossible_one_is_refused(tiny: TorchEngine) -> None:
    assert tiny.generate([]) == []
    with pytest.raises(HarnessError, match="at least one prompt token"):
        tiny.generate([Request(tokens=(), max_tokens=1)])


def test_steering_that_never_fires_is_an_error(tiny: TorchEngine) -> None:
    with pytest.raises(HarnessError, match="never ran"), tiny.steered(Steering(vector="v", coef=1.0, blocks=(1,))):
        pass


def test_a_dose_in_rms_units_adds_that_share_of_the_residual(tiny: TorchEngine) -> None:
    added = tiny.additions(Steering(vector="7*v", coef=0.5, unit="rms", depth=0.5))
    assert list(added) == [2]
    assert float(added[2].norm()) == pytest.approx(0.5 * 5.0)


def test_a_block_that_the_model_lacks_is_named(tiny: TorchEngine) -> None:
    with pytest.raises(HarnessError, match="names block 14, and this model has blocks 0 to 3"):
        tiny.additions(Steering(vector="v", coef=1.0, blocks=(14,)))


@pytest.mark.model
def test_the_embedded_model_writes_in_a_batch_what_it_writes_alone(embedded_model: Path) -> None:
    opened = open_model(resolve("smollm2_135m"), dtype="fp32")
    asked = requests(opened, count=6, max_tokens=12)
    opened.vectors = lambda name: Vector(
        value=torch.randn((30, 576), generator=torch.Generator().manual_seed(2)), rms=torch.ones(30)
    )
    with opened.steered(Steering(vector="v", coef=1.0, blocks=(14,))):
        assert opened.generate(asked) == [opened.generate([request])[0] for request in asked]


def tokens_read(opened: TorchEngine, asked: list[Request]) -> list[int]:
    """How many tokens, padding with them, each forward pass reads."""
    read: list[int] = []
    handle = opened.model.get_decoder().register_forward_pre_hook(
        lambda module, inputs, named: read.append(named["input_ids"].numel()), with_kwargs=True
    )
    try:
        opened.generate(asked)
    finally:
        handle.remove()
    return read


def test_what_all_prompts_begin_with_is_read_once(tiny: TorchEngine) -> None:
    asked = [Request(tokens=(*range(3, 40), at, *range(60, 80)), max_tokens=1) for at in range(41, 47)]
    assert tokens_read(tiny, asked) == [37, 6 * 21]


def test_what_a_family_of_prompts_begins_with_is_read_once_and_changes_no_reply(tiny: TorchEngine) -> None:
    stems = [(*range(3, 20), at, *range(60, 60 + at - 20)) for at in (41, 50, 53)]
    asked = [
        Request(tokens=(*stem, at, *range(90, 90 + at - 80)), max_tokens=9) for stem in stems for at in (81, 83, 88)
    ]
    random.Random(0).shuffle(asked)
    longest = max(map(len, stems)) - 17
    assert tokens_read(tiny, [replace(one, max_tokens=1) for one in asked]) == [17, 3 * longest, 9 * 9]
    with tiny.steered(Steering(vector="v", coef=3.0, blocks=(1,))):
        assert tiny.generate(asked) == [tiny.generate([request])[0] for request in asked]


def test_families_are_the_cut_that_reads_the_fewest_tokens() -> None:
    stem = (1,) * 10
    prompts = [(*stem, 2, 3), (1, 1, 1, 1, 1, 7), (*stem, 2, 4, 5), (*stem, 9)]
    assert families(prompts) == [Family(head=10, members=(0, 2, 3)), Family(head=5, members=(1,))]
    # Sharing too little to be read apart, and a last token that must be read for each.
    assert families([(1, 2, 3, 4), (1, 2, 3, 5)]) == [Family(head=3, members=(0,)), Family(head=3, members=(1,))]
    assert families([(1, 2, 3, 4, 5, 6)] * 3) == [Family(head=5, members=(0, 1, 2))]
    assert families([(1,), (1,)]) == [Family(head=0, members=(0,)), Family(head=0, members=(1,))]


def test_prompts_that_are_all_the_same_still_read_their_last_token(tiny: TorchEngine) -> None:
    asked = requests(tiny, count=1, max_tokens=6) * 3
    assert tiny.generate(asked) == tiny.generate(asked[:1]) * 3


def test_long_prompts_are_read_apart_from_short_ones_and_no_reply_changes(tiny: TorchEngine) -> None:
    draw = random.Random(5)
    lengths = [5, 200, 7, 6, 190, 4, 80]
    asked = [Request(tokens=tuple(draw.choices(range(3, 200), k=k)), max_tokens=9, seed=k) for k in lengths]
    if tiny.device.type == "cpu":
        assert tokens_read(tiny, [replace(one, max_tokens=1) for one in asked]) == [2 * 200, 80, 4 * 7]
    with tiny.steered(Steering(vector="v", coef=3.0, blocks=(1,))):
        assert tiny.generate(asked) == [tiny.generate([request])[0] for request in asked]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_widths_that_are_alike_are_the_cut_that_costs_least(widths: list[int]) -> None:
    def cost(groups: list[list[int]]) -> int:
        return sum(len(group) * max(widths[i] for i in group) + PASS for group in groups)

    order = sorted(range(len(widths)), key=lambda i: widths[i])
    found = alike(widths)
    assert sorted(i for group in found for i in group) == list(range(len(widths)))
    for cuts in itertools.product((False, True), repeat=len(widths) - 1):
        ends = [at + 1 for at, cut in enumerate(cuts) if cut] + [len(widths)]
        groups = [order[start:end] for start, end in itertools.pairwise([0, *ends])]
        assert cost(found) <= cost(groups)


def test_widths_that_are_the_same_stay_together_in_their_order() -> None:
    assert alike([9, 9, 9]) == [[0, 1, 2]]
    assert alike([1, 400, 2, 401]) == [[1, 3], [0, 2]]


@given(st.lists(st.integers(1, 300), max_size=12), st.integers(1, 600))
def test_texts_that_are_read_together_stay_under_the_size_and_are_as_many_as_fit(lengths: list[int], most: int) -> None:
    found = within(lengths, most)
    assert [i for group in found for i in group] == sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    for group, following in itertools.zip_longest(found, found[1:]):
        assert len(group) == 1 or len(group) * lengths[group[-1]] <= most
        assert following is None or (len(group) + 1) * lengths[following[0]] > most
