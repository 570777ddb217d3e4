"""What of a table's runs does not fit together: inputs that differ, conditions that only some seeds have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.analysis.arms import Arm
from harness.analysis.grouping import grouped
from harness.analysis.results import Run

PER_SEED = frozenset({"cell", "rows", "proxy_rows"})  # inputs that change with the seed
PER_ARM = PER_SEED | {"steering", "conditions", "changes"}  # inputs that may change with the arm


def mixtures(arms: Sequence[Arm]) -> list[str]:
    """A line for each input that differs where it should not: between an arm's seeds, or between arms."""
    notes = []
    for arm in arms:
        for name in sorted({name for run in arm.runs for name in run.inputs} - PER_SEED):
            kinds = _kinds(name, arm.runs)
            if len(kinds) > 1:
                notes.append(f"{arm.label} averages over runs with different {name}: {_by_seed(kinds)}")
    everything = [run for arm in arms for run in arm.runs]
    for name in sorted({name for run in everything for name in run.inputs} - PER_ARM):
        kinds = _kinds(name, everything)
        if len(kinds) > 1 and not any(f"different {name}:" in note for note in notes):
            groups = "; ".join(
                ", ".join(dict.fromkeys(run.cell.intervention for run in same)) for same in kinds.values()
            )
            notes.append(f"arms differ in {name}; compare only within: {groups}")
    return notes


def lacking_seeds(arms: Sequence[Arm], conditions: Sequence[str]) -> Iterator[str]:
    """A line for each condition that some seeds of an arm have, and others lack."""
    for arm in arms:
        for condition in conditions:
            lacking = [run.cell.seed for run in arm.runs if not any(at == condition for at, _ in run.values)]
            if 0 < len(lacking) < len(arm.runs):
                yield f"{arm.label}: {condition} lacks seed {', '.join(map(str, lacking))}"


def cut_rows(arms: Sequence[Arm]) -> Iterator[str]:
    """A line for each arm with training rows whose end was cut off: a prompt makes rows longer, and fewer end whole."""
    for arm in arms:
        lost = {run.cell.seed: run.record.made.truncated_rows for run in arm.runs}
        if any(lost.values()):
            by_seed = ", ".join(f"{count} with seed {seed}" for seed, count in lost.items() if count)
            yield f"{arm.label}: max_length cut off the end of training rows, which teach none: {by_seed}"


def untaken(arms: Sequence[Arm]) -> Iterator[str]:
    """A line for each judge that could not take some replies of a run."""
    for arm in arms:
        for run in arm.runs:
            for judge, lost in run.record.untaken.items():
                yield f"{arm.label}, seed {run.cell.seed}, judge {judge}: {lost}; 'harness rejudge' asks it again"


def fits(arms: Sequence[Arm]) -> list[str]:
    """What to know of what training and doses were chosen for, each line once for all runs that it is true of."""
    told = [run.record.fit.note for arm in arms for run in arm.runs if run.record.fit is not None]
    return [line for line in dict.fromkeys(told) if line]


def _kinds(name: str, runs: Iterable[Run]) -> dict[str, list[Run]]:
    having = (run for run in runs if name in run.inputs)
    return grouped(having, lambda run: json.dumps(run.inputs[name], sort_keys=True))


def _by_seed(kinds: Mapping[str, Sequence[Run]]) -> str:
    return " against ".join("seeds " + ", ".join(str(run.cell.seed) for run in same) for same in kinds.values())
