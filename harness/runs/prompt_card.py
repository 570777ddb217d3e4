"""What prompts do to the likelihood of the training rows' replies before anything is trained, sealed, one a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import ClassVar

from harness.documents import Record, read_record, record, write_record
from harness.files import inside
from harness.models import ModelRef

PROMPTS = "prompts"
WHAT = "prompt card"
WAY_OUT = "move it away and give its 'harness prompts' command again"


@record
class PromptGain(Record):
    """How much likelier the untrained model finds the rows' replies with a prompt on the rows than without it.

    `gain` is the mean over the `rows` that carry the prompt of log p(reply | prompt) - log p(reply), in nats, with a
    95 % t interval over rows; `per_token` the same sum over the sum of the replies' tokens. `name` is the setting's for
    it, "" for a text that was given. `edited` is the digest of all rows with it, as a run's key has it.
    """

    name: str
    text: str
    placement: str
    edited: str
    rows: int
    gain: float
    low: float | None = None
    high: float | None = None
    per_token: float = 0.0
    concept: str = ""


@record
class PromptCard(Record):
    """The prompts that were tried on the rows of a setting at a scale and a training seed, with a model (a digest).

    `key` is the digest of all that a gain depends on beside the prompt.
    """

    FORMAT: ClassVar[int] = 1
    SEALED: ClassVar[bool] = True

    setting: str
    scale: str
    model: str
    reference: str
    dtype: str
    seed: int
    key: str
    prompts: tuple[PromptGain, ...] = ()
    format: int = 1
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def prompt_card_file(runs: Path, setting: str, scale: str, model: ModelRef, seed: int, key: str) -> Path:
    """Where the prompts of a setting at a scale are kept for a model and a seed."""
    return inside(runs / PROMPTS, f"{setting}-{scale}-{model.name}-s{seed}-{key[:8]}.json")


def read_prompt_card(file: Path) -> PromptCard | None:
    """The card in `file`, None where there is none; HarnessError where it is broken or was changed."""
    return read_record(file, PromptCard, what=WHAT, way_out=WAY_OUT, seal=True)


def write_prompt_card(file: Path, made: PromptCard) -> None:
    """Writes `made` to `file` in one step."""
    write_record(file, made)


def prompt_cards(runs: Path) -> list[PromptCard]:
    """Every card beside these runs, in the order of their names."""
    files = sorted((runs / PROMPTS).glob("*.json"))
    return [made for file in files if (made := read_prompt_card(file)) is not None]
