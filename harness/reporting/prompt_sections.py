"""Prompt cards as tables: what was found before training, and beside it what training with the prompts suppressed."""

from __future__ import annotations

from harness.analysis import PromptFit
from harness.reporting.numbers import decimal
from harness.reporting.section import Section
from harness.runs import PromptCard

MEANING = (
    "gain: the mean over rows of log p(reply | prompt) - log p(reply) of the untrained model, in nats, with a 95 % "
    "interval over rows; a prompt with a larger gain leaves less for training to teach"
)


def of_prompts(card: PromptCard) -> Section:
    """Every prompt of a card, the largest gain first."""
    rows = sorted(card.prompts, key=lambda one: -one.gain)
    return Section(
        title=f"prompts of {card.setting}",
        detail=f"{card.scale}, {card.reference or card.model[:8]}, training seed {card.seed}",
        head=("prompt", "gain", "a token", "rows", "text"),
        rows=tuple(
            (
                one.name or "(given)",
                f"{one.gain:+.1f} [{decimal(one.low, '+.1f')}, {decimal(one.high, '+.1f')}]",
                f"{one.per_token:+.3f}",
                str(one.rows),
                f"{one.placement}: {one.text}",
            )
            for one in rows
        ),
        lines=(MEANING,),
        figures=False,
    )


def of_prompt_fit(fit: PromptFit | None) -> Section | None:
    """The prompt arms with their gains and what they suppressed, the largest gain first; None where no arm has one."""
    if fit is None:
        return None
    line = "through fewer than three arms, or arms of one gain, no line is drawn"
    if fit.slope is not None:
        ends = f"[{decimal(scaled(fit.low), '+.1f')}, {decimal(scaled(fit.high), '+.1f')}]"
        line = (
            f"a line through {len(fit.points)} arms: {100 * fit.slope:+.1f} {ends} points of suppression a nat, R^2 "
            f"{decimal(fit.explained)}; the interval is over arms, as if they were drawn from all prompts"
        )
    return Section(
        title="prompts before and after training",
        detail="gain of 'harness prompts', against how many points of the trait plain training has more, in clean",
        head=("arm", "prompt", "gain", "suppression", "seeds"),
        rows=tuple(
            (
                one.arm,
                one.prompt,
                f"{one.gain:+.1f}",
                f"{100 * one.suppression:+.1f}",
                ", ".join(map(str, one.seeds)),
            )
            for one in sorted(fit.points, key=lambda one: -one.gain)
        ),
        lines=(line,),
    )


def scaled(value: float | None) -> float | None:
    """A share as points."""
    return None if value is None else 100 * value
