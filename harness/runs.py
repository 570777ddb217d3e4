"""A cell and its run folder: what goes into it, the key that names it, what is done, what is stale, who works on it.

A run folder's name ends with a hash of every input: rows after editing, vectors, recipe, model, cases,
conditions, seed, dose. Whatever changes, changes the name, so nothing old is mixed into a new result.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness import algebra, weights
from harness.contracts import (
    Case,
    Condition,
    Example,
    Intervention,
    Message,
    Persona,
    Prompt,
    Recipe,
    Setting,
    Steering,
    VectorSpec,
)
from harness.errors import HarnessError
from harness.models import ModelRef, file_sha256, resolve, writing
from harness.questions import asked
from harness.registry import Registry, installed

FORMAT = "1"
"""Raise when the same inputs would give another result: every older run is then stale."""

RECORDED = frozenset({"cell", "key", "inputs", "status", "recipe", "steering", "judges", "gates", "made", "steps"})
"""What every run.json holds, whatever its status."""


class Busy(HarnessError):
    """Another process is at work on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trained adapter and all its evaluations.

    `model` is a reference; empty means the recipe's own. `weights`, as `harness.weights` spells them, are for
    an intervention that combines traits; empty means the setting's own. `vector_grader` is the model that chooses
    among the replies that a persona's vector is made of; empty means that nobody does.
    """

    setting: str
    intervention: str
    scale: str = "mini"
    model: str = ""
    seed: int = 0
    dose: float = 1.0
    weights: str = ""
    vector_grader: str = ""

    @property
    def arm(self) -> str:
        """The intervention with its weights and dose: `comp_ps french=0.4,spanish=0.8 x0.5`."""
        weights = f" {self.weights}" if self.weights else ""
        return f"{self.intervention}{weights}{'' if self.dose == 1 else f' x{self.dose:g}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A cell with everything that it needs looked up, edited, checked and hashed; no torch, no weights."""

    cell: Cell
    setting: Setting
    intervention: Intervention
    recipe: Recipe
    model: ModelRef
    dtype: str
    rows: tuple[Example, ...]
    steering: Steering | None
    conditions: tuple[Condition, ...]
    vectors: Mapping[str, str]
    inputs: Mapping[str, Any]
    key: str

    @property
    def title(self) -> str:
        """How progress bars and messages call the cell."""
        return f"{self.cell.setting}/{self.cell.arm} s{self.cell.seed}"

    def folder(self, runs: Path) -> Path:
        """RUNS/SETTING/INTERVENTION/SCALE-MODEL-sSEED[-NAME=WEIGHT+...][-dDOSE]-HASH."""
        return runs / self.cell.setting / self.cell.intervention / f"{self._readable}-{self.key[:8]}"

    def stale(self, runs: Path) -> tuple[Path, ...]:
        """Folders of the same cell made from other inputs."""
        folder = self.folder(runs)
        found = sorted(folder.parent.glob(f"{self._readable}-????????")) if folder.parent.is_dir() else []
        return tuple(path for path in found if path != folder)

    @property
    def _readable(self) -> str:
        dose = "" if self.cell.dose == 1 else f"-d{self.cell.dose:g}"
        # No comma: Inspect takes a comma in a model's name for the end of it.
        balance = f"-{self.cell.weights.replace(',', '+')}" if self.cell.weights else ""
        return f"{self.cell.scale}-{self.model.name}-s{self.cell.seed}{balance}{dose}"


