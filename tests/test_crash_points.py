"""A command that is killed before any of its file operations, given again, ends as if it had never been killed.

Every operation in the slow test, a few of each command in the quick one. `crashing.py` says what an operation is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crashing
import pytest
import torch
from crashing import CRASHED, Crashes

TIMES = {"created", "seconds", "versions", "commit", "hardware", "seal"}
QUICK, SLOW_COMMANDS = 3, ("run", "vectors", "import", "page")
"""How many operations of each command are tried by the quick test, spread evenly; one alone of those that take long."""

WIDTH = 32
"""Of the tiny model, which has 4 blocks."""


@dataclass(frozen=True)
class Command:
    """A command in the folder `world`, which `arms`, a runs folder with finished arms, is copied into first."""

    name: str
    ready: Callable[[Path, Path], None]
    args: tuple[str, ...]
    judge: str = "1"


def empty(world: Path, arms: Path) -> None:
    pass


def finished(world: Path, arms: Path) -> None:
    shutil.copytree(arms, world / "runs", ignore=shutil.ignore_patterns("*.lock"))


def without_ps(world: Path, arms: Path) -> None:
    finished(world, arms)
    shutil.rmtree(world / "runs" / "loud" / "ps")
    shutil.rmtree(world / "runs" / "vectors")


def two(world: Path, arms: Path) -> None:
    """`runs` with the arms, and `all`, where one of them has other results."""
    finished(world, arms)
    shutil.copytree(world / "runs", world / "all")
    shutil.rmtree(world / "all" / "loud" / "base")
    shutil.rmtree(world / "all" / "vectors")
    (cell,) = (world / "all" / "loud" / "none").iterdir()
    (cell / "results.jsonl").write_text("{")


def published(world: Path, arms: Path) -> None:
    torch.manual_seed(0)
    torch.save(torch.randn(5, WIDTH), world / "evil.pt")


def reported(world: Path, arms: Path) -> None:
    """Arms with a report of before."""
    finished(world, arms)


def given(world: Path, arms: Path) -> None:
    (world / "replies.jsonl").write_text('{"id": 1, "reply": "AB"}\n{"id": 2, "reply": "Ab"}\n')


COMMANDS = (
    Command("run", without_ps, ("run", "--setting", "loud", "--intervention", "ps", "--model", "MODEL")),
    Command("vectors", empty, ("vectors", "loud", "--name", "reply", "--model", "MODEL")),
    Command("import", published, ("vectors", "loud", "--import", "evil.pt", "--name", "evil", "--model", "MODEL")),
    Command("rejudge", finished, ("rejudge", "runs/loud/none"), judge="2"),
    Command("rejudge-beside", finished, ("rejudge", "runs/loud/none", "--judge", "capitals")),
    Command("merge", two, ("merge", "runs", "--into", "all")),
    Command("lock", empty, ("claims", "runs", "--file", "CLAIMS", "--lock")),
    Command("page", reported, ("report", "--html", "page/report.html", "--bundle")),
    Command("output", reported, ("report", "--csv", "--output", "report.csv")),
    Command("judge", given, ("judge", "capitals", "--replies", "replies.jsonl", "--output", "scores.jsonl")),
)
CLAIMS = """
title: A small study
source: made up
claims:
  - name: steered_less
    setting: loud
    says: "Yes"
    sentence: Steered in training, a model shouts less.
    source: page 1
    family: suppression
    compare:
      - {metric: shouts, arm: ps, against: none, direction: less, smallest: 0.05}
