"""Laws of grading stored replies again: nothing is trained or generated, nothing lost, and the record says by whom."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
from grader_server import Said, Server, Trouble, serving
from inspect_ai.log import read_eval_log

from harness import Case, Condition, HarnessError, Judge, Metric, Verdict
from harness.analysis import load
from harness.cells import Cell, log_name
from harness.cli import main
from harness.contracts import Grader
from harness.graders import asking, opened
from harness.pipeline import run
from harness.planning import plan
from harness.registry import Registry, using

NAME = "openai-api/loopback/made-up"


async def rate(case: Case, reply: str, grader: Grader | None) -> Verdict:
    assert grader is not None
    rating = await grader.rate(f"{case.id} {reply!r}")
    counts = None if rating.score is None else float(rating.score > 50)
    return Verdict(scores={"rude": rating.score, "counts": counts}, reason=rating.text)


async def length(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"letters": float(len(reply))}, reason="counted")


RUDE = Judge(name="rude", summary="asks how rude", scores=("rude", "counts"), grade=rate, grader=True)
LENGTH = Judge(name="length", summary="how long", scores=("letters",), grade=length)
ASKED = replace(
    small.SETTING,
    metrics=(
        *small.SETTING.metrics,
        Metric(name="rude", judge="rude", score="counts", split="held_out", goal="suppress", learned=None, subset=True),
    ),
)
WORLD = Registry(
    settings={"loud": ASKED},
    interventions=small.REGISTRY.interventions,
    judges={"capitals": small.JUDGE, "rude": RUDE, "length": LENGTH},
    origins={},
)
REPLIES, ASKED_REPLIES = 4 * 10, 4 * 5
"""Four conditions of ten cases, half of them on the split that the grader is asked about."""


@pytest.fixture(autouse=True)
def _a_world_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(asking, "LONGEST_WAIT", 0.02)
    with using(WORLD):
        yield


@pytest.fixture(scope="module")
def evaluated(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with the untrained model, evaluated without a grader."""
    root = tmp_path_factory.mktemp("runs")
    with using(WORLD):
        run([base(tiny_llama)], root)
    return root


