"""What a check found: how bad, about what, in a line, with what to do where there is something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was looked at."""

    level: Level
    about: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSetting:
    """All findings, and the first training row as the model is given it: texts, and whether each is trained on."""

    findings: tuple[Remark, ...]
    row: tuple[tuple[str, bool], ...] = ()


def worst(findings: Iterable[Remark]) -> Level:
    """The worst level among them."""
    levels: tuple[Level, ...] = get_args(Level)
    return max((one.level for one in findings), key=levels.index, default="ok")
