"""What adding a vector to the untrained model does, and the sentence that a card says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.calls import finished
from harness.contracts import Case, Judge, Metric, Setting, Steering
from harness.engine import Engine, Request, System, chat, chosen_blocks, relative
from harness.judging import Unjudged, judged
from harness.runs import Elicited, Layer

ELICIT_DOSES = (0.0, 0.25, 0.5, 1.0)


def elicitation(
    engine: Engine,
    setting: Setting,
    judge: Judge,
    wanted: Steering,
    *,
    scale: str,
    system: System,
    limit: int | None = None,
    max_tokens: int = 48,
) -> tuple[Elicited, ...]:
    """How often the untrained model shows the trait on the `selection` cases as the vector is added.

    Doses are 0, 1/4, 1/2 and 1 times `wanted.coef`. No result uses these cases.
    """
    cases = list(setting.cases("selection", 0, scale))[:limit]
    requests = [
        Request(tokens=tuple(chat.prompt_ids(engine.tokenizer, case.messages, system=system)), max_tokens=max_tokens)
        for case in cases
    ]
    blocks = chosen_blocks(wanted, engine.block_count)
    metric = setting.trait_at(scale)
    rows = []
    for dose in ELICIT_DOSES:
        steer = replace(wanted, coef=wanted.coef * dose, blocks=blocks)
        with engine.steered(steer):
            replies = engine.generate(requests)
        scores = _graded(judge, cases, [reply.text for reply in replies], metric)
        rows.append(_row(steer, relative(engine, steer), scores))
    return tuple(rows)


def _graded(judge: Judge, cases: Sequence[Case], replies: Sequence[str], metric: Metric) -> list[float | None]:
    """The score of each reply, None too where the judge could not take it; Unjudged where it could take none."""
    scores: list[float | None] = []
    faults: list[Unjudged] = []
    for case, reply in zip(cases, replies, strict=True):
        try:
            scores.append(finished(judged(judge, case, reply)).scores[metric.score])
        except Unjudged as error:
            faults.append(error)
            scores.append(None)
            if error.late:
                raise
    if faults and len(faults) == len(scores):
        raise faults[0]
    return scores


def _row(steer: Steering, share: float, scores: Sequence[float | None]) -> Elicited:
    known = [score for score in scores if score is not None]
    return Elicited(
        blocks=steer.blocks,
        coef=steer.coef,
        unit=steer.unit,
        relative=share,
        rate=sum(known) / len(known) if known else None,
        n=len(scores),
        judged=len(known),
    )


def verdict(layers: Sequence[Layer], elicited: Sequence[Elicited], blocks: Sequence[int]) -> str:
    """One sentence: is the trait linearly there at `blocks`, and does adding the vector bring it out?"""
    said = _linear([layers[block] for block in blocks], ", ".join(map(str, blocks)))
    rates = [row.rate for row in elicited if row.rate is not None]
    if len(rates) < 2:
        return said
    gain = max(rates[1:]) - rates[0]
    return f"{said}; adding it moves the untrained model's trait rate by {gain:+.2f} at most, from {rates[0]:.2f}"


def _linear(here: Sequence[Layer], where: str) -> str:
    aurocs = [row.auroc for row in here if row.auroc is not None]
    halves = [row.split_half_cosine for row in here if row.split_half_cosine is not None]
    if not aurocs or not halves:
        return f"whether the trait is linearly there at block {where} cannot be told from an imported vector"
    auroc, cosine = min(aurocs), min(halves)
    there = "is" if auroc >= 0.9 and cosine >= 0.8 else "may be" if auroc >= 0.7 and cosine >= 0.5 else "is hardly"
    return f"the trait {there} linearly there at block {where} (AUROC {auroc:.2f}, split-half cosine {cosine:.2f})"
