"""The form of a claim file, and its names held against what is installed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.analysis import Target, read_targets
from harness.authoring import check_condition, weights
from harness.cells import Cell, texts_of, weighted, worded
from harness.checks import number
from harness.contracts import Condition, Intervention, Setting
from harness.documents import EITHER, ONE, SEVERAL, Document, Place, Strict, read
from harness.errors import HarnessError, unknown
from harness.registry import Registry
from harness.stats import Direction

Measure = Literal["mean", "leak", "balance"]

TRAIT = "trait"
TRIGGERS, PROMPTS = "triggers", "prompts"
NEAR = 0.6  # how alike two names of settings are before one counts as a slip for the other

Text = Annotated[str, Field(min_length=1)]
OneOrMore = Annotated[
    Annotated[Text, ONE] | Annotated[tuple[Text, ...], Field(min_length=1), SEVERAL],
    EITHER,
]


class Comparison(Strict):
    """`arm` against `against`, over their seeds and questions.

    A list of metrics, such as one for each of several published rules, asks the same by each: all must hold. `mean`
    compares a metric under the conditions named, on average if they are several; `leak` compares what those
    conditions add to clean; `balance` compares the error to the balances in the file `targets`. The word `trait`
    stands for the setting's own trait, `triggers` for the conditions that ask for the trait or add its vector,
    `prompts` for those of them that are prompts. `smallest` is the least difference that counts, as a share. `same`
    is claimed where the difference is within it, `no more` where the arm is not above by as much.
    """

    metric: OneOrMore = TRAIT
    arm: Text
    against: Text
    direction: Direction
    smallest: Annotated[float, Field(gt=0, le=1)]
    measure: Measure = "mean"
    condition: OneOrMore = "clean"
    targets: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is compared, as a list."""
        return (self.metric,) if isinstance(self.metric, str) else self.metric

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is put back, as a list."""
        return (self.condition,) if isinstance(self.condition, str) else self.condition


class Claim(Strict):
    """What a publication says of a setting, and the comparisons that must all hold for it to be so.

    `cell` is its row and column in the table. A claim without comparisons is an entry that claims nothing.
    """

    name: Text
    setting: Text
    says: Text
    sentence: str = ""
    source: Text
    family: Text
    cell: tuple[Text, Text] | None = None
    compare: tuple[Comparison, ...] = ()
    note: str = ""


class Board(Strict):
    """A table of a publication: the titles of its rows and columns."""

    rows: dict[str, Text]
    columns: dict[str, Text]


class ClaimFile(Strict):
    """Claims with what they were taken from; `notes` say where the source contradicts itself."""

    title: Text
    source: Text
    table: Board | None = None
    claims: tuple[Claim, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """A checked claim file with the balances that it refers to, by file name; those that are not there are absent."""

    file: Path
    value: ClaimFile
    targets: Mapping[str, tuple[Target, ...]]


def read_claims(file: Path, registry: Registry) -> Claims:
    """The claims in `file`; HarnessError with file, line and the nearest name for whatever does not fit.

    A setting that is not installed is no error unless its name looks like a slip: its claims are then not run.
    """
    found = read(file, ClaimFile)
    if not found.value.claims:
        raise found.wrong(("claims",), "there is no claim in it")
    seen: set[str] = set()
    for at, claim in enumerate(found.value.claims):
        place: Place = ("claims", at)
        if claim.name in seen:
            raise found.wrong((*place, "name"), f"two claims are named {claim.name!r}; give each a name of its own")
        seen.add(claim.name)
        _check_cell(found, place, claim)
        _check_setting(found, place, claim, registry)
        for part, comparison in enumerate(claim.compare):
            _check(found, (*place, "compare", part), claim, comparison, registry)
    names = {one.targets for claim in found.value.claims for one in claim.compare if one.targets}
    files = {name: file.parent / name for name in sorted(names)}
    return Claims(file, found.value, {name: tuple(read_targets(at)) for name, at in files.items() if at.is_file()})


def arm_label(text: str) -> str:
    """An arm as reports call it: an intervention, then perhaps weights or a prompt in quotation marks, a dose and where
    it stops: `ps a=1 x2 @0.5`, `ip "Shout it." x0.5`.
    """
    return _arm(text).arm


def _arm(text: str) -> Cell:
    """An arm's intervention, weights, prompt, dose and the share of its steps, as a cell of no setting."""
    before, quoted, rest = text.partition(' "')
    prompt, closed, after = rest.rpartition('"')
    if not before.strip():
        raise HarnessError("an arm without a name; write an intervention, as ps or ps x0.5")
    if quoted and not (closed and prompt.strip()):
        raise HarnessError(f"arm {text!r}: its prompt stands between two quotation marks")
    name, *parts = [*before.split(), *after.split()]
    dose, until, balance = 1.0, 1.0, ""
    for part in parts:
        if part.startswith("x"):
            dose = number(part[1:])
            if not 0 <= dose < math.inf:
                raise HarnessError(f"arm {text!r}: {part!r} is no dose; write x0.5")
        elif part.startswith("@"):
            until = number(part[1:])
            if not 0 < until <= 1:
                raise HarnessError(f"arm {text!r}: {part!r} is no share of the steps; write @0.5")
        else:
            balance = weights.canonical(part)
    return Cell(setting="", intervention=name, weights=balance, dose=dose, until=until, prompt=prompt)


