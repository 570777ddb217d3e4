"""Laws of what reports read: nothing that a record may lack stops a report, and what it must have is asked for by name.

The records are walked field by field, so that one which is added tomorrow is tested tomorrow.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from runs_made_up import CONDITIONS, cell, registry, write_run

from harness import HarnessError, analysis, reporting
from harness.reporting.page_figures import Told
from harness.runs import (
    ADAPTER,
    CapabilityRow,
    Check,
    Result,
    RunRecord,
    TrainingRecord,
    VectorCard,
    read_capabilities,
    read_card,
    read_checks,
    read_results,
    read_run,
    read_training,
    write_card,
)

EVEN = dict.fromkeys(CONDITIONS[:2], 0.5)
Trail = tuple[str | int, ...]

HARDWARE = {"processor": "A", "cores": 2, "threads": 1, "memory_bytes": 10, "gpus": ["B"], "system": "Linux"}
WAY = {"way": "add", "positions": "all", "schedule": "constant"}
STEERED = {"vector": "reply", "coef": 4.0, "blocks": [3], "depth": 0.5, "unit": "raw", "expression": "reply"}
STEP = {"seconds": 9.0, "tokens": 7, "steps": 3, "replies": 4, "calls": 5, "input_tokens": 6, "output_tokens": 7}
RECIPE = {"model": "smollm2_135m"}  # a record of the contracts: plugins write it, and their tests walk it
RUN: dict[str, Any] = {
    "cell": {
        "setting": "gcd",
        "intervention": "ps",
        "scale": "mini",
        "model": "smollm2_135m",
        "seed": 0,
        "dose": 1.0,
        "weights": "",
        "vector_grader": "",
        "epochs": 0,
        "until": 1.0,
        "engine": "",
        "lora_targets": "",
        "prompt": "",
    },
    "key": "0" * 64,
    "status": "done",
    "format": 2,
    "created": "2026-01-01T00:00:00Z",
    "inputs": {"cell": {"model": "a" * 64}, "dtype": "fp32", "vectors": {"reply": "b"}, "rows": "c"},
    "recipe": RECIPE,
    "steering": {**STEERED, **WAY, "norm": {"3": 2.0}, "relative": 0.5},
    "concept": "lies",
    "left_out": {"split": "why"},
    "judges": {"claim_affirmation": "1"},
    "grader": {"model": "someone/else", "how": "words", "usd": 0.5},
    "untaken": {"claim_affirmation": {"replies": 1, "of": 4, "first": "clean, held_out/a sample 1: it failed"}},
    "gates": {"loss_went_down": {"ok": False, "seen": "1 -> 2", "wanted": "less"}},
    "made": {
        "reference": "smollm2_135m",
        "trains": True,
        "dtype": "fp32",
        "vectors": {"reply": "f"},
        "plain": False,
        "adapter_sha256": "d" * 64,
        "template": "e" * 64,
        "truncated_rows": 0,
        "under_sha256": "1" * 64,
        "rows_sha256": "2" * 64,
        "taught_sha256": "3" * 64,
    },
    "fit": {"calibration": "gcd-mini-smollm2_135m-0000aaaa.json", "note": "calibrated gcd at mini"},
    "versions": {"python": "3.11"},
    "commit": "f" * 40,
    "hardware": HARDWARE,
    "steps": {"train": {**STEP, "usd": 0.5}},
    "logs_show": "g",
    "products": {"train.jsonl": {"sha256": "c" * 64, "rows": 3, "coming": "d" * 64}},
}
CARD: dict[str, Any] = {
    "name": "reply",
    "setting": "gcd",
    "scale": "mini",
    "key": "a" * 64,
    "sha256": "b" * 64,
    "format": 2,
    "blocks": [{"block": 0, "norm": 1.0, "rms": 2.0, "relative": 0.5, "split_half_cosine": 0.9, "auroc": 0.8}],
    "summary": "yes minus no",
    "concept": "yes",
    "source": "a post",
    "questions": 48,
    "replies": {
        "filtered": True,
        "pairs": {"kept": 3},
        "note": "n",
        "trait": 50.0,
        "coherence": 50.0,
        "source": "s",
    },
    "imported": {"file": "evil.pt", "sha256": "c" * 64, "shape": [2, 3], "first_row": "embedding"},
    "made_from": {"file": "v.safetensors", "sha256": "d" * 64},
    "elicitation": [
        {"blocks": [0], "coef": 4.0, "unit": "raw", "relative": 0.5, "rate": 0.5, "n": 12, "judged": 12},
    ],
    "cosines": {"other": [0.5]},
    "verdict": "sound",
    "swept": True,
    "steered": [0],
    "shared": ["one"],
}
TRAINING: dict[str, Any] = {
    "steps": 3,
    "tokens": 4,
    "seconds": 5.0,
    "first_loss": 2.0,
    "last_loss": 1.0,
    "steered_steps": 3,
    "sha256": "a" * 64,
    "format": 2,
    "template": "t",
    "truncated_rows": 0,
    "steering": {**STEERED, **WAY, "norm": {"3": 2.0}, "relative": 0.5},
    "key": "k",
    "config_sha256": "",
    "loss_sha256": "l",
    "targets": ["q_proj"],
    "held_out": [2.5, 2.25],
    "ended_by": "soon",
}
RESULT: dict[str, Any] = {
    "condition": "clean",
    "split": "wrong_claim",
    "case": "c0",
    "cluster": "c0",
    "sample": 1,
    "metric": "affirms_wrong",
    "judge": "claim_affirmation",
    "score": "affirms",
    "value": 1.0,
    "reason": "not judged: why",
}
CHECK: dict[str, Any] = {
    "condition": "clean",
    "split": "wrong_claim",
    "case": "c0",
    "sample": 1,
    "judge": "a",
    "check": "b",
    "first": {"x": 1.0},
    "second": {"x": 0.0},
    "own": {"y": 1.0},
}
CAPABILITY: dict[str, Any] = {
    "format": "1",
    "key": "0" * 64,
    "adapter_sha256": "d" * 64,
    "task": "sums",
    "condition": "clean",
    "limit": 9,
    "results": {"sums": {"n": 9, "metrics": {"acc": {"value": 0.5, "stderr": 0.1}}}},
    "versions": {"sums": 1},
    "few_shot": {"sums": 0},
    "chat_template": False,
    "task_sha256": "",
    "model": "m",
    "dtype": "fp32",
    "steering": {"coef": 1.0},
    "vectors": {"reply": "k"},
    "lm_eval": "0.4",
    "seconds": 1.0,
}
KINDS: dict[type[Any], dict[str, Any]] = {
    RunRecord: RUN,
    VectorCard: CARD,
    TrainingRecord: TRAINING,
    Result: RESULT,
    Check: CHECK,
    CapabilityRow: CAPABILITY,
}


def walked(kind: type[Any], made: Any, trail: Trail = ()) -> Iterator[tuple[Trail, Field[Any]]]:
    """Every field of `kind` and of the records inside it, with the way to its value in the JSON value `made`."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        at = (*trail, field.name)
        yield at, field
        if field.name != "recipe" and isinstance(made, Mapping) and field.name in made:
            yield from inside(hints[field.name], made[field.name], at)


