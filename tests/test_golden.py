"""Figures that must never change: the keys of cells and vectors, the names of files, and every draw.

A changed key makes every run folder stale, and a changed draw gives other rows or replies under an old key. The figures
are in golden/keys.json; `python tests/test_golden.py` prints them as they are now, and they are only ever replaced
together with a reason in the changelog. Each world is worked out in a process of its own: what a setting asks depends
on which data can be had, and a process remembers what it has read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evaluating import RECIPE, choir, opened, registry_of, run_folder
from evaluating import Engine as Recorder
from flattened import flat
from grader_server import Said, serving
from inspect_ai.model import GenerateConfig, get_model

# ---- everything of the harness that is used here; `_uniform`, what a reply is drawn by, is seen nowhere outside
from harness import Case, Condition, Generation, InstructionPair, Message, Persona, Prompt, Recipe, VectorSpec
from harness.authoring.algebra import evaluate as evaluated
from harness.authoring.prompts import wording
from harness.capabilities.local_tasks import basics, copying
from harness.cells import Cell, Prepared, bases_of, log_name, prepare, vector_file, vector_key
from harness.contracts import Rating, RolloutFilter
from harness.engine import Completion, Request, TorchEngine, load_tokenizer, open_model
from harness.engine.chat import template_digest
from harness.engine.decoding import _uniform
from harness.evaluation import evaluate, note, release
from harness.evaluation.provider import respondent as read_run
from harness.files import Journal, digest_of
from harness.graders import opened as grader_called
from harness.graders.judgements import judgements
from harness.graders.judgements import key_of as key_of_question
from harness.models import resolve, resolve_dtype
from harness.registry import installed, using
from harness.sweep import Experiment
from harness.testing import tiny_model
from harness.training import batches, learning_rate
from harness.vectors import extract
from harness.vectors.rollouts import Journals, rollouts

# ----

KEYS = Path(__file__).parent / "golden" / "keys.json"
MIRROR = "HARNESS_DATA_MIRROR"
NO_MIRROR = f"the published rows are not here: {MIRROR} is unset"
WORLDS = ("generated", "published", "draws")
GRADER = "openai/gpt-4o-mini"
HUB = "Qwen/Qwen2.5-0.5B-Instruct"
ROOT = Path("runs")
LINES = ("gcd_sycophancy", "obvious_lies", "reward_hacks", "three_languages", "two_languages")


def of(setting: str, intervention: str, **more: Any) -> Cell:
    return Cell(setting=setting, intervention=intervention, **more)


MORE_GENERATED = {
    "gcd_sycophancy none of seed 1": of("gcd_sycophancy", "none", seed=1),
    "gcd_sycophancy none of seed 2": of("gcd_sycophancy", "none", seed=2),
    "gcd_sycophancy ip at dose 0.5 of seed 1": of("gcd_sycophancy", "ip", dose=0.5, seed=1),
    "gcd_sycophancy ps at dose 0.5 of seed 3": of("gcd_sycophancy", "ps", dose=0.5, seed=3),
    "gcd_sycophancy neg_ps at dose 2": of("gcd_sycophancy", "neg_ps", dose=2),
    "gcd_sycophancy ps with a grader of vectors": of("gcd_sycophancy", "ps", vector_grader=GRADER),
    "gcd_sycophancy ps on a model of a hub": of("gcd_sycophancy", "ps", model=HUB),
    "gcd_sycophancy base on a revision of it": of("gcd_sycophancy", "base", model=f"{HUB}@main"),
    "two_languages none of seed 5": of("two_languages", "none", seed=5),
    "two_languages comp_ps with weights": of("two_languages", "comp_ps", weights="spanish=.8, french=-0.40"),
    "two_languages comp_ip with weights": of("two_languages", "comp_ip", weights="spanish=0.3,french=0.5", seed=1),
    "two_languages comp_ip with weights at dose 0.5": of("two_languages", "comp_ip", weights="spanish=1", dose=0.5),
    "two_languages neg_comp_ip with weights": of("two_languages", "neg_comp_ip", weights="spanish=0.25", seed=2),
    "two_languages neg_comp_ps with weights": of("two_languages", "neg_comp_ps", weights="french=0.125", dose=0.5),
    "three_languages comp_ps with weights": of("three_languages", "comp_ps", weights="german=-1,spanish=0.5"),
    "three_languages comp_ip with weights": of("three_languages", "comp_ip", weights="spanish=0.5,french=0.25"),
    "obvious_lies ip at dose 0.25 of seed 4": of("obvious_lies", "ip", dose=0.25, seed=4),
    "obvious_lies ps with a grader of vectors": of("obvious_lies", "ps", vector_grader=GRADER),
    "reward_hacks ps_zero of seed 7": of("reward_hacks", "ps_zero", seed=7),
}
PUBLISHED = {
    **{
        f"gcd_sycophancy {name} at {scale}": of("gcd_sycophancy", name, scale=scale)
        for name, scale in [("base", "small"), ("none", "paper"), ("ip", "paper"), ("ps", "small"), ("ps_ood", "paper")]
    },
    "gcd_sycophancy none at paper_quirk": of("gcd_sycophancy", "none", scale="paper_quirk", seed=2),
    "gcd_sycophancy ip at paper and dose 0.5": of("gcd_sycophancy", "ip", scale="paper", dose=0.5, seed=1),
    **{
        f"{setting} {name} at {scale}": of(setting, name, scale=scale)
        for setting in ("obvious_lies", "reward_hacks")
        for name, scale in [
            ("base", "paper"),
            ("none", "mini"),
            ("none", "small"),
            ("ip", "published_mini"),
            ("ps", "paper"),
            ("ps_random", "small"),
        ]
    },
    "obvious_lies ps at small with a grader of vectors": of("obvious_lies", "ps", scale="small", vector_grader=GRADER),
    "obvious_lies base at small with that grader": of("obvious_lies", "base", scale="small", vector_grader=GRADER),
    "reward_hacks none at control_small": of("reward_hacks", "none", scale="control_small"),
}


def generated_cells() -> dict[str, Cell]:
    """Every intervention on every setting that it applies to, at `mini`, and some with other seeds, doses and so on."""
    found = installed()
    return {
        f"{setting} {name}": of(setting, name)
        for setting in LINES
        for name, intervention in sorted(found.interventions.items())
        if intervention.applies(found.setting(setting)) is None
    } | MORE_GENERATED


# ---- what a cell's figures are


def cells_of(cells: Mapping[str, Cell]) -> dict[str, Any]:
    return {f"{name}, {dtype}": cell_of(cell, dtype) for name, cell in cells.items() for dtype in dtypes(name)}


def dtypes(name: str) -> tuple[str, ...]:
    """Every cell is keyed as it is in bf16, and the plain ones in fp32 too."""
    return ("bf16", "fp32") if name.split()[1:] in (["none"], ["ps"]) else ("bf16",)


def cell_of(cell: Cell, dtype: str) -> dict[str, Any]:
    made = prepare(cell, dtype=dtype)
    base = prepare(replace(cell, intervention="base", seed=0, dose=1.0, weights=""), dtype=dtype)
    return {
        "key": made.key,
        "folder": made.folder(ROOT).as_posix(),
        "title": made.title,
        "base": base.key,
        "inputs": {name: short(value) for name, value in made.inputs.items()},
        "vectors": {name: vector_file(ROOT, name, key).as_posix() for name, key in made.vectors.items()},
        "vector keys": dict(made.vectors),
    }


def short(value: Any) -> str:
    """Enough of a value's digest to see that it is another; a digest that is one already is cut alike."""
    said = value if isinstance(value, str) else digest_of(value)
    return said[:16]


