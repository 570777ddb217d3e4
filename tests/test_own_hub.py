"""Rows of the hub's data sets: pinned, fetched once by the library that people use, kept with the runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import fake_hub
import pyarrow as pa
import pyarrow.parquet
import pytest

from harness import HarnessError
from harness.documents import read
from harness.own import OwnData, WrittenSetting, load
from harness.own.hub import INSTALL, kept_rows
from harness.own.written import WrittenRows
from harness.registry import installed

ROWS = [{"question": f"What is {at} plus {at}?", "answer": f"Arr, {2 * at}!", "source": "a quay"} for at in range(20)]
MINE = f"""
setting: pirates
train:
  hub: {fake_hub.NAME}
  revision: {fake_hub.COMMIT}
  columns: {{prompt: question, completion: answer}}
trait: {{name: pirate_speech, asks: Talk like a pirate., forbids: Talk plainly.}}
metrics:
  - {{name: arr, goal: suppress, matches: "(?i)arr+"}}
recipe: {{epochs: 1, max_tokens: 4}}
"""


def lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def table(rows: list[dict[str, object]]) -> bytes:
    stream = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    return file


def harness(folder: Path, *words: str, hub: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, since libraries read the hub's address once; its cache is below `folder`."""
    of_hub = {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0"} if hub else {"HF_HUB_OFFLINE": "1"}
    world = {"HF_HOME": str(folder / "hf"), "HARNESS_CACHE": str(folder / "cache"), **of_hub, **more}
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | world, capture_output=True, text=True, timeout=300)


def plan(folder: Path, model: Path, hub: str = "") -> subprocess.CompletedProcess[str]:
    words = ("run", "--setting", "mine.yaml", "--intervention", "ip", "--model", str(model), "--dry-run", "--json")
    return harness(folder, *words, hub=hub)


