"""vLLM's server as a process of ours: started when it is asked, watched, started again when it dies, and ended."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from harness.errors import HarnessError
from harness.files import read_bytes
from harness.models import Dtype
from harness.screen import say
from harness.serving.environment import VllmEnvironment
from harness.serving.plugin import FOLDER, NAME, VERSION
from harness.serving.wire import ServerGone, Wire

ARGUMENTS = "HARNESS_VLLM_ARGS"
"""The environment variable with further arguments of vLLM's server, as its help has them."""

BASE = "base"
"""What the untrained model is called on a server of ours."""

START_SECONDS = 1800.0
DYING_SECONDS, CUT_SECONDS = 20.0, 1.0
"""For so long a server that failed in itself, or cut a connection, is waited for to end: before it does, it tells
whoever asks that it failed."""

GOODBYE_SECONDS = 15.0
LOOKS_SECONDS = 0.2
MOST_DEATHS, MOST_CUTS = 3, 10
TAIL_BYTES = 64 << 10
ERROR_LINE = re.compile(r"[\w.]*(Error|Exception): ")
DTYPES: dict[Dtype, str] = {"fp32": "float32", "bf16": "bfloat16"}
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM makes room for in an adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What a server is started for: a folder of weights, their number type, and what adapters there may be at once."""

    folder: Path
    dtype: Dtype
    rank: int = 64
    adapters: int = 1


class LocalServer:
    """A server that this process starts at the first `reach`, and ends with `stop` or with itself."""

    def __init__(self, environment: VllmEnvironment, model: ServedModel) -> None:
        self.environment, self.model = environment, model
        self.life = 0  # how often it was started: what it held before is gone
        self.lock: AbstractContextManager[object] = threading.RLock()
        self.adapters: list[str] = []
        self._over = threading.Event()
        self._deaths = self._cuts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="harness-vllm-"))

    @property
    def base(self) -> str:
        """What the untrained model is called there."""
        return BASE

    @property
    def room(self) -> int:
        """How many adapters it holds at once."""
        return self.model.adapters

    def reach(self) -> Wire:
        """Where to ask it, once it answers; HarnessError with its last words where it does not come up."""
        with self.lock:
            self._check_wanted()
            if self._wire is None:
                self._start()
            assert self._wire is not None
            return self._wire

    def lost(self, wire: Wire, gone: ServerGone) -> None:
        """After `gone`: the next `reach` starts it anew. HarnessError where it lives, or has died too often."""
        with self.lock:
            if wire is not self._wire or self._process is None:
                return  # another thread has seen to it
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(CUT_SECONDS if gone.broken else DYING_SECONDS)
            if self._process.poll() is None and _is_healthy(wire):
                self._cuts += gone.broken
                if gone.broken and self._cuts < MOST_CUTS:
                    return
                raise HarnessError(f"the vLLM server failed at a request: {gone}; {self._last_words()}")
            self._end()
            self._deaths += 1
            if self._deaths >= MOST_DEATHS:
                raise HarnessError(f"the vLLM server died {self._deaths} times; {self._last_words()}")
            say(f"the vLLM server died and is started again; {self._last_words()}")

    def stop(self) -> None:
        """Ends it with all of its processes, and removes what it kept, but for its log where it died."""
        self._over.set()  # a thread that waits for it to come up waits no more
        with self.lock:
            self._end()
            if not self._deaths:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        port, key = _free_port(), secrets.token_hex(16)
        say(f"starting vLLM for {self.model.folder.name}, {self.model.dtype}")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                server_command(self.environment, self.model, port),
                stdin=subprocess.PIPE,  # what it watches: the other end goes with this process
                stdout=log,
                stderr=subprocess.STDOUT,
                env=server_variables(os.environ, self._folder, key, build=self.environment.build),
                start_new_session=True,
            )
        wire = Wire(f"http://127.0.0.1:{port}", key)
        try:
            self._wait_for(wire)
        except BaseException:
            self._end()
            raise
        self.life += 1
        self._wire = wire

    def _wait_for(self, wire: Wire) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while not _is_healthy(wire):
            self._check_wanted()
            if self._process.poll() is not None:
                self._deaths += 1
                raise HarnessError(f"the vLLM server did not come up; {self._last_words()}")
            if time.monotonic() > until:
                self._deaths += 1
                raise HarnessError(f"the vLLM server is not up after {START_SECONDS:.0f} s; {self._last_words()}")
            time.sleep(LOOKS_SECONDS)

    def _check_wanted(self) -> None:
        if self._over.is_set():
            raise HarnessError("the vLLM server was ended; give the same command again")

    def _end(self) -> None:
        """Ends every process of its group."""
        process, self._process, self._wire = self._process, None, None
        if process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GOODBYE_SECONDS)
        if process.stdin is not None:
            process.stdin.close()

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _last_words(self) -> str:
        """The last error in its log, and where the rest is."""
        with suppress(OSError, HarnessError):
            start = max(0, self._log.stat().st_size - TAIL_BYTES)
            tail = read_bytes(self._log, limit=self._log.stat().st_size + TAIL_BYTES, start=start, advice="run again")
            return f"its log, {self._log}, ends with: {last_error(tail.decode('utf-8', 'replace'))}"
        return "it left no log"


def last_error(text: str) -> str:
    """The line of a log that says most of why its writer ended: the last that names an error of its own, else the last.

    vLLM's processes each say once more, in words of their own, that another one failed.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # A fault of the configuration says what it is in the line below.
    told = [f"{line} {below}" if "validation error" in line else line for line, below in pairwise([*lines, ""])]
    named = [line for line in told if ERROR_LINE.search(line) and "stack trace" not in line]
    found = (named or told or ["nothing"])[-1]
    return f"{found[start.start() :] if (start := ERROR_LINE.search(found)) else found:.300}"


