"""Claims to verdicts: outcomes at the level of a whole family of claims, and gates that may make them invalid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from harness.analysis import Results, Study, studies
from harness.claims.looking import part_at_looks
from harness.claims.names import check_conditions
from harness.claims.parts import RANK, ComparedPart, part_of
from harness.claims.planned import LockedLooks
from harness.claims.reasons import needed, opposed, told
from harness.claims.schema import Claim, Claims
from harness.registry import Registry
from harness.stats import Outcome, holm

Verdict = Literal[
    "reproduced",
    "contradicted",
    "there, size open",
    "there, too small to count",
    "inconclusive",
    "not run",
    "invalid",
    "nothing claimed",
]

OPEN: tuple[Verdict, ...] = ("inconclusive", "there, size open")
"""Verdicts that more seeds might change."""

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the runs at one scale say of a claim, and why.

    `alpha` is the smallest level of its own at which it is decided, `adjusted` that of the family after Holm; None
    where there was nothing to decide. `family` counts the claims of its family in the file, whatever was run.
    `ungated` is the verdict with no gate asked. `doubts` are what a reader must know of the verdict itself.
    """

    claim: Claim
    scale: str
    model: str
    verdict: Verdict
    why: str
    parts: tuple[ComparedPart, ...]
    alpha: float | None = None
    adjusted: float | None = None
    family: int = 0
    ungated: Verdict | None = None
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The verdict as every report shows it, with what may be doubted of it, and what it were without gates."""
        beside = [f"without gates: {self.ungated}"] if self.ungated not in (None, self.verdict) else []
        return f"{self.verdict} ({'; '.join(noted)})" if (noted := [*beside, *self.doubts]) else self.verdict


def judge(
    claims: Claims, results: Results, registry: Registry, *, looks: LockedLooks | None = None
) -> tuple[Decision, ...]:
    """A decision for every claim at every scale and model that was run, in the order of the file.

    Without a run of its setting a claim is `not run` at each scale that others have. Where `looks` were planned, each
    decides at its own level. HarnessError for a condition that no setting of that name has and no run was asked under.
    """
    return judge_studies(claims, studies(results, registry), registry, looks=looks)


def judge_studies(
    claims: Claims, found: Sequence[Study], registry: Registry, *, looks: LockedLooks | None = None
) -> tuple[Decision, ...]:
    """As `judge`, of studies that were made from the results already."""
    found = [study for study in found if not study.epochs]  # what is claimed is claimed of the recipes
    check_conditions(claims, registry, tables=found)
    scales = sorted({study.scale for study in found})
    decisions = [
        one for scale in scales for one in _decisions(claims, [t for t in found if t.scale == scale], scale, looks)
    ]
    gated = (_gated(one) for one in _corrected(decisions, claims))
    return tuple(one if looks is None or one.verdict not in OPEN else _planned(one, looks) for one in gated)


def _decisions(claims: Claims, found: Sequence[Study], scale: str, looks: LockedLooks | None) -> Iterator[Decision]:
    for claim in claims.value.claims:
        own = [study for study in found if study.setting == claim.setting]
        if not claim.compare:
            yield _decision(claim, scale, "", "nothing claimed", claim.says)
        elif not own:
            yield _decision(claim, scale, "", "not run", f"no finished run of {claim.setting} at {scale}")
        for study in own if claim.compare else ():
            yield _measured(claim, study, claims, looks)


def _decision(
    claim: Claim, scale: str, model: str, verdict: Verdict, why: str, parts: tuple[ComparedPart, ...] = ()
) -> Decision:
    return Decision(claim=claim, scale=scale, model=model, verdict=verdict, why=why, parts=parts)


def _measured(claim: Claim, study: Study, claims: Claims, looks: LockedLooks | None) -> Decision:
    """The claim with its parts; undecided, with the level at which it is, where there is enough to decide by."""
    single = [one.model_copy(update={"metric": metric}) for one in claim.compare for metric in one.metrics]
    part = part_of if looks is None else partial(part_at_looks, looks=looks)
    parts = tuple(part(one, study, claims) for one in single)
    if missing := dict.fromkeys(part.missing for part in parts if part.missing):
        return _decision(claim, study.scale, study.model, "not run", "; ".join(missing), parts)
    if few := dict.fromkeys(part.too_few for part in parts if part.too_few):
        return _decision(claim, study.scale, study.model, "inconclusive", "; ".join(few), parts)
    # For the claim all parts must hold; against it one is enough, so that many parts are many chances.
    supports = max(min(part.levels.claimed, part.levels.size_open) for part in parts)
    opposes = min(1.0, len(parts) * min(min(part.levels.excluded, part.levels.too_small) for part in parts))
    open_ = _decision(claim, study.scale, study.model, "inconclusive", "", parts)
    return replace(open_, alpha=min(supports, opposes))


def _corrected(decisions: Sequence[Decision], claims: Claims) -> list[Decision]:
    """Holm over all claims that the file has in a family, at one scale and model; what was not measured counts as 1."""
    sizes: dict[str, int] = {}
    for claim in claims.value.claims:
        if claim.compare:
            sizes[claim.family] = sizes.get(claim.family, 0) + 1
    families: dict[tuple[str, str, str], list[int]] = {}
    for at, one in enumerate(decisions):
        if one.alpha is not None:
            families.setdefault((one.scale, one.model, one.claim.family), []).append(at)
    corrected = [replace(one, family=sizes.get(one.claim.family, 0)) for one in decisions]
    for (_, _, family), members in families.items():
        alphas = [float(decisions[at].alpha or 0.0) for at in members] + [1.0] * (sizes[family] - len(members))
        for at, own, adjusted in zip(members, alphas, holm(alphas), strict=False):
            # Claims that are alike are judged at one level, whatever their order.
            ahead = sum(alpha < own for alpha in alphas) if adjusted <= ALPHA else 0
            corrected[at] = _decided(corrected[at], adjusted, ALPHA / (sizes[family] - ahead))
    return corrected


def _decided(one: Decision, adjusted: float, level: float) -> Decision:
    """The claim's verdict at `level`, with no gate asked."""
    several = len(one.parts)
    parts = tuple(part.at(level, parts=several) for part in one.parts)
    told_of = [tuple(part.outcomes(level, parts=several)) for part in parts]
    verdict = verdict_of([part.outcome for part in parts])
    ends = {verdict_of([choose(outcomes, key=RANK.index) for outcomes in told_of]) for choose in (min, max)}
    doubts = ("not if replies that were not judged count against it",) if ends != {verdict} else ()
    decided = replace(one, parts=parts, adjusted=adjusted, verdict=verdict)
    if verdict == "inconclusive":
        against = 1 - level / several
        asked = (needed(part) if part.outcome == "open" else opposed(part, against) for part in parts)
        return replace(decided, why="; ".join(filter(None, dict.fromkeys(asked))))
    return replace(decided, why=told(parts), doubts=doubts)


