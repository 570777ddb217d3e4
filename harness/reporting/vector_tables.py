"""The cards of vectors on a terminal: how surely each is a direction, and what adding it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.screen import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from harness.runs import Elicited, VectorCard


def show_cards(cards: Mapping[Path, VectorCard], page: Console) -> None:
    """Prints every card, with the file that it is in, and the cosines between them where they are steered."""
    for file, card in cards.items():
        _show(page, card, file)
    for block in dict.fromkeys(block for card in cards.values() for block in card.steered):
        _show_matrix(page, [*cards.values()], block)


def _show(page: Console, card: VectorCard, file: Path) -> None:
    from rich.text import Text

    page.print(Text(shown(f"{card.name}: {card.summary}"), style="bold"))
    page.print(_blocks(card))
    if card.elicitation:
        page.print(Text("\nthe untrained model as the vector is added", style="bold"))
        page.print(_elicitation(card.elicitation))
    page.print()
    for line in (card.verdict, *_chosen(card), *card.shared):
        page.print(Text(shown(line)))
    page.print(Text(shown(str(file)), style="dim"), soft_wrap=True)
    page.print()


def _chosen(card: VectorCard) -> list[str]:
    """What became of the replies of a persona: nothing for another vector."""
    if card.replies is None:
        return []
    counts = ", ".join(f"{count} {reason}" for reason, count in card.replies.pairs.items())
    return [f"pairs of replies: {counts}", *([] if card.replies.note is None else [card.replies.note])]


def _blocks(card: VectorCard) -> Table:
    heads = ("block", "norm", "residual RMS", "norm/RMS", "split-half cosine", "AUROC")
    grid = _grid(*heads, *(f"cos {other}" for other in card.cosines))
    for at, layer in enumerate(card.blocks):
        grid.add_row(
            str(layer.block),
            f"{layer.norm:.1f}",
            f"{layer.rms:.1f}",
            f"{layer.norm / layer.rms:.2f}" if layer.rms else "-",
            *("-" if value is None else f"{value:.2f}" for value in (layer.split_half_cosine, layer.auroc)),
            *(f"{cosines[at]:+.2f}" for cosines in card.cosines.values()),
        )
    return grid


def _show_matrix(page: Console, cards: Sequence[VectorCard], block: int) -> None:
    """The cosine of every two vectors at the block that is steered; nothing where there is one vector."""
    from rich.text import Text

    names = list(dict.fromkeys([card.name for card in cards] + [one for card in cards for one in card.cosines]))
    if len(names) < 2:
        return
    grid = _grid(f"cosines at block {block}", *names)
    for card in cards:
        row = {name: f"{per_block[block]:+.2f}" for name, per_block in card.cosines.items()}
        grid.add_row(shown(card.name), *(("1" if name == card.name else row.get(name, "-")) for name in names))
    page.print(grid)
    page.print(Text(""))


def _elicitation(rows: Sequence[Elicited]) -> Table:
    grid = _grid("block", "coefficient", "added norm/RMS", "trait rate", "n", "not judged")
    for row in rows:
        grid.add_row(
            ", ".join(map(str, row.blocks)),
            f"{row.coef:g}{' rms' if row.unit == 'rms' else ''}",
            "-" if row.relative is None else f"{row.relative:.2f}",
            "-" if row.rate is None else f"{row.rate:.2f}",
            str(row.n),
            str(row.n - row.judged),
        )
    return grid


def _grid(*heads: str) -> Table:
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for head in heads:
        grid.add_column(shown(head), justify="right")
    return grid
