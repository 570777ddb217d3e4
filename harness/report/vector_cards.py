"""The quality cards of the vectors that runs were steered with, as a report shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A vector at one block: its norm, that over the residual RMS, and how surely it parts trait from no trait."""

    block: int
    norm: float
    relative: float
    split_half_cosine: float | None
    auroc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elicited:
    """How much trait the vector alone brings out of the untrained model at one place and coefficient."""

    blocks: tuple[int, ...]
    coef: float
    unit: str
    relative: float | None
    rate: float | None
    n: int
    judged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorCard:
    """A card as it stands in the vectors folder. `shared` names vectors of other traits along the same direction."""

    name: str
    setting: str
    scale: str
    key: str
    sha256: str
    summary: str
    source: str
    verdict: str
    shared: tuple[str, ...]
    questions: int
    layers: tuple[Layer, ...]
    elicited: tuple[Elicited, ...]
    file: Path


def vector_cards(runs: Path, settings: Sequence[str] = ()) -> tuple[VectorCard, ...]:
    """The cards of the vectors of `runs`, of `settings` alone if any are named; HarnessError for a broken one."""
    files = [file.with_suffix(".json") for file in sorted((runs / "vectors").glob("*.safetensors"))]
    cards = [_card(file) for file in files if file.is_file()]
    return tuple(card for card in cards if not settings or card.setting in settings)


def _card(file: Path) -> VectorCard:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return VectorCard(
            **{name: str(told[name]) for name in ("name", "setting", "scale", "key", "summary", "source", "verdict")},
            sha256=str(told.get("sha256", "")),
            shared=tuple(map(str, told.get("shared") or ())),
            questions=int(told["questions"]),
            layers=tuple(map(_layer, told["blocks"])),
            elicited=tuple(map(_elicited, told["elicitation"])),
            file=file,
        )
    except (ValueError, KeyError, TypeError) as error:
        said = f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
        raise HarnessError(
            f"{file}: not a vector card ({said}); remove it, and 'harness vectors' makes it again"
        ) from error


def _layer(told: Mapping[str, Any]) -> Layer:
    return Layer(
        block=int(told["block"]),
        norm=float(told["norm"]),
        relative=float(told["relative"]),
        split_half_cosine=_number(told.get("split_half_cosine")),
        auroc=_number(told.get("auroc")),
    )


def _elicited(told: Mapping[str, Any]) -> Elicited:
    return Elicited(
        blocks=tuple(int(block) for block in told["blocks"]),
        coef=float(told["coef"]),
        unit=str(told["unit"]),
        relative=_number(told.get("relative")),
        rate=_number(told.get("rate")),
        n=int(told["n"]),
        judged=int(told["judged"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
