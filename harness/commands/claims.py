"""`harness claims`: what a publication says beside what finished runs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.page import console, print_json
from harness.registry import installed

if TYPE_CHECKING:
    from harness.analysis import Matrix
    from harness.claims import Claims


def show(
    runs: Path,
    file: Path,
    *,
    markdown: bool,
    as_json: bool,
    experiment: Path | None,
    settings: Sequence[str] = (),
) -> None:
    """Prints the verdicts on the claims in `file`, and the conditionalization matrix of every setting.

    Runs of `settings` alone count where any are named.
    """
    from harness import analysis, report
    from harness.analysis import matrix
    from harness.claims import deviations, judge, read_claims
    from harness.report import of_matrix, record, sections

    registry = installed()
    claims = read_claims(file, registry)
    results = analysis.load(runs, settings=settings or _settings(claims))
    decisions = judge(claims, results, registry)
    changed = deviations(claims, runs, experiment=experiment)
    matrices = [found for table in analysis.tables(results, registry) if (found := matrix(table)) is not None]
    if as_json:
        print_json({**record(claims, decisions, changed), "matrices": [_matrix(one) for one in matrices]})
        return
    shown = [*sections(claims, decisions, changed), *(one for one in map(of_matrix, matrices) if one is not None)]
    if markdown:
        print("\n".join(line for one in shown for line in report.markdown_section(one)))
        return
    page = console()
    for section in shown:
        report.show_section(section, page)


def of_the_post() -> Path:
    """The claims file that comes with the harness."""
    from harness.sweep import post_claims

    return post_claims()


def lock(runs: Path, file: Path, *, experiment: Path | None) -> None:
    """Fixes the claims in `file`, and the experiment if one is given, before the first run."""
    from harness import claims

    print(claims.lock(claims.read_claims(file, installed()), runs, experiment=experiment))


def _settings(claims: Claims) -> list[str]:
    return sorted({claim.setting for claim in claims.value.claims})


def _matrix(found: Matrix) -> dict[str, Any]:
    record = asdict(found)
    leaks = [{"arm": arm, "condition": at, **asdict(one)} for (arm, at), one in found.leaks.items()]
    return {**record, "leaks": leaks}
