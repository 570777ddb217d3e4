"""Laws of a grader that fails in any known way: right scores, nothing paid twice, nothing lost, no key anywhere."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from faulty_grader import KEY, KINDS, FaultKind, FaultyServer, failing, number_of

from harness import HarnessError, Rating
from harness.errors import GraderStopped, Unanswered
from harness.graders import ModelGrader, asking, opened
from harness.graders.rater import NEUTRAL

pytest.importorskip("openai", reason="a grader over HTTP needs the extra 'graders'")

NAME = "openai-api/loopback/made-up"
GOOD = [f"good row {n}" for n in range(10, 40)]
TWO = ["first row 20", "second row 30"]
OF_ROWS = {
    f"row that is {kind.name}: {number % 80 + 10}": kind for number, kind in enumerate(KINDS) if kind.one != "stops"
}
AT_ONCE = [one for one in KINDS if not one.slow]

Said = Rating | Unanswered
Fails = Callable[[str, int], FaultKind | None]


@pytest.fixture(autouse=True)
def _a_world_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)
    for name in ("FIRST_WAIT", "LONGEST_WAIT", "UNMET_WAIT"):
        monkeypatch.setattr(asking, name, 0.001)
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 2)


def test_there_are_many_kinds() -> None:
    assert len({one.name for one in KINDS}) == len(KINDS) >= 130


def test_what_fails_once_is_mended_by_asking_again_or_costs_that_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each kind once, on a row in the midst of others. Asked again, a row that it did cost has its score too."""
    with failing(lambda prompt, nth: OF_ROWS.get(prompt) if nth == 0 else None) as server:
        said, grader = asked(server, monkeypatch, [*GOOD, *OF_ROWS])
        check(said, OF_ROWS)
        assert grader.how == "log-probabilities"
        paid_once(server)
        again, _ = asked(server, monkeypatch, [*GOOD, *OF_ROWS])
        assert [prompt for prompt, one in again.items() if isinstance(one, Unanswered)] == []
        paid_once(server)
        no_key(tmp_path, capfd, said, again)


def test_a_row_that_always_fails_costs_that_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with failing(lambda prompt, nth: OF_ROWS.get(prompt)) as server:
        said, grader = asked(server, monkeypatch, [*GOOD, *OF_ROWS])
        check(said, OF_ROWS)
        lost = {prompt for prompt, one in said.items() if isinstance(one, Unanswered)}
        assert lost == {prompt for prompt, kind in OF_ROWS.items() if kind.one == "row"}
        assert grader.kept == len(GOOD) + len(OF_ROWS) - len(lost)
        assert grader.how == "log-probabilities"
        paid_once(server)
        no_key(tmp_path, capfd, said)


@pytest.mark.parametrize("fault", AT_ONCE, ids=lambda one: one.name)
def test_what_fails_once_on_the_first_row_changes_nothing_for_the_others(
    fault: FaultKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A first row that seems to speak of the key, the model or the account stops the command, which then goes on."""
    with failing(lambda prompt, nth: fault if prompt == TWO[0] and nth == 0 else None) as server:
        said = stopped_or(server, monkeypatch, TWO, connections=1)
        if isinstance(said, HarnessError):
            assert fault.first == "stops", str(said)
            assert sum(server.answered.values()) == 0
            said, _ = asked(server, monkeypatch, TWO)
        check(said, {TWO[0]: fault})
        paid_once(server)
        no_key(tmp_path, capfd, said)


@pytest.mark.parametrize("fault", AT_ONCE, ids=lambda one: one.name)
def test_what_fails_on_every_row_is_one_line_and_the_same_command_goes_on(
    fault: FaultKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with failing(lambda prompt, nth: fault) as server:
        said = stopped_or(server, monkeypatch, TWO)
        assert isinstance(said, HarnessError) == (fault.every == "stops"), said
        if isinstance(said, HarnessError):
            assert "0 answers of this command are kept, and the same command goes on from there" in str(said)
            assert "\n" not in str(said)
            assert sum(server.asked.values()) <= 30
            no_key(tmp_path, capfd, said)
            server.fails = lambda prompt, nth: None
            said, _ = asked(server, monkeypatch, TWO)
        check(said, dict.fromkeys(TWO, fault) if fault.every in ("unclear", "refusal") else {})
        if "log-probabilities" not in fault.name:
            paid_once(server)
        no_key(tmp_path, capfd, said)


def test_a_grader_that_never_ends_its_answers_is_one_line_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = next(one for one in KINDS if one.slow)
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 1)
    began = time.monotonic()
    with failing(lambda prompt, nth: slow) as server:
        said = stopped_or(server, monkeypatch, TWO)
    assert isinstance(said, GraderStopped)
    assert time.monotonic() - began < 60


def asked(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, prompts: Sequence[str], *, connections: int = 8
) -> tuple[dict[str, Said], ModelGrader]:
    """What a new grader says of every prompt: a rating, or why there is none."""
    monkeypatch.setenv("LOOPBACK_BASE_URL", server.url)
    grader = opened(NAME, connections=connections)

    async def one(prompt: str) -> Said:
        try:
            return await grader.rate(prompt)
        except Unanswered as error:
            return error

    async def all_of_them() -> dict[str, Said]:
        async with grader:
            return dict(zip(prompts, await asyncio.gather(*map(one, prompts)), strict=True))

    return asyncio.run(all_of_them()), grader


def stopped_or(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, prompts: Sequence[str], *, connections: int = 2
) -> dict[str, Said] | HarnessError:
    """The same, or the line with which all stops."""
    try:
        return asked(server, monkeypatch, prompts, connections=connections)[0]
    except GraderStopped as error:
        return error


def paid_once(server: FaultyServer) -> None:
    """No row was paid for twice; the neutral question, which is not kept, no oftener than something failed.

    How often it is asked depends on what else was answered meanwhile, so on how fast the machine is.
    """
    rows = {prompt: count for prompt, count in server.answered.items() if prompt != NEUTRAL}
    assert max(rows.values()) == 1, [prompt for prompt, count in rows.items() if count > 1]
    failed = server.asked.total() - server.answered.total()
    assert server.answered[NEUTRAL] <= max(1, failed)


def check(said: Mapping[str, Said], faults: Mapping[str, FaultKind]) -> None:
    """Every rating is right, and what has none may have none."""
    for prompt, one in said.items():
        kind = faults.get(prompt)
        if isinstance(one, Unanswered):
            assert kind is not None, f"{prompt}: {one}"
            assert kind.one == "row", f"{prompt}: {one}"
            assert "\n" not in str(one)
        elif one.outcome == "score":
            assert one.score == pytest.approx(number_of(prompt)), prompt
        else:
            assert kind is not None, prompt
            assert one.outcome == kind.one, prompt


def no_key(tmp_path: Path, capfd: pytest.CaptureFixture[str], *said: Mapping[str, Said] | HarnessError) -> None:
    """The key stands in no file, on no screen, and in nothing that an error would show with its traceback."""
    shown = "".join(capfd.readouterr())
    for one in said:
        for answer in [one] if isinstance(one, HarnessError) else one.values():
            shown += "".join(traceback.format_exception(answer)) if isinstance(answer, Exception) else repr(answer)
    shown += "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
    assert KEY[:12] not in shown
