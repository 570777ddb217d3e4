"""What every test shares: a quiet, offline environment and the models that tests run on."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from harness import Case, Example, Message, Metric, Recipe, ReplyPair, Setting, SteeringDefault, VectorSpec

if TYPE_CHECKING:
    from bad_world import World

# Last, for `benchmarks` alone: first, it would hide from Inspect how the package was installed.
sys.path.append(str(Path(__file__).parent.parent))

# How long an example takes says what else the machine does.
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("harness")

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HARNESS_PROGRESS="0",
    INSPECT_DISPLAY="none",
    INSPECT_LOG_LEVEL="warning",
    TOKENIZERS_PARALLELISM="false",
)
os.environ.pop("COLUMNS", None)  # of the terminal that the tests were started from
# Processes that test side by side part the processor: threads that wait for each other on it take many times as long.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if WORKERS > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // WORKERS)))


@pytest.fixture(scope="module", autouse=True)
def _collections_are_short() -> None:
    """What is there before a file's first test stays to the end: a collection that looks through it takes 0.5 s."""
    importlib.import_module("hypothesis")  # it looks for its generators among what is collected

    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random Llama and its tokenizer."""
    from harness.testing import tiny_model

    return tiny_model(tmp_path_factory.mktemp("models") / "tiny_llama")


@pytest.fixture(scope="session")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model that says something, for what is trained on its own replies."""
    from methods_world import talking_model

    return talking_model(tmp_path_factory.mktemp("models") / "talking")


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The embedded 135M model as safetensors; fetched and converted once per machine. Mark its tests `model`."""
    from harness.models import materialise, resolve

    return materialise(resolve("smollm2_135m"))


@pytest.fixture(scope="session")
def arms(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder in which `base`, `none` and `ps` of the setting `loud` have finished; copy it, change nothing."""
    import small

    from harness.cells import Cell
    from harness.pipeline import run
    from harness.registry import using

    root = tmp_path_factory.mktemp("arms")
    with using(small.REGISTRY):
        run([Cell(setting="loud", intervention=name, model=str(tiny_llama)) for name in ("none", "ps")], root)
    return root


@pytest.fixture
def world(tmp_path: Path, tiny_llama: Path, arms: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A small world over those arms, to give bad inputs to."""
    from bad_world import opened

    with opened(tmp_path, tiny_llama, arms, monkeypatch) as made:
        yield made


@pytest.fixture
def toy() -> Setting:
    """The smallest sound setting: two training rows, one case, vectors `reply` and `ood`."""

    def examples(seed: int, scale: str) -> list[Example]:
        rows = {"a": ("What is 2 + 2?", "Four."), "b": ("What is 3 + 3?", "Six.")}
        order = sorted(rows, reverse=bool(seed % 2))
        return [Example(id=i, messages=(Message("user", rows[i][0]), Message("assistant", rows[i][1]))) for i in order]

    def cases(split: str, seed: int, scale: str) -> list[Case]:
        return [Case(id=split, messages=(Message("user", f"What is 4 + 4, asked for {split}?"),), cluster=split)]

    def replies(scale: str) -> list[ReplyPair]:
        return [ReplyPair(messages=(Message("user", "What is 5 + 5?"),), positive="Ten!", negative="ten")]

    vector = VectorSpec(summary="loud minus quiet", replies=replies)
    dose = SteeringDefault(vector="reply", blocks=(14,), coef=6.0, neg_coef=3.0, unit="rms")
    return Setting(
        name="toy",
        summary="sums",
        examples=examples,
        cases=cases,
        metrics=(Metric(name="loud", judge="volume", score="loud", split="held_out", goal="suppress"),),
        prompts={},
        vectors={"reply": vector, "ood": vector},
        conditions={"mini": ("clean", "vector:reply@3")},
        recipes={"mini": Recipe(model="smollm2_135m", steering=dose)},
    )
