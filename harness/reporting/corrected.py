"""Judges held against labels, as sections: how far each errs, and corrected figures beside those as judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from harness.analysis import Corrected, CorrectedFigure, Erring
from harness.reporting.numbers import with_interval
from harness.reporting.section import Section

ERRING = (
    "sensitivity: of what a person calls yes, the judge too; specificity: of no; every label counts as one over the "
    "chance with which it was drawn",
)
ALIKE = "of no two arms do these labels show that the judge errs differently; that does not make it err alike"
UNLIKE = "so the errors of all arms together are those of no arm: read the prediction-powered column"
FIGURES = (
    "judged: the replies as judged, as elsewhere; Rogan-Gladen: corrected by sensitivity and specificity of all arms "
    "together, which holds where the judge errs alike in all; prediction-powered: by the labels of the arms compared "
    "alone, which holds wherever it errs",
    "intervals count what the labels leave open; a verdict on a claim is of the replies as judged",
)
NO_RATE = "Rogan-Gladen is for yes and no; of this score the mean alone can be corrected"


def of_corrected(found: Sequence[Corrected]) -> list[Section]:
    """For each table and condition how the judge errs, then the figures."""
    return [section for one in found for section in (_erring(one), _figures(one))]


def corrected_record(found: Sequence[Corrected]) -> list[dict[str, object]]:
    """The same as plain JSON values."""
    return [asdict(one) for one in found]


def _erring(one: Corrected) -> Section:
    columns = ("sensitivity", "specificity") if one.two_valued else ("label - judge",)
    return Section(
        title=f"errors of judge {one.judge}: {one.metric}",
        detail=f"{one.setting}, {one.scale}, {one.model}, {one.condition}; by a person's labels, {_unit(one)}",
        head=("arm", "labels", *columns),
        rows=tuple((row.arm or "all arms", str(row.labels), *_errors(row, one)) for row in one.erring),
        lines=(*(ERRING if one.two_valued else ()), *_differing(one), *(f"note: {note}" for note in one.notes)),
    )


def _errors(row: Erring, one: Corrected) -> Iterator[str]:
    if one.two_valued:
        yield from (with_interval(found, ".0f", ".0f") for found in (row.sensitivity, row.specificity))
    else:
        yield with_interval(row.error, "+.1f", "+.1f", scale=100 if one.shares else 1)


def _differing(one: Corrected) -> Iterator[str]:
    yield from one.unlike
    if one.unlike and one.two_valued:
        yield UNLIKE
    elif len(one.erring) > 1:
        yield ALIKE


def _figures(one: Corrected) -> Section:
    columns = ("judged", "Rogan-Gladen", "prediction-powered") if one.two_valued else ("judged", "prediction-powered")
    return Section(
        title=f"corrected for the judge: {one.metric}",
        detail=_unit(one),
        head=("arm", *columns),
        rows=tuple(_figure(row, one) for row in one.figures),
        lines=(*FIGURES, *(() if one.two_valued else (NO_RATE,))),
    )


def _figure(row: CorrectedFigure, one: Corrected) -> tuple[str, ...]:
    form, ends = ("+.1f", "+.0f") if row.against else (".1f", ".0f")
    found = (row.plain, row.pooled, row.powered) if one.two_valued else (row.plain, row.powered)
    name = f"{row.arm} - {row.against}" if row.against else row.arm
    return (name, *(with_interval(each, form, ends, scale=100 if one.shares else 1) for each in found))


def _unit(one: Corrected) -> str:
    return f"{'percent' if one.shares else 'as the judge scores'} [95 % interval]"
