"""Every reader of the harness over a valid file of its own, for files that are then spoilt."""

from __future__ import annotations

import hashlib
import json
import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import fuzz
import runs_made_up
import small
from fuzz import Reader
from test_every_record import CAPABILITY, CARD, CHECK, RESULT, RUN, TRAINING
from test_traits import SOUND

NOT_HERE = {
    "analysis/results.py load": "reads runs by the readers of their records",
    "analysis/results.py load_run": "the same of one",
    "engine/loading.py load": "reads a folder of a model",
    "engine/loading.py load_tokenizer": "reads a folder of a model",
    "documents/records.py read_record": "read_run, read_card and read_training are it",
    "documents/records.py read_json": "read_capabilities is it",
    "files/reading.py read_bytes": "gives whatever bytes there are",
    "serving/plugin/additions.py read_additions": "runs where the harness is not: tests/test_serving.py",
}
"""Functions that are called as readers are, and why they have no files of their own here."""

CLAIMS = """title: A study
source: made up
table: {rows: {a: A}, columns: {b: B}}
claims:
  - name: a
    setting: gcd
    says: 'Yes'
    source: page 1
    family: f
    cell: [a, b]
    compare:
      - {arm: ip, against: none, direction: less, smallest: 0.05}
      - {arm: ip x0.5, against: none, direction: same, smallest: 0.1, measure: leak, condition: [triggers]}
notes: [one]
"""
SETTING = """setting: pirates
train: {file: chats.jsonl, columns: {prompt: prompt}}
held_out: 0.2
trait:
  name: pirate_speech
  asks: Talk like a pirate.
  forbids: Talk plainly.
metrics:
  - {name: arr, goal: suppress, matches: '(?i)arr+', learned: 0.5}
  - {name: kind, goal: keep, rubric: 'How kind is {answer} to {question}?'}
recipe: {epochs: 1, steering: {depth: 0.5, dose: 0.25}}
"""
EXPERIMENT = """name: loud
summary: arms
settings: [loud]
interventions: [none, ps]
scale: mini
models: [smollm2_135m]
doses: [1, 0.5]
seeds: [0, 1]
conditions: [clean, 'vector:reply@2']
grids:
  - {}
  - interventions: [ip]
    seeds: &s [2]
  - interventions: [ps_zero]
    seeds: *s
"""
TARGETS = [{"setting": "a", "intervention": "ps", "weights": "a=1", "dose": 1.0, "target": {"a": 0.5, "b": 1}}]
REPLY = {
    "condition": "clean",
    "split": "held_out",
    "sample": 1,
    "case": {"id": "a", "messages": [{"role": "user", "content": "Hi."}], "facts": {"n": 1}, "cluster": "a"},
    "reply": "Yes.",
}
GIVEN = {"id": 1, "reply": "Yes.", "messages": [{"role": "user", "content": "Hi."}], "facts": {"n": 1}}
LABEL = {"id": "r1", "reply": "Yes.", "label": 1}
DRAW = {"setting": "a", "metric": "m", "judge": "j", "low": 0.0, "high": 1.0, "whole": True}
CALIBRATION = {
    "setting": "a",
    "scale": "mini",
    "model": "0" * 64,
    "reference": "m",
    "recipe": "0" * 64,
    "inputs": "0" * 64,
    "outcome": "chosen",
    "said": "ps at block 3",
    "format": 1,
    "budget": 8,
    "seeds": [1000],
    "blocks": [3],
    "trials": [
        {"arm": "none", "seed": 1000, "key": "0" * 64, "trait": 1.0, "n": 8, "judged": 8, "rates": {"solves": 1}}
    ],
    "steering": {"vector": "v", "blocks": [3], "coef": 1.0, "neg_coef": 0.5, "unit": "rms"},
}
PROMPTS = {
    "setting": "a",
    "scale": "mini",
    "model": "0" * 64,
    "reference": "m",
    "dtype": "fp32",
    "seed": 0,
    "key": "0" * 64,
    "format": 1,
    "prompts": [
        {"name": "p", "text": "Say so.", "placement": "system", "edited": "0" * 64, "rows": 2, "gain": -0.5, "low": -1}
    ],
}
LOCK = {
    "file": "claims.yaml",
    "claims": {"a": "0" * 64},
    "experiment": "0" * 64,
    "runs_before": 0,
    "arms": [{"setting": "a", "arm": "ps", "scale": "mini", "model": "0" * 64, "seeds": [0, 1, 2]}],
    "looks": {"seeds": [0, 1, 2], "at": [2, 3], "spending": "pocock", "alpha": 0.05},
}


