"""`harness agree`: two judges on the same replies, from a file or from finished runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading
from harness.commands.options import NONE, Connections, Grader, Json, MaxCost, Price, any_of
from harness.contracts import Judge, Setting
from harness.errors import HarnessError
from harness.screen import console, print_json

if TYPE_CHECKING:
    from harness.analysis import Agreement, Comparison, Confusion, Scores
    from harness.report import Section
    from harness.runs import Reply


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
    asked = _replies(replies, runs, judges, any_of("--setting", setting))
    from harness.grading import verdicts_of

    said, places = [reply for reply, _ in asked], [place for _, place in asked]
    given = [[one.scores for one in verdicts_of(judge, said, opened, places=places)] for judge in judges]
    _show_agreement(judges, given, names, threshold=threshold, as_json=as_json)


def _show_agreement(
    judges: tuple[Judge, Judge],
    given: Sequence[Sequence[Scores]],
    names: Sequence[str],
    *,
    threshold: float | None,
    as_json: bool,
) -> None:
    from harness.analysis import comparison, shares_of_one_whole

    compared = [comparison(name, *([row[name] for row in by] for by in given), threshold=threshold) for name in names]
    parts = shares_of_one_whole(given[0], given[1], names)
    if as_json:
        print_json(_as_record(judges, compared, given, parts))
    else:
        _show(judges, compared, given, parts)


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


def _as_record(
    judges: tuple[Judge, Judge],
    compared: Sequence[Comparison],
    given: Sequence[Sequence[Scores]],
    parts: Sequence[str],
) -> dict[str, object]:
    from harness.analysis import agreement, largest_confusion

    record: dict[str, object] = {
        "first": {"judge": judges[0].name, "version": judges[0].version},
        "second": {"judge": judges[1].name, "version": judges[1].version},
        "replies": compared[0].replies,
        "scores": [{**asdict(one), "confusion": _cells(one.confusion)} for one in compared],
    }
    if parts:
        told = asdict(agreement(given[0], given[1], names=parts))
        record["largest"] = {**told, "confusion": _cells(largest_confusion(given[0], given[1], parts))}
    return record


def _cells(confusion: Confusion) -> list[dict[str, object]]:
    return [{"first": one, "second": other, "replies": n} for (one, other), n in sorted(confusion.items())]


def _show(
    judges: tuple[Judge, Judge],
    compared: Sequence[Comparison],
    given: Sequence[Sequence[Scores]],
    parts: Sequence[str],
) -> None:
    from harness.analysis import agreement, largest_confusion
    from harness.report import show_section

    names = judges[0].name, judges[1].name
    page = console()
    show_section(_numbers(names, compared), page)
    if parts:
        told = agreement(given[0], given[1], names=parts)
        show_section(_largest(names, parts, told, largest_confusion(given[0], given[1], parts)), page)
    for one in compared:
        for section in _verdicts(names, one):
            show_section(section, page)


def _numbers(names: tuple[str, str], compared: Sequence[Comparison]) -> Section:
    from harness.report import Section

    return Section(
        title=f"{names[0]} and {names[1]}",
        detail=f"{compared[0].replies} replies",
        head=("score", "both told", "apart", "alpha of numbers", "threshold", "same verdict", "alpha of verdicts"),
        rows=tuple(
            (
                one.score,
                str(one.both),
                _figure(one.apart, ".3g"),
                _figure(one.alpha),
                f"{one.chosen.threshold:g}",
                _percent(one.chosen.same),
                _figure(one.chosen.alpha),
            )
            for one in compared
        ),
        lines=(
            "both told: replies to which both give a number; apart: its mean absolute difference; alpha: "
            "Krippendorff's, 1 for full agreement, 0 as by chance, - where nothing could have disagreed; "
            "verdict: the number is at least the threshold; same verdict in percent",
        ),
    )


def _verdicts(names: tuple[str, str], one: Comparison) -> Iterator[Section]:
    from harness.analysis import CANNOT_TELL, NO, YES
    from harness.report import Section

    yield _confused(f"{one.score} at least {one.chosen.threshold:g}", names, (YES, NO, CANNOT_TELL), one.confusion)
    yield Section(
        title=f"{one.score} by threshold",
        detail="percent of the replies to which both give a number",
        head=("threshold", f"yes by {names[0]}", f"yes by {names[1]}", "same verdict", "alpha"),
        rows=tuple(
            (f"{cut.threshold:.6g}", *map(_percent, (cut.first, cut.second, cut.same)), _figure(cut.alpha))
            for cut in one.cuts
        ),
    )


def _largest(names: tuple[str, str], parts: Sequence[str], told: Agreement, confusion: Confusion) -> Section:
    from harness.analysis import CANNOT_TELL

    detail = f"same in {_percent(told.same)} percent of {told.both} replies, alpha {_figure(told.alpha)}"
    return _confused("largest share", names, (*parts, CANNOT_TELL), confusion, detail)


def _confused(
    title: str, names: tuple[str, str], verdicts: Sequence[str], confusion: Confusion, detail: str = ""
) -> Section:
    from harness.report import Section

    return Section(
        title=title,
        detail=detail or f"replies by verdict of {names[0]} (rows) and {names[1]} (columns)",
        head=(f"{names[0]} | {names[1]}", *verdicts),
        rows=tuple((row, *(str(confusion.get((row, column), 0)) for column in verdicts)) for row in verdicts),
    )


def _figure(value: float | None, form: str = ".2f") -> str:
    return "-" if value is None else f"{value:{form}}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
