"""Laws of graders that are asked from several processes, under a limit, or at addresses where nobody answers."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from faulty_grader import KEY, KINDS, FaultyServer, failing, number_of

from harness import HarnessError
from harness.errors import GraderStopped, Unanswered
from harness.files import Journal
from harness.graders import asking, opened
from harness.graders.judgements import is_whole, judgements, key_of
from harness.judging import Ledger, OverLimit, price_of

pytest.importorskip("openai", reason="a grader over HTTP needs the extra 'graders'")

NAME = "openai-api/loopback/made-up"
ASKING = """
import asyncio, sys
from harness.graders import asking, opened
asking.OTHERS_SECONDS = 0.02
async def all_of_them(grader):
    async with grader:
        return await asyncio.gather(*(grader.rate(f"row {n}") for n in range(10, 50)))
grader = opened("openai-api/loopback/made-up", connections=4)
print(sum(rating.score for rating in asyncio.run(all_of_them(grader))), grader.kept)
"""


@pytest.fixture(autouse=True)
def _a_world_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)
    for name in ("FIRST_WAIT", "LONGEST_WAIT"):
        monkeypatch.setattr(asking, name, 0.001)


def rated(prompts: Sequence[str], **options: object) -> tuple[list[float | None], object]:
    grader = opened(NAME, **options)  # type: ignore[arg-type]

    async def all_of_them() -> list[float | None]:
        async with grader:
            return [one.score for one in await asyncio.gather(*map(grader.rate, prompts))]

    return asyncio.run(all_of_them()), grader


def kind(name: str) -> object:
    return next(one for one in KINDS if one.name == name)


def test_two_processes_never_pay_for_the_same_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(lambda prompt, nth: time.sleep(0.01)) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        both = [
            subprocess.Popen([sys.executable, "-c", ASKING], stdout=subprocess.PIPE, text=True, env=os.environ)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120)[0].split() for process in both]
        assert [float(total) for total, _ in said] == [pytest.approx(sum(range(10, 50)))] * 2
        assert sum(int(kept) for _, kept in said) == 40
        assert set(server.answered.values()) == {1}


def test_two_graders_of_one_process_do_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [f"row {n}" for n in range(10, 30)]
    with failing(lambda prompt, nth: time.sleep(0.005)) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        monkeypatch.setattr(asking, "OTHERS_SECONDS", 0.01)
        graders = [opened(NAME, connections=3) for _ in range(2)]

        async def all_of_them() -> None:
            async with graders[0], graders[1]:
                await asyncio.gather(*(grader.rate(prompt) for prompt in prompts for grader in graders))

        asyncio.run(all_of_them())
        assert set(server.answered.values()) == {1}


def test_a_key_of_a_journal_is_claimed_once_and_free_afterwards(tmp_path: Path) -> None:
    first, second = (Journal(tmp_path / "kept" / "journal.jsonl") for _ in range(2))
    with first.claimed("a") as ours, second.claimed("a") as theirs, second.claimed("b") as other:
        assert (ours, theirs, other) == (True, False, True)
        first.add("a", 1)
        with second.claimed("c"):
            assert second.get("a") == 1
    with second.claimed("a") as ours:
        assert ours


@pytest.mark.parametrize("connections", [1, 2, 5, 20])
@pytest.mark.parametrize(("limit", "answers"), [(0.0, 0), (0.05, 0), (0.2, 1), (0.5, 4), (1.02, 10), (9, 30)])
def test_a_limit_on_cost_is_never_passed_however_many_are_under_way(
    limit: float, answers: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At $1,000 a million tokens an answer of 100 and 1 tokens costs $0.101, more than its few bytes let expect."""
    prompts = [f"row {n}" for n in range(10, 40)]
    with failing(lambda prompt, nth: None) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        if answers == len(prompts):
            rated(prompts, price="1000,1000", max_cost=limit, connections=connections)
        else:
            with pytest.raises(GraderStopped, match=rf"would be passed: {answers} answers for \${answers * 0.101:.4f}"):
                rated(prompts, price="1000,1000", max_cost=limit, connections=connections)
        assert sum(server.answered.values()) == answers
        assert sum(server.answered.values()) * 0.101 <= max(limit, 1e-9)
        rated(prompts)
        assert set(server.answered.values()) == {1}


