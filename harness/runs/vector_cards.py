"""The card beside a vector: what it was made of, how surely it is a direction, and what adding it does.

A vector is two files that lie side by side: NAME-KEY.safetensors and the card, NAME-KEY.json, which is written last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import ClassVar

from harness.contracts import Unit
from harness.documents import Record, read_record, record, write_record
from harness.errors import HarnessError
from harness.files import file_sha256, read_bytes
from harness.runs.products import Unfit

VECTORS = "vectors"
MAKE_AGAIN = "move both files of the vector away, and the next 'harness run' or 'harness vectors' makes it again"
IMPORT_AGAIN = "it was imported: restore both files of the vector, or move them away and import it again"


@record
class Layer(Record):
    """A vector at one block: its norm, the residual RMS, their ratio, and how surely it parts trait from no trait.

    The last two are None for a vector that was not extracted here.
    """

    block: int
    norm: float
    rms: float = 0.0
    relative: float = 0.0
    split_half_cosine: float | None = None
    auroc: float | None = None


@record
class Elicited(Record):
    """How often the untrained model shows the trait as the vector is added; `rate` is of the `judged` among `n`."""

    blocks: tuple[int, ...]
    coef: float
    unit: Unit = "raw"
    relative: float | None = None
    rate: float | None = None
    n: int = 0
    judged: int = 0


@record
class ChosenReplies(Record):
    """What became of a persona's pairs of replies: how many for each reason, and by which thresholds, if any."""

    SPARSE: ClassVar[bool] = True

    filtered: bool
    pairs: Mapping[str, int] = field(default_factory=dict)
    note: str | None = None
    trait: float | None = None
    coherence: float | None = None
    source: str | None = None


@record
class Imported(Record):
    """The published file that a vector was converted from, and what was done with its rows."""

    file: str
    sha256: str = ""
    shape: tuple[int, ...] = ()
    first_row: str = ""


@record
class MadeFrom(Record):
    """The vector file that this one is a copy of."""

    file: str
    sha256: str = ""


@record
class VectorCard(Record):
    """A vector's card. `sha256` is that of the vector's file, `blocks` has a layer for every decoder block.

    `questions` counts those it was made from, None where it was not made here. `cosines` to the setting's other
    vectors are per block. `steered` are the blocks that the setting steers, `shared` sentences about vectors of other
    traits along the same direction, and `swept` says that elicitation was measured at several depths.
    """

    FORMAT: ClassVar[int] = 2
    SEALED: ClassVar[bool] = True

    name: str
    setting: str
    scale: str
    key: str
    blocks: tuple[Layer, ...]
    sha256: str = ""
    format: int = 2
    summary: str = ""
    concept: str = ""
    source: str = ""
    questions: int | None = None
    replies: ChosenReplies | None = None
    imported: Imported | None = None
    made_from: MadeFrom | None = None
    elicitation: tuple[Elicited, ...] = ()
    cosines: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    verdict: str = ""
    swept: bool = False
    steered: tuple[int, ...] = ()
    shared: tuple[str, ...] = ()


def card_of(vector: Path) -> Path:
    """Where the card of the vector in the file `vector` is."""
    return vector.with_suffix(".json")


def is_vector(vector: Path) -> bool:
    """Whether the vector in `vector` is there, with its card."""
    return vector.is_file() and card_of(vector).is_file()


def read_card(vector: Path) -> VectorCard:
    """The card beside the vector in `vector`; HarnessError when either is missing, or with what is wrong."""
    file = card_of(vector)
    found = None
    if vector.is_file():
        found = read_record(file, VectorCard, what="vector card", way_out=way_out(vector), seal=True)
    if found is None:
        raise HarnessError(f"no vector at {vector}; extract it with: harness vectors SETTING")
    return found


def unpaired(runs: Path) -> list[Path]:
    """The vectors of `runs` that have no card, and the cards that have no vector, as a killed process leaves them."""
    files = [file for file in sorted((runs / VECTORS).glob("[!.]*")) if file.suffix in (".safetensors", ".json")]
    return [file for file in files if not is_vector(file.with_suffix(".safetensors"))]


def check_pair(vector: Path) -> None:
    """HarnessError where the vector in `vector` and its card, if both are there, are not of each other and the name."""
    if not is_vector(vector):
        return
    card = read_card(vector)
    if file_sha256(vector) != card.sha256:
        raise Unfit(f"{vector} and its card do not belong together: one of them was changed; {way_out(vector)}")
    if vector.stem != f"{card.name}-{card.key[:8]}":
        raise Unfit(f"{vector} holds another vector than its name says, {card.name!r}; {way_out(vector)}")


def write_card(vector: Path, card: VectorCard) -> None:
    """Writes the card beside the vector in `vector`, in one step and in the format of now."""
    write_record(card_of(vector), card)


def way_out(vector: Path) -> str:
    """What to do about a vector or a card that is wrong: what is imported cannot be made again from what is here."""
    try:
        card = read_bytes(card_of(vector), advice=MAKE_AGAIN)
        return IMPORT_AGAIN if b'"imported": {' in card else MAKE_AGAIN
    except HarnessError:
        return MAKE_AGAIN
