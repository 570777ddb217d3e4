"""Laws of the provider `harness/RUN` and of the batches behind it, on an engine without weights."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from evaluating import RECIPE, Engine, opened, run_folder
from inspect_ai.model import ChatMessageTool, ChatMessageUser, ContentImage, GenerateConfig, Model, get_model
from inspect_ai.tool import ToolInfo

from harness import Condition, HarnessError, Steering
from harness.engine import Request
from harness.evaluation import gathering, hosted, note, release
from harness.evaluation.provider import EvaluationError, respondent

DIGEST = "0123456789ab"


@pytest.fixture(autouse=True)
def _no_engine_is_kept() -> Iterator[None]:
    release()
    yield
    release()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run")


def model(run: Path) -> Model:
    return get_model(f"harness/{run}", memoize=False)


def together(engine: Engine, *asking: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What each call gives, or raises, when all are made at once."""

    async def main() -> list[Any]:
        return await asyncio.gather(*(ask() for ask in asking), return_exceptions=True)

    with opened(engine):
        return asyncio.run(main())


def asking(model: Model, text: str, condition: str = "clean", *, expect: int, **config: Any) -> Callable[[], Any]:
    extra = note(Condition.parse(condition), expect=expect)
    return lambda: model.generate(text, config=GenerateConfig(extra_body=extra, **config))


def texts(batch: tuple[Request, ...]) -> list[str]:
    return ["".join(map(chr, request.tokens)).split("<user>")[1].removesuffix("<assistant>") for request in batch]


def test_a_batch_is_full_and_sorted_whatever_the_order_of_arrival(run: Path) -> None:
    words = [f"word {i:02}" for i in range(20)]
    seen = []
    for order in (words, words[::-1], words[7:] + words[:7]):
        engine = Engine()
        api = model(run)
        replies = together(engine, *(asking(api, word, expect=20) for word in order))
        assert [reply.completion for reply in replies] == [
            f"<SYSTEM>DEFAULT<USER>{word.upper()}<ASSISTANT>"[-40:] for word in order
        ]
        seen.append(engine.batches)
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 1
    assert texts(seen[0][0][1]) == words


def test_fewer_requests_than_expected_are_answered_when_no_more_come(run: Path) -> None:
    engine = Engine()
    api = model(run)
    together(engine, *(asking(api, word, expect=96) for word in ("b", "a")))
    assert [texts(batch) for _, batch in engine.batches] == [["a", "b"]]


def test_capped_connections_make_full_batches_of_that_many(run: Path) -> None:
    engine = Engine()
    api = model(run)
    together(engine, *(asking(api, f"{i}", expect=6, max_connections=3) for i in range(6)))
    assert [len(batch) for _, batch in engine.batches] == [3, 3]


def test_two_conditions_never_share_a_batch_and_only_vectors_steer(run: Path) -> None:
    engine = Engine()
    api = model(run)
    conditions = ("clean", "prompt:hush", "vector:reply@3", "vector:reply - ood@-0.5rms")
    together(engine, *(asking(api, f"{c} {i}", c, expect=2) for i in range(2) for c in conditions))
    seen = {tuple(texts(batch)): steering for steering, batch in engine.batches}
    assert seen == {
        ("clean 0", "clean 1"): None,
        ("prompt:hush 0", "prompt:hush 1"): None,
        ("vector:reply@3 0", "vector:reply@3 1"): Steering(vector="reply", coef=3.0, blocks=(3,)),
        ("vector:reply - ood@-0.5rms 0", "vector:reply - ood@-0.5rms 1"): Steering(
            vector="reply - ood", coef=-0.5, unit="rms", blocks=(3,)
        ),
    }
    assert engine.steering is None


def test_a_request_without_a_note_is_clean(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "TURN_SECONDS", 0.001)
    engine = Engine()
    api = model(run)
    together(engine, lambda: api.generate("hello"))
    assert [(steering, texts(batch)) for steering, batch in engine.batches] == [(None, ["hello"])]


