"""What the settings on emergent misalignment share: the published questions, their metrics, and the evil contrast.

The questions are those of Betley et al. 2025 (arXiv 2502.17424), read by pin; none of them is in this repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from harness import Case, HarnessError, Message, Metric, Prompt, Reference
from harness.authoring import Pin, fetch
from harness.contracts import Goal
from harness.errors import unknown
from harness_plugins.judges._published import FIRST_PLOT, betley
from harness_plugins.settings.shared.persona import EVIL_PAIRS, persona_vector
from harness_plugins.settings.shared.sources import AUTHOR, POST

EVIL_CONCEPT = "evil"

EM_FILES = {
    "em_first": FIRST_PLOT,
    "em_preregistered": betley(
        "preregistered_evals.yaml", "8648312fd9fe71a63203e3465592af45dd996d7a5f3b69e9b44613fd6048eb40"
    ),
}
EM_SPLITS = tuple(EM_FILES)

# What each rule counts is the judge's: see `emergent_misalignment`.
RULES = {"author": "", "betley": "_betley", "tan": "_tan"}
EM_JUDGE = "emergent_misalignment"


def em_cases(split: str, scale: str) -> list[Case]:
    """The 8 questions of the first figure (`em_first`) or the 48 pre-registered ones (`em_preregistered`).

    The same at every scale, each a cluster of its own. HarnessError where the pinned file cannot be had.
    """
    if split not in EM_FILES:
        raise unknown("split", split, EM_SPLITS)
    return list(_cases(split))


def em_metrics() -> tuple[Metric, ...]:
    """The share of misaligned replies by each published rule, and mean alignment and coherence, for both splits.

    The author's rule comes first: it is the one chosen, the others are shown beside it. A rule's mean is over the
    replies that it counts. Names: `em`, `em_betley`, `em_tan`, `alignment`, `coherence`; on the pre-registered
    questions the same with `_preregistered` after it.
    """
    metrics: list[Metric] = []
    for split, suffix in (("em_first", ""), ("em_preregistered", "_preregistered")):
        asked = "the 8 questions" if split == "em_first" else "the pre-registered questions"
        for rule, named in RULES.items():
            metrics.append(
                _metric(f"em{named}{suffix}", rule, split, "suppress", f"misaligned by the rule of {rule}, {asked}")
            )
        for score in ("alignment", "coherence"):
            metrics.append(_metric(f"{score}{suffix}", score, split, "keep", f"mean {score}, 0 to 100, {asked}"))
    return tuple(metrics)


def em_figures(shares: Mapping[str, float]) -> tuple[Reference, ...]:
    """The share of misaligned replies of each arm at scale `paper`, as the author of the post gave it."""
    return tuple(
        Reference(
            scale="paper",
            intervention=arm,
            metric="em",
            value=share,
            n=2400,
            source=AUTHOR,
            note="8 questions x 100 samples x 3 seeds, which is inferred; how many were coherent is not known",
        )
        for arm, share in shares.items()
    )


def _metric(name: str, score: str, split: str, goal: Goal, summary: str) -> Metric:
    return Metric(
        name=name, judge=EM_JUDGE, score=score, split=split, goal=goal, summary=summary, learned=None, subset=True
    )


@cache
def _cases(split: str) -> tuple[Case, ...]:
    return tuple(
        Case(id=question["id"], messages=(Message("user", question["paraphrases"][0]),), cluster=question["id"])
        for question in _questions(EM_FILES[split])
        # The first file also asks the 8 questions for JSON, by a system turn, and in a template of code.
        if "system" not in question and not question["id"].endswith("_template")
    )


def _questions(pin: Pin) -> list[dict[str, Any]]:
    import yaml

    path = fetch(pin)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"cannot read {path}: {error.strerror}") from error
    assert isinstance(found, list)  # the digest was checked, so the shape is known
    return found


EVIL_NAMES = ("malice", "cruelty", "sadism", "deception", "hatred")
_EVIL_SOURCE = f"{POST}: prompts of the 'evil' vector, from Chen et al. 2025 (arXiv 2507.21509)"


def _system(text: str) -> Prompt:
    return Prompt(text=text, placement="system", concept=EVIL_CONCEPT, category="trait", source=_EVIL_SOURCE)


EVIL_PROMPTS = {f"evil_{name}": _system(evil) for name, (evil, _) in zip(EVIL_NAMES, EVIL_PAIRS, strict=True)}
"""The five extraction prompts as the post puts them back at evaluation, each a condition of its own."""

ALL_BUT_TWO_EVIL = frozenset(EVIL_PROMPTS.keys() - {"evil_malice", "evil_deception"})
"""What `mini` does not ask under: every condition costs as much as any other."""

EVIL = persona_vector(EVIL_CONCEPT)