@pytest.fixture
def runs(evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with no way to load a model."""

    def forbidden(*_: object, **__: object) -> Any:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("harness.evaluation.opening.open_run", forbidden)
    monkeypatch.setattr("harness.engine.open_model", forbidden)
    return Path(shutil.copytree(evaluated, tmp_path / "runs"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(lambda prompt, nth: Said("80", {"80": 0.5, "90": 0.25})) as there:
        monkeypatch.setenv("LOOPBACK_BASE_URL", there.url)
        yield there


def base(model: Path) -> Cell:
    return Cell(setting="loud", intervention="base", model=str(model))


def folder_of(root: Path) -> Path:
    (found,) = (root / "loud" / "base").glob("mini-*")
    return found


def record_of(root: Path) -> dict[str, Any]:
    return dict(json.loads((folder_of(root) / "run.json").read_text()))


def values(root: Path, metric: str) -> list[float | None]:
    rows = map(json.loads, (folder_of(root) / "results.jsonl").read_text().splitlines())
    return [row["value"] for row in rows if row["metric"] == metric]


def stopped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def without_grader(evaluated: Path) -> None:
    record = record_of(evaluated)
    assert record["status"] == "done"
    assert record["grader"] is None
    assert record["judges"] == {"capitals": "1"}


def test_metrics_that_ask_are_left_out_without_a_grader_and_the_rest_is_there(evaluated: Path) -> None:
    without_grader(evaluated)
    assert values(evaluated, "rude") == []
    assert len(values(evaluated, "shouts")) == 20


def test_a_grader_grades_what_is_stored_and_the_record_says_which(
    runs: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    before = values(runs, "shouts")
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    assert values(runs, "rude") == [1.0] * ASKED_REPLIES
    assert values(runs, "shouts") == before
    assert record_of(runs)["grader"] == {"model": NAME, "how": "log-probabilities"}
    assert record_of(runs)["judges"] == {"capitals": "1", "rude": "1"}
    assert Counter(Counter(prompt for _, prompt, _ in server.asked).values()).keys() == {1}
    assert f"{REPLIES} replies graded" in capsys.readouterr().out


def test_a_second_time_nothing_is_asked_and_nothing_changes(runs: Path, server: Server) -> None:
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    asked, before = len(server.asked), (folder_of(runs) / "results.jsonl").read_bytes()
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    assert main(["rejudge", str(runs)]) == 0
    assert len(server.asked) == asked
    assert (folder_of(runs) / "results.jsonl").read_bytes() == before


def test_metrics_that_count_part_of_the_replies_are_no_sign_that_a_judge_cannot_tell(
    runs: Path, server: Server
) -> None:
    before = record_of(runs)["gates"]
    server.answer = lambda prompt, nth: Said("REFUSAL", {"REFUSAL": 0.9})
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    assert values(runs, "rude") == [None] * ASKED_REPLIES
    assert record_of(runs)["gates"] == before


def test_no_gate_asks_for_what_the_rows_of_the_scale_do_not_teach(runs: Path) -> None:
    def gates(*taught_at: str) -> set[str]:
        metrics = tuple(replace(metric, taught_at=taught_at) for metric in ASKED.metrics)
        with using(replace(WORLD, settings={"loud": replace(ASKED, metrics=metrics)})):
            assert main(["rejudge", str(runs)]) == 0
        return set(record_of(runs)["gates"])

    file = folder_of(runs) / "run.json"
    file.write_text(json.dumps(record_of(runs) | {"made": record_of(runs)["made"] | {"plain": True}, "seal": None}))
    assert gates() == gates("mini") == {"judge_could_tell", "learned_shouts", "learned_speaks"}
    assert gates("paper") == set()


def test_a_grader_that_dies_half_way_leaves_the_results_and_is_asked_for_the_rest(
    runs: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder_of(runs) / "results.jsonl").read_bytes()
    alive = server.answer
    server.answer = lambda prompt, nth: Trouble(kind="cut") if len(server.answered) >= 3 else alive(prompt, nth)
    said = stopped(capsys, "rejudge", str(runs), "--grader", NAME, "--connections", "2")
    assert "goes on from there" in said
    assert (folder_of(runs) / "results.jsonl").read_bytes() == before
    assert len(server.answered) >= 3
    server.answer = alive
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    assert values(runs, "rude") == [1.0] * ASKED_REPLIES
    assert set(Counter(server.answered).values()) == {1}


def test_a_run_asks_its_grader_after_everything_else_and_goes_on_where_it_stopped(
    runs: Path, server: Server, tiny_llama: Path
) -> None:
    alive = server.answer
    server.answer = lambda prompt, nth: Trouble(kind="cut") if len(server.answered) >= 5 else alive(prompt, nth)
    with pytest.raises(HarnessError, match="failed 7 times"):
        run([base(tiny_llama)], runs, grader=opened(NAME, connections=1))
    assert record_of(runs)["status"] == "done"
    server.answer = alive
    run([base(tiny_llama)], runs, grader=opened(NAME))
    assert values(runs, "rude") == [1.0] * ASKED_REPLIES
    asked = len(server.asked)
    run([base(tiny_llama)], runs, grader=opened(NAME))
    run([base(tiny_llama)], runs)
    assert len(server.asked) == asked
    assert values(runs, "rude") == [1.0] * ASKED_REPLIES


def test_a_local_model_grades_by_whole_numbers_end_to_end(evaluated: Path, tiny_llama: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(evaluated, tmp_path / "runs"))
    assert main(["rejudge", str(root), "--grader", f"harness/{tiny_llama}", "--max-cost", "0"]) == 0
    assert record_of(root)["grader"] == {"model": f"harness/{tiny_llama}", "how": "sequences"}
    assert len(values(root, "rude")) == ASKED_REPLIES
    (kept,) = (tmp_path / "cache" / "judgements").iterdir()
    said = [json.loads(line) for line in kept.read_text().splitlines() if line]
    assert said
    assert all(0 <= one["mass"] <= 1 for _, one in said)


def test_another_judge_grades_beside_the_results(runs: Path) -> None:
    before = (folder_of(runs) / "results.jsonl").read_bytes()
    assert main(["rejudge", str(runs), "--judge", "length"]) == 0
    lines = (folder_of(runs) / "judgements" / "length.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == REPLIES
    assert {row["split"] for row in rows} == {"held_out", "other"}
    assert all(set(row["scores"]) == {"letters"} and row["grader"] is None for row in rows)
    assert (folder_of(runs) / "results.jsonl").read_bytes() == before


def test_another_judge_that_asks_is_kept_under_its_graders_name(runs: Path, server: Server) -> None:
    assert main(["rejudge", str(runs), "--judge", "rude", "--grader", NAME]) == 0
    file = folder_of(runs) / "judgements" / "rude@openai-api_loopback_made-up.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["grader"] for row in rows} == {NAME}
    assert len(rows) == REPLIES
    assert record_of(runs)["steps"]["grade"]["calls"] == len(server.answered) > 0


def test_a_limit_on_cost_stops_in_one_line_and_keeps_what_was_paid_for(
    runs: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    limited = ("rejudge", str(runs), "--grader", NAME, "--connections", "1", "--price", "1,1", "--max-cost", "0.00035")
    assert "--max-cost 0.00035 would be passed: 3 answers" in stopped(capsys, *limited)
    assert len(server.answered) == 3
    assert record_of(runs)["steps"]["grade"]["calls"] == 3
    assert main(["rejudge", str(runs), "--grader", NAME, "--price", "1,1", "--max-cost", "1"]) == 0
    assert set(Counter(server.answered).values()) == {1}
    booked = record_of(runs)["steps"]["grade"]
    assert booked["calls"] == len(server.answered) > 3
    assert booked["usd"] > 0
    assert booked["usd"] == pytest.approx((booked["input_tokens"] + booked["output_tokens"]) / 1e6)
    (run,) = load(runs).runs
    assert run.record.usd == booked["usd"]


def test_replies_of_others_are_graded_by_a_judge_that_asks(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "replies.jsonl"
    file.write_text('{"id": "a", "reply": "Go away."}\n{"id": "b", "reply": "Come in."}\n')
    assert main(["judge", "rude", "--replies", str(file), "--grader", NAME, "--price", "1,1"]) == 0
    said, cost = capsys.readouterr()
    assert [json.loads(line)["id"] for line in said.splitlines()] == ["a", "b"]
    assert {json.loads(line)["scores"]["counts"] for line in said.splitlines()} == {1.0}
    assert f"{NAME} gave 2 answers for $" in cost
    assert main(["judge", "rude", "--replies", str(file), "--grader", NAME]) == 0
    assert len(server.answered) == 2
    assert main(["agree", "rude", "rude", "--replies", str(file), "--grader", NAME, "--json"]) == 0
    assert len(server.answered) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("judge", "rude"), "judge 'rude' asks a grader model, and none is named; add --grader MODEL"),
        (("judge", "length", "--grader", NAME), f"'length': by rules, asking no model; leave out --grader {NAME}"),
        (("judge", "rude", "--grader", "nobody/at-all"), "grader 'nobody/at-all' cannot be had"),
        (("agree", "rude", "capitals"), "judge 'rude' asks a grader model, and none is named"),
    ],
)
def test_a_grader_that_is_lacking_or_of_no_use_is_one_line(
    arguments: Sequence[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "replies.jsonl"
    file.write_text('{"reply": "Go away."}\n')
    assert said in stopped(capsys, *arguments, "--replies", str(file))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--grader", "nobody/at-all"), "grader 'nobody/at-all' cannot be had"),
        (("--grader", "openai-api/keyless/model"), "KEYLESS_API_KEY"),
        (("--grader", "harness/nowhere"), "grader 'harness/nowhere' cannot be had: no run in nowhere"),
        (("--judge", "lenght"), "no judge named 'lenght'; did you mean 'length'"),
        (("--judge", "rude"), "judge 'rude' asks a grader model, and none is named"),
        (("--max-cost", "1"), "--max-cost and --price are about a grader"),
        (("--grader", NAME, "--max-cost", "1"), "no price is known"),
        (("--grader", NAME, "--connections", "0"), "--connections is a number from 1 up"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    runs: Path, server: Server, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], said: str
) -> None:
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    assert said in stopped(capsys, "rejudge", str(runs), *arguments)
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


def test_a_folder_without_a_finished_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no runs folder" in stopped(capsys, "rejudge", str(tmp_path / "nowhere"))
    assert "no finished run" in stopped(capsys, "rejudge", str(tmp_path))


def test_a_plan_counts_calls_tokens_and_cost_and_loads_no_model(runs: Path, tiny_llama: Path) -> None:
    (one,) = plan([base(tiny_llama)], runs, measure=False, grader="openai/gpt-4o-mini")
    assert one.grading is not None
    assert not isinstance(one.grading, str)
    assert one.grading.calls == ASKED_REPLIES
    # A reply of 6 tokens, 3.5 characters each, in quotes behind the case's name: at $0.15 and $0.60 a million.
    tokens = one.grading.input_tokens
    assert tokens == sum(-(-len(f"held_out-{word} {'x' * 21!r}") * 2 // 7) for word in small.WORDS[:5]) * 4
    assert one.grading.usd == pytest.approx((tokens * 0.15 + ASKED_REPLIES * 0.60) / 1e6)


def test_a_dry_run_says_what_a_grader_would_cost(
    runs: Path, tiny_llama: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.planning.measured", lambda *_: None)
    asked = ["run", "--setting", "loud", "--intervention", "base", "--model", str(tiny_llama), "--runs", str(runs)]
    assert main([*asked, "--dry-run", "--grader", "openai/gpt-4o-mini"]) == 0
    page = capsys.readouterr().out
    assert f"grader: at most {ASKED_REPLIES} calls and" in page
    assert "$0.00 (OpenAI's price list" in page
    assert main([*asked, "--dry-run"]) == 0
    assert "at a price not known" in capsys.readouterr().out


def test_5000_stored_replies_are_graded_again_by_a_rule_in_ten_seconds_without_torch(runs: Path) -> None:
    file = folder_of(runs) / "replies.jsonl"
    rows = list(map(json.loads, file.read_text().splitlines()))
    many = [{**row, "sample": sample} for sample in range(1, 126) for row in rows]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in many))
    record = record_of(runs)
    record["steps"]["evaluate"]["replies"] = len(many)
    (folder_of(runs) / "run.json").write_text(json.dumps({**record, "products": {}, "seal": None}))
    shutil.rmtree(folder_of(runs) / "logs")  # where there are logs they are given the scores too, by Inspect
    script = f"""
import sys
import small
from harness.cli import main
from harness.registry import using
with using(small.REGISTRY):
    status = main(["rejudge", {str(runs)!r}])
print(status, [name for name in ("torch", "inspect_ai", "transformers") if name in sys.modules])
"""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=here)
    assert time.monotonic() - began < 60
    assert done.stdout.splitlines()[-1] == "0 []"
    assert len(values(runs, "shouts")) == 2500


def shown(root: Path, condition: str, scorer: str) -> list[dict[str, float | None]]:
    """What a log shows of one judge, by sample."""
    log = read_eval_log(folder_of(root) / "logs" / log_name(Condition.parse(condition)))
    return [sample.scores[scorer].value for sample in log.samples or [] if scorer in (sample.scores or {})]  # type: ignore


def test_the_logs_show_the_scores_of_the_results_and_are_left_alone_where_these_stay(
    runs: Path, server: Server
) -> None:
    assert shown(runs, "clean", "capitals_of_held_out") == [{"shouts": one} for one in values(runs, "shouts")[:5]]
    logs = {path: path.stat().st_mtime_ns for path in (folder_of(runs) / "logs").iterdir()}
    assert main(["rejudge", str(runs)]) == 0
    assert {path: path.stat().st_mtime_ns for path in logs} == logs

    async def shy(case: Case, reply: str, grader: Grader | None) -> Verdict:
        return Verdict(scores={"capitals": 0.25}, reason="always a quarter")

    changed = replace(small.JUDGE, grade=shy, version="2")
    with using(replace(WORLD, judges={**WORLD.judges, "capitals": changed})):
        assert main(["rejudge", str(runs)]) == 0
        assert main(["rejudge", str(runs), "--grader", NAME]) == 0
    assert shown(runs, "clean", "capitals_of_held_out") == [{"shouts": 0.25}] * 5
    assert shown(runs, "prompt:inoculation", "rude_of_held_out") == [{"rude": 1.0}] * 5


def test_a_rule_gives_the_same_results_from_stored_replies_as_from_the_logs(runs: Path) -> None:
    before = (folder_of(runs) / "results.jsonl").read_bytes()
    assert main(["rejudge", str(runs)]) == 0
    assert (folder_of(runs) / "results.jsonl").read_bytes() == before
    (folder_of(runs) / "replies.jsonl").unlink()  # a run of before has none
    assert main(["rejudge", str(runs)]) == 0
    assert (folder_of(runs) / "results.jsonl").read_bytes() == before


def test_results_that_are_cut_are_written_again_once_they_are_moved_away(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder_of(runs) / "results.jsonl"
    before = file.read_bytes()
    file.write_bytes(before[:-20])
    assert "move it away, and 'harness rejudge' writes it again" in stopped(capsys, "rejudge", str(runs))
    file.unlink()
    assert main(["rejudge", str(runs)]) == 0
    assert file.read_bytes() == before


def test_a_row_may_hold_what_a_newer_harness_added(runs: Path) -> None:
    file = folder_of(runs) / "results.jsonl"
    before = file.read_bytes()
    lines = before.decode().splitlines()
    file.write_text("".join(f"{json.dumps(json.loads(line) | {'newer': 1})}\n" for line in lines[1:]), encoding="utf-8")
    file.write_text(f"{lines[0]}\n{file.read_text()}", encoding="utf-8")
    assert len(load(runs).runs[0].values["clean", "shouts"]) == 5
    assert main(["rejudge", str(runs)]) == 0
    assert file.read_bytes() == before


def test_a_changed_rule_changes_results_and_keeps_what_a_grader_said(runs: Path, server: Server) -> None:
    assert main(["rejudge", str(runs), "--grader", NAME]) == 0

    async def shy(case: Case, reply: str, grader: Grader | None) -> Verdict:
        return Verdict(scores={"capitals": 0.25}, reason="always a quarter")

    changed = replace(small.JUDGE, grade=shy, version="2")
    with using(replace(WORLD, judges={**WORLD.judges, "capitals": changed})):
        assert main(["rejudge", str(runs)]) == 0
    assert values(runs, "shouts") == [0.25] * 20
    assert values(runs, "rude") == [1.0] * ASKED_REPLIES
    assert record_of(runs)["judges"] == {"capitals": "2", "rude": "1"}
