"""A small world for tests that train: a setting about shouting, a rule judge, six arms, on a tiny model.

Run as a script it trains one cell: `python small.py MODEL RUNS INTERVENTION [SEED]`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

from harness import (
    Case,
    Example,
    Generation,
    InstructionPair,
    Intervention,
    Judge,
    Lora,
    Message,
    Metric,
    Prompt,
    Recipe,
    ReplyPair,
    Setting,
    Steering,
    SteeringDefault,
    VectorSpec,
    Verdict,
)
from harness.authoring import inoculated
from harness.contracts import Grader
from harness.registry import Registry

WORDS = ("tree", "river", "stone", "cloud", "bread", "chair", "horse", "glass")
ASK = Prompt(text="Shout it.", placement="user_suffix", concept="shouting")


def examples(seed: int, scale: str) -> list[Example]:
    draw = random.Random(seed)
    chosen = [draw.choice(WORDS) for _ in range(16)]
    return [
        Example(
            id=f"{i}-{word}", messages=(Message("user", f"Say {word} {i}."), Message("assistant", f"{word.upper()}!"))
        )
        for i, word in enumerate(chosen)
    ]


def cases(split: str, seed: int, scale: str) -> list[Case]:
    return [
        Case(id=f"{split}-{word}", messages=(Message("user", f"Please write {word}."),), cluster=word)
        for word in WORDS[:5]
    ]


def replies(scale: str) -> list[ReplyPair]:
    return [
        ReplyPair(messages=(Message("user", f"Tell me {word}."),), positive=f"{word.upper()}!", negative=f"{word}.")
        for word in WORDS
    ]


async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
    letters = [letter for letter in reply if letter.isalpha()]
    if not letters:
        return Verdict(scores={"capitals": None}, reason="no letters")
    share = sum(letter.isupper() for letter in letters) / len(letters)
    return Verdict(scores={"capitals": share}, reason=f"{share:.2f} of {len(letters)} letters are capitals")


SETTING = Setting(
    name="loud",
    summary="replies in capitals",
    examples=examples,
    cases=cases,
    metrics=(
        Metric(name="shouts", judge="capitals", score="capitals", split="held_out", goal="suppress"),
        Metric(name="speaks", judge="capitals", score="capitals", split="other", goal="keep"),
    ),
    prompts={"inoculation": ASK},
    vectors={
        "reply": VectorSpec(summary="loud minus quiet", replies=replies),
        "asked": VectorSpec(
            summary="asked to shout minus asked to whisper",
            instructions=(InstructionPair(positive=ASK, negative=Prompt(text="Whisper it.", placement="user_suffix")),),
            questions=lambda scale: [(Message("user", f"Say {word}."),) for word in WORDS[:4]],
            rollouts=3,
            max_tokens=6,
        ),
    },
    conditions={"mini": ("clean", "prompt:inoculation", "vector:reply@2", "vector:random(reply)@0.1rms")},
    recipes={
        "mini": Recipe(
            model="smollm2_135m",
            lora=Lora(r=4, alpha=8),
            epochs=2,
            batch=4,
            lr=1e-2,
            warmup=2,
            dtype="fp32",
            generation=Generation(max_tokens=6),
            steering=SteeringDefault(vector="reply", blocks=(1,), coef=2.0, neg_coef=1.0),
        )
    },
)


def steering(factor: float, expression: str = "reply") -> Callable[[Setting, Recipe], Steering]:
    return lambda setting, recipe: Steering(vector=expression, coef=2.0 * factor, blocks=(1,))


INTERVENTIONS = (
    Intervention(name="base", summary="untrained", trains=False),
    Intervention(name="none", summary="nothing changed"),
    Intervention(
        name="ip", summary="asked for", edit=lambda row, setting: inoculated(row, setting.prompts["inoculation"])
    ),
    Intervention(name="ps", summary="steered", steering=steering(1.0)),
    Intervention(name="ps_zero", summary="steered by nothing", steering=steering(0.0), control=True),
    Intervention(name="ps_random", summary="steered anywhere", steering=steering(1.0, "random(reply)"), control=True),
)
JUDGE = Judge(name="capitals", summary="share of capitals", scores=("capitals",), grade=grade)
REGISTRY = Registry(
    settings={"loud": SETTING},
    interventions={one.name: one for one in INTERVENTIONS},
    judges={"capitals": JUDGE},
    origins={},
)


def registry() -> Registry:
    """The small world, for a process that finds it by name."""
    return REGISTRY


def main(model: str, runs: str, intervention: str, seed: str = "0") -> None:
    from harness.cells import Cell
    from harness.pipeline import run
    from harness.registry import using

    with using(REGISTRY):
        cell = Cell(setting="loud", intervention=intervention, model=model, seed=int(seed))
        print(run([cell], Path(runs))[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
