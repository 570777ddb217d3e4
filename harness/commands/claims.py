"""`harness claims`: what a publication says beside what finished runs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json, Markdown, RunsFolder, one_of
from harness.errors import HarnessError
from harness.screen import console, print_json, put

if TYPE_CHECKING:
    from harness.analysis import Matrix


def claims(
    runs: RunsFolder = Path("runs"),
    file: Annotated[Path | None, typer.Option(help="The claims, in YAML; else the post's.")] = None,
    experiment: Annotated[Path | None, typer.Option(help="The experiment file that the lock is to cover too.")] = None,
    lock: Annotated[
        bool, typer.Option("--lock", help="Fix the claims before the first run, and judge nothing.")
    ] = False,
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """What a publication says beside what finished runs say, with a verdict for every claim."""
    form = one_of({"markdown": markdown, "json": as_json})
    from harness.sweep import post_claims

    asked = file or post_claims()
    if lock:
        _lock(asked, runs, experiment)
    else:
        show_verdicts(runs, asked, form=form, experiment=experiment)


def _lock(file: Path, runs: Path, experiment: Path | None) -> None:
    """Fixes the claims and prints the lock's path; HarnessError where others were fixed there before."""
    from harness import claims
    from harness.registry import installed
    from harness.runs import LOCK
    from harness.sweep import load, locked_arms

    read = claims.read_claims(file, installed())
    loaded = load(experiment) if experiment else None
    claims.check_conditions(read, installed(), also=loaded.conditions if loaded else ())
    others = claims.differences(read, runs, experiment=experiment)
    made = runs / LOCK
    if others:
        raise HarnessError(
            f"{made} fixes other claims already, and stays as it is: {'; '.join(others)}; "
            "lock these in a runs folder of their own"
        )
    arms = list(locked_arms(loaded)) if loaded else []
    put(str(claims.lock(read, runs, experiment=experiment, arms=arms)))


def show_verdicts(
    runs: Path, file: Path, *, form: str | None, experiment: Path | None, settings: Sequence[str] = ()
) -> None:
    """Prints the verdicts on the claims in `file`, and the conditionalization matrix of every setting.

    Runs of `settings` alone count where any are named. `form` is markdown or json, None for the terminal.
    """
    from harness import analysis, claims, reporting
    from harness.registry import installed

    asked = claims.read_claims(file, installed())
    named = sorted({claim.setting for claim in asked.value.claims})
    studies = analysis.studies(analysis.load(runs, settings=settings or named), installed())
    decisions, changed = claims.as_locked(asked, studies, installed(), runs, experiment=experiment)
    matrices = [one for study in studies if (one := analysis.matrix(study)) is not None]
    if form == "json":
        told = reporting.record(asked, decisions, changed)
        print_json({**told, "matrices": [_matrix(one) for one in matrices]})
        return
    found = [part(one) for one in matrices for part in (reporting.of_matrix, reporting.of_categories)]
    drawn = [one for one in found if one is not None]
    shown = [*reporting.sections(asked, decisions, changed), *drawn]
    if form == "markdown":
        put("\n".join(line for one in shown for line in reporting.markdown_section(one)))
        return
    page = console()
    for section in shown:
        reporting.show_section(section, page)


def _matrix(found: Matrix) -> dict[str, object]:
    record = asdict(found)
    leaks = [{"arm": arm, "condition": at, **asdict(one)} for (arm, at), one in found.leaks.items()]
    kinds = [{"arm": arm, "category": kind, **asdict(one)} for (arm, kind), one in found.by_category.items()]
    return {**record, "leaks": leaks, "by_category": kinds}
