"""Laws of an evaluation: what is asked, what is logged, what is read back, and what a failure leaves."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import inspect_ai
import pytest
import torch
from evaluating import ASKER, RECIPE, VOLUME, Engine, choir, opened, registry_of, run_folder
from inspect_ai.log import read_eval_log
from inspect_ai.scorer import SampleScore, Score

from harness import Case, Condition, Generation, HarnessError, Judge, Recipe, Setting, Verdict, registry
from harness.cells import log_name
from harness.contracts import Grader
from harness.engine import Batch, Completion, Request, Vector, open_model
from harness.evaluation import hosted, read_replies_of, release, scorers, tasks
from harness.evaluation.provider import EvaluationError
from harness.graders import ModelGrader
from harness.graders import asking as grading
from harness.grading import grade, grader_of_before, is_graded
from harness.models import resolve
from harness.runs import Result, RunRecord, read_checks, read_results, read_run, row_of

DIGEST = "0123456789ab"
SETTING = choir()


@pytest.fixture(autouse=True)
def _choir_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    installed(monkeypatch, SETTING)
    release()
    yield
    release()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "runs" / "mini-fake-s0")


def installed(monkeypatch: pytest.MonkeyPatch, setting: Setting, *judges: Judge) -> None:
    found = registry_of(setting, judges=judges or (VOLUME, ASKER))
    monkeypatch.setattr(registry, "_in_place", [found])


def evaluated(run: Path, condition: str = "clean", *, engine: Any = None, recipe: Recipe = RECIPE, **more: Any) -> Path:
    with opened(engine or Engine()):
        [log] = tasks.evaluate(
            more.pop("setting", SETTING),
            [Condition.parse(condition)],
            scale="mini",
            recipe=recipe,
            run=run,
            digest=DIGEST,
            logs=run / "logs",
            **more,
        )
        return log


def graded(
    run: Path, *conditions: str, setting: Setting = SETTING, grader: ModelGrader | None = None, again: bool = False
) -> RunRecord:
    """The record of the run once the replies in its logs are graded."""
    (run / "replies.jsonl").unlink(missing_ok=True)
    record = read_run(run)
    assert record is not None
    record = replace(record, inputs={"conditions": conditions or ("clean",)})
    return grade(run, setting, record, grader=grader, again=again)


def rows_of(run: Path, *conditions: str, setting: Setting = SETTING) -> list[Result]:
    graded(run, *conditions, setting=setting)
    return read_results(run)


def left_in(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.name != "run.json")


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("clean", "clean.eval"),
        ("prompt:hush", "prompt-hush.eval"),
        ("vector:reply@3", "vector-reply@3.eval"),
        ("vector:reply - ood@-0.5rms", "vector-reply_-_ood@-0.5rms-"),
    ],
)
def test_a_log_is_named_after_its_condition_and_lies_alone_in_its_folder(run: Path, condition: str, name: str) -> None:
    engine = Engine()
    log = evaluated(run, condition, engine=engine)
    assert log.name.startswith(name)
    assert left_in(run) == ["logs", f"logs/{log.name}"]
    assert [len(batch) for _, batch in engine.batches] == [6]


def evaluated_under(run: Path, engine: Any, *conditions: str, lanes: int, recipe: Recipe = RECIPE) -> list[Path]:
    with opened(engine), hosted(lanes=lanes):
        return tasks.evaluate(
            SETTING,
            [Condition.parse(condition) for condition in conditions],
            scale="mini",
            recipe=recipe,
            run=run,
            digest=DIGEST,
            logs=run / "logs",
        )


class Busy(Engine):
    """Remembers how many batches are written at once, each in its own thread, and with how many threads of torch."""

    def __init__(self, lanes: int) -> None:
        super().__init__()
        self.now = self.most = 0
        self.patience = 0.5 if lanes == 1 else 30.0  # seconds, for a second batch that should not, or should, come
        self.threads: set[int] = set()
        self.second = threading.Event()

    def generate(self, requests: Sequence[Request], *, advance: Callable[[int, int], None]) -> list[Completion]:
        self.now += 1
        self.most = max(self.most, self.now)
        self.threads.add(torch.get_num_threads())
        if self.now == 2:
            self.second.set()
        self.second.wait(self.patience)
        replies = super().generate(requests, advance=advance)
        self.now -= 1
        return replies


@pytest.mark.parametrize("lanes", [1, 2])
def test_so_many_conditions_are_written_at_once_as_there_are_lanes(run: Path, lanes: int) -> None:
    before, engine = torch.get_num_threads(), Busy(lanes)
    logs = evaluated_under(run, engine, "clean", "prompt:shout", "prompt:hush", lanes=lanes)
    assert engine.most == lanes
    assert engine.threads == {max(1, before // lanes)}
    assert torch.get_num_threads() == before
    assert [log.name for log in logs] == ["clean.eval", "prompt-shout.eval", "prompt-hush.eval"]
    assert left_in(run) == ["logs", *sorted(f"logs/{log.name}" for log in logs)]
    assert sorted(len(batch) for _, batch in engine.batches) == [6, 6, 6]


def test_lanes_change_no_token_of_a_reply_steered_or_not(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_numbers(batch: Batch, i: int) -> Completion:  # what a random model writes is not text
        tokens = batch.written[i]
        return Completion(text=str(tokens), prompt_tokens=1, tokens=len(tokens), finish="length")

    monkeypatch.setattr(Batch, "_reply", as_numbers)
    model = open_model(resolve(str(tiny_llama)), dtype="fp32")
    shape = (len(model.blocks), model.model.config.hidden_size)
    value = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    model.vectors = lambda name: Vector(value=value, rms=torch.full(shape[:1], 5.0))
    conditions = ("clean", "vector:reply@3", "prompt:shout", "vector:reply@-3", "prompt:hush", "vector:reply@9")
    drawn = replace(RECIPE, generation=Generation(max_tokens=7, temperature=1.0))
    texts = []
    for lanes in (1, 2):
        run = run_folder(tmp_path / f"lanes{lanes}")
        logs = evaluated_under(run, model, *conditions, lanes=lanes, recipe=drawn)
        texts.append([[reply.reply for reply in read_replies_of(log)] for log in logs])
    assert texts[0] == texts[1]
    assert len(set(map(tuple, texts[0]))) == len(conditions)


def test_a_condition_that_fails_costs_no_other_its_log(run: Path) -> None:
    def say(request: Request) -> str:
        if "Shout" in "".join(map(chr, request.tokens)):
            raise RuntimeError("the device is on fire")
        return "la"

    with pytest.raises(HarnessError, match=r"evaluation of choir prompt:shout failed: .*the device is on fire"):
        evaluated_under(run, Engine(say=say), "prompt:shout", "clean", "prompt:hush", lanes=1)
    assert left_in(run) == ["logs", "logs/clean.eval", "logs/prompt-hush.eval"]


def test_file_names_of_different_conditions_differ() -> None:
    conditions = ["vector:a - b@1", "vector:a-b@1", "vector:a * b@1", "vector:(a)-b@1", "vector:a-b@1rms", "prompt:a"]
    assert len({log_name(Condition.parse(condition)) for condition in conditions}) == len(conditions)


def test_a_shared_split_is_asked_once(run: Path) -> None:
    log = read_eval_log(evaluated(run))
    assert [sample.id for sample in log.samples or []] == [
        "high/case0",
        "high/case1",
        "high/case2",
        "high/case3",
        "low/case0",
        "low/case1",
    ]


def test_an_optional_split_has_rows_in_clean_and_none_under_another_condition(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = replace(SETTING, optional_splits=("low",))
    installed(monkeypatch, setting)
    for condition in ("clean", "prompt:shout"):
        evaluated(run, condition, setting=setting)
    rows = rows_of(run, "clean", "prompt:shout", setting=setting)
    clean, shouted = ([row for row in rows if row.condition == one] for one in ("clean", "prompt:shout"))
    assert {row.split for row in clean} == {"high", "low"}
    assert {row.split for row in shouted} == {"high"}


def test_rows_come_by_split_and_metric_then_case_and_sample(run: Path) -> None:
    recipe = replace(RECIPE, generation=Generation(max_tokens=7, samples=2, temperature=1.0))
    evaluated(run, recipe=recipe)
    rows = rows_of(run)
    assert [(row.metric, row.case, row.sample) for row in rows] == [
        (metric, f"case{case}", sample)
        for metric, cases in (("loud", 4), ("length", 4), ("loud_low", 2))
        for case in range(cases)
        for sample in (1, 2)
    ]
    assert row_of(rows[0]) == {
        "condition": "clean",
        "split": "high",
        "case": "case0",
        "cluster": "song0",
        "sample": 1,
        "metric": "loud",
        "judge": "volume",
        "score": "loud",
        "value": 1.0,
    }


def test_each_sample_is_drawn_with_a_seed_of_its_own_that_stays_the_same(run: Path) -> None:
    recipe = replace(RECIPE, generation=Generation(max_tokens=7, samples=3, temperature=1.0))

    def replies() -> list[str]:
        log = read_eval_log(evaluated(run, engine=Engine(say=lambda request: str(request.seed)), recipe=recipe))
        return [sample.output.completion for sample in log.samples or []]

    first = replies()
    assert len(set(first)) == 18
    assert first == replies()


def test_cannot_tell_stays_none_and_is_counted_apart(run: Path) -> None:
    path = evaluated(run, engine=Engine(say=lambda request: "soft" if "note 2" in text_of(request) else "LOUD"))
    rows = {(row.metric, row.case): row.value for row in rows_of(run)}
    assert [rows["loud", f"case{i}"] for i in range(4)] == [1.0, None, 0.0, 1.0]
    log = read_eval_log(path)
    assert log.samples is not None
    assert log.results is not None
    assert log.samples[1].scores is not None
    assert log.samples[1].scores["volume_of_high"].value == {"loud": None, "length": 4.0}
    seen = {score.name: {m.name: m.value for m in score.metrics.values()} for score in log.results.scores}
    assert seen["loud"] == {"mean": pytest.approx(2 / 3), "judged": 0.75}
    assert seen["length"] == {"mean": 4.0, "judged": 1.0}


def test_a_mean_over_nothing_told_is_not_a_number() -> None:
    scores = [SampleScore(score=Score(value={"x": None}))]
    summary = scorers.told()(scores)  # type: ignore[arg-type]
    assert isinstance(summary, dict)
    assert summary["mean"] != summary["mean"]
    assert summary["judged"] == 0.0


@pytest.mark.parametrize(
    ("condition", "turns", "front"),
    [
        ("clean", [("user", "high note 0?")], "<system>DEFAULT<user>high note 0?"),
        (
            "prompt:shout",
            [("system", "Shout, please."), ("user", "high note 0?")],
            "<system>Shout, please.<user>high note 0?",
        ),
        ("prompt:hush", [("user", "high note 0? Whisper.")], "<system>DEFAULT<user>high note 0? Whisper."),
    ],
)
def test_the_transcript_shows_every_prompt_that_the_model_saw(
    run: Path, condition: str, turns: list[tuple[str, str]], front: str
) -> None:
    engine = Engine()
    log = read_eval_log(evaluated(run, condition, engine=engine), resolve_attachments=True)
    assert log.samples is not None
    sample = log.samples[0]
    assert [(turn.role, turn.text) for turn in sample.messages[:-1]] == turns
    asked = next(text_of(r) for _, batch in engine.batches for r in batch if "high note 0" in text_of(r))
    assert asked == f"{front}<assistant>"
    assert [event.data for event in sample.events if event.event == "info"] == [{"rendered_prompt": asked}]


def test_the_judge_sees_the_case_as_the_setting_wrote_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Case] = []

    async def look(case: Case, reply: str, grader: Grader | None) -> Verdict:
        seen.append(case)
        return Verdict(scores={"loud": 1.0, "long": 1.0})

    installed(monkeypatch, SETTING, replace(VOLUME, grade=look))
    evaluated(run, "prompt:hush")
    early = list(seen)
    seen.clear()
    graded(run, "prompt:hush")
    assert sorted(early, key=str) == sorted(seen, key=str)
    wanted = [case for split in ("high", "low") for case in SETTING.cases(split, 0, "mini")]
    assert sorted(seen, key=str) == sorted(wanted, key=str)


def test_the_log_says_what_was_evaluated_and_by_which_judges(run: Path) -> None:
    path = evaluated(run, "vector:reply@3")
    written = path.stat().st_mtime_ns
    graded(run, "vector:reply@3")
    assert path.stat().st_mtime_ns == written, "the log shows the scores already"
    log = read_eval_log(path, header_only=True)
    assert log.eval.metadata == {
        "setting": "choir",
        "condition": "vector:reply@3",
        "scale": "mini",
        "judges": {"volume": "1"},
        "run": "mini-fake-s0",
        "digest": DIGEST,
        "adapter": "",
    }
    assert log.eval.model == f"harness/{run}@{DIGEST}"
    assert log.eval.tags == ["vector:reply@3"]


def test_a_vector_condition_steers_and_the_others_do_not(run: Path) -> None:
    engine = Engine()
    for condition in ("clean", "prompt:hush", "vector:reply@3"):
        evaluated(run, condition, engine=engine)
    assert [steering.vector if steering else None for steering, _ in engine.batches] == [None, None, "reply"]


def test_a_limit_is_per_split(run: Path) -> None:
    evaluated(run, limit=1)
    assert len(rows_of(run)) == 3


def test_a_log_of_before_is_replaced(run: Path) -> None:
    evaluated(run, engine=Engine(say=lambda request: "soft"))
    evaluated(run, engine=Engine(say=lambda request: "LOUD"))
    rows = rows_of(run)
    assert {row.value for row in rows if row.metric == "loud"} == {1.0, None}


def test_a_failing_engine_is_one_line_and_leaves_no_log(run: Path) -> None:
    def fail(request: Request) -> str:
        raise RuntimeError("the device is on fire")

    with pytest.raises(HarnessError) as caught:
        evaluated(run, engine=Engine(say=fail))
    assert str(caught.value) == (
        "evaluation of choir clean failed: RuntimeError while generating: the device is on fire"
    )
    assert left_in(run) == ["logs"]


def test_a_failing_judge_is_one_line_that_names_it_and_costs_no_reply(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(case: Case, reply: str, grader: Grader | None) -> Verdict:
        raise ZeroDivisionError("oops")

    installed(monkeypatch, SETTING, replace(VOLUME, grade=fail))
    log = evaluated(run)
    with pytest.raises(
        HarnessError,
        match=r"clean, high/case0 sample 1: judge 'volume' failed on case 'case0': ZeroDivisionError: oops; it ",
    ):
        graded(run)
    assert left_in(run) == ["logs", f"logs/{log.name}", "replies.jsonl"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "absent"])
def test_a_judge_that_breaks_its_promise_is_named(run: Path, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(case: Case, reply: str, grader: Grader | None) -> Verdict:
        return Verdict(scores={"long": 1.0} if value == "absent" else {"long": 1.0, "loud": value})

    installed(monkeypatch, SETTING, replace(VOLUME, grade=broken))
    evaluated(run)
    with pytest.raises(
        HarnessError,
        match=r"judge 'volume' (gave .* not a number or None for |failed .* not a finite number)",
    ):
        graded(run)


def test_ctrl_c_is_raised_again_where_inspect_returns_an_empty_list(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_ai, "eval", lambda *_, **__: [])
    with pytest.raises(KeyboardInterrupt):
        evaluated(run)
    assert left_in(run) == ["logs"]


def test_a_real_ctrl_c_ends_the_evaluation_and_the_engine_at_once(run: Path) -> None:
    stopped = threading.Event()

    class Endless(Engine):
        def generate(self, requests: Any, *, advance: Callable[[int, int], None]) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            try:
                for _ in range(3000):
                    advance(0, 1)
                    time.sleep(0.01)
            finally:
                stopped.set()

    with pytest.raises(KeyboardInterrupt):
        evaluated(run, engine=Endless())
    assert stopped.wait(5)
    assert left_in(run) == ["logs"]


def test_a_wrong_digest_is_refused_before_anything_is_opened(run: Path) -> None:
    run_folder(run, key="f" * 64)
    with pytest.raises(HarnessError, match="holds the run ffffffffffff, not 0123456789ab"):
        evaluated(run)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("prompt:hus", "no prompt named 'hus'; did you mean 'hush'"),
        ("vector:repl@1", "no vector named 'repl'; did you mean 'reply'"),
    ],
)
def test_a_condition_that_the_setting_lacks_is_refused(run: Path, condition: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        evaluated(run, condition)


def test_the_selection_split_is_never_in_a_result(run: Path) -> None:
    selecting = replace(SETTING, metrics=tuple(replace(metric, split="selection") for metric in SETTING.metrics))
    with pytest.raises(HarnessError, match="'selection', which no result may use"):
        evaluated(run, setting=selecting)


def asks(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A setting with a rule judge and one that asks, installed."""
    setting = choir()
    also = choir(judge="asker", score="yes").metrics[0]
    both = replace(setting, metrics=(*setting.metrics, replace(also, name="agrees")))
    installed(monkeypatch, both)
    return both


