"""Laws of the page: self-contained, escaped, whole, the same bytes from the same results, and it grows no faster."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from runs_made_up import CONDITIONS, cell, registry, write_run, write_study

from benchmarks.made_up import MODELS, UNTAUGHT, trait, write_cells
from harness import analysis, cli, reporting
from harness.analysis import costs, tradeoffs
from harness.analysis.tradeoffs import unbeaten
from harness.cells import Cell
from harness.registry import installed, using
from harness.reporting import Opening, Section, page, page_figures, vector_cards
from harness.reporting.drawings import spread
from harness.reporting.wording import interval_of, mean_of

ROOT = Path(__file__).parent.parent
HOSTILE = "<img src=x onerror=alert(1)>"
EVEN = dict.fromkeys(CONDITIONS, 0.5)


class Page(HTMLParser):
    """What a page holds: its texts by tag, and every address that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = ("href", "src", "xlink:href", "action", "data", "poster")
        self.addresses += [value or "" for name, value in attributes if name in named]
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, text: str) -> None:
        if self.cells:
            self.cells[-1] += text


def made(runs: Path, **options: Any) -> str:
    results = analysis.load(runs)
    return page(results, analysis.tables(results, registry()), cards=vector_cards(runs), **options)


def test_every_figure_of_every_table_stands_on_the_page(tmp_path: Path) -> None:
    results = analysis.load(write_study(tmp_path))
    tables = analysis.tables(results, registry())
    cells = [text.strip() for text in Page(page(results, tables)).cells]
    for block in tables[0].blocks:
        for found in block.cells.values():
            wanted = mean_of(found, block) + interval_of(found, block)
            assert any(text.startswith(wanted) for text in cells), wanted


def test_no_address_leads_off_the_page_and_the_policy_lets_only_its_own_script_run(tmp_path: Path) -> None:
    text = made(write_study(tmp_path))
    assert [one for one in Page(text).addresses if not one.startswith(("#", "data:,"))] == []
    assert not re.search(r"@import|url\((?!#)", text)
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy


def test_nothing_that_a_run_says_becomes_markup(tmp_path: Path) -> None:
    gates = {HOSTILE: {"ok": False, "seen": "</script><script>alert(1)</script>", "wanted": HOSTILE}}
    for name in ("ps", "none"):
        write_run(tmp_path, cell(name), {**EVEN, f"prompt:{HOSTILE}": 0.5}, gates=gates, metric=HOSTILE)
    harmless = Page(made(write_study(tmp_path / "other"))).tags
    found = Page(made(tmp_path / "gcd"))
    assert "img" not in found.tags
    assert found.tags.count("script") == harmless.count("script") == 2


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_run(tmp_path, cell("ps", dose=0.5), EVEN)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); from test_page import made; "
        "print(made(Path(sys.argv[2])), [name for name in ('torch', 'inspect_ai') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    pages = [
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in "12"
    ]
    assert pages[0].stdout == pages[1].stdout
    assert pages[0].stdout.endswith(b"[]\n")


def test_every_figure_of_a_page_has_ids_of_its_own_that_are_all_there(tmp_path: Path) -> None:
    write_study(tmp_path)
    write_run(tmp_path, cell("ps", dose=0.5), EVEN)
    text = made(tmp_path)
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'xlink:href="#([^"]*)"|url\(#([^)]*)\)', text)) != set()
    used = {one or other for one, other in re.findall(r'xlink:href="#([^"]*)"|url\(#([^)]*)\)', text)}
    assert used <= set(ids)


def test_colours_of_figures_follow_the_page(tmp_path: Path) -> None:
    figures = re.findall(r"<svg.*?</svg>", made(write_study(tmp_path)), re.DOTALL)
    assert figures
    assert not any(re.search(r"(?:fill|stroke): #", figure) for figure in figures)


def test_failed_gates_are_listed_and_the_lowest_arm_is_not_one_of_them(tmp_path: Path) -> None:
    gates = {"fired": {"ok": False, "seen": "0 of 9 steps", "wanted": "every step"}}
    write_run(tmp_path, cell("none"), {"clean": 0.9})
    write_run(tmp_path, cell("ip"), {"clean": 0.3})
    write_run(tmp_path, cell("ps"), {"clean": 0.1}, gates=gates)
    text = made(tmp_path)
    section = text.partition('id="gates"')[2].partition("</section>")[0]
    told = ("fired", "ps, seed 0", "failed, run left out", "0 of 9 steps", "every step")
    assert "".join(f"<td>{cell}</td>" for cell in told) in section
    summary = text.partition('id="summary"')[2].partition("</section>")[0]
    assert '<td class="label">ip</td>' in summary


