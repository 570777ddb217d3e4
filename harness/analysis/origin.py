"""What a run record says about how a run was made: its steps and what they took, and what they were made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of a run took; None where the record does not say."""

    seconds: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a run was made.

    `steps` are by name: `vectors` where this run was the first to need one, `train`, `evaluate`. `hardware` is a
    processor or accelerator in words. `grader` is the model that judges asked, `usd` what that cost. `digests` are by
    name: `adapter`, `template`.
    """

    steps: Mapping[str, Step] = field(default_factory=dict)
    hardware: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    grader: str = ""
    usd: float | None = None
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """All steps together, None where none says."""
        known = [step.seconds for step in self.steps.values() if step.seconds is not None]
        return sum(known) if known else None


UNKNOWN = Origin()


def origin(record: Mapping[str, Any]) -> Origin:
    """What `record`, a run.json, says; fields that older records lack are empty."""
    steps = _mapping(record.get("steps"))
    grader = _mapping(record.get("grader"))
    made = _mapping(record.get("made"))
    spent = [_number(part.get("usd")) for part in (grader, *map(_mapping, steps.values()))]
    money = [usd for usd in spent if usd is not None]
    digests = {"adapter": made.get("adapter_sha256"), "template": made.get("template")}
    return Origin(
        steps={name: _step(_mapping(told)) for name, told in steps.items()},
        hardware=_hardware(_mapping(record.get("hardware"))),
        versions={str(name): str(version) for name, version in _mapping(record.get("versions")).items()},
        commit=str(record.get("commit") or ""),
        grader=str(grader.get("model") or ""),
        usd=sum(money) if money else None,
        digests={name: str(digest) for name, digest in digests.items() if digest},
    )


def _step(told: Mapping[str, Any]) -> Step:
    tokens = _number(told.get("tokens"))
    return Step(seconds=_number(told.get("seconds")), tokens=None if tokens is None else round(tokens))


def _hardware(told: Mapping[str, Any]) -> str:
    """`2 x NVIDIA H100` or `AMD EPYC, 2 cores, 1 thread`."""
    gpus = list(told.get("gpus") or [])
    if gpus:
        return ", ".join(f"{gpus.count(name)} x {name}" for name in dict.fromkeys(gpus))
    threads = told.get("threads")
    parts = [told.get("processor"), f"{told['cores']} cores" if told.get("cores") else None]
    parts.append(f"{threads} thread{'' if threads == 1 else 's'}" if threads else None)
    return ", ".join(str(part) for part in parts if part)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
