"""The report for programs. The same results give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from harness.analysis import Arm, Block, Results, Table, costs
from harness.reporting.wording import command_of
from harness.screen import json_text


def as_record(results: Results, tables: Sequence[Table]) -> dict[str, object]:
    """The report as plain JSON values: shares as fractions, None where there is no number."""
    return {
        "tables": [_table(table) for table in tables],
        "unfinished": [str(folder) for folder in results.unfinished],
        "stale": [{"folder": str(folder), "reason": reason} for folder, reason in results.stale],
        "transcripts": command_of(results),
    }


def as_json(results: Results, tables: Sequence[Table]) -> str:
    """`as_record`, written out."""
    return json_text(as_record(results, tables), indent=2) + "\n"


def _table(table: Table) -> dict[str, object]:
    return {
        "setting": table.setting,
        "scale": table.scale,
        "model": table.model,
        "conditions": list(table.conditions),
        "arms": [_arm(arm) for arm in table.arms],
        "blocks": [_block(block) for block in table.blocks],
        "doses": [asdict(one) for one in table.sweeps],
        "along": [asdict(one) for one in table.courses],
        "published": [asdict(one) for one in table.published],
        **({"prompts": asdict(table.prompts)} if table.prompts else {}),
        "agreement": [asdict(one) for one in table.agreed],
        "costs": [asdict(one) for one in costs(table)],
        "notes": list(table.notes),
    }


def _arm(arm: Arm) -> dict[str, object]:
    return {
        "label": arm.label,
        "intervention": arm.intervention,
        "weights": arm.weights,
        **({"prompt": arm.prompt} if arm.prompt else {}),
        "dose": arm.dose,
        "control": arm.control,
        "concept": arm.concept,
        "seeds": list(arm.seeds),
        "folders": [str(run.folder) for run in arm.runs],
        "failed_gates": list(arm.failed),
        "capabilities": [{"folder": str(run.folder), **asdict(one)} for run in arm.runs for one in run.capabilities],
    }


def _block(block: Block) -> dict[str, object]:
    return {
        "metric": block.metric,
        "kind": block.kind,
        "goal": block.goal,
        "cells": [
            {"arm": arm, "condition": condition, **asdict(cell)} for (arm, condition), cell in block.cells.items()
        ],
    }
