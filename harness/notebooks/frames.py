"""`harness.results`: every reply of finished runs as a row of a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import HarnessError
from harness.notebooks.asked import framed, pandas_here, runs_in, settings_of

if TYPE_CHECKING:
    import pandas

    from harness.analysis import Run

NAME, TEXT, COUNT, NUMBER = "category", "str", "int64", "float64"
COLUMNS: Final[dict[str, str]] = {
    "setting": NAME,
    "scale": NAME,
    "model": NAME,
    "arm": NAME,
    "intervention": NAME,
    "dose": NUMBER,
    "seed": COUNT,
    "condition": NAME,
    "split": NAME,
    "case": TEXT,
    "cluster": TEXT,
    "sample": COUNT,
    "question": TEXT,
    "reply": TEXT,
}
"""The columns of a frame of results before its metrics, with their dtypes. A metric is a column of float64."""


def results(
    runs: str | Path = "runs", setting: str | Path | Sequence[str | Path] = (), *, intervention: str = ""
) -> pandas.DataFrame:
    """The replies of the finished runs in a folder, one row each; of these settings or this intervention if named.

    Its columns are `COLUMNS`, then one for each metric, NaN where it was not asked or the judge could not tell.
    `sample` counts from 1; `question` is the last turn that was put to the model. What a report leaves out is left out.
    """
    pandas_here()
    from harness import analysis

    folder = runs_in(runs)
    settings = settings_of(setting) if setting else ()
    found = [
        run for run in analysis.load(folder, settings=settings).runs if intervention in ("", run.cell.intervention)
    ]
    if not found:
        raise HarnessError(f"no finished run in {folder}{' of what was named' if settings or intervention else ''}")
    return framed_results(found)


def framed_results(found: Sequence[Run]) -> pandas.DataFrame:
    """The replies of these runs as such a frame."""
    metrics = tuple(dict.fromkeys(metric for run in found for _, metric in run.values))
    rows = [row for run in found for row in _rows(run, metrics)]
    return framed(rows, {**COLUMNS, **dict.fromkeys(metrics, NUMBER)})


def _rows(run: Run, metrics: Sequence[str]) -> Iterator[tuple[object, ...]]:
    from harness.runs import read_replies, read_results

    cell = run.cell
    about = (cell.setting, cell.scale, cell.model, cell.arm, cell.intervention, float(cell.dose), cell.seed)
    told = {one.place: one for one in read_replies(run.folder, run.record) or ()}
    scores: dict[tuple[str, str, str, int], dict[str, float | None]] = {}
    clusters: dict[tuple[str, str, str, int], str] = {}
    for one in read_results(run.folder, run.record):
        place = (one.condition, one.split, one.case, one.sample)
        scores.setdefault(place, {})[one.metric] = one.value
        clusters[place] = one.cluster or one.case
    for place in dict.fromkeys((*told, *scores)):
        condition, split, case, sample = place
        reply = told.get(place)
        question = None if reply is None or not reply.case.messages else reply.case.messages[-1].content
        cluster = clusters.get(place, case if reply is None else reply.case.cluster or case)
        own = scores.get(place, {})
        said = (question, None if reply is None else reply.reply)
        yield (*about, condition, split, case, cluster, sample, *said, *(own.get(metric) for metric in metrics))
