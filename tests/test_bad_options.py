"""What is typed is taken as it is meant or refused: options given twice, empty, in odd digits, or of no use."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import typer
from bad_world import Bad, BadInputs, World

from harness import HarnessError
from harness.checks import number
from harness.cli import app, main
from harness.commands.options import doses, named_file

TABLE = BadInputs()
bad = TABLE.bad

PLAN = ("--dry-run",)


def options() -> list[tuple[str, str, bool]]:
    """Every command with each of its options that holds one text, and whether that is needed."""
    command: Any = typer.main.get_command(app)
    return [
        (name, option.opts[0], option.required)
        for name, one in command.commands.items()
        for option in one.params
        if option.param_type_name == "option" and not option.is_flag and not option.multiple
    ]


ARGUMENTS = {
    **{
        name: ["a"]
        for name in (
            "describe",
            "calibrate",
            "check",
            "vectors",
            "prompts",
            "judge",
            "sweep",
            "verify",
            "rejudge",
            "merge",
            "engine",
            "schema",
        )
    },
    **{name: ["a", "b"] for name in ("agree", "new", "export")},
    "run": ["--setting", "a", "--intervention", "a"],
}


def typed(command: str, option: str) -> list[str]:
    """`command` with all that it needs but `option`."""
    needed = [one for name, one, needs in options() if name == command and needs and one != option]
    return [command, *ARGUMENTS.get(command, []), *(part for one in needed for part in (one, "a"))]


@pytest.mark.parametrize(("command", "option"), [(command, option) for command, option, _ in options()])
def test_an_option_that_holds_one_value_is_given_once(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {"--figures": "figures"}.get(option, "1")
    assert main([*typed(command, option), option, value, option, value]) == 2
    said = capsys.readouterr().err
    assert said == f"harness: {option} is given 2 times, and one of them would count; keep one\n"


@pytest.mark.parametrize("value", ["", " ", "\t"])
@pytest.mark.parametrize(("command", "option"), [(command, option) for command, option, _ in options()])
def test_an_option_is_never_empty(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*typed(command, option), f"{option}={value}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert option in said or "names no file" in said


SPELLED = {
    "1": 1,
    "1.5": 1.5,
    ".5": 0.5,
    "5.": 5,
    "1e-3": 0.001,
    "1E3": 1000,
    "+1": 1,
    "-0.5": -0.5,
    " 2 ": 2,
    "007": 7,
}
SLIPS = ["1_0", "１", "٣", "½", "0x1", "inf", "-inf", "nan", "Infinity", "1e", "e1", "", ".", "+", "1 2", "--1"]


@pytest.mark.parametrize("text", SPELLED)
def test_a_plain_number_is_what_it_says(text: str) -> None:
    assert number(text) == SPELLED[text]


@pytest.mark.parametrize("text", SLIPS)
def test_what_looks_like_a_slip_is_no_number(text: str) -> None:
    assert math.isnan(number(text))
    with pytest.raises(HarnessError):
        doses(text)


def test_a_dose_may_be_written_in_powers_of_ten() -> None:
    assert doses("1e-3,1E-3,0.001,.5") == (0.001, 0.5)


def test_a_hyphen_names_no_file() -> None:
    with pytest.raises(HarnessError, match="leave the option out to print"):
        named_file("-")


for option in ("--runs", "--into", "--output", "--html", "--figures", "--claims", "--replies", "--file", "--trait"):
    for text in ("~", "~/runs"):
        command = {
            "--into": ["merge", "a"],
            "--replies": ["judge", "capitals"],
            "--file": ["claims"],
            "--trait": ["vectors", "loud"],
        }.get(option, ["report"])
        TABLE.append(
            Bad(
                f"{option} {text}",
                lambda world, given=(*command, f"{option}={text}"): list(given),
                (f"{option} {text}: the shell put no home folder in the place of ~; write $HOME there",),
                begins=False,
            )
        )


def plan(name: str, *said: str, given: tuple[str, ...]) -> None:
    TABLE.append(Bad(name, lambda world: world.run("ps", *given), said, begins=False))


for value, said in {"nan": "is not a finite number", "-1": "is not a sum of US dollars"}.items():
    plan(f"plan, cost {value}", said, given=(*PLAN, "--grader", "a/b", f"--max-cost={value}"))
for value in ("1", "1_0,1", "１,1", "nan,1", "1,1,1"):
    plan(f"plan, price {value}", "is not IN,OUT", given=(*PLAN, "--grader", "a/b", "--price", value))
for value in ("0", "-1"):
    plan(f"plan, connections {value}", "from 1 up", given=(*PLAN, f"--connections={value}"))
plan("plan, connections of nobody", "--connections is about a grader; name one", given=(*PLAN, "--connections", "5"))
plan("connections of nobody", "--connections is about a grader; name one", given=("--connections", "5"))
plan("plan, cost of nobody", "are about a grader; name one", given=(*PLAN, "--max-cost", "1"))
plan(
    "plan, tasks under a prompt",
    "not under 'prompt:x'",
    given=(*PLAN, "--capabilities", "a", "--capability-conditions", "prompt:x"),
)
plan(
    "plan, tasks under nothing",
    "is not one of: clean",
    given=(*PLAN, "--capabilities", "a", "--capability-conditions", "vector:reply@１"),
)


for option, given in {
    "--dose": ("--dose", "1e30"),
    "--seed": ("--seed", "9" * 30),
    "--price": ("--grader", "a/b", "--price", "1e30,1"),
}.items():
    plan(f"plan, {option} of 30 digits", option, given=(*PLAN, *given))


@bad("--hourly-price nan is not a finite number")
def an_hourly_price_that_is_no_number(world: World) -> list[str]:
    return ["sweep", "e.yaml", "--dry-run", "--hourly-price", "nan"]


@bad("--hourly-price -1 is not a sum of US dollars")
def an_hourly_price_below_nothing(world: World) -> list[str]:
    return ["sweep", "e.yaml", "--dry-run", "--hourly-price", "-1"]


@bad("--hourly-price is for a plan; give --dry-run with it")
def an_hourly_price_of_no_plan(world: World) -> list[str]:
    return ["sweep", "e.yaml", "--hourly-price", "1"]


@bad("is not UTF-8; name one that is")
def a_runs_folder_of_a_name_that_is_no_text(world: World) -> list[str]:
    world.runs = world.folder / "\udcff"
    return world.run("base")


@bad("is not UTF-8; name one that is")
def a_merged_folder_of_a_name_that_is_no_text(world: World) -> list[str]:
    return ["merge", str(world.arms), "--into", str(world.folder / "\udcff")]


REPLIES = {
    "an id of nothing": ({"id": ""}, "it is empty (Case.id)"),
    "an id of two lines": ({"id": "a\nb"}, "is not one line"),
    "a fact beyond 64 bits": ({"facts": {"a": 2**70}}, "does not fit in 64 bits"),
    "a chat that ends with a reply": ({"messages": [{"role": "assistant", "content": "a"}]}, "user's turn"),
}
for name, (row, said) in REPLIES.items():
    line = json.dumps({"reply": "A", **row})
    TABLE.append(
        Bad(
            name,
            lambda world, line=line: world.judge('{"reply": "A"}', line),
            ("replies.jsonl:2: ", said),
            begins=False,
        )
    )


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_option_ends_in_one_line_with_status_2(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)


@pytest.mark.parametrize("name", ["a b", "a\nb", "a#1", "é", "a@0123abcd"])
def test_a_runs_folder_may_be_called_as_its_owner_likes(name: str, world: World) -> None:
    world.runs = world.folder / name
    assert world.call(world.run("base")) == 0


def numeric() -> list[tuple[str, str]]:
    """Every command with each of its options that is a number."""
    command: Any = typer.main.get_command(app)
    return [
        (name, option.opts[0])
        for name, one in command.commands.items()
        for option in one.params
        if option.param_type_name == "option" and option.type_descriptor.annotation in (int, float)
    ]


TOO_FAR = [
    "9" * 30,
    f"-{'9' * 30}",
    "1e30",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "1_0",
    "１",
    "0x1",
    "9" * 5000,
    "1 0",
    "--1",
]


@pytest.mark.parametrize("value", TOO_FAR, ids=lambda value: value[:12])
@pytest.mark.parametrize(("command", "option"), numeric())
def test_a_number_is_in_plain_digits_and_within_what_it_is_for(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*typed(command, option), f"{option}={value}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert option in said, said


def test_there_are_numbers_to_type() -> None:
    assert {"--capability-limit", "--jobs", "--connections", "--max-cost", "--threshold"} <= {
        one for _, one in numeric()
    }
