"""Laws of replies from elsewhere: JSON lines and tables give the same under whatever name, and faults have a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small

from harness import HarnessError
from harness.cli import main
from harness.grading import read_given
from harness.registry import using

ROWS = [
    {"id": "a", "answer": 'LOUD, "quoted"\nand on', "messages": [{"role": "user", "content": "Say it."}]},
    {"id": "b", "answer": "", "facts": {"n": 3, "word": "x"}},
    {"id": "c", "answer": "caf\u00e9"},
]
TABLE = (
    "id,answer,messages,facts,other\r\n"
    'a,"LOUD, ""quoted""\nand on","[{""role"": ""user"", ""content"": ""Say it.""}]",,1\r\n'
    'b,,,"{""n"": 3, ""word"": ""x""}",2\r\n'
    "\r\n"
    "c,caf\u00e9,,,3\r\n"
)


def lines(folder: Path) -> Path:
    file = folder / "replies.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte-order mark"])
def test_a_table_gives_what_json_lines_give(mark: bytes, tmp_path: Path) -> None:
    table = tmp_path / "replies.CSV"
    table.write_bytes(mark + TABLE.encode())
    given = lines(tmp_path)
    given.write_bytes(mark + given.read_bytes())
    first, second = read_given(given, field="answer"), read_given(table, field="answer")
    assert [(one.own_id, one.reply) for one in first] == [(one.own_id, one.reply) for one in second]
    assert [one.place.rpartition(":")[2] for one in second] == ["3", "4", "6"]


def test_the_command_judges_a_table_under_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "replies.csv"
    table.write_text("answer\nABC\nabc\n")
    with using(small.REGISTRY):
        assert main(["judge", "capitals", "--replies", str(table), "--reply-field", "answer"]) == 0
    assert [json.loads(line)["scores"]["capitals"] for line in capsys.readouterr().out.splitlines()] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no row"),
        ("reply\n", "has no row"),
        ("answer\nx\n", ":2: 'reply' must be a string, the text to judge (it may be empty), unless 'messages' end "),
        ("reply,reply\nx,y\n", ":1: two columns of one name, or one without a name"),
        ("reply,\nx,y\n", ":1: two columns of one name, or one without a name"),
        ("reply,id\nx\n", ":2: 1 cells, and the header has 2"),
        ("reply,id\nx,y,z\n", ":2: 3 cells, and the header has 2"),
        ('reply\n"x\n', "no CSV: unexpected end of data"),
        ('reply\n"x"y\n', "no CSV: "),
        ("reply,facts\nx,{\n", ":2: 'facts' is no JSON"),
        ("reply,facts\nx,[1]\n", ":2: 'facts' must be an object"),
        ("reply,messages\nx,3\n", ":2: 'messages' must be a list of"),
        ("reply\nx\0y\n", "a NUL byte"),
    ],
)
def test_a_fault_in_a_table_is_one_line_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    table = tmp_path / "replies.csv"
    table.write_bytes(text.encode())
    with pytest.raises(HarnessError) as error:
        read_given(table)
    assert said in str(error.value)
    assert str(table) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_cell_may_be_as_long_as_a_file(tmp_path: Path) -> None:
    table = tmp_path / "replies.csv"
    table.write_text(f"reply\n{'x' * 300_000}\n")
    (one,) = read_given(table)
    assert len(one.reply.reply) == 300_000


USER = {"role": "user", "content": "Hello"}


def chats(folder: Path, *rows: object) -> Path:
    file = folder / "chats.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def test_a_chat_in_the_forms_that_people_have_is_read_where_its_meaning_is_plain(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    answered = {"role": "assistant", "content": "Hi."}
    rows = [
        {"messages": [{"role": "developer", "content": "Be brief."}, USER], "reply": "Hi."},
        {"messages": [{"role": "user", "content": parts}], "reply": "Hi."},
        {"messages": [USER, {**answered, "tool_calls": []}]},
        {"messages": [USER, {"role": "assistant", "content": ""}]},
        {"messages": [answered]},
    ]
    found = [one.reply for one in read_given(chats(tmp_path, *rows))]
    told = [([(turn.role, turn.content) for turn in one.case.messages], one.reply) for one in found]
    hello = ("user", "Hello")
    assert told == [
        ([("system", "Be brief."), hello], "Hi."),
        ([hello], "Hi."),
        ([hello], "Hi."),
        ([hello], ""),
        ([], "Hi."),
    ]


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([USER, {"role": "tool", "content": "10"}], "messages[1] has the role 'tool', and no judge reads that"),
        ([USER, {"role": ["user"], "content": "10"}], "messages[1] has the role ['user']"),
        ([{"role": "user", "content": None}], "messages[0] has a 'content' that is null; write a text"),
        ([{"role": "user", "content": 3}], "messages[0] has a 'content' that is int; write a text"),
        ([{"role": "user"}], "messages[0] has a 'content' that is null"),
        ([USER, {"role": "assistant", "content": "", "tool_calls": [{"id": "a"}]}], "messages[1] has tool_calls"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0] is 'image_url', and judges"),
        ([{"role": "user", "content": ["Hello"]}], "messages[0].content[0] is 'str', and judges read text alone"),
        ([{"role": "user", "content": [{"type": "text", "text": 3}]}], "messages[0].content[0] is 'text', and"),
    ],
)
def test_a_turn_that_no_judge_reads_is_one_line_with_its_place(turns: list[object], said: str, tmp_path: Path) -> None:
    file = chats(tmp_path, {"messages": [USER], "reply": "Hi."}, {"messages": turns, "reply": "Hi."})
    with pytest.raises(HarnessError) as error:
        read_given(file)
    assert f"{file}:2: {said}" in str(error.value)
    assert "\n" not in str(error.value)
