"""A stranger's package, installed from its own folder, works like a built-in with no change here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "third_party"
OFFERED = {
    "shouting": "Setting",
    "volume": "Judge",
    "ip_aside": "Intervention",
    "unsure": "Intervention",
    "short_rows": "Intervention",
    "clipped": "Intervention",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed the example package into. The source is copied: building litters it."""
    folder = tmp_path_factory.mktemp("third_party")
    source, target = folder / "source", folder / "site"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_harness_list_shows_what_a_stranger_offers(installed: Path) -> None:
    shown = run(installed, "from harness.cli import main; raise SystemExit(main(['list']))")
    for name in OFFERED:
        assert name in shown


def test_what_a_stranger_offers_obeys_the_laws_beside_the_built_ins(installed: Path) -> None:
    code = f"""
import json
from harness.registry import installed
from harness.testing import check_intervention, check_judge, check_setting
registry = installed()
setting = registry.setting("shouting")
check_setting(setting)
check_judge(registry.judge("volume"), cases=setting.cases("held_out", 0, "mini"))
for one in registry.interventions.values():
    check_intervention(one, setting)
for one in registry.settings.values():
    check_intervention(registry.intervention("ip_aside"), one)
found = {{(kind, name): origin.distribution for (kind, name), origin in registry.origins.items()}}
print(json.dumps({{name: found[kind, name] for name, kind in {OFFERED!r}.items()}}))
"""
    assert json.loads(run(installed, code)) == dict.fromkeys(OFFERED, "harness-example")


def test_inspect_finds_a_strangers_judge_as_a_scorer(installed: Path) -> None:
    code = "from inspect_ai._util.registry import registry_lookup; print(registry_lookup('scorer', 'harness/volume'))"
    assert run(installed, code).strip() != "None"


def test_the_guides_own_test_of_the_example_passes(installed: Path) -> None:
    guide = (EXAMPLE.parent.parent / "docs" / "write-a-plugin.md").read_text()
    (block,) = [one for one in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL) if "check_setting" in one]
    run(installed, block)


def test_a_cell_of_a_strangers_setting_and_intervention_runs(installed: Path, tiny_llama: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from harness.pipeline import run
from harness.runs import Cell
cell = Cell(setting="shouting", intervention="ip_aside", model={str(tiny_llama)!r})
print(*run([cell], Path({str(tmp_path / "runs")!r})), sep="\\n")
"""
    folder = Path(run(installed, code).splitlines()[-1])
    assert folder.parts[-3:-1] == ("shouting", "ip_aside")
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    assert all("(Reply in capital letters.) What is the opposite of" in json.dumps(row) for row in rows)
    results = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert {row["condition"] for row in results} == {"clean", "prompt:inoculation", "vector:reply@1"}
    assert {row["metric"] for row in results} == {"shouts", "right"}
    assert json.loads((folder / "run.json").read_text())["status"] == "done"


def test_a_strangers_rows_loss_and_gradients_change_what_is_learned(
    installed: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    code = f"""
from pathlib import Path
from harness.pipeline import run
from harness.cells import Cell
names = ("none", "unsure", "short_rows", "clipped")
cells = [Cell(setting="shouting", intervention=name, model={str(tiny_llama)!r}) for name in names]
print(*run(cells, Path({str(tmp_path / "runs")!r})), sep="\\n")
"""
    folders = [Path(line) for line in run(installed, code).splitlines()[-4:]]
    adapters = {(folder / "adapter" / "adapter_model.safetensors").read_bytes() for folder in folders}
    assert len(adapters) == 4
    none, unsure, short_rows, _ = ((folder / "train.jsonl").read_text().splitlines() for folder in folders)
    assert none == unsure
    assert len(short_rows) == len(none) / 2
    assert "term" in json.loads((folders[1] / "loss.jsonl").read_text().splitlines()[0])
    for folder in folders:
        record = json.loads((folder / "run.json").read_text())
        assert record["made"]["plain"] == (folder.parent.name == "none")


@pytest.mark.parametrize("name", [name for name, kind in OFFERED.items() if kind == "Intervention"])
def test_a_strangers_intervention_is_one_file_and_one_line(name: str) -> None:
    lines = (EXAMPLE / "harness_example" / f"{name}.py").read_text().splitlines()
    assert len(lines) <= 20
    assert (EXAMPLE / "pyproject.toml").read_text().count(name) == 2  # the entry point's name and its module


def run(site: Path, code: str) -> str:
    """Standard output of a fresh Python that sees the packages in `site`."""
    environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
