"""Cells of one model: in one worker of a sweep, against a process each, and whether all end with the same results."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measured import machine, said, table

ARMS = ("none", "ip", "neg_ip", "ps", "neg_ps", "ps_random")
APART, SHARED, WORKER, WORKERS = "processes, a folder each", "processes, one folder", "one worker", "two workers"
FOLDERS = {APART: "apart", SHARED: "shared", WORKER: "worker", WORKERS: "workers"}
SIDES = (APART, SHARED, WORKER, WORKERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way to do the cells: its seconds, cell by cell where each has a process, and a digest of each result."""

    name: str
    seconds: float
    each: tuple[float, ...]
    results: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sweep", description=__doc__)
    parser.add_argument("--setting", default="obvious_lies")
    parser.add_argument("--arms", default=",".join(ARMS), help="commas between them")
    parser.add_argument("--sides", default="; ".join(SIDES), help="one or more of: %(default)s")
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    arms = asked.arms.split(",")
    names = _named(asked.sides)
    with tempfile.TemporaryDirectory() as place:
        root = asked.keep or Path(place)
        sides = [_measured(name, asked.setting, arms, root / FOLDERS[name]) for name in names]
    if asked.json:
        print(json.dumps({"machine": machine(), "sides": [asdict(side) for side in sides]}))
        return
    print(f"{len(arms)} cells of {asked.setting} at mini: {', '.join(arms)}; {machine()}\n")
    print(table("sweep", ("", "seconds", *(f"of {one.name}" for one in sides), "same results"), _rows(sides)))


def _named(sides: str) -> list[str]:
    """The sides that are named in `sides`, in whatever way they are parted: some have a comma in their name."""
    found = [name for name in SIDES if name in sides]
    if not found:
        raise SystemExit(f"no side in {sides!r}; there are: {'; '.join(SIDES)}")
    return found


def _rows(sides: Sequence[Side]) -> list[list[str]]:
    first = sides[0].results
    return [
        [
            side.name,
            f"{side.seconds:,.0f}",
            *(f"{side.seconds / other.seconds:.2f}" for other in sides),
            f"{sum(first[cell] == digest for cell, digest in side.results.items())} of {len(first)}",
        ]
        for side in sides
    ]


def _measured(name: str, setting: str, arms: Sequence[str], folder: Path) -> Side:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    said(name)
    began, each = time.perf_counter(), []
    if name in (APART, SHARED):
        for arm in arms:
            runs = folder / arm if name == APART else folder
            each.append(_timed(["run", "--setting", setting, "--intervention", arm, "--runs", str(runs)]))
    else:
        plan = folder / "cells.yaml"
        listed = json.dumps({"summary": "cells of one model", "settings": [setting], "interventions": list(arms)})
        plan.write_text(listed, encoding="utf-8")
        jobs = "1" if name == WORKER else "2"
        _timed(["sweep", str(plan), "--jobs", jobs, "--runs", str(folder)])
    seconds = time.perf_counter() - began
    return Side(name=name, seconds=seconds, each=tuple(each), results=_results(folder, arms))


def _timed(command: Sequence[str]) -> float:
    began = time.perf_counter()
    quiet = {"HF_HUB_OFFLINE": "1", "HARNESS_PROGRESS": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *command], env={**os.environ, **quiet}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"harness {' '.join(command)} failed:\n{done.stderr[-3000:]}")
    seconds = time.perf_counter() - began
    said(f"  {' '.join(command[:5])}: {seconds:.0f} s")
    return seconds


def _results(folder: Path, arms: Sequence[str]) -> dict[str, str]:
    """A digest of the results of each arm's cell, which must be there."""
    found = {}
    for arm in arms:
        [file] = folder.glob(f"**/{arm}/*/results.jsonl")
        found[arm] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


if __name__ == "__main__":
    main()
