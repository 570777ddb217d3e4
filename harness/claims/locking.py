"""Claims and experiment fixed before the first run: what changed after that is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from harness.claims.schema import Claim, Claims
from harness.documents import Record, read_record, record, write_record
from harness.files import WRITTEN_BYTES, digest_of, read_text
from harness.runs import LOCK, run_folders

WAY_OUT = "restore it, or move it away and have it said that there was none"


@record
class ClaimLock(Record):
    """The hashes of a claim file's claims by name, and of the experiment, with the runs that were there already."""

    SEALED: ClassVar[bool] = True

    file: str = ""
    claims: Mapping[str, str]
    experiment: str | None = None
    runs_before: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was fixed, in words."""

    what: str


def lock(claims: Claims, runs: Path, *, experiment: Path | None = None) -> Path:
    """Writes the hashes of every claim, and of the experiment file if given, into `runs`; gives the lock file.

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
    )
    write_record(file, made)
    return file


def read_lock(file: Path) -> ClaimLock | None:
    """What was locked, None where nothing was; HarnessError where `file` is no lock of claims."""
    return read_record(file, ClaimLock, what="lock of claims", way_out=WAY_OUT)


def differences(claims: Claims, runs: Path, *, experiment: Path | None = None) -> tuple[str, ...]:
    """What a lock that is there says otherwise of these claims, and of the experiment if given; none without a lock."""
    fixed = read_lock(runs / LOCK)
    return () if fixed is None else tuple(_changes(fixed, claims, experiment))


def deviations(claims: Claims, runs: Path, *, experiment: Path | None = None) -> tuple[Deviation, ...]:
    """What was changed, added or taken away since the lock, or that there is none."""
    file = runs / LOCK
    fixed = read_lock(file)
    if fixed is None:
        return (Deviation(f"the claims were not locked before the first run: no {file}"),)
    found = [f"{fixed.runs_before} runs were there when the claims were locked"] if fixed.runs_before else []
    return tuple(map(Deviation, (*found, *_changes(fixed, claims, experiment))))


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
