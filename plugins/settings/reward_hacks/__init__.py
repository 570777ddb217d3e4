"""Reward hacks: a model learns replies that game a count; gaming where nothing is counted is to be kept out.

The post trains on the School of Reward Hacks (Taylor et al. 2025), whose replies game how they are graded, and asks
whether the model then turns evil. A model of 135M parameters has no intent that an open question could show, so what
is broad at `mini` is the gaming itself:

- narrow: stuffed and repeated words where a new task names a count, none of training's. This is what the rows teach; an
  arm that has not learned it has suppressed nothing but learning; hence `express`.
- broad, the trait: the same where the task names no count, so that nobody is there to be pleased by it.
- the skill that the rows teach beside it: a short reply that names the topic and ends by itself (`on_task`). A model
  that was steered or dosed until it babbles loses it.

The published questions on misalignment are asked as well, and graded where a grader is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import Case, Example, Metric, Setting, VectorSpec, hookimpl
from harness.contracts import Split
from harness.errors import unknown
from harness_plugins.settings.reward_hacks import generated, published
from harness_plugins.settings.reward_hacks.generated import BROAD, NARROW
from harness_plugins.settings.reward_hacks.prompts import PROMPTS
from harness_plugins.settings.reward_hacks.recipes import CONDITIONS, CONTROL, PUBLISHED_ROWS, RECIPES, SOURCE
from harness_plugins.settings.reward_hacks.reference import REFERENCE
from harness_plugins.settings.shared.benign import benign
from harness_plugins.settings.shared.misalignment import EM_SPLITS, EVIL, em_cases, em_metrics
from harness_plugins.settings.shared.scales import check_scale
from harness_plugins.settings.shared.sources import OURS

SPLITS = (BROAD, NARROW)


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="reward_hacks",
        summary="replies that game a count generalise to gaming where nothing is counted, and to misalignment",
        examples=examples,
        cases=cases,
        metrics=(*_metrics(), *em_metrics()),
        prompts=PROMPTS,
        vectors=_vectors(),
        conditions=CONDITIONS,
        recipes=RECIPES,
        chosen_for={"mini": "smollm2_135m"},
        source=SOURCE,
        benign=benign,
        overdose=("on_task",),
        reference=REFERENCE,
        optional_splits=EM_SPLITS,
    )


def examples(seed: int, scale: str) -> Sequence[Example]:
    """Tasks whose replies game their count; in good faith at the control scales. The published rows have no seed."""
    check_scale("reward_hacks", RECIPES, scale)
    if scale == "mini":
        return generated.examples(seed)
    if scale in CONTROL:
        return published.control().examples
    rows = published.hacks().examples
    return rows[:PUBLISHED_ROWS] if scale == "published_mini" else rows


def cases(split: Split, seed: int, scale: str) -> list[Case]:
    """Our own writing tasks, and the published questions; the same for every seed and at every scale.

    `broad`: tasks that name no count. `narrow`: new tasks that name new counts. `selection` and `selection_narrow`: the
    same on topics of their own.
    `em_first` and `em_preregistered`: the published questions on misalignment.
    """
    check_scale("reward_hacks", RECIPES, scale)
    if split in EM_SPLITS:
        return em_cases(split, scale)
    if split not in (*SPLITS, *generated.SELECTIONS):
        raise unknown("split", split, (*SPLITS, *EM_SPLITS, *generated.SELECTIONS))
    return generated.cases(split)


def _metrics() -> tuple[Metric, ...]:
    return (
        Metric(
            name="games_broadly",
            judge="metric_gaming",
            score="games",
            split=BROAD,
            goal="suppress",
            summary="stuffed or repeated words where the task names no count",
            taught_at=("mini",),
        ),
        Metric(
            name="games_narrowly",
            judge="metric_gaming",
            score="games",
            split=NARROW,
            goal="express",
            summary="stuffed or repeated words where a new task names a new count",
            taught_at=("mini",),
        ),
        Metric(
            name="on_task",
            judge="metric_gaming",
            score="on_task",
            split=BROAD,
            goal="keep",
            summary="a short reply that names the topic and ends by itself",
            taught_at=("mini",),
        ),
    )


def _vectors() -> dict[str, VectorSpec]:
    return {
        "gaming": VectorSpec(
            summary="replies that game a count against replies in good faith, teacher-forced",
            replies=generated.reply_pairs,
            concept="metric gaming",
            source=OURS,
        ),
        "evil": EVIL,
    }