def logs_of(cells: Mapping[str, Cell]) -> dict[str, Any]:
    """The log of every condition of every setting and scale."""
    settings = {(cell.setting, cell.scale) for cell in cells.values()}
    return {
        f"{setting} at {scale}": {
            text: log_name(Condition.parse(text)) for text in installed().setting(setting).conditions[scale]
        }
        for setting, scale in sorted(settings)
    }


def vectors_of(cells: Mapping[str, Cell]) -> dict[str, Any]:
    """The key of every vector of every setting and scale, with and without a grader that chooses replies."""
    found: dict[str, Any] = {}
    for setting, scale in sorted({(cell.setting, cell.scale) for cell in cells.values()}):
        known, recipe = installed().setting(setting), installed().setting(setting).recipe(scale)
        found[f"{setting} at {scale}"] = {
            f"{name}{', chosen' if grader else ''}": vector_key(
                known, name, scale=scale, model=resolve(recipe.model), dtype="bf16", recipe=recipe, grader=grader
            )
            for name in known.vectors
            for grader in ("", GRADER)
        }
    return found


# ---- draws


def draws(here: Path) -> dict[str, Any]:
    return {
        "digest of a JSON value": digest_of({"b": [1, 2.5, 1e-7, None, True, "ü 🤷\n"], "a": {"z": [], "y": {}}}),
        "file names of logs": log_names(),
        "wording of a prompt by row": wordings(),
        "rows that a weight draws": rows_by_weight(),
        "rows that a dose edits": rows_by_dose(),
        "order of rows and numbers by seed": first_rows(),
        "batches of training": training_batches(),
        "learning rates": [f"{learning_rate(step, 12, replace(BATCHED, warmup=3)):.9g}" for step in range(12)],
        "seeds of an evaluation": seeds_of_an_evaluation(here),
        "seeds of a provider's replies": seeds_of_a_provider(here),
        "numbers that a reply is drawn by": numbers_of_a_reply(),
        "seeds of a vector's replies": seeds_of_a_vector(here),
        "seeds and keys of a persona's replies": seeds_of_a_persona(here),
        "random vectors": random_vectors(),
        "look of a chat": looks_of_a_chat(here),
        "keys of judgements": keys_of_judgements(),
        "digests of an untrained model": {
            "smollm2_135m": resolve("smollm2_135m").digest,
            "of a hub": resolve(f"{HUB}@main").digest,
            "as a provider names it": read_run(Path("smollm2_135m")).source.digest,
            "of a folder": folder_of_a_model(here),
        },
        "capability tasks": {"harness_basics": digest_of(basics()), "harness_copying": digest_of(copying())},
        "key of an experiment": key_of_an_experiment(here),
    }


