"""Figures as files: PNG, SVG and the numbers in CSV. The same results give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis import DoseSweep, Table, trait_of
from harness.files import digest_of
from harness.reporting.csv_form import block_csv
from harness.reporting.drawings import condition_bars
from harness.reporting.figures import MADE_BY, STYLE, dose_csv, dose_figure, saved
from harness.runs import Outputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(tables: Sequence[Table], folder: Path, outputs: Outputs | None = None) -> list[Path]:
    """Writes a figure of the trait of each table, arm by condition, and one for each intervention at two or more doses.

    The paths, in order. HarnessError where what is there is not to be replaced, by `outputs`.
    """
    written: list[Path] = []
    outputs = outputs or Outputs()
    for table in tables:
        for label, numbers, figure in _figures(table):
            stem = folder / _name(table, label)
            for form, content in _forms(numbers, figure):
                file = stem.with_name(f"{stem.name}.{form}")
                with outputs.writing(file, "a figure") as part:
                    part.write_bytes(content)
                written.append(file)
    return written


def _figures(table: Table) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    """What each figure is called, its numbers, and what draws it."""
    trait = trait_of(table)
    if trait is not None:
        yield "conditions", block_csv(table, [trait]), partial(condition_bars, table, trait)
    for one in table.sweeps:
        yield _label(one), dose_csv(one), partial(dose_figure, table, one)


def _label(one: DoseSweep) -> str:
    label = one.label.replace('"', "")
    # Words may differ in nothing but what a file's name leaves out.
    return label if label == one.label else f"{label}-{digest_of(one.label)[:6]}"


def _name(table: Table, label: str) -> str:
    return re.sub(r"[^\w.=-]+", "-", f"{table.setting}-{table.scale}-{table.model}-{label}").strip("-")


def _forms(numbers: str, figure: Callable[[], Figure]) -> Iterator[tuple[str, bytes]]:
    import matplotlib

    yield "csv", numbers.encode()
    with matplotlib.rc_context(STYLE):
        for form, about in MADE_BY.items():
            page = io.BytesIO()
            saved(figure(), page, format=form, dpi=150, metadata=about)
            yield form, page.getvalue()
