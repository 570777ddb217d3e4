"""Claims and experiment fixed before the first run: what changed after that is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.claims.schema import Claims
from harness.errors import HarnessError
from harness.files import digest_of, writing
from harness.runs import LOCK as FILE
from harness.runs import run_folders


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was fixed, in words."""

    what: str


def lock(claims: Claims, runs: Path, *, experiment: Path | None = None) -> Path:
    """Writes the hashes of every claim, and of the experiment file if given, into `runs`; gives the lock file.

    A lock that is there is kept: what has changed since shows up in `deviations`. One that is written when runs are
    already there says so for ever.
    """
    file = runs / FILE
    if file.is_file():
        return file
    runs.mkdir(parents=True, exist_ok=True)
    record = {**_hashes(claims, experiment), "runs_before": len(run_folders(runs))}
    with writing(file, "the lock of the claims") as part:
        part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return file


def deviations(claims: Claims, runs: Path, *, experiment: Path | None = None) -> tuple[Deviation, ...]:
    """What was changed, added or taken away since the lock, or that there is none."""
    file = runs / FILE
    if not file.is_file():
        return (Deviation(f"the claims were not locked before the first run: no {file}"),)
    try:
        fixed = json.loads(file.read_text(encoding="utf-8"))
        locked, before, hashed = dict(fixed["claims"]), int(fixed["runs_before"]), fixed["experiment"]
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(
            f"{file}: cut or broken; restore it, or remove it and have it said that there was none"
        ) from error
    now = _hashes(claims, experiment)
    names = {**locked, **now["claims"]}
    found = [f"{before} runs were there when the claims were locked"] if before else []
    found += [f"claim {name!r} was {_change(locked.get(name), now['claims'].get(name))}" for name in names]
    if experiment is not None and hashed != now["experiment"]:
        found.append(f"the experiment {experiment} was {_change(hashed, now['experiment'])}")
    return tuple(Deviation(what) for what in found if not what.endswith(" kept"))


def _change(before: str | None, after: str | None) -> str:
    if before == after:
        return "kept"
    if before is None:
        return "added after the lock"
    return "taken away after the lock" if after is None else "changed after the lock"


def _hashes(claims: Claims, experiment: Path | None) -> dict[str, Any]:
    """A hash of what each claim says, not of how the file is laid out; targets count as part of a claim."""
    return {
        "file": claims.file.name,
        "claims": {
            claim.name: digest_of(
                {
                    "claim": claim.model_dump(mode="json"),
                    "targets": {
                        one.targets: [asdict(target) for target in claims.targets.get(one.targets, ())]
                        for one in claim.compare
                        if one.targets
                    },
                }
            )
            for claim in claims.value.claims
        },
        "experiment": None if experiment is None else digest_of(experiment.read_text(encoding="utf-8")),
    }
