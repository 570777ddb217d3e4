"""What a result was made on: versions, commit, processor, memory, accelerators. Imports no torch by itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from harness import DISTRIBUTION
from harness.runs.run_record import Hardware

PACKAGES = ("torch", "transformers", "peft", "inspect-ai", "pluggy", "safetensors", "tokenizers", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a number can depend on."""
    return {
        "python": platform.python_version(),
        "harness": _version(DISTRIBUTION),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"


def commit() -> str | None:
    """The commit of the checkout that the harness runs from, with `+` where it has changes; None outside a checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changes.stdout.strip() else "")


def hardware() -> Hardware:
    """Processor, cores, threads that torch uses, memory in bytes, accelerators."""
    torch = sys.modules.get("torch")
    gpus = (
        [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if torch is not None and torch.cuda.is_available()
        else []
    )
    return Hardware(
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads() if torch is not None else None,
        memory_bytes=psutil.virtual_memory().total,
        gpus=tuple(gpus),
        system=platform.system(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
