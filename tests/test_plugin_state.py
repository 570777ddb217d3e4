"""No call of a plugin changes what the process has once, and no judge ends what is not its own."""

from __future__ import annotations

import asyncio
import gc
import json
import locale
import logging
import os
import random
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
import torch

from harness import Case, Example, Intervention, Setting, Verdict
from harness.calls import PluginFault, called, guarded, keeping_state
from harness.cli import main
from harness.contracts import Grader
from harness.registry import using

CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "deterministic": (
        lambda: torch.use_deterministic_algorithms(True),
        torch.are_deterministic_algorithms_enabled,
    ),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "precision": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision),
    "anomalies": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "errors of numpy": (lambda: np.seterr(all="raise"), np.geterr),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "a variable added": (lambda: os.environ.update(HARNESS_MADE_UP="1"), lambda: os.environ.get("HARNESS_MADE_UP")),
    "a variable changed": (lambda: os.environ.update(PATH=""), lambda: os.environ["PATH"]),
    "all variables": (os.environ.clear, lambda: dict(os.environ)),
    "ctrl-c": (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN), lambda: signal.getsignal(signal.SIGINT)),
    "term": (lambda: signal.signal(signal.SIGTERM, print), lambda: signal.getsignal(signal.SIGTERM)),
    "an alarm": (lambda: signal.alarm(1000), lambda: signal.getitimer(signal.ITIMER_REAL)),
    "umask": (lambda: os.umask(0o777), lambda: (one := os.umask(0o022), os.umask(one))[0]),
    "stdout": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout),
    "depth": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit),
    "collection": (gc.disable, gc.isenabled),
    "warnings": (lambda: warnings.simplefilter("error", BytesWarning), lambda: list(warnings.filters)),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), lambda: locale.setlocale(locale.LC_ALL)),
    "timeouts": (lambda: socket.setdefaulttimeout(0.001), socket.getdefaulttimeout),
    "logging": (lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
}
"""What a function may do, and how to see it."""

SEEDS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "random": (lambda: random.seed(4), random.random),
    "numpy": (lambda: np.random.seed(4), np.random.random_sample),
    "torch": (lambda: torch.manual_seed(4), lambda: torch.rand(1).item()),
}

