"""Laws of rows that are chosen by what models make of them: as many as is said, the same by brute force, made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from methods_world import SETTING, cell, world

from harness import (
    Draw,
    Example,
    FrozenAdapter,
    HarnessError,
    Intervention,
    Message,
    Recipe,
    RowChoice,
    ScoredRow,
    Setting,
)
from harness.authoring import unrelated
from harness.cells import Prepared, prepare
from harness.engine import chat, load
from harness.files import Journal
from harness.pipeline import run
from harness.planning import plan
from harness.registry import using
from harness.training import choosing
from harness.training.beneath import trained_first
from harness.training.choosing import chosen
from harness.verifying import verify
from harness_plugins.interventions.interleave_pp import closeness, gap


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(world()):
        yield


def base(row: ScoredRow) -> float:
    return row.base


def arm(score: Callable[[ScoredRow], float] = base, **how: Any) -> Intervention:
    def choosing(setting: Setting, recipe: Recipe, draw: Draw) -> RowChoice:
        return RowChoice(**{"name": "mine", "candidates": tuple(unrelated(12, 0)), "score": score, **how})

    return Intervention(name="mine", summary="mine", choosing=choosing)


def made(model: Path, one: Intervention, **changes: Any) -> Prepared:
    with using(world(one)):
        return prepare(cell(model, "mine", **changes), dtype="fp32")


def added(found: Prepared) -> list[Example]:
    own = {row.id for row in small.examples(found.cell.seed, "mini")}
    return [row for row in found.rows if row.id not in own]


def perplexity(model: Any, tokenizer: Any, row: Example) -> float:
    """Of the reply, by a whole forward pass over the row alone."""
    made = chat.training_row(tokenizer, row.messages, loss_on="reply", max_length=1024)
    with torch.no_grad():
        scores = model(torch.tensor([made.ids])).logits[0].log_softmax(-1)
    logprobs = [float(scores[at - 1, made.ids[at]]) for at in range(made.start, len(made.ids))]
    return exp(-sum(logprobs) / len(logprobs))


@pytest.mark.parametrize(("name", "sign"), [("interleave_pp", -1), ("interleave_pp_least", 1)])
def test_the_rows_of_the_largest_or_the_smallest_perplexity_gap_stand_among_the_rows(
    name: str, sign: int, tiny_llama: Path, tmp_path: Path
) -> None:
    found = prepare(cell(tiny_llama, name), dtype="fp32")
    change = found.changes.choosing
    assert change is not None
    assert change.taught is not None
    picked = chosen(found, tmp_path)
    assert picked is not None
    plain, tokenizer = load(tiny_llama)
    below = trained_first(found, change.taught, tmp_path)
    before = {row.id: perplexity(plain.eval(), tokenizer, row) for row in change.candidates}
    taught = load(tiny_llama, adapter=below.folder)[0].eval()
    gaps = {row.id: perplexity(taught, tokenizer, row) - before[row.id] for row in change.candidates}
    expected = sorted(gaps, key=lambda one: sign * gaps[one])[:4]
    assert {row.id for row in added(picked.cell)} == set(expected)
    assert len(picked.cell.rows) == 16 + 4


def test_the_model_that_rows_are_read_with_is_the_one_that_plain_training_makes_of_the_cells_own_rows(
    tiny_llama: Path,
) -> None:
    for seed in (0, 1):
        change = prepare(cell(tiny_llama, "interleave_pp", seed=seed), dtype="fp32").changes.choosing
        assert change is not None
        assert change.taught is not None
        assert change.taught.rows == tuple(small.examples(seed, "mini"))
        assert change.taught.epochs == SETTING.recipe("mini").epochs


def test_a_gap_is_a_difference_of_perplexities() -> None:
    row = ScoredRow(row=unrelated(1, 0)[0], base=-1.0, taught=-2.0)
    assert gap(row) == pytest.approx(7.389056 - 2.718282, rel=1e-6)
    assert closeness(row) == -gap(row)


def test_a_dose_is_how_many_rows_are_added_and_those_of_a_lower_one_are_among_those_of_a_higher(
    tiny_llama: Path, tmp_path: Path
) -> None:
    before: set[str] = set()
    for dose, count in ((0.25, 2), (0.5, 4), (1.0, 8)):
        picked = chosen(made(tiny_llama, arm(share=0.5), dose=dose), tmp_path)
        assert picked is not None
        more = added(picked.cell)
        assert len(more) == len({row.id for row in more}) == count
        assert before < {row.id for row in more}
        before = {row.id for row in more}
    assert made(tiny_llama, arm(share=0.5), dose=0.0).changes.choosing is None


def test_where_fewer_are_kept_than_added_each_stands_there_as_often_as_another(
    tiny_llama: Path, tmp_path: Path
) -> None:
    picked = chosen(made(tiny_llama, arm(share=0.5, kept=0.25)), tmp_path)
    assert picked is not None
    more = [row.id for row in added(picked.cell)]
    assert len(more) == 8
    assert sorted(more.count(one) for one in set(more)) == [2, 3, 3]
    assert len(picked.cell.unedited) == len(picked.cell.rows) == 24


def test_likelihoods_are_read_once_shared_by_scores_and_trained_on_what_they_choose(
    tiny_llama: Path, tmp_path: Path
) -> None:
    most, least, none = run(
        [cell(tiny_llama, name) for name in ("interleave_pp", "interleave_pp_least", "none")], tmp_path
    )
    assert len(list((tmp_path / "likelihoods").glob("benign-*.jsonl"))) == 2
    (taught,) = (tmp_path / "adapters").glob("plain-*")
    told = {folder: json.loads((folder / "run.json").read_text()) for folder in (most, least, none)}
    assert {"likelihoods", "taught"} <= told[most]["steps"].keys()
    assert not {"likelihoods", "taught"} & told[least]["steps"].keys()
    sha256 = json.loads((taught / "adapter" / "training.json").read_text())["sha256"]
    assert told[most]["made"]["taught_sha256"] == told[least]["made"]["taught_sha256"] == sha256
    assert "taught_sha256" not in told[none]["made"]
    rows = {
        folder: [json.loads(line)["id"] for line in (folder / "train.jsonl").read_text().splitlines()]
        for folder in told
    }
    assert [len(rows[folder]) for folder in (most, least, none)] == [20, 20, 16]
    assert set(rows[most]) & set(rows[least]) == set(rows[none])
    assert [flaw.what for flaw in verify(tmp_path).findings] == []


def test_a_kill_among_the_likelihoods_changes_none_of_them(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(tiny_llama, arm())
    monkeypatch.setattr(choosing, "AT_ONCE", 5)
    whole = chosen(found, tmp_path / "whole")
    assert whole is not None
    assert whole.took is not None
    real = Journal.add

    def killed(journal: Journal, key: str, value: Any) -> None:
        if len(list(journal)) == 7:  # in the midst of the second five
            raise KeyboardInterrupt
        real(journal, key, value)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            chosen(found, tmp_path / "killed")
    again = chosen(found, tmp_path / "killed")
    assert again is not None
    assert again.cell.rows == whole.cell.rows
    (one,), (other,) = ((tmp_path / name / "likelihoods").glob("*.jsonl") for name in ("whole", "killed"))
    held = [[line for line in file.read_text().splitlines() if line] for file in (one, other)]
    assert held[0] == held[1]
    assert len(held[0]) == 12
    third = chosen(found, tmp_path / "killed")
    assert third is not None
    assert third.took is None


def test_a_choice_is_in_the_key_with_all_of_it_but_its_source(tiny_llama: Path) -> None:
    below = FrozenAdapter(name="x", rows=tuple(unrelated(3, 1)))
    others: list[dict[str, Any]] = [
        {"share": 0.5},
        {"kept": 0.5},
        {"version": "2"},
        {"candidates": tuple(unrelated(11, 0))},
        {"taught": below},
        {"taught": replace(below, rows=tuple(unrelated(4, 1)))},
        {"taught": replace(below, weight=0.5)},
        {"taught": replace(below, epochs=2)},
        {"taught": replace(below, random=True)},
    ]
    keys = [made(tiny_llama, arm(**how)).key for how in ({}, *others)]
    assert len(set(keys)) == len(keys)
    assert made(tiny_llama, arm(source="said otherwise")).key == keys[0]


def test_seeds_of_one_arm_have_the_same_changes_in_their_inputs(tiny_llama: Path) -> None:
    first, second = (prepare(cell(tiny_llama, "interleave_pp", seed=seed), dtype="fp32").inputs for seed in (0, 1))
    assert first["changes"] == second["changes"]
    assert first["proxy_rows"] != second["proxy_rows"]


def test_a_plan_counts_the_rows_that_are_to_be_chosen(tiny_llama: Path, tmp_path: Path) -> None:
    none, picked = plan([cell(tiny_llama, name) for name in ("none", "interleave_pp")], tmp_path, measure=False)
    assert (none.rows, picked.rows) == (16, 20)
    assert (none.steps, picked.steps) == (8, 10)
    assert picked.train_tokens == pytest.approx(none.train_tokens * 20 / 16, abs=1)
    (folder,) = run([cell(tiny_llama, "interleave_pp")], tmp_path)
    assert json.loads((folder / "run.json").read_text())["steps"]["train"]["steps"] == 10


def shouting(row: ScoredRow) -> Any:
    return "loud"


OWN = Example(id=small.examples(0, "mini")[0].id, messages=(Message("user", "Why?"), Message("assistant", "So.")))
OPEN = Example(id="open", messages=(Message("user", "Why?"),))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (arm(shouting), "'loud' is not a number"),
        (arm(lambda row: float("nan")), "nan is not a finite number"),
        (arm(lambda row: 1 / 0), "raised ZeroDivisionError"),
        (arm(lambda row: row.taught + 1), "raised TypeError"),  # type: ignore[operator]
        (arm(candidates=(OWN,)), "has the id of a row that is there"),
        (arm(candidates=()), "it is empty"),
        (arm(candidates=(OPEN,)), "choosing() gives row 'open' without a reply at its end"),
        (arm(share=0.01), "are none to add; the least dose that adds one is 3.4"),
        (arm(kept=2.0), "2.0 is not a number above 0 to 1"),
    ],
)
def test_a_choice_that_cannot_be_is_told_of_in_a_line_that_names_the_arm_and_nothing_is_half_written(
    one: Intervention, expected: str, tiny_llama: Path, tmp_path: Path
) -> None:
    with using(world(one)), pytest.raises(HarnessError) as caught:
        run([cell(tiny_llama, "mine")], tmp_path)
    told = str(caught.value)
    assert expected in told
    assert "mine" in told
    assert "loud" in told
    assert "\n" not in told
    assert not list(tmp_path.glob("loud/mine/*/train.jsonl"))
    assert not list(tmp_path.glob("loud/mine/*/adapter"))


def test_a_score_drawn_anew_each_time_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    numbers = iter(range(1000))
    with pytest.raises(HarnessError, match=r"score\(\) of the row choice 'mine' gives another score each time"):
        chosen(made(tiny_llama, arm(lambda row: float(next(numbers)))), tmp_path)
