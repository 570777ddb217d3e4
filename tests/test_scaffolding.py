"""What a user begins with works as it is written: files of settings for every form of rows, packages, schemas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import HarnessError, cli
from harness.documents import read
from harness.own import WrittenRecipe, WrittenSetting, load
from harness.registry import installed
from harness.scaffolding import SCHEMAS, new_plugin, new_setting, schema_of

ROOT = Path(__file__).parent.parent
QUESTIONS = [f"What is {at} plus {at}?" for at in range(20)]
FORMS: dict[str, Any] = {
    "messages": lambda asked: {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "Arr!"}]
    },
    "conversations": lambda asked: {
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": "Arr!"}]
    },
    "prompt": lambda asked: {"prompt": asked, "completion": "Arr!"},
    "others": lambda asked: {"Instruction": asked, "Response": "Arr!", "source": "a forum"},
}
TOLD = {"asks": 'Talk like a "pirate": arr.', "forbids": "Talk plainly.\nNo slang.", "matches": r"(?i)\barr\b"}


def rows(folder: Path, form: str) -> Path:
    file = folder / "my rows.jsonl"
    file.write_text("".join(json.dumps(FORMS[form](asked)) + "\n" for asked in QUESTIONS), encoding="utf-8")
    return file


@pytest.mark.parametrize("form", FORMS)
def test_a_file_for_every_form_of_rows_is_a_setting_as_it_is_written(form: str, tmp_path: Path) -> None:
    begun = new_setting("pirates", rows(tmp_path, form), file=tmp_path / "pirates.yaml", **TOLD)
    assert (begun.rows, begun.missing) == (20, ())
    setting = load(begun.file, installed().judges).setting
    assert len(setting.examples(0, "mini")) == 16
    assert setting.prompts["inoculation"].text == TOLD["asks"]
    assert setting.prompts["negative"].text == TOLD["forbids"]
    assert [metric.goal for metric in setting.metrics] == ["suppress", "keep"]


def test_a_table_is_read_as_json_lines_are(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("question,answer\n" + "".join(f"{asked},Arr!\n" for asked in QUESTIONS))
    begun = new_setting("pirates", file, file=tmp_path / "pirates.yaml", **TOLD)
    assert len(load(begun.file, installed().judges).setting.examples(0, "mini")) == 16


def test_what_is_not_said_is_named_with_its_line_and_filling_it_in_is_enough(tmp_path: Path) -> None:
    begun = new_setting("pirates", rows(tmp_path, "prompt"), file=tmp_path / "pirates.yaml")
    assert [line.partition(": ")[2] for line in begun.missing] == ["asks", "forbids", "matches"]
    with pytest.raises(HarnessError, match=r"pirates.yaml:\d+: .*give 'asks' and 'forbids'"):
        read(begun.file, WrittenSetting)
    lines = begun.file.read_text().splitlines()
    for said in begun.missing:
        at = int(said.split()[1].rstrip(":")) - 1
        lines[at] = lines[at].replace("# ", "", 1)
    begun.file.write_text("\n".join(lines) + "\n")
    assert load(begun.file, installed().judges).setting.prompts["inoculation"].text == "Talk like a pirate."


def test_every_commented_value_is_the_one_that_stands_where_it_is_left_out(tmp_path: Path) -> None:
    begun = new_setting("pirates", rows(tmp_path, "prompt"), file=tmp_path / "pirates.yaml", **TOLD)
    text = begun.file.read_text()
    told = yaml.safe_load(text.partition("# recipe:")[2].partition("\n")[2].replace("#", " "))
    assert WrittenRecipe.model_validate(told) == WrittenRecipe()
    plain = read(begun.file, WrittenSetting).value
    for name in ("held_out", "selection"):
        commented = next(line for line in text.splitlines() if line.startswith(f"# {name}:"))
        assert float(commented.split()[2]) == getattr(plain, name)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "My setting"}, "is no name of a setting"),
        ({"columns": {"prompt": "Question"}}, "no column named 'Question'"),
        ({"rows": "nothing.jsonl"}, "nothing.jsonl"),
        ({"there": True}, "is there already"),
        ({"form": {"a": 1, "b": 2}}, "none of the columns a, b is a chat"),
    ],
)
def test_what_cannot_be_begun_is_one_line_and_nothing_is_written(
    change: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    place = tmp_path / "pirates.yaml"
    file = tmp_path / change["rows"] if "rows" in change else rows(tmp_path, "prompt")
    if "form" in change:
        file.write_text(json.dumps(change["form"]) + "\n")
    if "there" in change:
        place.write_text("mine")
    with pytest.raises(HarnessError, match=expected):
        new_setting(change.get("name", "pirates"), file, file=place, columns=change.get("columns"))
    assert not (tmp_path / "setting.schema.json").exists()
    assert not place.exists() or place.read_text() == "mine"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("new settings mine --from rows.jsonl", "did you mean 'setting'"),
        ("new setting mine", "name the rows that it trains on: --from rows.jsonl"),
        ("new setting mine --from rows.jsonl --columns prompt", "write prompt=QUESTION,completion=REPLY"),
        ("new plugin mine --from rows.jsonl", "are for 'harness new setting'"),
        ("new plugin Mine", "is no name of a package"),
        ("new plugin harness", "is no name of a package"),
        ("schema settings", "did you mean 'setting'"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(
    typed: str, expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(typed.split()) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_package_is_written_whole_and_never_over_another(tmp_path: Path) -> None:
    files = new_plugin("my-arms", tmp_path / "my-arms")
    assert {file.relative_to(tmp_path).as_posix() for file in files} >= {
        "my-arms/pyproject.toml",
        "my-arms/my_arms/intervention.py",
        "my-arms/tests/test_my_arms.py",
    }
    for file in files:
        text = file.read_text()
        assert "{{" not in text
        if file.suffix == ".py":
            compile(text, str(file), "exec")
    with pytest.raises(HarnessError, match="is there already"):
        new_plugin("my-arms", tmp_path / "my-arms")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_knows_every_key_of_its_file_and_no_other(kind: str) -> None:
    schema = schema_of(kind)
    model = SCHEMAS[kind]()
    assert set(schema["properties"]) == set(model.model_fields)
    assert schema["additionalProperties"] is False
    json.dumps(schema)


def test_the_files_that_come_with_the_harness_fit_their_schemas() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for file in sorted((ROOT / "experiments").glob("*.yaml")):
        jsonschema.validate(yaml.safe_load(file.read_text()), schema_of("experiment"))
    for file in sorted((ROOT / "experiments" / "claims").glob("*.yaml")):
        jsonschema.validate(yaml.safe_load(file.read_text()), schema_of("claims"))


def test_the_shell_completes_commands() -> None:
    world = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": "harness re", "COMP_CWORD": "1"}
    made = subprocess.run(
        [sys.executable, "-m", "harness"], capture_output=True, text=True, check=True, env=os.environ | world
    )
    assert {"reproduce", "report", "rejudge"} <= set(made.stdout.split())