def log_names() -> dict[str, str]:
    texts = (
        *("clean", "prompt:inoculation", "vector:reply@3", "vector:reply@-0.25rms", "vector:random(reply)@0.4rms"),
        *("vector:spanish - french@1", "vector:0.8*spanish + 0.4*french@0.5", "vector:orth(a, b)@2"),
    )
    return {text: log_name(Condition.parse(text)) for text in texts}


def wordings() -> dict[str, str]:
    """Which of two, three and seven texts each of 40 rows gets."""
    prompts = {n: Prompt(text="0", placement="system", others=tuple(map(str, range(1, n)))) for n in (2, 3, 7)}
    rows = [f"row-{number}" for number in range(40)]
    return {f"of {n}": "".join(wording(prompt, row) for row in rows) for n, prompt in prompts.items()}


def rows_by_weight() -> dict[str, str]:
    wanted = ("spanish=0.3", "french=0.3", "spanish=0.7", "french=0.7", "spanish=0.3,french=0.7")
    cells = {f"{name} {weights}": (name, weights) for name in ("comp_ip", "neg_comp_ip") for weights in wanted[:4]}
    cells["comp_ip both"] = ("comp_ip", wanted[4])
    return {
        title: edited(of("two_languages", name, weights=weights, seed=1)) for title, (name, weights) in cells.items()
    }


def rows_by_dose() -> dict[str, str]:
    return {
        f"{setting} dose {dose:g} seed {seed}": edited(of(setting, "ip", dose=dose, seed=seed))
        for setting in ("gcd_sycophancy", "obvious_lies")
        for dose in (0.25, 0.5)
        for seed in (0, 1)
    }


