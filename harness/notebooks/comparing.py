"""`harness.compare`: differences between arms with their intervals, as a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.analysis import PLAIN
from harness.contracts import CLEAN
from harness.errors import HarnessError, unknown
from harness.notebooks.asked import framed, names, pandas_here, runs_in, settings_of, texts

if TYPE_CHECKING:
    import pandas

    from harness.analysis import Study

COLUMNS: Final[dict[str, str]] = {
    "setting": "category",
    "scale": "category",
    "model": "category",
    "metric": "category",
    "condition": "category",
    "arm": "category",
    "against": "category",
    "difference": "float64",
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
    "questions": "int64",
    "p": "float64",
    "note": "str",
}


def compare(
    runs: str | Path = "runs",
    arm: str | Iterable[str] = (),
    against: str = PLAIN,
    *,
    setting: str | Path | Sequence[str | Path] = (),
    metric: str | Iterable[str] = (),
    condition: str | Iterable[str] = CLEAN,
) -> pandas.DataFrame:
    """The difference `arm - against`, one row for each metric and condition, with its 95 % interval over questions and
    seeds.

    Left out, `arm` is every other arm that is trained, and `metric` every one that was measured. Arms are called as
    reports call them: `ps x0.5`. `p` is of exact sign flips of seeds, NaN where there are too few; `note` says what is
    lacking, or was left out. HarnessError for an arm or a metric that no run has.
    """
    pandas_here()
    from harness import analysis
    from harness.registry import installed

    folder = runs_in(runs)
    found = analysis.load(folder, settings=settings_of(setting) if setting else ())
    studies = analysis.studies(found, installed())
    if not studies:
        raise HarnessError(f"no finished run in {folder}")
    arms, metrics = names(arm) if arm else (), names(metric) if metric else ()
    known = {one.label for study in studies for one in study.arms}
    measured = {name for study in studies for name in study.metrics}
    for kind, wanted, there in (("arm", (*arms, against), known), ("metric", metrics, measured)):
        if missing := next((name for name in wanted if name not in there), None):
            raise unknown(kind, missing, sorted(there))
    rows = [row for study in studies for row in _rows(study, arms, against, metrics, texts(condition))]
    return framed(rows, COLUMNS)


def _rows(
    study: Study, arms: Sequence[str], against: str, metrics: Sequence[str], conditions: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    from harness.analysis import NotRun, difference
    from harness.stats import sign_flips

    own = [one.label for one in study.arms if one.trains and one.label != against]
    for metric in metrics or study.metrics:
        for condition in conditions:
            for arm in arms or own:
                place = (study.setting, study.scale, study.model, metric, condition, arm, against)
                try:
                    found = difference(study, arm, against, metric=metric, conditions=[condition])
                except NotRun as missing:
                    yield (*place, None, None, None, 0, 0, None, str(missing))
                    continue
                told = found.contrast.estimate()
                p = sign_flips(found.contrast.by_seed).p
                counts = (found.seeds, told.clusters)
                yield (*place, told.mean, told.low, told.high, *counts, p, "; ".join(found.left_out))
