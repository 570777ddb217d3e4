"""Laws of likelihoods: equal to a direct computation, in batches and alone, with steering and without."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from harness import HarnessError, Steering
from harness.engine import Continuation, Likelihood, TorchEngine, Vector, open_model
from harness.models import resolve
from harness.testing import FAMILIES, tiny_model

STEERED = Steering(vector="v", coef=3.0, blocks=(1,))


def opened(folder: Path) -> TorchEngine:
    tiny = open_model(resolve(str(folder)), dtype="fp32")
    value = torch.randn(len(tiny.blocks), 32, generator=torch.Generator().manual_seed(3))
    tiny.vectors = lambda _: Vector(value=value, rms=torch.ones(len(tiny.blocks)))
    return tiny


@pytest.fixture(scope="module")
def tiny(tiny_llama: Path) -> TorchEngine:
    return opened(tiny_llama)


def drawn(count: int) -> list[Continuation]:
    draw = random.Random(0)

    def some(most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(2, 300) for _ in range(draw.randint(1, most)))

    return [Continuation(some(40), some(8)) for _ in range(count)]


def by_hand(tiny: TorchEngine, one: Continuation) -> Likelihood:
    """One forward pass over all tokens, HF's own logits, every next token looked up."""
    ids = [*one.before, *one.tokens]
    with torch.no_grad():
        logprobs = tiny.model(torch.tensor([ids], device=tiny.device)).logits[0].double().log_softmax(-1)
    total, greedy = 0.0, True
    for at in range(len(one.before), len(ids)):
        total += float(logprobs[at - 1, ids[at]])
        greedy = greedy and int(logprobs[at - 1].argmax()) == ids[at]
    return Likelihood(total, greedy)


def same(found: Sequence[Likelihood], wanted: Sequence[Likelihood]) -> None:
    assert [one.logprob for one in found] == pytest.approx([one.logprob for one in wanted], abs=2e-4)
    assert [one.greedy for one in found] == [one.greedy for one in wanted]


@pytest.mark.parametrize("steering", [None, STEERED], ids=["clean", "steered"])
def test_a_likelihood_is_the_sum_of_next_token_log_probabilities(tiny: TorchEngine, steering: Steering | None) -> None:
    asked = drawn(25)
    with tiny.steered(steering) if steering else contextlib.nullcontext():
        same(tiny.likelihoods(asked), [by_hand(tiny, one) for one in asked])


@pytest.mark.parametrize("steering", [None, STEERED], ids=["clean", "steered"])
def test_a_batch_gives_what_one_by_one_gives(tiny: TorchEngine, steering: Steering | None) -> None:
    asked = drawn(60)
    with tiny.steered(steering) if steering else contextlib.nullcontext():
        same(tiny.likelihoods(asked), [tiny.likelihoods([one])[0] for one in asked])


def test_steering_changes_likelihoods_and_leaves_nothing_behind(tiny: TorchEngine) -> None:
    asked = drawn(5)
    before = tiny.likelihoods(asked)
    with tiny.steered(STEERED):
        steered = tiny.likelihoods(asked)
    assert all(abs(one.logprob - other.logprob) > 1e-3 for one, other in zip(before, steered, strict=True))
    assert tiny.likelihoods(asked) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_models_gives_the_likelihood_of_its_own_logits(
    family: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = opened(tiny_model(tmp_path_factory.mktemp("family"), family=family))  # type: ignore[arg-type]
    asked = drawn(8)
    same(model.likelihoods(asked), [by_hand(model, one) for one in asked])


def test_what_greedy_decoding_writes_is_greedy_and_another_token_is_not(tiny: TorchEngine) -> None:
    before = (5, 6, 7)
    with torch.no_grad():
        best = int(tiny.model(torch.tensor([before], device=tiny.device)).logits[0, -1].argmax())
    first, second = tiny.likelihoods([Continuation(before, (best,)), Continuation(before, (best + 1,))])
    assert (first.greedy, second.greedy) == (True, False)
    assert first.logprob > second.logprob


def test_a_context_that_is_too_long_is_cut_at_its_beginning(tiny: TorchEngine) -> None:
    most = tiny.longest
    long = tuple(2 + at % 200 for at in range(most + 50))
    cut, whole = tiny.likelihoods([Continuation(long, (9, 10)), Continuation(long[-(most - 1) :], (9, 10))])
    assert cut == whole


def test_what_cannot_be_scored_is_refused(tiny: TorchEngine) -> None:
    with pytest.raises(HarnessError, match="at least one token to score and one before it"):
        tiny.likelihoods([Continuation((), (1,))])
    with pytest.raises(HarnessError, match="is too long to score"):
        tiny.likelihoods([Continuation((1,), (2,) * (tiny.longest + 1))])
