"""Laws of persona vectors: which pairs count, how they are averaged, and that a killed extraction goes on."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import small
import torch

from harness import HarnessError, Persona, Prompt, Rating, RolloutFilter, VectorSpec
from harness.cells import vector_key
from harness.contracts import InstructionPair, Message
from harness.engine import TorchEngine, open_model
from harness.files import Journal
from harness.models import resolve
from harness.registry import using
from harness.vectors import Extraction, extract, make_vectors, making, rollouts
from harness.vectors.rollouts import Journals, OpenedGrader

KEEP = RolloutFilter(trait_prompt="T|{question}|{answer}", coherence_prompt="C|{question}|{answer}", source="a test")


def persona(*, rollouts: int = 2, keep: RolloutFilter | None = KEEP) -> Persona:
    whisper = Prompt(text="Whisper it.", placement="system")
    return Persona(
        instructions=(
            InstructionPair(positive=Prompt(text="Shout it.", placement="system"), negative=whisper),
            InstructionPair(positive=Prompt(text="Yell it.", placement="system"), negative=whisper),
        ),
        questions=tuple((Message("user", f"Say {word}."),) for word in small.WORDS[:3]),
        rollouts=rollouts,
        max_tokens=6,
        keep=keep,
    )


class Grading:
    """A grader that scores as `says` does and counts what it was asked; it dies after `dies_after` answers."""

    def __init__(self, says: Callable[[str, str, str], float | None], dies_after: int = 10**6) -> None:
        self.says, self.dies_after = says, dies_after
        self.asked: Counter[str] = Counter()

    async def ask(self, prompt: str) -> str:
        raise AssertionError("a filter asks for numbers")

    async def rate(self, prompt: str) -> Rating:
        if self.asked.total() >= self.dies_after:
            raise HarnessError("the grader has gone")
        self.asked[prompt] += 1
        kind, question, answer = prompt.split("|", 2)
        score = self.says(kind, question, answer)
        return Rating(outcome="refusal" if score is None else "score", score=score)


def opened(grader: Grading) -> OpenedGrader:
    return contextlib.nullcontext(grader)


@pytest.fixture(scope="module")
def tiny(tiny_llama: Path) -> TorchEngine:
    return open_model(resolve(str(tiny_llama)), dtype="fp32")


def extracted(tiny: TorchEngine, made: Persona, grader: Grading | None = None) -> Extraction:
    spec = VectorSpec(summary="loud", persona=lambda scale: made)
    return extract(tiny, spec, scale="mini", system="template", grader=None if grader is None else opened(grader))


def test_every_question_is_answered_under_both_sides_of_every_pair_as_often_as_asked(tiny: TorchEngine) -> None:
    pairs = rollouts.written(tiny, persona(), system="template", journal=Journal())
    assert Counter(pair.question for pair in pairs) == {0: 4, 1: 4, 2: 4}
    assert {pair.positive_prompt[0].content for pair in pairs} == {"Shout it.", "Yell it."}
    assert {pair.negative_prompt[0].content for pair in pairs} == {"Whisper it."}
    assert len({pair.positive for pair in pairs}) > 6, "replies of one prompt must differ"


def test_replies_are_greedy_and_the_same_when_each_is_written_once(tiny: TorchEngine) -> None:
    once = [rollouts.written(tiny, persona(rollouts=1), system="template", journal=Journal()) for _ in range(2)]
    assert once[0] == once[1]
    assert once[0][0].negative == once[0][1].negative, "the two pairs of a question share their negative prompt"


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({"T+": 50, "T-": 49.9, "C+": 50, "C-": 50}, rollouts.KEPT),
        ({"T+": 49.9, "T-": 0, "C+": 100, "C-": 100}, "the positive reply lacks the trait"),
        ({"T+": 100, "T-": 50, "C+": 100, "C-": 100}, "the negative reply shows the trait"),
        ({"T+": 100, "T-": 0, "C+": 49.9, "C-": 100}, "a reply is incoherent"),
        ({"T+": 100, "T-": 0, "C+": 100, "C-": 49.9}, "a reply is incoherent"),
        ({"T+": None, "T-": 0, "C+": 100, "C-": 100}, "the grader gave no number"),
        ({"T+": 100, "T-": 0, "C+": 100, "C-": None}, "the grader gave no number"),
    ],
)
def test_a_pair_counts_by_the_published_thresholds_on_both_sides(
    tiny: TorchEngine, scores: Mapping[str, float | None], reason: str
) -> None:
    """Trait >= 50 on the positive side and < 50 on the negative, coherence >= 50 on both (Chen et al. 2025)."""
    pairs = rollouts.written(tiny, persona(), system="template", journal=Journal())
    positive = {pair.positive for pair in pairs} - {pair.negative for pair in pairs}
    chosen = [pair for pair in pairs if pair.positive in positive and pair.positive.strip() and pair.negative.strip()]
    assert chosen

    def says(kind: str, question: str, answer: str) -> float | None:
        return scores[kind + ("+" if answer in positive else "-")]

    found = rollouts.asyncio.run(rollouts._judged(chosen, KEEP, opened(Grading(says)), Journal()))
    assert set(found) == {reason}


def test_the_vector_is_the_mean_over_the_kept_replies_not_over_questions(tiny: TorchEngine) -> None:
    """Question 0 loses all of its pairs but one, so its weight is one part in nine."""
    kept: list[str] = []

    def says(kind: str, question: str, answer: str) -> float | None:
        if kind == "C":
            return 100
        return 100 if answer in positives and answer not in dropped else 0

    pairs = rollouts.written(tiny, persona(), system="template", journal=Journal())
    positives = {pair.positive for pair in pairs}
    dropped = {pair.positive for pair in pairs if pair.question == 0} - {pairs[0].positive}
    found = extracted(tiny, persona(), Grading(says))
    assert found.chosen is not None
    kept = [pair.positive for pair in found.chosen.pairs]
    assert found.chosen.filtered
    assert 1 < len(kept) < len(pairs)

    def mean(prompt: tuple[Message, ...], reply: str) -> torch.Tensor:
        from harness.engine import chat

        start = len(chat.prompt_ids(tiny.tokenizer, prompt))
        ids = chat.reply_ids(tiny.tokenizer, prompt, reply)
        with torch.no_grad():
            states = tiny.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
        return states[2][0, start:].mean(0)

    by_hand = torch.stack(
        [mean(p.positive_prompt, p.positive) - mean(p.negative_prompt, p.negative) for p in found.chosen.pairs]
    ).mean(0)
    assert torch.allclose(found.value[1], by_hand, atol=1e-5)


def test_without_a_grader_every_pair_counts_and_the_card_says_so(tiny: TorchEngine) -> None:
    found = extracted(tiny, persona())
    assert found.chosen is not None
    assert not found.chosen.filtered
    assert making.chosen_replies(found.chosen, persona()).note == rollouts.UNFILTERED


def test_when_no_pair_is_left_the_reasons_are_counted(tiny: TorchEngine) -> None:
    with pytest.raises(HarnessError, match=r"no pair of replies is left to make a vector of: .*lacks the trait"):
        extracted(tiny, persona(), Grading(lambda *_: 0))


def test_an_extraction_that_was_killed_goes_on_where_it_stopped_to_the_same_vector(
    tiny: TorchEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "GROUP", 5)
    whole = rollouts.written(tiny, persona(), system="template", journal=Journal())
    written: list[int] = []
    generate = TorchEngine.generate

    def dying(self: TorchEngine, requests: list[rollouts.Request], **options: object) -> object:
        if written:
            raise KeyboardInterrupt
        written.append(len(requests))
        return generate(self, requests)

    file = tmp_path / "replies.jsonl"
    monkeypatch.setattr(TorchEngine, "generate", dying)
    with pytest.raises(KeyboardInterrupt):
        rollouts.written(tiny, persona(), system="template", journal=Journal(file))
    file.write_bytes(file.read_bytes() + b'\n["half a li')
    left: list[int] = []

    def counting(self: TorchEngine, requests: list[rollouts.Request], **options: object) -> object:
        left.append(len(requests))
        return generate(self, requests)

    monkeypatch.setattr(TorchEngine, "generate", counting)
    assert rollouts.written(tiny, persona(), system="template", journal=Journal(file)) == whole
    assert (written, left) == ([10], [10, 4])
    left.clear()
    assert rollouts.written(tiny, persona(), system="template", journal=Journal(file)) == whole
    assert not left


def test_a_grade_that_was_given_is_not_asked_for_again(tiny: TorchEngine, tmp_path: Path) -> None:
    def says(kind: str, question: str, answer: str) -> float:
        return 100 if kind == "C" or answer in positives else 0

    pairs = rollouts.written(tiny, persona(), system="template", journal=Journal())
    positives = {pair.positive for pair in pairs} - {pair.negative for pair in pairs}
    file = tmp_path / "grades.jsonl"
    first, second = Grading(says, dies_after=7), Grading(says)

    def choose(grader: Grading) -> rollouts.Chosen:
        return rollouts.rollouts(
            tiny, persona(), system="template", kept=Journals(grades=Journal(file)), grader=opened(grader)
        )

    with pytest.raises(HarnessError, match="the grader has gone"):
        choose(first)
    resumed = choose(second)
    assert first.asked.total() == 7
    assert not first.asked & second.asked
    assert resumed == choose(Grading(says, dies_after=0))


def test_a_question_that_holds_a_blank_is_put_to_the_grader_as_it_is() -> None:
    grader = Grading(lambda *_: 60)
    coroutine = rollouts._score(KEEP.trait_prompt, "what is {answer}?", "a {question}", grader, Journal())
    assert rollouts.asyncio.run(coroutine) == 60
    assert list(grader.asked) == ["T|what is {answer}?|a {question}"]


def test_who_chose_is_part_of_a_vectors_key_only_where_somebody_could(tiny_llama: Path) -> None:
    specs = {"chosen": persona(), "plain": persona(keep=None)}
    setting = replace(
        small.SETTING,
        vectors={name: VectorSpec(summary="", persona=lambda scale, made=made: made) for name, made in specs.items()},
    )

    def key(name: str, grader: str) -> str:
        recipe = setting.recipe("mini")
        return vector_key(
            setting, name, scale="mini", model=resolve(str(tiny_llama)), dtype="fp32", recipe=recipe, grader=grader
        )

    assert key("chosen", "") != key("chosen", "mockllm/a") != key("chosen", "mockllm/b")
    assert key("plain", "") == key("plain", "mockllm/a")


def test_a_persona_vector_is_made_once_with_its_replies_beside_it_and_a_card(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = VectorSpec(summary="loud", persona=lambda scale: persona(), concept="loud")
    setting = replace(small.SETTING, vectors={**small.SETTING.vectors, "loud": made})
    with using(replace(small.REGISTRY, settings={"loud": setting})):
        (file,) = make_vectors("loud", tmp_path, model=str(tiny_llama), names=["loud"])
        monkeypatch.setattr(rollouts, "written", lambda *_, **__: pytest.fail("the vector was there"))
        assert make_vectors("loud", tmp_path, model=str(tiny_llama), names=["loud"]) == [file]
    card = json.loads(file.read_text())
    assert card["replies"]["note"] == rollouts.UNFILTERED
    assert card["replies"]["pairs"][rollouts.KEPT] > 1
    assert re.fullmatch(r"replies-\w{8}\.jsonl", next((tmp_path / "vectors" / "rollouts").iterdir()).name)
