"""Laws of a grader over real HTTP: right scores whatever the connection does, nothing lost, nothing asked twice."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from grader_server import Answer, Said, Server, Trouble, serving

from harness import HarnessError, Rating
from harness.graders import ModelGrader, asking, opened
from harness.graders.judgements import judgements, key_of

pytest.importorskip("openai", reason="a grader over HTTP needs the extra 'graders'")

NAME = "openai-api/loopback/made-up"


@pytest.fixture(autouse=True)
def _a_world_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(asking, "LONGEST_WAIT", 0.05)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts servers, and has the grader ask the last one."""
    open_servers = []

    def start(answer: Answer, *, port: int = 0) -> Server:
        context = serving(answer, port=port)
        server = context.__enter__()
        open_servers.append(context)
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        return server

    yield start
    for context in open_servers:
        context.__exit__(None, None, None)


def number(prompt: str) -> int:
    return int(prompt.removeprefix("reply "))


def right(prompt: str, nth: int = 0) -> Said:
    """The number that the prompt ends with, three quarters of the mass; the rest on a word."""
    return Said(str(number(prompt)), {str(number(prompt)): 0.75, "The": 0.25})


def rated(grader: ModelGrader, prompts: Sequence[str]) -> list[Rating]:
    async def all_of_them() -> list[Rating]:
        async with grader:
            return await asyncio.gather(*(grader.rate(prompt) for prompt in prompts))

    return asyncio.run(all_of_them())


def test_a_rating_comes_from_the_probabilities_of_one_token(here: Any) -> None:
    server = here(lambda prompt, nth: Said("80", {"80": 0.5, "90": 0.25, "The": 0.25}))
    (rating,) = rated(opened(NAME), ["reply 1"])
    assert (rating.outcome, rating.text) == ("score", "80")
    assert (rating.score, rating.mass) == pytest.approx((250 / 3, 0.75))
    (_, _, body) = server.asked[0]
    assert {name: body[name] for name in ("temperature", "max_tokens", "logprobs", "top_logprobs")} == {
        "temperature": 0.0,
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 20,
    }


@pytest.mark.parametrize(
    ("tokens", "outcome", "score"),
    [
        ({"REFUSAL": 0.9, "10": 0.1}, "refusal", None),
        ({"CODE": 0.9}, "code", None),
        ({"150": 0.6, "40": 0.4}, "score", 40.0),
        ({"80": 0.2, "The": 0.8}, "unclear", None),
    ],
)
def test_words_and_numbers_out_of_range_and_too_little_mass_are_told_apart(
    here: Any, tokens: dict[str, float], outcome: str, score: float | None
) -> None:
    here(lambda prompt, nth: Said(max(tokens, key=tokens.__getitem__), tokens))
    (rating,) = rated(opened(NAME), ["reply 1"])
    assert (rating.outcome, rating.score) == (outcome, None if score is None else pytest.approx(score))


TROUBLES = [
    Trouble(status=500),
    Trouble(status=503),
    Trouble(status=429, retry_after="0"),
    Trouble(kind="malformed"),
    Trouble(kind="cut"),
    Trouble(kind="stall"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.kind if one.kind != "status" else str(one.status))
def test_no_reply_is_lost_and_none_counted_twice_whatever_fails(
    here: Any, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble.kind == "stall":
        monkeypatch.setattr(asking, "ANSWER_SECONDS", 3)
    prompts = [f"reply {n}" for n in range(12)]
    server = here(lambda prompt, nth: trouble if nth == 0 and number(prompt) % 3 == 0 else right(prompt))
    grader = opened(NAME)
    ratings = rated(grader, prompts)
    assert [rating.score for rating in ratings] == [pytest.approx(n) for n in range(12)]
    assert Counter(server.answered) == Counter(prompts)
    assert grader.ledger.calls == 12
    assert len(lines_of(grader)) == 12


def test_retry_after_is_honoured_by_every_caller(here: Any) -> None:
    server = here(
        lambda prompt, nth: Trouble(status=429, retry_after="1") if nth == 0 and number(prompt) == 0 else right(prompt)
    )
    rated(opened(NAME, connections=1), ["reply 0", "reply 1"])
    times = [(at, prompt) for at, prompt, _ in server.asked]
    assert [prompt for _, prompt in times] == ["reply 0", "reply 0", "reply 1"]
    assert times[1][0] - times[0][0] >= 0.95


def test_no_more_questions_are_open_at_once_than_allowed(here: Any) -> None:
    pause = threading.Event()

    def slow(prompt: str, nth: int) -> Said:
        pause.wait(0.03)
        return right(prompt)

    server = here(slow)
    rated(opened(NAME, connections=3), [f"reply {n}" for n in range(15)])
    assert server.most_at_once == 3


def test_the_same_question_is_asked_once_and_kept_for_other_processes(here: Any) -> None:
    server = here(right)
    first = rated(opened(NAME), ["reply 7"] * 5)
    again = opened(NAME)
    assert rated(again, ["reply 7"] * 2) == first[:2]
    assert len(server.asked) == 1
    assert again.ledger.calls == 0


def test_a_server_that_dies_half_way_loses_nothing_and_is_asked_only_for_the_rest(here: Any) -> None:
    prompts = [f"reply {n}" for n in range(20)]
    dead = threading.Event()

    def dying(prompt: str, nth: int) -> Said | Trouble:
        if number(prompt) >= 12:
            dead.set()
        return Trouble(kind="cut") if dead.is_set() else right(prompt)

    first = here(dying)
    grader = opened(NAME, connections=2)
    with pytest.raises(
        HarnessError, match=r"grader 'openai-api/loopback/made-up' failed 7 times .* goes on from there"
    ):
        rated(grader, prompts)
    kept = len(lines_of(grader))
    assert kept == len(first.answered) >= 10
    dead.clear()
    first.answer = right
    ratings = rated(opened(NAME), prompts)
    assert [rating.score for rating in ratings] == [pytest.approx(n) for n in range(20)]
    assert Counter(first.answered) == Counter(prompts)


def test_a_model_without_log_probabilities_is_sampled(here: Any) -> None:
    server = here(lambda prompt, nth: Said(["70", "80", "90", "REFUSAL", "hm"][nth % 5]))
    grader = opened(NAME)
    (rating,) = rated(grader, ["reply 0"])
    # The first answer only shows that there are no log-probabilities: 80, 90, REFUSAL, hm and 70 are the samples.
    assert rating.score == pytest.approx(80.0)
    assert rating.mass == pytest.approx(0.6)
    assert grader.how == "samples"
    assert len(server.asked) == 6


def test_every_question_to_a_model_without_log_probabilities_is_sampled(here: Any) -> None:
    here(lambda prompt, nth: Said(str(number(prompt))))
    ratings = rated(opened(NAME), [f"reply {n}" for n in range(15)])
    assert [rating.score for rating in ratings] == [pytest.approx(n) for n in range(15)]


def test_a_model_that_refuses_to_tell_log_probabilities_is_sampled(here: Any) -> None:
    def answer(prompt: str, nth: int) -> Said | Trouble:
        return Trouble(status=400, message="logprobs are not supported") if nth == 0 else Said("60")

    here(answer)
    assert rated(opened(NAME), ["reply 0"])[0].score == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(status=401, message="no such key"), "no such key"),
        (Trouble(status=404, message="no such model"), "no such model"),
        (Trouble(status=429, code="insufficient_quota", message="no money left"), "no money left"),
        (Trouble(status=429, retry_after="7200"), "7200 s of rest"),
    ],
)
def test_what_no_waiting_mends_stops_at_once_in_one_line(here: Any, trouble: Trouble, said: str) -> None:
    server = here(lambda prompt, nth: trouble)
    with pytest.raises(HarnessError, match=said) as caught:
        rated(opened(NAME, connections=1), ["reply 1", "reply 2"])
    assert "\n" not in str(caught.value)
    assert {prompt for _, prompt, _ in server.asked} == {"reply 1"}


