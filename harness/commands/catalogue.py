"""What is installed, in words: for `harness list` and `harness describe`.

It stands here and not in the report, which reads the statistics in: a list has to be quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from harness.contracts import (
    Generation,
    Intervention,
    Judge,
    Lora,
    Prompt,
    Recipe,
    Setting,
    SteeringDefault,
    VectorSpec,
)
from harness.errors import unknown
from harness.screen import console, print_json, shown, shown_lines

if TYPE_CHECKING:
    from rich.console import Console

    from harness.registry import Registry

Record = Setting | Intervention | Judge
Rows = Sequence[tuple[str, ...]]

NAME_WIDTH = 32  # columns that the names of a section may take before they fold


def show_list(registry: Registry, *, as_json: bool) -> None:
    """Every setting, intervention and judge: name, one sentence, and the distribution it comes from."""
    groups: dict[str, list[Record]] = {
        "settings": [*registry.settings.values()],
        "interventions": [*registry.interventions.values()],
        "judges": [*registry.judges.values()],
    }
    if as_json:
        print_json({title: [_entry(record, registry) for record in group] for title, group in groups.items()})
        return
    page = console()
    for title, group in groups.items():
        rows = [(record.name, *_kinds(record), _summary(record), _origin(record, registry)) for record in group]
        _section(page, title, rows or [("none", "", "")])


def show(registry: Registry, name: str) -> None:
    """Everything called `name`, in full."""
    kinds: tuple[Mapping[str, Record], ...] = (registry.settings, registry.interventions, registry.judges)
    found = [kind[name] for kind in kinds if name in kind]
    if not found:
        raise unknown("setting, intervention or judge", name, {known for kind in kinds for known in kind})
    page = console()
    for record in found:
        title = f"{name}: {type(record).__name__.lower()} from {_origin(record, registry)}"
        _section(page, title, [(record.summary,)])
        if isinstance(record, Setting):
            _show_setting(page, registry.setting(name), registry)
        elif isinstance(record, Intervention):
            _show_intervention(page, record, registry)
        else:
            _show_judge(page, record)


def _entry(record: Record, registry: Registry) -> dict[str, str]:
    origin = registry.origin(record)
    return {
        "name": record.name,
        "summary": record.summary,
        **({"kind": _kind(record)} if isinstance(record, Intervention) else {}),
        "plugin": origin.plugin,
        "module": origin.module,
        "distribution": origin.distribution,
        "version": origin.version,
    }


def _origin(record: Record, registry: Registry) -> str:
    origin = registry.origin(record)
    return f"{origin.distribution} {origin.version}"


def _kinds(record: Record) -> tuple[str, ...]:
    """The column of kinds, which interventions alone have."""
    return (_kind(record),) if isinstance(record, Intervention) else ()


def _kind(record: Intervention) -> str:
    """What an intervention changes, in a word or two."""
    if not record.trains:
        return "untrained"
    unchanged = Intervention(name="none", summary="none")
    found = [kind for part, (kind, _) in PARTS.items() if getattr(record, part) is not getattr(unchanged, part)]
    return " + ".join(found) or "nothing"


PARTS = {
    "edit": ("prompt", "a prompt stands on the rows"),
    "steering": ("vector", "the residual stream is changed"),
    "rows": ("rows", "the list of rows is another"),
    "rewriting": ("replies", "the model writes replies of its own first"),
    "loss": ("loss", "a term stands beside cross-entropy"),
    "gradients": ("gradients", "gradients are changed"),
    "adapter": ("adapter", "the adapter stands on fewer blocks, or above another"),
    "training": ("steps", "fewer steps are taken"),
    "choosing": ("rows", "rows are added, chosen by what models make of them"),
    "stopping": ("steps", "training ends by a rule"),
}
"""What each part of an intervention changes: in a word for a list, and in some."""

SHOWN = ("edit", "steering")
"""The parts that are shown by what they make of a setting."""


def _summary(record: Record) -> str:
    return f"{record.summary} (control)" if isinstance(record, Intervention) and record.control else record.summary


def _show_setting(page: Console, setting: Setting, registry: Registry) -> None:
    metrics = [(m.name, m.goal, f"{m.judge}.{m.score} on {m.split}", m.summary) for m in setting.metrics]
    _section(page, "metrics", metrics)
    prompts = [
        (name, prompt.placement, prompt.concept, _with_source(_said(prompt), prompt.source))
        for name, prompt in setting.prompts.items()
    ]
    _section(page, "prompts", prompts)
    vectors = [(name, spec.concept, _extraction(spec)) for name, spec in setting.vectors.items()]
    _section(page, "vectors", vectors)
    _section(page, "composition", [(name, f"{weight:g}") for name, weight in setting.composition.items()])
    _section(page, "conditions", [(scale, "  ".join(texts)) for scale, texts in setting.conditions.items()])
    _section(page, "recipes", _recipes(setting.recipes))
    _section(page, "interventions", _applying(setting, registry.interventions.values()))
    _section(page, "sources", list(setting.source.items()))


def _said(prompt: Prompt) -> str:
    """The words, how many paraphrases there are, and which rows alone get them."""
    others = len(prompt.others)
    wordings = f" or one of {others} other {'wording' if others == 1 else 'wordings'}" if others else ""
    rows = ", ".join(f"{tag}={value}" for tag, value in prompt.only.items())
    return json.dumps(prompt.text, ensure_ascii=False) + wordings + (f", on rows with {rows} only" if rows else "")


def _extraction(spec: VectorSpec) -> str:
    if spec.replies is not None:
        how = "from reply pairs, teacher-forced"
    elif spec.persona is not None:
        how = "from the model's own replies, which a grader may choose among"
    elif spec.file:
        how = f"read from {spec.file}"
    else:
        pairs = len(spec.instructions)
        how = f"from the model's own replies under {pairs} instruction {'pair' if pairs == 1 else 'pairs'}"
        how += f", {spec.rollouts} of at most {spec.max_tokens} tokens each"
    return _with_source(f"{spec.summary}; {how}", spec.source)


def _with_source(text: str, source: str) -> str:
    return f"{text}  [{source}]" if source else text


def _recipes(recipes: Mapping[str, Recipe]) -> Rows:
    """One row per field, one column per scale."""
    flat = {scale: dict(_flat(recipe)) for scale, recipe in recipes.items()}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    head = ("", *flat)
    return [head, *((name, *(values.get(name, "-") for values in flat.values())) for name in names)]


def _flat(record: Recipe | Lora | Generation | SteeringDefault) -> Iterable[tuple[str, str]]:
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Lora | Generation | SteeringDefault):
            yield from ((f"{field.name}.{name}", text) for name, text in _flat(value))
        elif isinstance(value, tuple):
            yield field.name, ", ".join(map(str, value)) or "-"
        else:
            yield field.name, "-" if value is None or value == "" else str(value)


def _applying(setting: Setting, interventions: Iterable[Intervention]) -> Rows:
    return [(record.name, record.applies(setting) or _about(record, setting) or "applies") for record in interventions]


def _about(record: Intervention, setting: Setting) -> str:
    """What the prompt or the vector is about at the setting's first scale; nothing where there is neither."""
    concept = record.concept(setting, next(iter(setting.recipes.values())))
    return f"applies, about {concept}" if concept else ""


