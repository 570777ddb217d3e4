"""`harness agree`: two judges on the same replies, from a file or from finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading
from harness.commands.options import NONE, Connections, Grader, Json, MaxCost, Price, any_of, setting_names
from harness.contracts import Judge, Setting
from harness.errors import HarnessError
from harness.screen import console, print_json, say

if TYPE_CHECKING:
    from harness.runs import Reply, Scores


def agree(
    first: Annotated[str, typer.Argument(help="A judge.")],
    second: Annotated[str, typer.Argument(help="Another judge.")],
    replies: Annotated[Path | None, typer.Option(help="JSON lines, as `harness judge` takes them.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Or a folder of finished runs.")] = None,
    setting: Annotated[list[str], typer.Option(help="Runs of these only; repeat it, or put commas.")] = NONE,
    score: Annotated[list[str], typer.Option(help="These scores only; repeat it, or put commas.")] = NONE,
    threshold: Annotated[float | None, typer.Option(help="From this number on it is a yes; else half.")] = None,
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    as_json: Json = False,
) -> None:
    """How far two judges agree on the same replies."""
    from harness.registry import installed

    judges = installed().judge(first), installed().judge(second)
    grading = Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
    opened = grading.opened_for(judges)
    names = _common(judges, any_of("--score", score))
    asked = _replies(replies, runs, judges, setting_names(setting) if setting else ())
    from harness.grading import untaken, verdicts_of

    said, places = [reply for reply, _ in asked], [place for _, place in asked]
    verdicts = [verdicts_of(judge, said, opened, places=places) for judge in judges]
    for judge, some in zip(judges, verdicts, strict=True):
        if (lost := untaken(some, places)) is not None:
            say(f"note: judge {judge.name}: {lost}")
    given = [[one.scores for one in some] for some in verdicts]
    questions = [reply.case.cluster or reply.case.id for reply, _ in asked]
    _show_agreement(judges, given, names, threshold=threshold, questions=questions, as_json=as_json)


def _show_agreement(
    judges: tuple[Judge, Judge],
    given: Sequence[Sequence[Scores]],
    names: Sequence[str],
    *,
    threshold: float | None,
    questions: Sequence[str],
    as_json: bool,
) -> None:
    from harness import analysis, reporting

    found = analysis.two_judges(given[0], given[1], names, threshold=threshold, clusters=questions)
    if as_json:
        print_json(reporting.two_judges_record(judges, found))
        return
    page = console()
    for section in reporting.of_two_judges(judges, found):
        reporting.show_section(section, page)


def _common(judges: tuple[Judge, Judge], wanted: Sequence[str]) -> tuple[str, ...]:
    first, second = judges
    common = tuple(name for name in first.scores if name in second.scores)
    there = f"they share: {', '.join(common)}" if common else "they share none"
    lacking = [name for name in wanted if name not in common]
    if lacking or not common:
        what = f"no score {lacking[0]!r}" if lacking else "no score"
        raise HarnessError(f"judges {first.name!r} and {second.name!r} have {what} in common; {there}")
    return tuple(wanted) or common


def _replies(
    file: Path | None, runs: Path | None, judges: tuple[Judge, Judge], settings: Sequence[str]
) -> list[tuple[Reply, str]]:
    """The replies of `file`, or of the runs in `runs`, each with its place; HarnessError for none or both."""
    if file is not None and runs is None:
        from harness.grading import read_given

        return [(one.reply, one.place) for one in read_given(file)]
    if runs is not None and file is None:
        return _replies_of_runs(runs, judges, settings)
    raise HarnessError("two judges need replies: name either --replies FILE or --runs RUNS")


def _replies_of_runs(runs: Path, judges: tuple[Judge, Judge], settings: Sequence[str]) -> list[tuple[Reply, str]]:
    """The replies of the runs that the report counts, with their places, on the splits that one of `judges` grades."""
    from harness import analysis, grading
    from harness.registry import installed

    results = analysis.load(runs, settings=settings)
    names = {judge.name for judge in judges}
    asked = {name: _splits(installed().setting(name), names) for name in {run.cell.setting for run in results.runs}}
    if settings:  # named, so every reply of theirs is meant where no metric of theirs uses these judges
        asked = {name: splits or _splits(installed().setting(name), None) for name, splits in asked.items()}
    found = [
        (reply, f"{run.folder}, {grading.spelled(reply)}")
        for run in results.runs
        if asked[run.cell.setting]
        for reply in grading.replies_of(run.folder, run.record)
        if reply.split in asked[run.cell.setting]
    ]
    if not found:
        raise HarnessError(f"no finished run in {runs} is graded by {' or '.join(sorted(names))}; name its --setting")
    return found


def _splits(setting: Setting, judges: set[str] | None) -> set[str]:
    """The splits of the metrics that one of `judges`, or its second judge, grades; None means any."""
    return {
        metric.split
        for metric in setting.metrics
        if judges is None or judges & {metric.judge, setting.checks.get(metric.judge, "")}
    }
