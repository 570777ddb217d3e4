"""Bad inputs about graders and judges: one line that says what, where and the way out, and nothing half written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import small
from bad_world import Bad, BadInputs, World, opened

from harness import Verdict
from harness.contracts import Case, Grader

TABLE = BadInputs()
bad = TABLE.bad

NOWHERE = "openai-api/loopback/made-up"


def asking(world: World, *options: str) -> list[str]:
    """`harness judge` by a judge that asks a grader, at an address where nobody is."""

    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        assert grader is not None
        return Verdict(scores={"capitals": (await grader.rate(reply)).score})

    world._install("judges", replace(small.JUDGE, grade=grade, grader=True))
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    world.patch.setenv("LOOPBACK_API_KEY", "sk-not-to-be-seen-anywhere")
    world.patch.setenv("LOOPBACK_BASE_URL", "http://127.0.0.1:9/v1")
    return [*world.judge('{"reply": "YES"}'), *options]


def of_options(*options: str) -> Callable[[World], list[str]]:
    def spoil(world: World) -> list[str]:
        return asking(world, *options)

    spoil.__name__ = "_".join(options)
    return spoil


GRADER = ("--grader", NOWHERE)
for value in ("nan", "NaN", "inf", "-inf", "1e999"):
    bad("--max-cost", "is not a finite number")(of_options(*GRADER, "--price", "1,1", f"--max-cost={value}"))
for value in ("-1", "-0.01"):
    bad("--max-cost", "is not a sum of US dollars")(of_options(*GRADER, "--price", "1,1", f"--max-cost={value}"))
for value in ("", "much", "0,5", "1_"):
    bad("--max-cost")(of_options(*GRADER, "--price", "1,1", f"--max-cost={value}"))
for value in ("1", "1,2,3", "a,b", "nan,1", "1,nan", "-1,1", "inf,1", ",", "1;2"):
    bad("--price", "is not IN,OUT")(of_options(*GRADER, f"--price={value}"))
for value in ("0", "-1"):
    bad("--connections is a number from 1 up")(of_options(*GRADER, f"--connections={value}"))
for value in ("many", "1.5", "nan"):
    bad("--connections")(of_options(*GRADER, f"--connections={value}"))
for name in ("nobody/at-all", "openai-api", "openai-api/loopback", "/", "none/none/none", "harness/nowhere"):
    bad("grader")(of_options("--grader", name))
bad("no price is known for grader", "give it by --price IN,OUT")(of_options(*GRADER, "--max-cost=1"))
bad("judge 'capitals' asks a grader model, and none is named")(of_options())


@bad("nobody was reached at http://127.0.0.1:9/v1", "0 answers of this command are kept", begins=True)
def a_grader_that_nobody_serves(world: World) -> list[str]:
    return asking(world, *GRADER)


@bad("LOOPBACK_API_KEY")
def a_grader_without_a_key(world: World) -> list[str]:
    arguments = asking(world, *GRADER)
    world.patch.delenv("LOOPBACK_API_KEY")
    return arguments


@bad("would be passed: 0 answers for $0.0000 are kept", begins=True)
def a_limit_that_the_first_question_would_pass(world: World) -> list[str]:
    return asking(world, *GRADER, "--price", "1,1", "--max-cost", "0.000001")


@bad("cache", "name another folder", begins=True)
def a_cache_folder_that_is_a_file(world: World) -> list[str]:
    arguments = asking(world, *GRADER)
    (world.folder / "cache").write_text("no folder")
    return arguments


@pytest.mark.parametrize("given", TABLE, ids=lambda one: one.name)
def test_a_bad_grader_is_one_line(
    given: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, tmp_path / "no-model", tmp_path / "no-arms", monkeypatch) as world:
        TABLE.check(given, world, capfd)
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"sk-not-to-be-seen" in file.read_bytes()]
