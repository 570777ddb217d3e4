"""How near arms came to the balances that were asked of them, as sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis import Balances, Control, Reached
from harness.reporting.numbers import percent, with_interval
from harness.reporting.section import Section

EXPLAINED = (
    "shares: percent of all that went to these traits; elsewhere: percent of everything that went to none of them",
    "error: total variation distance to the target, half the sum of absolute differences; percent [95 % interval]",
)


def of_balances(found: Balances) -> Iterator[Section]:
    """For each setting, scale and model how near every arm came to its target, then the mean errors."""
    for setting, scale, model in dict.fromkeys((one.target.setting, one.scale, one.model) for one in found.reached):
        place = (setting, scale, model)
        own = [one for one in found.reached if (one.target.setting, one.scale, one.model) == place]
        traits = list(dict.fromkeys(trait for one in own for trait in one.target.shares))
        yield Section(
            title=", ".join(place),
            detail="reached (asked)",
            head=("arm", "seeds", "n", *traits, "elsewhere", "error"),
            rows=tuple(_row(one, traits) for one in own),
            lines=EXPLAINED,
        )
        controls = [one for one in found.controls if (one.setting, one.scale, one.model) == place]
        yield Section(
            title="control",
            detail="mean error over targets, and paired differences over the targets that both arms were set",
            head=("arm", "targets", "mean error"),
            rows=tuple(
                (_named(one), str(one.targets), with_interval(one.error, "+.1f" if one.against else ".1f", ".1f"))
                for one in controls
            ),
        )


def _row(one: Reached, traits: Sequence[str]) -> tuple[str, ...]:
    shares = [
        f"{100 * one.shares[trait]:.0f} ({100 * one.target.shares[trait]:.0f})" if trait in one.shares else "-"
        for trait in traits
    ]
    counts = (str(len(one.seeds)), str(one.error.n))
    return (one.target.arm, *counts, *shares, percent(one.elsewhere), with_interval(one.error, ".1f", ".1f"))


def _named(one: Control) -> str:
    return f"{one.intervention} - {one.against}" if one.against else one.intervention
