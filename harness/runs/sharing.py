"""What the cells of a runs folder share, beside them, and how it is taken over from another folder.

Vectors, adapters, replies and likelihoods that were made before training, calibrations, and cards of prompts: each kind
in a folder of its own, each thing named after what it was made from.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.cells import ADAPTERS, LIKELIHOODS, REWRITTEN
from harness.errors import HarnessError
from harness.files import Busy, Journal, alike, check_plain, clear_halves, file_sha256, locked, replacing, writing
from harness.runs.calibration_record import read_calibration
from harness.runs.described import KEPT, check_kept, kept_digest
from harness.runs.products import Unfit
from harness.runs.prompt_card import PROMPTS, read_prompt_card, write_prompt_card
from harness.runs.run_record import CALIBRATIONS
from harness.runs.training_record import ADAPTER, WEIGHTS, is_trained, read_training
from harness.runs.vector_cards import VECTORS, check_pair

Outcome = Literal["copied", "same", "conflict", "replaced", "skipped", "broken"]
Side = Literal["ours", "theirs"]

OTHERWISE = "made of the same inputs with other rounding; the one that is here stays"
UNDER_WAY_OUT = "move it away, and the next 'harness run' that needs it trains it again"
WRITTEN_WAY_OUT = "move it away, and the next 'harness run' that needs it has the model write it again"
READ_WAY_OUT = "move it away, and the next 'harness run' that needs it has the model read the rows again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of one cell or shared file: `place` is its path in the merged folder, `source` where it came from."""

    place: Path
    source: Path
    outcome: Outcome
    why: str = ""


def check_under(folder: Path) -> None:
    """HarnessError where the adapter in `folder`, trained before others, is not whole or not what its name says."""
    if is_trained(folder):
        made = read_training(folder)
        if not folder.name.endswith(f"-{made.key[:8]}"):
            raise Unfit(f"{folder} holds another adapter than its name says; {UNDER_WAY_OUT}")


def check_written(file: Path) -> None:
    """HarnessError where `file` does not hold replies that were written before training."""
    if not list(written_in(file)):
        raise HarnessError(f"{file} holds no reply; {WRITTEN_WAY_OUT}")


def written_in(file: Path) -> Journal:
    """The replies in `file`, by the row that they were written to."""
    return Journal(file, fits=lambda value: isinstance(value, str), elsewhere=WRITTEN_WAY_OUT)


def check_read(file: Path) -> None:
    """HarnessError where `file` does not hold likelihoods of rows that were read before training."""
    if not list(read_in(file)):
        raise HarnessError(f"{file} holds no likelihood; {READ_WAY_OUT}")


def read_in(file: Path) -> Journal:
    """The mean log-probabilities of a token in `file`, by the row whose reply they are of."""
    return Journal(file, fits=_is_number, elsewhere=READ_WAY_OUT)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def shared_in(root: Path, kind: str) -> list[Path]:
    """Everything of a kind, named by its folder, beside the runs in `root`, sorted; nothing that is hidden."""
    folders = kind in (ADAPTERS, KEPT)
    return sorted(
        one
        for one in (root / kind).glob(_PATTERN[kind])
        if not one.name.startswith(".") and (one.is_symlink() or one.is_dir() == folders)
    )


def merge_shared(source: Path, target: Path, *, keep: Side | None = None, dry_run: bool = False) -> list[Merged]:
    """Takes over what the cells of `source` share and `target` lacks; what is wrong, or there otherwise, is told."""
    done = []
    for kind, take in _TAKE.items():
        if not dry_run:
            clear_halves(target / kind)
        done += [_merged(one, target / kind / one.name, take, keep, dry_run) for one in shared_in(source, kind)]
    return done


