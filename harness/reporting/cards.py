"""The cards of the vectors that runs were steered with, for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.runs import VECTORS, VectorCard, card_of, is_vector, read_card


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledCard:
    """A vector's card and the file that it is in."""

    file: Path
    card: VectorCard


def vector_cards(runs: Path, settings: Sequence[str] = ()) -> tuple[FiledCard, ...]:
    """The cards of the vectors of `runs`, of `settings` alone if any are named; HarnessError for a broken one."""
    vectors = [file for file in sorted((runs / VECTORS).glob("*.safetensors")) if is_vector(file)]
    found = [FiledCard(file=card_of(file), card=read_card(file)) for file in vectors]
    return tuple(one for one in found if not settings or one.card.setting in settings)
