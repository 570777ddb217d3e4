"""Laws of capability tasks: lm-eval's figures from our engine, our own record of what was measured, nothing lost."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small
import torch

from harness import HarnessError, Message, Steering, analysis, cli, reporting
from harness.capabilities import capabilities
from harness.capabilities.language_model import language_model
from harness.capabilities.local_tasks import basics, copying, local_tasks
from harness.cells import Cell
from harness.documents import SEAL, sealed
from harness.engine import TorchEngine, Vector, chat, open_model
from harness.models import resolve
from harness.pipeline import run
from harness.registry import installed, using
from harness.runs import CAPABILITIES, read_capabilities

pytest.importorskip("lm_eval", reason="lm-eval is the extra 'capabilities', which is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

STEERED = "vector:reply@2"


@pytest.fixture(scope="module")
def tiny(tiny_llama: Path) -> TorchEngine:
    made = open_model(resolve(str(tiny_llama)), dtype="fp32")
    value = torch.randn(len(made.blocks), 32, generator=torch.Generator().manual_seed(3))
    made.vectors = lambda _: Vector(value=value, rms=torch.ones(len(made.blocks)))
    return made


@pytest.fixture(scope="module")
def arms(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("capable")
    with using(small.REGISTRY):
        run([Cell(setting="loud", intervention="none", model=str(tiny_llama))], root)
    return root


@pytest.fixture
def folder(arms: Path) -> Iterator[Path]:
    (found,) = (arms / "loud" / "none").glob("mini-*")
    yield found
    (found / CAPABILITIES).unlink(missing_ok=True)


def request(*args: Any) -> Any:
    return SimpleNamespace(args=args)


@pytest.mark.parametrize("steering", [None, Steering(vector="v", coef=3.0, blocks=(1,))], ids=["clean", "steered"])
def test_a_likelihood_is_that_of_the_texts_tokens_in_their_context(
    tiny: TorchEngine, steering: Steering | None
) -> None:
    model = language_model(tiny)
    texts = [("Yes, you are", " right."), ("The answer is", " 42"), ("", "No")]
    with tiny.steered(steering) if steering else contextlib.nullcontext():
        found = model.loglikelihood([request(*pair) for pair in texts], disable_tqdm=True)
        for (before, text), (logprob, _) in zip(texts, found, strict=True):
            start = tiny.tokenizer.encode(before) or [tiny.tokenizer.eos_token_id]
            ids = torch.tensor([start + tiny.tokenizer.encode(text)])
            with torch.no_grad():
                rows = tiny.model(ids).logits[0].double().log_softmax(-1)
            wanted = sum(float(rows[at - 1, ids[0, at]]) for at in range(len(start), ids.shape[1]))
            assert logprob == pytest.approx(wanted, abs=2e-4)


def test_the_likelihood_of_a_whole_text_scores_each_token_once_however_long(tiny: TorchEngine) -> None:
    """A text of three windows is the sum of its windows, each behind the last token before it."""
    model = language_model(tiny)
    short, long = "Yes, you are right.", "No, that is not right. " * 300
    ids = tiny.tokenizer.encode(short)
    (alone,) = model.loglikelihood_rolling([request(short)])
    with torch.no_grad():
        rows = tiny.model(torch.tensor([[tiny.tokenizer.eos_token_id, *ids]])).logits[0].double().log_softmax(-1)
    assert alone == pytest.approx(sum(float(rows[at, token]) for at, token in enumerate(ids)), abs=2e-3)
    assert len(tiny.tokenizer.encode(long)) > 2048
    both = model.loglikelihood_rolling([request(long), request(short)])
    assert both[1] == pytest.approx(alone, abs=2e-4)
    assert both[0] == pytest.approx(model.loglikelihood_rolling([request(long)])[0], rel=1e-5)


def test_a_reply_ends_before_its_first_stop_text(tiny: TorchEngine) -> None:
    model = language_model(tiny)
    (whole,) = model.generate_until([request("The answer is", {"until": [], "max_gen_toks": 12})])
    assert len(whole) > 2
    stop = whole[1]
    (cut,) = model.generate_until([request("The answer is", {"until": [stop, "\0"], "max_gen_toks": 12})])
    assert cut == whole[: whole.index(stop)]


def test_local_tasks_are_the_same_each_time_and_hold_their_right_answer_once() -> None:
    assert basics() == basics()
    assert copying() == copying()
    for document in basics():
        assert len(set(document["choices"])) == 4
    places = [document["answer"] for document in basics()]
    assert all(places.count(place) > len(places) / 8 for place in range(4)), "the right answer must stand anywhere"
    assert len({document["question"] for document in basics()}) == len(basics())


def test_every_local_task_runs_offline_on_a_run_and_is_kept_with_its_digests(folder: Path) -> None:
    with using(small.REGISTRY):
        file = capabilities.measure(folder, list(local_tasks()), ["clean", STEERED], limit=5)
    rows = json.loads(file.read_text())
    record = json.loads((folder / "run.json").read_text())
    assert {(row["task"], row["condition"]) for row in rows} == {
        (task, condition) for task in local_tasks() for condition in ("clean", STEERED)
    }
    for row in rows:
        assert row["adapter_sha256"] == record["made"]["adapter_sha256"]
        assert row["model"] == record["inputs"]["cell"]["model"]
        assert row["results"][row["task"]]["n"] == 5
        (figure,) = row["results"][row["task"]]["metrics"].values()
        assert 0 <= figure["value"] <= 1
    steered = next(row for row in rows if row["condition"] == STEERED)
    assert steered["vectors"] == {"reply": record["inputs"]["vectors"]["reply"]}
    assert steered["steering"]["norm"]["1"] > 0


def test_what_was_measured_is_not_measured_again_and_the_rest_is_added(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    measured = capabilities._measured

    def counting(*given: Any) -> Any:
        one = given[2]
        asked.append((one.task, one.condition))
        return measured(*given)

    monkeypatch.setattr(capabilities, "_measured", counting)
    capabilities.measure(folder, ["harness_basics"], ["clean"], limit=3)
    capabilities.measure(folder, ["harness_basics"], ["clean", STEERED], limit=3)
    assert asked == [("harness_basics", "clean"), ("harness_basics", STEERED)]
    assert len(read_capabilities(folder)) == 2


def test_the_report_shows_them_beside_the_arms(folder: Path) -> None:
    capabilities.measure(folder, ["harness_basics"], ["clean"], limit=4)
    with using(small.REGISTRY):
        results = analysis.load(folder.parents[2])
        found = analysis.tables(results, installed())
    text = reporting.text(results, found)
    (line,) = [line for line in text.splitlines() if "harness_basics" in line]
    assert line.split()[:6] == ["harness_basics", "acc", "clean", "none", "1", "4"]
    assert "| harness_basics | acc | clean | none | 1 | 4 |" in reporting.markdown(results, found)


@pytest.mark.parametrize(
    ("seal", "said"), [(True, "its rows are of another run"), (False, "row 1 was changed since it was written")]
)
def test_figures_of_another_run_in_the_same_folder_are_refused(folder: Path, seal: bool, said: str) -> None:
    file = capabilities.measure(folder, ["harness_basics"], ["clean"], limit=4)
    others = [{**row, "key": "0" * 64} for row in json.loads(file.read_text())]
    bare = [{name: value for name, value in row.items() if name != SEAL} for row in others]
    file.write_text(json.dumps([sealed(row) for row in bare] if seal else others))
    with using(small.REGISTRY), pytest.raises(HarnessError, match=said):
        analysis.load(folder.parents[2])


def bad(arms: Path, tiny_llama: Path, *options: str) -> list[str]:
    arguments = ["run", "--setting", "loud", "--intervention", "ps", "--runs", str(arms), "--model", str(tiny_llama)]
    return [*arguments, *options]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--capabilities", "arc_easy"), "capability task 'arc_easy' cannot be loaded: it needs data from a hub"),
        (("--capabilities", "harness_basic"), "no capability task named 'harness_basic'; did you mean"),
        (
            ("--capabilities", "harness_basics", "--capability-conditions", "prompt:inoculation"),
            "capability tasks are asked in clean or under a vector",
        ),
    ],
)
def test_a_task_that_cannot_be_asked_stops_before_anything_is_trained(
    options: tuple[str, ...], said: str, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(small.REGISTRY):
        assert cli.main(bad(tmp_path / "runs", tiny_llama, *options)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "runs").exists()


def test_without_lm_eval_the_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "lm_eval"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(HarnessError, match=r"pip install 'trait-harness\[capabilities\]'"):
        capabilities.check(["harness_basics"], ["clean"])


def test_capabilities_come_with_a_run_for_the_arm_and_for_the_untrained_model(
    arms: Path, tiny_llama: Path, folder: Path
) -> None:
    registry = replace(small.REGISTRY)
    with using(registry):
        arguments = bad(arms, tiny_llama, "--capabilities", "harness_basics", "--capability-limit", "2")
        assert cli.main([*arguments, "--intervention", "none"]) == 0
    made = {file.parents[1].name for file in arms.rglob(CAPABILITIES)}
    assert made == {"base", "none", "ps"}
    for file in arms.rglob(CAPABILITIES):
        file.unlink()


TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: [" right", " wrong"]
doc_to_target: answer
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with a task of a user's own, `colours`."""
    made = tmp_path / "tasks"
    made.mkdir()
    (made / "data.jsonl").write_text('{"question": "Yes, you are", "answer": 0}\n{"question": "No", "answer": 1}\n')
    (made / "colours.yaml").write_text(TASK.format(name="colours", data=made / "data.jsonl"))
    return made