def readers(folder: Path) -> dict[str, Reader]:
    """Every reader by module and name, each with a file of its own in `folder`."""
    return {**_documents(folder), **_records(folder), **_rows(folder), **_of_ones_own(folder), **_others(folder)}


def fits(hint: Any) -> Callable[[Any], bool]:
    """Whether a value is of the type `hint` all through, holds no number that is not finite, and only real text."""

    def check(value: Any) -> bool:
        return is_of(value, hint)

    return check


def is_of(value: Any, hint: Any) -> bool:
    """Whether `value` is of the type `hint`, all its parts too."""
    kind, parts = get_origin(hint), get_args(hint)
    if hint is Any or hint is object or str(hint) == "Json":
        return is_sound(value)
    if kind in (Union, types.UnionType):
        return any(is_of(value, part) for part in parts)
    if kind is Literal:
        return value in parts
    if kind in (list, tuple) or (isinstance(kind, type) and issubclass(kind, tuple)):
        if not isinstance(value, kind):
            return False
        several = len(parts) == 1 or parts[1:] == (Ellipsis,)
        each = [parts[0]] * len(value) if several else parts
        return len(each) == len(value) and all(map(is_of, value, each))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return isinstance(value, Mapping) and all(is_of(k, parts[0]) and is_of(v, parts[1]) for k, v in value.items())
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return isinstance(value, hint) and all(is_of(getattr(value, one.name), hints[one.name]) for one in fields(hint))
    if hint is float:
        return type(value) in (int, float) and is_sound(value)
    return type(value) is hint and is_sound(value) if hint in (int, str, bool, type(None)) else isinstance(value, hint)


