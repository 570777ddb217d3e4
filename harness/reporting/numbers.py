"""Numbers as reports spell them; `-` stands where there is none."""

from __future__ import annotations

from harness.stats import Estimate


def decimal(value: float | None, form: str = ".2f") -> str:
    """The number in the form that Python's format gives it."""
    return "-" if value is None else f"{value:{form}}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share in percent."""
    return decimal(None if share is None else 100 * share, f".{digits}f")


def with_interval(found: Estimate | None, form: str, ends: str, *, scale: float = 100) -> str:
    """`93 [90, 96]`: mean and interval in their forms, times `scale`; the mean alone where there is no interval."""
    if found is None or found.mean is None:
        return "-"
    return f"{scale * found.mean:{form}} {interval(found, ends, scale=scale)}".rstrip()


def interval(found: Estimate, form: str, *, scale: float = 100) -> str:
    """`[90, 96]`, and nothing where there is no interval."""
    if found.low is None or found.high is None:
        return ""
    return f"[{scale * found.low:{form}}, {scale * found.high:{form}}]"


def exact(value: float | None) -> str:
    """The number for another program, which takes nothing for none."""
    return "" if value is None else f"{value:.6g}"


def known(value: float | None) -> float:
    """A number that is sure to be there."""
    assert value is not None
    return value
