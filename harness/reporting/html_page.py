"""The report as one HTML file: no network, by light and by dark, on a phone, by keyboard. Same results, same bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis import PLAIN, Arm, Block, Cost, Results, Run, Table, costs, matrix, trait_of
from harness.cells import log_name
from harness.claims import Decision
from harness.contracts import CLEAN, Condition
from harness.reporting.answers import remedy
from harness.reporting.cards import FiledCard
from harness.reporting.gate_sections import gate_rows
from harness.reporting.matrix import of_categories, of_matrix
from harness.reporting.numbers import decimal, percent
from harness.reporting.page_figures import Told, forest_of, told_of
from harness.reporting.section import Section
from harness.reporting.table_sections import sections_of
from harness.reporting.transcripts import of_tables
from harness.reporting.wording import (
    arms_of,
    closing,
    conditions_of,
    detail_of,
    header_of,
    interval_of,
    mean_of,
    name_of,
    remarks_of,
    title_of,
)
from harness.runs import unpaired
from harness.screen import roughly, shown_lines
from harness.stats import Estimate

if TYPE_CHECKING:
    import jinja2

WEB = Path(__file__).with_name("web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One arm in a line: its trait in clean, the condition under which it leaks most, and each skill to keep."""

    arm: Arm
    trait: Estimate | None
    leaky: str
    leak: Estimate | None
    kept: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that the page shows of one table."""

    id: str
    title: str
    table: Table
    trait: Block | None
    leak: Block | None
    skills: tuple[Block, ...]
    glances: tuple[Glance, ...]
    told: Told
    sections: tuple[Section, ...]
    remarks: tuple[str, ...]
    costs: tuple[Cost, ...]
    made: Mapping[str, tuple[str, ...]]

    @property
    def plain(self) -> Glance | None:
        """Plain training."""
        return next((one for one in self.glances if one.arm.intervention == PLAIN), None)

    @property
    def lowest(self) -> Glance | None:
        """The arm with the least trait in clean: no placebo, not untrained, no gate failed."""
        known = [
            (one.trait.mean, at)
            for at, one in enumerate(self.glances)
            if one.trait is not None and one.trait.mean is not None and one.arm.trains
            if not one.arm.control and not one.arm.failed
        ]
        return self.glances[min(known)[1]] if known else None

    @property
    def gates(self) -> tuple[tuple[str, ...], ...]:
        """A row for each gate that did not hold."""
        return gate_rows(self.table)

    @property
    def seconds(self) -> float | None:
        """All steps of all runs, None where no record says."""
        known = [run.record.seconds for arm in self.table.arms for run in arm.runs]
        told = [seconds for seconds in known if seconds is not None]
        return sum(told) if told else None

    def log(self, condition: str) -> str:
        """The file name of a condition's log."""
        return log_name(Condition.parse(condition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What stands before the tables beside the answers: verdicts on claims, what is corrected for judges that err.

    `decisions` are what the `verdicts` tell of.
    """

    verdicts: Sequence[Section] = ()
    decisions: Sequence[Decision] = ()
    corrected: Sequence[Section] = ()

    @property
    def sections(self) -> list[Section]:
        """All of it, for a form that has no figures."""
        return [*self.verdicts, *self.corrected]


def page(
    results: Results,
    tables: Sequence[Table],
    *,
    cards: Sequence[FiledCard] = (),
    opening: Opening = Opening(),
    bundle: str = "",
) -> str:
    """The whole page: what the runs answer, then the rest of `opening`, then the tables.

    `bundle` is the address of a bundle of the logs, relative to the page.
    """
    script, style = ((WEB / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    parts = [_part(at, *one) for at, one in enumerate(zip(tables, told_of(tables), strict=True))]
    *left_out, command = closing(results, tables)
    left_out += [f"half a vector, left out: {file}" for file in unpaired(results.folder)]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            results=results,
            parts=parts,
            cards=cards,
            verdicts=opening.verdicts,
            forest=forest_of(opening.decisions),
            corrected=opening.corrected,
            bundle=bundle,
            left_out=left_out,
            command=command,
            newest=max((run.record.created for run in results.runs), default=""),
            data=of_tables(results, tables, bundle=bundle),
            script=script,
            style=style,
            digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _environment() -> jinja2.Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB),
        autoescape=True,
        finalize=_as_text,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    made.globals.update(_WORDS)
    return made


def _as_text(value: object) -> object:
    """What a template writes: the text of others as text, what is markup already as it is."""
    return shown_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _part(at: int, table: Table, told: Told) -> Shown:
    leak = next((block for block in table.blocks if block.kind == "leak"), None)
    skills = tuple(block for block in table.blocks if block.kind == "mean" and block.goal == "keep")
    trait = trait_of(table)
    return Shown(
        id=f"t{at + 1}",
        title=title_of(table),
        table=table,
        trait=trait,
        leak=leak,
        skills=skills,
        glances=tuple(_glance(arm, trait, leak, skills) for arm in table.arms),
        told=told,
        sections=(*_matrices(table), *sections_of(table)),
        remarks=tuple(remarks_of(table)),
        costs=costs(table),
        made=_made(table),
    )


def _matrices(table: Table) -> Iterator[Section]:
    found = matrix(table)
    if (section := of_matrix(found)) is not None:
        yield replace(section, title="conditionalization")
    if (kinds := of_categories(found)) is not None:
        yield replace(kinds, title="leaks by kind of condition")


def _glance(arm: Arm, trait: Block | None, leak: Block | None, skills: Sequence[Block]) -> Glance:
    leaks = [
        (found.mean, at, found)
        for (label, at), found in (leak.cells.items() if leak else ())
        if label == arm.label and found.mean is not None
    ]
    worst = max(leaks, key=lambda one: one[:2], default=None)
    return Glance(
        arm=arm,
        trait=trait.cells.get((arm.label, CLEAN)) if trait else None,
        leaky=worst[1] if worst else "",
        leak=worst[2] if worst else None,
        kept=tuple(skill.cells.get((arm.label, CLEAN)) for skill in skills),
    )


def _made(table: Table) -> dict[str, tuple[str, ...]]:
    """What the runs of a table were made with, each in as many forms as there are."""
    runs = [run for arm in table.arms for run in arm.runs]
    told = {
        "model": [f"{run.cell.model} ({run.model})" for run in runs],
        "commit": [run.record.commit or "" for run in runs],
        "versions": [_listed(run.record.versions) for run in runs],
        "hardware": [str(run.record.hardware) for run in runs],
        "number type": [_input(run, "dtype") for run in runs],
        "judges": [_listed(run.record.judges) for run in runs],
        "grader": [run.record.grader.model if run.record.grader else "" for run in runs],
        "chat template, sha256": [run.record.made.template or "" for run in runs],
        "cases, sha256": [_input(run, "cases") for run in runs],
    }
    forms = {name: tuple(dict.fromkeys(form for form in found if form)) for name, found in told.items()}
    return {name: found for name, found in forms.items() if found}


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _input(run: Run, name: str) -> str:
    found = run.inputs.get(name)
    return found if isinstance(found, str) else ""


def _whole(value: float | None, digits: int = 0) -> str:
    return decimal(value, f",.{digits}f")


def _hours(seconds: float | None) -> str:
    return "-" if seconds is None else roughly(seconds)


def _short(digest: str | None, length: int = 12) -> str:
    return (digest or "-")[:length]


_WORDS: Mapping[str, object] = {
    **{one.__name__: one for one in (arms_of, conditions_of, detail_of, header_of)},
    **{one.__name__: one for one in (interval_of, mean_of, name_of, remedy)},
    "whole": _whole,
    "hours": _hours,
    "short": _short,
    "percent": percent,
    "input": _input,
}
"""What the templates call."""