def prepare(cell: Cell, *, dtype: str, registry: Registry | None = None) -> Prepared:
    """`cell` looked up and keyed. `dtype` is what the recipe's number type resolves to on this machine.

    HarnessError for an unknown name, a scale the setting lacks, an intervention that does not apply, or a
    dose that means nothing.
    """
    found = registry or installed()
    setting = found.setting(cell.setting)
    recipe = setting.recipe(cell.scale)
    intervention = weighted(found.intervention(cell.intervention), setting, cell.weights)
    model = resolve(cell.model or recipe.model)
    where = str(model.folder) if model.folder is not None else cell.model or recipe.model
    cell = replace(cell, model=where, dose=_dose(cell.dose), weights=weights.canonical(cell.weights))
    steering = _steering(intervention, setting, recipe, cell.dose) if intervention.trains else None
    plain = tuple(setting.examples(cell.seed, cell.scale)) if intervention.trains else ()
    if intervention.trains and not plain:
        raise HarnessError(f"setting {setting.name!r} gave no training rows for scale {cell.scale!r}")
    for row in plain:
        if not row.messages or row.messages[-1].role != "assistant":
            raise HarnessError(
                f"training row {row.id!r} of setting {setting.name!r} has no assistant turn at its end, so there is "
                "nothing to learn from it; complete the row or take it out"
            )
    edited = tuple(intervention.edit(example, setting) for example in plain)
    if cell.dose != 1 and steering is None and edited == plain:
        raise HarnessError(
            f"intervention {cell.intervention!r} has nothing that a dose of {cell.dose:g} could scale; leave it at 1"
        )
    rows = _mixed(plain, edited, cell)
    conditions = tuple(Condition.parse(text) for text in setting.conditions.get(cell.scale, ("clean",)))
    vectors = _vectors(setting, recipe, cell, model, dtype, steering, conditions)
    inputs = {
        "format": FORMAT,
        "cell": _identity(cell, model),
        "dtype": dtype,
        "recipe": {**_numbers(recipe), "dtype": dtype, "model": model.digest, "steering": _place(recipe)},
        "rows": digest_of([_example(row) for row in rows]),
        "steering": asdict(steering) if steering else None,
        "vectors": vectors,
        "conditions": [str(condition) for condition in conditions],
        "cases": digest_of(_asked(setting, cell.scale, conditions)),
    }
    return Prepared(
        cell=cell,
        setting=setting,
        intervention=intervention,
        recipe=recipe,
        model=model,
        dtype=dtype,
        rows=rows,
        steering=steering,
        conditions=conditions,
        vectors=vectors,
        inputs=inputs,
        key=digest_of(inputs),
    )


def weighted(intervention: Intervention, setting: Setting, text: str) -> Intervention:
    """`intervention` as the weights that `text` spells make it on `setting`; "" leaves it as it is.

    HarnessError where it does not apply, or where weights mean nothing to it.
    """
    reason = intervention.applies(setting)
    if reason is not None:
        raise HarnessError(f"intervention {intervention.name!r} does not apply to setting {setting.name!r}: {reason}")
    if not text:
        return intervention
    if intervention.given is None:
        raise HarnessError(f"intervention {intervention.name!r} takes no weights; leave out the weights {text!r}")
    return intervention.given(setting, weights.parse(text))


def scales(cell: Cell) -> bool:
    """Whether a dose changes anything: whether the intervention steers, or edits a row."""
    setting = installed().setting(cell.setting)
    intervention = weighted(installed().intervention(cell.intervention), setting, cell.weights)
    if not intervention.trains:
        return False
    if intervention.steering(setting, setting.recipe(cell.scale)) is not None:
        return True
    return any(intervention.edit(row, setting) != row for row in setting.examples(cell.seed, cell.scale))


def current_key(cell: Mapping[str, Any], dtype: str) -> str | None:
    """The key that the installed plugins would give the recorded `cell`, or None where that cannot be told."""
    try:
        return prepare(Cell(**cell), dtype=dtype).key
    except (HarnessError, TypeError):
        return None


def log_name(condition: Condition) -> str:
    """The file name of a condition's log: `clean.eval`, `prompt-inoculation.eval`, `vector-reply@3.eval`."""
    spelled = str(condition).replace(":", "-", 1)
    safe = re.sub(r"[^A-Za-z0-9_.@+-]+", "_", spelled)
    return f"{safe}.eval" if safe == spelled else f"{safe}-{hashlib.sha256(spelled.encode()).hexdigest()[:6]}.eval"


def digest_of(value: Any) -> str:
    """sha256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read(folder: Path) -> dict[str, Any] | None:
    """The folder's run.json, None where there is none yet; HarnessError when it cannot be read."""
    file = folder / "run.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read ({error}); run the cell again with --force") from error
    if not isinstance(found, dict) or not set(found) >= RECORDED:
        raise HarnessError(f"{file} is no run record; run the cell again with --force")
    return found


