"""`harness judge`: any judge on replies that were made anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading, paid
from harness.commands.options import Connections, Grader, MaxCost, Output, Price, Replace
from harness.screen import json_text, put, say

if TYPE_CHECKING:
    from harness.contracts import Verdict
    from harness.grading import GivenReply
    from harness.runs import Outputs


def judge(
    name: Annotated[str, typer.Argument(help="The judge.")],
    replies: Annotated[Path, typer.Option(help="JSON lines, each with `reply`, and `messages` or `facts` if needed.")],
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    output: Output = None,
    force: Replace = False,
) -> None:
    """Scores for replies that were made anywhere."""
    from harness.runs import Outputs

    outputs = Outputs(inputs=(replies,), force=force)
    grading = Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
    _judge(name, replies, grading, output, outputs)


def _judge(name: str, replies: Path, grading: Grading, output: Path | None, outputs: Outputs) -> None:
    """Writes one JSON row of scores per row of `replies`, in order, to `output` or stdout, once all are judged.

    What a grader cost is said on stderr.
    """
    from harness.grading import read_given, untaken, verdicts_of
    from harness.registry import installed

    chosen = installed().judge(name)
    if output is not None:
        outputs.check(output, "the scores")
    grader = grading.opened_for([chosen])
    given = read_given(replies)
    said = verdicts_of(chosen, [one.reply for one in given], grader, places=[one.place for one in given])
    lines = [_line(one, verdict) for one, verdict in zip(given, said, strict=True)]
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        put(text.removesuffix("\n"))
    else:
        with outputs.writing(output, "the scores") as part:
            part.write_text(text, encoding="utf-8")
    lost = untaken(said, [one.place for one in given])
    if lost is not None:
        say(f"note: judge {name}: {lost}")
    if grader is not None:
        say(paid(grader))


def _line(given: GivenReply, verdict: Verdict) -> str:
    own = {} if given.own_id is None else {"id": given.own_id}
    record = {**own, "scores": dict(verdict.scores), "reason": verdict.reason}
    return json_text(record)
