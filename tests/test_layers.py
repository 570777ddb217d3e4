"""Imports point down only, `harness` never imports a plugin, and finding the plugins stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parent
HEAVY = ("torch", "transformers", "peft", "inspect_ai", "numpy", "matplotlib")

LAYERS = (
    ("errors", "contracts"),
    ("hookspecs", "prompts", "algebra", "weights", "variants", "__init__"),
    ("progress", "machine", "documents", "journal", "traits", "local_tasks"),
    ("runs", "registry", "models", "sizes", "data", "judging", "questions", "stored"),
    ("kernels", "stats", "agreement", "comparison", "calibration"),
    ("engine", "batching", "candidates", "likelihood", "decoding", "kv_cache", "packed", "sharing", "chat", "steering"),
    ("train", "tasks", "provider", "scoring", "grading", "vectors", "rollouts"),
    ("capabilities", "language_model"),
    ("regrading", "collecting"),
    ("pipeline", "planning", "cards", "importing"),
    ("report", "sweep", "claims", "balance", "merging"),
    ("inspect_registry", "testing"),
    ("cli", "doctor", "commands", "__main__"),
)
HEIGHT = {module: height for height, layer in enumerate(LAYERS) for module in layer}

FILES = sorted(ROOT.rglob("*.py"))


def module_of(file: Path) -> str:
    """The name in `LAYERS`: a module of the package, or the folder that a nested module lives in."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_module_has_a_layer_and_imports_only_from_its_own_or_lower_ones(file: Path) -> None:
    module = module_of(file)
    assert module in HEIGHT, f"harness/{module} is in no layer; place it in LAYERS and in the design"
    wrong = [f"line {line}: {name}" for line, name in imported(file) if HEIGHT.get(name, -1) > HEIGHT[module]]
    assert not wrong, f"{file.relative_to(ROOT)} imports upwards: {'; '.join(wrong)}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_harness_never_imports_a_plugin(file: Path) -> None:
    assert "harness_plugins" not in file.read_text(encoding="utf-8")


def test_finding_every_plugin_imports_nothing_heavy() -> None:
    code = (
        "import json, sys; from harness.registry import installed; found = installed(); "
        f"print(json.dumps([len(found.interventions), [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    interventions, loaded = json.loads(done.stdout)
    assert interventions > 0
    assert loaded == []


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Line and layer name of every import of this package, wherever it stands in the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "harness":
                    yield node.lineno, layer_name(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, file)
            if base == "harness":
                yield from ((node.lineno, layer_name(f"harness.{alias.name}")) for alias in node.names)
            elif base.startswith("harness."):
                yield node.lineno, layer_name(base)


def absolute(node: ast.ImportFrom, file: Path) -> str:
    if not node.level:
        return node.module or ""
    package = ("harness", *file.relative_to(ROOT).parent.parts)
    return ".".join((*package[: len(package) - node.level + 1], *([node.module] if node.module else [])))


def layer_name(dotted: str) -> str:
    """`harness.report.page` lives in `report`; a name that is no module comes from the package itself."""
    name = dotted.split(".")[1] if "." in dotted else "__init__"
    return name if name in HEIGHT or (ROOT / f"{name}.py").exists() or (ROOT / name).is_dir() else "__init__"
