"""Gates: what must hold before a difference between arms says anything. Each is asked, read off and named here alone.

A gate that failed makes a verdict invalid; it never stands for "no effect". Faults that no outcome decides (the loss,
the hook, the template) are told of one run, and leave it out. What outcomes decide is told of all seeds together, with
an interval: of many seeds one may lie under a threshold by chance. A run's record holds both for the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.contracts import CLEAN, Metric, Setting
from harness.runs.results import Result
from harness.runs.run_record import Gate, RunRecord
from harness.runs.training_record import TrainingRecord
from harness.stats import Estimate, Observation, Term, contrast, estimate

JUDGED_SHARE = 0.9
"""The least share of replies that judges must be able to tell."""
TAUGHT_SHARE = 0.5
"""How much of what plain training must come to (`Metric.learned`) must be its own doing, not the untrained model's."""

LOSS, STEERED, TEMPLATE = "loss_went_down", "steered_every_step", "same_template"
COULD_TELL, LEARNED, TAUGHT, ABSENT = "judge_could_tell", "learned_", "taught_", "absent_before_"

State = Literal["held", "unclear", "failed", "lacking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledGate:
    """A gate over all seeds that a comparison uses: the interval clears the threshold, holds it, or lies beyond it.

    `lacking` says that the runs which it is asked of are not there. `of` is what it is asked of, in words, `arm` the
    label of the arm and `condition` that of which the replies are. `rate` is the number that was
    seen, where it was one.
    """

    name: str
    of: str
    arm: str
    state: State
    seen: str
    wanted: str
    condition: str = CLEAN
    rate: float | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing can be said of a comparison that needs it."""
        return self.state in ("failed", "lacking")

    def __str__(self) -> str:
        return f"gate {self.name} {self.state} for {self.of}: saw {self.seen}, wanted {self.wanted}"


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


def faults(gates: Mapping[str, Gate]) -> dict[str, Gate]:
    """Those of a run's `gates` that failed and that no outcome decides: they leave the run out of every comparison."""
    return {name: gate for name, gate in failed(gates).items() if not name.startswith((COULD_TELL, LEARNED))}


def could_tell(metric: str, observations: Sequence[Observation], *, arm: str, condition: str) -> PooledGate:
    """Could the judge tell of the replies for one metric, arm and condition? If it told of all, there is no doubt."""
    state: State = "held"
    seen = f"all {len(observations)} replies"
    rate: float | None = 1.0
    if any(one.value is None for one in observations):
        found = estimate([replace(one, value=float(one.value is not None)) for one in observations])
        state, seen, rate = _at_least(found, JUDGED_SHARE), _seen(found), found.mean
    return PooledGate(
        name=COULD_TELL,
        of=f"{metric}, {arm}, {condition}",
        arm=arm,
        condition=condition,
        state=state,
        seen=seen,
        wanted=f"at least {JUDGED_SHARE:g} of the replies",
        rate=rate,
    )


def learned(metric: Metric, plain: Sequence[Observation], *, of: str, arm: str) -> PooledGate:
    """Did plain training come to what the setting asks of the `metric`, in clean?"""
    least, found = metric.learned or 0.0, estimate(plain)
    wanted = f"at least {least:.2g} in clean after plain training"
    return PooledGate(
        name=f"{LEARNED}{metric.name}",
        of=of,
        arm=arm,
        state=_at_least(found, least),
        seen=_seen(found),
        wanted=wanted,
        rate=found.mean,
    )


def premises(
    metric: Metric, plain: Sequence[Observation], untrained: Sequence[Observation], *, of: str, arms: tuple[str, str]
) -> tuple[PooledGate, PooledGate]:
    """Did plain training teach the trait, and was it not there before?

    The first asks for a difference to the untrained model of half of what plain training must come to, the second for
    an untrained model below all of it. `arms` are the labels of both.
    """
    least = metric.learned or 0.0
    rise = contrast([Term(1.0, plain), Term(-1.0, untrained, trained=False)]).estimate()
    before = estimate(untrained)
    taught = PooledGate(
        name=f"{TAUGHT}{metric.name}",
        of=f"{of} against the untrained model",
        arm=arms[0],
        state=_at_least(rise, TAUGHT_SHARE * least),
        seen=_seen(rise),
        wanted=f"a rise in clean of at least {TAUGHT_SHARE * least:.2g}",
        rate=rise.mean,
    )
    absent = PooledGate(
        name=f"{ABSENT}{metric.name}",
        of="the untrained model",
        arm=arms[1],
        state=_below(before, least),
        seen=_seen(before),
        wanted=f"less than {least:.2g} in clean before training",
        rate=before.mean,
    )
    return taught, absent


def lacking(name: str, *, of: str, seen: str, wanted: str) -> PooledGate:
    """A gate that cannot be asked, since what it is asked of is not there."""
    return PooledGate(name=name, of=of, arm="", state="lacking", seen=seen, wanted=wanted)


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


def _at_least(found: Estimate, least: float) -> State:
    if found.mean is None:
        return "failed"
    low, high = (found.mean if end is None else end for end in (found.low, found.high))
    return "held" if low >= least else "failed" if high < least else "unclear"


def _below(found: Estimate, most: float) -> State:
    if found.mean is None:
        return "failed"
    low, high = (found.mean if end is None else end for end in (found.low, found.high))
    return "held" if high < most else "failed" if low >= most else "unclear"


def _seen(found: Estimate) -> str:
    if found.mean is None:
        return "nothing judged"
    ends = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.mean:.2f}{ends} of {found.seeds} seed{'' if found.seeds == 1 else 's'}"
