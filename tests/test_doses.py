"""Laws of dose curves: where half of the effect is, what is too much, and figures that are the same every time."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs_made_up import cell, registry, write_run

from harness import HarnessError, Setting, analysis, reporting
from harness.analysis import DoseSweep
from harness.analysis.half_doses import half_effect, half_interval
from harness.registry import Registry
from harness.stats import Observation

SPANISH = [(0.0, 0.3296), (0.2, 0.1733), (0.4, 0.0894), (0.6, 0.0635), (0.8, 0.0517), (1.0, 0.0429)]
NEGATED = [(0.0, 0.2940), (0.2, 0.4236), (0.4, 0.5628), (0.6, 0.6687), (0.8, 0.7682), (1.0, 0.8199)]


@pytest.mark.parametrize(
    ("means", "half"),
    [
        # Published shares of Spanish: half of 0.3296 is 0.1648, and 0.2 x 0.0085 / 0.0839 past 0.2.
        (SPANISH, 0.2 + 0.2 * (0.1733 - 0.1648) / (0.1733 - 0.0894)),
        # Upwards, halfway from 0.2940 to 1 is 0.6470.
        (NEGATED, 0.4 + 0.2 * (0.6470 - 0.5628) / (0.6687 - 0.5628)),
        ([(0.0, 0.8), (1.0, 0.4)], 1.0),
        ([(0.0, 0.8), (1.0, 0.41)], None),
        ([(0.0, 0.5), (1.0, 0.5)], None),
        ([(0.0, 0.0), (1.0, 0.0)], None),
        ([(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)], 0.25),
        ([(0.5, 0.8), (1.5, 0.0)], 1.0),
    ],
)
def test_half_effect_is_halfway_to_the_end_that_the_curve_goes_to(
    means: list[tuple[float, float]], half: float
) -> None:
    assert half_effect(means) == (None if half is None else pytest.approx(half))


def drawn(dose: float, share: float, *, seeds: int = 4, drift: float = 0.03) -> tuple[float, list[Observation]]:
    rng = np.random.default_rng([int(100 * dose), seeds])
    shares = np.clip(share + drift * rng.normal(size=seeds), 0, 1)
    hits = rng.random((100, seeds)) < shares
    return dose, [Observation(f"c{g:03}", s, float(hits[g, s])) for g, s in np.ndindex(hits.shape)]


def test_the_interval_of_a_half_dose_holds_it_and_is_within_the_doses_run() -> None:
    rows = [drawn(dose, 0.9 * (1 - dose)) for dose in (0.0, 0.25, 0.5, 0.75, 1.0)]
    ends = half_interval(rows, 0.5)
    assert ends is not None
    assert 0.25 <= ends[0] < 0.5 < ends[1] <= 0.75


def test_a_half_dose_that_the_data_do_not_place_has_no_interval() -> None:
    """From 0.9 to 0.43 of 100 replies at 4 seeds: half of the first is 0.45, and the curve may never get there."""
    assert half_interval([drawn(0.0, 0.9), drawn(0.5, 0.6), drawn(1.0, 0.43)], 0.95) is None
    assert half_interval([drawn(0.0, 0.9, seeds=2, drift=0.2), drawn(1.0, 0.2, seeds=2, drift=0.2)], 0.6) is None


def test_the_interval_of_a_half_dose_holds_the_truth_about_as_often_as_it_says() -> None:
    """A straight line from 0.8 to 0 has its half at 0.5; seeds shift all of a model's shares."""
    rng, held, given = np.random.default_rng(3), 0, 0
    for _ in range(150):
        rows = []
        for dose in (0.0, 0.25, 0.5, 0.75, 1.0):
            shares = np.clip(0.8 * (1 - dose) + 0.05 * rng.normal(size=5), 0, 1)
            hits = rng.random((60, 5)) < shares
            rows.append((dose, [Observation(f"c{g}", s, float(hits[g, s])) for g, s in np.ndindex(hits.shape)]))
        ends = half_interval(rows, 0.5)
        if ends is not None:
            given += 1
            held += ends[0] <= 0.5 <= ends[1]
    assert given > 100
    assert held / given >= 0.93


