"""`harness balance`: how near the arms of finished runs came to the balances that were asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json, Markdown, Runs, one_of
from harness.errors import HarnessError
from harness.screen import console, print_json

if TYPE_CHECKING:
    from harness.analysis import Balances, Control, Reached
    from harness.report import Section
    from harness.stats import Estimate

EXPLAINED = (
    "shares: percent of all that went to these traits; elsewhere: percent of everything that went to none of them",
    "error: total variation distance to the target, half the sum of absolute differences; percent [95 % interval]",
)


def balance(
    targets: Annotated[Path, typer.Option(help="JSON: a list of {setting, intervention, weights, target}.")],
    runs: Runs = Path("runs"),
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """How near arms came to the balance of traits that was asked of them."""
    _balance(runs, targets, form=one_of({"markdown": markdown, "json": as_json}))


def _balance(runs: Path, targets: Path, *, form: str | None) -> None:
    """Prints a row for every target, then the mean error of each intervention and their differences."""
    from harness import analysis, report
    from harness.analysis import balance
    from harness.registry import installed

    wanted = balance.read_targets(targets)
    results = analysis.load(runs, settings=sorted({target.setting for target in wanted}))
    found = balance.balances(analysis.tables(results, installed()), wanted)
    if not found.reached:
        raise HarnessError(f"no target in {targets} has a finished run in {runs}; the first is {found.missing[0]}")
    if form == "json":
        print_json(asdict(found))
        return
    sections = list(_sections(found))
    left = [f"not run: {name}" for name in found.missing]
    if form == "markdown":
        print(
            "\n".join([*(line for one in sections for line in report.markdown_section(one)), *(f"- {x}" for x in left)])
        )
        return
    page = console()
    for section in sections:
        report.show_section(section, page)
    for line in left:
        page.print(line)


def _sections(found: Balances) -> Iterator[Section]:
    from harness.report import Section

    for setting, scale, model in dict.fromkeys((one.target.setting, one.scale, one.model) for one in found.reached):
        place = (setting, scale, model)
        own = [one for one in found.reached if (one.target.setting, one.scale, one.model) == place]
        traits = list(dict.fromkeys(trait for one in own for trait in one.target.shares))
        yield Section(
            title=", ".join(place),
            detail="reached (asked)",
            head=("arm", "seeds", "n", *traits, "elsewhere", "error"),
            rows=tuple(_row(one, traits) for one in own),
            lines=EXPLAINED,
        )
        controls = [one for one in found.controls if (one.setting, one.scale, one.model) == place]
        yield Section(
            title="control",
            detail="mean error over targets, and paired differences over the targets that both arms were set",
            head=("arm", "targets", "mean error"),
            rows=tuple(
                (_named(one), str(one.targets), _figure(one.error, signed=bool(one.against))) for one in controls
            ),
        )


def _row(one: Reached, traits: Sequence[str]) -> tuple[str, ...]:
    shares = [
        f"{100 * one.shares[trait]:.0f} ({100 * one.target.shares[trait]:.0f})" if trait in one.shares else "-"
        for trait in traits
    ]
    elsewhere = f"{100 * one.elsewhere:.0f}"
    return (one.target.arm, str(len(one.seeds)), str(one.error.n), *shares, elsewhere, _figure(one.error))


def _named(one: Control) -> str:
    return f"{one.intervention} - {one.against}" if one.against else one.intervention


def _figure(found: Estimate, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if found.mean is None:
        return "-"
    ends = "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    return f"{100 * found.mean:{sign}.1f}{ends}"
