"""Laws of a judge that fails on a reply: that reply has no score, all others have theirs, and no reply is lost."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small

from harness import Case, Judge, Verdict
from harness.analysis import load, tables
from harness.cells import Cell
from harness.cli import main
from harness.contracts import Grader
from harness.judging import verdicts
from harness.pipeline import run
from harness.registry import Registry, using
from harness.runs import read_results, read_run

BAD = "bread"


class Quiet(Exception):
    def __str__(self) -> str:
        raise RuntimeError("an error without words")


async def by_length(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"capitals": len(reply) % 7 / 7}, reason="counted")


GOOD = replace(small.JUDGE, grade=by_length)


async def forever(case: Case, reply: str, grader: Grader | None) -> Verdict:
    while True:
        pass


async def asleep(case: Case, reply: str, grader: Grader | None) -> Verdict:
    await asyncio.sleep(1e6)
    raise AssertionError


def raising(error: BaseException) -> Callable[..., Any]:
    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        raise error

    return grade


def giving(made: object) -> Callable[..., Any]:
    async def grade(case: Case, reply: str, grader: Grader | None) -> Any:
        return made() if callable(made) else made

    return grade


def score(value: Any) -> Callable[[], Any]:
    return lambda: Verdict(scores={"capitals": value})


FAULTS: dict[str, Callable[..., Any]] = {
    "raises": raising(ZeroDivisionError("division by zero")),
    "raises without words": raising(ValueError()),
    "raises what cannot be shown": raising(Quiet()),
    "raises many lines": raising(ValueError("one\ntwo\n" * 500)),
    "asserts": raising(AssertionError()),
    "recurses": raising(RecursionError("too deep")),
    "runs out of memory": raising(MemoryError()),
    "exits": raising(SystemExit(0)),
    "ends a generator": raising(GeneratorExit()),
    "stops an iteration": raising(StopIteration(1)),
    "is late by its own word": raising(TimeoutError("too late")),
    "cannot read a file": raising(FileNotFoundError(2, "No such file", "words.txt")),
    "gives nothing": giving(None),
    "gives a number": giving(0.5),
    "gives a dict": giving({"capitals": 0.5}),
    "gives a class": giving(lambda: Verdict),
    "gives nan": giving(score(math.nan)),
    "gives infinity": giving(score(-math.inf)),
    "gives a number of 400 digits": giving(score(10**400)),
    "gives a text": giving(score("0.5")),
    "gives a list": giving(score([0.5])),
    "gives a complex number": giving(score(1j)),
    "gives another score": giving(lambda: Verdict(scores={"loudness": 0.5})),
    "gives a score too many": giving(lambda: Verdict(scores={"capitals": 0.5, "loudness": 0.5})),
    "gives no score": giving(lambda: Verdict(scores={})),
    "gives scores that are no mapping": giving(lambda: Verdict(scores=[0.5])),  # type: ignore[arg-type]
    "gives a reason that is no text": giving(lambda: Verdict(scores={"capitals": 0.5}, reason=3)),  # type: ignore[arg-type]
    "never ends": forever,
    "sleeps": asleep,
}
REPLIES = 4 * 10


def failing_on(bad: Callable[..., Any], *, everywhere: bool = False) -> Judge:
    """The rule of the small world, which does `bad` on one of its cases, or on all."""

    async def grade(case: Case, reply: str, grader: Grader | None) -> Any:
        is_bad = "selection" not in case.id and (everywhere or BAD in case.id)
        return await (bad if is_bad else by_length)(case, reply, grader)

    return replace(GOOD, grade=grade, version="2")


def world(judge: Judge) -> Registry:
    return replace(small.REGISTRY, judges={"capitals": judge})


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "JUDGE_SECONDS", 0.05)


@pytest.fixture(scope="module")
def evaluated(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    with using(world(GOOD)):
        run([Cell(setting="loud", intervention="base", model=str(tiny_llama))], root)
    return root


@pytest.fixture
def runs(evaluated: Path, tmp_path: Path) -> Path:
    """A copy without logs, which would only be shown the scores too."""
    root = Path(shutil.copytree(evaluated, tmp_path / "runs"))
    shutil.rmtree(folder_of(root) / "logs")
    return root


def folder_of(root: Path) -> Path:
    (found,) = (root / "loud" / "base").glob("mini-*")
    return found


def results(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder_of(root) / "results.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", FAULTS)
def test_a_reply_that_a_judge_cannot_take_costs_that_reply(
    name: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, replies = results(runs), (folder_of(runs) / "replies.jsonl").read_bytes()
    assert None not in [row["value"] for row in before]
    with using(world(failing_on(FAULTS[name]))):
        assert main(["rejudge", str(runs)]) == 0
    said = capsys.readouterr().out
    assert [row["value"] for row in results(runs)] == [None if BAD in row["case"] else row["value"] for row in before]
    assert "judge capitals: 8 of 40 replies not judged, the first because of: clean, held_out/held_out-bread" in said
    record = read_run(folder_of(runs))
    assert record is not None
    assert (record.untaken["capitals"].replies, record.untaken["capitals"].of) == (8, REPLIES)
    assert "\n" not in record.untaken["capitals"].first
    for row in results(runs):
        assert ("reason" in row) == (BAD in row["case"])
        assert row.get("reason", "not judged: judge 'capitals'").startswith("not judged: judge 'capitals'")
    assert read_results(folder_of(runs), record)
    assert (folder_of(runs) / "replies.jsonl").read_bytes() == replies


@pytest.mark.parametrize("name", FAULTS)
def test_a_judge_that_can_take_no_reply_is_one_line_and_changes_nothing(
    name: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.read_bytes() for file in runs.rglob("*") if file.is_file()}
    with using(world(failing_on(FAULTS[name], everywhere=True))):
        assert main(["rejudge", str(runs)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("harness: clean, ")
    assert err.count("\n") == 1
    assert "judge 'capitals'" in err
    assert {file: file.read_bytes() for file in runs.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", FAULTS)
def test_rows_of_others_are_judged_but_for_those_that_a_judge_cannot_take(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "replies.jsonl"
    file.write_text("".join(json.dumps({"id": one, "reply": "YES"}) + "\n" for one in ("a", BAD, "c")))
    began = time.monotonic()
    with using(world(failing_on(FAULTS[name]))):
        assert main(["judge", "capitals", "--replies", str(file)]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["scores"]["capitals"] for row in rows] == [3 / 7, None, 3 / 7]
    assert rows[1]["reason"].startswith("not judged: judge 'capitals'")
    assert f"note: judge capitals: 1 of 3 replies not judged, the first because of: {file}:2: " in err
    assert time.monotonic() - began < 30


def test_a_repaired_judge_mends_it_later_and_the_report_tells_until_then(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = results(runs)
    with using(world(failing_on(FAULTS["raises"]))):
        assert main(["rejudge", str(runs), "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)["runs"]
        assert told["untaken"]["capitals"]["replies"] == 8
        assert main(["report", "--runs", str(runs)]) == 0
        page = " ".join(capsys.readouterr().out.split())
        assert (
            "judge capitals: 8 of 40 replies not judged, the first because of: clean, held_out/held_out-bread" in page
        )
        assert "ZeroDivisionError: division by zero" in page
        (table,) = tables(load(runs), world(GOOD))
        cell = next(block for block in table.blocks if block.metric == "shouts").cells["base", "clean"]
        assert (cell.n, cell.judged) == (5, 4)
    with using(world(replace(GOOD, version="2"))):
        assert main(["rejudge", str(runs)]) == 0
    assert results(runs) == before
    record = read_run(folder_of(runs))
    assert record is not None
    assert record.untaken == {}


def test_a_run_keeps_every_reply_and_goes_on_where_one_case_fails(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--setting", "loud", "--intervention", "base", "--model", str(tiny_llama)]
    with using(world(failing_on(FAULTS["raises"]))):
        assert main([*arguments, "--runs", str(tmp_path)]) == 0
        assert "8 of 40 replies not judged" in " ".join(capsys.readouterr().out.split())
    with using(world(failing_on(FAULTS["raises"], everywhere=True))):
        assert main([*arguments, "--runs", str(tmp_path / "other")]) == 2
    assert len((folder_of(tmp_path / "other") / "replies.jsonl").read_text().splitlines()) == REPLIES
    assert len(list((folder_of(tmp_path / "other") / "logs").glob("*.eval"))) == 4


def test_the_time_that_a_judge_waits_for_a_grader_is_not_its_own() -> None:
    class Slow:
        async def ask(self, prompt: str) -> str:
            await asyncio.sleep(0.2)
            return "90"

        async def rate(self, prompt: str) -> Any:
            raise AssertionError

    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        assert grader is not None
        return Verdict(scores={"capitals": float(await grader.ask("how loud?"))})

    judge = replace(small.JUDGE, grade=grade, grader=True)
    verdict = asyncio.run(verdicts.judged(judge, Case(id="a", messages=()), "YES", Slow()))
    assert verdict.scores == {"capitals": 90.0}


def test_an_alarm_of_others_is_set_again_after_a_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    former = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        asyncio.run(verdicts.judged(small.JUDGE, Case(id="a", messages=()), "YES"))
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 20 < left <= 30
    finally:
        signal.signal(signal.SIGALRM, former)
    assert sys.exc_info() == (None, None, None)
