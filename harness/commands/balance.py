"""`harness balance`: how near the arms of finished runs came to the balances that were asked of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness.commands.page import console, print_json
from harness.errors import HarnessError
from harness.registry import installed


def balance(runs: Path, targets: Path, *, markdown: bool, as_json: bool) -> None:
    """Prints a row for every target, then the mean error of each intervention and their differences."""
    from harness import analysis, report

    wanted = analysis.read_targets(targets)
    results = analysis.load(runs, settings=sorted({target.setting for target in wanted}))
    found = analysis.balances(analysis.tables(results, installed()), wanted)
    if not found.reached:
        raise HarnessError(f"no target in {targets} has a finished run in {runs}; the first is {found.missing[0]}")
    if as_json:
        print_json(asdict(found))
        return
    sections = list(report.of_balances(found))
    left = [f"not run: {name}" for name in found.missing]
    if markdown:
        print(
            "\n".join([*(line for one in sections for line in report.markdown_section(one)), *(f"- {x}" for x in left)])
        )
        return
    page = console()
    for section in sections:
        report.show_section(section, page)
    for line in left:
        page.print(line)
