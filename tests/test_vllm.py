"""The vLLM backend against the torch engine, on a real server: `make test-vllm`. Each trap that was met is a test."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
import torch

from harness import HarnessError, Steering
from harness.cells import Cell
from harness.engine import Completion, Continuation, Engine, Request, Vector, open_model
from harness.models import resolve
from harness.pipeline import run
from harness.registry import using
from harness.runs import read_replies
from harness.serving import ServedModels, engine_choice
from harness.testing import tiny_model
from harness.testing.tiny_models import FAMILIES, Family

pytestmark = pytest.mark.vllm

SMALL_BLOCKS = "--block-size 32"
"""The CPU build's own blocks of 128 tokens hide what a cache of prefixes does wrong."""

COMPILED = """--no-enforce-eager --compilation-config '{"mode": 3, "backend": "eager"}'"""
"""Dynamo without Inductor: a forward hook would never fire."""

STEERED = Steering(vector="v", coef=3.0, blocks=(1,))
WAYS: tuple[Steering | None, ...] = (None, replace(STEERED, coef=0.0), STEERED, replace(STEERED, coef=-5.0))


@contextmanager
def served(arguments: str = SMALL_BLOCKS, *, adapters: int = 1, **variables: str) -> Iterator[ServedModels]:
    """A loader of models on servers that are started with these arguments, and ended with the block."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("tempfile.tempdir", folder)
        patch.setenv("HARNESS_VLLM_ARGS", arguments)
        for name, value in {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": "1",
            **variables,
        }.items():
            patch.setenv(name, value)
        choice = engine_choice("vllm")
        assert choice is not None
        loader = ServedModels(choice, adapters=adapters)
        try:
            yield loader
        finally:
            loader.stop()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama with heads of 32, the least that vLLM's attention takes on a CPU."""
    return tiny_model(tmp_path_factory.mktemp("models") / "llama", head_dim=32)


@pytest.fixture(scope="module")
def loader() -> Iterator[ServedModels]:
    with served(adapters=2) as made:
        yield made


