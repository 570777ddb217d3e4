"""`harness judge`: any judge on replies that were made anywhere, and judges held against a person's labels."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading, paid
from harness.commands.options import (
    NONE,
    Connections,
    Grader,
    Json,
    Markdown,
    MaxCost,
    Output,
    Price,
    Replace,
    Runs,
    one_of,
)
from harness.errors import HarnessError
from harness.screen import console, json_text, print_json, put, say

if TYPE_CHECKING:
    from harness.contracts import Verdict
    from harness.grading import GivenReply
    from harness.runs import Outputs

REPLIES, SAMPLE, LABELS = "--replies", "--sample", "--labels"
FITS = {
    **dict.fromkeys(("--grader", "--connections", "--max-cost", "--price", "--reply-field"), (REPLIES,)),
    **dict.fromkeys(("--output", "--force"), (REPLIES, SAMPLE)),
    **dict.fromkeys(("--arm", "--condition", "--seed", "--metric"), (SAMPLE,)),
    **dict.fromkeys(("--json", "--markdown"), (LABELS,)),
    **dict.fromkeys(("--setting", "--runs"), (SAMPLE, LABELS)),
}
"""What each option goes with."""
PARAMETERS = {"--json": "as_json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Of which replies of a runs folder a person is to label some; empty means any, and clean."""

    runs: Path
    setting: str
    metric: str
    arms: tuple[str, ...]
    conditions: tuple[str, ...]


