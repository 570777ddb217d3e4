"""Every installed plugin, built-in or a stranger's, obeys the same laws."""

from __future__ import annotations

import inspect
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import harness_plugins
from harness import DISTRIBUTION, Condition, Intervention, Judge, Message, Prompt, Setting, SteeringDefault
from harness.authoring import MIRROR
from harness.cells import asked
from harness.registry import installed
from harness.testing import check_intervention, check_judge, check_setting

REGISTRY = installed()
PLUGINS = Path(next(iter(harness_plugins.__path__)))
SHARED = "harness_plugins.settings.shared"
SETTINGS = [pytest.param(setting, id=name) for name, setting in REGISTRY.settings.items()]
INTERVENTIONS = [pytest.param(intervention, id=name) for name, intervention in REGISTRY.interventions.items()]
JUDGES = [pytest.param(judge, id=name) for name, judge in REGISTRY.judges.items()]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_obeys_its_laws(setting: Setting) -> None:
    check_setting(REGISTRY.setting(setting.name))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_an_intervention_obeys_its_laws_on_every_setting(intervention: Intervention, setting: Setting) -> None:
    check_intervention(intervention, setting)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_obeys_its_laws_on_the_cases_it_grades(judge: Judge) -> None:
    if judge.grader and not os.environ.get(MIRROR):
        pytest.skip(f"judges that ask put published prompts, and {MIRROR} names no mirror of them")
    check_judge(judge)
    for setting in REGISTRY.settings.values():
        graded = {metric.split for metric in setting.metrics if metric.judge == judge.name}
        for split, cases in asked(setting, "mini", Condition()).items():
            if split in graded:
                check_judge(judge, cases=cases[:3])


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_gives_other_rows_or_another_order_for_another_seed(setting: Setting) -> None:
    assert list(setting.examples(0, "mini")) != list(setting.examples(1, "mini"))


@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_a_built_in_intervention_is_one_file_of_at_most_30_lines_that_names_no_setting(
    intervention: Intervention,
) -> None:
    module = REGISTRY.origin(intervention).module
    if not module.startswith("harness_plugins."):
        pytest.skip(f"{module} is a stranger's")
    source = inspect.getsource(sys.modules[module])
    assert len(source.splitlines()) <= 30
    assert not [name for name in REGISTRY.settings if name in source]


def test_every_plugin_file_and_folder_is_named_in_pyproject() -> None:
    """A plugin that no entry point names would be dead code that looks alive."""
    found = {
        f"harness_plugins.{path.parent.name}.{path.stem}"
        for path in PLUGINS.glob("*/*")
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    named = {origin.module for origin in REGISTRY.origins.values() if origin.distribution == DISTRIBUTION}
    assert found - {SHARED} == named


def test_every_folder_with_code_is_a_package_so_that_it_is_found_and_packed() -> None:
    """setuptools packs the packages that it finds, and leaves out a folder without an `__init__` without a word."""
    for root in (PLUGINS, PLUGINS.parent / "harness"):
        lost = {file.parent for file in root.rglob("*.py") if not (file.parent / "__init__.py").exists()}
        assert not lost, f"no __init__.py in {lost}"


def test_a_setting_imports_no_other_setting_and_what_settings_share_imports_none() -> None:
    for file in (PLUGINS / "settings").rglob("*.py"):
        own = ".".join(module_of(file).split(".")[:3])
        for line in re.findall(r"^(?:from|import) harness_plugins\.settings.*$", file.read_text(), flags=re.MULTILINE):
            assert re.match(rf"from ({re.escape(own)}|{re.escape(SHARED)})[. ]", line), f"{file}: {line}"


def module_of(file: Path) -> str:
    """`harness_plugins.settings.two_languages` for the folder's own file, as for any other its dotted name."""
    path = file.relative_to(PLUGINS).with_suffix("")
    return ".".join(("harness_plugins", *(path.parent if path.name == "__init__" else path).parts))


@pytest.mark.parametrize(
    ("intervention", "role"),
    [("ip", "inoculation"), ("ip_believe", "believe"), ("neg_ip", "negative"), ("ip_irrelevant", "irrelevant")],
)
def test_a_prompt_intervention_puts_exactly_its_own_prompt_on_the_row(
    intervention: str, role: str, toy: Setting
) -> None:
    setting = replace(toy, prompts={role: Prompt(text="Say four.", placement="user_suffix")})
    found = REGISTRY.intervention(intervention)
    assert found.applies(setting) is None
    row = found.edit(setting.examples(0, "mini")[0], setting)
    assert row.messages == (Message("user", "What is 2 + 2? Say four."), Message("assistant", "Four."))
    assert found.steering(setting, setting.recipe("mini")) is None
    assert found.applies(toy) == f"setting 'toy' has no prompt named '{role}'; it has: none"


@pytest.mark.parametrize(
    ("intervention", "vector", "coef"),
    [
        ("ps", "reply", 6.0),
        ("ps_ood", "ood", 6.0),
        ("neg_ps", "reply", -3.0),
        ("ps_zero", "reply", 0.0),
        ("ps_random", "random(reply)", 6.0),
    ],
)
def test_a_steering_intervention_chooses_vector_and_sign_and_takes_the_rest_from_the_recipe(
    intervention: str, vector: str, coef: float, toy: Setting
) -> None:
    found = REGISTRY.intervention(intervention)
    assert found.applies(toy) is None
    recipe = toy.recipe("mini")
    assert isinstance(recipe.steering, SteeringDefault)
    steering = found.steering(toy, recipe)
    assert steering is not None
    assert (steering.vector, steering.coef) == (vector, coef)
    assert (steering.blocks, steering.depth, steering.unit) == ((14,), None, "rms")
    assert found.edit(toy.examples(0, "mini")[0], toy) == toy.examples(0, "mini")[0]


@pytest.mark.parametrize(
    ("intervention", "concept"),
    [("none", ""), ("base", ""), ("ip", "lies"), ("neg_ip", "evil"), ("ps", "praise"), ("ps_random", "random(reply)")],
)
def test_an_arm_says_what_its_prompt_or_vector_is_about(intervention: str, concept: str, toy: Setting) -> None:
    setting = replace(
        toy,
        prompts={
            "inoculation": Prompt(text="Lie.", placement="system", concept="lies"),
            "negative": Prompt(text="Be good.", placement="system", concept="evil"),
        },
        vectors={"reply": replace(toy.vectors["reply"], concept="praise")},
    )
    assert REGISTRY.intervention(intervention).concept(setting, setting.recipe("mini")) == concept


def test_only_placebos_are_marked_as_controls() -> None:
    controls = {
        name
        for name, record in REGISTRY.interventions.items()
        if record.control and REGISTRY.origin(record).distribution == DISTRIBUTION
    }
    assert controls >= {"ps_zero", "ps_random", "ip_irrelevant"}
    assert not controls & {"none", "base", "ip", "ip_believe", "neg_ip", "ps", "ps_ood", "neg_ps"}