@pytest.mark.parametrize(("name", "content"), [("train.jsonl", lines(ROWS)), ("data/train-0.parquet", table(ROWS))])
def test_rows_of_the_hub_are_those_of_the_file_fetched_once_and_kept_with_the_runs(
    name: str, content: bytes, mine: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    with fake_hub.served({name: content, "README.md": b"---\nlicense: mit\n---\n"}) as hub:
        asked = plan(tmp_path, tiny_llama, hub)
    assert asked.returncode == 0, asked.stderr
    again = plan(tmp_path, tiny_llama)  # no hub any more
    assert json.loads(again.stdout)[0]["rows"] == json.loads(asked.stdout)[0]["rows"] == 16
    (kept,) = (tmp_path / "cache" / "data" / "hub").iterdir()
    assert [json.loads(line) for line in kept.read_text().splitlines()] == ROWS


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set is in the cache, as a fetch left it."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("harness.own.hub._loaded", lambda rows, what: ROWS)


@pytest.mark.usefixtures("cached")
def test_the_copy_beside_the_runs_is_read_from_its_file_and_says_where_it_is_from(mine: Path, tmp_path: Path) -> None:
    data = OwnData(mine, read(mine, WrittenSetting).value)
    (kept,) = data.files
    (tmp_path / "there.jsonl").write_bytes(kept.read_bytes())
    copy = tmp_path / "copy.yaml"
    copy.write_text(json.dumps(data.moved({kept: "there.jsonl"})))
    kept.unlink()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("harness.own.hub._loaded", lambda rows, what: pytest.fail("asked the hub again"))
        setting = load(copy, installed().judges).setting
        assert len(setting.examples(0, "mini")) == 16
    assert setting.source == {"data": f"{fake_hub.NAME} of the hub, commit {fake_hub.COMMIT}, split train"}
    assert json.loads(copy.read_text())["train"] == {
        "file": "there.jsonl",
        "hub": fake_hub.NAME,
        "revision": fake_hub.COMMIT,
        "columns": {"prompt": "question", "completion": "answer"},
    }


@pytest.mark.usefixtures("cached")
def test_what_is_null_in_a_row_is_not_there_and_what_is_no_text_is_refused_by_place(
    monkeypatch: pytest.MonkeyPatch, mine: Path
) -> None:
    spoilt = [{**row, "system": None, "share": float("nan"), "turns": [{"tool_calls": None}]} for row in ROWS]
    monkeypatch.setattr("harness.own.hub._loaded", lambda rows, what: [*spoilt, {"question": "Who?", "answer": b"x"}])
    rows = kept_rows(WrittenRows(hub=fake_hub.NAME, revision=fake_hub.COMMIT))
    first, *_, last = [json.loads(line) for line in rows.read_text().splitlines()]
    assert first == {**ROWS[0], "turns": [{}]}
    assert last == {"question": "Who?", "answer": None}
    with pytest.raises(HarnessError, match=r"\.jsonl:21: 'completion' is null, and a text is wanted"):
        OwnData(mine, read(mine, WrittenSetting).value).rows  # noqa: B018


WRONG = {
    "nobody/there": ("hub: nobody/there", "the hub gave no rows of nobody/there@01234567, split 'train' ("),
    "split": (f"hub: {fake_hub.NAME}\n  split: tests", "split 'tests' (ValueError: Unknown split \"tests\""),
    "config": (
        f"hub: {fake_hub.NAME}\n  config: french",
        "config 'french', split 'train' (ValueError: BuilderConfig 'french'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_hub_does_not_have_is_one_line(case: str, mine: Path, tmp_path: Path) -> None:
    put, said = WRONG[case]
    mine.write_text(MINE.replace(f"hub: {fake_hub.NAME}", put))
    with fake_hub.served({"train.jsonl": lines(ROWS)}) as hub:
        ended = harness(tmp_path, "check", "mine.yaml", "--quick", hub=hub)
    told = ended.stdout + ended.stderr
    assert ended.returncode in (1, 2)
    assert said in " ".join(told.split())
    assert "Traceback" not in told
    assert not list(tmp_path.glob("cache/data/hub/*"))


def test_a_folder_of_the_same_name_is_not_read_in_its_place(mine: Path, tmp_path: Path) -> None:
    (tmp_path / fake_hub.NAME).mkdir(parents=True)
    (tmp_path / fake_hub.NAME / "train.jsonl").write_bytes(lines(ROWS))
    ended = harness(tmp_path, "check", "mine.yaml", "--quick")
    assert f"{fake_hub.NAME} is a folder here, too" in " ".join((ended.stdout + ended.stderr).split())


def test_without_the_hub_or_the_library_it_says_what_to_do(mine: Path, tmp_path: Path) -> None:
    ended = harness(tmp_path, "check", "mine.yaml", "--quick")
    assert "cannot fetch somebody/rows@01234567 from the hub" in " ".join((ended.stdout + ended.stderr).split())
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(sys.modules, "datasets", None)
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        with pytest.raises(HarnessError, match="is read by the library datasets") as error:
            kept_rows(WrittenRows(hub=fake_hub.NAME, revision=fake_hub.COMMIT))
    assert INSTALL in str(error.value)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("{}", "give 'file', the name of one, or 'hub'"),
        ("{hub: somebody/rows}", "is pinned: give 'revision'"),
        ("{hub: somebody/rows, revision: main}", "revision"),
        ("{hub: ../rows, revision: 0123456789abcdef0123456789abcdef01234567}", "hub"),
        ("{hub: 'a/b/c', revision: 0123456789abcdef0123456789abcdef01234567}", "hub"),
        ("{file: rows.jsonl, split: test}", "go with 'hub'; leave them out"),
        ("{hub: '', file: ' '}", "train.file: "),
        ("3", "train: keys and values are wanted here"),
        ("' '", "train: string should match"),
        ("{fil: rows.jsonl}", "train: no key 'fil'; did you mean 'file'?"),
    ],
)
def test_rows_that_are_nowhere_or_not_pinned_are_refused_by_line(train: str, said: str, mine: Path) -> None:
    head, _, rest = MINE.partition("train:")
    mine.write_text(f"{head}train: {train}\ntrait:{rest.partition('trait:')[2]}")
    with pytest.raises(HarnessError, match=r"mine\.yaml:3") as error:
        read(mine, WrittenSetting)
    assert said in str(error.value)
