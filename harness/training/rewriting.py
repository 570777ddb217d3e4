"""Replies that the untrained model writes before training, in the place of the rows' own: once for all cells."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.authoring import with_prompt
from harness.cells import Prepared, drawn, replies_file, rows_digest
from harness.contracts import Example, Message, Rewriting
from harness.engine import Request, chat, open_model
from harness.errors import HarnessError
from harness.files import Journal, digest_of, locked
from harness.models import as_dtype
from harness.runs import Step, written_in
from harness.screen import bar

AT_ONCE = 128
"""Replies that are written before they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A cell with the rows that are trained on; `took` is what writing replies took, None where all were there."""

    cell: Prepared
    took: Step | None = None


def rewritten(cell: Prepared, root: Path) -> Rewritten | None:
    """`cell` with the replies that its arm has the model write, written under `root` where they are missing.

    None where it has it write none. HarnessError where none of them can be taken.
    """
    change = cell.changes.rewriting
    if change is None:
        return None
    chosen = sorted(drawn(cell.unedited, change.share, cell.cell.seed))
    asked = {cell.unedited[i].id: cell.unedited[i] for i in chosen}
    file = replies_file(root, change.name, _key(cell, change))
    began = time.monotonic()
    with locked(file, wait=True):
        journal = written_in(file)
        missing = [row for row in asked.values() if journal.get(row.id) is None]
        if missing:
            _write(cell, change, missing, journal)
    rows = list(cell.rows)
    for i in chosen:
        reply = str(journal.get(rows[i].id)).strip()
        if reply and (change.keep is None or change.keep(cell.unedited[i], reply)):
            rows[i] = replace(rows[i], messages=(*rows[i].messages[:-1], Message("assistant", reply)))
    if tuple(rows) == cell.rows:
        raise HarnessError(f"{cell.title}: none of the {len(chosen)} replies that the model wrote is taken; see {file}")
    took = Step(seconds=round(time.monotonic() - began, 2), replies=len(missing)) if missing else None
    return Rewritten(cell=replace(cell, rows=tuple(rows)), took=took)


def _key(cell: Prepared, change: Rewriting) -> str:
    """sha256 over what the replies depend on: rows, prompt, model, number type, how they are drawn."""
    prompt = change.prompt
    return digest_of(
        {
            "rows": rows_digest(cell.unedited),
            "prompt": [prompt.text, prompt.placement, *prompt.others] if prompt else None,
            "model": cell.model.digest,
            "dtype": cell.dtype,
            "system": cell.recipe.system,
            "drawn": [change.max_tokens or cell.recipe.generation.max_tokens, change.temperature],
        }
    )


def _write(cell: Prepared, change: Rewriting, rows: Sequence[Example], journal: Journal) -> None:
    engine = open_model(cell.model, dtype=as_dtype(cell.dtype))
    with bar(f"write replies {change.name}", total=len(rows), unit="tok") as advance:
        for at in range(0, len(rows), AT_ONCE):
            part = rows[at : at + AT_ONCE]
            requests = [_request(cell, change, engine.tokenizer, row) for row in part]
            done = engine.generate(requests, advance=lambda replies, tokens: advance(steps=replies, count=tokens))
            for row, reply in zip(part, done, strict=True):
                journal.add(row.id, reply.text)


def _request(cell: Prepared, change: Rewriting, tokenizer: object, row: Example) -> Request:
    chat_before = row.messages[:-1]
    told = with_prompt(chat_before, change.prompt, draw_by=row.id) if change.prompt else chat_before
    return Request(
        tokens=tuple(chat.prompt_ids(tokenizer, told, system=cell.recipe.system)),
        max_tokens=change.max_tokens or cell.recipe.generation.max_tokens,
        temperature=change.temperature,
        seed=int(digest_of([change.name, row.id])[:12], 16),
    )