@pytest.mark.parametrize("fault", ["closed in the body", "JSON cut", "usage missing", "usage negative", "status 500"])
def test_what_may_have_been_paid_counts_against_the_limit(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most that an answer to `row 10` may cost is 6 bytes and the template's 64 to read and 1 token to write."""
    with failing(lambda prompt, nth: kind(fault)) as server:  # type: ignore[arg-type, return-value]
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        with pytest.raises((HarnessError, Unanswered)):
            rated([f"row {n}" for n in range(10, 40)], price="1000,1000", max_cost=0.2, connections=5)
        # An error of the server costs nothing: each of five questions may be asked seven times, a neutral one twice.
        assert sum(server.asked.values()) <= (5 * 7 + 2 if fault == "status 500" else 2)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -float("inf"), -1.0, -1e-9])
def test_a_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(HarnessError, match="is not a sum of US dollars"):
        opened(NAME, max_cost=limit, price="1,1")


def test_a_ledger_waits_for_what_is_under_way_before_it_says_that_the_limit_would_be_passed() -> None:
    ledger = Ledger(price=price_of("x/y", "1000,1000"), max_cost=0.16)
    first = ledger.reserve("row 10", 1)
    assert first is not None
    assert ledger.reserve("row 10", 1) is None
    ledger.spend(first, 1, 1)
    second, third = ledger.reserve("row 10", 1), ledger.reserve("row 10", 1)
    assert second is not None
    assert third is not None
    assert ledger.reserve("row 10", 1) is None
    ledger.release(second, lost=True)
    ledger.release(third, lost=True)
    with pytest.raises(OverLimit):
        ledger.reserve("row 10", 1)