def test_sections_that_are_given_open_the_page(tmp_path: Path) -> None:
    given = Section(title="the post's table", detail="", head=("claim", "verdict"), rows=(("PS > IP", "reproduced"),))
    text = made(write_study(tmp_path, seeds=1), opening=Opening(verdicts=[given]))
    assert text.index("the post&#39;s table") < text.index("PS &gt; IP") < text.index('id="summary"')


def test_a_folder_without_a_finished_cell_makes_a_page_that_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path, cell("none"), {}, status="running")
    text = made(tmp_path)
    assert "No finished cell here." in text
    assert str(folder) in text


def test_every_number_leads_to_logs_that_are_there(tmp_path: Path) -> None:
    write_study(tmp_path)
    for at in tmp_path.rglob("run.json"):
        (at.parent / "logs").mkdir()
        for name in ("clean", "prompt-inoculation", "prompt-negative", "vector-reply@0.5rms"):
            (at.parent / "logs" / f"{name}.eval").touch()
    text = made(tmp_path)
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)[0])
    (table,) = data["tables"]
    for block in table["blocks"]:
        assert block["cells"]
        for place, (_, _, _, _, method, means) in block["cells"].items():
            row, column = map(int, place.split(","))
            arm, condition = table["arms"][row], table["conditions"][column]
            assert data["methods"][method]
            assert len(means) == len(arm["runs"])
            for _, folder in arm["runs"]:
                log = tmp_path / folder / "logs" / condition[1]
                assert log.is_file() or condition[0].startswith("vector:random")


def test_the_csv_holds_what_the_json_holds_and_each_seed_below_it(tmp_path: Path) -> None:
    results = analysis.load(write_study(tmp_path))
    tables = analysis.tables(results, registry())
    rows = list(csv.DictReader(io.StringIO(reporting.as_csv(results, tables))))
    record = reporting.as_record(results, tables)["tables"][0]
    for block in record["blocks"]:
        for one in block["cells"]:
            same = [row for row in rows if (row["kind"], row["arm"], row["condition"]) == _place(block, one)]
            (whole,) = [row for row in same if not row["seed"]]
            assert float(whole["mean"]) == pytest.approx(one["mean"], abs=1e-5)
            assert int(whole["n"]) == one["n"]
            by_seed = [float(row["mean"]) for row in same if row["seed"]]
            assert len(by_seed) == (one["seeds"] if block["kind"] == "mean" else 0)


def _place(block: dict[str, Any], one: dict[str, Any]) -> tuple[str, str, str]:
    return block["kind"], one["arm"], one["condition"]


def test_an_arms_cost_is_the_sum_of_its_runs_and_is_held_against_plain_training_on_the_same_hardware(
    tmp_path: Path,
) -> None:
    for name, seconds, processor in (("none", 10.0, "A"), ("ip", 12.0, "A"), ("ps", 99.0, "B")):
        for seed in (0, 1):
            folder = write_run(tmp_path, cell(name, seed=seed), {"clean": 0.5})
            record = json.loads((folder / "run.json").read_text())
            record |= {
                "steps": {"train": {"seconds": seconds, "tokens": 100}, "evaluate": {"seconds": 5.0, "tokens": 7}},
                "hardware": {"processor": processor, "cores": 2, "threads": 1, "gpus": []},
                "grader": {"model": "someone/else", "usd": 0.25},
            }
            (folder / "run.json").write_text(json.dumps(record))
    (table,) = analysis.tables(analysis.load(tmp_path), registry())
    none, ip, ps = costs(table)
    assert (ip.train, ip.evaluate, ip.train_tokens, ip.evaluate_tokens) == (24.0, 10.0, 200, 14)
    assert (none.trained, ip.trained, ps.trained) == (1.0, pytest.approx(1.2), None)
    assert (ip.usd, ip.vectors, ip.hardware) == (0.5, None, ("A, 2 cores, 1 thread",))


def test_an_old_record_without_steps_costs_nothing_known(tmp_path: Path) -> None:
    write_run(tmp_path, cell("none"), {"clean": 0.5})
    (table,) = analysis.tables(analysis.load(tmp_path), registry())
    (cost,) = costs(table)
    assert (cost.train, cost.trained, cost.usd, cost.hardware) == (None, None, None, ())


def test_an_arm_is_unbeaten_unless_another_has_no_more_trait_no_less_skill_and_differs() -> None:
    places = [(0.1, 0.5), (0.1, 0.5), (0.2, 0.9), (0.2, 0.8), (0.9, 0.1)]
    assert unbeaten(places) == (True, True, True, False, False)


def test_trait_stands_against_each_skill_and_the_untrained_model_beats_nobody(tmp_path: Path) -> None:
    write_cells(tmp_path, installed(), 72)
    (table, *_) = analysis.tables(analysis.load(tmp_path, settings=["gcd_sycophancy"]), installed())
    found = tradeoffs(table)
    assert [one.skill.metric for one in found] == ["solves", "confirms_right"]
    assert all(not place.unbeaten for one in found for place in one.places if place.arm.intervention == "base")
    assert all(any(place.unbeaten for place in one.places) for one in found)


