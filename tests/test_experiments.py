"""Laws of an experiment file: what it spells out, what keys it, and that every mistake is one line with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small

from harness import HarnessError, Intervention
from harness.cells import Cell
from harness.registry import installed, using
from harness.sweep import key_of, load, planned

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _small_world() -> Iterator[None]:
    with using(small.REGISTRY):
        yield


def written(folder: Path, text: str) -> Path:
    file = folder / "loud.yaml"
    file.write_text(text)
    return file


def test_a_grid_is_every_combination_and_what_it_leaves_out_is_taken_from_the_top(tmp_path: Path) -> None:
    experiment = load(
        written(
            tmp_path,
            """
settings: [loud]
interventions: [none, ps]
seeds: [0, 1]
grids:
  - {}
  - interventions: [ps]
    doses: [0.5]
    seeds: [0]
""",
        )
    )
    assert experiment.name == "loud"
    assert [(cell.intervention, cell.seed, cell.dose) for cell in experiment.cells] == [
        ("none", 0, 1.0),
        ("none", 1, 1.0),
        ("ps", 0, 1.0),
        ("ps", 1, 1.0),
        ("ps", 0, 0.5),
    ]


PLAIN = "settings: [loud]\ninterventions: [none, ps]\n"


def key(folder: Path, model: Path, text: str) -> str:
    experiment = load(written(folder, f"{text}models: [{model}]\n"))
    with using(experiment.registry(installed())):
        return key_of(experiment, planned(experiment))


def test_the_key_is_that_of_the_cells_and_the_claims_and_of_nothing_else(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "claims.yaml").write_text("a: 1\n")
    plain = key(tmp_path, tiny_llama, PLAIN)
    assert key(tmp_path, tiny_llama, f"# a remark\nsummary: in words\n{PLAIN}seeds: [0]\n") == plain
    assert key(tmp_path, tiny_llama, "settings: [loud]\ninterventions: [ps, none]\n") == plain
    others = [
        key(tmp_path, tiny_llama, f"{PLAIN}seeds: [1]\n"),
        key(tmp_path, tiny_llama, f"{PLAIN}conditions: [clean]\n"),
        key(tmp_path, tiny_llama, f"{PLAIN}claims: claims.yaml\n"),
    ]
    (tmp_path / "claims.yaml").write_text("a: 2\n")
    others.append(key(tmp_path, tiny_llama, f"{PLAIN}claims: claims.yaml\n"))
    assert len({plain, *others}) == 5


def test_conditions_of_the_experiment_stand_for_the_settings_own(tmp_path: Path, tiny_llama: Path) -> None:
    experiment = load(written(tmp_path, f"{PLAIN}models: [{tiny_llama}]\nconditions: [clean, 'vector:reply@1.50']\n"))
    with using(experiment.registry(installed())):
        cells = planned(experiment)
    assert [one.beside for one in cells] == [True, False, False]
    assert {tuple(map(str, one.cell.conditions)) for one in cells} == {("clean", "vector:reply@1.5")}
    assert small.SETTING.conditions["mini"] == installed().setting("loud").conditions["mini"]


def test_an_arm_that_applies_to_some_settings_is_left_out_of_the_others_and_named(tmp_path: Path) -> None:
    quiet = replace(small.SETTING, name="quiet")
    picky = Intervention(name="picky", summary="-", applies=lambda one: None if one.name == quiet.name else "too loud")
    world = replace(
        small.REGISTRY,
        settings={"loud": small.SETTING, "quiet": quiet},
        interventions={**small.REGISTRY.interventions, "picky": picky},
    )
    with using(world):
        experiment = load(written(tmp_path, "settings: [loud, quiet]\ninterventions: [none, picky]\n"))
        assert [(cell.setting, cell.intervention) for cell in experiment.cells] == [
            ("loud", "none"),
            ("quiet", "none"),
            ("quiet", "picky"),
        ]
        assert experiment.left_out == ("picky does not apply to loud: too loud",)
        with pytest.raises(HarnessError, match=r"loud.yaml:2: 'picky' does not apply to setting 'loud': too loud"):
            load(written(tmp_path, "settings: [loud]\ninterventions: [picky]\n"))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("settings: [loud]\n\tinterventions: [none]\n", 2, "a tab"),
        ("settings: [loud]\ninterventions:\n\t- none\n", 3, "a tab"),
        ("settings: [loud\ninterventions: [none]\n", 2, "this is not YAML"),
        ("", 1, "write keys and values"),
        ("- loud\n", 1, "write keys and values"),
        (f"{PLAIN}seeds: [0]\nseeds: [1]\n", 4, "the key 'seeds' is there twice, first on line 3"),
        (f"{PLAIN}sedes: [0]\n", 3, "no key named 'sedes'; did you mean 'seeds'?"),
        (f"{PLAIN}grids:\n  - {{}}\n  - dose: [1]\n", 5, "no key named 'dose'; did you mean 'doses'?"),
        (f"{PLAIN}seeds:\n  - 0\n  - one\n", 5, "seeds.2 should be a valid integer, not 'one'"),
        (f"{PLAIN}seeds: 0\n", 3, "seeds should be a valid list, not 0"),
        (f"{PLAIN}seeds: [-1]\n", 3, "seeds.1 should be greater than or equal to 0"),
        (f"{PLAIN}doses: [.nan]\n", 3, "doses.1 should be a finite number"),
        (f"{PLAIN}seeds: [0, 1, 0]\n", 3, "seeds names 0 twice"),
        (f"{PLAIN}seeds: []\n", 3, "seeds names none"),
        ("interventions: [none]\n", 1, "settings names none"),
        ("settings: [lod]\ninterventions: [none]\n", 1, "no setting named 'lod'; did you mean 'loud'?"),
        ("settings: [loud]\ninterventions:\n  - none\n  - ps_zro\n", 4, "did you mean 'ps_zero'?"),
        (f"{PLAIN}scale: minni\n", 3, "no scale of loud named 'minni'; did you mean 'mini'?"),
        (f"{PLAIN}models: [smollm2_135n]\n", 3, "did you mean 'smollm2_135m'?"),
        (f"{PLAIN}weights: ['a=b']\n", 3, "the weight of 'a' is 'b', not a finite number"),
        (f"{PLAIN}weights: ['a=1']\n", 3, "none of the interventions takes weights"),
        (f"{PLAIN}conditions: [clean, 'prompt:inoculaton']\n", 3, "did you mean 'inoculation'?"),
        (f"{PLAIN}conditions: [clear]\n", 3, "condition 'clear' is not one of"),
        (f"{PLAIN}conditions: ['vector:reply@1']\n", 3, "without the condition clean"),
        (f"{PLAIN}conditions: [clean, 'vector:reply@1', 'vector:reply@1.0']\n", 3, "is there twice"),
        (f"{PLAIN}claims: gone.yaml\n", 3, "no claims file"),
        (
            f"{PLAIN}grids:\n  - {{}}\n  - interventions: [ps]\n    seeds: [1, 0]\n",
            5,
            "the cell loud/ps s0 is there already, by the grid at",
        ),
        (
            f"{PLAIN}grids:\n  - {{}}\n  - models: [smollm2_135m]\n",
            5,
            "the cell loud/none s0 is there already, by the grid at",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(HarnessError) as raised:
        load(file)
    message = str(raised.value)
    assert message.startswith(f"{file}:{line}: ")
    assert said in message
    assert "\n" not in message


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot read .*: No such file"):
        load(tmp_path / "gone.yaml")
    (tmp_path / "loud.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(HarnessError, match="not UTF-8"):
        load(tmp_path / "loud.yaml")


def test_a_dose_that_means_nothing_names_the_cell(tmp_path: Path, tiny_llama: Path) -> None:
    text = f"settings: [loud]\ninterventions: [ip]\ndoses: [2]\nmodels: [{tiny_llama}]\n"
    experiment = load(written(tmp_path, text))
    with pytest.raises(HarnessError, match=r"loud.yaml: loud/ip x2 s0: .* at most 1, not 2"):
        planned(experiment)


@pytest.mark.parametrize("file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_experiments_that_come_with_the_harness_are_sound(file: Path) -> None:
    from harness.registry import _read

    with using(_read()):
        experiment = load(file)
    assert experiment.cells
    assert all(isinstance(cell, Cell) for cell in experiment.cells)
