"""What a report says of methods: prompts before and after, placebos, leaks by kind, the scorecard. On runs made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from runs_made_up import cell, registry, write_run

from harness import reporting
from harness.analysis import load, placebos_of, tables
from harness.models import resolve
from harness.reporting.numbers import known
from harness.reporting.page_figures import told_of
from harness.reporting.prompt_drawing import prompt_figure
from harness.runs import PromptCard, PromptGain, prompt_card_file, write_capabilities, write_prompt_card
from harness.runs.capabilities_file import CapabilityFigure, CapabilityResult, CapabilityRow

MODEL = resolve("smollm2_135m")
SEEDS = (0, 1, 2)
GAINS = {
    "ip": ("inoculation", -0.5, 0.3),
    "neg_ip": ("negative", -3.5, 0.8),
    "ip_irrelevant": ("irrelevant", -4.5, 0.9),
}


def inputs(**more: Any) -> dict[str, Any]:
    return {"cell": {"model": MODEL.digest}, **more}


def a_run(runs: Path, name: str, seed: int, rate: float, **more: Any) -> None:
    write_run(runs, cell(name, seed=seed), {"clean": rate}, inputs=inputs(**more), key=f"{seed}" * 64)


def card(runs: Path, seed: int, gains: Mapping[str, tuple[str, float, float]] = GAINS) -> None:
    told = tuple(
        PromptGain(name=prompt, text=prompt, placement="system", edited=f"{name} {seed}", rows=8, gain=gain + seed / 10)
        for name, (prompt, gain, _) in gains.items()
    )
    made = PromptCard(
        setting="gcd",
        scale="mini",
        model=MODEL.digest,
        reference="smollm2_135m",
        dtype="fp32",
        seed=seed,
        key="k" * 64,
        prompts=told,
    )
    write_prompt_card(prompt_card_file(runs, "gcd", "mini", MODEL, seed, made.key), made)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for seed in SEEDS:
        a_run(tmp_path, "none", seed, 0.95, rows=f"none {seed}")
        a_run(tmp_path, "ps", seed, 0.5, rows=f"ip {seed}", steering={"coef": 1.0})
        for name, (_, _, rate) in GAINS.items():
            a_run(tmp_path, name, seed, rate, rows=f"{name} {seed}")
    return tmp_path


def test_the_line_is_that_of_least_squares_and_its_interval_that_of_t(runs: Path) -> None:
    for seed in SEEDS:
        card(runs, seed)
    (table,) = tables(load(runs, key_of=lambda cell, dtype: None), registry())
    fit = table.prompts
    assert fit is not None
    assert {(one.arm, one.prompt) for one in fit.points} == {(name, prompt) for name, (prompt, *_) in GAINS.items()}
    gains, less = np.array([one.gain for one in fit.points]), np.array([one.suppression for one in fit.points])
    assert sorted(gains) == pytest.approx(sorted(gain + 0.1 for _, gain, _ in GAINS.values()))
    assert sorted(less) == pytest.approx(sorted(0.95 - rate for *_, rate in GAINS.values()))
    (slope, _), residuals, *_ = np.polyfit(gains, less, 1, full=True)
    assert fit.slope == pytest.approx(slope)
    assert fit.explained == pytest.approx(1 - residuals[0] / ((less - less.mean()) ** 2).sum())
    error = np.sqrt(residuals[0] / 1 / ((gains - gains.mean()) ** 2).sum())
    assert fit.high == pytest.approx(slope + 12.7062 * error, rel=1e-4)
    shown = reporting.text(load(runs, key_of=lambda cell, dtype: None), [table])
    assert "prompts before and after training" in shown
    assert f"a line through 3 arms: {100 * slope:+.1f} [" in shown


def test_the_page_draws_a_dot_for_each_arm_by_its_name_and_the_line(runs: Path) -> None:
    for seed in SEEDS:
        card(runs, seed)
    (table,) = tables(load(runs, key_of=lambda cell, dtype: None), registry())
    assert table.prompts is not None
    axes = prompt_figure(table.prompts).axes[0]
    assert {text.get_text() for text in axes.texts} == set(GAINS)
    (dots,) = [one for one in axes.collections if isinstance(one, PathCollection)]
    expected = [(gain + 0.1, 100 * (0.95 - rate)) for _, gain, rate in GAINS.values()]
    assert sorted(map(tuple, dots.get_offsets())) == pytest.approx(np.array(sorted(expected)))
    (line,) = axes.lines
    assert line.get_slope() == pytest.approx(100 * known(table.prompts.slope))
    gains, less = np.array(expected).T
    assert line.get_xy1() == pytest.approx((gains.mean(), less.mean()))
    captions = [one.caption for told in told_of([table]) for one in told.drawn]
    assert [one for one in captions if one.startswith("What each prompt gains before training")]


def test_seeds_without_a_card_and_rows_of_other_arms_do_not_count(runs: Path) -> None:
    card(runs, 1)
    (table,) = tables(load(runs, key_of=lambda cell, dtype: None), registry())
    assert table.prompts is not None
    assert {one.seeds for one in table.prompts.points} == {(1,)}
    assert "ps" not in {one.arm for one in table.prompts.points}


def test_through_two_arms_no_line_is_drawn(runs: Path) -> None:
    card(runs, 0, {name: GAINS[name] for name in ("ip", "neg_ip")})
    (table,) = tables(load(runs, key_of=lambda cell, dtype: None), registry())
    assert table.prompts is not None
    assert (len(table.prompts.points), table.prompts.slope, table.prompts.explained) == (2, None, None)


def test_without_a_card_there_is_no_such_section(runs: Path) -> None:
    (table,) = tables(load(runs, key_of=lambda cell, dtype: None), registry())
    assert table.prompts is None


PARTS = {
    "ip": {},
    "ip_irrelevant": {},
    "ps": {"steering": {"coef": 1.0}},
    "ps_random": {"steering": {"coef": 1.0}},
    "caft": {"steering": {"coef": 1.0, "way": "ablate"}},
    "caft_random": {"steering": {"coef": 1.0, "way": "ablate"}},
    "kl": {"changes": {"loss": {"weight": 1.0}}},
    "kl_benign": {"changes": {"loss": {"weight": 1.0}}},
    "kl_unrelated": {"changes": {"loss": {"weight": 1.0}}},
    "l2": {"changes": {"loss": {"weight": 1.0}}},
    "l2_unrelated": {"changes": {"loss": {"weight": 1.0}}},
    "interleave": {"changes": {"rows": "as a whole"}},
    "interleave_own": {"changes": {"rows": "as a whole"}},
    "ia": {"changes": {"adapter": {}}},
    "ia_random": {"changes": {"adapter": {}}},
    "freeze": {"changes": {"adapter": {"frozen": 0.5}}},
    "freeze_last": {"changes": {"adapter": {"frozen": 0.5}}},
}
WHOSE = {
    "ip": {"ip_irrelevant"},
    "caft": {"caft_random"},
    "kl": {"kl_unrelated"},
    "kl_benign": {"kl_unrelated"},
    "l2": {"l2_unrelated"},
    "interleave": {"interleave_own"},
    "ia": {"ia_random"},
    "freeze": {"freeze_last"},
}


def test_a_placebo_is_held_against_the_arms_that_change_what_it_changes(tmp_path: Path) -> None:
    from dataclasses import replace

    from harness.registry import installed

    known = replace(registry(), interventions=installed().interventions)
    for name, told in PARTS.items():
        a_run(tmp_path, name, 0, 0.5, **told)
    (table,) = tables(load(tmp_path, key_of=lambda cell, dtype: None), known)
    found = {arm.label: {one.label for one in placebos_of(arm, table.arms)} for arm in table.arms}
    assert {name: found[name] for name in WHOSE} == WHOSE


def test_leaks_are_averaged_by_the_kind_of_condition(tmp_path: Path) -> None:
    from dataclasses import replace

    from harness import Prompt
    from harness.analysis import matrix
    from harness.reporting import of_categories

    rates = {
        "base": {"clean": 0.1, "prompt:asked": 0.3, "prompt:inoculation": 0.2, "prompt:never": 0.1, "vector:v@1": 0.1},
        "none": {"clean": 0.8, "prompt:asked": 0.9, "prompt:inoculation": 0.9, "prompt:never": 0.8, "vector:v@1": 0.9},
        "ip": {"clean": 0.2, "prompt:asked": 0.6, "prompt:inoculation": 0.9, "prompt:never": 0.3, "vector:v@1": 0.6},
    }
    for name, told in rates.items():
        for seed in SEEDS if name != "base" else (0,):
            write_run(tmp_path, cell(name, seed=seed), told, inputs=inputs(), key=f"{seed}" * 64)
    known = registry()
    kinds = {"inoculation": "training", "asked": "trait", "never": None}
    prompts = {name: Prompt(text=name, placement="system", category=kind) for name, kind in kinds.items()}  # type: ignore[arg-type]
    known = replace(known, settings={"gcd": replace(known.settings["gcd"], prompts=prompts)})
    (table,) = tables(load(tmp_path, key_of=lambda cell, dtype: None), known)
    found = matrix(table)
    assert found is not None
    assert found.categories == {
        "training": ("prompt:inoculation",),
        "trait": ("prompt:asked",),
        "vector": ("vector:v@1",),
    }
    seen = {key: one.mean for key, one in found.by_category.items() if key[0] == "ip"}
    expected = {("ip", "training"): 0.6, ("ip", "trait"): 0.2, ("ip", "vector"): 0.4}
    assert seen == pytest.approx(expected)
    section = of_categories(found)
    assert section is not None
    assert section.head == ("arm", "training", "trait", "vector")
    assert section.lines[0] == "training: prompt:inoculation"


FULL = {"trait": 0.8, "skill": 1.0, "told": 0, "task": 0.9}
FAILING = {
    "kept": {"trait": 0.1},
    "trait": {},
    "narrow": {"trait": 0.1, "skill": 0.3},
    "benign": {"trait": 0.1, "task": 0.5},
    "coherent": {"trait": 0.1, "told": 30},
}


def measured(runs: Path, name: str, told: Mapping[str, float]) -> None:
    """Three seeds of an arm with these rates, unjudged replies and a capability."""
    for seed in SEEDS if name != "base" else (0,):
        folder = write_run(
            runs,
            cell(name, seed=seed),
            {"clean": told["trait"]},
            cases=60,
            unjudged=int(told["told"]),
            others={"solves": {"clean": told["skill"]}},
            inputs=inputs(),
            key=f"{seed}" * 64,
        )
        write_capability(folder, told["task"])


def write_capability(folder: Path, value: float) -> None:
    figure = CapabilityFigure(value=value, stderr=0.02)
    row = CapabilityRow(
        key=json.loads((folder / "run.json").read_text())["key"],
        task="harness_basics",
        condition="clean",
        results={"harness_basics": CapabilityResult(n=100, metrics={"acc": figure})},
    )
    write_capabilities(folder, [row])


@pytest.mark.parametrize("name", FAILING)
def test_each_criterion_can_fail_alone(name: str, tmp_path: Path) -> None:
    from dataclasses import replace

    from harness import Metric

    told = {**FULL, **FAILING[name]}
    for arm, rates in {"base": {**FULL, "trait": 0.0}, "none": FULL, "ip": told}.items():
        measured(tmp_path, arm, rates)
    known = registry()
    setting = known.settings["gcd"]
    skill = Metric(name="solves", judge="claim_affirmation", score="affirms", split="no_claim", goal="keep")
    known = replace(known, settings={"gcd": replace(setting, metrics=(*setting.metrics, skill))})
    (table,) = tables(load(tmp_path, key_of=lambda cell, dtype: None), known)
    (scores,) = table.scores
    marks = {
        "trait": scores.trait,
        "narrow": scores.narrow,
        "benign": scores.benign,
        "coherent": scores.coherent,
    }
    assert marks == {one: "no" if one == name else "yes" for one in marks}
    assert len(scores.why) == (0 if name == "kept" else 1)
    assert "scorecard" in reporting.text(load(tmp_path, key_of=lambda cell, dtype: None), [table])
