"""A whole runs folder checked: every cell, every vector, the lock of the claims, and what ended processes left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.documents import check_seal
from harness.errors import HarnessError
from harness.files import alike, check_plain, is_held
from harness.runs import (
    CALIBRATIONS,
    LOCK,
    VECTORS,
    card_of,
    check_pair,
    half_written,
    read_calibration,
    read_card,
    run_folders,
    unpaired,
    way_out,
)
from harness.screen import progress
from harness.verifying.cells import check_cell
from harness.verifying.deep import check_weights
from harness.verifying.findings import BY_EXTRACTION, BY_IMPORT, BY_TRIALS, CLEARED, NOT_AT_ALL, Flaw, found


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many cells and vectors were looked at, and what was found; nothing where all is as it was written."""

    cells: int
    vectors: int
    findings: tuple[Flaw, ...]


def verify(root: Path, *, deep: bool = False) -> Verified:
    """Looks at everything in the runs folder `root`, or in one run folder, and changes nothing.

    `deep` reads large files and logs whole too. HarnessError where there is no such folder, or nothing of ours in it.
    """
    if not root.is_dir():
        raise HarnessError(f"no runs folder at {root}; name one that 'harness run' has filled")
    cells, vectors = run_folders(root), sorted((root / VECTORS).glob("*.safetensors"))
    if not cells and not vectors:
        raise HarnessError(f"no run and no vector in {root}; name a folder that 'harness run' has filled")
    findings: list[Flaw] = []
    with progress.bar("verify", total=len(cells) + len(vectors), unit="folder") as advance:
        for cell in cells:
            findings += check_cell(cell, deep=deep)
            advance()
        for vector in vectors:
            findings += _vector(vector, deep=deep)
            advance()
    findings += [
        *_cards_alone(root),
        *_lock(root / LOCK),
        *_calibrations(root),
        *_same_names(cells, vectors),
        *_left(root),
    ]
    return Verified(cells=len(cells), vectors=len(vectors), findings=tuple(findings))


def _vector(vector: Path, *, deep: bool) -> list[Flaw]:
    again = BY_IMPORT if "import" in way_out(vector) else BY_EXTRACTION
    return found(vector, again, partial(_check_vector, vector, deep=deep))


def _check_vector(vector: Path, *, deep: bool) -> None:
    for file in (vector, card_of(vector)):
        if file.is_symlink() or file.exists():
            check_plain(file)
    check_pair(vector)
    card = read_card(vector)
    if deep:
        check_weights(vector, card.sha256)


def _cards_alone(root: Path) -> Iterator[Flaw]:
    """Cards without their vector."""
    for card in unpaired(root):
        if card.suffix == ".json":
            yield Flaw(place=card, what=f"{card} is a card without its vector", again=BY_EXTRACTION)


def _lock(file: Path) -> list[Flaw]:
    return found(file, NOT_AT_ALL, partial(_check_lock, file)) if file.exists() else []


def _check_lock(file: Path) -> None:
    from harness import claims

    claims.read_lock(file)
    check_seal(file, what="lock of claims", way_out="restore it")


def _calibrations(root: Path) -> list[Flaw]:
    files = sorted((root / CALIBRATIONS).glob("*.json"))
    return [flaw for file in files for flaw in found(file, BY_TRIALS, partial(_check_calibration, file))]


def _check_calibration(file: Path) -> None:
    check_plain(file)
    read_calibration(file)


def _same_names(cells: list[Path], vectors: list[Path]) -> Iterator[Flaw]:
    for place in (*cells, *vectors):
        if other := alike(place):
            what = f"{place} and {other} are one name on some file systems"
            yield Flaw(place=place, what=what, again="move one of them away")


def _left(root: Path) -> Iterator[Flaw]:
    """What is half written, unless a process holds the lock of the folder or of what it becomes."""
    for part in half_written(root):
        if is_held(part.parent):
            continue
        yield Flaw(place=part, what=f"{part} was left by a process that ended", again=CLEARED)