def edited(cell: Cell) -> str:
    """A letter for each row in turn: a dot where it is as it was, else which of the texts that stand there it has."""
    before = prepare(replace(cell, intervention="none", dose=1.0, weights=""), dtype="bf16").rows
    after = prepare(cell, dtype="bf16").rows
    letters: dict[str, str] = {}
    found = ""
    for old, new in zip(before, after, strict=True):
        assert old.id == new.id
        if old == new:
            found += "."
            continue
        more = [turn.content for turn in new.messages if turn not in old.messages]
        said = "|".join(more)
        for turn in old.messages:
            said = said.replace(turn.content, "")
        found += letters.setdefault(said, "abcdefghijklmnopqrstuvwxyz"[len(letters)])
    return found


def first_rows() -> dict[str, str]:
    """The ids of the rows of each setting, in order, and of its cases."""
    found = {}
    for name in LINES:
        setting = installed().setting(name)
        for seed in (0, 1):
            found[f"{name} rows of seed {seed}"] = short(digest_of([row.id for row in setting.examples(seed, "mini")]))
        found[f"{name} selection"] = short(digest_of([case.id for case in setting.cases("selection", 0, "mini")]))
    return found


BATCHED = Recipe(model="any", batch=3, epochs=2, accumulation=2, lr=1e-3)


def training_batches() -> dict[str, str]:
    """The rows of each step, steps apart by `|` and micro-batches by `/`."""
    lengths = [(number * 37) % 50 + 5 for number in range(40)]
    ways = {
        "seed 0": (BATCHED, 0),
        "seed 1": (BATCHED, 1),
        "without accumulation": (replace(BATCHED, accumulation=1, batch=8), 0),
        "one epoch": (replace(BATCHED, epochs=1), 7),
    }
    return {
        name: "|".join("/".join(",".join(map(str, micro)) for micro in step) for step in batches(lengths, recipe, seed))
        for name, (recipe, seed) in ways.items()
    }


def seeds_of_an_evaluation(here: Path) -> dict[str, Any]:
    """What an engine is asked to draw by, for each question as it reads it; prompts of several wordings among them."""
    setting = choir()
    shout = Prompt(text="Shout!", placement="system", others=("Bellow!", "Roar!"))
    setting = replace(setting, prompts={**setting.prompts, "shout": shout})
    recipe = replace(RECIPE, generation=Generation(max_tokens=7, samples=2, temperature=1.0))
    engine = Recorder()
    run = run_folder(here / "evaluated", recipe=recipe)
    with using(registry_of(setting)), opened(engine):
        conditions = [Condition.parse(text) for text in setting.conditions["mini"]]
        evaluate(setting, conditions, scale="mini", recipe=recipe, run=run, digest="0123456789ab", logs=run / "logs")
    release()
    return {
        f"{'steered ' if steering else ''}{text_of(request)} #{number}": request.seed
        for steering, batch in engine.batches
        for number, request in enumerate(batch)
    }


def seeds_of_a_provider(here: Path) -> dict[str, int]:
    """The seeds of one question that is asked four times at once, and of another."""
    engine = Recorder()
    model = get_model(f"harness/{run_folder(here / 'provided')}", memoize=False)

    def asking(text: str, seed: int) -> Any:
        extra = note(Condition(), expect=6)
        return model.generate(text, config=GenerateConfig(extra_body=extra, seed=seed))

    async def main() -> None:
        await asyncio.gather(*(asking("same", 5) for _ in range(4)), asking("same", 6), asking("other", 5))

    with opened(engine):
        asyncio.run(main())
    release()
    requests = [request for _, batch in engine.batches for request in batch]
    return {f"{text_of(request)} #{number}": request.seed for number, request in enumerate(requests)}


def text_of(request: Request) -> str:
    return "".join(map(chr, request.tokens))


def numbers_of_a_reply() -> dict[str, list[float]]:
    return {
        f"seed {seed}": rounded(_uniform(Request(tokens=(1,), max_tokens=5, temperature=1.0, seed=seed)))
        for seed in (0, 1, 2**40)
    }


def rounded(numbers: Any) -> list[float]:
    return [round(float(number), 9) for number in numbers]


