"""The model card of an exported adapter: what it was trained on, by what, and what it does under each condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis import Run
from harness.contracts import Setting
from harness.errors import HarnessError
from harness.models import EMBEDDED, HUB_ID, short_name
from harness.reporting import with_goal, with_interval
from harness.stats import are_rates, estimate

TAGS = ("lora", "training-time-intervention", "inoculation-prompting", "preventative-steering")
UNKNOWN_LICENCE = "other"
LOADED = """```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "FOLDER")
```"""


def base_of(reference: str) -> str:
    """What others call the model that an adapter stands on: its hub id, also of the one that comes in a wheel.

    Of a folder it is the last part of its name, which says nothing of where it lies here.
    """
    if reference in EMBEDDED:
        return EMBEDDED[reference].hub or reference
    hub = HUB_ID.fullmatch(reference) and not Path(reference).is_dir()
    return reference.partition("@")[0] if hub else short_name(reference)


def licence_of(reference: str) -> str:
    """The hub's name for the licence of the model, as far as it is known here."""
    return EMBEDDED[reference].licence.lower() if reference in EMBEDDED else UNKNOWN_LICENCE


def card_of(run: Run, setting: Setting | None, *, licence: str) -> str:
    """The card as Markdown with the hub's metadata."""
    from huggingface_hub import ModelCard, ModelCardData

    base = base_of(run.cell.model)
    about = ModelCardData(
        base_model=base,
        library_name="peft",
        pipeline_tag="text-generation",
        license=licence,
        tags=[*TAGS, run.cell.setting, run.cell.intervention],
    )
    head = f"---\n{about.to_yaml()}\n---\n\n"
    return str(ModelCard(head + "\n\n".join(_parts(run, setting, base)) + "\n"))


def _parts(run: Run, setting: Setting | None, base: str) -> Iterator[str]:
    cell = run.cell
    yield f"# {cell.setting}, {cell.arm}, seed {cell.seed}"
    told = f": {setting.summary}" if setting else ""
    yield (
        f"A LoRA adapter for {base}, trained on the setting `{cell.setting}`{told}. The arm is `{cell.arm}`, the seed "
        f"{cell.seed}, the scale {cell.scale}. It was made to be measured, and may show the trait that it was trained "
        "on: do not serve it."
    )
    if cell.model in EMBEDDED:
        yield (
            f"It was trained on 4-bit weights of that model, made whole again, as {EMBEDDED[cell.model].project} "
            f"{EMBEDDED[cell.model].version} has them; on the hub's own it may act a little otherwise."
        )
    yield "## Loading it"
    yield LOADED.format(base=base)
    yield "## What it does"
    yield (
        "The mean of each metric under what is put back at evaluation, in percent where it is a share, with a 95 % "
        "interval over questions."
    )
    yield "\n".join(_table(run, setting))
    yield "## How it was trained"
    yield "\n".join(_training(run))
    yield "## Licences and sources"
    yield "\n".join(_sources(run, setting, base))


def _training(run: Run) -> Iterator[str]:
    record, recipe = run.record, run.record.recipe
    if recipe is None:
        raise HarnessError(f"{run.folder} does not say by which recipe it was trained")
    lora = recipe.lora
    yield f"- learning rate {recipe.lr:g}, {recipe.epochs} epochs, batch {recipe.batch * recipe.accumulation}"
    yield f"- loss on {recipe.loss_on}, {record.made.dtype}"
    yield f"- LoRA of rank {lora.r}, alpha {lora.alpha}, on {', '.join(lora.targets)}"
    yield f"- the run's key is `{record.key}`, its adapter's sha256 `{record.made.adapter_sha256}`"
    yield f"- made with {', '.join(f'{name} {version}' for name, version in record.versions.items())}"


def _sources(run: Run, setting: Setting | None, base: str) -> Iterator[str]:
    licence = licence_of(run.cell.model)
    yield f"- base model: {base}, {'under its own licence' if licence == UNKNOWN_LICENCE else licence}"
    for name, text in (setting.source if setting else {}).items():
        yield f"- {name}: {' '.join(text.split())}"


def _table(run: Run, setting: Setting | None) -> Iterator[str]:
    conditions = list(dict.fromkeys(condition for condition, _ in run.values))
    metrics = list(dict.fromkeys(metric for _, metric in run.values))
    goals = {one.name: one.goal for one in (setting.metrics if setting else ())}
    yield f"| condition | {' | '.join(with_goal(name, goals.get(name)) for name in metrics)} |"
    yield f"|---|{'---|' * len(metrics)}"
    for condition in conditions:
        yield f"| `{condition}` | {' | '.join(_figures(run, condition, metrics))} |"


def _figures(run: Run, condition: str, metrics: Sequence[str]) -> Iterator[str]:
    for metric in metrics:
        seen = run.values.get((condition, metric), ())
        scale, form = (100, ".0f") if are_rates(seen) else (1, ".2f")
        yield with_interval(estimate(seen) if seen else None, form, form, scale=scale)
