"""Vectors in files, each beside its card: written card last, and read whole or told what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from safetensors.torch import save_file

from harness.contracts import Steering
from harness.engine import Engine, Vector, Vectors, relative, vectors_for
from harness.errors import HarnessError
from harness.files import file_sha256, opened_tensors, writing
from harness.runs import Steered, Unfit, VectorCard, read_card, way_out, write_card


def save(file: Path, made: Vector, card: VectorCard) -> None:
    """Writes `file` (safetensors) and, last, its card beside it, which holds the file's sha256."""
    with writing(file, "a vector") as part:
        save_file({"vector": made.value.contiguous(), "rms": made.rms.contiguous()}, part)
    write_card(file, replace(card, sha256=file_sha256(file)))


def vector_lookup(files: Mapping[str, Path], keys: Mapping[str, str] | None = None) -> Vectors:
    """A function from a vector's name to the vector in its file, each read once, and of its key where `keys` has it."""

    @cache
    def lookup(name: str) -> Vector:
        if name not in files:
            raise HarnessError(f"vector {name!r} was not extracted for this run; it has: {', '.join(files) or 'none'}")
        return load_vector(files[name], key=(keys or {}).get(name, ""))

    return lookup


def load_vector(file: Path, *, key: str = "") -> Vector:
    """The vector in `file`; HarnessError when it is cut, changed since its card was written, or not finite.

    Unfit where it is not that of `key`, if one is given.
    """
    card = read_card(file)
    if key and card.key != key:
        raise Unfit(f"{file} is another vector than its name says, {card.name!r} of {card.key[:8]}; {way_out(file)}")
    with opened_tensors(file, otherwise="no safetensors file", advice=way_out(file)) as stored:
        value, rms = stored.get_tensor("vector"), stored.get_tensor("rms")
    if not value.is_floating_point() or not rms.is_floating_point():
        raise HarnessError(f"{file} holds {value.dtype} and {rms.dtype}, not real numbers; {way_out(file)}")
    value, rms = value.float(), rms.float()
    if value.ndim != 2 or not value.numel() or rms.shape != value.shape[:1]:
        raise HarnessError(
            f"{file} holds a vector of shape {tuple(value.shape)} with {rms.numel()} RMS values, "
            f"not (blocks, hidden) with one for each block; {way_out(file)}"
        )
    if not bool(value.isfinite().all() and rms.isfinite().all()):
        raise HarnessError(f"{file} has values that are not finite; {way_out(file)}")
    if card.sha256 != file_sha256(file):
        raise HarnessError(f"{file} has changed since its card was written; {way_out(file)}")
    return Vector(value=value, rms=rms)


def steered_as(engine: Engine, wanted: Steering) -> Steered:
    """What `wanted` adds to this engine's model, for a record: at which blocks, of which norm; or what it removes."""
    changed = vectors_for(engine, wanted)
    return Steered(
        vector=wanted.vector,
        coef=wanted.coef,
        blocks=tuple(sorted(changed)),
        depth=wanted.depth,
        unit=wanted.unit,
        expression=wanted.vector,
        norm={str(block): float(vector.norm()) for block, vector in changed.items()},
        relative=None if wanted.ablates else relative(engine, wanted),
        way=wanted.way,
        positions=wanted.positions,
        schedule=wanted.schedule,
    )