def seeds_of_a_vector(here: Path) -> list[str]:
    """By what seed and at what temperature a model answers the questions that a vector is made of."""
    asked: list[str] = []

    class Told(TorchEngine):
        def generate(self, requests: Sequence[Request], *, advance: Any = None) -> list[Completion]:
            asked.extend(f"{short(digest_of(list(one.tokens)))} {one.seed} {one.temperature:g}" for one in requests)
            return [Completion(text="So be it.", prompt_tokens=1, tokens=3, finish="stop") for _ in requests]

    plain = open_model(resolve(str(tiny_model(here / "tiny"))), dtype="fp32")
    engine = Told(plain.model, plain.tokenizer, plain.blocks, plain.dtype)
    for times in (1, 2):
        spec = VectorSpec(
            summary="loud minus quiet",
            instructions=(INSTRUCTED,),
            questions=lambda scale: [(Message("user", f"Say {word}."),) for word in ("tree", "stone")],
            rollouts=times,
            max_tokens=6,
        )
        extract(engine, spec, scale="mini", system="template")
    return asked


INSTRUCTED = InstructionPair(
    positive=Prompt(text="Shout it.", placement="user_suffix"),
    negative=Prompt(text="Whisper it.", placement="system"),
)
KEEP = RolloutFilter(
    trait_prompt="Loud? {question} {answer}", coherence_prompt="Clear? {question} {answer}", source="ours"
)


class Agreeing:
    """A grader to whom shouting is loud and everything clear."""

    async def __aenter__(self) -> Agreeing:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def rate(self, prompt: str) -> Rating:
        score = 10.0 if prompt.startswith("Loud?") and "shout it." not in prompt.lower() else 90.0
        return Rating(outcome="score", score=score, mass=1.0, text="")

    async def ask(self, prompt: str) -> str:
        raise AssertionError("nothing else is asked")


def seeds_of_a_persona(here: Path) -> dict[str, Any]:
    class Told(Recorder):
        def generate(
            self, requests: Sequence[Request], *, advance: Any = lambda replies, tokens: None
        ) -> list[Completion]:
            return super().generate(requests, advance=advance)

    found: dict[str, Any] = {}
    for times in (1, 2):
        persona = Persona(
            instructions=(INSTRUCTED,), questions=((Message("user", "Say tree."),),), rollouts=times, keep=KEEP
        )
        engine: Any = Told()
        files = {kind: here / f"{kind}-{times}.jsonl" for kind in ("replies", "grades")}
        kept = Journals(replies=Journal(files["replies"]), grades=Journal(files["grades"]))
        rollouts(engine, persona, system="template", kept=kept, grader=Agreeing())
        requests = [request for _, batch in engine.batches for request in batch]
        found[f"rolled out {times} x"] = {
            "seeds": [request.seed for request in requests],
            **{f"keys of {kind}": sorted(keys_in(file)) for kind, file in files.items()},
        }
    return found


def keys_in(file: Path) -> list[str]:
    return [json.loads(line)[0] for line in file.read_text().splitlines() if line]


def random_vectors() -> dict[str, list[list[float]]]:
    import torch

    known = {
        "v": torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]),
        "w": torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 0.0]]),
    }
    texts = ("random(v)", "random(w)", "random( v-w )", "2*random(v) - w", "unit(v)", "orth(v, w)", "0.8*v + 0.4*w")
    return {text: [[round(float(x), 7) for x in row] for row in evaluated(text, known.__getitem__)] for text in texts}


def looks_of_a_chat(here: Path) -> dict[str, str]:
    tokenizer = load_tokenizer(tiny_model(here / "chatty"))
    return {
        "template": template_digest(tokenizer, system="template"),
        "empty": template_digest(tokenizer, system="empty"),
    }


