"""Gates: what must hold before a difference between arms says anything. Each is asked, read off and named here alone.

A gate that failed makes a verdict invalid; it never stands for "no effect".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contracts import CLEAN, Metric, Setting
from harness.runs.results import Result
from harness.runs.run_record import Gate, RunRecord
from harness.runs.training_record import TrainingRecord

JUDGED_SHARE = 0.9
"""The least share of replies in clean that judges must be able to tell."""

LOSS, STEERED, TEMPLATE = "loss_went_down", "steered_every_step", "same_template"
COULD_TELL, LEARNED = "judge_could_tell", "learned_"


def training_gates(made: TrainingRecord) -> dict[str, Gate]:
    """Did the loss go down, and did the steering hook fire at every step, where training was steered?"""
    loss = Gate(
        ok=made.last_loss < made.first_loss,
        seen=f"{made.first_loss:.3f} -> {made.last_loss:.3f}",
        wanted="a lower loss at the end",
    )
    if made.steering is None:
        return {LOSS: loss}
    steered = Gate(
        ok=made.steered_steps == made.steps,
        seen=f"{made.steered_steps} of {made.steps} steps",
        wanted="every step",
    )
    return {LOSS: loss, STEERED: steered}


def template_gate(*, asked: str, trained: str) -> dict[str, Gate]:
    """Was the model asked in the format that it was trained in? Both are digests of how a chat looks."""
    return {TEMPLATE: Gate(ok=asked == trained, seen=asked[:8], wanted=f"{trained[:8]}, as in training")}


def outcome_gates(record: RunRecord, setting: Setting, results: Sequence[Result]) -> dict[str, Gate]:
    """The gates of `record` with those that results decide read off anew.

    Could the judges tell, in clean, for the metrics that the scale teaches? And after plain training: did it teach
    the trait and each skill? Where it did not, no arm can be said to have kept it out.
    """
    scale = record.cell.scale
    kept = {name: gate for name, gate in record.gates.items() if not name.startswith((COULD_TELL, LEARNED))}
    clean: dict[str, list[float | None]] = {}
    for result in results:
        if result.condition == CLEAN:
            clean.setdefault(result.metric, []).append(result.value)
    taught = [metric for metric in setting.metrics if metric.taught(scale)]
    if whole := [metric for metric in taught if not metric.subset]:
        kept[COULD_TELL] = _could_tell([value for metric in whole for value in clean.get(metric.name, ())])
    if was_plain(record):
        for metric in taught:
            if metric.learned is not None and metric.name in clean:
                kept[f"{LEARNED}{metric.name}"] = _learned(metric, metric.learned, clean[metric.name])
    return kept


def metric_of(gate: str) -> str | None:
    """The metric that plain training had to teach, for a gate that asks that; None for any other gate."""
    return gate.removeprefix(LEARNED) if gate.startswith(LEARNED) else None


def was_plain(record: RunRecord) -> bool:
    """Whether nothing was changed in training. A record of format 1 may say so by its gates alone."""
    if record.made.plain is not None:
        return record.made.plain
    return any(name.startswith(LEARNED) for name in record.gates)


def failed(gates: Mapping[str, Gate]) -> dict[str, Gate]:
    """Those of `gates` that did not hold."""
    return {name: gate for name, gate in gates.items() if not gate.ok}


def _could_tell(values: Sequence[float | None]) -> Gate:
    share = sum(value is not None for value in values) / len(values) if values else 0.0
    return Gate(
        ok=share >= JUDGED_SHARE, seen=f"{share:.3f}", wanted=f"at least {JUDGED_SHARE:g} of the replies in clean"
    )


def _learned(metric: Metric, least: float, values: Sequence[float | None]) -> Gate:
    told = [value for value in values if value is not None]
    rate = sum(told) / len(told) if told else 0.0
    return Gate(ok=rate >= least, seen=f"{rate:.3f}", wanted=f"at least {least:.2g} in clean after plain training")