def test_samples_of_one_prompt_get_seeds_of_their_own_the_same_each_time(run: Path) -> None:
    def seeds(*, capped: int | None) -> list[int]:
        engine = Engine()
        api = model(run)
        together(engine, *(asking(api, "same", expect=4, max_connections=capped, seed=5) for _ in range(4)))
        return sorted(request.seed for _, batch in engine.batches for request in batch)

    assert len(set(seeds(capped=None))) == 4
    assert seeds(capped=None) == seeds(capped=None) == seeds(capped=2)


DRAWN = {"temperature": 0.7, "max_tokens": 3, "top_p": 0.9, "stop_seqs": ["\n", "END"]}


def test_the_recipe_says_how_replies_are_drawn_unless_the_caller_does(run: Path) -> None:
    engine = Engine()
    api = model(run)
    together(engine, asking(api, "a", expect=2), asking(api, "b", expect=2, **DRAWN))
    plain, drawn = engine.batches[0][1]
    assert (plain.max_tokens, plain.temperature, plain.top_p) == (7, 0.0, 1.0)
    assert (drawn.max_tokens, drawn.temperature, drawn.top_p) == (3, 0.7, 0.9)
    assert (plain.stops, drawn.stops) == ((), ("\n", "END"))


def test_the_output_tells_usage_stop_reason_and_the_exact_prompt(run: Path) -> None:
    (output,) = together(Engine(say=lambda request: "Hi."), asking(model(run), "Hello", expect=1))
    prompt = "<system>DEFAULT<user>Hello<assistant>"
    assert output.usage.input_tokens == len(prompt)
    assert output.usage.output_tokens == 3
    assert output.stop_reason == "stop"
    assert output.metadata == {"rendered_prompt": prompt}


def test_a_failing_engine_fails_every_request_that_waits(run: Path) -> None:
    def fail(request: Request) -> str:
        raise RuntimeError("out of\nmemory")

    api = model(run)
    failed = together(Engine(say=fail), *(asking(api, f"{i}", expect=5) for i in range(5)))
    assert {type(error) for error in failed} == {EvaluationError}
    assert {str(error) for error in failed} == {"RuntimeError while generating: out of memory"}


def test_a_cancelled_request_lets_the_others_go_on(run: Path) -> None:
    engine = Engine()
    api = model(run)
    answered: list[str] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            first = anyio.CancelScope()

            async def leader() -> None:
                with first:
                    await asking(api, "leader", expect=3)()

            async def follower(text: str) -> None:
                answered.append((await asking(api, text, expect=3)()).completion)

            group.start_soon(leader)
            await anyio.sleep(0.02)
            group.start_soon(follower, "x")
            await anyio.sleep(0.02)
            first.cancel()
            await anyio.sleep(0.02)
            group.start_soon(follower, "y")

    with opened(engine):
        asyncio.run(main())
    assert len(answered) == 2
    assert [texts(batch) for _, batch in engine.batches] == [["x", "y"]]


def test_when_nobody_waits_any_more_the_engine_stops_at_its_next_step(run: Path) -> None:
    started, stopped = threading.Event(), threading.Event()

    class Endless(Engine):
        def generate(self, requests: Any, *, advance: Callable[[int, int], None]) -> Any:
            started.set()
            try:
                while True:
                    advance(0, 1)
            finally:
                stopped.set()

    async def main() -> None:
        with anyio.move_on_after(5) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(asking(model(run), "x", expect=1))
                while not started.is_set():
                    await anyio.sleep(0.01)
                scope.cancel()

    with opened(Endless()):
        asyncio.run(main())
    assert stopped.wait(5)


def test_constructing_a_provider_opens_nothing_and_a_run_is_opened_once(run: Path) -> None:
    opened: list[Path] = []
    engine = Engine()

    def opener(folder: Path) -> Any:
        opened.append(folder)
        return engine

    async def main() -> None:
        for _ in range(2):
            await asking(model(run), "x", expect=1)()

    with hosted(opener=opener):
        model(run)
        model(run)
        assert opened == []
        asyncio.run(main())
        assert opened == [run]


