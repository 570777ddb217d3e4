"""Laws of the report: nothing is mixed, hidden or lost, and the same results give the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from runs_made_up import CONDITIONS, cell, registry, write_run, write_study

from harness import HarnessError, analysis, reporting
from harness.reporting.gate_sections import gate_rows
from harness.runs import PooledGate

EVEN = dict.fromkeys(CONDITIONS, 0.5)
REPLY = {"condition": "clean", "split": "wrong_claim", "case": "c0", "sample": 1}


def read(runs: Path, **options):
    results = analysis.load(runs, **options)
    return results, analysis.tables(results, registry())


def block(table, kind="mean"):
    return next(one for one in table.blocks if one.kind == kind)


def test_every_arm_and_condition_shows_the_share_that_was_put_in(tmp_path):
    _, (table,) = read(write_study(tmp_path))
    cells = block(table).cells
    assert cells["ip", "prompt:inoculation"].mean == pytest.approx(0.95)
    assert cells["ps", "vector:reply@0.5rms"].mean == pytest.approx(0.6)
    assert cells["none", "clean"].mean == 1
    assert (cells["ps", "clean"].n, cells["ps", "clean"].clusters, cells["ps", "clean"].seeds) == (120, 40, 3)


def test_the_leak_is_corrected_by_what_the_condition_does_to_the_base_model(tmp_path):
    _, (table,) = read(write_study(tmp_path))
    leaks = block(table, "leak").cells
    assert leaks["ip", "prompt:inoculation"].mean == pytest.approx((0.95 - 0.0) - (0.3 - 0.1))
    assert ("base", "prompt:inoculation") not in leaks
    assert ("ip", "clean") not in leaks


def test_rows_come_base_none_arms_by_name_controls_last_and_columns_in_the_settings_order(tmp_path):
    write_study(tmp_path, seeds=1)
    write_run(tmp_path, cell("ps", dose=0.5), dict(reversed(EVEN.items())))
    _, (table,) = read(tmp_path)
    labels = [arm.label for arm in table.arms]
    assert labels == ["base", "none", "ip", "neg_ip", "neg_ps", "ps", "ps x0.5", "ps_random"]
    assert table.conditions == CONDITIONS


def test_each_balance_of_weights_is_an_arm_of_its_own_and_seeds_are_pooled_within(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path, cell("comp_ps", seed=seed, weights="a=1"), {"clean": 0.2})
    write_run(tmp_path, cell("comp_ps", weights="a=1", dose=0.5), {"clean": 0.4})
    write_run(tmp_path, cell("comp_ps", weights="a=0.5,b=1"), {"clean": 0.6})
    results, (table,) = read(tmp_path)
    assert [(arm.label, arm.weights, arm.seeds) for arm in table.arms] == [
        ("comp_ps a=0.5,b=1", "a=0.5,b=1", (0,)),
        ("comp_ps a=1", "a=1", (0, 1)),
        ("comp_ps a=1 x0.5", "a=1", (0,)),
    ]
    record = reporting.as_record(results, (table,))["tables"][0]["arms"][0]
    assert (record["intervention"], record["weights"]) == ("comp_ps", "a=0.5,b=1")


def test_a_run_from_before_there_were_weights_is_read(tmp_path):
    folder = write_run(tmp_path, cell("ps"), {"clean": 0.5})
    record = json.loads((folder / "run.json").read_text())
    del record["cell"]["weights"]
    (folder / "run.json").write_text(json.dumps(record))
    _, (table,) = read(tmp_path)
    assert [(arm.label, arm.weights) for arm in table.arms] == [("ps", "")]


def test_what_each_arms_prompt_or_vector_is_about_is_said_below_the_tables(tmp_path):
    for name, concept in (("none", ""), ("ip", "lies"), ("neg_ip", "evil"), ("ps", "evil")):
        write_run(tmp_path, cell(name), {"clean": 0.5}, concept=concept)
    results, tables = read(tmp_path)
    for page in (reporting.text(results, tables), reporting.markdown(results, tables)):
        assert "about: lies (ip); evil (neg_ip, ps)" in page
    arms = reporting.as_record(results, tables)["tables"][0]["arms"]
    assert {arm["label"]: arm["concept"] for arm in arms} == {"none": "", "ip": "lies", "neg_ip": "evil", "ps": "evil"}


def test_a_run_from_before_concepts_were_recorded_is_read(tmp_path):
    folder = write_run(tmp_path, cell("ip"), {"clean": 0.5})
    record = json.loads((folder / "run.json").read_text())
    del record["concept"]
    (folder / "run.json").write_text(json.dumps(record))
    results, tables = read(tmp_path)
    assert "about:" not in reporting.text(results, tables)


def test_what_could_not_be_judged_is_counted_and_in_no_mean(tmp_path):
    write_run(tmp_path, cell("none"), {"clean": 0.5}, cases=20, unjudged=5)
    results, tables = read(tmp_path)
    seen = block(tables[0]).cells["none", "clean"]
    assert (seen.n, seen.judged, seen.mean) == (20, 15, pytest.approx(10 / 15))
    assert "?5" in reporting.text(results, tables)
    assert "?5" in reporting.markdown(results, tables)


def test_a_failed_gate_is_marked_and_said(tmp_path):
    gates = {"learned": {"ok": False, "seen": "0.4", "wanted": "at least 0.9"}, "fired": {"ok": True}}
    write_run(tmp_path, cell("none", seed=2), {"clean": 0.4}, gates=gates)
    results, tables = read(tmp_path)
    for page in (reporting.text(results, tables), reporting.markdown(results, tables)):
        assert "none !" in page
        assert "! none, seed 2: gate learned failed: saw 0.4, wanted at least 0.9" in page
    assert reporting.as_record(results, tables)["tables"][0]["arms"][0]["failed_gates"]


def test_gates_that_differ_in_arm_or_condition_alone_are_one_row_with_the_lowest(tmp_path):
    def asked(arm, condition, rate, metric="loud"):
        of = f"{metric}, {arm}, {condition}"
        return PooledGate(
            name="told", of=of, arm=arm, condition=condition, state="unclear", seen=f"{rate}", wanted="all", rate=rate
        )

    gates = [asked("ps", f"c{at}", 0.9 - at / 10) for at in range(5)]
    gates += [
        asked("ip", "clean", 0.8),
        asked("ps", "clean", 0.7, "soft"),
        replace(asked("ps", "a", 1.0), state="held"),
    ]
    table = replace(read(write_study(tmp_path))[1][0], gates=tuple(gates))
    assert gate_rows(table)[-2:] == (
        ("told", "loud: ps under c0, c1, c2 and 2 more; ip under clean", "unclear", "at the lowest 0.5", "all"),
        ("told", "soft, ps, clean", "unclear", "0.7", "all"),
    )


def test_unfinished_cells_are_left_out_and_named(tmp_path):
    write_run(tmp_path, cell("none"), {"clean": 1.0})
    folder = write_run(tmp_path, cell("ps"), {}, status="running")
    results, tables = read(tmp_path)
    assert results.unfinished == (folder,)
    assert [arm.label for arm in tables[0].arms] == ["none"]
    assert f"1 unfinished cell left out: {folder}" in reporting.text(results, tables)


def test_of_two_runs_of_one_cell_the_one_with_the_installed_key_counts(tmp_path):
    old = write_run(tmp_path, cell("none"), {"clean": 0.0}, key="a" * 64, created="2026-01-01")
    new = write_run(tmp_path, cell("none"), {"clean": 1.0}, key="b" * 64, created="2026-02-01")
    for key, mean, stale in (("a" * 64, 0.0, new), ("b" * 64, 1.0, old), (None, 1.0, old)):
        results, (table,) = read(tmp_path, key_of=lambda cell, dtype, key=key: key)
        assert block(table).cells["none", "clean"].mean == mean
        assert [folder for folder, _ in results.stale] == [stale]
        assert f"stale, left out: {stale}" in reporting.text(results, (table,))


def test_one_model_under_two_paths_is_one_table_with_its_short_name(tmp_path):
    for seed, place in enumerate(("/here/Tiny-Llama", "/there/tiny_llama")):
        made = replace(cell("none", seed=seed), model=place)
        write_run(tmp_path, made, EVEN, place=f"s{seed}", inputs={"cell": {"model": "a" * 64}})
    _, (table,) = read(tmp_path)
    assert table.arms[0].seeds == (0, 1)
    assert table.model in {"tiny_llama", "tiny-llama"}


def test_the_same_cell_of_one_model_under_two_paths_counts_once(tmp_path):
    for number, place in enumerate(("/here/tiny", "/there/tiny")):
        made = replace(cell("none"), model=place)
        inputs = {"cell": {"model": "a" * 64}}
        write_run(tmp_path, made, EVEN, place=f"s{number}", inputs=inputs, created=f"2026-0{number + 1}-01")
    results, (table,) = read(tmp_path, key_of=lambda cell, dtype: None)
    assert [run.cell.model for run in table.arms[0].runs] == ["/there/tiny"]
    assert [folder.name for folder, _ in results.stale] == ["s0"]


def test_two_models_of_one_name_are_told_apart_by_their_paths(tmp_path):
    for digest, place in (("a", "/here/tiny"), ("b", "/there/tiny")):
        write_run(
            tmp_path, replace(cell("none"), model=place), EVEN, place=digest, inputs={"cell": {"model": digest * 64}}
        )
    _, found = read(tmp_path)
    assert [table.model for table in found] == ["/here/tiny", "/there/tiny"]


def test_a_model_that_changed_in_its_folder_is_not_mixed_with_what_it_was(tmp_path):
    for seed, digest in enumerate("ab"):
        write_run(
            tmp_path,
            replace(cell("none", seed=seed), model="/here/tiny"),
            EVEN,
            place=digest,
            inputs={"cell": {"model": digest * 64}},
        )
    _, found = read(tmp_path)
    assert [table.arms[0].seeds for table in sorted(found, key=lambda one: one.arms[0].seeds)] == [(0,), (1,)]
    assert len({table.model for table in found}) == 2


def test_seeds_made_from_different_inputs_are_not_averaged_in_silence(tmp_path):
    write_run(tmp_path, cell("ps", seed=0), EVEN, inputs={"recipe": {"lr": 1e-4}, "rows": "x"})
    write_run(tmp_path, cell("ps", seed=1), EVEN, inputs={"recipe": {"lr": 3e-4}, "rows": "y"})
    _, (table,) = read(tmp_path)
    assert [note for note in table.notes if "recipe" in note] == [
        "ps averages over runs with different recipe: seeds 0 against seeds 1"
    ]
    assert not any("rows" in note for note in table.notes)


def test_arms_made_from_different_inputs_are_named(tmp_path):
    write_run(tmp_path, cell("none"), EVEN, inputs={"cases": "a", "vectors": {"reply": "k"}})
    write_run(tmp_path, cell("ps"), EVEN, inputs={"cases": "b", "vectors": {"reply": "l"}})
    _, (table,) = read(tmp_path)
    assert "arms differ in cases; compare only within: none; ps" in table.notes
    assert "arms differ in vector reply; compare only within: none; ps" in table.notes


def test_a_condition_that_a_seed_lacks_is_named(tmp_path):
    write_run(tmp_path, cell("ps", seed=0), EVEN)
    write_run(tmp_path, cell("ps", seed=1), {"clean": 0.5})
    _, (table,) = read(tmp_path)
    assert "ps: prompt:negative lacks seed 1" in table.notes


def test_without_the_base_model_there_is_no_leak_and_a_note_says_so(tmp_path):
    write_run(tmp_path, cell("ps"), EVEN)
    _, (table,) = read(tmp_path)
    assert [one.kind for one in table.blocks] == ["mean"]
    assert "no leak: the untrained base model has not been evaluated here" in table.notes


def test_scores_that_are_no_shares_are_not_shown_as_percent(tmp_path):
    folder = write_run(tmp_path, cell("none"), {"clean": 0.5}, cases=4)
    file = folder / "results.jsonl"
    file.write_text(file.read_text().replace('"value": 1.0', '"value": 70.0'))
    results, tables = read(tmp_path)
    assert block(tables[0]).cells["none", "clean"].mean == 35
    assert "35 [" in reporting.text(results, tables)


@pytest.mark.parametrize(
    ("damage", "line", "reason"),
    [
        (lambda text: text[:-20], 40, "cut, or not JSON"),
        (lambda text: text.replace('"value": 1.0', '"value": NaN', 1), 1, "NaN is no JSON number"),
        (lambda text: text.replace('"cluster"', '"clutter"', 1), 1, "no 'cluster'"),
        (lambda text: "[1]\n" + text, 1, "not a JSON object"),
    ],
)
def test_a_damaged_results_file_stops_with_its_line(tmp_path, damage, line, reason):
    folder = write_run(tmp_path, cell("none"), {"clean": 0.5})
    file = folder / "results.jsonl"
    file.write_text(damage(file.read_text()))
    with pytest.raises(HarnessError, match=reason) as caught:
        analysis.load(tmp_path)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert "\n" not in str(caught.value)


def test_a_run_record_that_is_no_record_stops_with_its_path(tmp_path):
    folder = write_run(tmp_path, cell("none"), {"clean": 0.5})
    (folder / "run.json").write_text('{"cell": {')
    with pytest.raises(HarnessError, match=r"run\.json: not a run record"):
        analysis.load(tmp_path)


def test_a_missing_runs_folder_says_how_to_fill_it(tmp_path):
    with pytest.raises(HarnessError, match="no runs folder at"):
        analysis.load(tmp_path / "nowhere")


def test_other_settings_are_left_alone(tmp_path):
    write_run(tmp_path, cell("none"), {"clean": 0.5})
    assert analysis.load(tmp_path, settings=["elsewhere"]).runs == ()


def test_a_setting_that_is_not_installed_is_still_shown(tmp_path):
    from dataclasses import replace

    write_run(tmp_path, replace(cell("none"), setting="gone"), EVEN)
    results, (table,) = read(tmp_path)
    assert table.conditions == CONDITIONS
    assert "setting 'gone' is not installed" in reporting.text(results, (table,))


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_page_fits_its_width_and_shows_every_figure(tmp_path, width):
    results, tables = read(write_study(tmp_path, seeds=1))
    page = reporting.text(results, tables, width=width)
    body = page[: page.index("inspect view")]
    assert max(map(len, body.splitlines())) <= width
    assert page.partition("\ngates ")[0].count("[") == sum(len(one.cells) for one in tables[0].blocks)
    assert "…" not in page


def test_the_same_results_give_the_same_bytes(tmp_path):
    write_study(tmp_path)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); from runs_made_up import registry; "
        "from harness import analysis, reporting; found = analysis.load(Path(sys.argv[2])); "
        "shown = analysis.tables(found, registry()); "
        "print(reporting.text(found, shown) + reporting.markdown(found, shown) + reporting.as_json(found, shown)); "
        "print([name for name in ('torch', 'inspect_ai', 'transformers', 'matplotlib') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    pages = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert pages[0] == pages[1]
    assert pages[0].endswith("[]\n")


def test_json_carries_the_figures_as_fractions(tmp_path):
    results, tables = read(write_study(tmp_path))
    record = json.loads(reporting.as_json(results, tables))
    cells = record["tables"][0]["blocks"][0]["cells"]
    seen = next(one for one in cells if (one["arm"], one["condition"]) == ("ps", "vector:reply@0.5rms"))
    assert seen["mean"] == pytest.approx(0.6)
    assert set(seen) >= {"low", "high", "n", "judged", "clusters", "seeds", "method"}


def test_the_last_line_is_the_command_for_the_transcripts_with_its_path_quoted(tmp_path):
    runs = tmp_path / "my runs"
    runs.mkdir()
    write_run(runs, cell("none"), {"clean": 0.5})
    results, tables = read(runs)
    assert reporting.text(results, tables).splitlines()[-1] == f"inspect view --log-dir '{runs}'"


def test_the_agreement_of_two_judges_is_told_for_all_arms_and_for_each(tmp_path):
    same, other = {"english": 1.0, "spanish": 0.0}, {"english": 0.25, "spanish": 0.75}
    for name, seconds in {"none": [same, other], "ps": [same, same]}.items():
        folder = write_run(tmp_path, cell(name), EVEN)
        rows = [{**REPLY, "judge": "words", "check": "detector", "first": same, "second": second} for second in seconds]
        (folder / "checks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results, (table,) = read(tmp_path)
    assert {one.arm: (one.agreement.replies, one.agreement.same) for one in table.agreed} == {
        "": (4, 0.75),
        "none": (2, 0.5),
        "ps": (2, 1.0),
    }
    page = reporting.markdown(results, [table])
    assert "### agreement of words with detector" in page
    assert "| all arms | 4 | 4 | 0 | 0 | 0 | 75.0 | 0.00 | 18.8 | 18.8 |" in page
    assert "agreement of words with detector" in reporting.text(results, [table])


def test_what_the_second_judge_alone_gives_stands_beside_the_agreement(tmp_path):
    same, nothing = {"english": 1.0, "spanish": 0.0}, {"english": 0.0, "spanish": 0.0}
    seconds = [(same, {"another": 0.0}), (nothing, {"another": 1.0}), (dict.fromkeys(same), {"another": None})]
    folder = write_run(tmp_path, cell("none"), EVEN)
    rows = [
        {**REPLY, "judge": "words", "check": "detector", "first": same, "second": second, "own": own}
        for second, own in seconds
    ]
    (folder / "checks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results, (table,) = read(tmp_path)
    [every, _] = table.agreed
    assert (every.own, every.agreement.both, every.agreement.same) == ({"another": 0.5}, 2, 0.5)
    page = reporting.markdown(results, [table])
    assert "| spanish apart | another by detector |" in page
    assert "| all arms | 3 | 2 | 1 | 0 | 0 | 50.0 | 0.00 | 50.0 | 0.0 | 50.0 |" in page
    assert "another by detector" in reporting.page(results, [table])
    assert json.loads(reporting.as_json(results, [table]))["tables"][0]["agreement"][0]["own"] == {"another": 0.5}


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ('"first": {"eng', "cut, or not JSON"),
        ('"first": {"english": 1.0}, "second": {"spanish": 1.0}}', "the two judges give different scores"),
        ('"first": {"english": 1.0}, "second": {"english": 1.0}, "own": {"x": "y"}}', "'own' cannot be"),
        ('"first": {"english": NaN}, "second": {"english": 1.0}}', "cut, or not JSON: NaN is no JSON number"),
    ],
)
def test_a_broken_row_of_two_judges_is_named_by_file_and_line(tmp_path, scores, said):
    folder = write_run(tmp_path, cell("none"), EVEN)
    about = json.dumps({**REPLY, "judge": "words", "check": "detector"}).removesuffix("}")
    (folder / "checks.jsonl").write_text(f"{about}, {scores}")
    with pytest.raises(HarnessError, match=rf"checks\.jsonl:1: {said}"):
        read(tmp_path)
