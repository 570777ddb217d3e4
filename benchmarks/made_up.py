"""Finished cells with known effects, written by hand in the layout of the pipeline: no model, no training.

Everything that a report reads is there: settings that are installed, under the conditions that they have, with
results, gates, steps, hardware and vectors' cards. The same arguments write the same bytes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count, islice
from pathlib import Path
from typing import Any

from harness.cells import Cell
from harness.contracts import Condition, Metric, Setting
from harness.files import digest_of
from harness.registry import Registry

SCALE = "mini"
MODELS = ("smollm2_135m", "made_up_360m")
CASES = 42
SKILL = 0.8
BASE, PLAIN = "base", "none"

TRAIT = {BASE: 0.05, PLAIN: 0.9, "ip": 0.3, "neg_ip": 0.8, "ps": 0.1, "neg_ps": 0.95, "ip_irrelevant": 0.85}
"""Share of replies that show the trait in clean, by intervention; any other has that of plain training."""

WOKEN = {"ip": 0.5, "ps": 0.1}
"""What a prompt that asks for the trait adds to it, by intervention."""

ARMS = (
    *(("none", 1.0), ("ip", 1.0), ("ip", 0.5), ("neg_ip", 1.0), ("ps", 1.0), ("ps", 0.25), ("ps", 0.5), ("ps", 0.75)),
    *(("neg_ps", 1.0), ("ip_irrelevant", 1.0), ("ps_random", 1.0)),
)
"""Interventions with their doses, beside the untrained model."""

UNTAUGHT = 0.05
"""The share of replies that show the trait after plain training of the last model on the last setting: it fails."""

FAILED = {"ok": False, "seen": f"{UNTAUGHT:.3f}", "wanted": "at least 0.5 in clean after plain training"}
"""What its records say of that."""


def write_cells(runs: Path, registry: Registry, cells: int) -> list[Path]:
    """Writes so many finished cells over every setting of `registry` that has the scale; their folders."""
    settings = [one for one in registry.settings.values() if SCALE in one.recipes]
    groups = [(setting, model) for setting in settings for model in MODELS]
    for setting in settings:
        _write_cards(runs, setting)
    return [
        _write(runs, setting, cell, broken=(setting, cell.model) == groups[-1] and cell.intervention == PLAIN)
        for setting, cell in islice(_cells(groups), cells)
    ]


def trait(cell: Cell, condition: str) -> float:
    """The share of replies that were made to show the trait."""
    plain, full = TRAIT[PLAIN], TRAIT.get(cell.intervention, TRAIT[PLAIN])
    clean = plain + (full - plain) * cell.dose
    asked = condition == "prompt:inoculation"
    return min(1.0, clean + (WOKEN.get(cell.intervention, 0.0) * cell.dose if asked else 0.0))


def _cells(groups: list[tuple[Setting, str]]) -> Iterator[tuple[Setting, Cell]]:
    """The untrained model of every group, then one seed after the other."""
    for setting, model in groups:
        yield setting, Cell(setting=setting.name, intervention=BASE, scale=SCALE, model=model)
    for seed in count():
        for setting, model in groups:
            for name, dose in ARMS:
                yield (
                    setting,
                    Cell(setting=setting.name, intervention=name, scale=SCALE, model=model, seed=seed, dose=dose),
                )


def _write(runs: Path, setting: Setting, cell: Cell, *, broken: bool) -> Path:
    key = digest_of(asdict(cell))
    dose = "" if cell.dose == 1 else f"-d{cell.dose:g}"
    folder = runs / cell.setting / cell.intervention / f"{cell.scale}-{cell.model}-s{cell.seed}{dose}-{key[:8]}"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(_record(setting, cell, key, broken=broken)))
    with (folder / "results.jsonl").open("w", encoding="utf-8") as stream:
        for row in _rows(setting, cell, random.Random(key), broken=broken):
            stream.write(json.dumps(row) + "\n")
    return folder


def _record(setting: Setting, cell: Cell, key: str, *, broken: bool) -> dict[str, Any]:
    trains = cell.intervention != BASE
    steered = cell.dose * 0.5 if cell.intervention.startswith(("ps", "neg_ps")) else None
    gates = {"judge_could_tell": {"ok": True, "seen": "1.000", "wanted": "at least 0.9 of the replies in clean"}}
    train = {"train": {"seconds": 120.0 + cell.seed, "tokens": 17_000, "steps": 20}} if trains else {}
    return {
        "cell": asdict(cell),
        "key": key,
        "status": "done",
        "created": "2026-01-01T00:00:00+00:00",
        "inputs": {
            "cell": {**asdict(cell), "model": digest_of(cell.model)},
            "dtype": "fp32",
            "rows": digest_of([setting.name, cell.seed, cell.intervention]),
            "cases": digest_of(setting.name),
        },
        "recipe": {},
        "steering": None if steered is None else {"coef": 4 * cell.dose, "unit": "raw", "relative": steered},
        "judges": {metric.judge: "1" for metric in setting.metrics},
        "gates": {**gates, f"learned_{setting.trait_at(SCALE).name}": FAILED} if broken else gates,
        "made": {"adapter_sha256": digest_of([key, "adapter"]), "template": digest_of("template")} if trains else {},
        "versions": {"python": "3.11", "harness": "0.1.0"},
        "commit": "0" * 40,
        "hardware": {"processor": "made up", "cores": 2, "threads": 2, "gpus": []},
        "steps": {**train, "evaluate": {"seconds": 110.0, "tokens": 15_000, "replies": CASES}},
    }


def _rows(setting: Setting, cell: Cell, random: random.Random, *, broken: bool) -> Iterator[dict[str, Any]]:
    for text in setting.conditions[SCALE]:
        condition = str(Condition.parse(text))
        for metric in _measured(setting, condition):
            of_trait = UNTAUGHT if broken else trait(cell, condition)
            rate = of_trait if metric == setting.trait_at(SCALE) else _other(metric, cell)
            for case in range(CASES):
                yield {
                    "condition": condition,
                    "split": metric.split,
                    "case": f"case-{case}",
                    "cluster": f"case-{case}",
                    "sample": 1,
                    "metric": metric.name,
                    "judge": metric.judge,
                    "score": metric.score,
                    "value": float(random.random() < rate),
                }


def _measured(setting: Setting, condition: str) -> list[Metric]:
    """The metrics of the splits that are asked: optional ones in clean alone."""
    return [one for one in setting.metrics if condition == "clean" or one.split not in setting.optional_splits]


def _other(metric: Metric, cell: Cell) -> float:
    if metric.goal == "suppress":
        return 0.1
    return 0.2 if cell.intervention == BASE else SKILL


def _write_cards(runs: Path, setting: Setting) -> None:
    """A card for each of the setting's vectors, beside an empty file in the place of the vector."""
    folder = runs / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    layer = {"norm": 10.0, "rms": 20.0, "relative": 0.5, "split_half_cosine": 0.99, "auroc": 1.0}
    place = {"blocks": [14], "coef": 4.0, "unit": "raw", "relative": 0.5}
    for name, spec in setting.vectors.items():
        key = digest_of([setting.name, name])
        card = {
            "name": name,
            "setting": setting.name,
            "scale": SCALE,
            "key": key,
            "sha256": digest_of(key),
            "summary": spec.summary,
            "concept": spec.concept,
            "source": spec.source,
            "questions": 48,
            "blocks": [{"block": block, **layer} for block in range(30)],
            "elicitation": [{**place, "rate": 0.5, "n": 12, "judged": 12}],
            "cosines": {},
            "verdict": "made up",
        }
        file = folder / f"{name}-{key[:8]}.safetensors"
        file.touch()
        file.with_suffix(".json").write_text(json.dumps(card))
