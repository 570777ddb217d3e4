"""What an arm does beyond its placebo: which placebo is whose, and the comparison in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.arms import Arm
from harness.analysis.studies import Study
from harness.stats import Contrast, Direction, Outcome, outcome_levels

ALIKE = 0.10
"""Where no claim says which difference counts, arms within 10 points of each other do the same."""
EDITS, ADDS = "edits", "adds"
NEAR = 0.1  # how far two vectors' lengths may be apart, as a share of the longer, to count as one length


def placebos_of(arm: Arm, arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """The placebos of `arm`: controls at its dose that change the same thing, rows or activations, by as much."""
    if arm.plain or arm.control:
        return ()
    return tuple(one for one in arms if one.control and one.dose == arm.dose and _match(arm, one))


def against_placebo(study: Study, label: str) -> str:
    """What the arm called `label` is, where it is a placebo; "" for any other."""
    return next((arm.summary for arm in study.arms if arm.label == label and arm.control), "")


def placebo_words(arm: str, placebo: str, outcome: Outcome, *, direction: Direction, alike: bool) -> str:
    """What a comparison of `arm` with its placebo says; `placebo` is a summary of that, such as "a random direction".

    `alike` says that the two are shown to differ by less than counts, to either side.
    """
    if alike:
        slight = ", but for a difference too small to count" if outcome == "too small" else ""
        return f"{arm} does what {placebo} does{slight}"
    if direction == "same":
        other = {"excluded": "something else than", "size open": "something else, if only slightly, than"}
        return f"{arm} does {other[outcome]} {placebo} does" if outcome in other else _open(arm, placebo)
    if direction == "no more":
        kinds: dict[Outcome, Outcome] = {"claimed": "excluded", "excluded": "claimed"}
        outcome = kinds.get(outcome, outcome)
    said = {
        "claimed": f"{arm} does more than {placebo} does",
        "size open": f"{arm} does more than {placebo} does, and whether by as much as counts is open",
        "too small": f"{arm} does more than {placebo} does, but too little to count",
        "excluded": f"{arm} does no more than {placebo} does",
    }
    return said.get(outcome) or _open(arm, placebo)


def beyond_placebo(found: Contrast, arm: Arm, placebo: Arm, *, alpha: float = 0.05) -> str:
    """The words for a difference that no claim is about: alike within 10 points, or not, or open."""
    told = outcome_levels(found, direction="same", smallest=ALIKE).decide(alpha)
    return placebo_words(arm.label, placebo.summary, told, direction="same", alike=told == "claimed")


def _open(arm: str, placebo: str) -> str:
    return f"whether {arm} does what {placebo} does is open"


def _match(arm: Arm, placebo: Arm) -> bool:
    """Whether both change the same part of training: both steer, by vectors of one length as far as that is known, say.

    Of what is neither a prompt nor a vector added the placebo bears the method's name: `kl_unrelated` is that of `kl`.
    """
    kinds = [_kind(one) for one in (arm, placebo)]
    if kinds[0] != kinds[1] or (kinds[0] not in (EDITS, ADDS) and _method(arm) != _method(placebo)):
        return False
    steered = [next((run.record.steering for run in one.runs), None) for one in (arm, placebo)]
    if steered[0] is None or steered[1] is None:
        return steered[0] is steered[1]
    if not steered[1].coef and not steered[1].relative:
        return False  # a hook that adds nothing is no placebo: it is plain training
    lengths = [abs(one.relative) for one in steered if one is not None and one.relative is not None]
    return len(lengths) < 2 or abs(lengths[0] - lengths[1]) <= NEAR * max(lengths)


def _kind(arm: Arm) -> str:
    """Which part of training an arm changes, by what its first run was made from."""
    inputs = next((run.inputs for run in arm.runs), {})
    changes, steering = inputs.get("changes"), inputs.get("steering")
    if isinstance(changes, Mapping):
        return " ".join(sorted(changes))
    if isinstance(steering, Mapping):
        return "ablates" if steering.get("way") == "ablate" else ADDS
    return EDITS


def _method(arm: Arm) -> str:
    return arm.intervention.partition("_")[0]
