"""The gates that a comparison needs, asked over the seeds, metrics, arms and conditions that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.arms import Arm, plain_of, untrained_of
from harness.analysis.results import pooled
from harness.analysis.studies import Study
from harness.contracts import CLEAN, Metric
from harness.runs import LEARNED, TAUGHT, PooledGate, could_tell, faults, lacking, learned, premises


def needed_gates(
    study: Study, arms: Sequence[Arm], metrics: Sequence[str], conditions: Sequence[str]
) -> tuple[PooledGate, ...]:
    """The gates of a comparison of `metrics` between `arms` under `conditions`, whether or not they can be asked.

    Judges must be able to tell of the replies of each metric, arm and condition. Where an intervention is compared,
    plain training must have taught each metric that the scale's rows teach, at the seeds that the arms have, and a
    trait must be its doing: the untrained model has it not.
    """
    if not study.known:
        of, wanted = study.setting, "a setting that is installed"
        return (lacking("setting_known", of=of, seen="no setting of that name", wanted=wanted),)
    found: list[PooledGate] = []
    described = [known for name in dict.fromkeys(metrics) if (known := study.metric(name)) is not None]
    for metric in described:
        if not metric.subset:
            found += _judged(metric, arms, conditions)
        if metric.learned is not None and metric.taught(study.scale) and not all(arm.plain for arm in arms):
            found += taught_gates(study, metric, _seeds(arms))
    return tuple(found)


def all_gates(study: Study) -> tuple[PooledGate, ...]:
    """Every gate that some comparison within `study` may need, at the seeds of all its arms.

    What the untrained model does is held against others in leaks of the trait, and as a premise of what is taught: a
    skill that it lacks, and shows by replies that no judge can tell, is compared with nothing.
    """
    found: list[PooledGate] = []
    seeds = _seeds(study.arms)
    trained = [arm for arm in study.arms if arm.trains]
    untrained = [arm for arm in study.arms if not arm.trains]
    for metric in study.known:
        if metric.name in study.metrics and not metric.subset:
            found += _judged(metric, trained, study.conditions)
            if metric.name == study.trait:
                found += _judged(metric, untrained, study.conditions)
            elif metric.learned is not None and metric.goal != "keep":
                found += _judged(metric, untrained, (CLEAN,))
        if seeds and metric.learned is not None and metric.taught(study.scale):
            found += taught_gates(study, metric, seeds)
    return tuple(found)


def taught_gates(study: Study, metric: Metric, seeds: Sequence[int]) -> Iterator[PooledGate]:
    """Whether plain training came to the metric at `seeds`; of a trait also, whether it rose, and was not there before.

    What plain training has to show is asked at every one of the seeds: a choice among them could be made by outcome.
    Only seeds that a fault leaves out are not asked.
    """
    least = metric.learned or 0.0
    plain = plain_of(study.arms)
    there = {} if plain is None else {run.cell.seed: run for run in plain.runs if (CLEAN, metric.name) in run.values}
    gone = [seed for seed in seeds if seed not in there]
    of = f"plain training, {_listed(seeds)}"
    wanted = f"at least {least:.2g} in clean after plain training"
    if gone or plain is None:
        seen = f"no finished run at {_listed(gone)}" if plain is not None else "no finished run"
        yield lacking(f"{LEARNED}{metric.name}", of=of, seen=seen, wanted=wanted)
        return
    runs = [there[seed] for seed in seeds if not faults(there[seed].record.gates)]
    rows = pooled(runs, CLEAN, metric.name)
    yield learned(metric, rows, of=of, arm=plain.label)
    if metric.goal == "keep":
        return
    untrained = untrained_of(study.arms)
    before = [] if untrained is None else untrained.replies(CLEAN, metric.name)
    if not before:
        wanted = "the untrained model in clean, to hold plain training against"
        yield lacking(f"{TAUGHT}{metric.name}", of="the untrained model", seen="no finished run", wanted=wanted)
    elif rows and untrained is not None:
        yield from premises(metric, rows, before, of=of, arms=(plain.label, untrained.label))


def _judged(metric: Metric, arms: Sequence[Arm], conditions: Sequence[str]) -> Iterator[PooledGate]:
    for arm in arms:
        for condition in dict.fromkeys(conditions):
            if rows := arm.replies(condition, metric.name):
                yield could_tell(metric.name, rows, arm=arm.label, condition=condition)


def _seeds(arms: Sequence[Arm]) -> list[int]:
    return sorted({run.cell.seed for arm in arms if arm.trains for run in arm.runs})


def _listed(seeds: Sequence[int]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
