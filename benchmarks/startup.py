"""How long `harness list` takes, from starting the process to its end, and that it imports nothing heavy."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.measured import Spread, machine, table

HEAVY = ("torch", "transformers", "peft", "inspect_ai")
LIST = [sys.executable, "-m", "harness", "list"]
IMPORTED = (
    "import contextlib, io, json, sys; from harness.cli import main\n"
    "with contextlib.redirect_stdout(io.StringIO()): main(['list'])\n"
    f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    seconds = [_seconds() for _ in range(asked.repeats)]
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    heavy = json.loads(done.stdout)
    if asked.json:
        print(json.dumps({"machine": machine(), "seconds": seconds, "heavy": heavy}))
        return
    row = ["harness list", *Spread.of(seconds).cells(3), ", ".join(heavy) or "none"]
    print(f"Start-up, {asked.repeats} runs; {machine()}\n")
    header = ("", "least s", "median s", "greatest s", f"imported of {', '.join(HEAVY)}")
    print(table("start-up", header, [row]))


def _seconds() -> float:
    began = time.perf_counter()
    subprocess.run(LIST, capture_output=True, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
