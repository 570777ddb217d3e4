"""Why a verdict is as it is, in words: what was seen, and of what was not decided what it would take."""

from __future__ import annotations

from collections.abc import Sequence

from harness.claims.parts import RANK, ComparedPart
from harness.stats import Needed, plan


def told(parts: Sequence[ComparedPart]) -> str:
    """The differences that a verdict rests on: the worst of all parts, or all where every one holds."""
    worst = min((part.outcome for part in parts), key=RANK.index)
    return "; ".join(dict.fromkeys(_difference(part) for part in parts if part.outcome == worst))


def needed(part: ComparedPart) -> str:
    """How many seeds, or else questions, an experiment would take to tell the smallest effect that counts."""
    asked = f"{part.compare.arm} against {part.compare.against} at {100 * part.compare.smallest:g} points"
    return f"{asked}: {takes(part)}{f'; {part.beyond}' if part.beyond else ''}"


def opposed(part: ComparedPart, level: float) -> str:
    """What it takes for a part to contradict, at `level`, a claim of no difference where one is seen; else ""."""
    if part.contrast is None or part.estimate is None or part.estimate.mean is None:
        return ""
    smallest, mean = part.compare.smallest, part.estimate.mean
    beyond = {"same": abs(mean), "no more": mean}.get(part.compare.direction, 0.0)
    seen = plan(part.contrast, of_smallest=smallest, level=level).size if beyond > smallest else None
    if seen is None:
        return ""
    most = f"{100 * beyond:.0f} points seen where at most {100 * smallest:g} are claimed"
    return f"{part.compare.arm} against {part.compare.against}, {most}, to contradict it: {_takes(seen, part)}"


def takes(part: ComparedPart) -> str:
    """The same without saying of what."""
    if part.plan is None or part.estimate is None or part.difference is None:
        return "nothing measured"
    smallest = _takes(part.plan.smallest, part)
    seen = part.plan.seen
    if seen is not None and abs(seen.of) > part.compare.smallest:
        return f"{smallest}; the {100 * abs(seen.of):.0f} points seen: {_takes(seen, part)}"
    return smallest


def _takes(wanted: Needed, part: ComparedPart) -> str:
    assert part.estimate is not None
    assert part.difference is not None
    if wanted.seeds is not None and wanted.seeds > part.difference.seeds:
        return f"about {wanted.seeds} seeds needed, {part.difference.seeds} run"
    if wanted.seeds is not None:
        return "the difference seen is too near to that"
    if wanted.questions is not None:
        return f"about {wanted.questions} questions needed, {part.estimate.clusters} asked"
    return f"no number of seeds at {part.estimate.clusters} questions would tell"


def _difference(part: ComparedPart) -> str:
    seen = "" if part.estimate is None or part.estimate.mean is None else f" {100 * part.estimate.mean:+.0f}"
    said = f": {part.beyond}" if part.beyond else ""
    return f"{part.named}{seen}{said}"