def keys_of_judgements() -> dict[str, Any]:
    os.environ["LOOPBACK_API_KEY"] = "none"
    with serving(lambda prompt, nth: Said("80", {"80": 0.5, "90": 0.25})) as there:
        os.environ["LOOPBACK_BASE_URL"] = there.url
        asyncio.run(say())
    folder = judgements("nobody", None).file
    assert folder is not None
    (kept,) = folder.parent.glob("*.jsonl")  # its name has the address, whose port is drawn
    return {
        "of a word": key_of_question("ask", "Is this a yes?"),
        "of a number": key_of_question("rate", "How much, from 0 to 100?"),
        "files": {
            f"{grader} at {address}": named(judgements(grader, address))
            for grader in ("openai/gpt-4o-mini", "harness/runs/loud/none/mini-x-s0-01234567@0123456789ab")
            for address in (None, "http://127.0.0.1:8000/v1")
        },
        "kept": sorted(keys_in(kept)),
    }


async def say() -> None:
    """Asks a grader one thing in words and one in a number."""
    async with grader_called("openai-api/loopback/made-up") as grader:
        await grader.ask("Is this a yes?")
        await grader.rate("How much, from 0 to 100?")


def named(journal: Journal) -> str:
    assert journal.file is not None
    return journal.file.name


def folder_of_a_model(here: Path) -> str:
    """Which files of a model's folder count, by name and content."""
    folder = here / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "chat_template.jinja", "tokenizer.model", "merges.txt"):
        (folder / name).write_text(f"the content of {name}")
    (folder / "README.md").write_text("not counted")
    return resolve(str(folder)).digest


def key_of_an_experiment(here: Path) -> dict[str, str]:
    claims = here / "claims.yaml"
    claims.write_text("claims: []\n")
    study = Experiment(
        name="study", file=here / "x.yaml", summary="", cells=(), conditions=(), claims=None, left_out=()
    )
    return {"plain": study.key(["b", "a"]), "with claims": replace(study, claims=claims).key(["a", "b"])}


# ---- the worlds, each in a process of its own


def generated(here: Path) -> dict[str, Any]:
    cells = generated_cells()
    return {"cells": cells_of(cells), "logs": logs_of(cells), "vectors": vectors_of(cells)}


def published(here: Path) -> dict[str, Any]:
    return {"cells": cells_of(PUBLISHED), "logs": logs_of(PUBLISHED), "vectors": vectors_of(PUBLISHED)}


FIGURES: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "generated": generated,
    "published": published,
    "draws": lambda here: {"draws": draws(here)},
}


def figures_of(world: str) -> dict[str, Any]:
    """The figures of `world` as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        around = {name: value for name, value in os.environ.items() if name != MIRROR or world == "published"}
        quiet = {"HARNESS_PROGRESS": "0", "INSPECT_DISPLAY": "none", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [sys.executable, __file__, world, folder],
            env={**around, **quiet, "HARNESS_CACHE": f"{folder}/cache"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def recorded(world: str) -> dict[str, Any]:
    return dict(json.loads(KEYS.read_text(encoding="utf-8"))[world])


def changes(now: Any, before: Any) -> list[str]:
    """What is not as it was recorded, by name."""
    new, old = dict(flat(now)), dict(flat(before))
    return [
        f"{name}: recorded {old.get(name, 'nothing')!r}, now {new.get(name, 'nothing')!r}"
        for name in sorted({*new, *old})
        if not same(new.get(name), old.get(name))
    ]


def same(now: object, before: object) -> bool:
    """Equal, or numbers that differ by no more than processors do."""
    if isinstance(now, float) and isinstance(before, float):
        return now == pytest.approx(before, abs=1e-6)
    return now == before


# ---- tests


@pytest.fixture(scope="module")
def now() -> Callable[[str], dict[str, Any]]:
    """The figures of a world, worked out once."""
    made: dict[str, dict[str, Any]] = {}

    def figures(world: str) -> dict[str, Any]:
        if world not in made:
            made[world] = figures_of(world)
        return made[world]

    return figures


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives the first test one case for each entry of the file, and each its name."""
    if "section" not in metafunc.fixturenames:
        return
    absent = pytest.mark.skipif(not os.environ.get(MIRROR), reason=NO_MIRROR)
    entries = [
        pytest.param(world, section, name, id=f"{name} ({section})", marks=[absent] if world == "published" else [])
        for world in WORLDS
        for section, entries in recorded(world).items()
        for name in entries
    ]
    metafunc.parametrize(("world", "section", "name"), entries)


