"""How long something took, or will take, in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`seconds` in the units that a person would choose: `4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole % 60:02} s"


def roughly(seconds: float) -> str:
    """`seconds` in one unit, as fits what is no more than about right: `45 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def at_most(seconds: float | None) -> str:
    """A time as an estimate deserves, which takes every reply to be as long as it may be: `up to 5 min`."""
    return "not known" if seconds is None else f"up to {roughly(seconds)}"
