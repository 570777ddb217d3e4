"""Claims, experiment and seeds fixed before the first run: what changed after that is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

from harness.analysis import Study
from harness.cells import BASE
from harness.claims.planned import LockedArm, LockedLooks, needs
from harness.claims.schema import Claim, Claims
from harness.claims.verdicts import Decision, judge_studies
from harness.documents import Record, read_record, record, write_record
from harness.files import WRITTEN_BYTES, digest_of, read_text
from harness.registry import Registry
from harness.runs import LOCK, is_finished, read_run, run_folders

WAY_OUT = "restore it, or move it away and have it said that there was none"
ADDED = "added, which the lock does not have"
MISSING = "missing: not run, not finished, or taken away"


@record
class ClaimLock(Record):
    """The hashes of a claim file's claims by name, and of the experiment, with the runs that were there already.

    `arms` are those of the experiment with their seeds, none where no experiment was named; None in a lock that was
    written before seeds were fixed. `looks` are planned where seeds are added until claims are decided.
    """

    SEALED: ClassVar[bool] = True

    file: str = ""
    claims: Mapping[str, str]
    experiment: str | None = None
    runs_before: int
    arms: tuple[LockedArm, ...] | None = None
    looks: LockedLooks | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was fixed, in words; `claims` whose verdicts at `scale` it bears on, none for all."""

    what: str
    claims: tuple[str, ...] = ()
    scale: str = ""


def lock(
    claims: Claims,
    runs: Path,
    *,
    experiment: Path | None = None,
    arms: Sequence[LockedArm] = (),
    looks: LockedLooks | None = None,
) -> Path:
    """Writes the hashes of every claim and of the experiment, its seeds and looks into `runs`; gives the lock file.

    A lock that is there is kept: what has changed since shows up in `deviations`. One that is written when runs are
    already there says so for ever.
    """
    file = runs / LOCK
    if file.is_file():
        return file
    runs.mkdir(parents=True, exist_ok=True)
    made = ClaimLock(
        file=claims.file.name,
        claims=_hashes(claims),
        experiment=_hash_of(experiment),
        runs_before=len(run_folders(runs)),
        arms=tuple(arms),
        looks=looks,
    )
    write_record(file, made)
    return file


def read_lock(file: Path) -> ClaimLock | None:
    """What was locked, None where nothing was; HarnessError where `file` is no lock of claims."""
    return read_record(file, ClaimLock, what="lock of claims", way_out=WAY_OUT)


def planned_looks(runs: Path) -> LockedLooks | None:
    """The looks that the lock in `runs` plans; None where it plans none, or there is no lock."""
    fixed = read_lock(runs / LOCK)
    return None if fixed is None else fixed.looks


def differences(claims: Claims, runs: Path, *, experiment: Path | None = None) -> tuple[str, ...]:
    """What a lock that is there says otherwise of these claims, and of the experiment if given; none without a lock."""
    fixed = read_lock(runs / LOCK)
    return () if fixed is None else tuple(_changes(fixed, claims, experiment))


def deviations(claims: Claims, runs: Path, *, experiment: Path | None = None) -> tuple[Deviation, ...]:
    """What was changed, added or taken away since the lock, seeds among it, or that there is none."""
    file = runs / LOCK
    fixed = read_lock(file)
    if fixed is None:
        return (Deviation(f"the claims were not locked before the first run: no {file}"),)
    found = [f"{fixed.runs_before} runs were there when the claims were locked"] if fixed.runs_before else []
    return (*map(Deviation, (*found, *_changes(fixed, claims, experiment))), *_of_seeds(fixed, claims, runs))


def as_locked(
    claims: Claims, found: Sequence[Study], registry: Registry, runs: Path, *, experiment: Path | None = None
) -> tuple[tuple[Decision, ...], tuple[Deviation, ...]]:
    """The decisions by the looks that the lock in `runs` plans, and what deviates from it, each noted on its claims."""
    changed = deviations(claims, runs, experiment=experiment)
    judged = judge_studies(claims, found, registry, looks=planned_looks(runs))
    return tuple(_noted(one, changed) for one in judged), changed