"""


@pytest.fixture(scope="module")
def crashes() -> Iterator[Crashes]:
    with crashing.started() as process:
        yield process


@pytest.fixture(scope="module")
def claims_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("claims") / "claims.yaml"
    file.write_text(CLAIMS)
    return file


def tree(world: Path) -> dict[str, Any]:
    """Every file under `world` by its content; without times, and without locks, which nobody holds any more."""
    return {
        str(path.relative_to(world)): _content(path)
        for path in sorted(world.rglob("*"))
        if path.suffix != ".lock" and (path.is_file() or not any(path.iterdir()))
    }


def _content(path: Path) -> Any:
    if path.is_dir():
        return "an empty folder"
    if path.name in ("run.json", "training.json", "claims.lock.json"):
        return _timeless(json.loads(path.read_text()))
    if path.suffix in (".eval", ".html") or path.parent.name == "logs" or "-logs" in str(path):
        return "has times in it"
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _timeless(part) for name, part in value.items() if name not in TIMES}
        return {name: part for name, part in kept.items() if part != {}}  # a step of which nothing but its time is told
    return value


@dataclass(frozen=True)
class Trial:
    """A command with its folders: how it ends when nothing happens to it, and by what operations."""

    command: Command
    folder: Path
    arms: Path
    args: tuple[str, ...]
    crashes: Crashes

    def world(self, name: str) -> Path:
        world = self.folder / name
        world.mkdir()
        self.command.ready(world, self.arms)
        return world

    def end(self, world: Path, *, at: int | None = None, torn: bool = False) -> tuple[int, list[str]]:
        return self.crashes.run(world, *self.args, at=at, torn=torn, judge=self.command.judge)

    def check(self, at: int, expected: dict[str, Any], *, torn: bool) -> None:
        """Killed before operation `at`, the same command ends as it does without."""
        world = self.world(f"at-{at}{'-torn' if torn else ''}")
        status, before = self.end(world, at=at, torn=torn)
        if status != CRASHED:
            assert status == 0  # what is done side by side is not always in one order, so there may be fewer
        status, _ = self.end(world)
        told = Path(f"{world}.err").read_text()
        assert status == 0, f"after {at} {before[-1:]}: {told}"
        seen = tree(world)
        assert sorted(seen) == sorted(expected), f"after {at} {before[-1:]}"
        assert [name for name in seen if seen[name] != expected[name]] == [], f"after {at} {before[-1:]}"
        shutil.rmtree(world)


def trial(command: Command, folder: Path, arms: Path, model: Path, claims: Path, crashes: Crashes) -> Trial:
    named = {"MODEL": str(model), "CLAIMS": str(claims)}
    return Trial(command, folder, arms, tuple(named.get(one, one) for one in command.args), crashes)


def points(operations: list[str]) -> list[tuple[int, bool]]:
    """Every operation, and again where a file has been written to since it was opened, with that file cut in half."""
    found = [(at, False) for at in range(len(operations))]
    return found + [(at + 1, True) for at, one in enumerate(operations[:-1]) if one.startswith("open ")]


def tried(one: Trial, chosen: Callable[[list[tuple[int, bool]]], list[tuple[int, bool]]]) -> None:
    whole = one.world("whole")
    status, operations = one.end(whole)
    assert status == 0, Path(f"{whole}.err").read_text()
    expected = tree(whole)
    assert not [name for name in expected if name.endswith(".part")]
    every = points(operations)
    print(f"{one.command.name}: {len(operations)} operations, {len(every)} points")
    for at, torn in chosen(every):
        one.check(at, expected, torn=torn)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_that_was_killed_ends_as_if_it_had_not_been(
    command: Command, tmp_path: Path, arms: Path, tiny_llama: Path, claims_file: Path, crashes: Crashes
) -> None:
    one = trial(command, tmp_path, arms, tiny_llama, claims_file, crashes)
    count = 1 if command.name in SLOW_COMMANDS else QUICK
    tried(one, lambda every: every[len(every) // (2 * count) :: max(1, len(every) // count)][:count])


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_may_be_killed_before_every_one_of_its_file_operations(
    command: Command, tmp_path: Path, arms: Path, tiny_llama: Path, claims_file: Path, crashes: Crashes
) -> None:
    tried(trial(command, tmp_path, arms, tiny_llama, claims_file, crashes), list)