def test_a_grader_that_nobody_serves_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(HarnessError, match=r"failed 7 times \(APIConnectionError: Connection error\.\)"):
        opened(NAME).check()


def test_a_missing_key_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOPBACK_API_KEY")
    monkeypatch.setenv("LOOPBACK_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(HarnessError, match="LOOPBACK_API_KEY") as caught:
        opened(NAME)
    assert "\n" not in str(caught.value)


def test_max_cost_stops_before_it_is_passed_and_the_same_command_goes_on(here: Any) -> None:
    server = here(right)
    prompts = [f"reply {n}" for n in range(10)]
    # The server counts 100 tokens read and 1 written: $0.000101 an answer, and 4 of them are below the limit.
    grader = opened(NAME, connections=1, max_cost=0.00045, price="1,1")
    with pytest.raises(HarnessError, match=r"--max-cost 0\.00045 would be passed: \d answers for \$0\.0004 are kept"):
        rated(grader, prompts)
    assert grader.ledger.cost is not None
    assert 0.0004 <= grader.ledger.cost <= 0.00045
    assert len(lines_of(grader)) == len(server.answered) == 4
    rated(opened(NAME, max_cost=1.0, price="1,1"), prompts)
    assert Counter(server.answered) == Counter(prompts)


def test_a_limit_on_cost_needs_a_price(here: Any) -> None:
    here(right)
    with pytest.raises(HarnessError, match="no price is known for grader"):
        opened(NAME, max_cost=1.0)


@pytest.mark.parametrize("price", ["1", "a,b", "-1,1", "nan,1", "1,2,3"])
def test_a_price_that_is_none_is_refused(here: Any, price: str) -> None:
    here(right)
    with pytest.raises(HarnessError, match="is not IN,OUT"):
        opened(NAME, price=price)


def test_what_a_killed_process_left_of_a_line_spoils_nothing(tmp_path: Path) -> None:
    kept = judgements("someone/model", None)
    kept.add(key_of("rate", "a"), {"text": "1"})
    assert kept.file is not None
    with kept.file.open("ab") as stream:
        stream.write(b'\n["half a li')
    kept.add(key_of("rate", "b"), {"text": "2"})
    known = judgements("someone/model", None)
    assert known.get(key_of("rate", "a")) == {"text": "1"}
    assert known.get(key_of("rate", "b")) == {"text": "2"}


def test_judgements_of_other_graders_and_other_kinds_of_question_are_not_mixed(tmp_path: Path) -> None:
    judgements("someone/model", None).add(key_of("rate", "a"), {"text": "1"})
    assert judgements("someone/model", "http://elsewhere").get(key_of("rate", "a")) is None
    assert judgements("someone/other", None).get(key_of("rate", "a")) is None
    assert judgements("someone/model", None).get(key_of("ask", "a")) is None


def lines_of(grader: ModelGrader) -> list[list[Any]]:
    assert grader.judgements.file is not None
    return [json.loads(line) for line in grader.judgements.file.read_text().splitlines() if line]