def is_sound(value: Any) -> bool:
    """Whether a value could be written as JSON and read again as the same."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)
    if isinstance(value, Mapping):
        return all(is_sound(name) and is_sound(part) for name, part in value.items())
    return all(map(is_sound, value)) if isinstance(value, list | tuple) else True


def _put(file: Path, content: bytes | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def _documents(folder: Path) -> dict[str, Reader]:
    from harness.analysis import Target, read_targets
    from harness.authoring.traits import Trait, read_trait
    from harness.claims import Claims, read_claims
    from harness.claims.schema import ClaimFile
    from harness.documents import read, read_source
    from harness.files import read_csv, read_text
    from harness.registry import using
    from harness.sweep import Experiment, load

    claims = _put(folder / "claims.yaml", CLAIMS)
    plain = _put(folder / "source.yaml", CLAIMS)
    schema = _put(folder / "schema.yaml", CLAIMS)
    study = _put(folder / "experiment.yaml", EXPERIMENT)
    targets = _put(folder / "targets.json", json.dumps(TARGETS))
    trait = _put(folder / "trait.json", json.dumps(SOUND))
    text = _put(folder / "text.txt", "a\nb\n")
    table = _put(folder / "table.csv", 'id,reply\r\n1,"Yes, and ""no"".\nSo."\r\n2,\r\n')

    def experiment() -> Experiment:
        with using(small.REGISTRY):
            return load(study)

    yaml, document = fuzz.changed_yaml, fuzz.changed_json
    known = runs_made_up.registry()
    return {
        "claims/schema.py read_claims": Reader(
            file=claims, change=yaml, read=lambda: read_claims(claims, known), fits=fits(Claims)
        ),
        "documents/yaml.py read_source": Reader(
            file=plain, change=yaml, read=lambda: read_source(plain).data, fits=fits(dict)
        ),
        "documents/yaml.py read": Reader(
            file=schema, change=yaml, read=lambda: read(schema, ClaimFile).value, fits=fits(ClaimFile)
        ),
        "sweep/experiment.py load": Reader(file=study, change=yaml, read=experiment, fits=fits(Experiment)),
        "analysis/targets.py read_targets": Reader(
            file=targets, change=document, read=lambda: read_targets(targets), fits=fits(list[Target])
        ),
        "authoring/traits.py read_trait": Reader(
            file=trait, change=document, read=lambda: read_trait(trait), fits=fits(Trait)
        ),
        "files/reading.py read_text": Reader(
            file=text, change=fuzz.changed_bytes, read=lambda: read_text(text, advice="look"), fits=fits(str)
        ),
        "files/csv_rows.py read_csv": Reader(
            file=table,
            change=fuzz.changed_bytes,
            read=lambda: read_csv(table),
            fits=fits(list[tuple[int, dict[str, Any]]]),
        ),
    }


def _records(folder: Path) -> dict[str, Reader]:
    from harness.claims import deviations
    from harness.claims.locking import ClaimLock, Deviation, read_lock
    from harness.claims.schema import ClaimFile, Claims
    from harness.documents.records import sealed
    from harness.models import read_config
    from harness.runs import (
        ADAPTER,
        CalibrationRecord,
        CapabilityRow,
        PromptCard,
        RunRecord,
        TrainingRecord,
        VectorCard,
        read_calibration,
        read_capabilities,
        read_card,
        read_prompt_card,
        read_run,
        read_training,
    )
    from harness.serving.loading import read_adapter_config

    at = folder / "run"
    run = _put(at / "run.json", json.dumps(RUN, indent=1))
    card = _put(folder / "reply.json", json.dumps(CARD, indent=1))
    vector = _put(folder / "reply.safetensors", b"")
    weights = _put(at / ADAPTER / "adapter_model.safetensors", b"")
    sound = {**TRAINING, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    training = _put(at / ADAPTER / "training.json", json.dumps(sound, indent=1))
    tasks = _put(at / "capabilities.json", json.dumps([CAPABILITY], indent=1))
    lock = _put(folder / "claims.lock.json", json.dumps(LOCK, indent=1))
    beside = _put(folder / "locked" / "claims.lock.json", json.dumps(LOCK, indent=1))
    calibration = _put(folder / "calibrated.json", json.dumps(sealed(CALIBRATION)))
    prompts = _put(folder / "prompts.json", json.dumps(sealed(PROMPTS)))
    config = _put(folder / "model" / "config.json", json.dumps({"hidden_size": 8, "num_hidden_layers": 2}))
    adapter = _put(folder / "adapter" / "adapter_config.json", json.dumps({"r": 8, "lora_alpha": 16}))
    none = Claims(folder / "none.yaml", ClaimFile.model_construct(claims=()), {})

    def reader(file: Path, read: Callable[[], object], kind: Any) -> Reader:
        return Reader(file=file, change=fuzz.changed_json, read=read, fits=fits(kind))

    return {
        "runs/run_record.py read_run": reader(run, lambda: read_run(at), RunRecord),
        "runs/vector_cards.py read_card": reader(card, lambda: read_card(vector), VectorCard),
        "runs/training_record.py read_training": reader(training, lambda: read_training(at), TrainingRecord),
        "runs/capabilities_file.py read_capabilities": reader(
            tasks, lambda: read_capabilities(at), list[CapabilityRow]
        ),
        "claims/locking.py read_lock": reader(lock, lambda: read_lock(lock), ClaimLock),
        "runs/prompt_card.py read_prompt_card": reader(prompts, lambda: read_prompt_card(prompts), PromptCard),
        "runs/calibration_record.py read_calibration": reader(
            calibration, lambda: read_calibration(calibration), CalibrationRecord
        ),
        "serving/loading.py read_adapter_config": reader(adapter, lambda: read_adapter_config(adapter.parent), Any),
        "models/folders.py read_config": reader(config, lambda: read_config(config.parent), dict),
        "claims/locking.py deviations": reader(beside, lambda: deviations(none, beside.parent), tuple[Deviation, ...]),
    }


def _rows(folder: Path) -> dict[str, Reader]:
    from harness.authoring import read_jsonl
    from harness.documents.records import sealed
    from harness.files import Journal, read_rows
    from harness.grading.given import GivenReply, read_given
    from harness.judging import Labels, read_labels
    from harness.runs import Check, Reply, Result, read_checks, read_in, read_observations, read_replies, read_results
    from harness.stats import Observation

    def lines(*rows: Any) -> str:
        return "".join(json.dumps(row) + "\n" for row in rows)

    at, seen = folder / "cell", folder / "seen"
    results = _put(at / "results.jsonl", lines(RESULT, {**RESULT, "value": None}, {**RESULT, "sample": 2}))
    observed = _put(seen / "results.jsonl", lines(RESULT, {**RESULT, "value": None}, {**RESULT, "sample": 2}))
    checks = _put(at / "checks.jsonl", lines(CHECK, CHECK))
    replies = _put(at / "replies.jsonl", lines(REPLY, {**REPLY, "sample": 2}))
    sheet = _put(folder / "sheet.jsonl", lines(LABEL, {**LABEL, "id": "r2", "label": None}))
    said = hashlib.sha256(b"Yes.").hexdigest()
    drawn = [{"id": name, "reply_sha256": said, "chance": 0.5, "said": 1.0} for name in ("r1", "r2")]
    _put(folder / "sheet.key.json", json.dumps(sealed({**DRAW, "replies": drawn})))
    given = _put(folder / "given.jsonl", lines(GIVEN, {"reply": ""}))
    rows = _put(folder / "rows.jsonl", lines(GIVEN, REPLY))
    data = _put(folder / "data.jsonl", lines(GIVEN, REPLY))
    said = {"outcome": "score", "score": 50.0, "mass": 1.0, "text": "50", "how": "samples"}
    journal = _put(folder / "journal.jsonl", lines(["a", said], ["b", {"text": "yes"}]))

    likely = _put(folder / "likely.jsonl", lines(["a", -0.5], ["b", -2]))

    def told() -> object:
        return [read_in(likely).get(key) for key in "ab"]

    def kept() -> object:
        return [Journal(journal, fits=lambda value: isinstance(value, dict)).get(key) for key in "ab"]

    def reader(file: Path, read: Callable[[], object], kind: Any) -> Reader:
        return Reader(file=file, change=fuzz.changed_rows, read=read, fits=fits(kind))

    observations = dict[tuple[str, str], list[Observation]]
    return {
        "runs/results.py read_results": reader(results, lambda: read_results(at), list[Result]),
        "runs/results.py read_observations": reader(observed, lambda: read_observations(seen, 0), observations),
        "runs/results.py read_checks": reader(checks, lambda: read_checks(at), list[Check]),
        "runs/replies.py read_replies": reader(replies, lambda: read_replies(at), list[Reply]),
        "judging/labels.py read_labels": reader(sheet, lambda: read_labels(sheet), Labels),
        "grading/given.py read_given": reader(given, lambda: read_given(given), list[GivenReply]),
        "files/json_lines.py read_rows": reader(rows, lambda: read_rows(rows), list[tuple[int, dict[str, Any]]]),
        "authoring/data.py read_jsonl": reader(data, lambda: read_jsonl(data), list[dict[str, Any]]),
        "runs/sharing.py read_in": reader(likely, told, list[float | None]),
        "files/journal.py Journal": reader(journal, kept, list[dict[str, Any] | None]),
    }


def _of_ones_own(folder: Path) -> dict[str, Reader]:
    """The file of a setting, and the rows that it names."""
    from harness.own import Own, load
    from harness.own.rows import Chat, read_chats, read_table

    setting = _put(folder / "own.yaml", SETTING)
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Arr"}]
    rows = [{"prompt": "Hi", "completion": "Arr", "level": 3}, {"conversations": turns, "tags": {"a": "b"}}]
    chats = _put(folder / "chats.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    table = _put(folder / "table.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    yaml = fuzz.changed_yaml

    def is_own(made: object) -> bool:
        return isinstance(made, Own)

    def reader(file: Path, read: Callable[[], object], kind: Any) -> Reader:
        return Reader(file=file, change=fuzz.changed_rows, read=read, fits=fits(kind))

    return {
        "own/settings.py load": Reader(file=setting, change=yaml, read=lambda: load(setting, {}), fits=is_own),
        "own/rows.py read_chats": reader(chats, lambda: read_chats(chats, {}), list[Chat]),
        "own/rows.py read_table": reader(table, lambda: read_table(table), list[tuple[int, dict[str, Any]]]),
    }


def _others(folder: Path) -> dict[str, Reader]:
    import torch
    from safetensors.torch import save_file

    from harness.evaluation.logs import read_log, read_replies_of
    from harness.files import file_sha256, opened_tensors
    from harness.runs import Reply
    from harness.vectors import load_vector
    from harness.vectors.published import read_published

    rows = {"vector": torch.ones(3, 4), "rms": torch.ones(3)}
    vector, tensors = folder / "v.safetensors", folder / "t.safetensors"
    save_file(rows, vector)
    save_file(rows, tensors)
    published = folder / "published.pt"
    torch.save(torch.ones(4, 8), published)
    log, whole = _log(folder / "log.eval"), _log(folder / "whole.eval")

    def loaded() -> object:
        # A card that vouches for the file as it is, so that the file itself is looked at.
        small_enough = vector.is_file() and vector.stat().st_size < 1 << 20
        card = {**CARD, "sha256": file_sha256(vector) if small_enough else ""}
        vector.with_suffix(".json").write_text(json.dumps(card))
        made = load_vector(vector)
        return bool(made.value.isfinite().all()) and made.value.ndim == 2

    def opened() -> object:
        with opened_tensors(tensors, otherwise="none", advice="look") as stored:
            return [stored.get_tensor(name).shape for name in stored.keys()]  # noqa: SIM118

    def import_() -> object:
        rows = read_published(published).rows
        return bool(rows) and all(row.ndim == 1 and bool(row.isfinite().all()) for row in rows.values())

    return {
        "vectors/stored.py load_vector": Reader(
            file=vector, change=fuzz.changed_tensors, read=loaded, fits=lambda found: found is True
        ),
        "files/tensors.py opened_tensors": Reader(
            file=tensors, change=fuzz.changed_tensors, read=opened, fits=fits(list)
        ),
        "vectors/published.py read_published": Reader(
            file=published, change=fuzz.changed_zip, read=import_, fits=lambda found: found is True
        ),
        "evaluation/logs.py read_replies_of": Reader(
            file=log, change=fuzz.changed_zip, read=lambda: read_replies_of(log), fits=fits(list[Reply])
        ),
        "evaluation/logs.py read_log": Reader(
            file=whole, change=fuzz.changed_zip, read=lambda: read_log(whole, header_only=True), fits=fits(object)
        ),
    }


def _log(file: Path) -> Path:
    """A log of the first old run that the repository keeps."""
    logs: Iterator[Path] = (Path(__file__).parent / "old_runs").rglob("*.eval")
    return _put(file, min(logs, key=lambda one: one.stat().st_size).read_bytes())
