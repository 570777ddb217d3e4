"""`harness agree`: two judges on the same replies, from a file or from finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.analysis import two_judges
from harness.commands.graders import Grading
from harness.commands.page import console, print_json
from harness.contracts import Judge, Setting
from harness.errors import HarnessError
from harness.grading import read_given, verdicts_of
from harness.registry import installed
from harness.report import of_two_judges, show_section, two_judges_record
from harness.runs import Reply


def agree(
    first: str,
    second: str,
    grading: Grading,
    *,
    replies: Path | None,
    runs: Path | None,
    settings: Sequence[str] = (),
    scores: Sequence[str] = (),
    threshold: float | None = None,
    as_json: bool,
) -> None:
    """Prints how far the judges `first` and `second` agree on each score of `scores`, or on all that both give.

    One that asks a model asks the grader of `grading`.
    """
    judges = installed().judge(first), installed().judge(second)
    grader = grading.opened_for(judges)
    names = _common(judges, scores)
    if (replies is None) == (runs is None):
        raise HarnessError("two judges need replies: name either --replies FILE or --runs RUNS")
    if replies is not None:
        asked = [(one.reply, one.place) for one in read_given(replies)]
    else:
        asked = _replies_of_runs(runs or Path(), judges, settings)
    said, places = [reply for reply, _ in asked], [place for _, place in asked]
    given = [[one.scores for one in verdicts_of(judge, said, grader, places=places)] for judge in judges]
    found = two_judges(given[0], given[1], names, threshold=threshold)
    if as_json:
        print_json(two_judges_record(judges, found))
        return
    page = console()
    for section in of_two_judges(judges, found):
        show_section(section, page)


def _common(judges: tuple[Judge, Judge], wanted: Sequence[str]) -> tuple[str, ...]:
    first, second = judges
    common = tuple(name for name in first.scores if name in second.scores)
    there = f"they share: {', '.join(common)}" if common else "they share none"
    lacking = [name for name in wanted if name not in common]
    if lacking or not common:
        what = f"no score {lacking[0]!r}" if lacking else "no score"
        raise HarnessError(f"judges {first.name!r} and {second.name!r} have {what} in common; {there}")
    return tuple(wanted) or common


def _replies_of_runs(runs: Path, judges: tuple[Judge, Judge], settings: Sequence[str]) -> list[tuple[Reply, str]]:
    """The replies of the runs that the report counts, with their places, on the splits that one of `judges` grades."""
    from harness import analysis, grading

    results = analysis.load(runs, settings=settings)
    names = {judge.name for judge in judges}
    asked = {name: _splits(installed().setting(name), names) for name in {run.cell.setting for run in results.runs}}
    if settings:  # named, so every reply of theirs is meant where no metric of theirs uses these judges
        asked = {name: splits or _splits(installed().setting(name), None) for name, splits in asked.items()}
    found = [
        (reply, f"{run.folder}, {reply.condition}, {reply.split}/{reply.case.id} sample {reply.sample}")
        for run in results.runs
        if asked[run.cell.setting]
        for reply in grading.replies_in(run.folder)
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
