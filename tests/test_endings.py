"""Closed or full streams, other encodings, odd terminals, signals: quiet, and the exit status that is usual."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runs_made_up import cell, write_run

HARNESS = f"{sys.executable} -m harness.cli"


def called(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, env={**os.environ, **environment}, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endings") / "runs"
    write_run(folder, cell("none"), {"clean": 0.5})
    return folder


FULL = b"harness: cannot write to standard output: No space left on device; send it elsewhere\n"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("list >&-", 0, b""),
        ("report --runs RUNS >&-", 0, b""),
        ("report --runs RUNS <&- >&- 2>&-", 0, b""),
        ("--version >&-", 0, b""),
        ("list >/dev/full", 2, FULL),
        ("list --json >/dev/full", 2, FULL),
        ("report --runs RUNS >/dev/full", 2, FULL),
        ("report --runs nowhere 2>/dev/full", 2, b""),
        ("report --runs nowhere 2>&-", 2, b""),
        ("report --runs nowhere >&- 2>&-", 2, b""),
        ("list | true", 0, b""),
        ("list --json | head -c 1 >/dev/null", 0, b""),
        ("report --runs RUNS --json | head -n 1 >/dev/null", 0, b""),
        ("report --runs nowhere 2>&1 >/dev/null | true", 2, b""),
    ],
)
def test_a_stream_that_takes_nothing_is_told_of_in_one_line_at_most(
    command: str, status: int, said: bytes, runs: Path
) -> None:
    program, pipe, reader = command.replace("RUNS", str(runs)).partition(" | ")
    done = called(f"{HARNESS} {program}{pipe}{reader}; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr, done.stdout) == (status, said, b"")


def test_a_file_that_is_opened_takes_no_closed_streams_place(runs: Path, tmp_path: Path) -> None:
    done = called(f"{HARNESS} report --runs {runs} --html {tmp_path}/a.html --csv --output {tmp_path}/a.csv >&- 2>&-")
    assert done.returncode == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "a.csv").read_text().startswith("setting,")


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
@pytest.mark.parametrize("command", ["list --json", "describe gcd_sycophancy"])
def test_what_an_encoding_lacks_is_spelled_out(encoding: str, command: str) -> None:
    done = called(f"{HARNESS} {command}", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    if "--json" in command:
        wanted = json.loads(called(f"{HARNESS} {command}", PYTHONIOENCODING="utf-8").stdout)
        assert json.loads(text) == wanted


def test_a_plain_locale_is_enough() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert called(f"{HARNESS} describe gcd_sycophancy", **plain).returncode == 0
    assert called(f"env -i {HARNESS} list").returncode == 0


@pytest.mark.parametrize("columns", ["0", "1", "²", "99999999999999999999"])
def test_any_number_of_columns_shows_every_arm(columns: str, runs: Path) -> None:
    done = called(f"{HARNESS} report --runs {runs}", COLUMNS=columns, TERM="dumb", NO_COLOR="1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"affirms_wrong" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 11_000


WAITING = """
import sys, time
from harness import cli, registry

def slow():
    try:
        print("begun", flush=True, file=sys.__stdout__)
        time.sleep(30)
    finally:
        print("heard", flush=True, file=sys.__stdout__)
        time.sleep(0.3)
        print("cleaned up", flush=True, file=sys.__stdout__)

registry.installed = slow
sys.argv = ["harness", "list"]
sys.exit(cli.main())
"""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        ([signal.SIGHUP], 129),
        ([signal.SIGTERM, signal.SIGTERM], 143),
        ([signal.SIGHUP, signal.SIGTERM], 129),
        ([signal.SIGTERM, signal.SIGHUP, signal.SIGHUP], 143),
    ],
)
def test_a_signal_ends_in_one_line_once_all_is_cleaned_up(sent: list[signal.Signals], status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(sent[0])
        assert process.stdout.readline() == "heard\n"  # two that wait together would be taken by their numbers
        for one in sent[1:]:
            process.send_signal(one)
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, "cleaned up\n")
    assert said == "harness: stopped; the same command goes on where it stopped\n"


def test_a_second_ctrl_c_adds_no_noise() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT)
    assert said == "harness: stopped; the same command goes on where it stopped\n"


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    code = WAITING.replace("time.sleep(30)", "import os, signal; os.kill(os.getpid(), signal.SIGHUP); sys.exit(5)")
    done = called(f"trap '' HUP; exec {sys.executable} -c '{code}'")
    assert done.returncode == 5


UNHEARD = """
import os, sys, time
from harness.screen import Ends

class Ending:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

ends = Ends()
try:
    one = Ending()
    del one
    time.sleep(20)
except KeyboardInterrupt:
    sys.exit(ends.last(130))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_where_errors_are_not_heard_ends_the_program_too(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNHEARD, str(int(number))], capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (128 + number, b"")
