"""What a run would do, before it does it: rows, tokens, steps, memory, and seconds where this machine was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness import runs
from harness.cells import Cell, Prepared, asked, check_prompts, model_meant, prepared, rendered_rows
from harness.contracts import Condition, Example, Lora
from harness.engine import load_tokenizer
from harness.errors import HarnessError, unknown
from harness.judging import GradingCost, asking, estimate
from harness.models import KNOWN, ModelRef, lora_targets, materialise, means, numbers_in, read_config, shapes_in
from harness.registry import installed
from harness.training import Speed, check_layers, measured, remembered, speed_key

BESIDE_TRAINING, LIBRARIES_BYTES = 1.7, 600 << 20
"""A worker's peak over what training takes, and what torch, transformers and Inspect take by themselves; measured."""

SpeedKnown = Literal["measured", "remembered", "stated"]
Stated = Mapping[str, tuple[float, float]]
"""Tokens a second that somebody says a worker trains on and writes, by a model's name or hub id; "" is any other."""

IN_A_BLOCK, TOWER = re.compile(r"\.\d+\."), re.compile("vision|visual|audio")
CHARACTERS_PER_TOKEN = 3.5
"""Used where the tokenizer is not on this machine: English prose with digits, our own choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One cell's work.

    `cases` are those of the condition that asks most; `reply_tokens` is an upper bound; `seconds` and `memory_bytes`
    are None where not known.

    `estimated` says that tokens were counted by characters, because the model is not on this machine. `grading` is
    what a grader would be asked, None where no judge asks one, or the reason why that cannot be told. `speed` says
    whether `seconds` comes from a measurement of now, from one that is remembered, or from what was stated, None where
    there is none. `gpus` is what a cell takes of them, where there are any. `fit` is a line on what training and doses
    were chosen for, "" where the setting itself chose them for this model. `steps` are a
    bound where a rule `may_end` training before.
    """

    cell: Cell
    folder: Path
    done: bool
    stale: tuple[Path, ...]
    rows: int
    train_tokens: int
    steps: int
    cases: int
    conditions: tuple[str, ...]
    reply_tokens: int
    memory_bytes: int | None
    seconds: float | None
    estimated: bool
    grading: GradingCost | str | None = None
    speed: SpeedKnown | None = None
    fit: str = ""
    may_end: bool = False
    gpus: float = 1.0


def plan(
    cells: Sequence[Cell],
    root: Path,
    *,
    measure: bool = True,
    stated: Stated | None = None,
    grader: str = "",
    price: str = "",
) -> list[Plan]:
    """The plan of every cell, nothing written. Speed is measured once per model that is on this machine.

    Without `measure` it is what was measured before for that model on this machine, if anything was; what is `stated`
    of a model goes before both, and a name that no cell has is a HarnessError.
    `grader` names the model that judges would ask, and `price` its price where the list has none.
    """
    if stated:
        _check_stated(stated, cells)
    speeds: dict[str, tuple[Speed | None, SpeedKnown | None]] = {}
    plans = []
    for wanted in cells:
        cell = prepared(wanted)
        local = _local(cell.model)
        if local is not None and cell.cell.lora_targets:
            check_layers(local, cell.recipe.lora)
        name = speed_key(cell)
        if name not in speeds:
            speeds[name] = _stated(cell.model, stated or {}) or _speed(cell, local, measure=measure)
        speed, known = speeds[name]
        one = _plan(cell, root, local, speed)
        plans.append(replace(one, grading=grading(cell, grader, price), speed=known))
    return plans


def grading(cell: Prepared, grader: str, price: str) -> GradingCost | str | None:
    """What a grader is asked for `cell`, None where no judge asks one, or why that cannot be told."""
    if not asking(cell.setting, installed()):
        return None
    by_condition = [asked(cell.setting, cell.cell.scale, condition) for condition in cell.conditions]
    widest = max(by_condition, key=len)
    questions = [
        (split, case, sum(split in some for some in by_condition)) for split, cases in widest.items() for case in cases
    ]
    try:
        return estimate(
            cell.setting,
            asked=questions,
            drawn=cell.recipe.generation,
            grader=grader,
            price=price,
            registry=installed(),
        )
    except HarnessError as error:
        return str(error)


def expected_work(cell: Prepared) -> float:
    """About how long a cell takes, in reply tokens: what orders cells of one model, and no more.

    A token costs three times as much in training, which also goes back, as in writing (Kaplan et al. 2020, table 1).
    """
    by_condition = [asked(cell.setting, cell.cell.scale, condition) for condition in cell.conditions]
    cases = sum(len(some) for by_split in by_condition for some in by_split.values())
    written = cases * cell.recipe.generation.samples * cell.recipe.generation.max_tokens
    trained = sum(map(_characters, cell.rows)) / CHARACTERS_PER_TOKEN * cell.recipe.epochs
    return 3 * trained * (1 + cell.rows_chosen / max(1, len(cell.rows))) * _share_taken(cell) + written


def _share_taken(cell: Prepared) -> float:
    """The share of the recipe's steps that are taken."""
    return 1 - cell.changes.training.skipped if cell.changes.training else 1.0


def worker_memory(cell: Prepared) -> int | None:
    """About the bytes that a worker takes at its peak, None where the model's size is not known.

    Training, and besides it the model that the worker keeps, buffers and the libraries: docs/log.md has what was seen.
    """
    training = _memory(cell, _local(cell.model))
    return None if training is None else int(BESIDE_TRAINING * training) + LIBRARIES_BYTES


