"""The way from every number of a report to the transcripts behind it, as data for the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.analysis import Arm, Block, Results, Table, by_seed
from harness.cells import log_name
from harness.contracts import Condition

DIGITS = 3  # of a seed's mean


def of_tables(results: Results, tables: Sequence[Table], *, bundle: str = "") -> dict[str, object]:
    """Plain values for the page's script: folders below the runs folder, log files, what each number is made of.

    A number is `[n, judged, clusters, seeds, method, means]`, `method` an index into `methods`, `means` one for each
    run of its arm, by its key `ARM,CONDITION` of indices.
    """
    found = [cell.method for table in tables for block in table.blocks for cell in block.cells.values()]
    methods = {method: at for at, method in enumerate(dict.fromkeys(found))}
    return {
        "runs": str(results.folder),
        "bundle": bundle,
        "methods": list(methods),
        "tables": [_table(table, results.folder, methods) for table in tables],
    }


def _table(table: Table, runs: Path, methods: dict[str, int]) -> dict[str, object]:
    return {
        "arms": [
            {
                "name": arm.label,
                "untrained": not arm.trains,
                "runs": [[run.cell.seed, run.folder.relative_to(runs).as_posix()] for run in arm.runs],
            }
            for arm in table.arms
        ],
        "conditions": [[at, log_name(Condition.parse(at))] for at in table.conditions],
        "blocks": [_block(block, table, methods) for block in table.blocks],
    }


def _block(block: Block, table: Table, methods: dict[str, int]) -> dict[str, object]:
    cells = {}
    for row, arm in enumerate(table.arms):
        for column, condition in enumerate(table.conditions):
            found = block.cells.get((arm.label, condition))
            if found is not None:
                counts = [found.n, found.judged, found.clusters, found.seeds]
                means = _means(arm, condition, block.metric)
                cells[f"{row},{column}"] = [*counts, methods[found.method], means]
    return {"metric": block.metric, "kind": block.kind, "percent": block.percent, "cells": cells}


def _means(arm: Arm, condition: str, metric: str) -> list[float | None]:
    means = [by_seed(run.values.get((condition, metric), ())).get(run.cell.seed) for run in arm.runs]
    return [None if mean is None else round(mean, DIGITS) for mean in means]
