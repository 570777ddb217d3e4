"""A command that is killed before any of its file operations, given again, ends as if it had never been killed.

Every operation in the slow test, one of most commands in the quick one. `crashing.py` says what an operation is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crashing
import pytest
import shared_made_up
from crashing import CRASHED, Crashes
from grader_server import Said, Server, serving

pytest.importorskip("openai", reason="a grader over HTTP needs the extra 'graders'")

OF_THIS_TIME = {"created", "seconds", "steps", "versions", "commit", "hardware", "seal"}
"""What a record says of when and how something was made; `steps` are what was done, and paid, by who lived to tell."""

SLOW_ALONE = {
    "import",
    "rejudge",
    "run-first",
    "run-asking",
    "reproduce",
    "vectors",
    "rollouts",
    "rejudge-beside",
    "rejudge-beside-asking",
    "figures",
    "judge",
    "calibrate",
}
"""Commands whose operations are nearly all among those of others here, left to the slow test."""

EVERY = int(os.environ.get("CRASH_EVERY", "1"))
"""Every so manieth point is tried by the slow test, all of them unless told otherwise."""

RUNS = ("runs", "all")
"""The runs folders of these worlds."""

JOURNALS = tuple((one, kind) for one in RUNS for kind in ("replies", "likelihoods"))
"""The folders in them of what is kept line by line."""

GRADER = ("--grader", "openai-api/loopback/made-up", "--connections", "1")
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
EXPERIMENT = "settings: [loud]\ninterventions: [none, ps]\nseeds: [0]\nmodels: ['MODEL']\nclaims: claims/post.yaml\n"


@dataclass(frozen=True)
class Command:
    """A command in a folder, its world, that `ready` has put something into out of the folder with model and arms.

    It ends with `status`, by nature.
    """

    name: str
    ready: Callable[[Path, Path], None]
    args: tuple[str, ...]
    variant: str = ""
    status: int = 0


def empty(world: Path, made: Path) -> None:
    pass


def finished(world: Path, made: Path) -> None:
    shutil.copytree(made / "arms", world / "runs", ignore=shutil.ignore_patterns("*.lock"))


def without_ps(world: Path, made: Path) -> None:
    finished(world, made)
    shutil.rmtree(world / "runs" / "loud" / "ps")
    shutil.rmtree(world / "runs" / "vectors")


def two(world: Path, made: Path) -> None:
    """`runs` with the arms and all that cells share, and `all`, where an arm has other results, and replies lack."""
    finished(world, made)
    shutil.copytree(world / "runs", world / "all")
    shutil.rmtree(world / "all" / "loud" / "base")
    shutil.rmtree(world / "all" / "vectors")
    (cell,) = (world / "all" / "loud" / "none").iterdir()
    (cell / "results.jsonl").write_text("{")
    shared_made_up.everything(world / "runs")
    shared_made_up.written(world / "all", a="A!")


def published(world: Path, made: Path) -> None:
    shutil.copy(made / "evil.pt", world)


def reported(world: Path, made: Path) -> None:
    """Arms, and outputs of before."""
    finished(world, made)
    shutil.copytree(made / "reports", world / "page")


def given(world: Path, made: Path) -> None:
    (world / "replies.jsonl").write_text('{"id": 1, "reply": "AB"}\n{"id": 2, "reply": "Ab"}\n')


def claimed(world: Path, made: Path) -> None:
    (world / "claims.yaml").write_text(CLAIMS)


def post(world: Path, made: Path) -> None:
    """The experiment that is published with the harness, here a small one."""
    (world / "post" / "claims").mkdir(parents=True)
    (world / "post" / "claims" / "post.yaml").write_text(CLAIMS)
    (world / "post" / "post.yaml").write_text(EXPERIMENT.replace("MODEL", str(made / "model")))


def begun(world: Path, made: Path) -> None:
    """The cells of an experiment, one of which has been asked and not graded; `run` shows what comes before that."""
    post(world, made)
    finished(world, made)
    for cell in (world / "runs" / "loud" / "ps").iterdir():
        for name in ("replies.jsonl", "results.jsonl", "checks.jsonl"):
            (cell / name).unlink()


def reproduced(world: Path, made: Path) -> None:
    post(world, made)
    finished(world, made)


MODEL = ("--model", "MODEL")
NONE = "runs/loud/none"
COMMANDS = (
    Command("run", without_ps, ("run", "--setting", "loud", "--intervention", "ps", *MODEL)),
    Command("run-first", finished, ("run", "--setting", "loud", "--intervention", "below,own,picked", *MODEL), "first"),
    Command("run-asking", finished, ("run", "--setting", "loud", "--intervention", "none", *MODEL, *GRADER), "asking"),
    Command("sweep", begun, ("sweep", "post/post.yaml")),
    Command("reproduce", reproduced, ("reproduce", "--quick", "--runs", "runs", "--output", "page")),
    Command("vectors", empty, ("vectors", "loud", "--name", "reply", *MODEL)),
    Command("prompts", empty, ("prompts", "loud", "--prompt", "Say it.", *MODEL)),
    Command("rollouts", empty, ("vectors", "loud", "--name", "asked", *MODEL)),
    Command("import", published, ("vectors", "loud", "--import", "evil.pt", "--name", "evil", *MODEL)),
    Command("rejudge", finished, ("rejudge", NONE), "changed"),
    Command("rejudge-asking", finished, ("rejudge", NONE, *GRADER), "asking"),
    Command("rejudge-beside", finished, ("rejudge", NONE, "--judge", "capitals")),
    Command("rejudge-beside-asking", finished, ("rejudge", NONE, "--judge", "asked", *GRADER)),
    Command("merge", two, ("merge", "runs", "--into", "all")),
    Command("lock", claimed, ("claims", "runs", "--file", "claims.yaml", "--lock")),
    Command("page", reported, ("report", "--html", "page/report.html", "--bundle")),
    Command("figures", finished, ("report", "--figures", "figures")),
    Command("output", reported, ("report", "--csv", "--output", "page/report.csv")),
    Command("judge", given, ("judge", "capitals", "--replies", "replies.jsonl", "--output", "scores.jsonl")),
    Command("judge-asking", given, ("judge", "asked", "--replies", "replies.jsonl", "--output", "to/it", *GRADER)),
    Command(
        "sample", finished, ("judge", "capitals", "--metric", "shouts", "--sample", "8", "--output", "sheet.jsonl")
    ),
    # Nothing is taught to a random model in so few cells, which is written down.
    Command("calibrate", empty, ("calibrate", "loud", "--budget", "7", *MODEL), status=3),
)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with crashing.started(tmp_path_factory.mktemp("crashes")) as process:
        yield process


@pytest.fixture(scope="module")
def grader() -> Iterator[Server]:
    with serving(lambda prompt, nth: Said(text="50", tokens={"50": 0.9, "10": 0.1})) as server:
        yield server


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
    timed = any(map(path.match, ("calibrations/*.json", "prompts/*.json")))
    if timed or path.name in ("run.json", "training.json", "claims.lock.json"):
        return _timeless(json.loads(path.read_text()))
    if (path.parent.parent.name, path.parent.name) in (("cache", "judgements"), *JOURNALS):
        return _whole_lines(path.read_text(errors="replace"))  # a letter may have been cut in two
    if path.suffix in (".eval", ".html", ".svg", ".png") or path.parent.name == "logs" or "-logs" in str(path):
        return "has times in it"
    return path.read_bytes()


def _whole_lines(text: str) -> list[str]:
    """The lines of a journal that a process was not killed at, whatever their order."""
    return sorted(line for line in text.splitlines() if line.endswith("]"))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items() if name not in OF_THIS_TIME}
    return value


@dataclass(frozen=True)
class Trial:
    """A command with its folders: how it ends when nothing happens to it, and by what operations."""

    command: Command
    folder: Path
    crashes: Crashes
    grader: Server

    def world(self, name: str) -> Path:
        world = self.folder / name
        world.mkdir()
        self.command.ready(world, self.crashes.folder)
        return world

    def end(self, world: Path, *, at: int | None = None, torn: bool = False) -> tuple[int, list[str]]:
        args = (str(self.crashes.folder / "model") if one == "MODEL" else one for one in self.command.args)
        env = {"LOOPBACK_BASE_URL": self.grader.url, "LOOPBACK_API_KEY": "made-up"}
        return self.crashes.run(world, *args, at=at, torn=torn, variant=self.command.variant, env=env)

    def fault(self, at: int, expected: dict[str, Any], *, torn: bool) -> str:
        """What is wrong after the command was killed before operation `at` and given again; "" for nothing.

        It ends as it does without, and pays again for the answer that was not kept yet, and for one that was cut.
        """
        world = self.world(f"at-{at}{'-torn' if torn else ''}")
        self.grader.answered.clear()
        first, before = self.end(world, at=at, torn=torn)
        status, _ = self.end(world)
        seen = tree(world)
        differing = {name for name in seen.keys() | expected.keys() if seen.get(name) != expected.get(name)}
        asked = [prompt for prompt in self.grader.answered if prompt.startswith(crashing.ASKED)]
        twice = len(asked) - len(set(asked))
        # What is done side by side is not always in one order, so there may be fewer operations, and no crash.
        if first in (CRASHED, status) and status == self.command.status and not differing and twice <= 1 + torn:
            shutil.rmtree(world)
            return ""
        told = Path(f"{world}.err").read_text()
        return f"at {at}{' torn' * torn} {before[-1:]}: {first}, {status}, {sorted(differing)}, {twice} twice, {told}"


def points(operations: list[str]) -> list[tuple[int, bool]]:
    """Every operation, and again where a file has been written to since it was opened, with that file cut in half."""
    found = [(at, False) for at in range(len(operations))]
    return found + [(at + 1, True) for at, one in enumerate(operations[:-1]) if one.startswith("open ")]


def tried(one: Trial, chosen: Callable[[list[tuple[int, bool]]], list[tuple[int, bool]]]) -> None:
    whole = one.world("whole")
    status, operations = one.end(whole)
    assert status == one.command.status, Path(f"{whole}.err").read_text()
    expected = tree(whole)
    assert not [name for name in expected if name.endswith(".part")]
    every = points(operations)
    print(f"{one.command.name}: {len(operations)} operations, {len(every)} points")
    faults = [one.fault(at, expected, torn=torn) for at, torn in chosen(every)]
    assert not list(filter(None, faults))


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.name not in SLOW_ALONE], ids=lambda command: command.name
)
def test_a_command_that_was_killed_ends_as_if_it_had_not_been(
    command: Command, tmp_path: Path, crashes: Crashes, grader: Server
) -> None:
    share = (COMMANDS.index(command) + 0.5) / len(COMMANDS)  # early in the first command, late in the last
    tried(Trial(command, tmp_path, crashes, grader), lambda every: [every[int(share * len(every))]])


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_may_be_killed_before_every_one_of_its_file_operations(
    command: Command, tmp_path: Path, crashes: Crashes, grader: Server
) -> None:
    tried(Trial(command, tmp_path, crashes, grader), lambda every: every[::EVERY])