def world(**changes: object) -> Registry:
    """The made-up world with a metric to keep and the share of a third language."""
    found = registry()
    gcd = found.settings["gcd"]
    (trait,) = gcd.metrics
    keep = replace(trait, name="solves", goal="keep")
    other = replace(trait, name="english")
    setting: Setting = replace(gcd, metrics=(trait, keep, other), **changes)  # type: ignore[arg-type]
    return replace(found, settings={"gcd": setting})


def swept(runs: Path, found: Registry | None = None) -> tuple[DoseSweep, ...]:
    (table,) = analysis.tables(analysis.load(runs), found or world())
    return table.sweeps


def steer(coef: float, unit: str = "raw") -> dict[str, object]:
    return {"steering": {"vector": "v", "coef": coef, "unit": unit}}


def write_doses(runs: Path, arm: str = "ps", *, sign: float = 1.0, unit: str = "raw") -> Path:
    """Two seeds at doses 0, 0.5 and 1 of 4 (0.8 RMS): the trait falls, at dose 1 the skill falls and English rises."""
    for seed, shift in ((0, -0.025), (1, 0.025)):
        for dose, trait, solves, english in ((0.0, 0.8, 0.9, 0.1), (0.5, 0.4, 0.9, 0.1), (1.0, 0.1, 0.2, 0.8)):
            others = {"solves": {"clean": solves}, "english": {"clean": english}}
            made = cell(arm, seed=seed, dose=dose)
            inputs, relative = steer(sign * 4 * dose, unit), 0.8 * dose
            write_run(runs, made, {"clean": trait + shift}, inputs=inputs, relative=relative, others=others)
    return runs


def test_a_curve_has_every_dose_with_its_seeds_and_its_coefficient_in_both_units(tmp_path: Path) -> None:
    (sweep,) = swept(write_doses(tmp_path))
    assert (sweep.label, sweep.axis, sweep.coef, sweep.relative) == ("ps", "raw", 4.0, 0.8)
    assert [curve.metric for curve in sweep.curves] == ["affirms_wrong", "solves", "english"]
    points = sweep.curves[0].points
    assert [point.dose for point in points] == [0.0, 0.5, 1.0]
    assert [point.estimate.mean for point in points] == pytest.approx([0.8, 0.4, 0.1])
    assert points[1].seeds == pytest.approx({0: 0.375, 1: 0.425})
    assert sweep.curves[0].half == pytest.approx(0.5)


def test_a_negative_form_has_negative_coefficients(tmp_path: Path) -> None:
    (sweep,) = swept(write_doses(tmp_path, "neg_ps", sign=-1.0))
    assert (sweep.coef, sweep.relative) == (-4.0, 0.8)


def test_too_much_is_the_first_dose_whose_interval_is_apart_on_the_bad_side(tmp_path: Path) -> None:
    (sweep,) = swept(write_doses(tmp_path))
    assert sweep.overdose == 1.0
    assert [(one.metric, one.before, one.after) for one in sweep.signals] == [("solves", 0.9, 0.2)]


def test_the_setting_says_which_metrics_tell_that_it_is_too_much(tmp_path: Path) -> None:
    write_doses(tmp_path)
    (sweep,) = swept(tmp_path, world(overdose=("english",)))
    assert [(one.metric, one.before, one.after) for one in sweep.signals] == [("english", 0.1, 0.8)]
    (sweep,) = swept(tmp_path, world(overdose=("affirms_wrong",)))
    assert sweep.overdose is None  # it falls, and only a rise would be bad


def test_replies_that_cannot_be_judged_are_too_much_by_themselves(tmp_path: Path) -> None:
    for dose, unjudged in ((0.25, 0), (0.5, 1), (1.0, 20)):
        write_run(tmp_path, cell("ps", dose=dose), {"clean": 0.5}, inputs=steer(dose), unjudged=unjudged)
    (sweep,) = swept(tmp_path)
    assert (sweep.overdose, [one.metric for one in sweep.signals]) == (1.0, ["not judged"])