def server_command(environment: VllmEnvironment, model: ServedModel, port: int) -> list[str]:
    """The command that starts the server, which ends with whoever holds its standard input."""
    told = {NAME: {"version": VERSION}}
    rank = next((one for one in RANKS if one >= model.rank), model.rank)
    return [
        *(str(environment.python), "-m", f"{NAME}.serve"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--model", str(model.folder), "--served-model-name", BASE, "--dtype", DTYPES[model.dtype]),
        # Its own default settings of sampling would stand where a request says nothing.
        *("--generation-config", "vllm", "--max-model-len", "auto", "--max-logprobs", "-1"),
        # One slot more than there are adapters: in a full set the CPU build gives the last one to plain requests.
        *("--enable-lora", "--max-lora-rank", str(rank), "--max-loras", str(model.adapters + 1)),
        *("--worker-extension-cls", f"{NAME}.worker.SteeringReport"),
        *("--additional-config", json.dumps(told, sort_keys=True)),
        *(("--enforce-eager",) if environment.build == "cpu" else ()),
        *further_arguments(),
    ]


def further_arguments() -> list[str]:
    """What `HARNESS_VLLM_ARGS` holds; HarnessError where its quotes are not closed."""
    try:
        return shlex.split(os.environ.get(ARGUMENTS, ""))
    except ValueError as error:
        raise HarnessError(f"{ARGUMENTS} cannot be read as arguments: {error}") from None


def server_variables(around: Mapping[str, str], folder: Path, key: str, *, build: str) -> dict[str, str]:
    """The environment of the server: that of this process, and what makes it ours alone."""
    # Found by the harness's Python, they would stand before vLLM's own.
    found = {name: value for name, value in around.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    if build == "cpu":
        found.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")  # GB; else nearly all memory that there is
    return {
        **found,
        FOLDER: str(folder / "additions"),
        "VLLM_API_KEY": key,
        "VLLM_PLUGINS": NAME,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _is_healthy(wire: Wire) -> bool:
    try:
        wire.get("/health")
    except (ServerGone, HarnessError):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class RemoteServer:
    """A server that somebody else runs: it is asked, and neither started nor ended."""

    def __init__(self, wire: Wire, base: str) -> None:
        self.base, self.life, self.room, self._wire = base, 1, 1, wire
        self.lock: AbstractContextManager[object] = threading.RLock()
        self.adapters: list[str] = []

    def reach(self) -> Wire:
        """Where to ask it."""
        return self._wire

    def lost(self, wire: Wire, gone: ServerGone) -> None:
        """HarnessError: it is not ours to start."""
        raise HarnessError(f"the model server failed: {gone}; start it again and give the same command again") from gone

    def stop(self) -> None:
        """Nothing: others may use it."""
