"""What a cell is made of as JSON values, spelled one way for ever: its hashes are taken over these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from harness.cells.cell import Cell
from harness.cells.changes import Changes
from harness.cells.questions import asked
from harness.contracts import (
    Case,
    Condition,
    Example,
    FrozenAdapter,
    Message,
    Persona,
    Prompt,
    Recipe,
    Rewriting,
    Setting,
    Steering,
    VectorSpec,
)
from harness.errors import HarnessError
from harness.files import digest_of, file_sha256
from harness.models import ModelRef


def cell_spelled(cell: Cell, model: ModelRef) -> dict[str, object]:
    """The cell as its key has it: the grader of its vectors is in the keys of these, epochs are in the recipe, and
    where training stops is among the changes. What is given in few cells is there where it is.
    """
    absent = [name for name in ("weights", "lora_targets", "engine", "prompt") if not getattr(cell, name)]
    left_out = {"vector_grader", "epochs", "until", *absent}
    return {name: value for name, value in {**asdict(cell), "model": model.digest}.items() if name not in left_out}


def recipe_spelled(recipe: Recipe, *, dtype: str, model: ModelRef) -> dict[str, object]:
    """The recipe but for what changes no result. Of steering the place alone: the doses are the arms' own."""
    where = recipe.steering
    place = None if where is None else {"blocks": where.blocks, "depth": where.depth}
    numbers = {name: value for name, value in asdict(recipe).items() if name != "gpus"}
    return {**numbers, "dtype": dtype, "model": model.digest, "steering": place}


def recipe_digest(recipe: Recipe) -> str:
    """sha256 over the whole recipe, doses too, but for what changes no result."""
    steering = None if recipe.steering is None else {**asdict(recipe.steering), "source": ""}
    return digest_of({**asdict(recipe), "gpus": 0, "steering": steering})


def steering_spelled(steering: Steering) -> dict[str, object]:
    """What is done to the residual stream, with what came to be said of it later only where that is not as it was."""
    told = asdict(steering)
    for name, before in (("way", "add"), ("positions", "all"), ("schedule", "constant")):
        if told[name] == before:
            del told[name]
    return told


def changes_spelled(changes: Changes) -> dict[str, object]:
    """The parts that there are, as the key of a run has them but for rows that the seed may draw: a function by its
    version alone.
    """
    found = {field.name: getattr(changes, field.name) for field in fields(changes)}
    return {name: _part_spelled(part) for name, part in found.items() if part is not None}


def proxies_spelled(changes: Changes) -> dict[str, str]:
    """The digest of the rows of each part that has any: apart from the rest, for the seed may draw them."""
    loss, gradients, choosing, stopping = changes.loss, changes.gradients, changes.choosing, changes.stopping
    found = {
        "loss": loss.proxy if loss else (),
        "gradients": gradients.proxy if gradients else (),
        "choosing": choosing.candidates if choosing else (),
        "taught": choosing.taught.rows if choosing and choosing.taught else (),
        "stopping": stopping.rows if stopping else (),
    }
    return {name: rows_digest(rows) for name, rows in found.items() if rows}


def _part_spelled(part: Any) -> dict[str, object]:
    apart = ("source", "proxy", "candidates", "rows")
    held = {field.name: getattr(part, field.name) for field in fields(part) if field.name not in apart}
    told = {name: value for name, value in held.items() if not callable(value)}
    if isinstance(part, Rewriting) and part.prompt is not None:
        told["prompt"] = _prompt(part.prompt)
    if told.get("under") is not None:
        told["under"] = {**under_spelled(held["under"]), "weight": held["under"].weight, "random": held["under"].random}
    if (taught := held.get("taught")) is not None:
        told["taught"] = {"epochs": taught.epochs, "weight": taught.weight, "random": taught.random}
    return told


def rows_digest(rows: Sequence[Example]) -> str:
    """sha256 over rows of training in their order, as a run's key has it."""
    return digest_of([example_spelled(row) for row in rows])


def under_spelled(under: FrozenAdapter) -> dict[str, object]:
    """What an adapter that is trained first is made from, beside the recipe."""
    return {"rows": rows_digest(under.rows), "epochs": under.epochs}


def example_spelled(example: Example) -> dict[str, object]:
    """A training row, as train.jsonl has it too."""
    return {"id": example.id, "messages": _turns(example.messages), "tags": dict(example.tags)}


def cases_spelled(setting: Setting, scale: str, conditions: Sequence[Condition]) -> object:
    """The cases that are asked in clean, and the prompts that are put before them."""
    prompts = [setting.prompts[condition.name] for condition in conditions if condition.kind == "prompt"]
    return [
        [[split, _case(case)] for split, cases in asked(setting, scale, Condition()).items() for case in cases],
        [[prompt.text, prompt.placement, *prompt.others] for prompt in prompts],
    ]


def vector_spelled(spec: VectorSpec, scale: str, grader: str) -> object:
    """What a vector is made from: its pairs, its questions, or the file that it is a copy of."""
    if spec.file:
        return {"file": _file_digest(Path(spec.file))}
    if spec.persona is not None:
        return _persona(spec.persona(scale), grader)
    if spec.replies is not None:
        return [[_turns(pair.messages), pair.positive, pair.negative] for pair in spec.replies(scale)]
    questions = spec.questions(scale) if spec.questions is not None else ()
    pairs = [[_prompt(pair.positive), _prompt(pair.negative)] for pair in spec.instructions]
    return [pairs, [_turns(question) for question in questions], spec.rollouts, spec.max_tokens]


def _persona(persona: Persona, grader: str) -> dict[str, object]:
    pairs = [[_prompt(pair.positive), _prompt(pair.negative)] for pair in persona.instructions]
    questions = [_turns(question) for question in persona.questions]
    made: dict[str, object] = {"persona": [pairs, questions, persona.rollouts, persona.max_tokens]}
    if persona.keep is not None and grader:
        made["chosen"] = [asdict(persona.keep), grader]
    return made


def _prompt(prompt: Prompt) -> dict[str, object]:
    """What an instruction pair says: one text, whatever rows the prompt is for."""
    return {name: getattr(prompt, name) for name in ("text", "placement", "concept", "source")}


def _case(case: Case) -> object:
    return [case.id, _turns(case.messages), dict(case.facts), case.cluster]


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _file_digest(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise HarnessError(f"cannot read the vector {file}: {error.strerror}; name one that is there") from error
