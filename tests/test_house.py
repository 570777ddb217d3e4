"""The house stands as it is drawn: imports point down, through faces, in no circle, and no room is too large."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import house
import pytest

import harness

HOUSE = house.House(Path(harness.__file__).parent)
HEAVY = ("torch", "transformers", "peft", "inspect_ai", "numpy", "matplotlib", "pydantic", "scipy")
Figure = Callable[[house.House], Iterator[house.Place]]
ALLOWED: dict[Figure, int] = {
    house.top_level: 12,
    house.long_modules: 0,
    house.long_functions: 0,
    house.loose_mappings: 15,
    house.record_openers: 1,
    house.deep_imports: 0,
    house.upward_imports: 0,
    house.behind_faces: 0,
    house.cycles: 0,
    house.shared_class_names: 0,
    house.bare_readers: 0,
}


@pytest.mark.parametrize("figure", ALLOWED, ids=lambda figure: figure.__name__)
def test_a_figure_of_the_house_is_within_what_is_allowed(
    figure: Callable[[house.House], Iterator[house.Place]],
) -> None:
    found = [f"{place}" for place in figure(HOUSE)]
    assert len(found) <= ALLOWED[figure], "; ".join(found)


def test_every_room_stands_on_a_floor_and_every_floor_has_only_rooms_that_are_there() -> None:
    rooms = {module.room for module in HOUSE.modules}
    placed = {name for floor in house.FLOORS for name in floor}
    assert rooms == placed, "draw it into FLOORS of tests/house.py and into the README's tree"


@pytest.mark.parametrize("module", HOUSE.modules, ids=lambda module: module.file)
def test_the_harness_never_imports_a_plugin(module: house.Module) -> None:
    assert "harness_plugins" not in module.text


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


@pytest.mark.parametrize(
    ("faces", "without"),
    [
        (("claims", "report", "analysis", "grading", "runs", "judging"), ("torch", "transformers", "inspect_ai")),
        (("evaluation",), ("torch", "transformers")),
        (("commands", "authoring", "files", "screen"), HEAVY),
    ],
    ids=["without-torch-and-inspect", "without-torch", "light"],
)
def test_a_face_is_as_light_as_its_stage_needs(faces: tuple[str, ...], without: tuple[str, ...]) -> None:
    code = (
        f"import importlib, json, sys; [importlib.import_module('harness.' + one) for one in {faces!r}]; "
        f"print(json.dumps([name for name in {without!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
