"""Decisions as plain sections: the publication's table beside ours, then every comparison, then what to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from harness.analysis import grouped
from harness.claims import Board, Claims, Decision, Deviation, Part
from harness.report.numbers import interval
from harness.report.section import Section

EXPLAINED = (
    "a verdict holds for its whole family of claims at 95 % (Holm); intervals are of one comparison, clustered by "
    "question and seed; p: exact sign flips of seeds, for the questions asked",
    "reproduced: the interval lies wholly on the claimed side of 0 and the difference counts; contradicted: an effect "
    "that counts is ruled out; for 'same' and 'no more' the other way round",
)


COLUMNS = ("claim", "comparison", "claimed", "difference", "95 % interval", "seeds", "questions", "p", "verdict")


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
    ours = [f"{one.verdict} ({one.model})" if several else one.verdict for one in decisions]
    return f"{said} / {', '.join(ours)}"


def _comparisons(decisions: Sequence[Decision], scale: str) -> Section:
    own = [one for one in decisions if one.verdict != "nothing claimed"]
    # Where no design gives a p there is no column of it: the lines below say why.
    some_p = any(part.flips.p is not None for one in own for part in one.parts)
    shown = [at for at, name in enumerate(COLUMNS) if name != "p" or some_p]
    return Section(
        title=f"comparisons, {scale}",
        detail="difference in points, smallest that counts in brackets",
        head=tuple(COLUMNS[at] for at in shown),
        rows=tuple(tuple(row[at] for at in shown) for one in own for row in _rows(one)),
        lines=(
            *EXPLAINED,
            *_reasons(own),
            *_without_p(own),
        ),
    )


def _reasons(decisions: Sequence[Decision]) -> Iterator[str]:
    """Why each verdict is as it is, the claims of one reason together."""
    claims: dict[tuple[str, str], list[str]] = {}
    for one in decisions:
        claims.setdefault((one.verdict, one.why), []).append(one.claim.name)
    for (verdict, why), names in claims.items():
        yield f"{', '.join(names)}: {verdict}: {why}"


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
            one.verdict if first else "",
        )


def _named(part: Part) -> str:
    asked = part.compare
    what = asked.measure if asked.measure == "balance" else f"{asked.metric}, {', '.join(asked.conditions)}"
    return f"{asked.arm} - {asked.against}: {'leak of ' if asked.measure == 'leak' else ''}{what}"


def _figures(part: Part) -> tuple[str, str, str, str, str]:
    found = part.estimate
    if found is None or found.mean is None:
        return ("-", "-", "-", "-", "-")
    ends = interval(found, "+.0f") or "-"
    p = "none" if part.flips.p is None else f"{part.flips.p:.2g}"
    return (f"{100 * found.mean:+.1f}", ends, str(found.seeds), str(found.clusters), p)


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
        "why": one.why,
        "alpha": one.alpha,
        "adjusted": one.adjusted,
        "family": one.family,
        "comparisons": [_part(part) for part in one.parts],
    }


def _part(part: Part) -> dict[str, object]:
    return {
        "compare": part.compare.model_dump(mode="json"),
        "estimate": None if part.estimate is None else asdict(part.estimate),
        "by_seed": [] if part.contrast is None else list(part.contrast.by_seed),
        "p": part.flips.p,
        "why_no_p": part.flips.why_none,
        "plan": None if part.plan is None else asdict(part.plan),
        "missing": part.missing,
        "gates": list(part.gates),
    }
