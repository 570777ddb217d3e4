"""Trait vectors: extracted on the untouched model, kept by content, and described by a card before anyone trains.

A vector is the mean residual over reply tokens where the trait shows minus that where it does not, at
every decoder block at once (Chen et al. 2025, section 2). It is not normalised.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.authoring import algebra, with_prompt
from harness.contracts import Case, Judge, Message, Setting, Steering, VectorSpec
from harness.engine import Engine, Request, System, Vector, chat, chosen_blocks, steering
from harness.errors import HarnessError
from harness.files import file_sha256, writing
from harness.judging import judged
from harness.vectors.rollouts import Chosen, Journals, OpenedGrader, RolloutPair, rollouts

Advance = Callable[[int, int], None]
READ_TOKENS = 4096
MOSTLY = 0.5**0.5
"""A cosine above it: more than half of a vector's squared length lies along the other."""
ELICIT_DOSES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class ReplySide:
    """One chat with one reply, which shows the trait or does not, and the question that it answers."""

    question: int
    positive: bool
    prompt: tuple[Message, ...]
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Per-question mean activations, (questions, blocks, hidden) fp32, with and without the trait, and the RMS.

    `shares`, (questions,), says how much each question counts; None: all the same. `chosen` says what became of the
    replies of a persona.
    """

    positive: Tensor
    negative: Tensor
    rms: Tensor
    shares: Tensor | None = None
    chosen: Chosen | None = None

    @property
    def value(self) -> Tensor:
        """The vector, (blocks, hidden)."""
        difference = self.positive - self.negative
        return difference.mean(0) if self.shares is None else torch.tensordot(self.shares, difference, dims=1)

    @property
    def vector(self) -> Vector:
        """The vector with its residual RMS."""
        return Vector(value=self.value, rms=self.rms)


def extract(
    engine: Engine,
    spec: VectorSpec,
    *,
    scale: str,
    system: System,
    advance: Advance | None = None,
    kept: Journals | None = None,
    grader: OpenedGrader | None = None,
) -> Extraction:
    """The activations behind `spec`'s vector on this engine's model, all blocks in one pass.

    A persona's replies and grades are read from `kept` where they are there, and chosen among by `grader`.
    """
    chosen = None
    if spec.persona is not None:
        chosen = rollouts(engine, spec.persona(scale), system=system, kept=kept or Journals(), grader=grader)
        sides = _of_pairs(chosen.pairs)
    else:
        sides = _teacher_forced(spec, scale) if spec.replies else _answered(engine, spec, scale, system)
    if not sides:
        raise HarnessError(f"vector {spec.summary!r} has no replies to read")
    means, squares = _read(engine, sides, system, advance or (lambda done, tokens: None))
    questions = [question for question in sorted({side.question for side in sides}) if _both(sides, question)]
    if not questions:
        raise HarnessError(f"vector {spec.summary!r}: no question got a reply both with and without the trait")
    return Extraction(
        positive=torch.stack([_mean(means, sides, question, True) for question in questions]),
        negative=torch.stack([_mean(means, sides, question, False) for question in questions]),
        rms=squares.sqrt(),
        shares=None if chosen is None else _shares(chosen.pairs, questions),
        chosen=chosen,
    )


def residual_rms(engine: Engine, sides: Sequence[ReplySide], system: System) -> Tensor:
    """The root mean square of the residual's norm over the reply tokens of `sides`, (blocks,)."""
    return _read(engine, sides, system, lambda done, tokens: None)[1].sqrt()


def quality(found: Extraction) -> list[dict[str, float | None]]:
    """Per block: norm, residual RMS, split-half cosine, and AUROC on questions the direction was not made from.

    Split-half cosine: between the vectors of the even and of the odd questions. AUROC: each half's
    questions projected on the other half's vector; 0.5 is chance. Both near their top say that the
    trait has a direction here, not that adding it will elicit the trait.
    """
    difference = found.positive - found.negative
    halves = [torch.arange(start, len(difference), 2) for start in (0, 1)]
    if not len(halves[1]):
        raise HarnessError("a vector needs at least two questions, or its quality cannot be told")
    first, second = (difference[half].mean(0) for half in halves)
    value = found.value
    card: list[dict[str, float | None]] = []
    for block in range(value.shape[0]):
        areas = [
            _auroc(found.positive[half, block] @ other[block], found.negative[half, block] @ other[block])
            for half, other in ((halves[0], second), (halves[1], first))
        ]
        card.append(
            {
                "block": block,
                "norm": float(value[block].norm()),
                "rms": float(found.rms[block]),
                "relative": float(value[block].norm() / found.rms[block]),
                "split_half_cosine": _cosine(first[block], second[block]),
                "auroc": sum(areas) / 2,
            }
        )
    return card


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
) -> list[dict[str, Any]]:
    """How often the untrained model shows the trait on the `selection` cases as the vector is added.

    Doses are 0, 1/4, 1/2 and 1 times `wanted.coef`. No result uses these cases.
    """
    cases = list(setting.cases("selection", 0, scale))[:limit]
    requests = [
        Request(tokens=tuple(chat.prompt_ids(engine.tokenizer, case.messages, system=system)), max_tokens=max_tokens)
        for case in cases
    ]
    rows: list[dict[str, Any]] = []
    blocks = chosen_blocks(wanted, len(engine.blocks))
    for dose in ELICIT_DOSES:
        steer = replace(wanted, coef=wanted.coef * dose, blocks=blocks)
        with engine.steered(steer):
            replies = engine.generate(requests)
        scores = [_graded(judge, case, reply.text, setting) for case, reply in zip(cases, replies, strict=True)]
        judged = [score for score in scores if score is not None]
        rows.append(
            {
                "blocks": list(blocks),
                "coef": steer.coef,
                "unit": steer.unit,
                "relative": relative(engine, steer),
                "rate": sum(judged) / len(judged) if judged else None,
                "n": len(scores),
                "judged": len(judged),
            }
        )
    return rows