def test_plain_training_stands_for_a_dose_of_0_that_was_not_run(tmp_path: Path) -> None:
    for dose in (0.5, 1.0):
        write_run(tmp_path, cell("ip", dose=dose), {"clean": 1 - dose})
    assert [point.dose for point in swept(tmp_path)[0].curves[0].points] == [0.5, 1.0]
    write_run(tmp_path, cell("none"), {"clean": 0.9})
    (sweep,) = swept(tmp_path)
    assert [point.dose for point in sweep.curves[0].points] == [0.0, 0.5, 1.0]
    assert (sweep.zero, sweep.axis, sweep.coef, sweep.relative) == ("none", "rows", 1.0, None)


def test_an_arm_at_one_dose_has_no_curve_and_each_balance_has_its_own(tmp_path: Path) -> None:
    write_run(tmp_path, cell("none"), {"clean": 0.9})
    write_run(tmp_path, cell("ps"), {"clean": 0.1})
    assert swept(tmp_path) == ()
    for weights in ("a=1", "b=1"):
        for dose in (0.5, 1.0):
            write_run(tmp_path, cell("comp_ps", weights=weights, dose=dose), {"clean": 0.3}, inputs=steer(dose))
    assert [one.label for one in swept(tmp_path)] == ["comp_ps a=1", "comp_ps b=1"]


def test_every_form_of_the_report_has_the_dose_of_half_effect_in_every_unit(tmp_path: Path) -> None:
    results = analysis.load(write_doses(tmp_path))
    tables = analysis.tables(results, world())
    row = ["ps", "affirms_wrong", "0.8 at 0 -> 0.1 at 1", "0.5 [0.27, 0.81]", "2", "0.4"]
    page, table = reporting.text(results, tables), reporting.markdown(results, tables)
    assert f"| {' | '.join(row)} |" in table
    assert " ".join(row) in " ".join(page.split())
    for one in (page, table):
        assert "ps: too much from dose 1: solves 0.9 -> 0.2" in one
    record = json.loads(reporting.as_json(results, tables))["tables"][0]["doses"][0]
    assert record["curves"][0]["half"] == pytest.approx(0.5)
    assert record["overdose"] == 1.0


def test_a_coefficient_in_residual_rms_is_shown_as_such(tmp_path: Path) -> None:
    results = analysis.load(write_doses(tmp_path, unit="rms"))
    assert "| 0.5 [0.27, 0.81] | 2 rms | 0.4 |" in reporting.markdown(results, analysis.tables(results, world()))


def test_figures_and_numbers_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_doses(tmp_path / "runs")
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); from test_doses import world; "
        "from harness import analysis, reporting; shown = analysis.tables(analysis.load(Path(sys.argv[2])), world()); "
        "reporting.draw(shown, Path(sys.argv[3]))"
    )
    here = str(Path(__file__).parent)
    drawn = []
    for name in ("first", "second"):
        target = tmp_path / name
        subprocess.run([sys.executable, "-c", code, here, str(tmp_path / "runs"), str(target)], check=True)
        drawn.append({file.name: file.read_bytes() for file in sorted(target.iterdir())})
    assert drawn[0] == drawn[1]
    shown = [f"gcd-mini-smollm2_135m-{what}.{form}" for what in ("conditions", "ps") for form in ("csv", "png", "svg")]
    assert list(drawn[0]) == shown
    assert drawn[0]["gcd-mini-smollm2_135m-ps.png"].startswith(b"\x89PNG")
    rows = list(csv.DictReader(drawn[0]["gcd-mini-smollm2_135m-ps.csv"].decode().splitlines()))
    assert len(rows) == 9
    middle = rows[1]
    assert [middle[name] for name in ("metric", "dose", "coefficient", "relative", "mean", "n", "by_seed")] == [
        *("affirms_wrong", "0.5", "2", "0.4", "0.4", "80", "0:0.375 1:0.425")
    ]


def test_an_overdose_metric_that_the_setting_has_not_is_named() -> None:
    found = world(overdose=("englich",))
    with pytest.raises(
        HarnessError, match="setting 'gcd', overdose: no metric named 'englich'; did you mean 'english'"
    ):
        found.setting("gcd")
