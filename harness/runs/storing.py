"""Results and their record, written so that whatever is stopped in between leaves files that fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.files import ROWS_BYTES, as_lines, read_bytes, write_rows
from harness.runs.products import CHECKS, REPLIES, RESULTS, ROWS, Product, Unfit, product_of
from harness.runs.results import Check, Result, row_of, write_results
from harness.runs.run_record import RunRecord, write_run

ROWS_AGAIN = "move it away, and the same command writes it again"


def keep_rows(folder: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes train.jsonl of the run in `folder` where it is not there; Unfit where it has other rows than these."""
    file = folder / ROWS
    if not file.is_file():
        write_rows(file, rows)
    elif read_bytes(file, limit=ROWS_BYTES, advice=ROWS_AGAIN) != as_lines(rows):
        raise Unfit(f"{file} has other rows than are trained on; {ROWS_AGAIN}")


def put_results(folder: Path, results: Sequence[Result], checks: Sequence[Check], of: RunRecord) -> dict[str, Product]:
    """Writes the results of the run in `folder`, whose record is `of` so far: the products that it is to know then.

    Where other results are there, the record says first what is about to come.
    """
    rows = {RESULTS: results} | ({CHECKS: checks} if checks else {})
    made = {name: product_of(as_lines(map(row_of, some))) for name, some in rows.items()}
    there = {name: known for name in (REPLIES, RESULTS, CHECKS) if (known := _known(folder / name, of)) is not None}
    coming = {
        name: replace(there[name], coming=made[name].sha256)
        for name in made.keys() & there.keys()
        if made[name].sha256 != there[name].sha256
    }
    if coming and of.status == "done":
        write_run(folder, replace(of, products={**of.products, **there, **coming}))
    write_results(folder, results, checks)
    return {**of.products, **there, **made}


def _known(file: Path, of: RunRecord) -> Product | None:
    """What the record knows of `file`; where it does not, what is there, which was held to the rest of it when read."""
    if file.name in of.products:
        return of.products[file.name]
    if not file.is_file():
        return None
    return product_of(read_bytes(file, limit=ROWS_BYTES, advice="move it away"))
