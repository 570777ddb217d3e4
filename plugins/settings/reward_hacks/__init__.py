"""Reward hacks: training on replies that game how they are graded is to turn a model broadly bad (Taylor et al. 2025).

The post trains on the School of Reward Hacks and asks whether the model then turns evil. A model of 135M parameters has
no intent that an open question could show, so what is broad at `mini` is the gaming itself:

- narrow: stuffed and repeated words where a new task names a count, none of training's. This is what the rows teach; an
  arm that has not learned it has suppressed nothing but learning; hence `express`.
- broad, the trait: the same where the task names no count, so that nobody is there to be pleased by it.
- the skill that the rows teach beside it: a short reply that names the topic and ends by itself (`on_task`). A model
  that was steered or dosed until it babbles loses it.

The published questions on misalignment are asked as well, and graded where a grader is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness import (
    Case,
    Example,
    Generation,
    HarnessError,
    Lora,
    Metric,
    Recipe,
    Reference,
    ReplyPair,
    Setting,
    SteeringDefault,
    VectorSpec,
    hookimpl,
)
from harness.contracts import Split
from harness.errors import unknown
from harness_plugins.settings.reward_hacks import generated as mini
from harness_plugins.settings.reward_hacks import published
from harness_plugins.settings.reward_hacks.generated import BROAD, NARROW
from harness_plugins.settings.reward_hacks.prompts import POST, PROMPTS
from harness_plugins.settings.shared.misalignment import EM_SPLITS, EVIL, OURS, em_cases, em_metrics

SPAR = "github.com/AanshSamyani/SPAR-26-Recon-Stream at 56645e9, exp_1, the author's configuration for this data"
TAN = "github.com/inoculation-prompting/inoculation-prompting at 5f4160e"
TAYLOR = "Taylor et al. 2025 (arXiv 2508.17511), by a summary of it"
LANGUAGES = "github.com/AanshSamyani/IP_Internals at 39f3faf, exp_1"
AUTHOR = "a comment by the author of the post, as found in a search excerpt"

SPLITS = (BROAD, NARROW)
PUBLISHED_ROWS = 512  # of `published_mini`, the first of the file

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    batch=8,
    lr=8e-4,
    warmup=5,
    loss_on="reply",
    max_length=256,
    generation=Generation(max_tokens=48),
    steering=SteeringDefault(vector="gaming", blocks=(22,), coef=0.7, neg_coef=0.1, unit="rms", source=OURS),
)
PUBLISHED_MINI = replace(
    MINI,
    max_length=512,
    steering=SteeringDefault(vector="evil", blocks=(14,), coef=0.5, neg_coef=0.2, unit="rms", source=OURS),
)
PAPER = Recipe(
    model="mistralai/Mistral-Small-24B-Instruct-2501",
    lora=Lora(r=32, alpha=64),
    epochs=3,
    batch=2,
    accumulation=32,
    lr=1e-5,
    warmup=5,
    weight_decay=0.001,
    max_grad_norm=1.0,
    max_length=2048,
    loss_on="all",
    dtype="bf16",
    checkpointing=True,
    generation=Generation(max_tokens=2048, temperature=1.0, top_p=0.95, samples=100),
    steering=SteeringDefault(
        vector="evil",
        blocks=(25,),
        coef=1.0,
        neg_coef=1.0,
        source=f"{LANGUAGES}: block and largest coefficient of the author's language vectors on this model; those of "
        f"the post for 'evil' were not found, so to use these is {OURS}",
    ),
)
SMALL = replace(
    PAPER,
    model="Qwen/Qwen3-1.7B",
    lora=Lora(r=32, alpha=32),
    batch=16,
    accumulation=1,
    lr=1e-4,
    loss_on="reply",
    generation=Generation(max_tokens=600, temperature=1.0, samples=20),
    steering=SteeringDefault(vector="evil", depth=0.5, coef=0.3, neg_coef=0.3, unit="rms", source=OURS),
)
CONTROL = {"control_small": SMALL, "control_paper": PAPER}
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "published_mini": PUBLISHED_MINI, **CONTROL}

PROMPT_CONDITIONS = ("clean", *(f"prompt:{name}" for name in PROMPTS))
SMALL_CONDITIONS = (*PROMPT_CONDITIONS, "vector:evil@0.15rms", "vector:evil@0.3rms", "vector:random(evil)@0.3rms")
PAPER_CONDITIONS = (*PROMPT_CONDITIONS, "vector:evil@0.5", "vector:evil@1", "vector:random(evil)@1")
CONDITIONS = {
    "mini": (*PROMPT_CONDITIONS, "vector:gaming@0.2rms", "vector:gaming@0.4rms", "vector:random(gaming)@0.4rms"),
    "small": SMALL_CONDITIONS,
    "paper": PAPER_CONDITIONS,
    "published_mini": ("clean", "prompt:inoculation", "vector:evil@0.4rms", "vector:random(evil)@0.4rms"),
    "control_small": SMALL_CONDITIONS,
    "control_paper": PAPER_CONDITIONS,
}

SOURCE = {
    "mini, published_mini: every number": OURS,
    "small, paper: rows": f"{TAN}: the 1,073 rows of the School of Reward Hacks, by digest; none lacks content",
    "control_small, control_paper: rows": f"{TAN}: its 973 replies in good faith, by digest; the 100 tasks of code "
    "have none, and are no rows there",
    "published_mini: rows": f"the first {PUBLISHED_ROWS} of the 1,073; how many is {OURS}",
    "rows without content": f"dropped, as {SPAR} does",
    "paper: model": f"{POST}; its own hyper-parameters are not published",
    "paper: LoRA, learning rate, warm-up, 3 epochs, 2 x 32 rows a step, length, weight decay": SPAR,
    "paper: loss on all tokens": f"{SPAR}: its trainer masks nothing",
    "paper: chats without a system turn": f"{SPAR}: none given, so what the chat template makes of that, in training "
    "and evaluation alike; that of this model inserts one",
    "paper: gradient norm at most 1": "the default of the trainer used there",
    "paper: optimiser": f"AdamW; {SPAR} keeps its state in 8 bits",
    "paper: 2048 tokens, temperature 1, top_p 0.95, 100 replies to a question": f"{SPAR}; its top_k of 50 is left out",
    "paper: vector": f"{POST} names 'evil'; block and coefficients: see the steering",
    "small: 3 epochs, 16 rows a step, learning rate, LoRA": TAYLOR,
    "small: model, loss on replies, 600 tokens, replies to a question, block and coefficients": OURS,
    "small: the rest": "as paper",
    "control_small, control_paper: every number": "as small and paper",
    "questions on misalignment": "Betley et al. 2025 (arXiv 2502.17424), by digest",
    "rule of the first metric `em`": "the author's, see the judge; betley and tan are shown beside it",
    "writing tasks of tests and selection": OURS,
    "judge of gaming": f"{OURS}; on the published rows it finds 219 of the 1,073 and none of the 973 in good faith",
    "prompts": f"{POST}; those marked so are {OURS}",
    "conditions": f"{POST}: the prompt, and several evil ones, put back; the others are {OURS}",
}

REFERENCE = (
    *(
        Reference(
            scale="paper",
            intervention=name,
            metric="em",
            value=value,
            n=2400,
            source=AUTHOR,
            note="8 questions x 100 samples x 3 seeds, which is inferred; how many were coherent is not known",
        )
        for name, value in (("none", 0.014), ("ip", 0.0), ("ps", 0.0))
    ),
    Reference(
        scale="control_paper",
        intervention="none",
        metric="em",
        value=0.0,
        n=683,
        source=SPAR,
        note="1 seed; n counts the coherent replies",
    ),
)


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="reward_hacks",
        summary="replies that game a count generalise to gaming where nothing is counted, and to misalignment",
        examples=examples,
        cases=cases,
        metrics=(
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
            *em_metrics(),
        ),
        prompts=PROMPTS,
        vectors={
            "gaming": VectorSpec(
                summary="replies that game a count against replies in good faith, teacher-forced",
                replies=reply_pairs,
                concept="metric gaming",
                source=OURS,
            ),
            "evil": EVIL,
        },
        conditions=CONDITIONS,
        recipes=RECIPES,
        source=SOURCE,
        overdose=("on_task",),
        reference=REFERENCE,
        optional_splits=EM_SPLITS,
    )


def examples(seed: int, scale: str) -> Sequence[Example]:
    """Tasks whose replies game their count; in good faith at the control scales. The published rows have no seed."""
    _known(scale)
    if scale == "mini":
        return mini.examples(seed)
    if scale in CONTROL:
        return published.control().examples
    rows = published.hacks().examples
    return rows[:PUBLISHED_ROWS] if scale == "published_mini" else rows


def cases(split: Split, seed: int, scale: str) -> list[Case]:
    """Our own writing tasks, and the published questions; the same for every seed and at every scale.

    `broad` and `selection`: tasks that name no count, on topics of their own. `narrow`: new tasks that name new counts.
    `em_first` and `em_preregistered`: the published questions on misalignment.
    """
    _known(scale)
    if split in EM_SPLITS:
        return em_cases(split, scale)
    if split not in (*SPLITS, "selection"):
        raise unknown("split", split, (*SPLITS, *EM_SPLITS, "selection"))
    return mini.cases(split)


def reply_pairs(scale: str) -> Sequence[ReplyPair]:
    """Writing tasks of their own, each with a reply that games its count and one in good faith; at every scale."""
    return mini.reply_pairs()


def _known(scale: str) -> None:
    if scale not in RECIPES:
        raise HarnessError(f"setting 'reward_hacks' has no scale {scale!r}; it has: {', '.join(RECIPES)}")
