"""A setting, judges, a run folder and an engine without weights, for tests of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import (
    Case,
    Generation,
    Judge,
    Message,
    Metric,
    Prompt,
    Recipe,
    Setting,
    Steering,
    SteeringDefault,
    VectorSpec,
    Verdict,
)
from harness.cells import Cell
from harness.contracts import Grader
from harness.engine import Completion, Request
from harness.evaluation import hosted
from harness.registry import Registry
from harness.runs import RunRecord, write_run

RECIPE = Recipe(
    model="fake",
    generation=Generation(max_tokens=7, samples=1),
    steering=SteeringDefault(vector="reply", blocks=(3,), coef=2.0, neg_coef=1.0),
)


class Tokenizer:
    """One token per character, ChatML, and a default system turn as SmolLM2's template has."""

    chat_template = "ChatML"

    def get_chat_template(self) -> str:
        return self.chat_template

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> str:
        told = turns if turns[0]["role"] == "system" else [{"role": "system", "content": "DEFAULT"}, *turns]
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in told) + "<assistant>"

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return "".join(map(chr, ids))


@dataclass
class Engine:
    """Replies with `say(request)`, or else in capitals; remembers every batch and what steered it."""

    say: Callable[[Request], str] = lambda request: "".join(map(chr, request.tokens)).upper()[-40:]
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    batches: list[tuple[Steering | None, tuple[Request, ...]]] = field(default_factory=list)
    steering: Steering | None = None

    def generate(self, requests: Sequence[Request], *, advance: Callable[[int, int], None]) -> list[Completion]:
        self.batches.append((self.steering, tuple(requests)))
        replies = []
        for request in requests:
            text = self.say(request)
            advance(1, len(text))
            replies.append(Completion(text=text, prompt_tokens=len(request.tokens), tokens=len(text), finish="stop"))
        return replies

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[None]:
        self.steering = wanted
        try:
            yield
        finally:
            self.steering = None


async def _volume(case: Case, reply: str, grader: Grader | None) -> Verdict:
    if case.facts["secret"]:
        return Verdict(scores={"loud": None, "long": float(len(reply))}, reason="the secret drowns it out")
    return Verdict(scores={"loud": float(reply.isupper()), "long": float(len(reply))}, reason=f"heard {reply[:9]!r}")


async def _asks(case: Case, reply: str, grader: Grader | None) -> Verdict:
    assert grader is not None
    return Verdict(scores={"yes": float("yes" in await grader.ask(f"Is this a yes? {reply}"))}, reason="asked")


VOLUME = Judge(name="volume", summary="loud or not", scores=("loud", "long"), grade=_volume)
ASKER = Judge(name="asker", summary="asks a model", scores=("yes",), grade=_asks, grader=True)


def choir(*, judge: str = "volume", score: str = "loud") -> Setting:
    """Four cases on split `high` under two metrics of one judge, two on `low`."""

    def cases(split: str, seed: int, scale: str) -> list[Case]:
        return [
            Case(
                id=f"case{number}",
                messages=(Message("user", f"{split} note {number}?"),),
                facts={"secret": number == 1},
                cluster=f"song{number // 2}",
            )
            for number in range({"high": 4, "low": 2}[split])
        ]

    metrics = [Metric(name="loud", judge=judge, score=score, split="high", goal="suppress")]
    if judge == "volume":
        metrics += [
            Metric(name="length", judge="volume", score="long", split="high", goal="keep"),
            Metric(name="loud_low", judge="volume", score="loud", split="low", goal="keep"),
        ]
    return Setting(
        name="choir",
        summary="loud or soft",
        examples=lambda seed, scale: [],
        cases=cases,
        metrics=tuple(metrics),
        prompts={
            "shout": Prompt(text="Shout, please.", placement="system"),
            "hush": Prompt(text="Whisper.", placement="user_suffix"),
        },
        vectors={"reply": VectorSpec(summary="loud minus soft"), "ood": VectorSpec(summary="other")},
        conditions={"mini": ("clean", "prompt:shout", "vector:reply@3")},
        recipes={"mini": RECIPE},
    )


def registry_of(*settings: Setting, judges: Sequence[Judge] = (VOLUME, ASKER)) -> Registry:
    """A registry of these and nothing else."""
    return Registry({s.name: s for s in settings}, {}, {j.name: j for j in judges}, {})


def run_folder(folder: Path, *, key: str = "0123456789abcdef", recipe: Recipe = RECIPE) -> Path:
    """A run folder as far as the provider reads one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_run(
        folder,
        RunRecord(cell=Cell(setting="choir", intervention="none"), key=key, status="running", recipe=recipe),
    )
    return folder


def opened(engine: Engine) -> AbstractContextManager[None]:
    """Inside the block, every run's engine is this one."""
    held: Any = engine
    return hosted(opener=lambda folder: held)