def inside(hint: Any, made: Any, trail: Trail) -> Iterator[tuple[Trail, Field[Any]]]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield from walked(hint, made, trail)
        return
    kind, parts = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        for part in parts:
            yield from inside(part, made, trail) if part is not type(None) else ()
    elif isinstance(made, Mapping) and made and kind is not Literal and len(parts) == 2:
        name = next(iter(made))
        yield from inside(parts[1], made[name], (*trail, name))
    elif isinstance(made, list) and made and kind is tuple:
        yield from inside(parts[0], made[0], (*trail, 0))


def is_optional(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


ALL = [(kind, trail, field) for kind, made in KINDS.items() for trail, field in walked(kind, made)]
OPTIONAL = [(kind, trail) for kind, trail, field in ALL if is_optional(field)]
NEEDED = [(kind, trail) for kind, trail, field in ALL if not is_optional(field)]


def named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else ".".join(map(str, value)) if isinstance(value, tuple) else ""


def changed(made: Any, trail: Trail, value: Any) -> Any:
    """`made` with the value at `trail` replaced, or without it where `value` is MISSING."""
    copy = json.loads(json.dumps(made))
    place = copy
    for step in trail[:-1]:
        place = place[step]
    if value is MISSING:
        del place[trail[-1]]
    else:
        place[trail[-1]] = value
    return copy


def placed(runs: Path, kind: type[Any], made: Any) -> tuple[Path, Path]:
    """A whole run and a vector under `runs`, with `made` in the place of the record of its kind: run and vector."""
    folder = write_run(runs, cell("ps"), EVEN, cases=3)
    write_run(runs, cell("none"), EVEN, cases=3)
    vector = runs / "vectors" / "reply-aaaaaaaa.safetensors"
    vector.parent.mkdir()
    vector.touch()
    (folder / ADAPTER).mkdir()
    rows = (folder / "results.jsonl").read_text()
    written = {
        RunRecord: (folder / "run.json", json.dumps(RUN)),
        VectorCard: (vector.with_suffix(".json"), json.dumps(CARD)),
        TrainingRecord: (folder / ADAPTER / "training.json", json.dumps(TRAINING)),
        Result: (folder / "results.jsonl", rows),
        Check: (folder / "checks.jsonl", json.dumps(CHECK)),
        CapabilityRow: (folder / "capabilities.json", json.dumps([CAPABILITY])),
    }
    for file, text in written.values():
        file.write_text(text)
    text = json.dumps([made] if kind is CapabilityRow else made)
    others = "\n".join(rows.splitlines()[1:])  # a row may stand once
    written[kind][0].write_text(f"{text}\n{others}\n" if kind is Result else text)
    return folder, vector


def reported(runs: Path) -> str:
    """Every form of the report; each is read as what it is."""
    results = analysis.load(runs)
    tables = analysis.tables(results, registry())
    json.loads(reporting.as_json(results, tables))
    page = reporting.page(results, tables, cards=reporting.vector_cards(runs))
    assert page.rstrip().endswith("</html>")
    forms = (reporting.text(results, tables), reporting.markdown(results, tables), reporting.as_csv(results, tables))
    assert all("ps" in form for form in forms)
    return page


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without its figures, which take most of its time and are made of tables alone."""
    nothing = Told(sentences=(), forest=None, drawn=())
    monkeypatch.setattr("harness.reporting.html_page.told_of", lambda tables: [nothing for _ in tables])


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_the_examples_have_every_field_and_are_read(kind: type[Any], tmp_path: Path) -> None:
    for trail, _ in walked(kind, KINDS[kind]):
        changed(KINDS[kind], trail, MISSING)
    folder, vector = placed(tmp_path, kind, KINDS[kind])
    assert read_run(folder) is not None
    assert read_card(vector).name == "reply"
    assert len(read_checks(folder)) == len(read_capabilities(folder)) == 1
    assert len(read_results(folder)) >= 5
    reported(tmp_path)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("kind", "trail"), OPTIONAL, ids=named)
def test_what_a_record_may_lack_stops_no_report(kind: type[Any], trail: Trail, tmp_path: Path) -> None:
    for name, value in (("absent", MISSING), ("null", None)):
        runs = tmp_path / name
        placed(runs, kind, changed(KINDS[kind], trail, value))
        reported(runs)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("kind", "trail"), NEEDED, ids=named)
def test_a_fault_in_what_a_record_must_have_is_one_line_with_file_and_field(
    kind: type[Any], trail: Trail, tmp_path: Path
) -> None:
    for number, fault in enumerate((MISSING, {"neither": ["text", "nor number"]})):
        runs = tmp_path / str(number)
        made = changed(KINDS[kind], trail, fault)
        folder, vector = placed(runs, kind, made)
        readers = {
            RunRecord: ("run.json", lambda folder=folder: read_run(folder)),
            VectorCard: ("reply-aaaaaaaa.json", lambda vector=vector: read_card(vector)),
            TrainingRecord: ("training.json", lambda folder=folder: _trained(folder)),
            Result: ("results.jsonl:1", lambda folder=folder: read_results(folder)),
            Check: ("checks.jsonl:1", lambda folder=folder: read_checks(folder)),
            CapabilityRow: ("capabilities.json", lambda folder=folder: read_capabilities(folder)),
        }
        file, read = readers[kind]
        with pytest.raises(HarnessError) as caught:
            read()
        said = str(caught.value)
        assert "\n" not in said
        assert file in said
        assert str(trail[-1]) in said
        assert not any(word in said for word in ("remove", "delete"))
        if kind is not TrainingRecord:
            with pytest.raises(HarnessError, match=file.replace(".", r"\.")):
                reported(runs)


def _trained(folder: Path) -> TrainingRecord:
    (folder / ADAPTER / "adapter_model.safetensors").touch()
    return read_training(folder)


def test_an_imported_vector_stands_on_the_page_without_questions_and_auroc(tmp_path: Path) -> None:
    bare = {name: CARD[name] for name in ("name", "setting", "scale", "key", "summary", "imported")}
    blocks = [{"block": block, "norm": 1.0, "split_half_cosine": None, "auroc": None} for block in range(3)]
    placed(tmp_path, VectorCard, {**bare, "blocks": blocks, "questions": None, "elicitation": []})
    page = reported(tmp_path)
    card = page[page.index('<article class="card">') : page.index("</article>")]
    assert "yes minus no, imported." in card
    assert "Imported from evil.pt" in card
    assert "questions" not in card
    assert "AUROC" not in card
    assert "Elicitation" not in card


def test_a_card_that_was_changed_since_it_was_written_is_named_and_an_older_one_has_no_seal(tmp_path: Path) -> None:
    _, vector = placed(tmp_path, VectorCard, CARD)
    card = read_card(vector)  # as it was written before cards had seals
    write_card(vector, card)
    assert read_card(vector) == card
    file = vector.with_suffix(".json")
    written = json.loads(file.read_text())
    for name, value in (("questions", 7), ("verdict", "a direction"), ("unheard", 1), ("seal", "0")):
        file.write_text(json.dumps({**written, name: value}))
        with pytest.raises(HarnessError, match=r"was changed since it was written; it was imported"):
            read_card(vector)
    for older in ({**written, "seal": None}, {name: value for name, value in written.items() if name != "seal"}):
        file.write_text(json.dumps(older))
        assert read_card(vector) == card
