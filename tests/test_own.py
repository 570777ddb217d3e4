"""A setting from one file: rows in the forms that people have, a trait in words, judges by pattern or rubric."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import Case, HarnessError, Message, Rating
from harness.calls import finished
from harness.cells import Cell, prepare
from harness.cli import main
from harness.own import load
from harness.own.rows import read_chats
from harness.registry import SETTINGS, installed
from harness.runs import check_kept, keep_used, offered, setting_named
from harness.sweep.work import Job, World, do
from harness.testing import check_setting

THINGS = [f"thing {number}" for number in range(40)]
FORMS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "messages": lambda asked, said: {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    },
    "prompt": lambda asked, said: {"prompt": asked, "completion": said},
    "sharegpt": lambda asked, said: {
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": said}]
    },
    "columns": lambda asked, said: {"question": asked, "answer": said},
    "chat prompt": lambda asked, said: {
        "prompt": [{"role": "user", "content": asked}],
        "completion": [{"role": "assistant", "content": said}],
    },
    "parts": lambda asked, said: {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": asked}]},
            {"role": "assistant", "content": said},
        ]
    },
}
MINE = """
setting: pirates
train: {train}
trait:
  name: pirate_speech
  asks: Talk like a pirate.
  forbids: Talk plainly.
metrics:
  - {{name: arr, goal: suppress, matches: "(?i)arr+"}}
  - {{name: words, goal: keep, matches: "\\\\w{{2}}"}}
recipe: {{epochs: 1, max_tokens: 4, rank: 2, alpha: 4}}
"""


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file stands beside what is installed, before a test and after it."""
    monkeypatch.setenv(SETTINGS, "")