DRAWS: dict[str, Callable[[], object]] = {
    "sample": lambda: random.sample(range(16), 12),  # half of the numbers that are drawn for it are thrown away
    "shuffle": lambda: random.shuffle(shuffled := list(range(17))) or shuffled,
    "whole numbers": lambda: [random.randrange(33) for _ in range(20)],
    "a bell": lambda: [random.gauss() for _ in range(3)],
    "numpy's shuffle": lambda: list(np.random.permutation(17)),
    "numpy's bell": lambda: list(np.random.standard_gamma(0.2, 4)),
    "torch's shuffle": lambda: torch.randperm(17).tolist(),
    "torch's bell": lambda: torch.randn(3).tolist(),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_what_is_drawn_without_a_seed_is_not_drawn_twice(draw: Callable[[], object]) -> None:
    for seed in range(100):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        assert called(lambda: "it", draw) != called(lambda: "it", draw)


@pytest.fixture(autouse=True)
def _locale() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C")
    yield
    locale.setlocale(locale.LC_ALL, before)


def judging(does: Callable[[], object], *, waits: bool = False) -> Callable[..., Any]:
    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        does()
        if waits:
            await asyncio.sleep(0)
        return Verdict(scores={"capitals": 1.0})

    return grade


CASE = Case(id="a", messages=())


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_function_changes_of_the_process_is_as_before_after_it(name: str) -> None:
    change, seen = CHANGES[name]
    before = seen()

    def edit(row: Example, setting: Setting) -> Example:
        change()
        return row

    row = small.examples(0, "mini")[0]
    assert guarded(Intervention(name="it", summary="", edit=edit)).edit(row, small.SETTING) == row
    assert seen() == before
    judge = guarded(replace(small.JUDGE, grade=judging(change)))
    assert asyncio.run(judge.grade(CASE, "YES", None)).scores == {"capitals": 1.0}  # type: ignore[arg-type]
    assert seen() == before


def test_it_is_as_before_after_a_function_that_raises() -> None:
    def change() -> None:
        torch.set_grad_enabled(False)
        raise ValueError("after that")

    with pytest.raises(PluginFault, match="it raised ValueError: after that"):
        called(lambda: "it", change)
    assert torch.is_grad_enabled()


def test_others_see_nothing_of_it_while_a_judge_waits(tmp_path: Path) -> None:
    before = Path.cwd()
    judge = guarded(replace(small.JUDGE, grade=judging(lambda: os.chdir(tmp_path), waits=True)))

    async def others() -> list[Path]:
        graded = asyncio.ensure_future(judge.grade(CASE, "YES", None))
        seen = []
        while not graded.done():
            await asyncio.sleep(0)
            seen.append(Path.cwd())
        await graded
        return seen

    assert set(asyncio.run(others())) == {before}


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_that_a_plugin_sets_is_nobody_elses(name: str) -> None:
    seed, draw = SEEDS[name]
    seed()
    draw()
    unlike = draw()
    called(lambda: "it", seed)
    after = draw()
    seed()
    assert after not in [draw(), unlike]


@pytest.mark.parametrize("name", SEEDS)
def test_who_draws_without_a_seed_is_still_found(name: str) -> None:
    _, draw = SEEDS[name]
    assert called(lambda: "it", draw) != called(lambda: "it", draw)


def test_a_process_that_a_plugin_forks_does_not_do_our_work_too() -> None:
    before = os.getpid()
    child = called(lambda: "it", os.fork)
    assert os.getpid() == before
    assert os.waitpid(child, 0)[1] != 0


def test_what_a_library_has_that_a_plugin_imports_is_as_it_begins() -> None:
    code = (
        "import sys\nfrom harness.calls import called\n"
        "def does():\n    import torch\n    torch.set_grad_enabled(False)\n    torch.set_default_dtype(torch.float64)\n"
        "assert 'torch' not in sys.modules\ncalled(lambda: 'it', does)\nimport torch\n"
        "assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32\n"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def test_nothing_is_touched_that_was_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise AssertionError

    for where, name in ((torch, "set_num_threads"), (torch, "set_default_dtype"), (os, "chdir"), (signal, "signal")):
        monkeypatch.setattr(where, name, refused)
    with keeping_state():
        pass


async def later() -> None:
    """Cancels the task that the judge is, as something that the judge began."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)
    await asyncio.sleep(10)


def itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def raised() -> None:
    raise asyncio.CancelledError


async def own_scope() -> None:
    import anyio

    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.sleep(10)
    raise ValueError("its scope was cancelled")


async def soon() -> None:
    itself()
    await asyncio.sleep(0)


async def everybody() -> None:
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0)


async def stopping() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)


ENDS: dict[str, tuple[Callable[[], Any], str]] = {
    "raises it": (raised, "CancelledError"),
    "cancels itself": (soon, "it cancels its own task"),
    "is cancelled later": (later, "it cancels its own task"),
    "cancels a scope of its own": (own_scope, "its scope was cancelled"),
}


def scored(does: Callable[[], Any], folder: Path, *, on: str) -> int:
    """The status of a command that scores three replies by a judge that `does` something on some of them."""

    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        if on in reply:
            await does()
        return Verdict(scores={"capitals": 1.0})

    file = folder / "replies.jsonl"
    file.write_text("".join(json.dumps({"reply": text}) + "\n" for text in ("a", "b", "c")))
    judge = replace(small.JUDGE, grade=grade, version="2")
    with using(replace(small.REGISTRY, judges={"capitals": judge})):
        return main(["judge", "capitals", "--replies", str(file), "--output", str(folder / "scores.jsonl")])


@pytest.mark.parametrize("name", ENDS)
def test_a_judge_that_cancels_its_own_task_costs_that_reply(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    does, said = ENDS[name]
    assert scored(does, tmp_path, on="b") == 0
    given = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [row["scores"]["capitals"] for row in given] == [1.0, None, 1.0]
    assert given[1]["reason"].startswith("not judged: judge 'capitals'")
    assert said in given[1]["reason"]
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (soon, "it cancels its own task"),
        (everybody, "cancels the tasks of others; the fault is that function's"),
        (stopping, "stops the loop that others wait in; the fault is that function's"),
    ],
)
def test_a_judge_that_ends_the_work_of_all_is_one_line(
    does: Callable[[], Any], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert scored(does, tmp_path, on="") == 2
    page, line = capfd.readouterr()
    assert page == ""
    assert line.count("\n") == 1
    assert "judge 'capitals'" in line
    assert said in line
    assert not (tmp_path / "scores.jsonl").exists()