def relative(engine: Engine, wanted: Steering) -> float:
    """Norm of what is added over the residual RMS, the mean over the steered blocks: comparable across models."""
    assert engine.vectors is not None
    rms = engine.vectors(algebra.names(wanted.vector)[0]).rms
    shares = [float(added.norm() / rms[block]) for block, added in engine.additions(wanted).items()]
    return sum(shares) / len(shares)


def verdict(
    card: Sequence[Mapping[str, float | None]], elicited: Sequence[Mapping[str, Any]], blocks: Sequence[int]
) -> str:
    """One sentence: is the trait linearly there at `blocks`, and does adding the vector bring it out?"""
    said = _linear([card[block] for block in blocks], ", ".join(map(str, blocks)))
    rates = [row["rate"] for row in elicited if row["rate"] is not None]
    if len(rates) < 2:
        return said
    gain = max(rates[1:]) - rates[0]
    return f"{said}; adding it moves the untrained model's trait rate by {gain:+.2f} at most, from {rates[0]:.2f}"


def _linear(here: Sequence[Mapping[str, float | None]], where: str) -> str:
    aurocs = [row["auroc"] for row in here if row["auroc"] is not None]
    halves = [row["split_half_cosine"] for row in here if row["split_half_cosine"] is not None]
    if not aurocs or not halves:
        return f"whether the trait is linearly there at block {where} cannot be told from an imported vector"
    auroc, cosine = min(aurocs), min(halves)
    there = "is" if auroc >= 0.9 and cosine >= 0.8 else "may be" if auroc >= 0.7 and cosine >= 0.5 else "is hardly"
    return f"the trait {there} linearly there at block {where} (AUROC {auroc:.2f}, split-half cosine {cosine:.2f})"


def cosines(vectors: Mapping[str, Tensor]) -> dict[str, dict[str, list[float]]]:
    """Cosine between every two vectors, per block."""
    return {
        name: {
            other: [_cosine(value[block], vectors[other][block]) for block in range(len(value))]
            for other in vectors
            if other != name and vectors[other].shape == value.shape
        }
        for name, value in vectors.items()
    }


def shared(name: str, cosines: Mapping[str, Sequence[float]], blocks: Sequence[int]) -> list[str]:
    """A sentence for each vector with which `name` has most of a direction in common at one of `blocks`.

    `cosines` are per block, with the vectors of other traits. More than half of the squared length in common,
    so a cosine above 0.71: what is added along the one is mostly added along the other too.
    """
    said = []
    for other, per_block in cosines.items():
        block = max(blocks, key=lambda at: per_block[at])
        if per_block[block] > MOSTLY:
            said.append(
                f"{name} and {other} share most of a direction at block {block} (cosine {per_block[block]:.2f}, above "
                f"{MOSTLY:.2f}): adding one adds the other; to part them, steer along {name} - {other}"
            )
    return said


def save(file: Path, made: Vector, card: Mapping[str, Any]) -> None:
    """Writes `file` (safetensors) and, last, its card beside it, which holds the file's sha256."""
    with writing(file, "a vector") as part:
        save_file({"vector": made.value.contiguous(), "rms": made.rms.contiguous()}, part)
    with writing(file.with_suffix(".json"), "a vector's card") as part:
        part.write_text(json.dumps({**card, "sha256": file_sha256(file)}, indent=1, allow_nan=False))


def _teacher_forced(spec: VectorSpec, scale: str) -> list[ReplySide]:
    assert spec.replies is not None
    pairs = spec.replies(scale)
    return [
        ReplySide(i, positive, pair.messages, pair.positive if positive else pair.negative)
        for i, pair in enumerate(pairs)
        for positive in (True, False)
    ]


