"""How surely a vector is a direction of its trait: per block, from its own questions and against other vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from harness.engine import Vector
from harness.errors import HarnessError
from harness.runs import Layer
from harness.vectors.activations import Extraction

MOSTLY = 0.5**0.5
"""A cosine above it: more than half of a vector's squared length lies along the other."""


def quality(found: Extraction) -> tuple[Layer, ...]:
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
    layers = []
    for block in range(value.shape[0]):
        areas = [
            _auroc(found.positive[half, block] @ other[block], found.negative[half, block] @ other[block])
            for half, other in ((halves[0], second), (halves[1], first))
        ]
        layers.append(
            Layer(
                block=block,
                norm=float(value[block].norm()),
                rms=float(found.rms[block]),
                relative=float(value[block].norm() / found.rms[block]),
                split_half_cosine=_cosine(first[block], second[block]),
                auroc=sum(areas) / 2,
            )
        )
    return tuple(layers)


def sizes(made: Vector) -> tuple[Layer, ...]:
    """Per block the norm and the residual RMS alone, of a vector whose replies are not here."""
    return tuple(
        Layer(block=block, norm=float(value.norm()), rms=float(rms), relative=float(value.norm() / rms))
        for block, (value, rms) in enumerate(zip(made.value, made.rms, strict=True))
    )


def cosines(vectors: Mapping[str, Tensor]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Cosine between every two vectors, per block."""
    return {
        name: {
            other: tuple(_cosine(value[block], vectors[other][block]) for block in range(len(value)))
            for other in vectors
            if other != name and vectors[other].shape == value.shape
        }
        for name, value in vectors.items()
    }


def shared(name: str, cosines: Mapping[str, Sequence[float]], blocks: Sequence[int]) -> tuple[str, ...]:
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
    return tuple(said)


def _auroc(positive: Tensor, negative: Tensor) -> float:
    """Chance that a positive scores above a negative, ties half."""
    above = (positive[:, None] > negative[None, :]).double().mean()
    equal = (positive[:, None] == negative[None, :]).double().mean()
    return float(above + equal / 2)


def _cosine(first: Tensor, second: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(first.double(), second.double(), dim=0))
