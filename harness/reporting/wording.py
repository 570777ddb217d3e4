"""What every form of the report says alike: titles, names, figures, and the lines below a table."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.analysis import Arm, Block, Results, Table, grouped
from harness.contracts import Goal
from harness.screen import shown
from harness.stats import Estimate


def title_of(table: Table) -> str:
    """Setting, scale and model."""
    return shown(f"{table.setting}, {table.scale}, {table.model}")


def name_of(block: Block) -> str:
    """The metric, and what it is there for."""
    return shown(f"{block.metric}: leak") if block.kind == "leak" else with_goal(block.metric, block.goal)


def with_goal(metric: str, goal: Goal | None) -> str:
    """A metric's name with its goal behind it."""
    return shown(f"{metric} ({goal})" if goal else metric)


def detail_of(block: Block) -> str:
    """What the figures of the block are, in a sentence."""
    return "(condition - clean) minus the same of the base model" if block.kind == "leak" else shown(block.summary)


def conditions_of(table: Table, block: Block) -> tuple[str, ...]:
    """The conditions under which the block has a figure, in the order of the table."""
    return tuple(at for at in table.conditions if any((arm.label, at) in block.cells for arm in table.arms))


def arms_of(table: Table, block: Block) -> list[Arm]:
    """The arms of which the block has a figure, in the order of the table."""
    return [arm for arm in table.arms if any(label == arm.label for label, _ in block.cells)]


def header_of(condition: str) -> str:
    """The condition on two or three short lines."""
    kind, colon, rest = shown(condition).partition(":")
    return f"{kind}:\n{rest.replace('@', chr(10) + '@')}" if colon else condition


def label_of(arm: Arm) -> str:
    """The arm, marked where a gate failed."""
    return shown(f"{arm.label} !" if arm.failed else arm.label)


def seeds_of(arm: Arm) -> str:
    """How many seeds are pooled."""
    return str(len(arm.runs))


def count_of(block: Block, arm: Arm, columns: Sequence[str]) -> str:
    """How many rows an arm has under `columns`: one number, or the least and the most."""
    counts = {block.cells[arm.label, at].n for at in columns if (arm.label, at) in block.cells}
    return "" if not counts else str(min(counts)) if len(counts) == 1 else f"{min(counts)}-{max(counts)}"


def figure_of(block: Block, arm: Arm, condition: str) -> str:
    """`93 [90, 96] ?2`: mean, interval, and how many were not judged."""
    cell = block.cells.get((arm.label, condition))
    if cell is None:
        return ""
    missing = f" ?{cell.n - cell.judged}" if cell.judged < cell.n else ""
    return f"{mean_of(cell, block)}{interval_of(cell, block)}{missing}"


def mean_of(cell: Estimate, block: Block) -> str:
    """The mean, a leak with its sign."""
    if cell.mean is None:
        return "-"
    sign = "+" if block.kind == "leak" and cell.mean > 0 else ""
    return sign + number(cell.mean, block)


def interval_of(cell: Estimate, block: Block) -> str:
    """The interval after a blank; nothing where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f" [{number(cell.low, block)}, {number(cell.high, block)}]"


def number(value: float, block: Block) -> str:
    """Two figures that matter: tenths of a percent only near 0 and 100."""
    if not block.percent:
        return f"{value:.3g}"
    percent = 100 * value
    if 0.05 <= abs(percent) < 9.95 or 99.5 <= percent < 99.95:
        return f"{percent:.1f}"
    return f"{percent:.0f}" if abs(percent) >= 0.5 else "0"


def remarks_of(table: Table) -> list[str]:
    """What a reader of the table must know."""
    unit = "percent" if all(block.percent for block in table.blocks) else "percent (shares) or scores"
    lines = [f"{unit} [95 % interval, clustered by case]; n: replies (leak: case x seed pairs)"]
    cells = [cell for block in table.blocks for cell in block.cells.values()]
    if any(cell.judged < cell.n for cell in cells):
        lines.append("?k: k of n not judged (leak: not judged in all four); they are in no mean")
    lines += [f"! {arm.label}, {line}" for arm in table.arms for line in arm.failed]
    lines += _concepts(table)
    return [shown(line) for line in (*lines, *(f"note: {line}" for line in table.notes))]


def _concepts(table: Table) -> list[str]:
    """What the arms' prompts and vectors are about: two arms compared may not be about the same thing."""
    arms = grouped((arm for arm in table.arms if arm.concept), lambda arm: arm.concept)
    told = [f"{concept} ({', '.join(arm.label for arm in same)})" for concept, same in arms.items()]
    return [f"about: {'; '.join(told)}"] if told else []


def closing(results: Results, tables: Sequence[Table]) -> list[str]:
    """What was left out, and last the command that shows the transcripts."""
    return [*left_out(results, tables), shown(command_of(results))]


def left_out(results: Results, tables: Sequence[Table]) -> list[str]:
    """Which runs are in no table, and why."""
    lines = [] if tables else ["no finished cell here"]
    if results.unfinished:
        count = len(results.unfinished)
        names = ", ".join(str(folder) for folder in results.unfinished)
        lines.append(f"{count} unfinished {'cell' if count == 1 else 'cells'} left out: {names}")
    lines += [f"stale, left out: {folder} ({reason})" for folder, reason in results.stale]
    return list(map(shown, lines))


def command_of(results: Results) -> str:
    """The command that shows the transcripts."""
    return f"inspect view --log-dir {shlex.quote(str(results.folder))}"
