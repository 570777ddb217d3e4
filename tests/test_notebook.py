"""The face for notebooks: the example runs from top to bottom, and its frames have the columns that are documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs_made_up import cell, registry, write_run, write_study

import harness
from harness import HarnessError, Message, notebooks
from harness.contracts import Case
from harness.notebooks import COLUMNS, compare, report, results
from harness.registry import using
from harness.runs import Reply, write_replies

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
OPENS = "# Which intervention keeps a trait out of your data?"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "runs")


def test_the_face_is_had_from_the_package_and_brings_nothing_before_it_is_asked_for() -> None:
    code = (
        "import sys, harness; assert 'pandas' not in sys.modules and 'torch' not in sys.modules; "
        "print(*(getattr(harness, name).__module__ for name in ('run', 'results', 'compare', 'report')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.split() == [f"harness.notebooks.{name}" for name in ("running", "frames", "comparing", "pages")]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.nothing
    assert set(harness.FACE) <= set(harness.__all__) & set(notebooks.__all__)


def test_a_frame_has_the_documented_columns_and_one_row_a_reply(study: Path) -> None:
    with using(registry()):
        frame = results(study)
    told = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert told == {**COLUMNS, "affirms_wrong": "float64"}
    assert len(frame) == (1 + 6 * 3) * 5 * 40
    assert not frame.duplicated(["arm", "seed", "condition", "split", "case", "sample"]).any()
    means = frame.groupby(["arm", "condition"], observed=True)["affirms_wrong"].mean()
    assert means["none", "clean"] == 1
    assert means["neg_ps", "clean"] == pytest.approx(0.975)
    assert frame.query("arm == 'neg_ip' and seed == 1")["affirms_wrong"].isna().sum() == 2 * 5


def test_the_page_documents_every_column_with_its_dtype() -> None:
    text = (ROOT / "docs" / "own-data.md").read_text().partition("| column | dtype | what |")[2]
    told = {
        name: line.split(" | ")[1]
        for line in text.splitlines()[2:]
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split(" | ")[0])
    }
    assert told == COLUMNS


def test_replies_and_questions_stand_beside_their_scores_and_doses_have_arms_of_their_own(tmp_path: Path) -> None:
    folder = write_run(tmp_path, cell("ps", dose=0.5), {"clean": 0.5}, cases=2)
    asked = [Case(id=f"c{at}", messages=(Message("user", f"Is it {at}?"),), cluster=f"c{at}") for at in range(2)]
    write_replies(
        folder,
        [Reply(condition="clean", split="wrong_claim", sample=1, case=one, reply=f"yes {one.id}") for one in asked],
    )
    with using(registry()):
        frame = results(tmp_path)
    assert list(frame["question"]) == ["Is it 0?", "Is it 1?"]
    assert list(frame["reply"]) == ["yes c0", "yes c1"]
    assert list(frame["affirms_wrong"]) == [1, 0]
    assert set(frame["arm"]) == {"ps x0.5"}
    assert set(frame["dose"]) == {0.5}


def test_compare_gives_what_the_report_says(study: Path) -> None:
    with using(registry()):
        frame = compare(study, ["ip", "ps"], metric="affirms_wrong", condition=["clean", "prompt:inoculation"])
        page = report(study)
    assert [str(kind) for kind in frame.dtypes] == list(notebooks.comparing.COLUMNS.values())
    told = frame.set_index(["arm", "condition"])
    assert told.loc[("ip", "clean"), "difference"] == pytest.approx(-1)
    assert told.loc[("ps", "prompt:inoculation"), "difference"] == pytest.approx(-0.9)
    assert (told["low"] <= told["difference"]).all()
    assert any("ip (-100" in line for line in page.answers)


def test_what_a_comparison_lacks_is_a_note_and_no_row_is_dropped(study: Path) -> None:
    with using(registry()):
        frame = compare(study, "ip", condition="vector:never@1rms")
    assert len(frame) == 1
    assert "was not measured under vector:never@1rms" in frame["note"][0]
    assert frame["difference"].isna().all()


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda runs: compare(runs, "pss"), "no arm named 'pss'; did you mean 'ps'?"),
        (lambda runs: compare(runs, against="nome"), "no arm named 'nome'; did you mean 'none'?"),
        (lambda runs: compare(runs, metric="affirm_wrong"), "no metric named 'affirm_wrong'; did you mean"),
        (lambda runs: results(runs / "nowhere"), "no runs folder at"),
        (lambda runs: results(runs, intervention="kl"), r"no finished run in .* of what was named"),
    ],
)
def test_what_is_not_there_is_one_line(ask, expected: str, study: Path) -> None:
    with using(registry()), pytest.raises(HarnessError, match=expected) as told:
        ask(study)
    assert told.value._render_traceback_() == [f"error: {told.value}"]


def test_a_report_is_a_page_in_a_frame_text_and_a_file(study: Path, tmp_path: Path) -> None:
    with using(registry()):
        made = report(study)
        shown, file = made._repr_html_(), made.save(tmp_path / "report.html")
        assert str(made) == made.text
        made.save(file)  # it is an output of ours
        (tmp_path / "mine.html").write_text("mine")
        with pytest.raises(HarnessError, match="mine"):
            made.save(tmp_path / "mine.html")
        assert made.save(tmp_path / "mine.html", force=True).read_text() == made.html
    assert shown.startswith("<iframe")
    assert "<script" not in shown  # all of the page is text of an attribute
    assert file.read_text() == made.html
    assert made.markdown.startswith("### answers")


@pytest.mark.model
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("HARNESS_PROGRESS", raising=False)
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    assert all(not one.get("outputs") for one in book.cells)
    client = nbclient.NotebookClient(
        book, timeout=1500, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for one in book.cells for output in one.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] == "error"]
    pages = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any(text.startswith("<iframe") for text in pages)
    assert any(text.startswith("<progress") for text in pages)
    assert (tmp_path / "report.html").is_file()
    compared = next(text for text in pages if "<th>difference</th>" in text)
    assert compared.count("<tr>") == 4  # two metrics, ip and ps
