"""The steps of a check, from what costs nothing to what asks the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import runs
from harness.cells import Cell, Prepared, prepared, rendered_rows
from harness.checking.findings import CheckedSetting, Remark
from harness.checking.judged import of_judges
from harness.checking.rows import of_prompts, of_questions, of_rows, shown
from harness.engine import load_tokenizer
from harness.errors import HarnessError
from harness.models import materialise

NEAR = 0.8
"""The AUROC of held-out replies along a direction from which it is called there."""


def check(setting: str, *, scale: str, model: str, folder: Path | None) -> CheckedSetting:
    """What is to be said of `setting` with a model, `model` or the recipe's own.

    With a runs `folder` the untrained model is asked too: its vectors and how likely each prompt makes the training
    replies are kept there, as `harness vectors` and `harness prompts` keep them. HarnessError where nothing can be
    looked at.
    """
    cell = prepared(Cell(setting=setting, intervention="none", scale=scale, model=model))
    if not cell.rows:
        raise HarnessError(f"{setting} has no training row at {scale}")
    tokenizer = load_tokenizer(materialise(cell.model))
    rows = rendered_rows(cell, tokenizer)
    found = [
        *of_rows(cell, rows),
        *of_questions(cell),
        of_prompts(cell, tokenizer),
        *of_judges(cell),
        *(_asked(cell, folder) if folder is not None else [_not_asked()]),
    ]
    return CheckedSetting(findings=tuple(found), row=shown(rows[0], tokenizer))


def _not_asked() -> Remark:
    return Remark("note", "untrained model", "not asked; leave --quick out to see what vector and prompts do to it")


def _asked(cell: Prepared, folder: Path) -> Iterator[Remark]:
    yield from _of_vectors(cell, folder)
    yield from _of_gains(cell, folder)


def _of_vectors(cell: Prepared, folder: Path) -> Iterator[Remark]:
    """Whether the trait lies along the vector, by held-out replies."""
    from harness.vectors import make_vectors

    of = cell.cell
    for file in make_vectors(of.setting, folder, scale=of.scale, model=of.model, names=(), grader=""):
        card = runs.read_card(file.with_suffix(".safetensors"))
        about = f"vector {card.name}"
        known = [layer.auroc for layer in card.blocks if layer.auroc is not None]
        if not known:
            yield Remark("note", about, "too few questions to hold any out, so whether it is there cannot be told")
            continue
        said = f"held-out replies are told apart with an AUROC of up to {max(known):.2f}"
        least = "" if max(known) >= NEAR else f"; under {NEAR:g} the trait is hardly along it: more, or clearer, pairs"
        yield Remark("warning" if least else "ok", about, f"{said}{least}")


def _of_gains(cell: Prepared, folder: Path) -> Iterator[Remark]:
    """Whether the prompt that asks for the trait makes the training replies likelier."""
    from harness.prompting import make_cards

    of = cell.cell
    files = make_cards(cell.setting, folder, scale=of.scale, model=of.model, seeds=(of.seed,), texts=(), placement=None)
    for card in filter(None, map(runs.read_prompt_card, files)):
        for gain in card.prompts:
            if gain.name == "inoculation":
                said = f"{gain.gain:+.1f} nats a row for the training replies with it on the row"
                weak = gain.low is not None and gain.low <= 0
                advice = "; it does not ask for what the rows show, so it will hardly inoculate" if weak else ""
                yield Remark("warning" if weak else "ok", "prompt inoculation", f"{said}{advice}")
