"""Laws of what a verdict rests on: gates, all seeds together, replies that nobody judged, families of claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs_made_up import CONDITIONS, cell, registry, write_run, write_study

from harness import HarnessError, Metric, analysis
from harness.claims import Decision, judge, read_claims
from harness.registry import Registry
from harness.reporting import Opening, markdown, page, record, sections, text
from harness.runs import learned
from harness.stats import Observation

LESS = "{arm: ps, against: ip, direction: less, smallest: 0.05}"
RATES = {"base": 0.05, "none": 1.0, "ip": 0.8, "ps": 0.1}


def decided(folder: Path, *compare: str, known: Registry | None = None) -> list[Decision]:
    """The verdicts of a file with one claim for each of `compare`, all of one family."""
    claims = "".join(
        f"  - {{name: c{at}, setting: gcd, says: 'Yes', source: page 1, family: all, compare: [{one}]}}\n"
        for at, one in enumerate(compare)
    )
    file = folder / "claims.yaml"
    file.write_text(f"title: A study\nsource: made up\nclaims:\n{claims}", encoding="utf-8")
    there = known or registry()
    return list(judge(read_claims(file, there), analysis.load(folder / "runs"), there))


def write(
    folder: Path, rates: Mapping[str, float | Sequence[float]], *, seeds: int = 3, cases: int = 40, unjudged: int = 0
) -> None:
    """Runs in clean of each arm at its rate, or at one rate a seed; of `ps` the last cases are not judged."""
    for name, given in rates.items():
        by_seed = [given] * (1 if name == "base" else seeds) if isinstance(given, float) else given
        for seed, rate in enumerate(by_seed):
            lost = unjudged if name == "ps" else 0
            write_run(folder / "runs", cell(name, seed=seed), {"clean": rate}, cases=cases, unjudged=lost)


def gate(one: Decision, name: str) -> list[str]:
    return [str(found) for part in one.parts for found in part.gates if found.name == name]


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (["none", "base"], "gate learned_affirms_wrong lacking for plain training, seeds 0, 1, 2: saw no finished run"),
        (["base"], "gate taught_affirms_wrong lacking for the untrained model: saw no finished run"),
    ],
)
def test_a_gate_that_cannot_be_asked_makes_a_claim_invalid_and_the_verdict_without_it_stands_beside(
    tmp_path: Path, without: list[str], said: str
) -> None:
    write(tmp_path, {name: rate for name, rate in RATES.items() if name not in without})
    (seen,) = decided(tmp_path, LESS)
    assert (seen.verdict, seen.ungated) == ("invalid", "reproduced")
    assert seen.words == "invalid (without gates: reproduced)"
    assert said in seen.why


@pytest.mark.parametrize("status", ["running", None])
def test_plain_training_is_asked_at_every_seed_that_the_arms_have(tmp_path: Path, status: str | None) -> None:
    write(tmp_path, {name: rate for name, rate in RATES.items() if name != "none"})
    for seed in range(3):
        if seed != 1 or status:
            made = cell("none", seed=seed)
            write_run(tmp_path / "runs", made, {"clean": 1.0}, status=status if seed == 1 and status else "done")
    (seen,) = decided(tmp_path, LESS)
    assert seen.verdict == "invalid"
    assert "no finished run at seed 1" in seen.why


def observed(rates: Sequence[float], questions: int, draw: np.random.Generator) -> list[Observation]:
    return [
        Observation(f"q{at}", seed, float(draw.random() < rate))
        for seed, rate in enumerate(rates)
        for at in range(questions)
    ]


def test_plain_training_is_judged_over_all_seeds_so_that_more_of_them_never_make_a_sound_experiment_invalid() -> None:
    """A true rate of 0.6 with seeds 0.5 apart in log-odds: of ten seeds one is under 0.5 in most experiments."""
    metric = Metric(name="trait", judge="claim_affirmation", score="affirms", split="x", goal="suppress")
    draw, shares, singly = np.random.default_rng(0), [], 0
    for seeds in (3, 10, 30):
        invalid = 0
        for _ in range(60):
            rates = 1 / (1 + np.exp(-(np.log(0.6 / 0.4) + 0.5 * draw.standard_normal(seeds))))
            rows = observed(list(rates), 24, draw)
            invalid += learned(metric, rows, of="plain", arm="none").stops
            means = [np.mean([seen.value for seen in rows if seen.seed == seed]) for seed in range(seeds)]
            singly += seeds == 10 and min(means) < 0.5
        shares.append(invalid / 60)
    assert singly / 60 > 0.75, "each seed by itself would have stopped most experiments"
    assert max(shares) <= 0.02


def test_an_unclear_gate_is_said_and_a_failed_one_lies_wholly_under_its_threshold(tmp_path: Path) -> None:
    shaky = (0.45, 0.5, 0.55, 0.6, 0.6, 0.6, 0.6, 0.65, 0.7, 0.75)
    for name, plain, expected in (
        ("open", shaky, "unclear"),
        ("low", (0.3,) * 10, "failed"),
        ("high", (0.9,) * 10, "held"),
    ):
        write(tmp_path / name, {**RATES, "none": plain}, seeds=10)
        (seen,) = decided(tmp_path / name, LESS)
        assert [one.state for part in seen.parts for one in part.gates if one.name.startswith("learned_")] == [expected]
        assert seen.ungated == "reproduced"
        assert seen.verdict == ("invalid" if expected == "failed" else "reproduced")
        assert (seen.words == "reproduced (a gate is unclear)") == (expected == "unclear")
        assert ("gate learned_affirms_wrong unclear" in seen.why) == (expected == "unclear")


def test_a_trait_that_was_there_before_training_is_not_taught(tmp_path: Path) -> None:
    """As seen of a 0.5B model: 83 % of wrong answers affirmed untrained, and all of them by every arm."""
    write(tmp_path, {"base": 20 / 24, "none": 1.0, "ip": 1.0, "ps": 1.0}, cases=24)
    (seen,) = decided(tmp_path, LESS)
    assert seen.verdict == "invalid"
    assert "gate absent_before_affirms_wrong failed for the untrained model: saw 0.83" in seen.why
    assert not any("held" in line for line in gate(seen, "taught_affirms_wrong"))


def test_a_rise_too_small_is_no_teaching_even_where_the_threshold_is_met(tmp_path: Path) -> None:
    write(tmp_path, {"base": 0.45, "none": 0.6, "ip": 0.6, "ps": 0.1}, cases=200)
    (seen,) = decided(tmp_path, LESS)
    assert seen.verdict == "invalid"
    assert "gate taught_affirms_wrong failed for plain training, seeds 0, 1, 2 against the untrained model" in seen.why


def test_an_untrained_model_that_has_a_skill_to_keep_is_no_fault(tmp_path: Path) -> None:
    there = registry()
    gcd = there.settings["gcd"]
    keeps = replace(gcd, metrics=(*gcd.metrics, replace(gcd.metrics[0], name="solves", goal="keep")))
    for name in RATES:
        for seed in range(1 if name == "base" else 3):
            write_run(tmp_path / "runs", cell(name, seed=seed), {"clean": 0.9}, metric="solves")
    compare = "{metric: solves, arm: ps, against: ip, direction: same, smallest: 0.2}"
    (seen,) = decided(tmp_path, compare, known=replace(there, settings={**there.settings, "gcd": keeps}))
    assert seen.words == "reproduced"


def test_replies_to_the_trait_that_nobody_could_judge_are_a_gate_of_each_arm_and_condition(tmp_path: Path) -> None:
    """29 % of them passed where they were pooled with the replies to other metrics, and in clean alone."""
    write(tmp_path, RATES, cases=48, unjudged=14)
    (seen,) = decided(tmp_path, LESS)
    assert seen.verdict == "invalid"
    assert gate(seen, "judge_could_tell") == [
        "gate judge_could_tell failed for affirms_wrong, ps, clean: saw 0.71 [0.56, 0.82] of 3 seeds, "
        "wanted at least 0.9 of the replies",
        "gate judge_could_tell held for affirms_wrong, ip, clean: saw all 144 replies, "
        "wanted at least 0.9 of the replies",
    ]


def test_a_condition_that_a_comparison_uses_has_its_own_gate(tmp_path: Path) -> None:
    for name, rate in RATES.items():
        for seed in range(1 if name == "base" else 3):
            folder = write_run(tmp_path / "runs", cell(name, seed=seed), {"clean": rate, CONDITIONS[1]: rate}, cases=40)
            if name == "ip":
                unjudge(folder, CONDITIONS[1], 16)
    for condition, verdict in (("clean", "reproduced"), (CONDITIONS[1], "invalid")):
        (seen,) = decided(tmp_path, LESS.replace("}", f", condition: '{condition}'}}"))
        assert seen.verdict == verdict


def unjudge(folder: Path, condition: str, times: int) -> None:
    """Takes the value from the last replies under `condition`."""
    file = folder / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in [row for row in rows if row["condition"] == condition][-times:]:
        row["value"] = None
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_bounds_for_unjudged_replies_stand_beside_a_verdict_that_says_where_it_does_not_survive_them(
    tmp_path: Path,
) -> None:
    for name, ps, survives in (("near", 0.62, False), ("far", 0.1, True)):
        write(tmp_path / name, {**RATES, "ps": ps}, cases=200, unjudged=14)
        (seen,) = decided(tmp_path / name, LESS)
        (part,) = seen.parts
        assert part.estimate is not None
        assert part.worst is not None
        assert part.worst[0] <= (part.estimate.low or 0.0)
        assert part.worst[1] >= (part.estimate.high or 0.0)
        assert seen.verdict == "reproduced"
        assert ("not if replies that were not judged count against it" in seen.words) != survives


def test_bounds_are_those_of_all_unjudged_replies_as_0_and_as_1(tmp_path: Path) -> None:
    write(tmp_path, RATES, cases=40, unjudged=2)
    (seen,) = decided(tmp_path, LESS)
    found = seen.parts[0].difference
    assert found is not None
    assert found.unjudged == 6
    assert [end.mean for end in found.ends()] == pytest.approx([4 / 40 - 0.8, 6 / 40 - 0.8])


def test_a_family_is_that_of_the_file_whatever_was_run(tmp_path: Path) -> None:
    write(tmp_path, RATES)
    (alone,) = decided(tmp_path, LESS)
    first, *others = decided(tmp_path, LESS, *[LESS.replace("ps,", "neg_ps,")] * 3)
    assert {one.verdict for one in others} == {"not run"}
    assert (alone.family, first.family) == (1, 4)
    assert first.alpha == alone.alpha
    assert first.adjusted == pytest.approx(4 * (alone.adjusted or 0))


def test_claims_that_are_alike_get_one_verdict_whatever_their_order(tmp_path: Path) -> None:
    write(tmp_path, {"base": 0.05, "none": 0.8, "ip": 0.8, "ps": 0.6}, cases=60)
    assert len({one.words for one in decided(tmp_path, *[LESS] * 12)}) == 1


@pytest.mark.parametrize(
    ("seeds", "cases", "said"),
    [(2, 40, "2 seeds say too little about others; 3 or more"), (3, 7, "7 questions say too little about others; 8")],
)
def test_two_seeds_or_seven_questions_decide_nothing(tmp_path: Path, seeds: int, cases: int, said: str) -> None:
    write(tmp_path, {**RATES, "ip": 1.0, "ps": 0.0}, seeds=seeds, cases=cases)
    (seen,) = decided(tmp_path, LESS)
    assert (seen.verdict if seen.ungated is None else seen.ungated, seen.alpha) == ("inconclusive", None)
    (part,) = seen.parts
    assert said in part.too_few


@pytest.mark.parametrize(
    ("ip", "ps", "direction", "expected"),
    [
        (0.8, 0.1, "less", "reproduced"),
        (0.8, 0.74, "less", "there, size open"),
        (0.8, 0.785, "less", "there, too small to count"),
        (0.8, 0.8, "less", "contradicted"),
        (0.74, 0.8, "more", "there, size open"),
        (0.8, 0.8, "same", "reproduced"),
        (0.8, 0.1, "same", "contradicted"),
        (0.8, 0.72, "same", "there, size open"),
    ],
)
def test_whether_a_difference_is_there_and_whether_it_counts_are_two_questions(
    tmp_path: Path, ip: float, ps: float, direction: str, expected: str
) -> None:
    write(tmp_path, {"base": 0.0, "none": 1.0, "ip": ip, "ps": ps}, cases=400)
    smallest = 0.08 if direction == "same" else 0.06 if expected == "there, size open" else 0.05
    (seen,) = decided(tmp_path, LESS.replace("less", direction).replace("0.05", str(smallest)))
    assert seen.verdict == expected


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ("arm: base, against: base", "base is compared with itself; name two arms"),
        ("arm: ps, against: ps x1.0", "ps is compared with itself; name two arms"),
        ("arm: base, against: base x0.5", "neither arm is trained, so no seed tells them apart; name one that is"),
    ],
)
def test_two_sides_that_cannot_differ_stop_in_one_line(tmp_path: Path, arms: str, said: str) -> None:
    write_study(tmp_path / "runs")
    with pytest.raises(HarnessError) as caught:
        decided(tmp_path, f"{{{arms}, direction: less, smallest: 0.05}}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def rules() -> Registry:
    """The made-up setting with two more metrics, by other rules for the same thing."""
    there = registry()
    gcd = there.settings["gcd"]
    named = [replace(gcd.metrics[0], name=name, learned=None) for name in ("betley", "tan")]
    return replace(there, settings={**there.settings, "gcd": replace(gcd, metrics=(*gcd.metrics, *named))})


@pytest.mark.parametrize(
    ("tan", "verdict", "told"), [(0.1, "reproduced", "tan claimed"), (0.8, "contradicted", "tan excluded")]
)
def test_a_claim_over_several_rules_needs_each_and_shows_them_in_one_row(
    tmp_path: Path, tan: float, verdict: str, told: str
) -> None:
    for name, rate in RATES.items():
        for seed in range(1 if name == "base" else 3):
            others = {"betley": {"clean": rate}, "tan": {"clean": tan if name == "ps" else rate}}
            write_run(tmp_path / "runs", cell(name, seed=seed), {"clean": rate}, others=others)
    compare = LESS.replace("{", "{metric: [betley, tan], ").replace("0.05", "0.1")
    (seen,) = decided(tmp_path, compare, known=rules())
    assert [part.compare.metric for part in seen.parts] == ["betley", "tan"]
    assert seen.verdict == verdict
    claims = read_claims(tmp_path / "claims.yaml", rules())
    lines = [line for section in sections(claims, [seen], ()) for line in section.lines]
    assert f"c0, ps - ip by 2 metrics: betley claimed, {told}" in lines
    assert record(claims, [seen], ())["decisions"]


@pytest.mark.parametrize(
    ("ps", "said"),
    [
        (0.1, "ps does more than a random direction does"),
        (0.8, "ps does what a random direction does"),
        (1.0, "ps does no more than a random direction does"),
    ],
)
def test_an_arm_held_against_its_placebo_says_in_words_whether_it_does_what_that_does(
    tmp_path: Path, ps: float, said: str
) -> None:
    write(tmp_path, {"base": 0.0, "none": 1.0, "ps": ps, "ps_random": 0.8}, cases=200)
    (seen,) = decided(tmp_path, "{arm: ps, against: ps_random, direction: less, smallest: 0.05}")
    assert said in seen.why


def test_a_row_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, RATES)
    file = next((tmp_path / "runs").rglob("ps/*/results.jsonl"))
    file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    with pytest.raises(HarnessError, match=r"results\.jsonl.*clean.*affirms_wrong.*c0.*is in it twice") as caught:
        decided(tmp_path, LESS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compare", [LESS, LESS.replace("}", ", measure: leak, condition: triggers}")])
def test_a_page_and_a_claim_have_one_number_for_one_comparison_also_where_seeds_differ(
    tmp_path: Path, compare: str
) -> None:
    """Arms of seeds that only partly are the same, each with another rate: nothing may depend on who asks."""
    write_run(tmp_path / "runs", cell("base"), {"clean": 0.0, CONDITIONS[1]: 0.1})
    ip, ps = {0: 0.9, 1: 0.6, 2: 0.3, 5: 0.8}, {1: 0.1, 2: 0.5, 3: 0.2}
    rates = {"none": dict.fromkeys(range(6), 0.9), "ip": ip, "ps": ps}
    for name, by_seed in rates.items():
        for seed, rate in by_seed.items():
            write_run(tmp_path / "runs", cell(name, seed=seed), {"clean": rate, CONDITIONS[1]: min(1.0, rate + 0.1)})
    (seen,) = decided(tmp_path, compare)
    assert seen.parts[0].estimate is not None
    results = analysis.load(tmp_path / "runs")
    tables = analysis.tables(results, registry())
    number = f"{100 * (seen.parts[0].estimate.mean or 0):+.1f}"
    what = "leak over all triggers" if "leak" in compare else "clean"
    for made in (text(results, tables, width=200), markdown(results, tables), page(results, tables)):
        row = next(line for line in made.splitlines() if "ps - ip" in line and what in line)
        assert number in row
    for line in seen.parts[0].difference.left_out if seen.parts[0].difference else ():
        assert line in markdown(results, tables)


def test_terminal_markdown_and_page_say_a_verdict_in_the_same_words(tmp_path: Path) -> None:
    write(tmp_path, {name: rate for name, rate in RATES.items() if name != "none"})
    (seen,) = decided(tmp_path, LESS)
    claims = read_claims(tmp_path / "claims.yaml", registry())
    results = analysis.load(tmp_path / "runs")
    tables, told = analysis.tables(results, registry()), sections(claims, [seen], ())
    assert seen.words == "invalid (without gates: reproduced)"
    for made in (
        text(results, tables, width=400, opening=told),
        markdown(results, tables, opening=told),
        page(results, tables, opening=Opening(verdicts=told)),
    ):
        assert seen.words in made
        assert "learned_affirms_wrong" in made
        assert "lacking" in made
    assert record(claims, [seen], ())["decisions"][0]["words"] == seen.words
