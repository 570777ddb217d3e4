"""Old places of names still give them, the same objects, with a word on the new place; nothing here uses one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

import harness
from harness.moved import DISTRIBUTION, MODULES, NAMES

ROOT = Path(__file__).parent.parent
OURS = ("harness", "plugins", "benchmarks", "tests", "docs")

# Every public name that a page, an example, a plugin or a benchmark took from a place where it is no longer.
TAKEN = {
    "agreement": "agreement",
    "algebra": "names",
    "batching": "best_lanes hosted release",
    "calibration": "Model Point choose distance fit",
    "capabilities": "check measure",
    "cards": "ensure make_vectors",
    "chat": "prompt_ids training_row",
    "data": "Pin fetch github read_jsonl",
    "decoding": "Request",
    "engine": "Engine load open_model resolve_dtype vector_lookup",
    "kernels": "lean",
    "machine": "hardware",
    "models": "materialise resolve writing",
    "pipeline": "grid prepared run",
    "progress": "bar",
    "prompts": "with_prompt",
    "provider": "HarnessAPI note",
    "report": "load tables text",
    "runs": "Cell Prepared digest_of locked prepare vector_key",
    "steering": "adding decoder_blocks",
    "testing": "check_intervention check_judge check_setting tiny_model",
    "train": "batches loss_of train with_adapter",
    "traits": "MINI_TOKENS PUBLISHED_ROLLOUTS PUBLISHED_TOKENS Trait chats instruction_pairs is_mini plain_filter "
    "read_trait trait_spec",
    "variants": "composed_prompts composed_vectors prompted steered",
    "weights": "parse spelled",
}
PLACES = [(old, name) for old, names in TAKEN.items() for name in names.split()]


@pytest.mark.filterwarnings("ignore:harness")
@pytest.mark.parametrize(("old", "name"), PLACES, ids=lambda part: part)
def test_a_name_that_was_taken_from_an_old_place_is_still_there(old: str, name: str) -> None:
    assert getattr(import_module(f"harness.{old}"), name) is not None


MOVED = [
    (old, name, place) for old, places in NAMES.items() for place, names in places.items() for name in names.split()
]
WENT_ALONE = {(old, name) for old, name, _ in MOVED}
MOVED += [
    (old, name, place)
    for old, place in MODULES.items()
    for name in TAKEN.get(old, "").split()
    if (old, name) not in WENT_ALONE
]


@pytest.mark.parametrize(("old", "name", "place"), MOVED, ids=lambda part: part)
def test_what_an_old_place_gives_is_the_same_object_and_the_warning_names_where_to_import_it(
    old: str, name: str, place: str
) -> None:
    if name in vars(import_module(f"harness.{old}")):
        pytest.skip(f"harness.{old} imports it for its own use")
    with pytest.warns(DeprecationWarning, match=f"harness.{old}.{name} has moved") as told:
        given = getattr(import_module(f"harness.{old}"), name)
    assert given is getattr(import_module(f"harness.{place}"), name)
    said = str(told[0].message)
    new: dict[str, object] = {}
    exec(said.partition("write: ")[2], new)
    assert new[name] is given


@pytest.mark.parametrize(("old", "place"), MODULES.items(), ids=lambda part: part)
def test_a_module_that_is_gone_stands_for_one_that_is_there(old: str, place: str) -> None:
    assert not (ROOT / "harness" / f"{old}.py").exists()
    assert import_module(f"harness.{old}") is sys.modules[f"harness.{old}"]
    assert find_spec(f"harness.{place}") is not None


def test_an_old_place_gives_nothing_that_never_was_there() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from harness.variants import nothing  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from harness.runs import nothing as none  # type: ignore[attr-defined, unused-ignore]  # noqa: F401


def test_reading_an_old_place_imports_nothing_before_a_name_is_asked_for() -> None:
    code = "import sys, harness.steering, harness.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


FILES = [file for folder in OURS for file in sorted((ROOT / folder).rglob("*.py")) if file.name != "test_moved.py"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_here_imports_from_an_old_place(file: Path) -> None:
    assert not [f"line {line}: {name}" for line, name in old_imports(file.read_text(encoding="utf-8"))]


def old_imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import from an old place."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names if gone(one.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                if gone(f"{node.module}.{one.name}") or gone(node.module):
                    yield node.lineno, f"{node.module}.{one.name}"


def gone(dotted: str) -> bool:
    """Whether `harness.X` is a module that is gone, or `harness.X.NAME` a name that is."""
    package, _, own = dotted.partition(".")
    place, _, name = own.partition(".")
    moved = " ".join(NAMES.get(place, {}).values()).split()
    return package == "harness" and (
        place in MODULES or (name in moved and name not in vars(import_module(f"harness.{place}")))
    )


def test_an_old_import_is_seen() -> None:
    source = "from harness.variants import prompted\nfrom harness.runs import Cell, merge\nfrom harness import algebra"
    seen = [name.removeprefix("harness.") for _, name in old_imports(source)]
    assert seen == ["variants.prompted", "runs.Cell", "algebra"]


def test_the_distribution_is_ours_under_its_own_name_and_under_the_one_that_it_had() -> None:
    """Inspect asks for the distribution of the import's name, to find out whether a package is installed."""
    try:
        asked = distribution("harness")
    except PackageNotFoundError:
        pytest.fail("nobody answers to 'harness'")
    assert {distribution(DISTRIBUTION).version, asked.version} == {harness.__version__}


def test_inspect_finds_a_checkout_installed_and_names_its_parts_by_the_package() -> None:
    """It looks for a distribution of the package's name; without one a task would be `gcd_sycophancy` alone."""
    from inspect_ai.util import registry_info

    from harness.evaluation import inspect_registry, tasks

    assert registry_info(inspect_registry.harness).name == "harness/harness"
    assert registry_info(tasks.replying).name == "harness/replying"
    assert {registry_info(task).name for task in inspect_registry.TASKS.values()} == {
        f"harness/{name}" for name in inspect_registry.TASKS
    }


def test_the_distribution_that_was_installed_answers_before_what_a_build_left_in_the_working_directory(
    tmp_path: Path,
) -> None:
    left = tmp_path / "trait_harness.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: trait-harness\nVersion: 0.0.1\n")
    code = "import harness, importlib.metadata as m; print(m.distribution('harness').version)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.strip() == harness.__version__, done.stderr
