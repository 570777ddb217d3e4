"""What each arm cost, read from the run records: seconds, tokens, money and hardware."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.arms import Arm, plain_of
from harness.analysis.result_tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One arm's cost, all its seeds together; None where no run record says.

    Seconds are by step. A vector is extracted by the run that needs it first, whatever its arm, and all others share
    it: `vectors` says where that happened, not what an arm needs. `trained` is training per run over that of
    plain training on the same hardware, None where either is not known. `usd` was paid to a grader.
    """

    arm: str
    runs: int
    vectors: float | None
    train: float | None
    evaluate: float | None
    train_tokens: int | None
    evaluate_tokens: int | None
    trained: float | None
    usd: float | None
    hardware: tuple[str, ...]


def costs(table: Table) -> tuple[Cost, ...]:
    """The cost of every arm of `table`, in its order."""
    plain = plain_of(table.arms)
    return tuple(_cost(arm, plain) for arm in table.arms)


def _cost(arm: Arm, plain: Arm | None) -> Cost:
    return Cost(
        arm=arm.label,
        runs=len(arm.runs),
        vectors=_seconds(arm, "vectors"),
        train=_seconds(arm, "train"),
        evaluate=_seconds(arm, "evaluate"),
        train_tokens=_tokens(arm, "train"),
        evaluate_tokens=_tokens(arm, "evaluate"),
        trained=_ratio(arm, plain),
        usd=_total(run.record.usd for run in arm.runs),
        hardware=_hardware(arm),
    )


def _ratio(arm: Arm, plain: Arm | None) -> float | None:
    if plain is None or _hardware(arm) != _hardware(plain) or len(_hardware(arm)) != 1:
        return None
    own, reference = (_mean(_known(one, "train")) for one in (arm, plain))
    return own / reference if own is not None and reference else None


def _hardware(arm: Arm) -> tuple[str, ...]:
    return tuple(sorted(filter(None, {str(run.record.hardware) for run in arm.runs})))


def _known(arm: Arm, step: str) -> list[float]:
    steps = [run.record.steps[step] for run in arm.runs if step in run.record.steps]
    return [one.seconds for one in steps if one.seconds is not None]


def _seconds(arm: Arm, step: str) -> float | None:
    return _total(_known(arm, step))


def _tokens(arm: Arm, step: str) -> int | None:
    steps = [run.record.steps[step] for run in arm.runs if step in run.record.steps]
    known = _total(one.tokens for one in steps)
    return None if known is None else round(known)


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
