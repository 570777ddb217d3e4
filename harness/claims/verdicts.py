"""Claims to verdicts: gates first, then intervals at a level that Holm's correction sets for the whole family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis import Arm, Results, Table, tables
from harness.claims.measures import NotRun, measured
from harness.claims.names import check_conditions
from harness.claims.schema import Claim, Claims, Comparison
from harness.registry import Registry
from harness.runs import metric_of
from harness.stats import Contrast, DesignPlan, Estimate, FlipTest, decided_at, holm, plan, sign_flips

Verdict = Literal["reproduced", "contradicted", "inconclusive", "not run", "invalid", "nothing claimed"]

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One comparison of a claim: `arm` minus `against`, with its 95 % interval and what the seeds alone can say.

    `supports` and `opposes` are the smallest alphas at which the interval decides for and against, 1 where it does
    at none; `plan` is what the design can see of the smallest effect that counts, at the family's level. `gates`
    failed, one line each. `contrast` is None where something is `missing`.
    """

    compare: Comparison
    contrast: Contrast | None
    estimate: Estimate | None
    flips: FlipTest
    plan: DesignPlan | None
    supports: float
    opposes: float
    missing: str = ""
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the runs at one scale say of a claim, and why.

    `alpha` is the smallest level of its own at which it is decided, `adjusted` that of the family after Holm; None
    where there was nothing to decide. `family` counts the claims that were decided together.
    """

    claim: Claim
    scale: str
    model: str
    verdict: Verdict
    why: str
    parts: tuple[Part, ...]
    alpha: float | None = None
    adjusted: float | None = None
    family: int = 0


def judge(claims: Claims, results: Results, registry: Registry) -> tuple[Decision, ...]:
    """A decision for every claim at every scale and model that was run, in the order of the file.

    Without a run of its setting a claim is `not run` at each scale that others have. HarnessError for a condition that
    no setting of that name has and no run was asked under.
    """
    found = tables(results, registry)
    check_conditions(claims, registry, tables=found)
    scales = sorted({table.scale for table in found})
    decisions = [one for scale in scales for one in _decisions(claims, [t for t in found if t.scale == scale], scale)]
    return tuple(_corrected(decisions))


def _decisions(claims: Claims, found: Sequence[Table], scale: str) -> Iterator[Decision]:
    for claim in claims.value.claims:
        own = [table for table in found if table.setting == claim.setting]
        if not claim.compare:
            yield _decision(claim, scale, "", "nothing claimed", claim.says)
        elif not own:
            yield _decision(claim, scale, "", "not run", f"no finished run of {claim.setting} at {scale}")
        for table in own if claim.compare else ():
            yield _judged(claim, table, claims)


def _judged(claim: Claim, table: Table, claims: Claims) -> Decision:
    parts = tuple(_part(comparison, table, claims) for comparison in claim.compare)
    missing = dict.fromkeys(part.missing for part in parts if part.missing)
    gates = dict.fromkeys(gate for part in parts for gate in part.gates)
    if missing:
        return _decision(claim, table.scale, table.model, "not run", "; ".join(missing), parts)
    if gates:
        return _decision(claim, table.scale, table.model, "invalid", "; ".join(gates), parts)
    seeds = min(part.estimate.seeds for part in parts if part.estimate)
    if seeds < 2:
        why = "one seed says nothing about others; 3 or more are needed"
        return _decision(claim, table.scale, table.model, "inconclusive", why, parts)
    # For the claim all parts must hold; against it one is enough, so that many parts are many chances.
    supports = max(part.supports for part in parts)
    opposes = min(1.0, len(parts) * min(part.opposes for part in parts))
    open_ = _decision(claim, table.scale, table.model, "inconclusive", "", parts)
    verdict: Verdict = "reproduced" if supports <= opposes else "contradicted"
    return replace(open_, verdict=verdict, alpha=min(supports, opposes))


def _decision(
    claim: Claim, scale: str, model: str, verdict: Verdict, why: str, parts: tuple[Part, ...] = ()
) -> Decision:
    return Decision(claim=claim, scale=scale, model=model, verdict=verdict, why=why, parts=parts)


def _part(comparison: Comparison, table: Table, claims: Claims) -> Part:
    try:
        found = measured(comparison, table, claims)
    except NotRun as missing:
        none = FlipTest(p=None, why_none="not run")
        return Part(
            compare=comparison,
            contrast=None,
            estimate=None,
            flips=none,
            plan=None,
            supports=1.0,
            opposes=1.0,
            missing=str(missing),
        )
    supports, opposes = _levels(found.contrast, comparison)
    return Part(
        compare=comparison,
        contrast=found.contrast,
        estimate=found.contrast.estimate(),
        flips=sign_flips(found.contrast.by_seed),
        plan=None,
        supports=supports,
        opposes=opposes,
        gates=tuple(_failed(found.arms, table, found.metrics)),
    )


def _levels(found: Contrast, comparison: Comparison) -> tuple[float, float]:
    """The smallest alphas at which intervals decide for and against the comparison."""
    mean, smallest = found.mean, comparison.smallest
    if mean is None:
        return 1.0, 1.0
    if comparison.direction == "same":
        apart = decided_at(lambda level: _clears(found, abs(mean), level)) if abs(mean) >= smallest else 1.0
        return decided_at(lambda level: _stays(found, abs(mean), smallest, level)), apart
    effect = -mean if comparison.direction == "less" else mean
    there = decided_at(lambda level: _clears(found, effect, level)) if effect >= smallest else 1.0
    absent = decided_at(lambda level: _stays(found, effect, smallest, level))
    return (absent, there) if comparison.direction == "no more" else (there, absent)


def _clears(found: Contrast, effect: float, level: float) -> bool:
    """Whether the whole interval lies above 0."""
    half = found.half_width(level)
    return half is not None and effect - half > 0


def _stays(found: Contrast, effect: float, smallest: float, level: float) -> bool:
    """Whether the whole interval lies below the smallest effect that counts."""
    half = found.half_width(level)
    return half is not None and effect + half < smallest


def _failed(arms: Sequence[Arm], table: Table, metrics: Sequence[str]) -> Iterator[str]:
    """The gates that bear on a comparison of `metrics` between `arms`.

    Whether plain training taught a metric concerns claims on that metric, in whatever arms; every other gate
    concerns the arms that it failed in.
    """
    for arm in table.arms:
        for run in arm.runs:
            for name, gate in run.failed.items():
                metric = metric_of(name)
                if arm in arms if metric is None else metric in metrics:
                    where = f"gate {name} failed for {arm.label}, seed {run.cell.seed}"
                    yield f"{where}: saw {gate.seen}, wanted {gate.wanted}"


def _corrected(decisions: Sequence[Decision]) -> list[Decision]:
    """Holm over the claims of one family at one scale; what is not decided at the family's level is inconclusive."""
    families: dict[tuple[str, str], list[int]] = {}
    for at, one in enumerate(decisions):
        if one.alpha is not None:
            families.setdefault((one.scale, one.claim.family), []).append(at)
    corrected = list(decisions)
    for members in families.values():
        alphas = [float(decisions[at].alpha or 0.0) for at in members]
        for at, adjusted in zip(members, holm(alphas), strict=True):
            corrected[at] = _final(decisions[at], adjusted, len(members))
    return corrected