def _plan(cell: Prepared, root: Path, local: Path | None, speed: Speed | None) -> Plan:
    recipe = cell.recipe
    tokens = _tokens(cell, local)
    cases = [_cases(cell, condition) for condition in cell.conditions]
    replies = sum(cases) * recipe.generation.samples
    rows = len(cell.rows) + cell.rows_chosen
    train_tokens = round(tokens * rows / len(cell.rows) * recipe.epochs * _share_taken(cell)) if rows else 0
    reply_tokens = replies * recipe.generation.max_tokens
    planned = recipe.steps(rows)
    steps = planned - round((1 - _share_taken(cell)) * planned)
    folder = cell.folder(root)
    done = runs.is_finished(folder, runs.read_run(folder))
    seconds = None if speed is None else train_tokens / speed.train + reply_tokens / speed.generate
    return Plan(
        cell=cell.cell,
        folder=folder,
        done=done,
        stale=cell.stale(root),
        rows=rows,
        train_tokens=train_tokens,
        steps=steps,
        cases=max(cases),
        conditions=tuple(str(condition) for condition in cell.conditions),
        reply_tokens=reply_tokens,
        memory_bytes=_memory(cell, local),
        seconds=0.0 if done else seconds,
        estimated=local is None,
        fit=cell.fit.told(root),
        may_end=cell.changes.stopping is not None,
        gpus=recipe.gpus,
    )


def _cases(cell: Prepared, condition: Condition) -> int:
    return sum(map(len, asked(cell.setting, cell.cell.scale, condition).values()))


def _local(model: ModelRef) -> Path | None:
    """The model's folder where it is on this machine, or comes in a wheel of 93 MB; a hub model is not fetched."""
    return materialise(model) if model.hub is None else None


def _tokens(cell: Prepared, local: Path | None) -> int:
    """The tokens of all rows; HarnessError where a row's edit, or a condition's prompt, does not reach the model."""
    if local is None:
        return int(sum(_characters(row) for row in cell.rows) / CHARACTERS_PER_TOKEN)
    tokenizer = load_tokenizer(local)
    check_prompts(cell, tokenizer)
    return sum(len(row.ids) for row in rendered_rows(cell, tokenizer))


def _characters(row: Example) -> int:
    return sum(len(message.content) for message in row.messages)


def _memory(cell: Prepared, local: Path | None) -> int | None:
    """Bytes while training: weights, adapter with its gradients and both Adam moments, activations of one batch.

    A model that is not on this machine is taken to be trained on a GPU; None where its size is not known. Activations
    are taken as 34 x hidden numbers per token and block, half of it with bf16 (Korthikanti et al. 2022, section 4.1,
    without the attention matrix), or one block's worth and the inputs of the others with checkpointing.
    """
    recipe, known = cell.recipe, KNOWN.get(cell.model.hub or "")
    if local is not None:
        config, shapes = read_config(local), shapes_in(local)
        hidden, blocks = (
            _size(config, *names) for names in (("hidden_size", "n_embd"), ("num_hidden_layers", "n_layer"))
        )
    elif known is not None:
        hidden, blocks, shapes = known.hidden, known.blocks, known.shapes()
    else:
        return None
    if hidden is None or blocks is None:
        return None
    weights = numbers_in(shapes) * (2 if local is None or _on_gpu() else 4)
    adapter = _adapter_numbers(shapes, recipe.lora) * 16
    tokens = recipe.batch * min(recipe.max_length, 256)
    kept = 34 * hidden + blocks * 2 * hidden if recipe.checkpointing else 34 * hidden * blocks
    return int(weights + adapter + tokens * kept * (2 if cell.dtype == "bf16" else 4) / 2)


def _size(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[name] for name in names if config.get(name) is not None), None)


def _on_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _adapter_numbers(shapes: dict[str, list[int]], lora: Lora) -> int:
    """The numbers of an adapter; blocks are told by the number in a weight's name, which the head's has not."""
    layers = {
        name.rpartition(".")[0]: sum(shape)
        for name, shape in shapes.items()
        if len(shape) == 2 and IN_A_BLOCK.search(name) and not TOWER.search(name)
    }
    experts = any("experts" in name and len(shape) == 3 for name, shape in shapes.items())
    try:
        targets = lora_targets(lora.targets, layers, experts=experts)
    except HarnessError:  # which training will say
        return 0
    return sum(lora.r * size for path, size in layers.items() if any(means(name, path) for name in targets))


def _check_stated(stated: Stated, cells: Sequence[Cell]) -> None:
    there = dict.fromkeys(name for cell in cells for name in _names(model_meant(cell)))
    for name in stated:
        if name and name not in there:
            raise HarnessError(unknown("model of the plan", name, there))


def _names(model: ModelRef) -> tuple[str, ...]:
    return (model.name, *([model.hub] if model.hub else []))


def _stated(model: ModelRef, stated: Stated) -> tuple[Speed | None, SpeedKnown | None] | None:
    """The speed that was stated of a model; None where none was."""
    found = next((stated[name] for name in (*_names(model), "") if name in stated), None)
    return None if found is None else (Speed(train=found[0], generate=found[1], measured=""), "stated")


def _speed(cell: Prepared, local: Path | None, *, measure: bool) -> tuple[Speed | None, SpeedKnown | None]:
    """How fast the cell's model is here, and how that is known."""
    if local is None:
        return None, None
    if measure:
        return measured(local, cell), "measured"
    found = remembered(cell)
    return found, "remembered" if found else None