def check_place(place: Path) -> None:
    """HarnessError where something cannot be put at `place` for what is there, or beside it."""
    if place.is_symlink():
        raise HarnessError(f"{place} is a link, and what it leads to is not written over; move it away")
    if other := alike(place):
        raise HarnessError(f"{place} and {other} beside it are one name on some file systems; move one of them away")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What would become of something shared, and how it is done; `done` None where nothing is to be done."""

    outcome: Outcome
    why: str = ""
    done: Callable[[], object] | None = None


_Take = Callable[[Path, Path, "Side | None"], _Taken]


def _merged(one: Path, place: Path, take: _Take, keep: Side | None, dry_run: bool) -> Merged:
    inner = Path(place.parent.name, place.name)
    try:
        check_plain(one)
        check_place(place)
        if dry_run:
            taken = take(one, place, keep)
        else:
            with locked(place):
                taken = take(one, place, keep)
                if taken.done is not None:
                    taken.done()
    except Busy:
        return Merged(place=inner, source=one, outcome="skipped", why="another process is working on it")
    except HarnessError as error:
        return Merged(place=inner, source=one, outcome="broken", why=str(error))
    return Merged(place=inner, source=one, outcome=taken.outcome, why=taken.why)


def _vector(one: Path, place: Path, keep: Side | None) -> _Taken:
    check_pair(one.with_suffix(".safetensors"))
    if place.is_file():
        return _Taken(outcome="same", why="" if file_sha256(place) == file_sha256(one) else OTHERWISE)
    return _Taken(outcome="copied", done=lambda: _copy_file(one, place, "the vector"))


def _under(one: Path, place: Path, keep: Side | None) -> _Taken:
    if not is_trained(one):
        return _Taken(outcome="skipped", why="not finished")
    check_under(one)
    if is_trained(place):
        check_under(place)
        weights = Path(ADAPTER, WEIGHTS)
        return _Taken(
            outcome="same", why="" if file_sha256(place / weights) == file_sha256(one / weights) else OTHERWISE
        )
    return _Taken(outcome="copied", done=lambda: copy_folder(one, place, "the adapter"))


def _written(one: Path, place: Path, keep: Side | None) -> _Taken:
    check_written(one)
    return _lines(written_in(one), written_in(place), "replies")


def _read(one: Path, place: Path, keep: Side | None) -> _Taken:
    check_read(one)
    return _lines(read_in(one), read_in(place), "likelihoods")


def _lines(theirs: Journal, ours: Journal, what: str) -> _Taken:
    missing = [key for key in theirs if ours.get(key) is None]
    differ = [key for key in theirs if key not in missing and ours.get(key) != theirs.get(key)]
    why = f"{len(differ)} {what} differ: {OTHERWISE}" if differ else ""
    if not missing:
        return _Taken(outcome="same", why=why)
    return _Taken(outcome="copied", why=why, done=lambda: _add(ours, {key: theirs.get(key) for key in missing}))


def _add(journal: Journal, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        journal.add(key, value)


def _card(one: Path, place: Path, keep: Side | None) -> _Taken:
    theirs, ours = read_prompt_card(one), read_prompt_card(place)
    assert theirs is not None
    if ours is None:
        return _Taken(outcome="copied", done=lambda: _copy_file(one, place, "the prompt card"))
    if ours.key != theirs.key:
        raise Unfit(f"{place} is a card of other rows or of another model; move one of them away")
    known = {each.edited for each in ours.prompts}
    missing = tuple(each for each in theirs.prompts if each.edited not in known)
    if not missing:
        others = [each for each in theirs.prompts if each not in ours.prompts]
        return _Taken(outcome="same", why=OTHERWISE if others else "")
    both = replace(ours, prompts=(*ours.prompts, *missing))
    return _Taken(outcome="copied", done=lambda: write_prompt_card(place, both))


def _described(one: Path, place: Path, keep: Side | None) -> _Taken:
    """A setting that a file describes, with its data."""
    check_kept(one)
    if not place.exists():
        return _Taken(outcome="copied", done=lambda: copy_folder(one, place, "the setting"))
    if kept_digest(one) == kept_digest(place):
        return _Taken(outcome="same")
    why = "the setting is described otherwise there"
    if keep == "theirs":
        return _Taken(outcome="replaced", why=why, done=lambda: copy_folder(one, place, "the setting"))
    return _Taken(outcome="same" if keep == "ours" else "conflict", why=why)


def _calibration(one: Path, place: Path, keep: Side | None) -> _Taken:
    theirs = read_calibration(one)
    assert theirs is not None
    copied = _Taken(outcome="copied", done=lambda: _copy_file(one, place, "the calibration"))
    try:
        ours = read_calibration(place)
    except HarnessError as error:
        return replace(copied, outcome="replaced", why=f"what was there is broken: {error}")
    if ours is None:
        return copied
    chosen = [(made.inputs, made.outcome, made.epochs, made.steering) for made in (ours, theirs)]
    if chosen[0] == chosen[1]:
        return _Taken(outcome="same")
    why = f"another choice: here {ours.said!r}, there {theirs.said!r}"
    if keep == "theirs":
        return replace(copied, outcome="replaced", why=why)
    return _Taken(outcome="same" if keep == "ours" else "conflict", why=why)


def _copy_file(one: Path, place: Path, what: str) -> None:
    with writing(place, what) as part:
        shutil.copyfile(one, part)


def copy_folder(one: Path, place: Path, what: str) -> None:
    """`one` in the place of `place`: whoever looks sees the old one, the new one, or for a moment none."""
    with replacing(place, what) as part:
        shutil.copytree(one, part, ignore=shutil.ignore_patterns(".*"), symlinks=True)


_PATTERN = {
    VECTORS: "*",
    ADAPTERS: "*",
    REWRITTEN: "*.jsonl",
    LIKELIHOODS: "*.jsonl",
    PROMPTS: "*.json",
    CALIBRATIONS: "*.json",
    KEPT: "*",
}
_TAKE: dict[str, _Take] = {
    VECTORS: _vector,
    ADAPTERS: _under,
    REWRITTEN: _written,
    LIKELIHOODS: _read,
    CALIBRATIONS: _calibration,
    PROMPTS: _card,
    KEPT: _described,
}