@pytest.mark.parametrize("wanted", [[0.5] * 8, [0.0, 0.01, 0.02], [0.9, 0.95, 1.0], [0.1, 0.5, 0.9], []])
def test_labels_are_spread_in_order_inside_and_apart(wanted: list[float]) -> None:
    placed = spread(wanted, gap=0.06)
    assert placed == sorted(placed)
    assert all(0 <= at <= 1 for at in placed)
    assert all(after - before >= 0.06 - 1e-9 for before, after in pairwise(placed))


def test_effects_that_were_put_in_come_back_and_a_planted_failure_is_found(tmp_path: Path) -> None:
    write_cells(tmp_path, installed(), 150)
    tables = analysis.tables(analysis.load(tmp_path), installed())
    assert len(tables) >= 6
    for table in tables:
        (block,) = [one for one in table.blocks if one.kind == "mean" and one.goal == "suppress"][:1]
        for arm in table.arms:
            found = block.cells[arm.label, "clean"]
            made_with = Cell(setting=table.setting, intervention=arm.intervention, dose=arm.dose)
            last = (table.setting, table.model) == (tables[-1].setting, MODELS[-1])
            untaught = last and arm.intervention == "none"
            assert found.mean == pytest.approx(UNTAUGHT if untaught else trait(made_with, "clean"), abs=0.25)
    failed = [(table.setting, arm.label) for table in tables for arm in table.arms if arm.failed]
    assert failed == [(tables[-1].setting, "none")]
    assert f"learned_{tables[-1].trait}" in made_of(tmp_path)


def made_of(runs: Path) -> str:
    results = analysis.load(runs)
    return page(results, analysis.tables(results, installed()), cards=vector_cards(runs))


def test_the_command_writes_the_page_in_one_step_and_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, file = write_study(tmp_path / "runs", seeds=1), tmp_path / "out" / "report.html"
    with using(registry()):
        assert cli.main(["report", "--runs", str(runs), "--html", str(file)]) == 0
    shown, said = capsys.readouterr()
    assert shown == ""
    assert said == f"{file}, 0.1 MB\n"
    assert [one.name for one in file.parent.iterdir()] == ["report.html"]
    with using(registry()):
        assert cli.main(["report", "--runs", str(runs), "--csv"]) == 0
    assert capsys.readouterr().out.startswith("setting,scale,model,arm,")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bundle"], "name the page with --html FILE"),
        (["--csv", "--json"], "two forms of one report; choose one"),
        (["--csv", "--claims", "post.yaml"], "verdicts are for reading"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", "--runs", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


def test_three_times_the_cells_take_little_more_than_three_times_as_much() -> None:
    few, many = measured("40,120")
    assert many["cpu_seconds"] < 4 * few["cpu_seconds"]
    assert many["peak_bytes"] < 2.5 * few["peak_bytes"]
    assert many["page_bytes"] < 3.5 * few["page_bytes"]


@pytest.mark.slow
def test_500_cells_make_a_page_with_a_gigabyte_and_of_5_megabytes() -> None:
    (found,) = measured("500")
    assert found["peak_bytes"] < 1e9
    assert found["page_bytes"] < 5e6


def measured(cells: str) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks", "report", "--cells", cells, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return list(json.loads(done.stdout))


def test_figures_that_several_processes_draw_are_those_that_one_draws(tmp_path: Path) -> None:
    """In a process of its own: this one holds torch, with whose threads no fork is safe."""
    write_cells(tmp_path, installed(), 30)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from harness import analysis; from harness.registry import installed\n"
        "from harness.reporting import page_figures\n"
        "from harness.calls import called\n"
        "called(lambda: 'a plugin', int)\n"  # which leaves a thread that watches
        "os.sched_getaffinity = lambda process: {0, 1, 2}\n"
        "tables = analysis.tables(analysis.load(Path(sys.argv[1])), installed())\n"
        "forked, by_fork = [], page_figures._forked\n"
        "page_figures._forked = lambda *given: forked.append(given) or by_fork(*given)\n"
        "several = page_figures.told_of(tables)\n"
        "page_figures.can_fork = lambda: False\n"
        "print(len(tables), len(forked), forked[0][1], several == page_figures.told_of(tables))\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    seen = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
    assert seen.stdout == "10 1 3 True\n"


def test_where_the_processes_that_draw_die_this_one_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(tables: object, processes: int) -> None:
        raise BrokenProcessPool("killed for memory")

    tables = analysis.tables(analysis.load(write_study(tmp_path, seeds=1)), registry()) * page_figures.FEWEST
    alone = page_figures.told_of(tables)
    monkeypatch.setattr(page_figures, "can_fork", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(page_figures, "_forked", die)
    assert page_figures.told_of(tables) == alone
    assert len(alone) == page_figures.FEWEST
