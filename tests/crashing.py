"""A process that has imported everything and forks for each command, to crash it before any one of its file operations.

Run as a script it answers JSON lines: `{"cwd", "args", "root", "at", "torn", "judge"}` with `{"status", "operations"}`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CRASHED = 77
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.fsync")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Crashes:
    """The process, to be told what to run."""

    process: subprocess.Popen[str]

    def run(
        self, cwd: Path, *args: str, at: int | None = None, torn: bool = False, judge: str = "1"
    ) -> tuple[int, list[str]]:
        """The exit status of `harness ARGS` in `cwd`, and its file operations there; it crashes before the one `at`.

        `torn` cuts the file that was opened last in half first.
        """
        asked = {"cwd": str(cwd), "args": args, "at": at, "torn": torn, "judge": judge}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return told["status"], told["operations"]


@contextmanager
def started() -> Iterator[Crashes]:
    """Such a process, ended afterwards."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield Crashes(process)
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
        self.count, self.last = 0, ""
        self.lock = threading.RLock()
        self.inside = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if not isinstance(flags, int) or not flags & WRITES or not isinstance(path, str | bytes | os.PathLike):
                return
        elif event in CHANGES:
            path = args[0]
        else:
            return
        place = (
            os.path.abspath(os.fsdecode(path)) if not isinstance(path, int) else os.readlink(f"/proc/self/fd/{path}")
        )
        if place.startswith(self.root) and not place.endswith(".lock") and not self.inside:
            self._operation(event, place)

    def _operation(self, event: str, place: str) -> None:
        with self.lock:
            if self.count == self.at:
                self.inside = True
                if self.torn and os.path.isfile(self.last):
                    os.truncate(self.last, os.path.getsize(self.last) // 2)
                os._exit(CRASHED)
            self.count += 1
            if event == "open":
                self.last = place
            os.write(self.told, f"{event} {place.removeprefix(self.root)}\n".encode())


def _child(asked: dict[str, Any], told: int) -> None:
    import small

    from harness import cli, registry

    os.chdir(asked["cwd"])
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{asked['cwd']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    found = small.REGISTRY
    if asked["judge"] != "1":
        found = replace(found, judges={"capitals": replace(small.JUDGE, grade=shy, version=asked["judge"])})
    watch = _Watch(asked["cwd"] + "/", asked["at"], asked["torn"], told)
    fsync = os.fsync

    def watched(handle: int) -> None:
        watch("os.fsync", (handle,))
        fsync(handle)

    os.fsync = watched
    sys.addaudithook(watch)
    with registry.using(found):
        status = cli.main(asked["args"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def shy(case: Any, reply: str, grader: Any) -> Any:
    from harness import Verdict

    return Verdict(scores={"capitals": 0.25}, reason="always a quarter")


def main() -> None:
    import inspect_ai.log
    import matplotlib.figure
    import peft
    import torch
    import transformers

    from harness import analysis, capabilities, claims, cli, evaluation, grading, pipeline, report, vectors, verifying

    assert all((inspect_ai, matplotlib, peft, transformers, analysis, capabilities, claims, cli, evaluation, grading))
    assert all((pipeline, report, vectors, verifying))
    torch.set_num_threads(1)
    for line in sys.stdin:
        asked = json.loads(line)
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
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "operations": operations}), flush=True)


if __name__ == "__main__":
    main()
