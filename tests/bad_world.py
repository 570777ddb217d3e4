"""A small world to give bad inputs to: the real command line over a tiny model, with runs that can be spoilt."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import small
from test_registry import Shelf

from harness import cli, registry
from harness.contracts import Intervention, Judge, Setting

HOLDER = """
import sys, time
from pathlib import Path
from harness.runs import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@dataclass(kw_only=True)
class World:
    """Where one bad input is given. `arms` is a runs folder in which `base`, `none` and `ps` have finished."""

    folder: Path
    tiny: Path
    arms: Path
    patch: pytest.MonkeyPatch
    stack: ExitStack
    registry: registry.Registry | None = small.REGISTRY
    runs: Path = field(init=False)

    def __post_init__(self) -> None:
        self.runs = self.folder / "runs"

    def call(self, arguments: list[str]) -> int:
        """The exit status of `harness` with these arguments, in this world."""
        with nullcontext() if self.registry is None else registry.using(self.registry):
            return cli.main(arguments)

    def run(self, intervention: str, *options: str, model: Path | str | None = None) -> list[str]:
        """`harness run` of one arm into this world's runs folder."""
        arguments = ["run", "--setting", "loud", "--intervention", intervention, "--runs", str(self.runs), *options]
        return arguments if "--model" in options else [*arguments, "--model", str(model or self.tiny)]

    def judge(self, *lines: str) -> list[str]:
        """`harness judge` on a replies file of these lines."""
        file = self.folder / "replies.jsonl"
        file.write_text("".join(f"{line}\n" for line in lines))
        return ["judge", "capitals", "--replies", str(file), "--output", str(self.folder / "scores.jsonl")]

    def report(self) -> list[str]:
        """`harness report` on this world's runs folder."""
        return ["report", "--runs", str(self.runs)]

    def page(self, folder: Path) -> list[str]:
        """`harness report` as a page in `folder`."""
        return [*self.report(), "--html", str(folder / "report.html")]

    def started(self, *, unfinished: str = "") -> None:
        """Fills the runs folder with the finished arms; `unfinished` has everything but results and its logs."""
        shutil.copytree(self.arms, self.runs)
        if unfinished:
            cell = self.cell(unfinished)
            (cell / "results.jsonl").unlink()
            shutil.rmtree(cell / "logs")
            self.record(cell, status="running")

    def cell(self, intervention: str) -> Path:
        """The one run folder of an arm."""
        (found,) = (self.runs / "loud" / intervention).glob("mini-*")
        return found

    def record(self, cell: Path, **changes: Any) -> None:
        """Changes a run's run.json."""
        file = cell / "run.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    def vector(self) -> Path:
        """The file of the vector `reply`."""
        (found,) = (self.runs / "vectors").glob("reply-*.safetensors")
        return found

    def put_vector(self, **tensors: Any) -> None:
        """Another vector in the place of `reply`, with a card that vouches for it."""
        from safetensors.torch import save_file

        file = self.vector()
        save_file(tensors, file)
        card = file.with_suffix(".json")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        held = {name: value for name, value in json.loads(card.read_text()).items() if name != "seal"}
        card.write_text(json.dumps({**held, "sha256": digest}))

    def model(self) -> Path:
        """A copy of the tiny model, to be spoilt."""
        return Path(shutil.copytree(self.tiny, self.folder / "model"))

    def setting(self, **changes: Any) -> None:
        """Changes the setting."""
        self._install("settings", replace(small.SETTING, **changes))

    def recipe(self, **changes: Any) -> None:
        """Changes the setting's recipe."""
        self.setting(recipes={"mini": replace(small.SETTING.recipes["mini"], **changes)})

    def intervention(self, name: str, **changes: Any) -> None:
        """Adds an intervention."""
        self._install("interventions", Intervention(name=name, summary=name, **changes))

    def combining(self) -> None:
        """Lets the setting's vectors be combined, and adds the arm that combines them."""
        self.setting(
            composition={"reply": 1.0, "asked": 0.5}, prompts={**small.SETTING.prompts, "always_loud": small.ASK}
        )
        self._install("interventions", registry.installed().intervention("comp_ps"))

    def grading(self, grade: Callable[..., Any]) -> None:
        """Changes how the judge grades, and says so by its version."""
        self._install("judges", replace(small.JUDGE, grade=grade, version="2"))

    def plugin(self, source: str, *, also: str = "") -> list[str]:
        """`harness list` where one plugin is installed, and perhaps another of the same name."""
        shelf = Shelf(self.folder)
        self.patch.syspath_prepend(self.folder)
        shelf.install("bad-dist", {"bad": "bad_plugin"}, {"bad_plugin": source})
        if also:
            shelf.install("other-dist", {"bad": "other_plugin"}, {"other_plugin": also})
        self.patch.setattr(registry, "_read", shelf.registry)
        self.registry = None
        for name in ("bad_plugin", "other_plugin"):
            self.stack.callback(sys.modules.pop, name, None)
        return ["list"]

    def published(self) -> list[str]:
        """`harness run` of the setting that comes with the package on its published data."""
        self.registry = None
        options = ("--intervention", "none", "--scale", "paper", "--runs", str(self.runs))
        return ["run", "--setting", "gcd_sycophancy", *options]

    def disk(self, *, free: int) -> None:
        """Puts the runs folder, all but `ps` done, on a file system of its own with `free` bytes left."""
        disk = self._mounted()
        left = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(b"\0" * (left - free))

    def read_only(self) -> None:
        """Puts the runs folder, all but `ps` done, where nothing can be written."""
        if os.geteuid() == 0:  # whom permissions do not hold back
            subprocess.run(["mount", "-o", "remount,ro", self._mounted()], check=True)
            return
        self.started()
        shutil.rmtree(self.runs / "loud" / "ps")
        arms = self.runs / "loud"
        self.stack.callback(arms.chmod, 0o700)
        arms.chmod(0o500)

    def busy(self, cell: Path) -> None:
        """Another process works on `cell` until the world ends."""
        other = subprocess.Popen([sys.executable, "-c", HOLDER, str(cell)], stdout=subprocess.PIPE, text=True)
        self.stack.callback(other.wait)
        self.stack.callback(other.kill)
        assert other.stdout is not None
        self.stack.callback(other.stdout.close)
        assert other.stdout.readline() == "held\n"

    def tree(self) -> dict[str, bytes]:
        """Every file of the runs folder with its content, locks left out: they say nothing when nobody holds them."""
        files = self.runs.rglob("*") if self.runs.is_dir() else [self.runs] if self.runs.exists() else []
        return {str(file): file.read_bytes() for file in files if file.is_file() and file.suffix != ".lock"}

    def _mounted(self) -> Path:
        disk = self.folder / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a file system cannot be mounted here")
        self.stack.callback(subprocess.run, ["umount", "-l", disk], check=True)
        self.runs = disk / "runs"
        self.started()
        shutil.rmtree(self.runs / "loud" / "ps")
        return disk

    def _install(self, kind: str, record: Setting | Intervention | Judge) -> None:
        assert self.registry is not None
        self.registry = replace(self.registry, **{kind: {**getattr(self.registry, kind), record.name: record}})


