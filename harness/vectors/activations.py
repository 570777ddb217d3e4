"""Activations behind a trait vector: replies with the trait and without it, read on the untouched model.

A vector is the mean residual over reply tokens where the trait shows minus that where it does not, at
every decoder block at once (Chen et al. 2025, section 2). It is not normalised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.authoring import with_prompt
from harness.contracts import Message, VectorSpec
from harness.engine import Request, System, TorchEngine, Vector, chat, check_tokens, steering, within
from harness.errors import HarnessError
from harness.vectors.rollouts import Chosen, Journals, OpenedGrader, RolloutPair, rollouts

Advance = Callable[[int, int], None]
READ_TOKENS = 4096
"""Padded tokens that are read at once."""


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
    engine: TorchEngine,
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


def residual_rms(engine: TorchEngine, sides: Sequence[ReplySide], system: System) -> Tensor:
    """The root mean square of the residual's norm over the reply tokens of `sides`, (blocks,)."""
    return _read(engine, sides, system, lambda done, tokens: None)[1].sqrt()


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


def _answered(engine: TorchEngine, spec: VectorSpec, scale: str, system: System) -> list[ReplySide]:
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
def _read(engine: TorchEngine, sides: Sequence[ReplySide], system: System, advance: Advance) -> tuple[Tensor, Tensor]:
    """Per side the mean over reply tokens, (sides, blocks, hidden); per block the mean squared norm, (blocks,)."""
    prompts = [len(chat.prompt_ids(engine.tokenizer, side.prompt, system=system)) for side in sides]
    tokens = [chat.reply_ids(engine.tokenizer, side.prompt, side.reply, system=system) for side in sides]
    check_tokens(engine.model, tokens)
    means: dict[int, Tensor] = {}
    squares = torch.zeros(len(engine.blocks), dtype=torch.float64)
    counted = 0
    for group in within([len(ids) for ids in tokens], READ_TOKENS):
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


def _mean(means: Tensor, sides: Sequence[ReplySide], question: int, positive: bool) -> Tensor:
    rows = [i for i, side in enumerate(sides) if side.question == question and side.positive == positive]
    return means[rows].mean(0)


def _both(sides: Sequence[ReplySide], question: int) -> bool:
    """Whether the question has replies of both kinds: the model may have answered one prompt with nothing."""
    return len({side.positive for side in sides if side.question == question}) == 2