def _noted(one: Decision, changed: Sequence[Deviation]) -> Decision:
    own = [it.what for it in changed if one.claim.name in it.claims and it.scale == one.scale]
    if not own or one.verdict in ("not run", "nothing claimed"):
        return one
    return replace(one, why="; ".join([one.why, *own]), doubts=(*one.doubts, "seeds are not as locked"))


def _changes(fixed: ClaimLock, claims: Claims, experiment: Path | None) -> Iterator[str]:
    now = _hashes(claims)
    for name in {**fixed.claims, **now}:
        if fixed.claims.get(name) != now.get(name):
            yield f"claim {name!r} was {_change(fixed.claims.get(name), now.get(name))}"
    if experiment is not None and fixed.experiment != (hashed := _hash_of(experiment)):
        yield f"the experiment {experiment} was {_change(fixed.experiment, hashed)}"


def _change(before: str | None, after: str | None) -> str:
    if before is None:
        return "added after the lock"
    return "taken away after the lock" if after is None else "changed after the lock"


def _hash_of(experiment: Path | None) -> str | None:
    return None if experiment is None else digest_of(read_text(experiment, limit=WRITTEN_BYTES, advice=WAY_OUT))


def _hashes(claims: Claims) -> dict[str, str]:
    """A hash of what each claim says, not of how the file is laid out; targets count as part of a claim."""
    return {claim.name: digest_of(_said(claim, claims)) for claim in claims.value.claims}


def _said(claim: Claim, claims: Claims) -> dict[str, object]:
    targets = {
        one.targets: [asdict(target) for target in claims.targets.get(one.targets, ())]
        for one in claim.compare
        if one.targets
    }
    return {"claim": claim.model_dump(mode="json"), "targets": targets}


@dataclass(frozen=True, slots=True, order=True)
class _ArmKey:
    """What tells arms apart."""

    setting: str
    scale: str
    model: str
    arm: str


def _of_seeds(fixed: ClaimLock, claims: Claims, runs: Path) -> Iterator[Deviation]:
    """Seeds of arms that claims compare which were added, or are missing."""
    if fixed.arms is None:
        return
    if not fixed.arms:
        yield Deviation("no seeds were fixed with the claims, so that nothing tells whether they were chosen")
        return
    planned = {_ArmKey(one.setting, one.scale, one.model, one.arm): one.seeds for one in fixed.arms}
    done = _finished_seeds(runs)
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for key in sorted({*planned, *done}):
        seeds = planned.get(key, ())
        there = done.get(key, frozenset())
        added = sorted(there - set(seeds))
        missing = [seed for seed in _due(seeds, there, fixed.looks) if seed not in there]
        for found, what in ((added, ADDED), (missing, MISSING)):
            if found and _comparing(claims, key):
                said = f"seed{'s' if len(found) > 1 else ''} {', '.join(map(str, found))} {what}"
                alike.setdefault((key.setting, key.scale, key.model, said), []).append(key.arm)
    for (setting, scale, model, said), arms in alike.items():
        names = [name for arm in arms for name in _comparing(claims, _ArmKey(setting, scale, model, arm))]
        yield Deviation(f"{setting} at {scale}, {', '.join(arms)}: {said}", tuple(dict.fromkeys(names)), scale)


def _due(seeds: Sequence[int], there: frozenset[int], looks: LockedLooks | None) -> Sequence[int]:
    """The seeds that are to be there: all, or those of the first look that has all of an arm's."""
    if looks is None:
        return seeds
    last = max((at for at, seed in enumerate(seeds, start=1) if seed in there), default=1)
    return seeds[: next((at for at in looks.at if at >= last), len(seeds))]


def _finished_seeds(runs: Path) -> dict[_ArmKey, frozenset[int]]:
    found: dict[_ArmKey, set[int]] = {}
    for folder in run_folders(runs):
        made = read_run(folder)
        if made is not None and is_finished(folder, made) and made.cell.intervention != BASE:
            cell = made.cell
            model = cell.trained_on(made.respondent)
            found.setdefault(_ArmKey(cell.setting, cell.scale, model, cell.arm), set()).add(cell.seed)
    return {key: frozenset(seeds) for key, seeds in found.items()}


def _comparing(claims: Claims, key: _ArmKey) -> list[str]:
    """The claims that compare the arm, or need it as plain training."""
    return [one.name for one in claims.value.claims if one.setting == key.setting and needs(one, key.arm)]
