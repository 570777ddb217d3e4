"""Laws of published figures: they stand beside ours where setting, scale and arm match, and are copied rightly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from runs_made_up import cell, registry, write_run

from harness import Reference, analysis, reporting
from harness.analysis import Published
from harness.registry import Registry, installed

PAPER = "a paper, table 2"


def world(*references: Reference) -> Registry:
    found = registry()
    return replace(found, settings={"gcd": replace(found.settings["gcd"], reference=references)})


def figure(intervention: str, value: float, **changes: object) -> Reference:
    given = {"scale": "mini", "metric": "affirms_wrong", "n": 100, "source": PAPER, **changes}
    return Reference(intervention=intervention, value=value, **given)  # type: ignore[arg-type]


REFERENCES = (
    figure("none", 0.33, note="an early run"),
    figure("ps", 0.173, dose=0.2),
    figure("ps", 0.9, condition="prompt:inoculation"),
    figure("ps", 0.05, scale="paper"),
    figure("comp_ps", 0.5, weights="a=1,b=2"),
    figure("ip", 0.1),
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path, cell("none"), {"clean": 0.3})
    write_run(tmp_path, cell("ps"), {"clean": 0.1, "prompt:inoculation": 0.8})
    write_run(tmp_path, cell("ps", dose=0.2), {"clean": 0.2})
    write_run(tmp_path, cell("comp_ps", weights="a=1,b=2"), {"clean": 0.4})
    return tmp_path


def test_a_figure_stands_beside_ours_of_the_same_scale_arm_dose_weights_and_condition(runs: Path) -> None:
    (table,) = analysis.tables(analysis.load(runs), world(*REFERENCES))
    beside = {
        (one.arm, one.reference.condition): (one.reference.value, one.ours and one.ours.mean) for one in table.published
    }
    assert beside == {
        ("none", "clean"): (0.33, pytest.approx(0.3)),
        ("ps x0.2", "clean"): (0.173, pytest.approx(0.2)),
        ("ps", "prompt:inoculation"): (0.9, pytest.approx(0.8)),
        ("comp_ps a=1,b=2", "clean"): (0.5, pytest.approx(0.4)),
        ("ip", "clean"): (0.1, None),
    }
    assert all(isinstance(one, Published) for one in table.published)


def test_every_form_of_the_report_shows_figure_ours_source_and_note(runs: Path) -> None:
    results = analysis.load(runs)
    tables = analysis.tables(results, world(*REFERENCES))
    for page in (reporting.text(results, tables, width=140), reporting.markdown(results, tables)):
        assert "17.3, 20.0 [" in page
        assert f"none: {PAPER} (an early run)" in page
        assert f"ps x0.2, ps, comp_ps a=1,b=2: {PAPER}" in page
        assert "published for 1 arms that were not run here" in page
    record = json.loads(reporting.as_json(results, tables))["tables"][0]["published"]
    assert record[0]["reference"]["source"] == PAPER
    assert record[0]["ours"]["mean"] == pytest.approx(0.3)
    assert record[-1]["ours"] is None


def test_without_a_figure_of_ours_nothing_is_shown(runs: Path) -> None:
    results = analysis.load(runs)
    assert "published" not in reporting.text(results, analysis.tables(results, world(figure("ip", 0.1))))


def by_arm(setting: str, scale: str) -> dict[tuple[str, str, float], dict[str, float]]:
    arms: dict[tuple[str, str, float], dict[str, float]] = {}
    for one in installed().setting(setting).reference:
        if one.scale == scale:
            arms.setdefault((one.intervention, one.weights, one.dose), {})[one.metric] = one.value
    return arms


def test_every_published_arm_applies_to_its_setting() -> None:
    found = installed()
    for setting in found.settings.values():
        for one in setting.reference:
            arm = found.intervention(one.intervention)
            assert arm.applies(setting) is None
            assert not one.weights or arm.given is not None


def test_the_figures_of_two_languages_are_the_published_ones() -> None:
    """Each row was rounded to hundredths of a percent, so its three shares add up to 1 within that."""
    arms = by_arm("two_languages", "paper")
    assert len(arms) == 1 + 3 * 6
    for shares in arms.values():
        assert sum(shares.values()) == pytest.approx(1, abs=0.0002)
    assert arms["none", "", 1.0] == {"english": 0.0582, "spanish": 0.2920, "french": 0.6498}
    assert arms["ps", "", 0.6]["spanish"] == 0.0635
    assert arms["neg_ps", "", 1.0]["spanish"] == 0.8199
    assert arms["comp_ps", "french=1", 0.8] == {"english": 0.0824, "spanish": 0.8656, "french": 0.0520}


def test_the_figures_of_three_languages_are_the_published_ones() -> None:
    plain, prompted = by_arm("three_languages", "paper_large_batch"), by_arm("three_languages", "paper")
    assert plain == {("none", "", 1.0): {"spanish": 0.1835, "french": 0.1640, "german": 0.3040}}
    assert len(prompted) == 9
    assert prompted["ip", "", 1.0]["spanish"] == 0.0182
    assert prompted["neg_ip", "", 1.0] == {"spanish": 0.1517, "french": 0.2529, "german": 0.4109}
    assert prompted["comp_ip", "french=1,spanish=1", 1.0]["german"] == 0.4548
    assert prompted["neg_comp_ip", "german=1", 1.0]["french"] == 0.4331
