"""How far two judges agree, as sections: in the runs of a table, or on any replies that both were given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from harness.analysis import CANNOT_TELL, NO, YES, Agreed, Agreement, ComparedScore, Confusion, TwoJudges, grouped
from harness.contracts import Judge
from harness.reporting.numbers import decimal, percent
from harness.reporting.section import Section

Judges = tuple[Judge, Judge]


def of_agreement(agreed: Sequence[Agreed]) -> list[Section]:
    """For each pair of judges, how far they agree: over all arms, then arm by arm, all conditions together."""
    pairs = grouped(agreed, lambda one: (one.judge, one.check))
    return [_agreement(judge, check, same) for (judge, check), same in pairs.items()]


def of_two_judges(judges: Judges, found: TwoJudges) -> list[Section]:
    """What two judges made of the same replies: their numbers, their largest shares, their verdicts."""
    names = judges[0].name, judges[1].name
    sections = [_numbers(names, found)]
    if found.largest is not None:
        sections.append(_largest(names, found.shares, found.largest, found.confusion))
    return [*sections, *(section for one in found.scores for section in _verdicts(names, one))]


def two_judges_record(judges: Judges, found: TwoJudges) -> dict[str, object]:
    """The same as plain JSON values."""
    first, second = ({"judge": judge.name, "version": judge.version} for judge in judges)
    scores = [{**asdict(one), "confusion": _cells(one.confusion)} for one in found.scores]
    record: dict[str, object] = {"first": first, "second": second, "replies": found.replies, "scores": scores}
    if found.largest is not None:
        record["largest"] = {**asdict(found.largest), "confusion": _cells(found.confusion)}
    return record


def _agreement(judge: str, check: str, same: Sequence[Agreed]) -> Section:
    names, own = list(same[0].agreement.differences), list(dict.fromkeys(name for one in same for name in one.own))
    rows = []
    for one in same:
        told = one.agreement
        counts = (told.replies, told.both, told.only_first, told.only_second, told.neither)
        shares = [told.differences[name] for name in names]
        rows.append(
            (
                one.arm or "all arms",
                *map(str, counts),
                percent(told.same, 1),
                _alpha(told.alpha, told.alpha_low, told.alpha_high),
                *(percent(share, 1) for share in shares),
                *(percent(one.own.get(name), 1) for name in own),
            )
        )
    return Section(
        title=f"agreement of {judge} with {check}",
        detail="on the largest share, over all conditions",
        head=(
            *("arm", "replies", "both told", f"only {judge}", f"only {check}", "neither", "same", "alpha"),
            *(f"{name} apart" for name in names),
            *(f"{name} by {check}" for name in own),
        ),
        rows=tuple(rows),
        lines=(
            "same: percent of the replies in which both judges have a largest share, and it is the same one; "
            "alpha: Krippendorff's, nominal [95 % interval]; apart: mean absolute difference of the shares, in points",
            *((f"by {check}: the mean of what {check} alone gives, times 100",) if own else ()),
        ),
    )


def _numbers(names: tuple[str, str], found: TwoJudges) -> Section:
    return Section(
        title=f"{names[0]} and {names[1]}",
        detail=f"{found.replies} replies",
        head=("score", "both told", "apart", "alpha of numbers", "threshold", "same verdict", "alpha of verdicts"),
        rows=tuple(
            (
                one.score,
                str(one.both),
                decimal(one.apart, ".3g"),
                _alpha(one.alpha, one.alpha_low, one.alpha_high),
                f"{one.chosen.threshold:g}",
                percent(one.chosen.same, 1),
                _alpha(one.chosen.alpha, one.chosen.alpha_low, one.chosen.alpha_high),
            )
            for one in found.scores
        ),
        lines=(
            "both told: replies to which both give a number; apart: its mean absolute difference; "
            "alpha: Krippendorff's [95 % interval], 1 for full agreement, 0 as by chance, - where it could not differ; "
            "verdict: the number is at least the threshold; same verdict in percent",
        ),
    )


def _verdicts(names: tuple[str, str], one: ComparedScore) -> Iterator[Section]:
    yield _confused(f"{one.score} at least {one.chosen.threshold:g}", names, (YES, NO, CANNOT_TELL), one.confusion)
    yield Section(
        title=f"{one.score} by threshold",
        detail="percent of the replies to which both give a number",
        head=("threshold", f"yes by {names[0]}", f"yes by {names[1]}", "same verdict", "alpha"),
        rows=tuple(
            (
                f"{cut.threshold:.6g}",
                *(percent(share, 1) for share in (cut.first, cut.second, cut.same)),
                _alpha(cut.alpha, cut.alpha_low, cut.alpha_high),
            )
            for cut in one.cuts
        ),
    )


def _largest(names: tuple[str, str], parts: Sequence[str], told: Agreement, confusion: Confusion) -> Section:
    alpha = _alpha(told.alpha, told.alpha_low, told.alpha_high)
    detail = f"same in {percent(told.same, 1)} percent of {told.both} replies, alpha {alpha}"
    return _confused("largest share", names, (*parts, CANNOT_TELL), confusion, detail)


def _alpha(value: float | None, low: float | None, high: float | None) -> str:
    ends = "" if low is None or high is None else f" [{decimal(low)}, {decimal(high)}]"
    return f"{decimal(value)}{ends}"


def _confused(
    title: str, names: tuple[str, str], verdicts: Sequence[str], confusion: Confusion, detail: str = ""
) -> Section:
    return Section(
        title=title,
        detail=detail or f"replies by verdict of {names[0]} (rows) and {names[1]} (columns)",
        head=(f"{names[0]} | {names[1]}", *verdicts),
        rows=tuple((row, *(str(confusion.get((row, column), 0)) for column in verdicts)) for row in verdicts),
    )


def _cells(confusion: Confusion) -> list[dict[str, object]]:
    return [{"first": one, "second": other, "replies": n} for (one, other), n in sorted(confusion.items())]
