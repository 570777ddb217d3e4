"""`harness vectors`: extracts a setting's vectors and prints their quality cards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.cells import check_scale
from harness.commands.page import console, print_json
from harness.errors import unknown
from harness.registry import installed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Card = Mapping[str, Any]


def vectors(setting: str, names: Sequence[str], *, scale: str, model: str, runs: Path, as_json: bool) -> None:
    """Extracts what is missing and prints one card per vector."""
    found = installed().setting(setting)
    check_scale(found, scale)
    for name in names:
        if name not in found.vectors:
            raise unknown("vector", name, found.vectors)
    from harness.cards import make_vectors

    files = make_vectors(setting, runs, scale=scale, model=model, names=names)
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
    for line in (card["verdict"], *card.get("shared", ())):
        page.print(Text(line))
    if "file" in card:
        page.print(Text(str(card["file"]), style="dim"), soft_wrap=True)
    page.print()


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
            f"{row['split_half_cosine']:.2f}",
            f"{row['auroc']:.2f}",
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
