"""The hashes and names that a cell's inputs make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.cells.cell import Cell, Prepared
from harness.cells.questions import asked
from harness.contracts import (
    Case,
    Condition,
    Example,
    Message,
    Persona,
    Prompt,
    Recipe,
    Setting,
    VectorSpec,
)
from harness.errors import HarnessError
from harness.files import digest_of, file_sha256
from harness.models import ModelRef

FORMAT = "1"
"""Raise when the same inputs would give another result: every older run is then stale."""


def log_name(condition: Condition) -> str:
    """The file name of a condition's log: `clean.eval`, `prompt-inoculation.eval`, `vector-reply@3.eval`."""
    spelled = str(condition).replace(":", "-", 1)
    safe = re.sub(r"[^A-Za-z0-9_.@+-]+", "_", spelled)
    return f"{safe}.eval" if safe == spelled else f"{safe}-{hashlib.sha256(spelled.encode()).hexdigest()[:6]}.eval"


def training_rows(prepared: Prepared) -> list[dict[str, Any]]:
    """The rows of train.jsonl: exactly what is trained on."""
    return [_example(row) for row in prepared.rows]


def _identity(cell: Cell, model: ModelRef) -> dict[str, Any]:
    """The cell as its key has it. The grader of its vectors is in the keys of these, if in any."""
    left_out = {"vector_grader"} if cell.weights else {"vector_grader", "weights"}
    return {name: value for name, value in {**asdict(cell), "model": model.digest}.items() if name not in left_out}


def vector_key(
    setting: Setting, name: str, *, scale: str, model: ModelRef, dtype: str, recipe: Recipe, grader: str = ""
) -> str:
    """sha256 over what a vector is made from: its pairs or questions, the model, the number type, who chose."""
    return digest_of(
        {
            "format": FORMAT,
            "spec": _spec(setting.vectors[name], scale, grader),
            "model": model.digest,
            "dtype": dtype,
            "system": recipe.system,
        }
    )


def vector_file(runs: Path, name: str, key: str) -> Path:
    """Where the vector called `name` with `key` is kept, for all cells to share."""
    return runs / "vectors" / f"{name}-{key[:8]}.safetensors"


def _spec(spec: VectorSpec, scale: str, grader: str) -> Any:
    if spec.file:
        return {"file": _file_digest(Path(spec.file))}
    if spec.persona is not None:
        return _persona(spec.persona(scale), grader)
    if spec.replies is not None:
        return [[_turns(pair.messages), pair.positive, pair.negative] for pair in spec.replies(scale)]
    questions = spec.questions(scale) if spec.questions is not None else ()
    pairs = [[_prompt(pair.positive), _prompt(pair.negative)] for pair in spec.instructions]
    return [pairs, [_turns(question) for question in questions], spec.rollouts, spec.max_tokens]


def _persona(persona: Persona, grader: str) -> dict[str, Any]:
    pairs = [[_prompt(pair.positive), _prompt(pair.negative)] for pair in persona.instructions]
    questions = [_turns(question) for question in persona.questions]
    made = {"persona": [pairs, questions, persona.rollouts, persona.max_tokens]}
    if persona.keep is not None and grader:
        made["chosen"] = [asdict(persona.keep), grader]
    return made


def _file_digest(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise HarnessError(f"cannot read the vector {file}: {error.strerror}; name one that is there") from error


def _asked(setting: Setting, scale: str, conditions: Sequence[Condition]) -> Any:
    prompts = [setting.prompts[condition.name] for condition in conditions if condition.kind == "prompt"]
    return [
        [[split, _case(case)] for split, cases in asked(setting, scale, Condition()).items() for case in cases],
        [[prompt.text, prompt.placement, *prompt.others] for prompt in prompts],
    ]


def _prompt(prompt: Prompt) -> dict[str, Any]:
    """What an instruction pair says, for the key of a vector: one text, whatever rows the prompt is for."""
    return {name: getattr(prompt, name) for name in ("text", "placement", "concept", "source")}


def _numbers(recipe: Recipe) -> dict[str, Any]:
    """The recipe but for what changes no result."""
    return {name: value for name, value in asdict(recipe).items() if name != "gpus"}


def _place(recipe: Recipe) -> Any:
    """Where vector conditions are put back. The doses themselves are the arms' own."""
    where = recipe.steering
    return None if where is None else {"blocks": where.blocks, "depth": where.depth}


def _example(example: Example) -> dict[str, Any]:
    return {"id": example.id, "messages": _turns(example.messages), "tags": dict(example.tags)}


def _case(case: Case) -> Any:
    return [case.id, _turns(case.messages), dict(case.facts), case.cluster]


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]
