"""Three trackers, each by its own client: what is told of a cell again, after a kill, goes on with the same run.

Where they keep things, and under which account, is theirs to say: `WANDB_*`, `MLFLOW_*` and `TRACKIO_*` in the
environment. The project is `trait-harness` unless they name another.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, Protocol

PROJECT = "trait-harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a tracker is told of a cell at first: how it is called, its key, and its settings by dotted name."""

    title: str
    key: str
    config: Mapping[str, str | int | float | bool]


class Tracker(Protocol):
    """One cell at a tracker."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by name, of a 1-based step of training."""

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        """Numbers of the whole cell; `whole` is False where it was not finished. Nothing is logged after it."""


class Wandb:
    """A run of Weights & Biases."""

    def __init__(self, told: About) -> None:
        import wandb  # type: ignore[import-not-found,unused-ignore]

        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=told.key[:16],
            name=told.title,
            config=dict(told.config),
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(console="off"),
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        self._run.summary.update(dict(values))
        self._run.finish(exit_code=0 if whole else 1)


class Mlflow:
    """A run of MLflow, with the key as a tag."""

    TAG = "harness.key"

    def __init__(self, told: About) -> None:
        from mlflow import MlflowClient  # type: ignore[import-not-found,unused-ignore]
        from mlflow.entities import Param  # type: ignore[import-not-found,unused-ignore]

        self._client: Any = MlflowClient()
        experiment = self._experiment()
        self._run = self._found(experiment, told)
        if not self._run:
            made = self._client.create_run(experiment, run_name=told.title, tags={self.TAG: told.key})
            self._run = str(made.info.run_id)
            config = [Param(name, str(value)[:500]) for name, value in told.config.items()]
            self._client.log_batch(self._run, params=config)
        self._client.update_run(self._run, status="RUNNING")

    def _experiment(self) -> str:
        if one := os.environ.get("MLFLOW_EXPERIMENT_ID"):
            return one
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        there = self._client.get_experiment_by_name(name)
        return str(there.experiment_id if there else self._client.create_experiment(name))

    def _found(self, experiment: str, told: About) -> str:
        found = self._client.search_runs([experiment], f"tags.`{self.TAG}` = '{told.key}'", max_results=1)
        return found[0].info.run_id if found else ""

    def log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric  # type: ignore[import-not-found,unused-ignore]

        now = int(time.time() * 1000)
        self._client.log_batch(self._run, [Metric(_plain(name), value, now, step) for name, value in values.items()])

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        self.log(values, 0)
        self._client.set_terminated(self._run, "FINISHED" if whole else "FAILED")


class Trackio:
    """A run of Trackio. It prints where it keeps things; stdout is for results, so that goes to stderr."""

    def __init__(self, told: About) -> None:
        import trackio  # type: ignore[import-not-found,unused-ignore]

        with redirect_stdout(sys.stderr):
            self._run: Any = trackio.init(
                project=os.environ.get("TRACKIO_PROJECT", PROJECT),
                name=f"{told.title} {told.key[:8]}",
                config=dict(told.config),
                resume="allow",
                embed=False,
            )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        with redirect_stdout(sys.stderr):
            if values:
                self._run.log(dict(values))
            self._run.finish()


def _plain(name: str) -> str:
    """The name in the letters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name)


TRACKERS: Mapping[str, Callable[[About], Tracker]] = {"trackio": Trackio, "wandb": Wandb, "mlflow": Mlflow}
