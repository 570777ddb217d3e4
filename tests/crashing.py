"""A process that makes a small world and forks for each command, to crash it before any one of its file operations.

Run as a script, `python crashing.py FOLDER`, it fills `FOLDER/model` and `FOLDER/arms`, and answers JSON lines:
`{"cwd", "args", "at", "torn", "variant", "env"}` with `{"status", "operations"}`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import small

from harness import Case, Generation, Intervention, Judge, Recipe, Setting, VectorSpec, Verdict
from harness.authoring import unrelated
from harness.contracts import AdapterChange, Draw, FrozenAdapter, Grader, Rewriting, RowChoice, StopRule
from harness.registry import Registry, using
from harness.sweep.schedule import Ended
from harness.sweep.work import Job, Outcome, World, do

CRASHED = 77
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink")
VAIN = {"os.mkdir": True, "os.remove": False, "os.rmdir": False}
"""What fails, and changes nothing, where the path is there already (True), or is not there (False)."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
IMPORTED = (
    "acp inspect_ai.log inspect_ai.scorer openai peft torch transformers "
    "harness.analysis harness.calibrating harness.capabilities harness.claims harness.cli harness.evaluation "
    "harness.grading harness.graders harness.pipeline harness.reporting harness.sweep harness.vectors harness.verifying"
)
WIDTH = 32
"""Of the tiny model, which has 4 blocks."""

ASKED = "How loud is the reply to"
ARMS = (("none",), ("ps", "--dose", "0.5,1"))


async def weigh(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"capitals": len(reply) % 8 / 8}, reason="by its length")


async def shy(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"capitals": 0.25}, reason="always a quarter")


async def ask(case: Case, reply: str, grader: Grader | None) -> Verdict:
    assert grader is not None
    rating = await grader.rate(f"{ASKED} {case.id}?")
    return Verdict(scores={"capitals": None if rating.score is None else rating.score / 100}, reason="asked")


def few(vector: VectorSpec) -> VectorSpec:
    made = vector.replies
    return vector if made is None else replace(vector, replies=lambda scale: made(scale)[:4])


SETTING = replace(
    small.SETTING,
    examples=lambda seed, scale: small.examples(seed, scale)[:12],
    cases=lambda split, seed, scale: small.cases(split, seed, scale)[:2],
    vectors={name: few(vector) for name, vector in small.SETTING.vectors.items()},
    recipes={"mini": replace(small.SETTING.recipes["mini"], epochs=1, generation=Generation(max_tokens=3))},
    conditions={"mini": ("clean", "vector:reply@2")},
    checks={"capitals": "second"},
)
JUDGE = replace(small.JUDGE, grade=weigh)
REGISTRY = replace(
    small.REGISTRY,
    settings={"loud": SETTING},
    judges={
        "capitals": JUDGE,
        "second": replace(JUDGE, name="second"),
        "asked": Judge(name="asked", summary="as a model says", scores=("capitals",), grader=True, grade=ask),
    },
)


def below(setting: Setting, recipe: Recipe, draw: Draw) -> AdapterChange:
    return AdapterChange(under=FrozenAdapter(name="loud", rows=tuple(setting.examples(7, "mini"))))


def own(setting: Setting, recipe: Recipe, draw: Draw) -> Rewriting:
    return Rewriting(name="own", temperature=1.0)


def picked(setting: Setting, recipe: Recipe, draw: Draw) -> RowChoice:
    below = FrozenAdapter(name="loud", rows=tuple(setting.examples(7, "mini")))
    rows = tuple(unrelated(6, 0))
    return RowChoice(name="mine", candidates=rows, score=lambda row: row.base, share=0.25, taught=below)


def ended(setting: Setting, recipe: Recipe, draw: Draw) -> StopRule:
    return StopRule(name="mine", rows=tuple(unrelated(2, 1)), every=1, stops=lambda losses: len(losses) > 1)


FIRST = (
    Intervention(name="below", summary="an adapter stands below", adapter=below),
    Intervention(name="own", summary="own replies", rewriting=own),
    Intervention(name="picked", summary="rows are chosen, and a rule ends training", choosing=picked, stopping=ended),
)
"""Arms that have something made before they are trained."""


def registry(variant: str = "") -> Registry:
    """The small world; in the variant `changed` its judge is another version, and in `asking` it asks a grader.

    In the variant `first` it has the arms that have something made before training.
    """
    if variant == "first":
        return replace(REGISTRY, interventions={**REGISTRY.interventions, **{one.name: one for one in FIRST}})
    changes = {"": {}, "changed": {"grade": shy}, "asking": {"grade": ask, "grader": True}}
    judge = replace(JUDGE, **changes[variant], version="2" if variant else JUDGE.version)
    return replace(REGISTRY, judges={**REGISTRY.judges, "capitals": judge})


class Here:
    """A sweep's executor whose one worker is this process, where every file operation is seen."""

    slots = 1

    def __init__(self, world: World, **where: object) -> None:
        self.world, self.outcomes = world, list[Outcome]()

    def start(self, slot: int, job: Job) -> None:
        self.outcomes.append(do(job, self.world))

    def wait(self, seconds: float) -> list[Ended]:
        return [Ended(0, self.outcomes.pop())]

    def stop(self) -> None:
        pass


