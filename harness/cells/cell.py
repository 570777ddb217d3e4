"""A cell, and the same with everything looked up that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.cells.changes import Changes
from harness.cells.fits import Fit
from harness.cells.wordings import digits_of, named
from harness.contracts import (
    Condition,
    Example,
    Intervention,
    Recipe,
    Setting,
    Steering,
)
from harness.files import digest_of, inside
from harness.models import ModelRef

LONGEST_LAYERS = 60
"""Characters of a folder's name that the names of layers may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trained adapter and all its evaluations.

    `model` is a reference; empty means the recipe's own. `weights`, as `harness.authoring.weights` spells them, are for
    an intervention that combines traits; empty means the setting's own. `vector_grader` is the model that chooses
    among the replies that a persona's vector is made of; empty means that nobody does. `epochs` stand for the recipe's
    unless 0, and `until` is the share of the steps after which training stops, on the schedule of all of them.
    `lora_targets`, as `harness.models.named_layers` spells them, are the layers that get an adapter; empty means the
    recipe's own.
    `engine` names what writes the replies, with its version; empty means torch, in this process. `prompt`
    is the text that stands in the place of the words that the intervention puts on rows; empty means its own.
    """

    setting: str
    intervention: str
    scale: str = "mini"
    model: str = ""
    seed: int = 0
    dose: float = 1.0
    weights: str = ""
    vector_grader: str = ""
    epochs: int = 0
    until: float = 1.0
    lora_targets: str = ""
    engine: str = ""
    prompt: str = ""

    @property
    def arm(self) -> str:
        """The intervention with its weights or prompt, its dose, and how long it trains: `ip "Shout." x0.5 e4 @0.25`.

        Of a long prompt it has the beginning, and digits that tell it from others.
        """
        weights = f" {self.weights}" if self.weights else ""
        words = f' "{named(self.prompt)}"' if self.prompt else ""
        dose = "" if self.dose == 1 else f" x{self.dose:g}"
        epochs = f" e{self.epochs}" if self.epochs else ""
        return f"{self.intervention}{weights}{words}{dose}{epochs}{'' if self.until == 1 else f' @{self.until:g}'}"

    @property
    def untrained(self) -> Cell:
        """The same without what it says of training."""
        return replace(self, epochs=0, until=1.0, lora_targets="", prompt="")

    def answered_by(self, model: str) -> str:
        """`model`, a digest, and the engine that writes its replies where that is not torch.

        Replies of two engines are never put together: sampled ones differ, and greedy ones where numbers round.
        """
        return f"{model} {self.engine}" if self.engine else model

    def trained_on(self, model: str) -> str:
        """`model`, with the layers that get an adapter where they are named: such models are compared apart."""
        return f"{model}, LoRA on {self.lora_targets}" if self.lora_targets else model


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A cell with everything that it needs looked up, edited, checked and hashed; no torch, no weights.

    `rows` are trained on, and `unedited` are the same as the setting has them, row by row; a row that is not the
    setting's stands there as it is. `changes` are what else the arm changes of training.
    `vectors` are keys by name, `plain` says that the setting's own rows are trained on, with nothing changed, `fit`
    what its doses were chosen for, and `key` is the hash of `inputs`, which hold everything that decides a result.
    """

    cell: Cell
    setting: Setting
    intervention: Intervention
    recipe: Recipe
    model: ModelRef
    dtype: str
    rows: tuple[Example, ...]
    steering: Steering | None
    conditions: tuple[Condition, ...]
    vectors: Mapping[str, str]
    plain: bool
    changes: Changes = field(default_factory=Changes)
    unedited: tuple[Example, ...] = ()
    fit: Fit = field(default_factory=Fit)
    inputs: Mapping[str, object] = field(default_factory=dict)
    key: str = ""

    @property
    def title(self) -> str:
        """How progress bars and messages call the cell."""
        return f"{self.cell.setting}/{self.cell.arm} s{self.cell.seed}"

    @property
    def rows_chosen(self) -> int:
        """How many rows are added before training, by what models make of them."""
        return round(self.changes.choosing.share * len(self.rows)) if self.changes.choosing else 0

    def folder(self, runs: Path) -> Path:
        """RUNS/SETTING/INTERVENTION/SCALE-MODEL-sSEED[-NAME=WEIGHT+...][-pPROMPT][-dDOSE][-eEPOCHS][-uUNTIL][-lLAYERS]
        [-ENGINE]-HASH.
        """
        return inside(runs, self.cell.setting, self.cell.intervention, f"{self._readable}-{self.key[:8]}")

    def stale(self, runs: Path) -> tuple[Path, ...]:
        """Folders of the same cell made from other inputs."""
        folder = self.folder(runs)
        found = sorted(folder.parent.glob(f"{self._readable}-????????")) if folder.parent.is_dir() else []
        return tuple(path for path in found if path != folder)

    @property
    def _readable(self) -> str:
        dose = "" if self.cell.dose == 1 else f"-d{self.cell.dose:g}"
        # No comma: Inspect takes a comma in a model's name for the end of it.
        balance = f"-{self.cell.weights.replace(',', '+')}" if self.cell.weights else ""
        words = f"-p{digits_of(self.cell.prompt)}" if self.cell.prompt else ""
        epochs = f"-e{self.cell.epochs}" if self.cell.epochs else ""
        until = "" if self.cell.until == 1 else f"-u{self.cell.until:g}"
        layers = f"-l{_in_a_name(self.cell.lora_targets)}" if self.cell.lora_targets else ""
        engine = f"-{self.cell.engine}" if self.cell.engine else ""
        changed = f"{balance}{words}{dose}{epochs}{until}{layers}{engine}"
        return f"{self.cell.scale}-{self.model.name}-s{self.cell.seed}{changed}"


def _in_a_name(layers: str) -> str:
    """The layers as part of a folder's name, by a digest where they would make it too long."""
    return digest_of(layers)[:8] if len(layers) > LONGEST_LAYERS else layers.replace(",", "+")
