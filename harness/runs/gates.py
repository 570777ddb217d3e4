"""The gates that read results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.contracts import Setting

JUDGED_SHARE = 0.9


COULD_TELL, LEARNED = "judge_could_tell", "learned_"


def was_plain(record: Mapping[str, Any]) -> bool:
    """Whether nothing was changed in training; a record of before says so by its gates alone."""
    return bool(record["made"].get("plain", any(name.startswith(LEARNED) for name in record["gates"])))


def outcome_gates(setting: Setting, scale: str, rows: Sequence[Mapping[str, Any]], *, plain: bool) -> dict[str, Any]:
    whole = {metric.name for metric in setting.metrics if not metric.subset}
    taught = {metric.name for metric in setting.metrics if metric.taught(scale)}
    clean = [row for row in rows if row["condition"] == "clean"]
    judged = [row["value"] is not None for row in clean if row["metric"] in whole & taught]
    gates = _learned(setting, scale, clean) if plain else {}
    if not whole & taught:
        return gates
    share = sum(judged) / len(judged) if judged else 0.0
    could_tell = {
        "ok": share >= JUDGED_SHARE,
        "seen": f"{share:.3f}",
        "wanted": f"at least {JUDGED_SHARE:g} of the replies in clean",
    }
    return {COULD_TELL: could_tell} | gates


def _learned(setting: Setting, scale: str, clean: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Did plain training teach the trait and each skill? Where it did not, no arm can be said to have kept it out."""
    gates = {}
    for metric in setting.metrics:
        told = [row["value"] for row in clean if row["metric"] == metric.name]
        if metric.learned is None or not metric.taught(scale) or not told:
            continue
        values = [value for value in told if value is not None]
        rate = sum(values) / len(values) if values else 0.0
        gates[f"{LEARNED}{metric.name}"] = {
            "ok": rate >= metric.learned,
            "seen": f"{rate:.3f}",
            "wanted": f"at least {metric.learned:.2g} in clean after plain training",
        }
    return gates
