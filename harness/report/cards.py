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


def without_cards(runs: Path) -> list[Path]:
    """The vectors of `runs` that have no card, and the cards that have no vector, as a killed process leaves them."""
    files = sorted((runs / VECTORS).glob("*"))
    return [
        file
        for file in files
        if (file.suffix == ".safetensors" and not card_of(file).is_file())
        or (file.suffix == ".json" and not file.with_suffix(".safetensors").is_file())
        if not file.name.startswith(".")
    ]


def vector_cards(runs: Path, settings: Sequence[str] = ()) -> tuple[FiledCard, ...]:
    """The cards of the vectors of `runs`, of `settings` alone if any are named; HarnessError for a broken one."""
    vectors = [file for file in sorted((runs / VECTORS).glob("*.safetensors")) if is_vector(file)]
    found = [FiledCard(file=card_of(file), card=read_card(file)) for file in vectors]
    return tuple(one for one in found if not settings or one.card.setting in settings)