def test_a_model_that_has_no_log_probabilities_for_one_row_is_not_sampled_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One answer without them, or one error that names them, tells nothing of the model: a neutral question does."""
    for name in ("log-probabilities null", "log-probabilities missing", "400, request echoed"):
        with failing(lambda prompt, nth, n=name: kind(n) if prompt == "row 10" and nth == 0 else None) as server:
            monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
            grader = opened(NAME, connections=1)

            async def all_of_them(grader=grader) -> list[object]:  # type: ignore[no-untyped-def]
                async with grader:
                    return await asyncio.gather(
                        *(grader.rate(f"row {n}") for n in range(10, 20)), return_exceptions=True
                    )

            asyncio.run(all_of_them())
            assert grader.how == "log-probabilities"
            assert sum(server.asked.values()) <= 12


def test_samples_that_were_paid_for_are_kept_when_a_later_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, broken = kind("log-probabilities null"), kind("status 400")
    with failing(lambda prompt, nth: broken if nth == 4 else plain) as server:  # type: ignore[arg-type, return-value]
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        with pytest.raises(Unanswered):
            rated(["row 40"])
        server.fails = lambda prompt, nth: plain  # type: ignore[assignment, return-value]
        said, _ = rated(["row 40"])
        assert said == [pytest.approx(40.0)]
        assert server.asked["row 40"] == 1 + 3 + 1 + 1 + 2


def test_what_was_kept_by_two_ways_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(lambda prompt, nth: None) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        rated(["row 10", "row 11"])
        server.fails = lambda prompt, nth: kind("log-probabilities null")  # type: ignore[assignment, return-value]
        said, grader = rated(["row 10", "row 11", "row 12"])
        assert said == [pytest.approx(n) for n in (10, 11, 12)]
        assert grader.how == "log-probabilities and samples"  # type: ignore[attr-defined]
        assert "2 by log-probabilities, 1 by samples" in grader.mixed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "kept",
    [
        {"outcome": "unclear", "score": None, "mass": 0.0, "text": "", "how": "log-probabilities"},
        {"outcome": "unclear", "score": None, "mass": 0.0, "text": "no answer", "how": "log-probabilities"},
        {"outcome": "score", "score": None, "mass": 0.5, "text": "40", "how": "samples"},
        {"outcome": "score", "score": float("inf"), "mass": 0.5, "text": "40", "how": "samples"},
        {"outcome": "score", "score": 140, "mass": 0.5, "text": "40", "how": "samples"},
        {"outcome": "score", "score": True, "mass": 0.5, "text": "40", "how": "samples"},
        {"outcome": "splendid", "score": 40, "mass": 0.5, "text": "40", "how": "samples"},
        {"outcome": "score", "score": 40, "mass": "half", "text": "40", "how": "samples"},
        {"text": "40"},
        {},
        [],
        "40",
        None,
        40,
    ],
)
def test_what_is_no_judgement_is_not_kept_for_ever(kept: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_whole("rate", kept)
    with failing(lambda prompt, nth: None) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        journal = judgements(NAME, server.url)
        journal.file.parent.mkdir(parents=True)  # type: ignore[union-attr]
        import json

        journal.file.write_text(json.dumps([key_of("rate", "row 40"), kept]) + "\n")  # type: ignore[union-attr]
        assert rated(["row 40"])[0] == [pytest.approx(40.0)]
        assert server.answered["row 40"] == 1


ADDRESSES = {
    "refused": ("http://127.0.0.1:9/v1", "nobody was reached at http://127.0.0.1:9/v1"),
    "refused by IPv6": ("http://[::1]:9/v1", "nobody was reached at http://[::1]:9/v1"),
    "no such host": ("http://nobody.invalid/v1", "nobody was reached at http://nobody.invalid/v1"),
    "no scheme": ("127.0.0.1:9/v1", "failed"),
    "another scheme": ("ftp://127.0.0.1:9/v1", "failed"),
    "no port": ("http://127.0.0.1:none/v1", ""),
    "password": (f"http://somebody:{KEY}@127.0.0.1:9/v1", "nobody was reached at http://127.0.0.1:9/v1"),
    "query": (f"http://127.0.0.1:9/v1?key={KEY}", "nobody was reached at http://127.0.0.1:9/v1"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_where_nobody_answers_is_one_line_in_seconds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address, said = ADDRESSES[name]
    monkeypatch.setenv("LOOPBACK_BASE_URL", address)
    monkeypatch.setattr(asking, "FIRST_WAIT", 1.0)
    monkeypatch.setattr(asking, "LONGEST_WAIT", 60.0)
    began = time.monotonic()
    with pytest.raises(HarnessError) as caught:
        rated(["row 10"])
    assert time.monotonic() - began < 60
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_tls_at_a_plain_port_and_a_dead_proxy_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(lambda prompt, nth: None) as server:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url.replace("http:", "https:"))
        with pytest.raises(GraderStopped, match=r"SSL|TLS|nobody was reached"):
            rated(["row 10"])
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url.replace("127.0.0.1", "grader.invalid"))
        monkeypatch.setenv("HTTP_PROXY", f"http://me:{KEY}@127.0.0.1:9")
        with pytest.raises(GraderStopped, match="nobody was reached") as caught:
            rated(["row 10"])
        assert KEY not in str(caught.value)


def test_a_grader_at_an_ipv6_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        context = failing(lambda prompt, nth: None, family=socket.AF_INET6)
        server: FaultyServer = context.__enter__()
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        assert rated(["row 40"])[0] == [pytest.approx(number_of("row 40"))]
    finally:
        context.__exit__(None, None, None)


def test_redirects_are_not_followed_with_key_or_question(monkeypatch: pytest.MonkeyPatch) -> None:
    from faulty_grader import raw

    with failing(lambda prompt, nth: None) as other:
        away = raw(b"", 307, Location=f"{other.url}/chat/completions")
        from faulty_grader import FaultKind

        sends_on = FaultKind(name="away", sent=lambda number: away, one="row")
        with failing(lambda prompt, nth: sends_on) as server:
            monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
            with pytest.raises(HarnessError, match="it sends us on to"):
                rated(["row 10"])
        assert sum(other.asked.values()) == 0


def test_a_clock_that_jumps_changes_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(lambda prompt, nth: kind("status 503") if nth == 0 else None) as server:  # type: ignore[arg-type, return-value]
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
        now = time.time()
        jumps = iter(range(10**6))
        monkeypatch.setattr(time, "time", lambda: now - 1e6 * next(jumps))
        began = time.monotonic()
        assert rated(["row 40", "row 41"])[0] == [pytest.approx(40.0), pytest.approx(41.0)]
        assert time.monotonic() - began < 30
