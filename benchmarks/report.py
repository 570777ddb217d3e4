"""How long the page of many finished cells takes, how much memory, and how big it is. The cells are made up."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.made_up import write_cells
from benchmarks.measured import said, table

PEAK_UNIT = 1024 if sys.platform != "darwin" else 1  # bytes in a unit of ru_maxrss


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: what it was made from, what making it took, and its size."""

    cells: int
    result_bytes: int
    seconds: float
    peak_bytes: int
    page_bytes: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=__doc__)
    parser.add_argument("--cells", default="500", help="commas for several")
    parser.add_argument("--keep", type=Path, help="write cells and page into this folder, and leave them there")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    pages = [_measured(int(cells), asked.keep) for cells in asked.cells.split(",")]
    if asked.json:
        print(json.dumps([asdict(page) for page in pages]))
        return
    header = ("cells", "results MB", "seconds", "peak MB", "page MB")
    print(table("report", header, [_row(page) for page in pages]))


def _row(page: Page) -> list[str]:
    sizes = [f"{size / 1e6:,.1f}" for size in (page.result_bytes, page.peak_bytes, page.page_bytes)]
    return [str(page.cells), sizes[0], f"{page.seconds:.1f}", *sizes[1:]]


def _measured(cells: int, keep: Path | None) -> Page:
    from harness.registry import installed

    with tempfile.TemporaryDirectory() as place:
        folder = (keep or Path(place)) / f"cells-{cells}"
        said(f"writing {cells} cells")
        runs, page = folder / "runs", folder / "report.html"
        written = write_cells(runs, installed(), cells)
        said("making the page")
        seconds, peak = _spent([sys.executable, "-m", "harness", "report", "--runs", str(runs), "--html", str(page)])
        return Page(
            cells=cells,
            result_bytes=sum((at / "results.jsonl").stat().st_size for at in written),
            seconds=seconds,
            peak_bytes=peak,
            page_bytes=page.stat().st_size,
        )


def _spent(command: Sequence[str]) -> tuple[float, int]:
    """Seconds and peak memory in bytes of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss * PEAK_UNIT


if __name__ == "__main__":
    main()
