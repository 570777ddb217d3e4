"""The three hooks of the harness. Each takes no argument and returns one record or a list of them.

A plugin module implements any of them with `@harness.hookimpl` and is named in its package's
`pyproject.toml` under `[project.entry-points.harness]`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from harness.contracts import Intervention, Judge, Setting

hookspec = pluggy.HookspecMarker("harness")
hookimpl = pluggy.HookimplMarker("harness")


@hookspec
def harness_setting() -> Setting | Sequence[Setting]:
    """Offer one or more settings: data, traits, prompts, vectors, evaluation cases and metrics."""
    raise NotImplementedError


@hookspec
def harness_intervention() -> Intervention | Sequence[Intervention]:
    """Offer one or more training-time interventions: how rows are edited, what is added to the residual stream."""
    raise NotImplementedError


@hookspec
def harness_judge() -> Judge | Sequence[Judge]:
    """Offer one or more judges: a reply in, named scores (or None for "cannot tell") out."""
    raise NotImplementedError