@contextmanager
def opened(folder: Path, tiny: Path, arms: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world that cleans up after itself."""
    with ExitStack() as stack:
        yield World(folder=folder, tiny=tiny, arms=arms, patch=patch, stack=stack)


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad input: how the world is spoilt and what is then typed, and what the line must say.

    `begins` says that work rightly starts before the fault can be seen; else no file may change.
    """

    name: str
    spoil: Callable[[World], list[str]]
    said: tuple[str, ...]
    begins: bool


class BadInputs(list[Bad]):
    """A table of bad inputs, filled by the decorator `bad`; each has a name of its own."""

    def bad(
        self, *said: str, begins: bool = False
    ) -> Callable[[Callable[[World], list[str]]], Callable[[World], list[str]]]:
        """Puts the function below into the table: it spoils the world and gives the arguments of `harness`."""

        def put(spoil: Callable[[World], list[str]]) -> Callable[[World], list[str]]:
            assert spoil.__name__ not in {given.name for given in self}
            self.append(Bad(spoil.__name__, spoil, said, begins))
            return spoil

        return put

    def check(self, given: Bad, world: World, capfd: pytest.CaptureFixture[str]) -> None:
        """It ends in one line with status 2, within a minute, and nothing is half written."""
        arguments = given.spoil(world)
        before = world.tree()
        capfd.readouterr()
        with within(60):
            assert world.call(arguments) == 2
        page, said = capfd.readouterr()
        said = without_notes(said)
        assert page == ""
        assert said.startswith("harness: ")
        assert said.count("\n") == 1
        for part in given.said:
            assert part in said, said
        if given.begins:
            assert half_written(world, before) == []
        else:
            assert world.tree() == before
        assert not (world.folder / "scores.jsonl").exists()
        assert not (world.folder / "ran").exists()


def without_notes(said: str) -> str:
    """What a command said, but for notes on what it was about to do."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("note: "))


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fails the test where the block has not ended after that time, instead of waiting for ever."""

    def late(signum: int, frame: object) -> None:
        raise AssertionError(f"not ended after {seconds} s")

    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def half_written(world: World, before: dict[str, bytes]) -> list[str]:
    """Which files were written since `before` that are no whole result, though a reader might take them for one."""
    changed = [Path(name) for name, content in world.tree().items() if before.get(name) != content]
    return [str(file) for file in changed if file.name.endswith(".part") or not WHOLE.get(file.suffix, _whole)(file)]


def _whole(file: Path) -> bool:
    return file.name != "results.jsonl" or _whole_record(file.with_name("run.json"), status="done")


def _whole_record(file: Path, *, status: str = "") -> bool:
    record = json.loads(file.read_text())
    if file.name != "run.json":
        return True
    if record["status"] == "done" and not file.with_name("results.jsonl").is_file():
        return False
    return not status or record["status"] == status


def _whole_tensors(file: Path) -> bool:
    from safetensors.torch import load_file

    load_file(file)
    vouched = file.with_name("training.json") if file.parent.name == "adapter" else file.with_suffix(".json")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return file.name == "checkpoint.safetensors" or json.loads(vouched.read_text())["sha256"] == digest


def _whole_log(file: Path) -> bool:
    from inspect_ai.log import read_eval_log

    return read_eval_log(str(file), header_only=True).status == "success"


WHOLE = {".json": _whole_record, ".safetensors": _whole_tensors, ".eval": _whole_log}
