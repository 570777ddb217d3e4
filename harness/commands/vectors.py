"""`harness vectors`: extracts a setting's vectors and prints their quality cards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.authoring import read_trait, trait_spec
from harness.commands.cells import check_scale
from harness.commands.page import console, print_json
from harness.contracts import NAME
from harness.errors import HarnessError, unknown
from harness.registry import Registry, installed, using

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Card = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options name. An empty `model` is the recipe's own; without `names` every vector is meant."""

    setting: str
    names: Sequence[str]
    scale: str
    model: str
    runs: Path
    grader: str = ""


def vectors(asked: Asked, *, trait: Path | None = None, as_json: bool) -> None:
    """Extracts what is missing, that of the trait file `trait` alone if given, and prints one card per vector."""
    registry = installed()
    names = asked.names
    if trait is not None:
        registry, names = _with_trait(registry, asked, trait)
    found = registry.setting(asked.setting)
    check_scale(found, asked.scale)
    for name in names:
        if name not in found.vectors:
            raise unknown("vector", name, found.vectors)
    from harness.vectors import make_vectors

    with using(registry):
        files = make_vectors(
            asked.setting, asked.runs, scale=asked.scale, model=asked.model, names=names, grader=asked.grader
        )
    _print(files, as_json=as_json)


def import_vector(asked: Asked, source: Path, *, as_json: bool) -> None:
    """Converts a published vector for the setting's model, and prints its card."""
    check_scale(installed().setting(asked.setting), asked.scale)
    if len(asked.names) != 1:
        raise HarnessError("an imported vector needs one name; give it by --name")
    from harness.vectors import importing

    file = importing.import_vector(
        source, asked.names[0], asked.setting, asked.runs, scale=asked.scale, model=asked.model
    )
    _print([file], as_json=as_json)


def _with_trait(registry: Registry, asked: Asked, trait: Path) -> tuple[Registry, list[str]]:
    """The setting with the vector of a trait file, called as the file or as --name says."""
    read = read_trait(trait)
    if len(asked.names) > 1:
        raise HarnessError("a trait file makes one vector; give one --name, or none")
    name = asked.names[0] if asked.names else read.name
    if not NAME.fullmatch(name):
        raise HarnessError(f"a vector's name is small letters, digits and _, not {name!r}; give one by --name")
    setting = registry.setting(asked.setting)
    changed = replace(setting, vectors={**setting.vectors, name: trait_spec(read, source=str(trait))})
    return replace(registry, settings={**registry.settings, setting.name: changed}), [name]


def _print(files: Sequence[Path], *, as_json: bool) -> None:
    cards = [{**json.loads(file.read_text(encoding="utf-8")), "file": str(file)} for file in files]
    if as_json:
        print_json(cards)
        return
    page = console()
    for card in cards:
        _show(page, card)
    for block in dict.fromkeys(block for card in cards for block in card.get("steered", ())):
        _show_matrix(page, cards, block)


def _show(page: Console, card: Card) -> None:
    from rich.text import Text

    page.print(Text(f"{card['name']}: {card['summary']}", style="bold"))
    page.print(_blocks(card))
    if card.get("elicitation"):
        page.print(Text("\nthe untrained model as the vector is added", style="bold"))
        page.print(_elicitation(card["elicitation"]))
    page.print()
    for line in (card["verdict"], *_chosen(card), *card.get("shared", ())):
        page.print(Text(line))
    if "file" in card:
        page.print(Text(str(card["file"]), style="dim"), soft_wrap=True)
    page.print()


def _chosen(card: Card) -> list[str]:
    """What became of the replies of a persona: nothing for another vector."""
    replies = card.get("replies")
    if not replies:
        return []
    counts = ", ".join(f"{count} {reason}" for reason, count in replies["pairs"].items())
    return [f"pairs of replies: {counts}", *([replies["note"]] if "note" in replies else [])]


def _blocks(card: Card) -> Table:
    others = card.get("cosines") or {}
    grid = _grid(
        "block", "norm", "residual RMS", "norm/RMS", "split-half cosine", "AUROC", *(f"cos {o}" for o in others)
    )
    for at, row in enumerate(card["blocks"]):
        grid.add_row(
            str(row["block"]),
            f"{row['norm']:.1f}",
            f"{row['rms']:.1f}",
            f"{row['norm'] / row['rms']:.2f}" if row["rms"] else "-",
            *("-" if row[one] is None else f"{row[one]:.2f}" for one in ("split_half_cosine", "auroc")),
            *(f"{cosines[at]:+.2f}" for cosines in others.values()),
        )
    return grid


def _show_matrix(page: Console, cards: Sequence[Card], block: int) -> None:
    """The cosine of every two vectors at the block that is steered; nothing where there is one vector."""
    from rich.text import Text

    names = list(dict.fromkeys([card["name"] for card in cards] + [one for card in cards for one in card["cosines"]]))
    if len(names) < 2:
        return
    grid = _grid(f"cosines at block {block}", *names)
    for card in cards:
        row = {name: f"{per_block[block]:+.2f}" for name, per_block in card["cosines"].items()}
        grid.add_row(card["name"], *(("1" if name == card["name"] else row.get(name, "-")) for name in names))
    page.print(grid)
    page.print(Text(""))


def _elicitation(rows: Sequence[Card]) -> Table:
    grid = _grid("block", "coefficient", "added norm/RMS", "trait rate", "n", "not judged")
    for row in rows:
        block = row.get("blocks", row.get("block", "-"))
        grid.add_row(
            ", ".join(map(str, block)) if isinstance(block, list) else str(block),
            f"{row['coef']:g}{' rms' if row.get('unit') == 'rms' else ''}",
            f"{row['relative']:.2f}",
            "-" if row["rate"] is None else f"{row['rate']:.2f}",
            str(row["n"]),
            str(row["n"] - row["judged"]),
        )
    return grid


def _grid(*heads: str) -> Table:
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for head in heads:
        grid.add_column(head, justify="right")
    return grid