@dataclass(frozen=True)
class Crashes:
    """The process, to be told what to run, and its `folder` with the model and the arms."""

    process: subprocess.Popen[str]
    folder: Path

    def run(
        self,
        cwd: Path,
        *args: str,
        at: int | None = None,
        torn: bool = False,
        variant: str = "",
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, list[str]]:
        """The exit status of `harness ARGS` in `cwd`, and its file operations there; it crashes before the one `at`.

        `torn` first cuts what was written into the file that was opened last in half.
        """
        asked = {"cwd": str(cwd), "args": args, "at": at, "torn": torn, "variant": variant, "env": {**(env or {})}}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        told = self.answer()
        return told["status"], told["operations"]

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@contextmanager
def started(folder: Path) -> Iterator[Crashes]:
    """Such a process that has made its world, ended afterwards."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HARNESS_PROGRESS": "0"}
    command = [sys.executable, __file__, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    made = Crashes(process, folder)
    try:
        assert made.answer() == "ready"
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class _Watch:
    """An audit hook: counts the operations in `root` that change a file, and ends the process before one of them."""

    def __init__(self, root: str, at: int | None, torn: bool, told: int) -> None:
        self.root, self.at, self.torn, self.told = root, at, torn, told
        self.count, self.last, self.before = 0, "", 0
        self.lock = threading.RLock()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        before = 0
        if event == "open":
            path, _, flags = args
            if not isinstance(flags, int) or not flags & WRITES or not isinstance(path, str | bytes | os.PathLike):
                return
            place = os.path.abspath(os.fsdecode(path))
            before = 0 if flags & os.O_TRUNC or not os.path.exists(place) else os.path.getsize(place)
        elif event in CHANGES:
            place = _place(args[0], args[-1] if event in VAIN else -1)
            if VAIN.get(event) is os.path.lexists(place):
                return
        else:
            return
        if place.startswith(self.root) and not place.endswith(".lock"):
            self._operation(event, place, before)

    def _operation(self, event: str, place: str, before: int) -> None:
        with self.lock:
            if self.count == self.at:
                self.at = None  # what follows is not the command's
                if self.torn and os.path.isfile(self.last):
                    os.truncate(self.last, (self.before + os.path.getsize(self.last)) // 2)
                os._exit(CRASHED)
            self.count += 1
            if event == "open":
                self.last, self.before = place, before
            os.write(self.told, f"{event} {place.removeprefix(self.root)}\n".encode())


def _place(path: Any, folder: int) -> str:
    """Where `path` is, which may be an open file, or lie in the open `folder` where that is not -1."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    return os.path.abspath(
        os.path.join("" if folder == -1 else os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    )


def _child(asked: dict[str, Any], told: int) -> None:
    from harness import cli, sweep
    from harness.calibrating import step
    from harness.sweep import published, sweeping
    from harness.training import loop

    cwd = Path(asked["cwd"])
    os.chdir(cwd)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{cwd}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.environ.update(asked["env"], HARNESS_CACHE=str(cwd / "cache"))
    plugins = partial(registry, asked["variant"])
    sweeping.LocalExecutor = Here  # type: ignore[assignment,misc]
    sweep.sweep = partial(sweep.sweep, plugins=plugins)  # type: ignore[assignment]
    assert loop.train.__kwdefaults__ is not None
    loop.train.__kwdefaults__["checkpoint_seconds"] = 0.0
    published.folder = lambda: cwd / "post"
    step.blocks_to_try = lambda steered, subject: (2,)  # type: ignore[assignment]
    watch = _Watch(f"{cwd}/", asked["at"], asked["torn"], told)
    sys.addaudithook(watch)
    gc.disable()  # it would write to every page that is shared with the parent
    with using(plugins()):
        status = cli.main(asked["args"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _forked(asked: dict[str, Any]) -> dict[str, Any]:
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        try:
            _child(asked, writes)
        finally:
            os._exit(99)
    os.close(writes)
    with os.fdopen(reads) as stream:
        operations = stream.read().splitlines()
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "operations": operations}


def _ready(folder: Path) -> None:
    """Imports what commands need, and lets a child make the model and the arms: its threads are no use after a fork."""
    for name in IMPORTED.split():
        importlib.import_module(name)
    import torch
    from inspect_ai.model import get_model_info

    torch.set_num_threads(1)
    get_model_info("none/none")  # reads what Inspect knows of all models, once
    child = os.fork()
    if child == 0:
        try:
            _make(folder)
        finally:
            os._exit(99)
    assert os.waitpid(child, 0)[1] == 0
    for name in json.loads((folder / "modules.json").read_text()):
        importlib.import_module(name)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # so that no child goes through all of this again to find what it may free


def _make(folder: Path) -> None:
    import torch

    from harness import cli
    from harness.testing import tiny_model

    before = set(sys.modules)
    model = str(tiny_model(folder / "model"))
    os.environ["HARNESS_CACHE"] = str(folder / "cache")
    with using(registry()):
        for arm in ARMS:
            named = ["--setting", "loud", "--model", model, "--runs", str(folder / "arms"), "--intervention", *arm]
            assert cli.main(["run", *named]) == 0
        reports, runs = folder / "reports", ["--runs", str(folder / "arms")]
        assert cli.main(["report", *runs, "--html", str(reports / "report.html"), "--bundle"]) == 0
        assert cli.main(["report", *runs, "--csv", "--output", str(reports / "report.csv")]) == 0
    torch.manual_seed(0)
    torch.save(torch.randn(5, WIDTH), folder / "evil.pt")
    (folder / "modules.json").write_text(json.dumps([name for name in sys.modules if name not in before]))
    os._exit(0)


def main(folder: Path) -> None:
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _ready(folder)
        print(json.dumps("ready"), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_forked(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
