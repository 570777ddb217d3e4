"""Vectors as files that all cells share, each with its quality card: extracted once, by whoever comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cells import vector_file, vector_key
from harness.contracts import Setting, Steering, VectorSpec
from harness.engine import Engine, Vector, chosen_blocks, open_model
from harness.errors import HarnessError, unknown
from harness.files import Journal, digest_of, locked, write_json
from harness.models import resolve, resolve_dtype
from harness.registry import installed
from harness.screen import progress
from harness.vectors import extraction as vectors
from harness.vectors.rollouts import UNFILTERED, Chosen, Journals, OpenedGrader
from harness.vectors.stored import load_vector, read_card, vector_lookup

ELICIT_CASES = 12
CARD_DEPTHS = (0.25, 0.5, 0.75)


def make_vectors(
    setting: str,
    root: Path,
    *,
    scale: str = "mini",
    model: str = "",
    names: Sequence[str] = (),
    grader: str = "",
) -> list[Path]:
    """Extracts the setting's vectors (all, or `names`) and gives the paths of their full quality cards.

    A full card also says how much adding the vector elicits the trait at a quarter, half and three
    quarters of the model's depth, the cosines to the setting's other vectors, and which of them share most
    of its direction.
    """
    found = installed().setting(setting)
    for name in names:
        if name not in found.vectors:
            raise unknown("vector", name, found.vectors)
    recipe = found.recipe(scale)
    dtype = resolve_dtype(recipe.dtype)
    ref = resolve(model or recipe.model)
    keys = {
        name: vector_key(found, name, scale=scale, model=ref, dtype=dtype, recipe=recipe, grader=grader)
        for name in found.vectors
    }
    opened = opened_grader(grader)
    wanted = {name: keys[name] for name in (names or keys)}
    engine = open_model(ref, dtype=dtype)
    files = ensure(engine, found, scale, root, wanted, grader=opened)
    for name in wanted:
        _sweep(engine, found, scale, name, files)
    known = {name: file for name, key in keys.items() if (file := vector_file(root, name, key)).is_file()}
    return [_with_cosines(name, known, steered_blocks(engine, found, scale, name)) for name in wanted]


def ensure(
    engine: Engine,
    setting: Setting,
    scale: str,
    root: Path,
    wanted: Mapping[str, str],
    *,
    grader: OpenedGrader | None = None,
) -> dict[str, Path]:
    """The files of `wanted` (name to key), extracted where they are missing; one process extracts, others wait."""
    files = {name: vector_file(root, name, key) for name, key in wanted.items()}
    for name, file in files.items():
        with locked(file, wait=True):
            if not (file.is_file() and file.with_suffix(".json").is_file()):
                with progress.bar(f"vector {setting.name}/{name}", total=1, unit="vector") as advance:
                    _make(engine, setting, scale, name, wanted[name], file, grader)
                    advance()
    engine.vectors = vector_lookup(files)
    return files


def opened_grader(name: str) -> OpenedGrader | None:
    """The grader called `name`, nothing asked yet; None without a name."""
    if not name:
        return None
    from harness.graders import opened

    return opened(name)


def steered_blocks(engine: Engine, setting: Setting, scale: str, name: str) -> tuple[int, ...]:
    """The blocks that the setting steers, or the middle one where it steers none."""
    place = _default_place(setting, scale, name)
    return chosen_blocks(place, len(engine.blocks)) if place else (len(engine.blocks) // 2,)


def _make(
    engine: Engine, setting: Setting, scale: str, name: str, key: str, file: Path, grader: OpenedGrader | None
) -> None:
    """Makes the vector `name` in `file`, with a card whose elicitation is measured at the default dose alone."""
    spec, recipe = setting.vectors[name], setting.recipe(scale)
    if spec.file:
        made, about = _read_from(Path(spec.file), engine)
    else:
        found = vectors.extract(
            engine, spec, scale=scale, system=recipe.system, kept=_journals(engine, spec, file), grader=grader
        )
        made = found.vector
        about = {
            "questions": len(found.positive),
            "blocks": vectors.quality(found),
            "replies": None if found.chosen is None else chosen_card(found.chosen, spec, scale),
        }
    engine.vectors = lambda _: made
    place = _default_place(setting, scale, name)
    rows = _elicited(engine, setting, scale, place, ELICIT_CASES) if place else []
    card = {
        "name": name,
        "setting": setting.name,
        "scale": scale,
        "key": key,
        "summary": spec.summary,
        "concept": spec.concept,
        "source": spec.source,
        **about,
        "elicitation": rows,
        "cosines": {},
        "verdict": vectors.verdict(about["blocks"], rows, steered_blocks(engine, setting, scale, name)),
    }
    vectors.save(file, made, card)


def chosen_card(chosen: Chosen, spec: VectorSpec, scale: str) -> dict[str, Any]:
    """What became of a persona's replies, by what thresholds, for the card of its vector."""
    assert spec.persona is not None
    keep = spec.persona(scale).keep
    about: dict[str, Any] = {"filtered": chosen.filtered, "pairs": dict(chosen.reasons)}
    if not chosen.filtered or keep is None:
        return about | {"note": UNFILTERED}
    return about | {"trait": keep.trait, "coherence": keep.coherence, "source": keep.source}


