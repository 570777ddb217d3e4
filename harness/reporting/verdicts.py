"""Decisions as plain sections: the publication's table beside ours, then every comparison, then what to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from harness.analysis import grouped
from harness.claims import Board, Claims, ComparedPart, Decision, Deviation
from harness.reporting.numbers import interval
from harness.reporting.section import Section

EXPLAINED = (
    "a verdict holds for its whole family of claims at 95 % (Holm, over all claims of the file); intervals are of one "
    "comparison, clustered by question and seed; p: exact sign flips of seeds, for the questions asked",
    "reproduced: the interval lies wholly on the claimed side of the smallest difference that counts; contradicted: an "
    "effect that counts is ruled out; for 'same' and 'no more' the other way round; there, size open: on the claimed "
    "side of 0, and whether it counts is open; there, too small to count: on that side, and less than counts",
    "inconclusive says what an experiment would take; seeds that are added until a verdict comes make false ones",
)


COLUMNS = (
    *("claim", "comparison", "claimed", "difference", "95 % interval", "unjudged as 0 or 1", "seeds", "questions", "p"),
    *("says", "verdict"),
)


def sections(claims: Claims, decisions: Sequence[Decision], changed: Sequence[Deviation]) -> list[Section]:
    """For every scale the table, where the file has one, and the comparisons; then the notes of the file."""
    found: list[Section] = []
    for scale in dict.fromkeys(one.scale for one in decisions):
        own = [one for one in decisions if one.scale == scale]
        if claims.value.table is not None:
            found.append(_board(claims.value.table, claims.value.title, own, scale))
        found.append(_comparisons(own, scale))
    found[-1] = _with_remarks(found[-1], claims, changed)
    return found


def record(claims: Claims, decisions: Sequence[Decision], changed: Sequence[Deviation]) -> dict[str, object]:
    """Everything as plain JSON values."""
    return {
        "title": claims.value.title,
        "source": claims.value.source,
        "decisions": [_decision(one) for one in decisions],
        "notes": list(claims.value.notes),
        "deviations": [one.what for one in changed],
    }


def _board(board: Board, title: str, decisions: Sequence[Decision], scale: str) -> Section:
    cells = grouped(decisions, lambda one: one.claim.cell)
    return Section(
        title=f"{title}, {scale}",
        detail="what it says / what these runs say",
        head=("", *board.columns.values()),
        rows=tuple(
            (title, *(_beside(cells.get((row, column), ())) for column in board.columns))
            for row, title in board.rows.items()
        ),
    )


def _beside(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return "-"
    said = decisions[0].claim.says
    if all(one.verdict == "nothing claimed" for one in decisions):
        return said
    several = len({one.model for one in decisions}) > 1
    ours = [f"{one.words} ({one.model})" if several else one.words for one in decisions]
    return f"{said} / {', '.join(ours)}"


def _comparisons(decisions: Sequence[Decision], scale: str) -> Section:
    own = [one for one in decisions if one.verdict != "nothing claimed"]
    parts = [part for one in own for part in one.parts]
    # A column that would be empty is none: the lines below say why there is no p.
    empty = {
        "p": all(part.flips.p is None for part in parts),
        "unjudged as 0 or 1": all(part.worst is None for part in parts),
        "says": all(len(one.parts) == 1 for one in own),
    }
    shown = [at for at, name in enumerate(COLUMNS) if not empty.get(name)]
    return Section(
        title=f"comparisons, {scale}",
        detail="difference in points, smallest that counts in brackets",
        head=tuple(COLUMNS[at] for at in shown),
        rows=tuple(tuple(row[at] for at in shown) for one in own for row in _rows(one)),
        lines=(*EXPLAINED, *_reasons(own), *_by_metric(own), *_left_out(own), *_without_p(own)),
    )


def _reasons(decisions: Sequence[Decision]) -> Iterator[str]:
    """Why each verdict is as it is, the claims of one reason together."""
    claims: dict[tuple[str, str], list[str]] = {}
    for one in decisions:
        claims.setdefault((one.words, one.why), []).append(one.claim.name)
    for (verdict, why), names in claims.items():
        yield f"{', '.join(names)}: {verdict}: {why}"


def _by_metric(decisions: Sequence[Decision]) -> Iterator[str]:
    """What each of several metrics says of one comparison: by another rule the verdict might be another."""
    for one in decisions:
        for asked in (asked for asked in one.claim.compare if len(asked.metrics) > 1):
            same = [
                part for part in one.parts if part.compare == asked.model_copy(update={"metric": part.compare.metric})
            ]
            told = ", ".join(f"{part.compare.metric} {_outcome(part)}" for part in same)
            yield f"{one.claim.name}, {asked.arm} - {asked.against} by {len(same)} metrics: {told}"


def _left_out(decisions: Sequence[Decision]) -> Iterator[str]:
    """What was there and is in no verdict, each line once with the claims that it is of."""
    claims: dict[str, dict[str, None]] = {}
    for one in decisions:
        for line in (line for part in one.parts if part.difference for line in part.difference.left_out):
            claims.setdefault(line, {})[one.claim.name] = None
    for line, names in claims.items():
        yield f"not used in {', '.join(names)}: {line}"


def _rows(one: Decision) -> Iterator[tuple[str, ...]]:
    for number, part in enumerate(one.parts):
        asked = part.compare
        claimed = f"{asked.direction} ({100 * asked.smallest:g})"
        first = number == 0
        yield (
            one.claim.name if first else "",
            _named(part),
            claimed,
            *_figures(part),
            _outcome(part),
            one.words if first else "",
        )


def _outcome(part: ComparedPart) -> str:
    """The outcome of one comparison, and nothing of one that was not run or has too little to go by."""
    return "-" if part.missing or part.too_few else part.outcome


def _named(part: ComparedPart) -> str:
    asked = part.compare
    what = asked.measure if asked.measure == "balance" else f"{asked.metric}, {', '.join(asked.conditions)}"
    return f"{part.named}: {'leak of ' if asked.measure == 'leak' else ''}{what}"


def _figures(part: ComparedPart) -> tuple[str, str, str, str, str, str]:
    found = part.estimate
    if found is None or found.mean is None or part.difference is None:
        return ("-", "-", "-", "-", "-", "-")
    ends = interval(found, "+.0f") or "-"
    worst = "-" if part.worst is None else f"[{100 * part.worst[0]:+.0f}, {100 * part.worst[1]:+.0f}]"
    p = "none" if part.flips.p is None else f"{part.flips.p:.2g}"
    return (f"{100 * found.mean:+.1f}", ends, worst, str(part.difference.seeds), str(found.clusters), p)


def _without_p(decisions: Sequence[Decision]) -> list[str]:
    reasons = [part.flips.why_none for one in decisions for part in one.parts if part.estimate and part.flips.p is None]
    return [f"no p: {reason}" for reason in dict.fromkeys(reasons)]


def _with_remarks(section: Section, claims: Claims, changed: Sequence[Deviation]) -> Section:
    notes = (f"note: {note}" for note in claims.value.notes)
    return replace(section, lines=(*section.lines, *(f"deviation: {one.what}" for one in changed), *notes))


def _decision(one: Decision) -> dict[str, object]:
    return {
        "claim": one.claim.model_dump(mode="json"),
        "scale": one.scale,
        "model": one.model,
        "verdict": one.verdict,
        "words": one.words,
        "without_gates": one.ungated,
        "why": one.why,
        "alpha": one.alpha,
        "adjusted": one.adjusted,
        "family": one.family,
        "comparisons": [_part(part) for part in one.parts],
    }


def _part(part: ComparedPart) -> dict[str, object]:
    return {
        "compare": part.compare.model_dump(mode="json"),
        "estimate": None if part.estimate is None else asdict(part.estimate),
        "by_seed": [] if part.contrast is None else list(part.contrast.by_seed),
        "p": part.flips.p,
        "why_no_p": part.flips.why_none,
        "plan": None if part.plan is None else asdict(part.plan),
        "outcome": part.outcome,
        "beyond_placebo": part.beyond,
        "missing": part.missing,
        "gates": [asdict(gate) for gate in part.gates],
        "unjudged": 0 if part.difference is None else part.difference.unjudged,
        "worst": part.worst,
        "left_out": [] if part.difference is None else list(part.difference.left_out),
    }