def _final(one: Decision, adjusted: float, family: int) -> Decision:
    level = 1 - ALPHA / family
    parts = tuple(
        replace(part, plan=plan(part.contrast, of_smallest=part.compare.smallest, level=level))
        if part.contrast
        else part
        for part in one.parts
    )
    decided = replace(one, parts=parts, adjusted=adjusted, family=family)
    if adjusted <= ALPHA:
        return replace(decided, why=_gist(parts, one.verdict))
    return replace(decided, verdict="inconclusive", why="; ".join(dict.fromkeys(map(_needed, _open(parts)))))


def _open(parts: Sequence[Part]) -> list[Part]:
    """The parts that are not decided for the claim, or all."""
    return [part for part in parts if part.supports > ALPHA] or list(parts)


def _gist(parts: Sequence[Part], verdict: Verdict) -> str:
    if verdict == "reproduced":
        return "; ".join(_difference(part) for part in parts)
    return _difference(min(parts, key=lambda part: part.opposes))


def _difference(part: Part) -> str:
    named = f"{part.compare.arm} - {part.compare.against}"
    return named if part.estimate is None or part.estimate.mean is None else f"{named} {100 * part.estimate.mean:+.0f}"


def _needed(part: Part) -> str:
    """How many seeds, or else questions, would decide a smallest effect that counts."""
    asked = f"{part.compare.arm} against {part.compare.against} at {100 * part.compare.smallest:g} points"
    if part.plan is None or part.estimate is None:
        return f"{asked}: nothing measured"
    seeds, questions = part.plan.smallest.seeds, part.plan.smallest.questions
    if seeds is not None and seeds > part.estimate.seeds:
        return f"{asked}: about {seeds} seeds needed, {part.estimate.seeds} run"
    if seeds is not None:
        return f"{asked}: the difference seen is too near to that; more seeds would tell"
    if questions is not None:
        return f"{asked}: about {questions} questions needed, {part.estimate.clusters} asked"
    return f"{asked}: no number of seeds at {part.estimate.clusters} questions would tell"
