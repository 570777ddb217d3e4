"""`python -m benchmarks` runs every benchmark but `sweep`, which takes most of an hour on two cores.

`python -m benchmarks NAME ...` runs one, with its own options.
"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("startup", "steering", "generation", "training", "methods", "coverage", "looks", "labels", "report")
ALL = (*NAMES, "sweep")


def main() -> None:
    """Runs what the command line names, or all."""
    name, *options = sys.argv[1:] or [""]
    if name and name not in ALL:
        raise SystemExit(f"no benchmark named {name!r}; there are: {', '.join(ALL)}")
    for one in [name] if name else NAMES:
        import_module(f"benchmarks.{one}").main(options)


main()
