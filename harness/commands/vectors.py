"""`harness vectors`: a setting's vectors, extracted or imported, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.checks import NAME
from harness.commands.options import NONE, Json, Model, OnlyThese, Runs, Scale, VectorGrader, any_of, setting_named
from harness.errors import HarnessError, unknown
from harness.screen import console, print_json

if TYPE_CHECKING:
    from harness.registry import Registry
    from harness.vectors import RowsAre


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsAsked:
    """What the options name. An empty `model` is the recipe's own; without `names` every vector is meant."""

    setting: str
    names: Sequence[str]
    scale: str
    model: str
    runs: Path
    grader: str = ""


def vectors(
    setting: Annotated[str, typer.Argument(help="The setting whose vectors to extract.")],
    name: OnlyThese = NONE,
    trait: Annotated[Path | None, typer.Option(help="Extract the vector of this trait file (JSON).")] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Convert this published vector, a file or a folder, as --name.")
    ] = None,
    rows: Annotated[str, typer.Option(help="What the imported rows count: hidden_states or blocks.")] = "",
    layer: Annotated[int | None, typer.Option(help="Which of these an imported row alone is.", min=0)] = None,
    vector_grader: VectorGrader = "",
    scale: Scale = "mini",
    model: Model = "",
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Extract trait vectors and say how good they are."""
    if trait is not None and import_ is not None:
        raise HarnessError("--trait and --import are two ways to a vector; choose one")
    names = any_of("--name", name)
    asked = VectorsAsked(
        setting=setting_named(setting), names=names, scale=scale, model=model, runs=runs, grader=vector_grader
    )
    if import_ is None and (rows or layer is not None):
        raise HarnessError("--rows and --layer are of an imported vector; name its file by --import, or leave them out")
    files = _extracted(asked, trait) if import_ is None else [_imported(asked, import_, _rows_are(rows), layer)]
    _show(files, as_json=as_json)


def _extracted(asked: VectorsAsked, trait: Path | None) -> list[Path]:
    """The cards of what is asked for, that of the trait file `trait` alone if given; extracted where missing."""
    from harness.cells import check_scale
    from harness.registry import installed, using

    registry, names = installed(), asked.names
    if trait is not None:
        registry, names = _with_trait(registry, asked, trait)
    found = registry.setting(asked.setting)
    check_scale(found, asked.scale)
    for name in names:
        if name not in found.vectors:
            raise unknown("vector", name, found.vectors)
    from harness.vectors import make_vectors

    with using(registry):
        return make_vectors(
            asked.setting, asked.runs, scale=asked.scale, model=asked.model, names=names, grader=asked.grader
        )


def _rows_are(text: str) -> RowsAre | None:
    known: dict[str, RowsAre | None] = {"": None, "hidden_states": "hidden_states", "blocks": "blocks"}
    if text not in known:
        raise unknown("kind of rows", text, [one for one in known if one])
    return known[text]


def _imported(asked: VectorsAsked, source: Path, rows_are: RowsAre | None, layer: int | None) -> Path:
    """The card of a published vector that was converted for the setting's model."""
    from harness.cells import check_scale
    from harness.registry import installed

    check_scale(installed().setting(asked.setting), asked.scale)
    if len(asked.names) != 1:
        raise HarnessError("an imported vector needs one name; give it by --name")
    _check_name(asked.names[0])
    from harness.vectors import import_vector

    return import_vector(
        source,
        asked.names[0],
        asked.setting,
        asked.runs,
        scale=asked.scale,
        model=asked.model,
        rows_are=rows_are,
        layer=layer,
    )


def _with_trait(registry: Registry, asked: VectorsAsked, trait: Path) -> tuple[Registry, list[str]]:
    """What is installed with the vector of a trait file, called as the file or as --name says, and that name."""
    from harness.authoring import read_trait
    from harness.cells import with_trait

    read = read_trait(trait)
    if len(asked.names) > 1:
        raise HarnessError("a trait file makes one vector; give one --name, or none")
    name = asked.names[0] if asked.names else read.name
    _check_name(name)
    return with_trait(registry, asked.setting, read, name=name, source=str(trait)), [name]


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise HarnessError(f"a vector's name is small letters, digits and _, not {name!r}; give one by --name")


def _show(files: Sequence[Path], *, as_json: bool) -> None:
    from harness import reporting, runs
    from harness.documents import as_json as as_record

    cards = {file: runs.read_card(file.with_suffix(".safetensors")) for file in files}
    if as_json:
        print_json([{**as_record(card), "file": str(file)} for file, card in cards.items()])
    else:
        reporting.show_cards(cards, console())