def test_a_task_of_ones_own_is_asked_and_asked_again_once_its_folder_is_another(folder: Path, tasks: Path) -> None:
    with using(small.REGISTRY):
        capabilities.check(["colours"], ["clean"], folder=tasks)
        capabilities.measure(folder, ["colours", "harness_basics"], ["clean"], limit=2, tasks_in=tasks)
    first = {row.task: row for row in read_capabilities(folder)}
    assert first["colours"].results["colours"].n == 2
    assert len(first["colours"].task_sha256) == 64
    assert first["harness_basics"].task_sha256 == ""
    for content, same in ((None, True), ("# another\n", False)):
        if content is not None:
            (tasks / "colours.yaml").write_text(content + (tasks / "colours.yaml").read_text())
        with using(small.REGISTRY):
            capabilities.measure(folder, ["colours"], ["clean"], limit=2, tasks_in=tasks)
        rows = {row.task: row for row in read_capabilities(folder)}
        assert len(read_capabilities(folder)) == 2
        assert (rows["colours"] == first["colours"]) is same
        assert rows["harness_basics"] == first["harness_basics"]


def test_tasks_are_asked_in_chats_beside_those_that_are_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question goes through the model's template, and the tokens are those of the chat and no more.

    lm-eval itself counts white space at a prompt's end with the answer, so both are looked at together.
    """
    asked: list[list[int]] = []
    likelihoods = TorchEngine.likelihoods

    def heard(self: TorchEngine, continuations: Any) -> Any:
        asked.extend([*one.before, *one.tokens] for one in continuations)
        return likelihoods(self, continuations)

    monkeypatch.setattr(TorchEngine, "likelihoods", heard)
    with using(small.REGISTRY):
        for chats in (False, True, True):
            capabilities.measure(folder, ["harness_basics"], ["clean"], limit=1, chat_template=chats)
    assert [row.chat_template for row in read_capabilities(folder)] == [False, True]
    assert len(asked) == 8
    made = open_model(resolve(json.loads((folder / "run.json").read_text())["cell"]["model"]), dtype="fp32")
    question = str(basics()[0]["question"])
    for tokens, prompt in (
        (asked[0], made.tokenizer.encode(question)),
        (asked[-1], chat.prompt_ids(made.tokenizer, [Message("user", question)])),
    ):
        assert tokens[: len(prompt)] == prompt
        assert len(tokens) > len(prompt)
    with using(small.REGISTRY):
        results = analysis.load(folder.parents[2])
        assert "harness_basics, in chats" in reporting.text(results, analysis.tables(results, installed()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--capabilities", "colours", "--include-path", "nowhere"), "--include-path nowhere is no folder"),
        (("--capabilities", "colours", "--include-path", "{empty}"), "holds no lm-eval task, a NAME.yaml"),
        (("--capabilities", "colour", "--include-path", "{tasks}"), "no capability task named 'colour'; did you mean"),
        (("--include-path", "{tasks}"), "--include-path is for lm-eval tasks; name some with --capabilities"),
        (("--apply-chat-template",), "--apply-chat-template is for lm-eval tasks; name some with --capabilities"),
        (("--capabilities", "broken", "--include-path", "{tasks}"), "capability task 'broken' cannot be loaded"),
    ],
)
def test_a_folder_or_a_task_of_ones_own_that_is_none_is_one_line_before_any_training(
    options: tuple[str, ...],
    said: str,
    tasks: Path,
    tiny_llama: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tasks / "broken.yaml").write_text(TASK.format(name="broken", data=tasks / "no_such_file.jsonl"))
    named = [one.format(tasks=tasks, empty=tmp_path / "empty") for one in options]
    with using(small.REGISTRY):
        assert cli.main(bad(tmp_path / "runs", tiny_llama, *named)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "runs").exists()
