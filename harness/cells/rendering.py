"""What a cell says to its model, as tokens: an edit or a prompt that does not arrive is told of before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.authoring import with_prompt
from harness.cells.cell import Prepared
from harness.cells.questions import asked
from harness.contracts import Condition, Example
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.engine import Row


def rendered_rows(cell: Prepared, tokenizer: Any) -> list[Row]:
    """What is trained on, row by row; HarnessError where an edit of the arm leaves a row's tokens as they were."""
    from harness.engine import chat

    recipe = cell.recipe
    rows = []
    for row, unedited in zip(cell.rows, cell.unedited, strict=True):
        try:
            rows.append(
                chat.edited_row(
                    tokenizer,
                    row.messages,
                    unedited.messages,
                    loss_on=recipe.loss_on,
                    max_length=recipe.max_length,
                    system=recipe.system,
                )
            )
        except HarnessError as error:
            raise HarnessError(f"{cell.title}, training row {row.id!r}: {error}") from error
    return rows


def rendered_row(cell: Prepared, tokenizer: Any, row: Example) -> Row:
    """A row that is not the setting's as tokens; HarnessError where it has none to learn from."""
    from harness.engine import chat

    recipe = cell.recipe
    made = chat.training_row(
        tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
    )
    if not any(made.loss[1:]):
        raise HarnessError(
            f"{cell.title}: row {row.id!r} has no token to learn from within max_length {recipe.max_length}; shorten it"
        )
    return made


def check_prompts(cell: Prepared, tokenizer: Any) -> None:
    """HarnessError where a prompt that a condition puts back does not reach the model with every case."""
    for condition in cell.conditions:
        if condition.kind == "prompt":
            _check_prompt(cell, condition, tokenizer)


def _check_prompt(cell: Prepared, condition: Condition, tokenizer: Any) -> None:
    from harness.engine import chat

    prompt = cell.setting.prompts[condition.name]
    for split, cases in asked(cell.setting, cell.cell.scale, condition).items():
        for case in cases:
            told = with_prompt(case.messages, prompt, draw_by=case.id)
            try:
                arrives = chat.differs(tokenizer, told, case.messages, system=cell.recipe.system)
            except HarnessError as error:
                raise HarnessError(f"{cell.title}, {condition}, {split} case {case.id!r}: {error}") from error
            if not arrives:
                raise HarnessError(
                    f"{cell.title}, {condition}, {split} case {case.id!r}: the prompt, placed as {prompt.placement!r}, "
                    "leaves the tokens as they were, so it does not reach the model; change its placement, or name "
                    "another model"
                )