def _show_intervention(page: Console, record: Intervention, registry: Registry) -> None:
    kind = "a placebo or check, not a method" if record.control else "trains" if record.trains else "nothing is trained"
    takes = [
        f"takes --{option}" for option, by in (("weights", record.given), ("prompt", record.prompt)) if by is not None
    ]
    _section(page, "kind", [(one,) for one in (kind, *takes)])
    rows = []
    for setting in registry.settings.values():
        reason = record.applies(setting)
        does = f"{_about(record, setting) or 'applies'}: {_effect(record, setting)}" if reason is None else ""
        rows.append((setting.name, does or f"not: {reason}"))
    _section(page, "settings", rows)


def _effect(record: Intervention, setting: Setting) -> str:
    """What the intervention does at the setting's first scale: the steering, or the first row that it changes."""
    if not record.trains:
        return "the untrained model"
    scale, recipe = next(iter(setting.recipes.items()))
    steering = record.steering(setting, recipe)
    if steering is not None:
        blocks = ", ".join(map(str, steering.blocks)) if steering.blocks else f"at depth {steering.depth}"
        does = "removes" if steering.ablates else "adds"
        return f"{does} {steering.coef:g} x {steering.vector} ({steering.unit}) at block {blocks} ({scale})"
    rows = setting.examples(0, scale)
    edited = next((new for old in rows if (new := record.edit(old, setting)) != old), None)
    told = [words for part, (_, words) in PARTS.items() if part not in SHOWN and getattr(record, part) is not None]
    if edited is not None:
        asked = [message for message in edited.messages if message.role != "assistant"]
        told.append("rows become, say: " + " | ".join(f"{message.role}: {message.content}" for message in asked))
    return "; ".join(told) or "rows as they are, nothing added"


def _show_judge(page: Console, judge: Judge) -> None:
    needs = f"{judge.needs}; a grader model" if judge.grader else judge.needs
    _section(page, "judge", [("scores", ", ".join(judge.scores)), ("needs", needs), ("version", judge.version)])


def _section(page: Console, title: str, rows: Rows) -> None:
    """A bold title and its rows, folded to the width."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    page.print(Text(shown(title), style="bold"))
    grid = Table.grid(padding=(0, 2))
    for at in range(max(map(len, rows))):
        grid.add_column(overflow="fold", max_width=NAME_WIDTH if at == 0 and len(rows[0]) > 1 else None)
    for row in rows:
        grid.add_row(*(Text(shown_lines(text)) for text in row))
    page.print(Padding(grid, (0, 0, 1, 2)))