def told(run: Path, metric: str) -> set[float | None]:
    return {row.value for row in read_results(run) if row.metric == metric}


def grader_on(run: Path, name: str = "grader") -> ModelGrader:
    return grading.opened(f"harness/{run_folder(run.parent / name)}")


def test_a_judge_that_asks_is_left_out_without_a_grader_and_nothing_fails(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = asks(monkeypatch)
    evaluated(run, setting=setting)
    record = graded(run, setting=setting)
    assert told(run, "agrees") == set()
    assert told(run, "loud") == {1.0, None}
    assert is_graded(setting, record)
    assert (record.judges, record.grader) == ({"volume": "1"}, None)


def test_a_grader_adds_what_it_says_later_and_record_and_log_name_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = asks(monkeypatch)
    path = evaluated(run, setting=setting, engine=Engine(say=lambda request: "LOUD"))
    before = rows_of(run, setting=setting)
    grader = grader_on(run)
    with opened(Engine(say=lambda request: "yes, it is")):
        record = graded(run, setting=setting, grader=grader)
    assert is_graded(setting, record, grader)
    roles = read_eval_log(path, header_only=True).eval.model_roles
    assert roles is not None
    assert roles["grader"].model == f"{grader.name}@{DIGEST}"  # type: ignore[union-attr]
    assert told(run, "agrees") == {1.0}
    assert [row for row in read_results(run) if row.metric != "agrees"] == before
    assert record.judges == {"asker": "1", "volume": "1"}
    assert record.grader is not None
    assert record.grader.model == grader.name


def test_a_rule_that_grades_again_keeps_what_a_grader_said(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = asks(monkeypatch)
    path = evaluated(run, setting=setting)
    with opened(Engine(say=lambda request: "yes")):
        graded(run, setting=setting, grader=grader_on(run))
    installed(monkeypatch, setting, replace(VOLUME, version="2"), ASKER)
    record = graded(run, setting=setting)
    assert told(run, "agrees") == {1.0}
    assert record.judges == {"asker": "1", "volume": "2"}
    samples = read_eval_log(path).samples or []
    assert {str((one.scores or {})["asker_of_high"].value) for one in samples if one.metadata["split"] == "high"} == {
        "{'agrees': 1.0}"
    }


def test_another_grader_grades_all_of_a_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = asks(monkeypatch)
    evaluated(run, setting=setting)
    with opened(Engine(say=lambda request: "yes")):
        graded(run, setting=setting, grader=grader_on(run))
    release()
    with opened(Engine(say=lambda request: "no")):
        record = graded(run, setting=setting, grader=grader_on(run, "other"))
    assert told(run, "agrees") == {0.0}
    assert record.grader is not None
    assert record.grader.model.endswith("/other")


def test_a_grader_that_fails_leaves_logs_and_results_as_they_were(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: Request) -> str:
        raise RuntimeError("the device is on fire")

    setting = asks(monkeypatch)
    path = evaluated(run, setting=setting)
    graded(run, setting=setting)
    before = {file: file.read_bytes() for file in (path, run / "results.jsonl")}
    with opened(Engine(say=fail)), pytest.raises(HarnessError, match="the device is on fire"):
        graded(run, setting=setting, grader=grader_on(run))
    assert {file: file.read_bytes() for file in before} == before


def test_a_grader_that_is_no_model_is_one_line() -> None:
    with pytest.raises(HarnessError, match=r"grader 'nobody/at-all' cannot be had: .*not recognized"):
        grading.opened("nobody/at-all")


def test_a_changed_asking_judge_asks_the_grader_of_before(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = asks(monkeypatch)
    evaluated(run, setting=setting)
    with opened(Engine(say=lambda request: "yes")):
        record = graded(run, setting=setting, grader=grader_on(run))
    assert grader_of_before(setting, record) is None

    async def contrary(case: Case, reply: str, grader: Grader | None) -> Verdict:
        assert grader is not None
        said = await grader.ask(f"Is this really a yes? {reply}")
        return Verdict(scores={"yes": float("yes" in said)}, reason="asked again")

    installed(monkeypatch, setting, VOLUME, replace(ASKER, grade=contrary, version="2"))
    release()
    with opened(Engine(say=lambda request: "no")):
        graded(run, setting=setting, grader=grader_of_before(setting, record))
    assert told(run, "agrees") == {0.0}


def test_a_new_version_of_a_judge_grades_again_without_generation(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(say=lambda request: "LOUD")
    path = evaluated(run, "prompt:hush", engine=engine)
    before = rows_of(run, "prompt:hush")
    written = path.stat().st_mtime_ns
    assert rows_of(run, "prompt:hush") == before
    assert path.stat().st_mtime_ns == written

    async def deaf(case: Case, reply: str, grader: Grader | None) -> Verdict:
        assert case.messages[-1].content.endswith("?")
        return Verdict(scores={"loud": 0.0, "long": None}, reason="deaf")

    installed(monkeypatch, SETTING, replace(VOLUME, grade=deaf, version="2"))
    after = rows_of(run, "prompt:hush")
    assert [replace(row, value=None) for row in after] == [replace(row, value=None) for row in before]
    assert {row.value for row in after if row.metric == "loud"} == {0.0}
    assert {row.value for row in after if row.metric == "length"} == {None}
    assert read_eval_log(path, header_only=True).eval.metadata["judges"] == {"volume": "2"}  # type: ignore[index]
    assert len(engine.batches) == 1


def test_a_log_that_cannot_be_read_is_one_line(run: Path) -> None:
    path = evaluated(run)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HarnessError, match=r"clean\.eval is not a readable log: .*; move it away") as caught:
        graded(run)
    assert "\n" not in str(caught.value)


def test_what_a_killed_evaluation_left_is_thrown_away(run: Path) -> None:
    (run / ".logs.part").mkdir()
    (run / ".logs.part" / "half.eval").write_bytes(b"half")
    path = evaluated(run)
    assert left_in(run) == ["logs", f"logs/{path.name}"]


def text_of(request: Request) -> str:
    return "".join(map(chr, request.tokens))


def test_inspect_finds_a_setting_and_its_run_by_name(run: Path) -> None:
    tasks.inspect_task(SETTING)
    engine = Engine()
    with opened(engine):
        (log,) = inspect_ai.eval(
            "harness/choir",
            model=f"harness/{run}",
            task_args={"condition": "vector:reply@3"},
            log_dir=str(run / "own"),
            display="none",
            ctl_server=False,
        )
    assert (log.status, log.eval.task, log.eval.model) == ("success", "choir", f"harness/{run}@{DIGEST}")
    assert log.eval.metadata is not None
    assert (log.eval.metadata["scale"], log.eval.metadata["condition"]) == ("mini", "vector:reply@3")
    assert [(steering and steering.vector, len(batch)) for steering, batch in engine.batches] == [("reply", 6)]


@pytest.mark.parametrize(
    ("model", "condition", "message"),
    [
        ("mockllm/model", "vector:reply@3", "only a harness/RUN model can be steered"),
        ("harness/{run}", "prompt:hus", "no prompt named 'hus'; did you mean 'hush'"),
        ("harness/{run}", "steered", "condition 'steered' is not one of"),
        ("harness/{run}/nowhere", "clean", "it has no run.json"),
    ],
)
def test_inspect_is_told_of_a_mistake_in_one_line(run: Path, model: str, condition: str, message: str) -> None:
    tasks.inspect_task(SETTING)
    with pytest.raises(EvaluationError, match=message):
        inspect_ai.eval(
            "harness/choir",
            model=model.format(run=run),
            task_args={"condition": condition},
            log_dir=str(run / "own"),
            display="none",
            ctl_server=False,
        )


def test_a_second_judge_grades_the_same_replies_and_changes_no_result(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hard_of_hearing(case: Case, reply: str, grader: Grader | None) -> Verdict:
        return Verdict(scores={"loud": 0.0, "pitch": 1.0})

    evaluated(run)
    plain = rows_of(run)
    ear = Judge(name="ear", summary="hears nothing", scores=("pitch", "loud"), grade=hard_of_hearing)
    checked = replace(SETTING, checks={"volume": "ear"})
    installed(monkeypatch, checked, VOLUME, ear)
    assert not is_graded(checked, graded(run))  # before, there was no second judge
    assert is_graded(checked, graded(run, setting=checked))
    assert read_results(run) == plain
    checks = read_checks(run)
    assert [(row.split, row.case, row.judge, row.check) for row in checks] == [
        *[("high", f"case{number}", "volume", "ear") for number in range(4)],
        *[("low", f"case{number}", "volume", "ear") for number in range(2)],
    ]
    assert [row.first["loud"] for row in checks] == [1.0, None, 1.0, 1.0, 1.0, None]
    assert {json.dumps(row.second) for row in checks} == {'{"loud": 0.0}'}
    assert {json.dumps(row.own) for row in checks} == {'{"pitch": 1.0}'}
