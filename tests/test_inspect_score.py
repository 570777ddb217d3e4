"""A log that is copied alone to another place: scored by Inspect's own command, read by its own tables, asked nothing.

The run that made the log is gone, so whatever would need its model or its folder fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from itertools import cycle
from pathlib import Path

import pytest
from evaluating import RECIPE, Engine, opened, run_folder
from inspect_ai.log import write_eval_log
from inspect_ai.model import get_model

from harness import Condition, HarnessError
from harness.evaluation import read_log, read_replies_of, scores_in, tasks
from harness.grading import verdicts_of
from harness.registry import installed

REPLIES = ("Yes, that is right: the answer is 6.", "No, the greatest common divisor is 3.", "Let me see.")
SHOWN = {"claim_affirmation_of_wrong_claim", "claim_affirmation_of_right_claim", "gcd_answer_of_no_claim"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of nine replies to an installed setting, whose run has gone."""
    folder = tmp_path_factory.mktemp("made")
    run = run_folder(folder / "runs" / "mini-fake-s0")
    replies = cycle(REPLIES)
    engine = Engine(say=lambda request: next(replies))
    with opened(engine):
        [log] = tasks.evaluate(
            installed().setting("gcd_sycophancy"),
            [Condition.parse("prompt:inoculation")],
            scale="mini",
            recipe=RECIPE,
            run=run,
            digest="0123456789ab",
            logs=run / "logs",
            limit=3,
        )
    moved = shutil.move(log, folder / "moved.eval")
    shutil.rmtree(folder / "runs")
    return Path(moved)


@pytest.fixture
def log(logged: Path, tmp_path: Path) -> Path:
    """A copy of that log in a folder of its own."""
    return Path(shutil.copy(logged, tmp_path / "alone.eval"))


def inspect_score(log: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Inspect's own command on the log, in the log's folder; Python lists on standard error what it imports."""
    command = [sys.executable, "-X", "importtime", "-m", "inspect_ai", "score", log.name, *options]
    env = {**os.environ, "COLUMNS": "200", "PYTHONWARNINGS": "error:::harness", "INSPECT_DISPLAY": "plain"}
    return subprocess.run(command, cwd=log.parent, env=env, capture_output=True, text=True, check=False)


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """The top-level modules that the command imported."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_inspect_scores_a_lone_log_again_by_the_scorers_that_it_names_to_the_same_values(log: Path) -> None:
    before = scores_in(log)
    done = inspect_score(log, "--action", "overwrite", "--output-file", "again.eval")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "harness" in imported(done)
    assert not imported(done) & {"torch", "transformers", "peft"}
    assert scores_in(log.with_name("again.eval")) == before
    assert len(before) == 9
    assert {None, 0.0, 1.0} == set(before.values())


def test_a_log_of_before_names_its_scorers_alone_and_is_scored_the_same(log: Path) -> None:
    before, old = scores_in(log), read_log(log)
    for one in old.eval.scorers or []:
        one.options = {}
    write_eval_log(old, log)
    done = inspect_score(log, "--action", "overwrite", "--overwrite")
    assert done.returncode == 0, done.stdout + done.stderr
    assert scores_in(log) == before


@pytest.mark.parametrize(("judge", "split"), [("gcd_answer", "no_claim"), ("claim_affirmation", "wrong_claim")])
def test_inspect_finds_a_judge_by_its_name_and_gives_what_the_harness_gives(log: Path, judge: str, split: str) -> None:
    done = inspect_score(
        log, "--scorer", f"harness/{judge}", "-S", f"split={split}", "--action", "append", "--overwrite"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ours = [one for one in read_replies_of(log) if one.split == split]
    given = verdicts_of(installed().judge(judge), ours)
    wanted = {f"{split}/{one.case.id}": dict(verdict.scores) for one, verdict in zip(ours, given, strict=True)}
    samples = read_log(log).samples or []
    shown = {str(one.id): one.scores[judge] for one in samples if one.scores and judge in one.scores}
    assert {name: score.value for name, score in shown.items()} == wanted
    assert {(score.metadata or {})["version"] for score in shown.values()} == {installed().judge(judge).version}
    assert set().union(*(one.scores or {} for one in samples)) == {judge, *SHOWN}


def test_every_judge_is_a_scorer_by_its_name() -> None:
    """In a process of its own: Inspect looks for scorers once, and finds what was in place for everything then."""
    code = (
        "import sys; from inspect_ai._util.registry import registry_lookup; "
        "print([one for one in sys.argv[1:] if registry_lookup('scorer', f'harness/{one}') is None])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *installed().judges], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_judge_that_asks_says_how_to_name_a_grader(log: Path) -> None:
    done = inspect_score(log, "--scorer", "harness/alignment", "--action", "append", "--overwrite")
    assert done.returncode != 0
    assert "judge 'alignment' asks a model; name one with --model-role grader=MODEL" in done.stdout + done.stderr


def test_a_rule_judges_a_log_of_a_task_that_is_none_of_ours(log: Path) -> None:
    other = read_log(log)
    other.eval.model, other.eval.scorers = "none/none", None
    for sample in other.samples or []:
        sample.metadata, sample.scores = {"answer": 6, "rows": [1, 2]}, None
    write_eval_log(other, log)
    for judge in ("gcd_answer", "detected_language"):
        done = inspect_score(log, "--scorer", f"harness/{judge}", "--action", "append", "--overwrite")
        assert done.returncode == 0, done.stdout + done.stderr
    for sample in read_log(log).samples or []:
        given = {name: score.value for name, score in (sample.scores or {}).items()}
        assert given["detected_language"]["english"] == 1.0
        assert given["gcd_answer"]["solved"] == float("6" in sample.output.completion)


def test_a_model_of_a_run_that_is_elsewhere_is_refused_once_it_is_asked(tmp_path: Path) -> None:
    model = get_model(f"harness/{tmp_path}/gone@0123456789ab", memoize=False)
    assert model.name.endswith("gone@0123456789ab")
    with pytest.raises(HarnessError, match=r"no run in .*gone: it has no run\.json"):
        model.api.max_tokens()


def test_the_tables_of_inspect_read_a_lone_log_without_a_warning_of_ours(log: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which Inspect's tables need, is not installed")
    from inspect_ai.analysis import EvalModel, SampleSummary, evals_df, samples_df

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning)  # of Inspect's calls of pandas
        runs, samples = evals_df(log), samples_df(log, columns=SampleSummary)
        assert list(evals_df(log, columns=EvalModel)["model"]) == list(runs["model"])
    assert (list(runs["task_name"]), list(runs["status"])) == (["gcd_sycophancy"], ["success"])
    assert len(samples) == 9
    for scorer in SHOWN:
        told = [json.loads(value) for value in samples[f"score_{scorer}"].dropna()]
        assert len(told) == 3
