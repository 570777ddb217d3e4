"""A whole runs folder checked: every cell, every vector, the lock of the claims, and what ended processes left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.cells import ADAPTERS, LIKELIHOODS, REWRITTEN
from harness.documents import check_seal
from harness.errors import HarnessError
from harness.files import alike, check_plain, is_held
from harness.runs import (
    ADAPTER,
    CALIBRATIONS,
    KEPT,
    LOCK,
    PROMPTS,
    VECTORS,
    WEIGHTS,
    card_of,
    check_kept,
    check_pair,
    check_read,
    check_under,
    check_written,
    half_written,
    is_trained,
    read_calibration,
    read_card,
    read_prompt_card,
    read_training,
    run_folders,
    shared_in,
    unpaired,
    way_out,
)
from harness.screen import progress
from harness.verifying.cells import check_cell
from harness.verifying.deep import check_weights
from harness.verifying.findings import (
    BY_EXTRACTION,
    BY_IMPORT,
    BY_NEXT,
    BY_PROMPTS,
    BY_TRIALS,
    CLEARED,
    NOT_AT_ALL,
    Flaw,
    found,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many cells, vectors and others that cells share were looked at, and what was found; nothing where all is
    as it was written.
    """

    cells: int
    vectors: int
    others: int
    findings: tuple[Flaw, ...]


def verify(root: Path, *, deep: bool = False) -> Verified:
    """Looks at everything in the runs folder `root`, or in one run folder, and changes nothing.

    `deep` reads large files and logs whole too. HarnessError where there is no such folder, or nothing of ours in it.
    """
    if not root.is_dir():
        raise HarnessError(f"no runs folder at {root}; name one that 'harness run' has filled")
    cells, vectors = run_folders(root), sorted((root / VECTORS).glob("*.safetensors"))
    others = {kind: shared_in(root, kind) for kind in _OTHERS}
    if not cells and not vectors and not any(others.values()):
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
        *(flaw for kind, places in others.items() for place in places for flaw in _other(kind, place, deep=deep)),
        *_same_names([*cells, *vectors, *(place for places in others.values() for place in places)]),
        *_left(root),
    ]
    count = sum(map(len, others.values()))
    return Verified(cells=len(cells), vectors=len(vectors), others=count, findings=tuple(findings))


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


def _other(kind: str, place: Path, *, deep: bool) -> list[Flaw]:
    again, check = _OTHERS[kind]
    return found(place, again, partial(check_plain, place)) or found(place, again, partial(check, place, deep))


def _check_under(folder: Path, deep: bool) -> None:
    """One that is being trained, or goes on from where it was killed, is not looked at."""
    check_under(folder)
    if deep and is_trained(folder):
        check_weights(folder / ADAPTER / WEIGHTS, read_training(folder).sha256)


_OTHERS: dict[str, tuple[str, Callable[[Path, bool], object]]] = {
    ADAPTERS: (BY_NEXT, _check_under),
    REWRITTEN: (BY_NEXT, lambda file, deep: check_written(file)),
    LIKELIHOODS: (BY_NEXT, lambda file, deep: check_read(file)),
    CALIBRATIONS: (BY_TRIALS, lambda file, deep: read_calibration(file)),
    KEPT: (NOT_AT_ALL, lambda folder, deep: check_kept(folder)),
    PROMPTS: (BY_PROMPTS, lambda file, deep: read_prompt_card(file)),
}
"""What cells share beside vectors, by its folder: how it is made again, and what looks at one of them."""


def _same_names(places: list[Path]) -> Iterator[Flaw]:
    for place in places:
        if other := alike(place):
            what = f"{place} and {other} are one name on some file systems"
            yield Flaw(place=place, what=what, again="move one of them away")


def _left(root: Path) -> Iterator[Flaw]:
    """What is half written, unless a process holds the lock of the folder or of what it becomes."""
    for part in half_written(root):
        if is_held(part.parent):
            continue
        yield Flaw(place=part, what=f"{part} was left by a process that ended", again=CLEARED)