def verdict_of(outcomes: Sequence[Outcome]) -> Verdict:
    """The verdict on a claim whose parts came out so."""
    worst = min(outcomes, key=RANK.index)
    verdicts: dict[Outcome, Verdict] = {
        "claimed": "reproduced",
        "excluded": "contradicted",
        "too small": "there, too small to count",
        "size open": "there, size open",
        "open": "inconclusive",
    }
    return verdicts[worst]


def _gated(one: Decision) -> Decision:
    """The decision as its gates leave it: invalid where one failed or could not be asked, in doubt where unclear."""
    gates = list(dict.fromkeys(gate for part in one.parts for gate in part.gates))
    if one.verdict == "not run" or not gates:
        return one
    if stopping := [str(gate) for gate in gates if gate.stops]:
        return replace(one, verdict="invalid", ungated=one.verdict, why="; ".join(stopping))
    unclear = [str(gate) for gate in gates if gate.state == "unclear"]
    if not unclear:
        return replace(one, ungated=one.verdict)
    doubts = (*one.doubts, "a gate is unclear") if one.verdict != "inconclusive" else one.doubts
    return replace(one, ungated=one.verdict, why="; ".join([one.why, *unclear]), doubts=doubts)


def _planned(one: Decision, looks: LockedLooks) -> Decision:
    """The open claim with the looks that were planned for it."""
    return replace(one, why="; ".join(filter(None, (one.why, f"planned: {looks}"))))