def _check_cell(found: Document[ClaimFile], place: Place, claim: Claim) -> None:
    if claim.cell is None:
        return
    if found.value.table is None:
        raise found.wrong((*place, "cell"), f"claim {claim.name!r} has a cell, and the file has no table")
    board = found.value.table
    for name, kind, known in zip(claim.cell, ("row", "column"), (board.rows, board.columns), strict=True):
        if name not in known:
            raise found.wrong((*place, "cell"), str(unknown(f"{kind} of the table", name, known)))


def _check_setting(found: Document[ClaimFile], place: Place, claim: Claim, registry: Registry) -> None:
    if claim.setting not in registry.settings and difflib.get_close_matches(
        claim.setting, registry.settings, n=1, cutoff=NEAR
    ):
        raise found.wrong((*place, "setting"), str(unknown("setting", claim.setting, registry.settings)))


def _check(found: Document[ClaimFile], place: Place, claim: Claim, comparison: Comparison, registry: Registry) -> None:
    setting = registry.settings.get(claim.setting)
    for key in ("arm", "against"):
        try:
            arm = _arm(getattr(comparison, key))
            intervention = registry.intervention(arm.intervention)
            if setting is not None:
                _check_prompt(arm, weighted(intervention, setting, arm.weights), setting)
        except HarnessError as error:
            raise found.wrong((*place, key), str(error)) from error
    for text in comparison.conditions:
        if text not in (TRIGGERS, PROMPTS):
            try:
                Condition.parse(text)
                if setting is not None:
                    check_condition(text, setting)
            except HarnessError as error:
                raise found.wrong((*place, "condition"), f"{error}, or the words triggers and prompts") from error
    if (comparison.measure == "balance") != bool(comparison.targets):
        raise found.wrong(place, "the measure 'balance' and a file of targets go together; give both or neither")
    if comparison.measure == "leak" and "clean" in comparison.conditions:
        raise found.wrong(place, "nothing leaks in clean; name the conditions of the leak, or the word triggers")
    _check_metrics(found, place, claim, comparison, setting)
    _check_arms(found, place, comparison, registry)


def _check_prompt(arm: Cell, intervention: Intervention, setting: Setting) -> None:
    """HarnessError for a prompt that no arm would be called by: a prompt's name, or what the arm says by itself."""
    if not arm.prompt:
        return
    meant = worded(replace(arm, prompt=texts_of([arm.prompt], setting)[0]), intervention, setting).arm
    if meant != arm.arm:
        raise HarnessError(f"no arm is called {arm.arm}; on setting {setting.name!r} this one is called {meant}")


def _check_metrics(
    found: Document[ClaimFile], place: Place, claim: Claim, comparison: Comparison, setting: Setting | None
) -> None:
    if twice := next((name for name in comparison.metrics if comparison.metrics.count(name) > 1), None):
        raise found.wrong((*place, "metric"), f"the metric {twice!r} is there twice; name each once")
    names = [] if setting is None else [metric.name for metric in setting.metrics]
    for name in comparison.metrics:
        if setting is not None and name != TRAIT and name not in names:
            raise found.wrong((*place, "metric"), str(unknown(f"metric of {claim.setting}", name, names)))


def _check_arms(found: Document[ClaimFile], place: Place, comparison: Comparison, registry: Registry) -> None:
    """HarnessError where the two sides cannot differ: one arm on both, or the untrained model on both."""
    sides = [_arm(text) for text in (comparison.arm, comparison.against)]
    if sides[0].arm == sides[1].arm:
        raise found.wrong((*place, "against"), f"{sides[0].arm} is compared with itself; name two arms")
    if not any(registry.intervention(side.intervention).trains for side in sides):
        raise found.wrong((*place, "against"), "neither arm is trained, so no seed tells them apart; name one that is")
