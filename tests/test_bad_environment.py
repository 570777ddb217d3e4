"""Whatever the system lacks or has odd is one line or makes no difference, and nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from runs_made_up import cell, registry, write_run

from harness import HarnessError, calls, pipeline
from harness.cli import main
from harness.registry import using
from harness.runs import run_record


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runs folder of arms that have finished, a file of replies, and a folder to be in."""
    monkeypatch.chdir(tmp_path)
    for name in ("base", "none", "ps"):
        write_run(tmp_path / "runs", cell(name), {"clean": 0.5})
    (tmp_path / "replies.jsonl").write_text('{"reply": "Yes."}\n')
    with using(registry()):
        yield tmp_path


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    former = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, former)


@contextmanager
def variables(**changed: str | None) -> Iterator[None]:
    former, tempfile.tempdir = dict(os.environ), None
    os.environ.update({name: value for name, value in changed.items() if value is not None})
    for name in [name for name, value in changed.items() if value is None]:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
        tempfile.tempdir = None


@contextmanager
def bare() -> Iterator[None]:
    former = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(former)


@contextmanager
def clock(told: Callable[[float], float]) -> Iterator[None]:
    former, ns = time.time, time.time_ns
    time.time, time.time_ns = lambda: told(former()), lambda: int(told(former()) * 1e9)
    try:
        yield
    finally:
        time.time, time.time_ns = former, ns


def backwards() -> Callable[[float], float]:
    hours = iter(range(1, 1_000_000))
    return lambda now: now - 3600 * next(hours)