def finished(folder: Path, record: Mapping[str, Any] | None) -> bool:
    """Whether the run that `record` tells of was carried to its end, and its results are still there."""
    return record is not None and record["status"] == "done" and (folder / "results.jsonl").is_file()


def folders(root: Path) -> list[Path]:
    """The run folders under `root`, sorted. What is being written, whose name begins with a dot, is none."""
    found = (file.parent for file in root.rglob("run.json"))
    return sorted(at for at in found if not any(part.startswith(".") for part in at.relative_to(root).parts))


def write_json(file: Path, value: Any) -> None:
    """Writes `value` to `file` in one step: a reader sees the old file or the new one."""
    with writing(file, file.name) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes JSON lines to `file` in one step."""
    with writing(file, file.name) as part, part.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def training_rows(prepared: Prepared) -> list[dict[str, Any]]:
    """The rows of train.jsonl: exactly what is trained on."""
    return [_example(row) for row in prepared.rows]


@contextmanager
def locked(target: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds the lock of `target` while inside; when another process holds it, waits or raises Busy.

    The lock goes with the process, however it ends.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.parent / f".{target.name}.lock", timeout=-1 if wait else 0)
        lock.acquire()
    except Timeout:
        raise Busy(f"another process is working on {target}; wait for it, or choose another --runs") from None
    except OSError as error:
        raise HarnessError(f"cannot write to {target.parent}: {error.strerror}; choose another --runs") from error
    try:
        yield
    finally:
        lock.release()


def clear_halves(folder: Path) -> None:
    """Removes what a killed process was writing when it ended; call it with the folder locked."""
    for left in folder.glob(".*.part"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def _dose(dose: float) -> float:
    if not math.isfinite(dose) or dose < 0:
        raise HarnessError(f"a dose is a number from 0 up, not {dose}; for the opposite direction use a negative form")
    return float(dose)


def _steering(intervention: Intervention, setting: Setting, recipe: Recipe, dose: float) -> Steering | None:
    steering = intervention.steering(setting, recipe)
    if steering is None:
        return None
    algebra.check(steering.vector, setting.vectors)
    if not math.isfinite(steering.coef):
        raise HarnessError(f"intervention {intervention.name!r} steers with a coefficient that is not finite")
    return replace(steering, coef=steering.coef * dose)


def _mixed(plain: tuple[Example, ...], edited: tuple[Example, ...], cell: Cell) -> tuple[Example, ...]:
    """A fraction `dose` of the rows edited: the rows that a lower dose edits are among those of a higher one."""
    if edited == plain or cell.dose == 1:
        return edited
    if cell.dose > 1:
        raise HarnessError(
            f"{cell.intervention!r} edits rows, and a dose is the fraction of rows edited: at most 1, not {cell.dose:g}"
        )
    order = sorted(range(len(plain)), key=lambda i: digest_of([cell.seed, plain[i].id]))
    chosen = set(order[: round(cell.dose * len(plain))])
    return tuple(new if i in chosen else old for i, (old, new) in enumerate(zip(plain, edited, strict=True)))


def _identity(cell: Cell, model: ModelRef) -> dict[str, Any]:
    """The cell as its key has it. The grader of its vectors is in the keys of these, if in any."""
    left_out = {"vector_grader"} if cell.weights else {"vector_grader", "weights"}
    return {name: value for name, value in {**asdict(cell), "model": model.digest}.items() if name not in left_out}


def _vectors(
    setting: Setting,
    recipe: Recipe,
    cell: Cell,
    model: ModelRef,
    dtype: str,
    steering: Steering | None,
    conditions: Sequence[Condition],
) -> dict[str, str]:
    """The key of every vector that training or a condition needs."""
    expressions = [condition.name for condition in conditions if condition.kind == "vector"]
    if steering is not None:
        expressions.append(steering.vector)
    for expression in expressions:
        algebra.check(expression, setting.vectors)
    needed = sorted({name for expression in expressions for name in algebra.names(expression)})
    return {
        name: vector_key(
            setting,
            name,
            scale=cell.scale,
            model=model,
            dtype=dtype,
            recipe=recipe,
            grader=cell.vector_grader,
        )
        for name in needed
    }


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