def _journals(engine: Engine, spec: VectorSpec, file: Path) -> Journals:
    """Where a persona's replies and grades are kept: replies of one model, grades for one vector."""
    if spec.persona is None or not engine.digest:
        return Journals()
    model = digest_of([engine.digest, engine.dtype])[:8]
    folder = file.parent / "rollouts"
    return Journals(
        replies=Journal(folder / f"replies-{model}.jsonl"), grades=Journal(folder / f"grades-{file.stem}.jsonl")
    )


def _read_from(file: Path, engine: Engine) -> tuple[Vector, dict[str, Any]]:
    """The vector in `file` and what its card says of how it was made."""
    made, card = load_vector(file), read_card(file)
    width = int(engine.model.get_input_embeddings().weight.shape[1])
    if made.value.shape != (len(engine.blocks), width):
        raise HarnessError(
            f"{file} has shape {tuple(made.value.shape)}, and this model has {len(engine.blocks)} blocks of width "
            f"{width}; name a vector of this model"
        )
    about = {name: card.get(name) for name in ("questions", "blocks", "replies", "imported")}
    return made, {**about, "made_from": {"file": str(file), "sha256": card["sha256"]}}


def _default_place(setting: Setting, scale: str, name: str) -> Steering | None:
    where = setting.recipe(scale).steering
    if where is None:
        return None
    return Steering(vector=name, coef=where.coef, unit=where.unit, blocks=where.blocks, depth=where.depth)


def _elicited(engine: Engine, setting: Setting, scale: str, place: Steering, limit: int | None) -> list[dict[str, Any]]:
    judge = installed().judge(setting.trait.judge)
    if judge.grader:
        return []
    system = setting.recipe(scale).system
    return vectors.elicitation(engine, setting, judge, place, scale=scale, system=system, limit=limit)


def _sweep(engine: Engine, setting: Setting, scale: str, name: str, files: Mapping[str, Path]) -> None:
    """Completes the card of `name`: elicitation at several depths, on all selection cases."""
    card = read_card(files[name])
    place = _default_place(setting, scale, name)
    if place is None or card.get("swept"):
        return
    default = chosen_blocks(place, len(engine.blocks))
    places = [replace(place, blocks=default)]
    places += [
        replace(place, blocks=(block,), depth=None)
        for depth in CARD_DEPTHS
        if (block := round(depth * len(engine.blocks))) not in default
    ]
    with progress.bar(f"card {setting.name}/{name}", total=len(places), unit="place") as advance:
        rows = []
        for one in places:
            rows += _elicited(engine, setting, scale, one, None)
            advance()
    here = [row for row in rows if row["blocks"] == list(default)]
    said = vectors.verdict(card["blocks"], here, default)
    write_json(files[name].with_suffix(".json"), {**card, "elicitation": rows, "verdict": said, "swept": True})


def _with_cosines(name: str, files: Mapping[str, Path], blocks: tuple[int, ...]) -> Path:
    """Completes the card of `name`: its cosines, and which vectors of other traits it is hard to tell from."""
    lookup = vector_lookup(files)
    between = vectors.cosines({other: lookup(other).value for other in files})[name]
    cards = {other: read_card(file) for other, file in files.items()}
    of_others = {other: row for other, row in between.items() if _trait(cards[other]) != _trait(cards[name])}
    said = vectors.shared(name, of_others, blocks)
    file = files[name].with_suffix(".json")
    write_json(file, {**cards[name], "cosines": between, "steered": list(blocks), "shared": said})
    return file


def _trait(card: Mapping[str, Any]) -> str:
    """Two ways to extract one trait should agree; two traits should not."""
    return str(card["concept"] or card["name"])