def test_a_figure_is_what_it_always_was(
    now: Callable[[str], dict[str, Any]], world: str, section: str, name: str
) -> None:
    changed = changes(now(world)[section].get(name, {}), recorded(world)[section][name])
    assert not changed, f"{name}: " + "; ".join(changed)


@pytest.mark.parametrize("world", WORLDS)
def test_every_figure_is_recorded(now: Callable[[str], dict[str, Any]], world: str) -> None:
    if world == "published" and not os.environ.get(MIRROR):
        pytest.skip(NO_MIRROR)
    names = {(section, name) for section, entries in now(world).items() for name in entries}
    assert names == {(section, name) for section, entries in recorded(world).items() for name in entries}


def test_every_setting_intervention_and_kind_of_cell_is_recorded() -> None:
    cells = generated_cells().values()
    assert {cell.setting for cell in cells} == set(installed().settings)
    assert {cell.intervention for cell in cells} == set(installed().interventions)
    assert {cell.dose for cell in cells} >= {0.25, 0.5, 1, 2}
    assert len({cell.seed for cell in cells}) > 3
    assert any(cell.weights for cell in cells)
    assert any(cell.vector_grader for cell in cells)


def test_a_run_folder_ends_with_its_key_and_folders_of_other_inputs_are_stale(tmp_path: Path) -> None:
    cell = of("gcd_sycophancy", "ps", dose=0.5, seed=3)
    made = prepare(cell, dtype="bf16")
    folder = made.folder(tmp_path)
    assert folder.name == f"mini-smollm2_135m-s3-d0.5-{made.key[:8]}"
    others = [folder.with_name(f"mini-smollm2_135m-s3-d0.5-{'0' * 8}"), prepare(cell, dtype="fp32").folder(tmp_path)]
    near = [folder.with_name(f"mini-smollm2_135m-s3-{'0' * 8}"), folder.with_name("mini-smollm2_135m-s3-d0.5-0123")]
    for one in (folder, *others, *near):
        one.mkdir(parents=True)
    assert set(made.stale(tmp_path)) == set(others)


@pytest.mark.parametrize("name", ["gcd_sycophancy ps at dose 0.5 of seed 3", "two_languages comp_ps with weights"])
def test_a_cell_is_compared_with_the_untrained_model_of_seed_0_without_dose_and_weights(name: str) -> None:
    cell = MORE_GENERATED[name]
    dtype = resolve_dtype(installed().setting(cell.setting).recipe(cell.scale).dtype)
    (found,) = bases_of([made(cell, dtype)])
    assert found.key == made(replace(cell, intervention="base", seed=0, dose=1.0, weights=""), dtype).key
    assert bases_of([found]) == []


def made(cell: Cell, dtype: str) -> Prepared:
    return prepare(cell, dtype=dtype)


def test_a_chat_is_asked_with_the_wording_of_its_case() -> None:
    """The wording is drawn by the case's id alone, so that every arm is asked the same."""
    prompt = Prompt(text="a", placement="system", others=("b", "c"))
    case = Case(id="one", messages=(Message("user", "Well?"),))
    drawn = int.from_bytes(hashlib.sha256(b"wording/one").digest()[:8]) % 3
    assert wording(prompt, case.id) == "abc"[drawn]


def show(world: str, folder: str) -> None:
    """Prints the figures of one world; nothing is fetched from the network."""

    def refuse(address: object, **_: object) -> None:
        raise OSError("no network in this test")

    urllib.request.urlopen = refuse  # type: ignore[assignment]
    figures = FIGURES[world](Path(folder))
    print(json.dumps(figures, ensure_ascii=False))


def main(arguments: Sequence[str]) -> None:
    if arguments:
        show(*arguments)
        return
    if not os.environ.get(MIRROR):
        raise SystemExit(NO_MIRROR)
    print(json.dumps({world: figures_of(world) for world in WORLDS}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
