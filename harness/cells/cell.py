"""A cell, and the same with everything looked up that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.cells.fits import Fit
from harness.contracts import (
    Condition,
    Example,
    Intervention,
    Recipe,
    Setting,
    Steering,
)
from harness.files import inside
from harness.models import ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trained adapter and all its evaluations.

    `model` is a reference; empty means the recipe's own. `weights`, as `harness.authoring.weights` spells them, are for
    an intervention that combines traits; empty means the setting's own. `vector_grader` is the model that chooses
    among the replies that a persona's vector is made of; empty means that nobody does.
    """

    setting: str
    intervention: str
    scale: str = "mini"
    model: str = ""
    seed: int = 0
    dose: float = 1.0
    weights: str = ""
    vector_grader: str = ""

    @property
    def arm(self) -> str:
        """The intervention with its weights and dose: `comp_ps french=0.4,spanish=0.8 x0.5`."""
        weights = f" {self.weights}" if self.weights else ""
        return f"{self.intervention}{weights}{'' if self.dose == 1 else f' x{self.dose:g}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A cell with everything that it needs looked up, edited, checked and hashed; no torch, no weights.

    `rows` are trained on, and `unedited` are the setting's own, row by row.
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
    unedited: tuple[Example, ...] = ()
    fit: Fit = field(default_factory=Fit)
    inputs: Mapping[str, object] = field(default_factory=dict)
    key: str = ""

    @property
    def title(self) -> str:
        """How progress bars and messages call the cell."""
        return f"{self.cell.setting}/{self.cell.arm} s{self.cell.seed}"

    def folder(self, runs: Path) -> Path:
        """RUNS/SETTING/INTERVENTION/SCALE-MODEL-sSEED[-NAME=WEIGHT+...][-dDOSE]-HASH."""
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
        return f"{self.cell.scale}-{self.model.name}-s{self.cell.seed}{balance}{dose}"
