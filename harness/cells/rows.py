"""The rows of a cell: the setting's own, and what an arm at its dose makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from harness import laws
from harness.cells.cell import Cell
from harness.cells.questions import asked
from harness.contracts import Condition, Draw, Example, Intervention, Setting, StopRule
from harness.errors import HarnessError
from harness.files import digest_of


def unedited_rows(setting: Setting, cell: Cell) -> tuple[Example, ...]:
    """The setting's own rows."""
    rows = tuple(setting.examples(cell.seed, cell.scale))
    if not rows:
        raise HarnessError(f"setting {setting.name!r} gave no training rows for scale {cell.scale!r}")
    for row in rows:
        if row.messages[-1].role != "assistant":
            raise HarnessError(
                f"training row {row.id!r} of setting {setting.name!r} has no assistant turn at its end, so there is "
                "nothing to learn from it; complete the row or take it out"
            )
    return rows


def trained_rows(
    own: tuple[Example, ...], intervention: Intervention, setting: Setting, draw: Draw, *, scaled: bool
) -> tuple[Example, ...]:
    """What is trained on, by the dose of `draw`; `scaled` says that a dose scales more than the edits."""
    edited = laws.edited(intervention, setting, own)
    if draw.dose != 1 and not scaled and edited == own:
        raise HarnessError(
            f"intervention {intervention.name!r} has nothing that a dose of {draw.dose:g} could scale; leave it at 1"
        )
    return laws.mixed(intervention, setting, _edited(own, edited, intervention.name, draw), draw)


def beside(rows: tuple[Example, ...], own: tuple[Example, ...]) -> tuple[Example, ...]:
    """Each of `rows` as the setting has it: the same row where that is not the setting's."""
    known = {row.id: row for row in own}
    return tuple(known.get(row.id, row) for row in rows)


def check_held_out(rule: StopRule | None, trained: Sequence[Example], setting: Setting, scale: str) -> None:
    """HarnessError where a row by which `rule` ends training is trained on, or asks what a case of `setting` asks."""
    if rule is None:
        return
    known = {row.messages for row in trained}
    questions = {
        case.messages: (split, case.id) for split, cases in asked(setting, scale, Condition()).items() for case in cases
    }
    for row in rule.rows:
        if row.messages in known:
            raise HarnessError(f"row {row.id!r} of the rule {rule.name!r} is trained on; hold other rows out")
        if row.messages[:-1] in questions:
            split, case = questions[row.messages[:-1]]
            raise HarnessError(
                f"row {row.id!r} of the rule {rule.name!r} asks what {split} case {case!r} asks; hold other rows out"
            )


def drawn(rows: Sequence[Example], share: float, seed: int) -> set[int]:
    """The places of a `share` of `rows`: those of a smaller share are among those of a larger one."""
    order = sorted(range(len(rows)), key=lambda i: digest_of([seed, rows[i].id]))
    return set(order[: round(share * len(rows))])


def _edited(plain: tuple[Example, ...], edited: tuple[Example, ...], name: str, draw: Draw) -> tuple[Example, ...]:
    """A fraction `dose` of the rows edited: the rows that a lower dose edits are among those of a higher one."""
    if edited == plain or draw.dose == 1:
        return edited
    if draw.dose > 1:
        raise HarnessError(
            f"{name!r} edits rows, and a dose is the fraction of rows edited: at most 1, not {draw.dose:g}"
        )
    chosen = drawn(plain, draw.dose, draw.seed)
    if draw.dose and not chosen:
        raise HarnessError(
            f"a dose of {draw.dose:g} of {name!r} edits none of {len(plain)} rows; "
            f"the least that edits one is {1 / len(plain):.2g}"
        )
    return tuple(new if i in chosen else old for i, (old, new) in enumerate(zip(plain, edited, strict=True)))
