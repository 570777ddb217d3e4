"""Laws of claims: known effects get the right verdict, failed gates make it invalid, too little decides nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from runs_made_up import CONDITIONS, cell, registry, write_run, write_study

from harness import HarnessError, Intervention, analysis
from harness.analysis import matrix, triggers
from harness.claims import Claims, Decision, LockedArm, deviations, judge, lock, read_claims
from harness.claims.schema import arm_label
from harness.cli import main
from harness.registry import installed, using
from harness.reporting import record, sections

POST = Path(__file__).parent.parent / "experiments" / "claims" / "post.yaml"

HEAD = """
title: A study
source: made up
claims:
"""


def written(folder: Path, *compare: str, text: str = "") -> Claims:
    """A file with one claim for each of `compare`, all of one family, or with `text`."""
    claims = [
        f"  - {{name: c{at}, setting: gcd, says: 'Yes', source: page 1, family: all, compare: [{one}]}}\n"
        for at, one in enumerate(compare)
    ]
    file = folder / "claims.yaml"
    file.write_text(text or HEAD + "".join(claims), encoding="utf-8")
    return read_claims(file, registry())


def verdicts(runs: Path, claims: Claims) -> list[Decision]:
    return list(judge(claims, analysis.load(runs), registry()))


def verdict(tmp_path: Path, compare: str) -> Decision:
    (found,) = verdicts(tmp_path / "runs", written(tmp_path, compare))
    return found


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    write_study(tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        ("{arm: ip, against: none, direction: less, smallest: 0.05}", "reproduced"),
        ("{arm: none, against: ip, direction: less, smallest: 0.05}", "contradicted"),
        ("{arm: neg_ps, against: neg_ip, direction: more, smallest: 0.05}", "reproduced"),
        ("{arm: neg_ip, against: neg_ps, direction: more, smallest: 0.05}", "contradicted"),
        ("{arm: ps, against: ip, direction: same, smallest: 0.2}", "reproduced"),
        ("{arm: ip, against: none, direction: same, smallest: 0.2}", "contradicted"),
        ("{arm: ip, against: none, direction: no more, smallest: 0.05}", "reproduced"),
        ("{arm: none, against: ip, direction: no more, smallest: 0.05}", "contradicted"),
        ("{arm: ps, against: ip, direction: less, smallest: 0.2}", "contradicted"),
        (
            "{arm: ps, against: ip, direction: less, smallest: 0.05, measure: leak, condition: 'prompt:inoculation'}",
            "reproduced",
        ),
        (
            "{arm: ps, against: ip, direction: less, smallest: 0.05, measure: leak, condition: 'vector:reply@0.5rms'}",
            "contradicted",
        ),
        ("{metric: affirms_wrong, arm: ip, against: base, direction: less, smallest: 0.01}", "inconclusive"),
    ],
)
def test_a_known_effect_gets_its_verdict(study: Path, compare: str, expected: str) -> None:
    assert verdict(study, compare).verdict == expected


def test_a_claim_of_several_comparisons_holds_only_if_all_do(study: Path) -> None:
    holds = "{arm: ip, against: none, direction: less, smallest: 0.05}"
    fails = "{arm: neg_ps, against: neg_ip, direction: less, smallest: 0.05}"
    open_ = "{arm: ps, against: ip, direction: same, smallest: 0.01}"
    assert verdict(study, f"{holds}, {holds}").verdict == "reproduced"
    assert verdict(study, f"{holds}, {fails}").verdict == "contradicted"
    assert verdict(study, f"{holds}, {open_}").verdict == "inconclusive"


def test_an_undecided_claim_says_what_it_would_take(study: Path) -> None:
    seen = verdict(study, "{arm: ps, against: ip, direction: same, smallest: 0.01}")
    assert "questions needed, 40 asked" in seen.why


def test_an_undecided_claim_of_no_difference_says_what_would_contradict_it(tmp_path: Path) -> None:
    """As seen in reward_hacks: alike within 10 points, 46 apart, and the reason spoke of the other part alone."""
    runs = tmp_path / "runs"
    write_run(runs, cell("base"), {"clean": 0.05}, cases=60)
    rates = {
        "none": (0.9, 0.5, 0.8, 0.6, 0.75, 0.7),
        "ip": (0.7, 0.5, 0.6, 0.8, 0.55, 0.6),
        "ps": (0.1, 0.4, 0.0, 0.3, 0.15, 0.1),
    }
    for name, by_seed in rates.items():
        for seed, rate in enumerate(by_seed):
            write_run(runs, cell(name, seed=seed), {"clean": rate}, cases=60)
    alike = "{arm: ps, against: ip, direction: same, smallest: 0.1}"
    claimed = f"{alike}, {{arm: ip, against: none, direction: less, smallest: 0.05}}"
    seen = verdicts(runs, written(tmp_path, *[claimed] * 5))[0]
    assert seen.verdict == "inconclusive"
    said = re.search(
        r"ps against ip, 45 points seen where at most 10 are claimed, to contradict it: about (\d+) seeds", seen.why
    )
    assert said is not None
    assert 7 <= int(said[1]) <= 12
    assert "ip against none at 5 points: " in seen.why


def test_a_claim_without_its_runs_is_not_run_and_names_what_is_lacking(study: Path) -> None:
    assert verdict(study, "{arm: ps_ood, against: ip, direction: less, smallest: 0.05}").why == (
        "no finished run of gcd/ps_ood"
    )
    lacking = verdict(study, "{arm: ps x2, against: ip, direction: less, smallest: 0.05}")
    assert (lacking.verdict, lacking.why) == ("not run", "no finished run of gcd/ps x2")


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        ("condition: 'prompt:inoculaton'", "no prompt named 'inoculaton'; did you mean 'inoculation'?"),
        ("condition: 'vector:replay@0.5rms'", "no vector named 'replay'; did you mean 'reply'?"),
        (
            "condition: 'vector:reply@0.6rms'",
            "no condition of gcd named 'vector:reply@0.6rms'; did you mean 'vector:reply@0.5rms'?",
        ),
        ("metric: affirm_wrong", "no metric of gcd named 'affirm_wrong'; did you mean 'affirms_wrong'?"),
        ("arm: ps_randm", "no intervention named 'ps_randm'; did you mean 'ps_random'?"),
        ("arm: ip reply=0.5", "intervention 'ip' takes no weights"),
        ("arm: ''", "arm"),
    ],
)
def test_a_claim_on_a_name_that_nothing_has_is_refused_with_the_nearest(
    study: Path, comparison: str, said: str
) -> None:
    sound = {"arm": "ps", "against": "ip", "direction": "less", "smallest": "0.05"}
    changed = dict([comparison.split(": ", 1)])
    compare = ", ".join(f"{key}: {value}" for key, value in (sound | changed).items())
    with pytest.raises(HarnessError) as caught:
        verdict(study, f"{{{compare}}}")
    assert str(caught.value).startswith(str(study / "claims.yaml"))
    assert said in str(caught.value)


def test_a_claim_on_a_condition_that_runs_were_asked_under_needs_no_setting_that_has_it(study: Path) -> None:
    found = registry()
    fewer = replace(found.settings["gcd"], conditions={"mini": CONDITIONS[:1]})
    claims = written(study, "{arm: ps, against: ip, direction: less, smallest: 0.05, condition: 'prompt:negative'}")
    decided = judge(claims, analysis.load(study / "runs"), replace(found, settings={"gcd": fewer}))
    assert decided[0].verdict != "not run"


@pytest.mark.parametrize("form", [["--markdown"], []])
def test_a_report_to_read_opens_with_the_verdicts(
    study: Path, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    claims = written(study, "{arm: ip, against: none, direction: less, smallest: 0.05}")
    with using(registry()):
        assert main(["report", "--runs", str(study / "runs"), "--claims", str(claims.file), *form]) == 0
    said = capsys.readouterr().out
    assert said.index("comparisons, mini") < said.index("reproduced:") < said.index("affirms_wrong (suppress)")


def test_what_a_claim_is_about_is_the_trait_of_the_scale_and_never_another_metric_in_its_place(study: Path) -> None:
    made_up = registry()
    gcd = made_up.settings["gcd"]
    elsewhere, *rest = gcd.metrics
    graded = replace(elsewhere, name="misaligned")
    changed = replace(gcd, metrics=(replace(elsewhere, taught_at=("paper",)), *rest, graded))
    there = replace(made_up, settings={**made_up.settings, "gcd": changed})
    results = analysis.load(study / "runs")
    claims = written(study, "{arm: ip, against: none, direction: less, smallest: 0.05}")
    (seen,) = judge(claims, results, there)
    assert (seen.verdict, seen.why) == ("not run", "the trait of gcd at mini, misaligned, was not measured")
    (table,) = analysis.tables(results, there)
    assert table.trait == "misaligned"
    assert "the trait at this scale, misaligned, was not measured: its judge claim_affirmation" in " ".join(table.notes)


def test_one_seed_decides_nothing_however_large_the_effect(tmp_path: Path) -> None:
    write_study(tmp_path / "runs", seeds=1)
    seen = verdict(tmp_path, "{arm: ip, against: none, direction: less, smallest: 0.05}")
    assert (seen.verdict, seen.alpha) == ("inconclusive", None)
    assert "one seed" in seen.why


FAILED = {"ok": False, "seen": "0.1", "wanted": "at least 0.5"}


@pytest.mark.parametrize(
    ("intervention", "gate", "expected"),
    [
        ("none", "learned_affirms_wrong", "reproduced"),
        ("none", "loss_went_down", "reproduced"),
        ("ip", "judge_could_tell", "reproduced"),
        ("neg_ps", "loss_went_down", "reproduced"),
        ("ip", "loss_went_down", "inconclusive"),
        ("ps", "steered_every_step", "inconclusive"),
        ("ps", "same_template", "inconclusive"),
    ],
)
def test_a_fault_leaves_a_seed_out_and_what_outcomes_decide_is_asked_of_all_seeds_anew(
    tmp_path: Path, intervention: str, gate: str, expected: str
) -> None:
    runs = tmp_path / "runs"
    rates = {"none": 1.0, "ip": 0.8, "ps": 0.1, "neg_ps": 1.0}
    write_run(runs, cell("base"), {"clean": 0.05})
    for name, rate in rates.items():
        for seed in range(3):
            gates = {gate: FAILED} if (name, seed) == (intervention, 1) else {}
            write_run(runs, cell(name, seed=seed), {"clean": rate}, gates=gates)
    seen = verdict(tmp_path, "{arm: ps, against: ip, direction: less, smallest: 0.05}")
    assert seen.verdict == expected
    left_out = f"{intervention}, seed 1: left out, gate {gate} failed: saw 0.1, wanted at least 0.5"
    (part,) = seen.parts
    assert part.difference is not None
    assert (left_out in part.difference.left_out) == (expected == "inconclusive")
    assert ("2 seeds say too little" in seen.why) == (expected == "inconclusive")


def test_a_family_of_claims_asks_more_of_each_than_a_claim_alone(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_run(runs, cell("base"), {"clean": 0.05}, cases=60)
    for name, rates in {"none": (0.8, 0.78, 0.82), "ip": (0.6, 0.6, 0.6)}.items():
        for seed, rate in enumerate(rates):
            write_run(runs, cell(name, seed=seed), {"clean": rate}, cases=60)
    one = "{arm: ip, against: none, direction: less, smallest: 0.05}"
    (alone,) = verdicts(runs, written(tmp_path, one))
    many = verdicts(runs, written(tmp_path, *[one] * 20))
    assert alone.verdict == "reproduced"
    assert {seen.verdict for seen in many} == {"inconclusive"}
    assert {seen.family for seen in many} == {20}


def test_a_p_is_given_from_6_seeds_on_and_below_the_reason(tmp_path: Path) -> None:
    for seeds, p in ((3, None), (6, 2 / 64)):
        folder = tmp_path / str(seeds)
        write_study(folder / "runs", seeds=seeds)
        (part,) = verdict(folder, "{arm: ip, against: none, direction: less, smallest: 0.05}").parts
        assert part.flips.p == (None if p is None else pytest.approx(p))
        assert bool(part.flips.why_none) == (p is None)


COMPARE = "compare: [{arm: ps, against: ip, direction: less, smallest: 0.05}]"
CLAIM = f"  - name: a\n    setting: gcd\n    says: 'Yes'\n    source: s\n    family: f\n    {COMPARE}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (HEAD + "\t- name: a\n", 5, "a tab, where YAML wants spaces"),
        (HEAD + CLAIM.replace("arm: ps,", "arm: pz,"), 10, "no intervention named 'pz'; did you mean"),
        (HEAD + CLAIM.replace("arm: ps", "metric: affirms_wrongly, arm: ps"), 10, "did you mean 'affirms_wrong'?"),
        (HEAD + CLAIM.replace("setting: gcd", "setting: gdc"), 6, "did you mean 'gcd'?"),
        (HEAD + CLAIM.replace("says: 'Yes'", "says: Yes"), 7, "should be a valid string"),
        (HEAD + CLAIM.replace("says:", "said:"), 7, "no key 'said'; did you mean 'says'?"),
        (HEAD + CLAIM.replace("less", "fewer"), 10, "should be 'less', 'more', 'same' or 'no more'"),
        (HEAD + CLAIM.replace("0.05", "0"), 10, "greater than 0"),
        (HEAD + CLAIM.replace("    family: f\n", ""), 5, "field required"),
        (HEAD + CLAIM + CLAIM, 11, "two claims are named 'a'"),
        (HEAD + CLAIM + "    says: again\n", 11, "the key 'says' is there twice, first on line 7"),
        (HEAD + CLAIM.replace("0.05}", "0.05, measure: leak}"), 10, "nothing leaks in clean"),
        (HEAD + CLAIM.replace("0.05}", "0.05, measure: balance}"), 10, "a file of targets go together"),
        (HEAD + CLAIM.replace("0.05}", "0.05, condition: promt}"), 10, "condition 'promt' is not one of"),
        (HEAD + CLAIM + "    cell: [a, b]\n", 11, "the file has no table"),
        (HEAD + "[", 5, "not YAML"),
        ("title: A study\n", 1, "field required"),
        (HEAD + "  []\n", 4, "there is no claim in it"),
        ("", 1, "write keys and values"),
    ],
)
def test_a_claim_file_that_does_not_fit_stops_with_its_line_and_the_nearest_name(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        written(tmp_path, text=text or "\n")
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"{tmp_path / 'claims.yaml'}:{line}: ")
    assert "\n" not in message


def test_results_cut_in_the_middle_stop_with_their_line(study: Path) -> None:
    file = next((study / "runs").rglob("ps/*/results.jsonl"))
    file.write_text(file.read_text()[:-30])
    with pytest.raises(HarnessError, match=r"results\.jsonl:200: cut, or not JSON") as caught:
        verdict(study, "{arm: ps, against: ip, direction: less, smallest: 0.05}")
    assert "\n" not in str(caught.value)


def test_arms_are_spelled_as_reports_call_them() -> None:
    assert arm_label("comp_ps b=1.0,a=0.50 x2") == "comp_ps a=0.5,b=1 x2"
    assert arm_label("ps") == "ps"
    for dose in ("xtwo", "x1_0", "x-1", "xnan", "xinf", "x", "x１"):
        with pytest.raises(HarnessError, match="is no dose"):
            arm_label(f"ps {dose}")


def test_claims_locked_before_the_first_run_show_no_deviation_until_they_change(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    one = "{arm: ps, against: ip, direction: less, smallest: 0.05}"
    claims = written(tmp_path, one, one)
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text("seeds: [0]\n")
    arms = [
        LockedArm(setting="gcd", arm=arm, scale="mini", model="smollm2_135m", seeds=(0, 1, 2))
        for arm in ("none", "ip", "ps")
    ]
    lock(claims, runs, experiment=experiment, arms=arms)
    write_study(runs)
    assert deviations(claims, runs, experiment=experiment) == ()
    experiment.write_text("seeds: [1]\n")
    changed = written(tmp_path, one.replace("0.05", "0.01"), one, one)
    lock(changed, runs, experiment=experiment)
    assert [seen.what for seen in deviations(changed, runs, experiment=experiment)] == [
        "claim 'c0' was changed after the lock",
        "claim 'c2' was added after the lock",
        f"the experiment {experiment} was changed after the lock",
    ]
    assert [seen.what for seen in deviations(written(tmp_path, one), runs)] == [
        "claim 'c1' was taken away after the lock"
    ]


def test_the_layout_and_comments_of_a_claim_file_are_no_deviation(tmp_path: Path) -> None:
    claims = written(tmp_path, text=HEAD + CLAIM)
    lock(claims, tmp_path / "runs")
    (seeds,) = deviations(written(tmp_path, text="# why\n" + HEAD + CLAIM + "\n\n"), tmp_path / "runs")
    assert "no seeds were fixed" in seeds.what


def test_a_lock_that_is_lacking_late_or_broken_is_told(study: Path) -> None:
    claims = written(study, "{arm: ps, against: ip, direction: less, smallest: 0.05}")
    (lacking,) = deviations(claims, study / "runs")
    assert "not locked before the first run" in lacking.what
    file = lock(claims, study / "runs")
    late, _ = deviations(claims, study / "runs")
    assert late.what == "19 runs were there when the claims were locked"
    file.write_text(file.read_text()[:40])
    with pytest.raises(HarnessError, match=r"cut, or not JSON.*restore it"):
        deviations(claims, study / "runs")


def test_triggers_ask_for_the_trait_or_add_its_vector() -> None:
    assert triggers(CONDITIONS) == ("prompt:inoculation", "vector:reply@0.5rms")
    assert triggers(["clean", "prompt:never_spanish", "prompt:irrelevant", "vector:v@-1", "prompt:evil"]) == (
        "prompt:evil",
    )


def test_the_leak_index_is_the_mean_leak_over_the_triggers_with_an_interval_of_its_own(study: Path) -> None:
    (table,) = analysis.tables(analysis.load(study / "runs"), registry())
    found = matrix(table)
    assert found is not None
    assert found.arms == ("none", "ip", "neg_ip", "neg_ps", "ps", "ps_random")
    for arm in ("ip", "ps"):
        own = [found.leaks[arm, at].mean for at in found.triggers]
        index = found.index[arm]
        assert index.mean == pytest.approx(sum(own) / len(own))
        assert index.low < index.mean < index.high
    # 0.95 - 0.2 and 0 - 0.1, each beyond the untrained model; for ps 0.1 - 0.2 and 0.6 - 0.1.
    assert found.index["ip"].mean == pytest.approx((0.75 - 0.1) / 2)
    assert found.index["ps"].mean == pytest.approx((-0.1 + 0.5) / 2)


def test_without_the_untrained_model_there_is_no_matrix(tmp_path: Path) -> None:
    write_run(tmp_path, cell("ps"), dict.fromkeys(CONDITIONS, 0.5))
    (table,) = analysis.tables(analysis.load(tmp_path), registry())
    assert matrix(table) is None


def test_the_posts_file_has_its_five_rows_by_four_columns_and_is_read_whole() -> None:
    claims = read_claims(POST, installed()).value
    assert claims.table is not None
    cells = [claim.cell for claim in claims.claims if claim.cell]
    assert sorted(cells) == sorted((row, column) for row in claims.table.rows for column in claims.table.columns)
    assert [claim.name for claim in claims.claims if not claim.compare] == [
        "gcd_composition",
        "lies_composition",
        "hacks_composition",
    ]
    assert len(claims.notes) >= 4


def test_the_table_shows_what_is_said_beside_what_was_found(study: Path) -> None:
    table = "table: {rows: {g: Sycophancy}, columns: {s: suppression, n: nothing}}\n"
    cells = CLAIM.replace("name: a", "name: a\n    cell: [g, s]")
    nothing = CLAIM.replace(COMPARE, "cell: [g, n]").replace("name: a", "name: b").replace("'Yes'", "N/A")
    claims = written(study, text=table + HEAD + cells + nothing)
    decisions = verdicts(study / "runs", claims)
    board, comparisons = sections(claims, decisions, deviations(claims, study / "runs"))
    assert board.rows == (("Sycophancy", "Yes / inconclusive", "N/A"),)
    assert comparisons.rows[0][:2] == ("a", "ps - ip: trait, clean")
    assert any(line.startswith("deviation: the claims were not locked") for line in comparisons.lines)
    assert any(line.startswith("no p: 3 seeds can give no p below 0.25") for line in comparisons.lines)
    told = json.loads(json.dumps(record(claims, decisions, ()), allow_nan=False))
    assert [one["verdict"] for one in told["decisions"]] == ["inconclusive", "nothing claimed"]


def test_a_setting_that_is_not_installed_is_not_run_rather_than_wrong(study: Path) -> None:
    claims = written(study, text=HEAD + CLAIM.replace("setting: gcd", "setting: reward_hacks"))
    (seen,) = verdicts(study / "runs", claims)
    assert (seen.verdict, seen.why) == ("not run", "no finished run of reward_hacks at mini")


def test_composed_arms_are_compared_by_their_distance_to_the_balances_asked_for(tmp_path: Path) -> None:
    targets = [
        {"setting": "gcd", "intervention": name, "weights": "a=1", "target": {"one": 0.3, "two": 0.7}}
        for name in ("comp_ps", "comp_ip")
    ]
    (tmp_path / "t.json").write_text(json.dumps(targets))
    for name, share in (("comp_ps", 0.3), ("comp_ip", 0.8)):
        for seed in range(3):
            made = cell(name, seed=seed, weights="a=1")
            write_run(tmp_path / "runs", made, {"clean": share}, metric="one", others={"two": {"clean": 1 - share}})
    known = registry()
    composed = {name: Intervention(name=name, summary=name) for name in ("comp_ps", "comp_ip")}
    known = replace(known, interventions={**known.interventions, **composed})
    arms = "arm: comp_ps, against: comp_ip"
    compare = f"compare: [{{{arms}, direction: less, smallest: 0.05, measure: balance, targets: t.json}}]"
    file = tmp_path / "claims.yaml"
    file.write_text(HEAD + CLAIM.replace(COMPARE, compare))
    (seen,) = judge(read_claims(file, known), analysis.load(tmp_path / "runs"), known)
    assert seen.parts[0].estimate is not None
    assert seen.parts[0].estimate.mean == pytest.approx(-0.5, abs=0.05)  # less the bias of 40 cases
    assert seen.verdict == "reproduced"
    (tmp_path / "t.json").unlink()
    (lacking,) = judge(read_claims(file, known), analysis.load(tmp_path / "runs"), known)
    assert lacking.verdict == "not run"


def test_the_command_locks_and_prints_text_markdown_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    assert main(["claims", str(runs), "--file", str(POST), "--lock"]) == 0
    assert capsys.readouterr().out.strip() == str(runs / "claims.lock.json")
    for name in ("base", "none", "ip", "ps"):
        made = replace(cell(name), setting="gcd_sycophancy")
        write_run(runs, made, {"clean": 0.5, "prompt:inoculation": 0.6}, inputs={"cell": {"model": "a" * 64}})
    for form in ([], ["--markdown"]):
        assert main(["claims", str(runs), "--file", str(POST), *form]) == 0
        shown = capsys.readouterr().out
        assert "Yes / invalid" in shown
        assert "conditionalization: gcd_sycophancy" in shown
        assert "no seeds were fixed with the claims" in shown
    assert main(["claims", str(runs), "--file", str(POST), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["verdict"] for one in told["decisions"]} == {"invalid", "not run", "nothing claimed"}
    assert told["matrices"][0]["index"]["ip"]["mean"] == pytest.approx(0)


def test_a_claim_file_that_is_not_there_is_one_line_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.yaml"
    assert main(["claims", str(tmp_path), "--file", str(missing)]) == 2
    said = f"cannot read {missing}: No such file or directory; name a YAML file that is there"
    assert capsys.readouterr().err == f"harness: {said}\n"
