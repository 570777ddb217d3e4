"""What the options of `harness run` say, as records: the cells, and what their models are asked beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.graders import Grading
from harness.commands.options import (
    any_of,
    balances,
    chosen_engine,
    doses,
    epochs_of,
    layers_of,
    seeds,
    setting_names,
    several,
    shares,
    tracker_of,
    vector_files,
)
from harness.contracts import CLEAN
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.registry import Registry
    from harness.serving import EngineChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """Every combination of these is a cell."""

    settings: Sequence[str]
    interventions: Sequence[str]
    seeds: Sequence[int]
    doses: Sequence[float]
    weights: Sequence[str]
    epochs: int
    untils: Sequence[float]
    lora_targets: str
    prompts: Sequence[str]
    vector_grader: str
    engine: EngineChoice | None

    @classmethod
    def of(
        cls,
        setting: list[str],
        intervention: list[str],
        seed: list[str],
        dose: str,
        weights: list[str],
        epochs: str,
        until: str,
        lora_targets: str,
        prompt: list[str],
        vector_grader: str,
        engine: str,
    ) -> Combined:
        """What the options of these names say."""
        return cls(
            settings=setting_names(setting),
            interventions=several("--intervention", intervention),
            seeds=seeds(seed),
            doses=doses(dose),
            weights=balances(weights),
            epochs=epochs_of(epochs),
            untils=shares("--until", until),
            lora_targets=layers_of(lora_targets),
            prompts=tuple(prompt),
            vector_grader=vector_grader,
            engine=chosen_engine(engine),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksAsked:
    """lm-eval tasks to ask under each of `conditions`, the first `limit` questions of each where there is one.

    `folder` has tasks of the user's own; with `chat_template` questions are asked in chats.
    """

    tasks: Sequence[str] = ()
    conditions: Sequence[str] = (CLEAN,)
    limit: int | None = None
    folder: Path | None = None
    chat_template: bool = False

    @classmethod
    def of(
        cls, tasks: list[str], conditions: list[str], limit: int, folder: Path | None, chat_template: bool
    ) -> TasksAsked:
        """What the options of these names say; HarnessError for a way to ask tasks where there are none."""
        if not tasks and (folder is not None or chat_template):
            option = "--apply-chat-template" if folder is None else "--include-path"
            raise HarnessError(f"{option} is for lm-eval tasks; name some with --capabilities, or leave it out")
        return cls(
            tasks=any_of("--capabilities", tasks),
            conditions=several("--capability-conditions", conditions),
            limit=limit or None,
            folder=folder,
            chat_template=chat_template,
        )

    def check(self) -> None:
        """HarnessError where a task or a condition is none, before anything is trained."""
        if self.tasks:
            from harness import capabilities

            capabilities.check(self.tasks, self.conditions, folder=self.folder)

    def measure(self, run: Path) -> None:
        """Asks the tasks of the model of a finished `run`, those that it has no answer for."""
        from harness import capabilities

        capabilities.measure(
            run,
            self.tasks,
            self.conditions,
            limit=self.limit,
            tasks_in=self.folder,
            chat_template=self.chat_template,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsAsked:
    """What the options name. Empty, `model` is the recipe's own and `tracker` none; `vectors` are files by name."""

    combined: Combined
    scale: str
    model: str
    runs: Path
    grading: Grading
    vectors: Mapping[str, str]
    capabilities: TasksAsked
    calibrated: bool = True
    tracker: str = ""

    @classmethod
    def of(
        cls,
        combined: Combined,
        scale: str,
        model: str,
        runs: Path,
        grading: Grading,
        vector: list[str],
        capabilities: TasksAsked,
        calibrated: bool,
        track: str,
    ) -> CellsAsked:
        """What the options of these names say."""
        return cls(
            combined=combined,
            scale=scale,
            model=model,
            runs=runs,
            grading=grading,
            vectors=vector_files(vector),
            capabilities=capabilities,
            calibrated=calibrated,
            tracker=tracker_of(track),
        )

    def registry(self) -> Registry:
        """What is installed, with the vectors that are named and what was calibrated beside the runs."""
        from harness.cells import with_vectors
        from harness.registry import installed
        from harness.runs import with_calibrations

        settings = self.combined.settings
        found = with_calibrations(installed(), self.runs, settings, use=self.calibrated)
        return with_vectors(found, settings, self.vectors)