@pytest.fixture(scope="module")
def adapters(model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [adapter(model, tmp_path_factory.mktemp("adapters") / f"a{seed}", seed) for seed in (1, 2)]


def adapter(model: Path, folder: Path, seed: int) -> Path:
    """A random LoRA that changes replies."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config: Any = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        made: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
    for name, weight in made.named_parameters():
        if "lora_" in name:
            weight.data.mul_(3.0)
    made.save_pretrained(folder)
    return folder


def with_vectors(engine: Engine) -> Engine:
    value = torch.randn(engine.block_count, engine.width, generator=torch.Generator().manual_seed(1))
    engine.vectors = lambda name: Vector(value=value, rms=torch.ones(len(value)))
    return engine


def torch_engine(model: Path, adapter: Path | None = None) -> Engine:
    return with_vectors(open_model(resolve(str(model)), dtype="fp32", adapter=adapter))


def asked(count: int = 10) -> list[Request]:
    """Greedy; half of them with the same beginning of more than a block of the cache."""
    draw = random.Random(7)
    stem = draw.choices(range(3, 200), k=70)
    return [
        Request(tokens=(*stem[: 70 * (at % 2)], *draw.choices(range(3, 200), k=draw.choice([2, 9, 50]))), max_tokens=12)
        for at in range(count)
    ]


def replies(engine: Engine, way: Steering | None, requests: Sequence[Request]) -> list[Completion]:
    with ExitStack() as stack:
        if way is not None:
            stack.enter_context(engine.steered(way))
        return engine.generate(requests)


def test_replies_are_the_torch_engines_under_every_dose_whatever_was_asked_before(
    model: Path, loader: ServedModels
) -> None:
    ours, theirs = torch_engine(model), with_vectors(loader(resolve(str(model)), dtype="fp32"))
    right = [replies(ours, way, asked()) for way in WAYS]
    assert right[0] == right[1]
    assert len({tuple(one.text for one in some) for some in right}) == 3
    for at in (0, 2, 0, 3, 1, 2, 0):  # clean first: without a salt its prefixes would serve the steered
        assert replies(theirs, WAYS[at], asked()) == right[at], at


def test_plain_steered_and_adapted_requests_in_one_batch_each_get_their_own(
    model: Path, adapters: list[Path], loader: ServedModels
) -> None:
    of: list[Path | None] = [None, *adapters]
    ways = (None, STEERED)
    pairs = [(at, way) for at in of for way in ways]
    right = [replies(torch_engine(model, at), way, asked(6)) for at, way in pairs]
    theirs = {at: with_vectors(loader(resolve(str(model)), dtype="fp32", adapter=at)) for at in of}
    together = threading.Barrier(len(pairs))

    def ask(at: Path | None, way: Steering | None) -> list[Completion]:
        together.wait()
        return replies(theirs[at], way, asked(6))

    with ThreadPoolExecutor(len(pairs)) as pool:
        found = list(pool.map(lambda pair: ask(*pair), pairs))
    assert found == right
    assert len({tuple(one.text for one in some) for some in right}) == len(pairs)


def test_a_character_that_is_cut_is_the_same_as_in_the_torch_engine(model: Path, loader: ServedModels) -> None:
    theirs = loader(resolve(str(model)), dtype="fp32")
    requests = [replace(one, max_tokens=at) for one in asked() for at in (1, 2, 3)]
    found = theirs.generate(requests)
    assert found == torch_engine(model).generate(requests)
    assert any("�" in one.text for one in found)


def test_a_sampled_reply_depends_on_its_prompt_and_seed_alone(model: Path, loader: ServedModels) -> None:
    theirs = loader(resolve(str(model)), dtype="fp32")
    requests = [replace(one, temperature=1.0, seed=at) for at, one in enumerate(asked())]
    found = theirs.generate(requests)
    assert theirs.generate(requests[::-1]) == found[::-1]
    assert theirs.generate([replace(one, seed=one.seed + 100) for one in requests]) != found


def test_likelihoods_and_probabilities_are_the_torch_engines(model: Path, loader: ServedModels) -> None:
    ours, theirs = torch_engine(model), with_vectors(loader(resolve(str(model)), dtype="fp32"))
    scored = [Continuation(one.tokens, (at + 3, at + 40)) for at, one in enumerate(asked(4))]
    for mine, other in zip(ours.likelihoods(scored), theirs.likelihoods(scored), strict=True):
        assert mine.logprob == pytest.approx(other.logprob, abs=1e-3)
        assert mine.greedy == other.greedy
    answers = ("1", "12", "100", "yes")
    assert theirs.probabilities((5, 6, 7), answers) == pytest.approx(ours.probabilities((5, 6, 7), answers), rel=1e-3)


def test_what_cannot_be_added_is_refused_and_the_server_goes_on(model: Path, loader: ServedModels) -> None:
    theirs = with_vectors(loader(resolve(str(model)), dtype="fp32"))
    wide = torch.zeros(theirs.block_count, 7)
    theirs.vectors = lambda name: Vector(value=wide, rms=torch.ones(len(wide)))
    with pytest.raises(HarnessError, match=r"block 1 is torch\.float32"), theirs.steered(replace(STEERED, coef=0.0)):
        theirs.generate(asked(1))
    wire = theirs.server.reach()
    with pytest.raises(HarnessError, match="are not those bytes"):
        wire.put(f"/v1/steering/{'0' * 64}", b"others")
    assert theirs.server.life == 1
    assert len(theirs.generate(asked(2))) == 2


def test_steering_that_is_never_applied_is_an_error(model: Path, loader: ServedModels) -> None:
    theirs = with_vectors(loader(resolve(str(model)), dtype="fp32"))
    with pytest.raises(HarnessError, match="steered 0 tokens"), theirs.steered(STEERED):
        pass


def test_a_server_that_is_killed_is_started_again_and_no_reply_is_asked_for_twice(
    model: Path, loader: ServedModels
) -> None:
    theirs = with_vectors(loader(resolve(str(model)), dtype="fp32"))
    right, told = replies(torch_engine(model), STEERED, asked()), [0]
    victim = theirs.server._process.pid  # type: ignore[attr-defined]

    def advance(done: int, tokens: int) -> None:
        told[0] += done
        if done and theirs.server.life == 1 and victim:
            os.killpg(victim, signal.SIGKILL)

    with theirs.steered(STEERED):
        assert theirs.generate(asked(), advance=advance) == right
    assert theirs.server.life == 2
    assert told[0] == len(right)


def test_no_process_is_left_when_the_harness_is_killed(model: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from harness.models import resolve; from harness.serving import ServedModels, engine_choice;"
        "made = ServedModels(engine_choice('vllm'))(resolve(sys.argv[1]), dtype='fp32');"
        "print(made.server._process.pid, flush=True); time.sleep(600)"
    )
    variables = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    command = [sys.executable, "-c", code, str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as harness:
        assert harness.stdout is not None
        group = int(harness.stdout.readline())
        harness.kill()
    until = time.monotonic() + 40
    while _lives(group) and time.monotonic() < until:
        time.sleep(0.5)
    assert not _lives(group)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_cell_by_vllm_has_the_replies_of_one_by_torch_and_a_key_of_its_own(model: Path, tmp_path: Path) -> None:
    cells = [Cell(setting="loud", intervention="ps", model=str(model))]
    with served() as loader, using(small.REGISTRY):
        choice = loader.choice
        [plain] = run(cells, tmp_path)
        [by_vllm] = run([replace(cell, engine=choice.name) for cell in cells], tmp_path, engine=choice)
    assert plain.name.rpartition("-")[2] != by_vllm.name.rpartition("-")[2]
    assert choice.name in by_vllm.name
    one, other = read_replies(plain), read_replies(by_vllm)
    assert one is not None
    assert other is not None
    assert [(r.condition, r.case.id, r.sample, r.reply) for r in one] == [
        (r.condition, r.case.id, r.sample, r.reply) for r in other
    ]


@pytest.mark.parametrize("family", [one for one in FAMILIES if one != "llama"])
def test_every_family_is_steered_as_by_torch(family: Family, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / family, family=family, head_dim=32)
    right = [replies(torch_engine(folder), way, asked(4)) for way in WAYS]
    with served() as loader:
        theirs = with_vectors(loader(resolve(str(folder)), dtype="fp32"))
        assert [replies(theirs, way, asked(4)) for way in WAYS] == right


def test_steering_and_adapters_hold_under_compilation(model: Path, adapters: list[Path]) -> None:
    right = [replies(torch_engine(model, adapters[0]), way, asked(6)) for way in WAYS]
    with served(f"{SMALL_BLOCKS} {COMPILED}") as loader:
        theirs = with_vectors(loader(resolve(str(model)), dtype="fp32", adapter=adapters[0]))
        assert [replies(theirs, way, asked(6)) for way in WAYS] == right


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--pipeline-parallel-size 2", "pipeline parallelism"),
        ("""--speculative-config '{"method": "ngram", "num_speculative_tokens": 2}'""", "speculative decoding"),
    ],
)
def test_a_way_to_run_that_the_plugin_does_not_know_is_refused_at_the_start(
    model: Path, arguments: str, said: str
) -> None:
    with served(arguments) as loader, pytest.raises(HarnessError, match=said):
        loader(resolve(str(model)), dtype="fp32")
