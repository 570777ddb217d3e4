"""Laws of the interface `Engine`: what must hold of every backend, and that a small one is all that evaluation needs.

A backend is tested by one more entry in `BACKENDS`: a function that opens the model of a folder.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from evaluating import Tokenizer, run_folder
from inspect_ai.model import GenerateConfig, get_model

from harness import Condition, HarnessError, Steering
from harness.engine import Completion, Continuation, Engine, Likelihood, Loader, Request, Vector, Vectors, open_model
from harness.evaluation import hosted, note, release
from harness.models import Dtype, ModelRef, resolve

BACKENDS: dict[str, Loader] = {"torch": open_model}
STEERED = Steering(vector="v", coef=3.0, blocks=(1,))


def opened(loader: Loader, folder: Path) -> Engine:
    engine = loader(resolve(str(folder)), dtype="fp32")
    value = torch.randn(engine.block_count, engine.width, generator=torch.Generator().manual_seed(1))
    engine.vectors = lambda name: Vector(value=value, rms=torch.ones(len(value)))
    return engine


@pytest.fixture(scope="module", params=BACKENDS)
def again(request: pytest.FixtureRequest, tiny_llama: Path) -> Callable[[], Engine]:
    """Opens the same model once more, with nothing left in any cache."""
    return lambda: opened(BACKENDS[request.param], tiny_llama)


@pytest.fixture(scope="module")
def engine(again: Callable[[], Engine]) -> Engine:
    return again()


@pytest.fixture(scope="module")
def asked() -> list[Request]:
    """Greedy and sampled, short and long, some with the same long beginning."""
    draw = random.Random(7)
    stem = draw.choices(range(3, 200), k=40)
    return [
        Request(
            tokens=(*stem[: draw.choice([0, 40])], *draw.choices(range(3, 200), k=draw.choice([2, 9, 50]))),
            max_tokens=draw.choice([4, 12]),
            temperature=draw.choice([0.0, 1.0]),
            seed=at,
        )
        for at in range(10)
    ]


def test_it_is_an_engine_of_the_model_that_was_asked_for(engine: Engine) -> None:
    assert isinstance(engine, Engine)
    assert (engine.block_count, engine.width, engine.dtype) == (4, 32, "fp32")
    assert engine.longest >= 2048
    assert engine.digest


def test_the_same_list_gives_the_same_replies_in_its_order(
    engine: Engine, again: Callable[[], Engine], asked: list[Request]
) -> None:
    replies = engine.generate(asked)
    assert [reply.prompt_tokens for reply in replies] == [len(request.tokens) for request in asked]
    assert engine.generate(asked) == replies == again().generate(asked)
    assert engine.generate([]) == []


def test_a_reply_depends_on_its_prompt_and_its_seed_and_not_on_what_is_asked_beside_it(
    engine: Engine, asked: list[Request]
) -> None:
    replies = engine.generate(asked)
    assert [engine.generate([request])[0] for request in asked] == replies
    assert engine.generate(asked[::-1]) == replies[::-1]
    others = [replace(request, seed=request.seed + 100) for request in asked]
    changed = [old.text != new.text for old, new in zip(replies, engine.generate(others), strict=True)]
    assert [request.temperature > 0 for request in asked] == changed


def test_progress_counts_every_reply_and_every_token_and_what_it_raises_comes_out(
    engine: Engine, asked: list[Request]
) -> None:
    told: list[tuple[int, int]] = []
    replies = engine.generate(asked, advance=lambda done, tokens: told.append((done, tokens)))
    assert [sum(column) for column in zip(*told, strict=True)] == [len(asked), sum(reply.tokens for reply in replies)]

    def nobody_waits(done: int, tokens: int) -> None:
        raise HarnessError("nobody waits")

    with pytest.raises(HarnessError, match="nobody waits"):
        engine.generate(asked, advance=nobody_waits)


def test_a_coefficient_of_0_changes_nothing_and_another_one_does(engine: Engine, asked: list[Request]) -> None:
    plain = engine.generate(asked)
    with engine.steered(replace(STEERED, coef=0.0)):
        assert engine.generate(asked) == plain
    with engine.steered(STEERED):
        assert engine.generate(asked) != plain


def test_no_prefix_that_was_read_under_one_steering_serves_a_request_under_another(
    again: Callable[[], Engine], asked: list[Request]
) -> None:
    """What each engine writes first is right; one that was asked otherwise before must write the same."""
    ways = [None, STEERED, replace(STEERED, coef=-3.0)]

    def written(engine: Engine, way: Steering | None) -> list[Completion]:
        if way is None:
            return engine.generate(asked)
        with engine.steered(way):
            return engine.generate(asked)

    right = [written(again(), way) for way in ways]
    mixed = again()
    for order in ([0, 1, 0, 2], [1, 0, 2, 1]):
        for at in order:
            assert written(mixed, ways[at]) == right[at]


def test_steering_that_is_never_applied_is_an_error(engine: Engine) -> None:
    with pytest.raises(HarnessError), engine.steered(STEERED):
        pass


def test_a_likelihood_says_whether_greedy_decoding_would_have_written_it(engine: Engine) -> None:
    prompt = (5, 6, 7)
    every = engine.likelihoods([Continuation(prompt, (token,)) for token in range(60)])
    assert [one.greedy for one in every].count(True) <= 1
    assert all(one.logprob < 0 for one in every)
    with engine.steered(STEERED):
        assert engine.likelihoods([Continuation(prompt, (9,))])[0].logprob != every[9].logprob
    assert engine.likelihoods([Continuation(prompt, (9,))])[0].logprob == pytest.approx(every[9].logprob, abs=1e-5)


def test_probabilities_of_answers_exclude_each_other(engine: Engine) -> None:
    found = engine.probabilities((5, 6, 7), ["0", "5", "57", "REFUSAL"])
    assert list(found) == ["0", "5", "57", "REFUSAL"]
    assert 0 < sum(found.values()) < 1


# ---- the smallest backend


@dataclass
class Echo:
    """Writes the end of the prompt, as often as the steering's coefficient says."""

    dtype: Dtype
    digest: str = ""
    tokenizer: Any = None
    vectors: Vectors | None = None
    block_count: int = 1
    width: int = 1
    longest: int = 100
    times: int = 1

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Completion]:
        texts = [self.tokenizer.decode(request.tokens[-3:]) * self.times for request in requests]
        if advance is not None:
            advance(len(requests), sum(map(len, texts)))
        return [
            Completion(text=text, prompt_tokens=len(request.tokens), tokens=len(text), finish="stop")
            for request, text in zip(requests, texts, strict=True)
        ]

    def likelihoods(
        self, asked: Sequence[Continuation], *, advance: Callable[[int], None] | None = None
    ) -> list[Likelihood]:
        return [Likelihood(-float(len(one.tokens)), False) for one in asked]

    def probabilities(self, tokens: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
        return {answer: 1 / len(answers) for answer in answers}

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[None]:
        self.times = int(wanted.coef)
        try:
            yield
        finally:
            self.times = 1


def echo(ref: ModelRef, *, dtype: Dtype, adapter: Path | None = None) -> Engine:
    return Echo(dtype, tokenizer=Tokenizer())


def test_a_backend_of_fifty_lines_answers_an_evaluation(tmp_path: Path) -> None:
    loader: Loader = echo
    engine = loader(ModelRef(name="echo", digest=""), dtype="fp32")
    assert isinstance(engine, Engine)
    assert not isinstance(Tokenizer(), Engine)
    model = get_model(f"harness/{run_folder(tmp_path / 'run')}", memoize=False)

    async def asked() -> dict[str, str]:
        said = {}
        for condition in ("clean", "vector:reply@3"):
            config = GenerateConfig(extra_body=note(Condition.parse(condition), expect=1))
            said[condition] = (await model.generate("Hello", config=config)).completion
        return said

    with hosted(opener=lambda folder: engine):
        said = asyncio.run(asked())
    release()
    assert said == {"clean": "nt>", "vector:reply@3": "nt>nt>nt>"}