WORLDS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "no home": lambda: variables(HOME=None),
    "a home that is not there": lambda: variables(HOME="/nowhere/at/all", XDG_CACHE_HOME=None),
    "a home that is a file": lambda: variables(HOME="/etc/passwd", XDG_CACHE_HOME=None),
    "a relative home": lambda: variables(HOME="home", XDG_CACHE_HOME=None),
    "no folder for what is temporary": lambda: variables(TMPDIR="/nowhere/at/all"),
    "a read-only folder for it": lambda: variables(TMPDIR="/sys"),
    "a device for it": lambda: variables(TMPDIR="/dev/full"),
    "no variables": bare,
    "1970": lambda: clock(lambda now: now % 1000),
    "before 1970": lambda: clock(lambda now: -5.0),
    "the year 3000": lambda: clock(lambda now: now + 974 * 365.25 * 86400),
    "a clock that goes backwards": lambda: clock(backwards()),
    "no more threads": lambda: limited(resource.RLIMIT_NPROC, 1),
}
FULL: dict[str, tuple[Callable[[], AbstractContextManager[None]], str]] = {
    "no more files": (lambda: limited(resource.RLIMIT_NOFILE, 3), "raise the limit on open files (ulimit -n)"),
    "files of no size": (lambda: limited(resource.RLIMIT_FSIZE, 0), "raise the limit on the size of a file"),
}
READ = ("report", "report --json", "verify runs")
WRITE = (
    "report --html page.html",
    "report --csv --output table.csv",
    "judge claim_affirmation --replies replies.jsonl --output scores.jsonl",
    "merge runs --into into",
)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(one): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file() and ".lock" not in one.name
    }


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The status and the page of a command, and nothing of it left."""
    status = main(command.split())
    for made in map(Path, ("page.html", "table.csv", "scores.jsonl", "into")):
        shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
    return status, capsys.readouterr().out


@pytest.fixture(scope="module")
def usual() -> dict[str, tuple[int, str]]:
    """What each command ends with and prints where nothing is odd, as far as it was tried."""
    return {}


@pytest.mark.parametrize("world", WORLDS)
def test_what_the_environment_has_odd_makes_no_difference(
    world: str, study: Path, usual: dict[str, tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(study / "runs")
    for command in (*READ, *WRITE):
        if command not in usual:
            usual[command] = printed(command, capsys)
        with WORLDS[world]():
            assert printed(command, capsys) == usual[command]
    assert tree(study / "runs") == before


@pytest.mark.parametrize("command", WRITE)
@pytest.mark.parametrize("world", FULL)
def test_what_the_system_gives_no_more_of_is_one_line_and_nothing_is_half_written(
    world: str, command: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limit, said = FULL[world]
    before = tree(study)
    main(["list"])  # what is imported late opens files of its own
    capsys.readouterr()
    with limit():
        assert main(command.split()) == 2
    page, line = capsys.readouterr()
    assert (page, line.count("\n")) == ("", 1)
    assert said in line
    assert tree(study) == before
    assert main(command.split()) == 0


def test_a_folder_that_was_removed_is_one_line(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "gone").mkdir()
    os.chdir(study / "gone")
    (study / "gone").rmdir()
    assert main(["report", "--runs", str(study / "runs")]) == 2
    os.chdir(study)
    assert capsys.readouterr().err == (
        "harness: the current folder has been removed; change to one that is there, as by: cd\n"
    )


LACKS: dict[str, tuple[BaseException, str]] = {
    "memory": (MemoryError(), "out of memory; free memory, or raise its limit (ulimit -v)"),
    "memory for a library": (
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        "out of memory; free memory",
    ),
    "memory for tensors": (
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried ..."),
        "out of memory; free memory",
    ),
    "threads": (RuntimeError("can't start new thread"), "no more threads; raise the limit on processes (ulimit -u)"),
    "files": (OSError(24, "Too many open files", "a.txt"), "Too many open files: a.txt; raise the limit on open files"),
    "a file that went": (FileNotFoundError(2, "No such file", "a.txt"), "No such file: a.txt; it went while it was in"),
    "something unheard of": (OSError(5000, "Odd", "a.txt"), "Odd: a.txt; --debug shows where"),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_is_lacking_in_the_midst_of_a_command_is_one_line(
    what: str, study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error, said = LACKS[what]

    def lacking(*given: object, **named: object) -> None:
        raise error

    monkeypatch.setattr("harness.analysis.load", lacking)
    assert main(["report"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


def test_a_fault_of_our_own_is_still_told_whole(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*given: object, **named: object) -> None:
        raise RuntimeError("it cannot be")

    monkeypatch.setattr("harness.analysis.load", wrong)
    with pytest.raises(RuntimeError, match="it cannot be"):
        main(["report"])


def test_a_plugin_is_called_where_no_thread_can_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls.watch_no_more()
    monkeypatch.setattr(calls.waiting, "_watcher", None)
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert calls.called(lambda: "it", lambda: 4) == 4


@pytest.mark.parametrize("told", [3.0, -5.0, 315_000_000.0])
def test_a_clock_that_no_log_can_say_is_told_of_before_anything_is_done(told: float) -> None:
    with clock(lambda now: told), pytest.raises(HarnessError, match="the clock of this machine is before 1980"):
        pipeline.check(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [[], ["--json"], ["--html", "page.html"]])
def test_a_run_that_goes_while_the_report_reads_is_one_line_or_left_out(
    form: list[str], study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone,) = (study / "runs" / "gcd" / "ps").iterdir()
    read = run_record.read_record

    def removing(file: Path, *given: object, **named: object) -> object:
        if gone in file.parents:
            shutil.rmtree(gone, ignore_errors=True)
        return read(file, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(run_record, "read_record", removing)
    status = main(["report", *form])
    said = capsys.readouterr().err
    assert status in (0, 2)
    assert "Traceback" not in said
    assert status == 0 or said.count("\n") == 1


@pytest.mark.parametrize("name", ["é", "日本", "a\u0301"])
def test_names_beyond_ascii_are_right_or_refused_in_the_plainest_locale(name: str, study: Path) -> None:
    (study / "runs").rename(study / name)
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": os.environ["PATH"]}
    code = "import sys; from harness.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", name, "--json"],
        capture_output=True,
        env=plain,
        cwd=study,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1, 2), done.stderr
    assert b"Traceback" not in done.stderr
    if done.returncode != 2:
        assert isinstance(json.loads(done.stdout), dict)