def _of_pairs(pairs: Sequence[RolloutPair]) -> list[ReplySide]:
    return [
        side
        for pair in pairs
        for side in (
            ReplySide(pair.question, True, pair.positive_prompt, pair.positive),
            ReplySide(pair.question, False, pair.negative_prompt, pair.negative),
        )
    ]


def _shares(pairs: Sequence[RolloutPair], questions: Sequence[int]) -> Tensor:
    """The share of the pairs that each question has, so that every reply counts the same, as published."""
    counts = Counter(pair.question for pair in pairs)
    return torch.tensor([counts[question] / len(pairs) for question in questions])


def _answered(engine: Engine, spec: VectorSpec, scale: str, system: System) -> list[ReplySide]:
    """The model's own replies to every question under both prompts of every pair."""
    if spec.questions is None or not spec.instructions:
        raise HarnessError(f"vector {spec.summary!r} names neither reply pairs nor instructions with questions")
    asked = [
        (i, positive, with_prompt(question, pair.positive if positive else pair.negative), question, rollout)
        for i, question in enumerate(spec.questions(scale))
        for pair in spec.instructions
        for positive in (True, False)
        for rollout in range(spec.rollouts)
    ]
    requests = [
        Request(
            tokens=tuple(chat.prompt_ids(engine.tokenizer, messages, system=system)),
            max_tokens=spec.max_tokens,
            temperature=0.0 if spec.rollouts == 1 else 1.0,
            seed=rollout,
        )
        for _, _, messages, _, rollout in asked
    ]
    replies = engine.generate(requests)
    return [
        ReplySide(i, positive, messages, reply.text)
        for (i, positive, messages, _, _), reply in zip(asked, replies, strict=True)
        if reply.text.strip()
    ]


@torch.inference_mode()
def _read(engine: Engine, sides: Sequence[ReplySide], system: System, advance: Advance) -> tuple[Tensor, Tensor]:
    """Per side the mean over reply tokens, (sides, blocks, hidden); per block the mean squared norm, (blocks,)."""
    prompts = [len(chat.prompt_ids(engine.tokenizer, side.prompt, system=system)) for side in sides]
    tokens = [chat.reply_ids(engine.tokenizer, side.prompt, side.reply, system=system) for side in sides]
    means: dict[int, Tensor] = {}
    squares = torch.zeros(len(engine.blocks), dtype=torch.float64)
    counted = 0
    for group in _groups([len(ids) for ids in tokens]):
        width = max(len(tokens[i]) for i in group)
        ids = torch.zeros(len(group), width, dtype=torch.long)
        mask = torch.zeros(len(group), width)
        for row, i in enumerate(group):
            ids[row, : len(tokens[i])] = torch.tensor(tokens[i])
            mask[row, prompts[i] : len(tokens[i])] = 1.0
        mask = mask.to(engine.device)
        read: list[Tensor] = []

        def receive(block: int, output: Tensor, mask: Tensor = mask, read: list[Tensor] = read) -> None:
            output = output.float()
            read.append((output * mask[..., None]).sum(1) / mask.sum(1)[:, None])
            squares[block] += float((output.square().sum(-1) * mask).sum())

        with steering.reading(engine.blocks, receive):
            engine.model.get_decoder()(input_ids=ids.to(engine.device), use_cache=False)
        for row, i in enumerate(group):
            means[i] = torch.stack([block[row] for block in read]).cpu()
        counted += int(mask.sum())
        advance(len(group), sum(len(tokens[i]) for i in group))
    return torch.stack([means[i] for i in range(len(sides))]), (squares / counted).float()


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in groups of like length whose padded size stays under READ_TOKENS."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    starts, at = [0], 0
    for position, i in enumerate(order):
        if lengths[i] * (position - at + 1) > READ_TOKENS and position > at:
            starts.append(position)
            at = position
    return [order[start:end] for start, end in pairwise([*starts, len(order)])]


def _mean(means: Tensor, sides: Sequence[ReplySide], question: int, positive: bool) -> Tensor:
    rows = [i for i, side in enumerate(sides) if side.question == question and side.positive == positive]
    return means[rows].mean(0)


def _both(sides: Sequence[ReplySide], question: int) -> bool:
    """Whether the question has replies of both kinds: the model may have answered one prompt with nothing."""
    return len({side.positive for side in sides if side.question == question}) == 2


def _graded(judge: Judge, case: Case, reply: str, setting: Setting) -> float | None:
    return asyncio.run(judged(judge, case, reply)).scores[setting.trait.score]


def _auroc(positive: Tensor, negative: Tensor) -> float:
    """Chance that a positive scores above a negative, ties half."""
    above = (positive[:, None] > negative[None, :]).double().mean()
    equal = (positive[:, None] == negative[None, :]).double().mean()
    return float(above + equal / 2)


def _cosine(first: Tensor, second: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(first.double(), second.double(), dim=0))
