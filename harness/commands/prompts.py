"""`harness prompts`: what each prompt does to the likelihood of the training rows' replies, before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from harness.commands.options import NONE, Json, Model, Runs, Scale, any_of, seeds, setting_named
from harness.contracts import Placement
from harness.errors import unknown
from harness.screen import console, print_json

SEED: list[str] = ["0"]
PLACES = get_args(Placement)


def prompts(
    setting: Annotated[str, typer.Argument(help="The setting whose prompts and rows to use.")],
    prompt: Annotated[list[str], typer.Option(help="Try this text beside the setting's own; repeat it.")] = NONE,
    placement: Annotated[
        str, typer.Option(help=f"Where --prompt goes: {', '.join(PLACES)}; else where the arms put it.")
    ] = "",
    scale: Scale = "mini",
    model: Model = "",
    seed: Annotated[list[str], typer.Option(help="Training seeds; repeat it, or put commas.")] = SEED,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """How much likelier each prompt makes the training rows' replies, before anything is trained."""
    from harness.cells import check_scale
    from harness.registry import installed

    found = installed().setting(setting_named(setting))
    check_scale(found, scale)
    place, wanted = _place(placement), seeds(any_of("--seed", seed))
    from harness.prompting import make_cards

    files = make_cards(found, runs, scale=scale, model=model, seeds=wanted, texts=prompt, placement=place)
    _show(files, as_json=as_json)


def _place(text: str) -> Placement | None:
    if not text:
        return None
    if text not in PLACES:
        raise unknown("placement", text, PLACES)
    return cast(Placement, text)


def _show(files: list[Path], *, as_json: bool) -> None:
    from harness import reporting
    from harness.documents import as_json as as_record
    from harness.runs import read_prompt_card

    cards = [card for file in files if (card := read_prompt_card(file)) is not None]
    if as_json:
        print_json([{**as_record(card), "file": str(file)} for file, card in zip(files, cards, strict=True)])
        return
    page = console()
    for card in cards:
        reporting.show_section(reporting.of_prompts(card), page)
