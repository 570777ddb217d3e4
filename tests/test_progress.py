"""Laws of the progress display: stderr only, sparse where nobody watches, silent on request."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from harness.screen import progress

WORK = """
import json
from harness.progress import bar
with bar("train gcd/ps [s0]", total=20, unit="tok") as advance:
    for _ in range(20):
        advance(steps=1, count=1234)
print(json.dumps({"ok": True}))
"""


@pytest.fixture(autouse=True)
def _shown(monkeypatch):
    monkeypatch.delenv("HARNESS_PROGRESS", raising=False)


def test_without_a_terminal_there_is_one_line_at_the_start_and_one_at_the_end(capsys):
    with progress.bar("train", total=20, unit="tok") as advance:
        for _ in range(20):
            advance(steps=1, count=100)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert lines[0] == "train: 0/20"
    assert lines[-1].startswith("train: 20/20 in ")
    assert lines[-1].endswith(" tok/s")
    assert len(lines) == 2


def test_without_a_terminal_a_line_comes_at_most_every_fifteen_seconds(capsys, monkeypatch):
    clock = iter(float(second) for second in range(1000))
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with progress.bar("train", total=40, unit="tok") as advance:
        for _ in range(40):
            advance(count=50)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "train: 0/40",
        "train: 15/40, 50 tok/s, 25 s left",
        "train: 30/40, 50 tok/s, 10 s left",
        "train: 40/40 in 41 s, 49 tok/s",
    ]


def test_what_breaks_off_says_where(capsys):
    def work() -> None:
        with progress.bar("train", total=3, unit="row") as advance:
            advance()
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        work()
    assert capsys.readouterr().err.splitlines()[-1] == "train: stopped at 1/3"


def test_the_switch_silences_it(capsys, monkeypatch):
    monkeypatch.setenv("HARNESS_PROGRESS", "0")
    with progress.bar("train", total=2, unit="tok") as advance:
        advance(steps=2, count=9)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_with_rate_is_drawn_and_stdout_stays_clean():
    screen, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    child = subprocess.run(
        [sys.executable, "-c", WORK], stdout=subprocess.PIPE, stderr=terminal, env=environment, timeout=60, check=True
    )
    os.close(terminal)
    drawn = b""
    while True:
        try:
            chunk = os.read(screen, 65536)
        except OSError:  # Linux reports the closed other end this way
            break
        if not chunk:
            break
        drawn += chunk
    os.close(screen)
    assert child.stdout == b'{"ok": true}\n'
    assert b"train gcd/ps [s0]" in drawn
    assert b"20/20" in drawn
    assert b"tok/s" in drawn
