"""The documents say what the code does: hooks, fields, whole files, links and commands are held against it."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from harness import Setting, contracts, hookspecs
from harness.cli import app
from harness.registry import HOOKS, installed
from harness.testing import check_intervention

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "third_party"
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), EXAMPLE / "README.md"))
SHOWN = [*sorted((EXAMPLE / "harness_example").glob("[a-z]*.py")), EXAMPLE / "pyproject.toml"]
RECORDS = [record for _, record in inspect.getmembers(contracts, dataclasses.is_dataclass) if isinstance(record, type)]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_reference_gives_each_hook_with_its_sentence(hook: str) -> None:
    assert section(hook) == inspect.getdoc(getattr(hookspecs, hook))


def test_every_hook_is_registered_and_every_registered_hook_is_specified() -> None:
    specified = {name for name, value in vars(hookspecs).items() if hasattr(value, "harness_spec")}
    assert specified == set(HOOKS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_reference_gives_each_record_with_its_sentence_and_every_field_in_order(record: type) -> None:
    text = section(record.__name__)
    assert text.startswith(str(inspect.getdoc(record)).partition("\n")[0])
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, flags=re.MULTILINE)
    assert [name for name, _ in rows] == [field.name for field in dataclasses.fields(record)]
    assert all(sentence.endswith(".") for _, sentence in rows)


def test_the_reference_speaks_of_nothing_that_is_gone() -> None:
    headings = re.findall(r"^### `(\w+)`$", (ROOT / "docs" / "hooks.md").read_text(), flags=re.MULTILINE)
    assert sorted(headings) == sorted([*HOOKS, *(record.__name__ for record in RECORDS)])


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: str(file.name))
def test_the_guide_shows_each_file_of_the_example_package_whole(file: Path) -> None:
    """That package is installed and run by test_third_party, so what the guide shows works.

    Its files stay as they were written for the release before this one, so that the old place of `prompted` is held to
    work; the guide shows the new one.
    """
    language = "toml" if file.suffix == ".toml" else "python"
    name = file.relative_to(EXAMPLE)
    guide = (ROOT / "docs" / "write-a-plugin.md").read_text()
    text = file.read_text().replace("harness.variants", "harness.authoring")
    assert f"`{name}`\n\n```{language}\n{text}```\n" in guide, f"paste {name} into the guide again"


def test_no_advice_installs_the_distribution_that_somebody_else_has_under_our_packages_name() -> None:
    """On the Python index `harness` is a stranger's; ours is called as pyproject.toml says."""
    folders = ("harness", "plugins", "experiments", "docs", "examples", "benchmarks", "tests", ".ci")
    files = [*ROOT.glob("*"), *(file for folder in folders for file in (ROOT / folder).rglob("*"))]
    strangers = re.compile(
        r"(?<![\w-])harness\[\w|pip3? install [^\n`|]*(?<![\w./-])harness(?![\w/-])|^dependencies = .*\"harness\"",
        re.MULTILINE,
    )
    for file in files:
        if file.suffix in {".md", ".py", ".toml", ".txt", ".yaml", ""} and file.is_file() and file != Path(__file__):
            found = strangers.search(file.read_text(encoding="utf-8"))
            assert found is None, f"{file.relative_to(ROOT)}: {found and found.group()!r}"
    for advice in ("pip install 'harness[vllm]'", "pip install harness", "pip install -U harness", "a 'harness[x]'"):
        assert strangers.search(advice), advice


def test_the_guides_short_steering_variant_is_a_plugin_that_halves_the_dose(toy: Setting) -> None:
    (block,) = [one for one in code_blocks(ROOT / "docs" / "write-a-plugin.md") if "ps_half" in one]
    module: dict[str, Any] = {}
    exec(compile(block, "ps_half.py", "exec"), module)
    intervention = module["harness_intervention"]()
    check_intervention(intervention, toy)
    assert intervention.steering(toy, toy.recipe("mini")).coef == 3.0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_spoken_of_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([\w-]+)", page.read_text(), flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_harness_command_that_is_shown_exists_with_its_options(page: Path) -> None:
    commands = vars(get_command(app))["commands"]
    for line in re.findall(r"^    (?:\S*/)?harness (.+)$", page.read_text(), flags=re.MULTILINE):
        name, *rest = shlex.split(line, comments=True)  # as a shell does
        assert name in commands, line
        commands[name].make_context(name, rest)  # raises on an unknown option or a missing argument


def code_blocks(page: Path) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def section(name: str) -> str:
    """The text below the heading of `name` in the reference."""
    text = (ROOT / "docs" / "hooks.md").read_text()
    found = re.search(rf"^### `{name}`\n\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"docs/hooks.md has no section on {name}"
    return found[1].strip()


def test_every_intervention_that_is_installed_is_among_the_methods() -> None:
    told = (ROOT / "docs" / "methods.md").read_text()
    assert [name for name in installed().interventions if f"`{name}`" not in told] == []


@pytest.mark.model
def test_the_script_for_one_cell_plans_it_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    script = ROOT / "docs" / "paper-cell.sh"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    world = os.environ | {"PATH": path, "SCALE": "mini", "RUNS": str(tmp_path / "runs")}

    def done(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, *arguments], capture_output=True, text=True, check=False, env=world)

    planned = done("gcd_sycophancy", "ps", "0", "plan")
    assert planned.returncode == 0, planned.stderr
    assert "1 of 1 cells to do" in planned.stdout
    assert not (tmp_path / "runs").exists()
    for wrong in ((), ("gcd_sycophancy", "ps"), ("gcd_sycophancy", "ps", "0", "train")):
        assert (done(*wrong).returncode, done(*wrong).stderr.partition(":")[0]) == (2, "usage")
    assert "no setting named 'gcd'" in done("gcd", "ps", "0", "plan").stderr