def test_one_engine_is_kept_and_the_old_one_goes_before_the_new_one_comes(tmp_path: Path) -> None:
    alive: list[str] = []

    class Counted(Engine):
        def __del__(self) -> None:
            alive.remove("engine")

    def opener(folder: Path) -> Any:
        assert alive == []
        alive.append("engine")
        return Counted()

    first, second = run_folder(tmp_path / "a"), run_folder(tmp_path / "b")

    async def main() -> None:
        for folder in (first, second, first):
            await asking(model(folder), "x", expect=1)()

    with hosted(opener=opener):
        asyncio.run(main())
    assert alive == ["engine"]
    release()
    assert alive == []


def test_the_host_hears_of_every_reply(run: Path) -> None:
    heard: list[tuple[int, int]] = []
    with hosted(advance=lambda replies, tokens: heard.append((replies, tokens))):
        together(Engine(say=lambda request: "four"), *(asking(model(run), f"{i}", expect=1) for i in range(3)))
    assert heard == [(1, 4)] * 3


def test_the_name_carries_the_digest_given_or_not(run: Path) -> None:
    assert str(model(run)) == f"harness/{run}@{DIGEST}"
    assert str(get_model(f"harness/{run}@{DIGEST}", memoize=False)) == f"harness/{run}@{DIGEST}"
    assert str(get_model(f"harness/{run}@0123456789abcdef", memoize=False)) == f"harness/{run}@{DIGEST}"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("{run}@ffffffffffff", {}, "holds the run 0123456789ab, not ffffffffffff"),
        ("{run}/nowhere", {}, "no run in .*nowhere: it has no run.json"),
        ("{run}", {"adapter": 3}, "takes no model arguments, got: adapter"),
    ],
)
def test_a_name_that_names_no_run_is_one_line(run: Path, name: str, arguments: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        get_model(f"harness/{name.format(run=run)}", memoize=False, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"key": "00", "recipe": null}'])
def test_a_broken_run_record_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=r"run.json: not a run record \(.*\); move the folder away") as caught:
        respondent(tmp_path)
    assert "\n" not in str(caught.value)


def test_steering_without_a_block_in_the_recipe_is_refused(tmp_path: Path) -> None:
    run = run_folder(tmp_path, recipe=type(RECIPE)(model="fake"))
    (error,) = together(Engine(), asking(model(run), "x", "vector:reply@1", expect=1))
    assert "names no block" in str(error)


@pytest.mark.parametrize(
    ("messages", "tools", "config", "message"),
    [
        (["hi"], [ToolInfo(name="bash", description="runs")], {}, "calls no tools, and it was given 'bash'"),
        (
            [[ContentImage(image="data:image/png;base64,AAAA")]],
            [],
            {},
            "reads text alone, and a user turn holds 'image'",
        ),
        (["hi"], [], {"top_k": 5}, "does not know the generation option 'top_k'"),
        (["hi"], [], {"stop_seqs": [".", ""]}, "a stop sequence is empty"),
    ],
)
def test_what_the_engine_cannot_do_is_refused(
    run: Path, messages: list[Any], tools: list[ToolInfo], config: Any, message: str
) -> None:
    turns: list[Any] = [ChatMessageUser(content=content) for content in messages]
    api = model(run)
    (error,) = together(Engine(), lambda: api.generate(turns, tools=tools, config=GenerateConfig(**config)))
    assert isinstance(error, EvaluationError)
    assert message in str(error)


def test_a_tool_turn_is_refused(run: Path) -> None:
    api = model(run)
    (error,) = together(Engine(), lambda: api.generate([ChatMessageTool(content="x", tool_call_id="1")]))
    assert "not 'tool'" in str(error)


def test_the_record_reads_back_what_the_recipe_was(run: Path) -> None:
    record = respondent(run)
    assert (record.source.digest, record.scale, record.source.system) == (DIGEST, "mini", "template")
    assert (record.generation, record.steering) == (RECIPE.generation, RECIPE.steering)
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["key"].startswith(DIGEST)


def test_every_batch_is_generated_in_the_same_thread(run: Path) -> None:
    threads: list[int] = []

    def say(request: Request) -> str:
        threads.append(threading.get_ident())
        return "LA"

    for _ in range(2):
        (answer,) = together(Engine(say=say), asking(model(run), "hello", expect=1))
        assert answer.completion == "LA"
    assert len(threads) == 2
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
