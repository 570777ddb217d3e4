"""The prompt cards of a setting: what is missing of them is measured, by one pass of the untrained model a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness import laws
from harness.authoring import inoculated
from harness.cells import Cell, Prepared, prepared, rows_digest, texts_of
from harness.contracts import Placement, Prompt, Setting
from harness.engine import TorchEngine, open_model
from harness.files import digest_of, locked
from harness.models import as_dtype
from harness.prompting.gains import Tried, gains
from harness.registry import installed
from harness.runs import PromptCard, PromptGain, prompt_card_file, read_prompt_card, versions, write_prompt_card

PLAIN = "none"
ANY = "any"  # a text that another is put in the place of


def make_cards(
    setting: Setting,
    runs: Path,
    *,
    scale: str,
    model: str,
    seeds: Sequence[int],
    texts: Sequence[str] = (),
    placement: Placement | None = None,
) -> list[Path]:
    """The cards of `setting`, one a seed, with all of its prompts and the `texts` that are given, at `placement`.

    Without that they stand where the arms that are installed would put them, so that the cards are of these arms' rows.
    A text may be the name of a prompt. A prompt that is for rows with other tags than any row has is left out.
    HarnessError for an unknown scale, a model that cannot be opened, or a prompt that does not fit.
    """
    plain = Cell(setting=setting.name, intervention=PLAIN, scale=scale, model=model)
    cells = [prepared(replace(plain, seed=seed)) for seed in seeds]
    places = _places(setting) if placement is None else [Prompt(text=ANY, placement=placement)]
    given = [("", replace(place, text=text)) for text in texts_of(texts, setting) for place in places]
    prompts = [*cells[0].setting.prompts.items(), *given]
    engine: TorchEngine | None = None
    files = []
    for cell in cells:
        key = _key(cell)
        file = prompt_card_file(runs, setting.name, scale, cell.model, cell.cell.seed, key)
        with locked(file, wait=True):
            card = read_prompt_card(file) or _empty(cell, key)
            missing = [one for one in _tried(cell, prompts) if not _has(card, one)]
            if missing:
                engine = engine or open_model(cell.model, dtype=as_dtype(cell.dtype))
                found = gains(engine, cell.rows, missing, cell.recipe, label=f"{setting.name} s{cell.cell.seed}")
                write_prompt_card(file, _with(card, found))
        files.append(file)
    return files


def _places(setting: Setting) -> list[Prompt]:
    """A prompt for each place at which an arm that is installed would put a text on rows of `setting`."""
    arms = [arm for arm in installed().interventions.values() if laws.reason_against(arm, setting) is None]
    own = [prompt for arm in arms if (prompt := laws.prompt_of(arm, setting)) is not None]
    found: list[Prompt] = []
    for one in own:
        place = Prompt(text=ANY, placement=one.placement, only=one.only)
        if place not in found:
            found.append(place)
    return found or [Prompt(text=ANY, placement="user_suffix")]


def _key(cell: Prepared) -> str:
    return digest_of(
        {
            "rows": rows_digest(cell.rows),
            "model": cell.model.digest,
            "dtype": cell.dtype,
            "max_length": cell.recipe.max_length,
            "system": cell.recipe.system,
        }
    )


def _empty(cell: Prepared, key: str) -> PromptCard:
    return PromptCard(
        setting=cell.setting.name,
        scale=cell.cell.scale,
        model=cell.model.digest,
        reference=cell.cell.model,
        dtype=cell.dtype,
        seed=cell.cell.seed,
        key=key,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
    )


def _tried(cell: Prepared, prompts: Sequence[tuple[str, Prompt]]) -> list[Tried]:
    """What each prompt makes of the rows of `cell`; one that is for none of them is left out, and so is a text that
    makes of them what a prompt of the setting does.
    """
    made = [
        Tried(name=name, prompt=prompt, rows=tuple(inoculated(row, prompt) for row in cell.rows))
        for name, prompt in prompts
    ]
    known = {one.digest for one in made if one.name}
    return [one for one in made if one.rows != cell.rows and (one.name or one.digest not in known)]


def _has(card: PromptCard, tried: Tried) -> bool:
    return any((one.name, one.edited) == (tried.name, tried.digest) for one in card.prompts)


def _with(card: PromptCard, found: Sequence[PromptGain]) -> PromptCard:
    """The card with what was found, in the place of what it said of the same prompt of the setting before."""
    new = {one.name for one in found if one.name}
    return replace(card, prompts=(*(one for one in card.prompts if one.name not in new), *found))
