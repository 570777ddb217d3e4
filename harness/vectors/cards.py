"""Full cards of a setting's vectors: extracted where they are missing, then steered at several depths and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.cells import vector_file, vector_key
from harness.contracts import Setting
from harness.engine import Engine, chosen_blocks, open_model
from harness.errors import unknown
from harness.models import resolve, resolve_dtype
from harness.registry import installed
from harness.runs import Elicited, VectorCard, card_of, read_card, write_card
from harness.screen import progress
from harness.vectors.elicitation import verdict
from harness.vectors.making import default_place, elicited, ensure, opened_grader, steered_blocks
from harness.vectors.quality import cosines, shared
from harness.vectors.stored import vector_lookup

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
    return [_with_cosines(name, known, keys, steered_blocks(engine, found, scale, name)) for name in wanted]


def _sweep(engine: Engine, setting: Setting, scale: str, name: str, files: Mapping[str, Path]) -> None:
    """Completes the card of `name`: elicitation at several depths, on all selection cases."""
    card = read_card(files[name])
    place = default_place(setting, scale, name)
    if place is None or card.swept:
        return
    default = chosen_blocks(place, engine.block_count)
    places = [replace(place, blocks=default)]
    depths = [chosen_blocks(replace(place, blocks=(), depth=depth), engine.block_count) for depth in CARD_DEPTHS]
    places += [
        replace(place, blocks=blocks, depth=None) for blocks in dict.fromkeys(depths) if blocks[0] not in default
    ]
    rows: list[Elicited] = []
    with progress.bar(f"card {setting.name}/{name}", total=len(places), unit="place") as advance:
        for one in places:
            rows += elicited(engine, setting, scale, one, None)
            advance()
    said = verdict(card.blocks, [row for row in rows if row.blocks == default], default)
    write_card(files[name], replace(card, elicitation=tuple(rows), verdict=said, swept=True))


def _with_cosines(name: str, files: Mapping[str, Path], keys: Mapping[str, str], blocks: tuple[int, ...]) -> Path:
    """Completes the card of `name`: its cosines, and which vectors of other traits it is hard to tell from."""
    lookup = vector_lookup(files, keys)
    between = cosines({other: lookup(other).value for other in files})[name]
    cards = {other: read_card(file) for other, file in files.items()}
    of_others = {other: row for other, row in between.items() if _trait(cards[other]) != _trait(cards[name])}
    said = shared(name, of_others, blocks)
    write_card(files[name], replace(cards[name], cosines=between, steered=blocks, shared=said))
    return card_of(files[name])


def _trait(card: VectorCard) -> str:
    """Two ways to extract one trait should agree; two traits should not."""
    return card.concept or card.name