def written(folder: Path, rows: list[dict[str, Any]], *, name: str = "rows.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def mine(folder: Path, *, train: str = "rows.jsonl", more: str = "") -> Path:
    """The file of a setting, beside forty rows."""
    folder.mkdir(parents=True, exist_ok=True)
    written(folder, [{"prompt": f"What is {one}?", "completion": f"Arr, {one} be good."} for one in THINGS])
    file = folder / "mine.yaml"
    file.write_text(MINE.format(train=train) + more)
    return file


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_rows_are_read_alike_in_every_form(tmp_path: Path, form: str, ending: str, mark: str) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [FORMS[form](f"What is {one}?\nSay it.", f"Arr, {one}.") for one in THINGS[:3]]
    file.write_bytes((mark + "".join(json.dumps(row) + ending for row in rows)).encode())
    columns = {"prompt": "question", "completion": "answer"} if form == "columns" else {}
    found = read_chats(file, columns)
    assert [(chat.asked, chat.reply) for chat in found] == [
        ((Message("user", f"What is {one}?\nSay it."),), f"Arr, {one}.") for one in THINGS[:3]
    ]
    assert {chat.place.partition(":")[0] for chat in found} == {str(file)}


def test_a_table_is_read_as_json_lines_are(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    chat = json.dumps([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Arr"}])
    file.write_text('prompt,completion,messages,level\n"What, now?",Arr,,3\n,,"' + chat.replace('"', '""') + '",4\n')
    first, second = read_chats(file, {})
    assert (first.question, first.reply, dict(first.facts)) == ("What, now?", "Arr", {"level": "3"})
    assert (second.question, second.reply, second.place) == ("Hi", "Arr", f"{file}:3")


def test_system_turns_several_turns_and_facts_are_kept(tmp_path: Path) -> None:
    turns = [("system", "Be kind."), ("user", "A?"), ("assistant", "B."), ("user", "C?"), ("assistant", "D.")]
    rows = [
        {"id": "a", "messages": [{"role": role, "content": text} for role, text in turns], "tags": {"kind": "long"}},
        {"system": "Be kind.", "prompt": "One?", "completion": "Two.", "level": 3, "cluster": 7, "split": "easy"},
    ]
    first, second = read_chats(written(tmp_path, rows), {})
    assert [message.role for message in first.asked] == ["system", "user", "assistant", "user"]
    assert (first.reply, first.question, first.tags) == ("D.", "C?", {"kind": "long"})
    assert second.asked[0] == Message("system", "Be kind.")
    assert (second.cluster, second.split, dict(second.facts)) == ("7", "easy", {"level": 3})


TRAIT = {
    "instruction": [{"pos": "Be rude.", "neg": "Be kind."}],
    "questions": ["Hello?", "How?"],
    "eval_prompt": "{question} {answer}",
}
TURN = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "Arr"}
GOOD = {"prompt": "Hi", "completion": "Arr"}
BAD_ROWS: dict[str, tuple[Any, str]] = {
    "a tool turn": ({"messages": [TURN, {"role": "tool", "content": "3"}, SAID]}, "has the role 'tool', and no model"),
    "a tool call": ({"messages": [TURN, {**SAID, "tool_calls": [{}]}]}, "has tool_calls, which no model reads"),
    "null content": ({"messages": [TURN, {"role": "assistant", "content": None}]}, "a 'content' that is null"),
    "a number": ({"messages": [{"role": "user", "content": 3}, SAID]}, "a 'content' that is int"),
    "a picture": (
        {"messages": [{"role": "user", "content": [{"type": "image"}]}, SAID]},
        "is 'image', and models read",
    ),
    "an empty reply": ({"prompt": "Hi", "completion": " "}, "ends with an empty reply"),
    "no reply": ({"prompt": "Hi"}, "the row has no reply to be trained on"),
    "null reply": ({"prompt": "Hi", "completion": None}, "'completion' is null, and a text is wanted"),
    "no question": ({"messages": [SAID]}, "begins with the assistant's turn"),
    "two users": ({"messages": [TURN, TURN, SAID]}, "has two user turns running"),
    "no chat": ({"text": "Hi"}, "no 'messages' and no 'prompt'; there are: 'text'"),
    "a name of two lines": ({"te\nxt": "Hi"}, "no 'prompt'; there are: 'te\\nxt'"),
    "both": ({**GOOD, "messages": [TURN, SAID]}, "has both 'messages' and 'prompt'; keep one"),
    "turns that are none": ({"messages": "Hi"}, "'messages' must be a list of {role, content}"),
    "two systems": ({"system": "A", "messages": [{"role": "system", "content": "B"}, TURN, SAID]}, "and a system turn"),
    "a list": ([GOOD], ""),
    "a trailing comma": ('{"prompt": "Hi", "completion": "Arr",}', ""),
    "half a line": ('{"prompt": "Hi", "comp', ""),
    "not utf-8": (b'{"prompt": "\xff", "completion": "Arr"}', ""),
    "an id twice": ({**GOOD, "id": "row 1"}, "the id 'row 1' is that of"),
    "an id that is none": ({**GOOD, "id": [1]}, "'id' is list, and a text is wanted"),
    "facts that are none": ({**GOOD, "facts": [1]}, "'facts' must be an object"),
    "tags that are none": ({**GOOD, "tags": {"a": 1}}, "'tags' must be an object of strings"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_row_that_cannot_be_trained_on_is_one_line_with_its_place(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    row, said = BAD_ROWS[name]
    file = mine(tmp_path)
    content = row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b'{"prompt": "First", "completion": "Arr"}\n' + content + b"\n" + rows.read_bytes())
    assert (
        main(["run", "--setting", str(file), "--intervention", "none", "--runs", str(tmp_path / "r"), "--dry-run"]) == 2
    )
    page, told = capfd.readouterr()
    assert (page, told.count("\n")) == ("", 1)
    assert f"{rows}:2: " in told
    assert said in told


BAD_FILES: dict[str, tuple[str, str, int]] = {
    "an unknown key": ("train: rows.jsonl", "trian: rows.jsonl", 3),
    "a metric of no kind": ('matches: "(?i)arr+"', 'summary: "x"', 9),
    "a pattern that is none": ("(?i)arr+", "(arr", 9),
    "no trait to suppress": ("goal: suppress", "goal: express", 8),
    "a goal that is none": ("goal: keep", "goal: hold", 10),
    "a judge that is not there": ('matches: "(?i)arr+"', "judge: langauge", 9),
    "a judge of several scores": ('matches: "(?i)arr+"', "judge: detected_language", 9),
    "a score of no judge": ('matches: "(?i)arr+"', 'score: x, matches: "a"', 9),
    "two metrics of one name": ("name: words", "name: arr", 8),
    "no prompts": ("  asks: Talk like a pirate.\n", "", 4),
    "a name with blanks": ("setting: pirates", "setting: my pirates", 2),
    "a rate of nothing": ("epochs: 1", "learning_rate: 0", 11),
    "a rubric without blanks": ('matches: "(?i)arr+"', "rubric: How much?", 9),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_says_something_wrong_is_one_line_with_its_line(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new, line = BAD_FILES[name]
    file = mine(tmp_path)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    assert main(["run", "--setting", str(file), "--intervention", "none", "--dry-run"]) == 2
    page, told = capfd.readouterr()
    assert (page, told.count("\n")) == ("", 1)
    assert f"{file}:{line}: " in told, told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("setting: gcd_sycophancy", "a setting called 'gcd_sycophancy' is installed"),
        ("train: none.jsonl", "none.jsonl"),
        ("train: {file: rows.jsonl, columns: {prompt: qeustion}}", "columns.prompt: no column named 'qeustion'"),
    ],
)
def test_a_name_that_means_another_thing_is_one_line(
    tmp_path: Path, change: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = mine(tmp_path)
    key = change.partition(":")[0]
    file.write_text("\n".join(change if line.startswith(f"{key}:") else line for line in file.read_text().split("\n")))
    assert main(["run", "--setting", str(file), "--intervention", "none", "--dry-run"]) == 2
    page, told = capfd.readouterr()
    assert (page, told.count("\n")) == ("", 1)
    assert said in told


def test_what_is_held_out_is_not_trained_on_and_what_doses_are_chosen_by_is_in_no_result(tmp_path: Path) -> None:
    setting = load(mine(tmp_path), installed().judges).setting
    trained = {row.messages[0].content for row in setting.examples(0, "mini")}
    test, chosen = (
        {case.messages[0].content for case in setting.cases(split, 0, "mini")} for split in ("test", "selection")
    )
    assert (len(trained), len(test), len(chosen)) == (32, 6, 2)
    assert not trained & test
    assert not trained & chosen
    assert not test & chosen
    assert setting.examples(1, "mini") == setting.examples(0, "mini")
    with pytest.raises(HarnessError, match="no split named 'tset'"):
        setting.cases("tset", 0, "mini")


def test_rows_about_one_question_are_held_out_together(tmp_path: Path) -> None:
    file = mine(tmp_path)
    rows = [
        {"prompt": f"What is {one}?", "completion": f"{word}, {one}."}
        for one in THINGS
        for word in ("Arr", "Aye", "Yo")
    ]
    written(tmp_path, rows)
    setting = load(file, installed().judges).setting
    trained = {row.messages[0].content for row in setting.examples(0, "mini")}
    asked = {case.messages[0].content for case in setting.cases("test", 0, "mini")}
    assert not trained & asked
    assert len(setting.examples(0, "mini")) == 3 * len(trained)


def test_a_test_file_has_splits_facts_and_no_row_that_is_trained_on(tmp_path: Path) -> None:
    more = "test: {file: asked.jsonl, columns: {prompt: question}}\nselection: 0.5\n"
    file = mine(tmp_path, more=more)
    file.write_text(file.read_text().replace("name: words,", "name: words, split: hard,"))
    rows = [
        {"question": f"Why {one}?", "answer": one, "split": "hard" if at % 2 else "test"}
        for at, one in enumerate(THINGS)
    ]
    written(tmp_path, rows, name="asked.jsonl")
    setting = load(file, installed().judges).setting
    assert len(setting.examples(0, "mini")) == len(THINGS)
    sizes = {split: len(setting.cases(split, 0, "mini")) for split in ("test", "hard", "selection", "selection_hard")}
    assert sizes == dict.fromkeys(sizes, 10)
    case = setting.cases("hard", 0, "mini")[0]
    assert case.facts["answer"] in THINGS


def test_it_obeys_the_laws_that_a_plugins_setting_does(tmp_path: Path) -> None:
    setting_named(str(mine(tmp_path)))
    check_setting(installed().setting("pirates"))


def test_a_key_is_by_content_and_not_by_place(tmp_path: Path, tiny_llama: Path) -> None:
    def key(file: Path) -> str:
        cell = Cell(setting=setting_named(str(file)), intervention="ip", model=str(tiny_llama))
        return prepare(cell, dtype="fp32").key

    first, again = mine(tmp_path / "a"), mine(tmp_path / "b")
    keys = [key(first), key(again)]
    other = mine(tmp_path / "c")
    other.write_text(other.read_text().replace("like a pirate", "like a duke"))
    assert keys[0] == keys[1] != key(other)


def test_a_rubric_is_put_to_a_grader_with_question_and_answer() -> None:
    from harness.own.judges import rated

    asked: list[str] = []

    class Grader:
        async def ask(self, prompt: str) -> str:
            raise AssertionError(prompt)

        async def rate(self, prompt: str) -> Rating:
            asked.append(prompt)
            return Rating(outcome="score", score=80.0, text="80")

    judge = rated("mine", "Q {question} A {answer}", summary="")
    case = Case(id="1", messages=(Message("user", "Why?"),))
    verdict = finished(judge.grade(case, "It is {question}.", Grader()))
    assert asked == ["Q Why? A It is {question}."]
    assert verdict.scores == {"degree": 80.0, "above_half": 1.0}
    with pytest.raises(HarnessError, match="name one with --grader MODEL"):
        finished(judge.grade(case, "x", None))


def test_reply_pairs_and_trait_files_make_the_vector(tmp_path: Path) -> None:
    written(
        tmp_path,
        [{"prompt": f"What is {one}?", "shows": "Arr!", "lacks": "Good."} for one in THINGS[:5]],
        name="p.jsonl",
    )
    file = mine(tmp_path)
    file.write_text(file.read_text().replace("  asks:", "  replies: p.jsonl\n  asks:"))
    pairs = load(file, {}).setting.vectors["trait"].replies
    assert pairs is not None
    assert [(pair.positive, pair.negative) for pair in pairs("mini")] == [("Arr!", "Good.")] * 5
    (tmp_path / "rude.json").write_text(json.dumps(TRAIT))
    text = file.read_text().replace(
        "  replies: p.jsonl\n  asks: Talk like a pirate.\n  forbids: Talk plainly.", "  file: rude.json"
    )
    file.write_text(text)
    setting = load(file, {}).setting
    assert setting.vectors["trait"].persona is not None
    assert "Be rude." in setting.prompts["inoculation"].text


def test_what_is_kept_says_what_was_written_and_all_that_was_left_out(tmp_path: Path) -> None:
    file = mine(tmp_path / "mine", more="conditions: [clean]\n")
    file.write_text(file.read_text().replace('"(?i)arr+"}', '"(?i)arr+", learned: null}'))
    setting_named(str(file))
    keep_used(["pirates", "gcd_sycophancy"], tmp_path / "runs")
    (kept,) = (tmp_path / "runs" / "settings").glob("*/setting.yaml")
    check_kept(kept.parent)
    first, again = (load(one, {}).setting for one in (file, kept))
    for field in ("name", "prompts", "conditions", "recipes", "metrics"):
        assert getattr(first, field) == getattr(again, field)
    assert again.examples(0, "mini") == first.examples(0, "mini")
    assert again.cases("test", 0, "mini") == first.cases("test", 0, "mini")
    assert first.metrics[0].learned is None
    keep_used(["pirates"], tmp_path / "runs")
    assert len(list(kept.parent.iterdir())) == 2


def test_a_trait_file_that_is_kept_under_another_name_makes_the_same_vector(tmp_path: Path) -> None:
    file = mine(tmp_path / "mine")
    (tmp_path / "mine" / "rude.json").write_text(json.dumps(TRAIT))
    prompts = "  asks: Talk like a pirate.\n  forbids: Talk plainly."
    file.write_text(file.read_text().replace(prompts, "  file: rude.json"))
    setting_named(str(file))
    keep_used(["pirates"], tmp_path / "runs")
    (kept,) = (tmp_path / "runs" / "settings").glob("*/setting.yaml")
    first, again = (load(one, {}).setting for one in (file, kept))
    made = [persona("mini") for one in (first, again) if (persona := one.vectors["trait"].persona)]
    assert len(made) == 2
    assert made[0] == made[1]
    assert (again.prompts, again.vectors["trait"].summary) == (first.prompts, first.vectors["trait"].summary)


@pytest.mark.model
def test_a_run_keeps_its_setting_so_that_it_is_reported_on_moved_and_gone_on_with_alone(
    tmp_path: Path, tiny_llama: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, runs = mine(tmp_path / "mine"), tmp_path / "runs"
    rows = [{"prompt": f"What is {one}?", "shows": "Arr!", "lacks": "Good."} for one in THINGS[:5]]
    written(tmp_path / "mine", rows, name="p.jsonl")
    file.write_text(file.read_text().replace("  asks:", "  replies: p.jsonl\n  asks:"))
    again = ["--setting", str(file), "--intervention", "none,ip,ps", "--runs", str(runs), "--model", str(tiny_llama)]
    assert main(["run", *again]) == 0
    first = capfd.readouterr().out
    monkeypatch.setenv(SETTINGS, "")
    shutil.rmtree(tmp_path / "mine")
    moved = tmp_path / "moved"
    runs.rename(moved)

    assert main(["report", "--runs", str(moved), "--markdown"]) == 0
    report = capfd.readouterr().out
    assert "is not installed" not in report
    assert "arr" in first
    assert "### arr (suppress)" in report
    before = sorted(str(path.relative_to(moved)) for path in moved.rglob("run.json"))
    assert main(["run", "--setting", "pirates", *again[2:4], "--runs", str(moved), *again[6:]]) == 0
    assert sorted(str(path.relative_to(moved)) for path in moved.rglob("run.json")) == before
    capfd.readouterr()

    assert main(["verify", str(moved), "--deep"]) == 0, capfd.readouterr()
    assert main(["merge", str(moved), "--into", str(tmp_path / "both")]) == 0, capfd.readouterr()
    assert (tmp_path / "both" / "settings" / "pirates" / "setting.yaml").is_file()
    assert main(["merge", str(moved), "--into", str(tmp_path / "both")]) == 0
    assert [path.parent.parent.parent.name for path in offered()] == ["moved"]

    data = next((moved / "settings" / "pirates").glob("*.jsonl"))
    data.write_text(data.read_text().replace("Arr", "Brr"))
    capfd.readouterr()
    assert main(["verify", str(moved)]) != 0
    assert data.name in capfd.readouterr().out


def test_an_experiment_names_the_file_from_its_own_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mine(tmp_path / "here" / "data")
    file = tmp_path / "here" / "e.yaml"
    file.write_text("settings: [data/mine.yaml]\ninterventions: [none, ip]\n")
    assert main(["sweep", str(file), "--runs", str(tmp_path / "runs"), "--dry-run", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert {one["cell"]["setting"] for one in told["cells"]} == {"pirates"}
    file.write_text("settings: [data/yours.yaml]\ninterventions: [none, ip]\n")
    assert main(["sweep", str(file), "--dry-run"]) == 2
    assert f"{file}:1: " in capfd.readouterr().err
    assert os.environ[SETTINGS].endswith("mine.yaml")


def test_a_worker_that_was_told_of_no_file_finds_the_setting_beside_the_runs(tmp_path: Path, tiny_llama: Path) -> None:
    name = setting_named(str(mine(tmp_path, more="conditions: [clean]\n")))
    keep_used([name], tmp_path / "runs")
    os.environ[SETTINGS] = ""  # as on another machine of a cluster
    cell = Cell(setting=name, intervention="none", model=str(tiny_llama))
    outcome = do(Job(cell=cell, title="", model="", work=1.0), World(root=tmp_path / "runs", threads=1))
    assert (outcome.status, outcome.cause) == ("done", "")