def judge(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The judge.")],
    replies: Annotated[
        Path | None, typer.Option(help="JSON lines or a .csv, each with `reply`, and `messages` or `facts` if needed.")
    ] = None,
    reply_field: Annotated[str, typer.Option(help="What the replies are called in that file.")] = "reply",
    sample: Annotated[int | None, typer.Option(help="Draw so many judged replies for a person to label.")] = None,
    labels: Annotated[Path | None, typer.Option(help="The sheet that was drawn, its labels filled in.")] = None,
    runs: Runs = Path("runs"),
    setting: Annotated[str, typer.Option(help="Of these runs only.")] = "",
    metric: Annotated[str, typer.Option(help="What to label, where the judge gives several metrics.")] = "",
    arm: Annotated[list[str], typer.Option(help="Draw from this arm only; repeat it.")] = NONE,
    condition: Annotated[list[str], typer.Option(help="Draw under this condition, else clean; repeat it.")] = NONE,
    seed: Annotated[int, typer.Option(help="Of the draw.", min=0)] = 0,
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    output: Output = None,
    force: Replace = False,
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """Scores for replies that were made anywhere; or how far a judge errs, by a person's labels."""
    form = one_of({"markdown": markdown, "json": as_json})
    _check_asked({REPLIES: replies, SAMPLE: sample, LABELS: labels}, context)
    if sample is not None:
        whose = Whose(runs=runs, setting=setting, metric=metric, arms=tuple(arm), conditions=tuple(condition))
        _draw(name, whose, sample, output, seed=seed, force=force)
    elif labels is not None:
        _show_labelled(name, runs, labels, setting, form=form)
    elif replies is not None:
        from harness.runs import Outputs

        grading = Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
        _judge(name, replies, reply_field, grading, output, Outputs(inputs=(replies,), force=force))


def _check_asked(ways: Mapping[str, object], context: typer.Context) -> None:
    """HarnessError where none or two of `ways` are asked for, or an option is given that belongs to another."""
    named = [way for way, value in ways.items() if value is not None]
    if len(named) != 1:
        raise HarnessError(
            "name one of --replies FILE (to judge), --sample N (to draw replies of --runs for a person to label) and "
            "--labels FILE (to hold the judge against those labels)"
        )
    for option, ways_of_it in FITS.items():
        source = context.get_parameter_source(PARAMETERS.get(option, option.strip("-").replace("-", "_")))
        if source is not None and source.name == "COMMANDLINE" and named[0] not in ways_of_it:
            raise HarnessError(f"{option} goes with {' or '.join(ways_of_it)}, not with {named[0]}; leave it out")


def _judge(name: str, replies: Path, field: str, grading: Grading, output: Path | None, outputs: Outputs) -> None:
    """Writes one JSON row of scores per row of `replies`, in order, to `output` or stdout, once all are judged.

    What a grader cost is said on stderr.
    """
    from harness.grading import read_given, untaken, verdicts_of
    from harness.registry import installed

    chosen = installed().judge(name)
    if output is not None:
        outputs.check(output, "the scores")
    grader = grading.opened_for([chosen])
    given = read_given(replies, field=field)
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


def _draw(name: str, whose: Whose, number: int, sheet: Path | None, *, seed: int, force: bool) -> None:
    """Writes the sheet for a person to fill in, and its key beside it."""
    from harness import analysis, documents, files, judging
    from harness.registry import installed
    from harness.runs import Outputs

    if sheet is None:
        raise HarnessError("--sample needs --output FILE: the sheet of JSON lines in which a person writes the labels")
    if number < 1:
        raise HarnessError(f"--sample {number} draws nothing; write how many replies a person is to label")
    chosen, key, outputs = installed().judge(name), judging.key_of(sheet), Outputs(force=force)
    outputs.check(sheet, "the sheet")
    if not (alone := key.is_file() and not sheet.exists()):  # it may be of this draw, stopped before its sheet
        outputs.check(key, "its key")
    results = analysis.load(whose.runs, settings=[whose.setting] if whose.setting else [])
    setting = _setting_of(name, {run.cell.setting for run in results.runs}, whose.runs)
    results = replace(results, runs=tuple(run for run in results.runs if run.cell.setting == setting))
    metric = analysis.metric_for(installed(), setting, name, whose.metric)
    found = analysis.candidates(results, installed(), metric, arms=whose.arms, conditions=whose.conditions)
    taken = judging.drawn(found, number, seed=seed)
    draw = judging.draw_of(
        taken,
        found,
        setting=setting,
        metric=metric.name,
        judge=chosen,
        seed=seed,
        runs=[run.record.key for run in results.runs if run.cell.arm in (whose.arms or (run.cell.arm,))],
    )
    rows = judging.sheet_of(taken, draw, summary=metric.summary or metric.name)
    if not (alone and judging.has_key(sheet, draw)):
        with outputs.writing(key, "its key") as part:
            part.write_bytes(documents.record_bytes(draw))
    with outputs.writing(sheet, "the sheet") as part:
        part.write_bytes(files.as_lines(rows))
    back = f"harness judge {name} --runs {shlex.quote(str(whose.runs))} --labels {shlex.quote(str(sheet))}"
    say(f"{len(rows)} replies in {sheet}; write each 'label', then: {back}")


def _setting_of(judge: str, there: set[str], runs: Path) -> str:
    """The one setting of the runs that asks the judge."""
    from harness.registry import installed

    own = sorted(name for name in there if any(metric.judge == judge for metric in installed().setting(name).metrics))
    if len(own) == 1:
        return own[0]
    if own:
        raise HarnessError(
            f"judge {judge!r} grades several settings in {runs}; name one with --setting: {', '.join(own)}"
        )
    raise HarnessError(f"no finished run in {runs} is graded by {judge!r}; name another folder with --runs")


def _show_labelled(name: str, runs: Path, sheet: Path, setting: str, *, form: str | None) -> None:
    """Prints how far the judge errs by the labels, and the figures of the runs corrected for it."""
    from harness import analysis, judging, reporting
    from harness.registry import installed

    labels = judging.read_labels(sheet)
    if labels.draw.judge != installed().judge(name).name:
        raise HarnessError(f"{sheet} has labels for the judge {labels.draw.judge!r}, not {name!r}; name that")
    if setting and labels.draw.setting != setting:
        raise HarnessError(f"{sheet} has labels of the setting {labels.draw.setting!r}, not {setting!r}; name that")
    results = analysis.load(runs, settings=[labels.draw.setting])
    found = analysis.corrected(results, labels, installed())
    if form == "json":
        print_json(reporting.corrected_record(found))
        return
    sections: Sequence[reporting.Section] = reporting.of_corrected(found)
    if form == "markdown":
        put("\n".join(line for one in sections for line in reporting.markdown_section(one)))
        return
    page = console()
    for one in sections:
        reporting.show_section(one, page)
