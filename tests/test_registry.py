"""A broken plugin stops with one line that names it and its distribution; a sound one is found by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path

import pytest
from evaluating import choir, registry_of

from harness import HarnessError
from harness.registry import GROUP, Registry, load

HEAD = "from harness import Intervention, Judge, Setting, Metric, Verdict, hookimpl\n"
SOUND = HEAD + "@hookimpl\ndef harness_intervention():\n    return Intervention(name='calm', summary='')\n"

JUDGE = """
async def grade(case, reply, grader):
    return Verdict(scores={"loud": 1.0})
@hookimpl
def harness_judge():
    return Judge(name="volume", summary="", scores=("loud",), grade=grade)
"""
SETTING = """
@hookimpl
def harness_setting():
    return Setting(
        name="toy", summary="", examples=lambda seed, scale: [], cases=lambda split, seed, scale: [],
        metrics=(Metric(name="m", judge="{judge}", score="{score}", split="s", goal="{goal}"),),
        prompts={{}}, vectors={{}}, conditions={{"mini": ({condition})}}, recipes={{}},
    )
"""


class Shelf:
    """A folder of installed distributions, each a set of modules and their entry points."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, points: Mapping[str, str], modules: Mapping[str, str]) -> None:
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(text)

    def registry(self) -> Registry:
        found = distributions(path=[str(self.folder)])
        return load([point for one in found for point in one.entry_points if point.group == GROUP])


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield Shelf(tmp_path)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_sound_plugin_is_found_with_its_origin(shelf: Shelf) -> None:
    shelf.install("calm-plugins", {"calm": "calm_plugin"}, {"calm_plugin": SOUND})
    registry = shelf.registry()
    assert list(registry.interventions) == ["calm"]
    origin = registry.origin(registry.intervention("calm"))
    assert str(origin) == "'calm' (calm_plugin, from calm-plugins 1.0)"


def test_one_plugin_may_offer_several_records_of_several_kinds(shelf: Shelf) -> None:
    both = (
        HEAD
        + JUDGE
        + "@hookimpl\ndef harness_intervention():\n    return [Intervention(name=n, summary='') for n in ('b', 'a')]\n"
    )
    shelf.install("many", {"many": "many_plugin"}, {"many_plugin": both})
    registry = shelf.registry()
    assert (list(registry.interventions), list(registry.judges)) == (["a", "b"], ["volume"])


BROKEN = {
    "failing import": (
        "import no_such_module_anywhere\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) failed to import: "
        "ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    ),
    "exit while importing": (
        "raise SystemExit(3)\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) failed to import: SystemExit: 3",
    ),
    "syntax error": ("def broken(:\n", "plugin 'bad' (bad_plugin, from bad-dist 1.0) failed to import: SyntaxError: "),
    "forgotten hookimpl": (
        SOUND.replace("@hookimpl\n", ""),
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) defines 'harness_intervention' without @hookimpl; "
        "add 'from harness import hookimpl'",
    ),
    "misspelt hook": (
        SOUND.replace("harness_intervention", "harness_intervenion"),
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) implements an unknown hook 'harness_intervenion'; "
        "did you mean 'harness_intervention'?",
    ),
    "no hook": (
        "x = 1\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) implements no hook; "
        "decorate one of harness_setting, harness_intervention, harness_judge with @hookimpl",
    ),
    "argument that no hook has": (
        SOUND.replace("harness_intervention()", "harness_intervention(setting)"),
        "plugin 'bad' (bad_plugin, from bad-dist 1.0) has a hook that does not fit: PluginValidationError: ",
    ),
    "wrong type": (
        HEAD + "@hookimpl\ndef harness_intervention():\n    return {'name': 'calm'}\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0): harness_intervention returned {'name': 'calm'} "
        "instead of Intervention",
    ),
    "nothing returned": (
        HEAD + "@hookimpl\ndef harness_judge():\n    pass\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0): harness_judge returned None instead of Judge",
    ),
    "raising hook": (
        HEAD + "@hookimpl\ndef harness_setting():\n    raise ValueError('two\\nlines')\n",
        "plugin 'bad' (bad_plugin, from bad-dist 1.0): harness_setting raised ValueError: two lines",
    ),
    "bad name": (
        SOUND.replace("calm", "Calm Down"),
        "plugin 'bad' (bad_plugin, from bad-dist 1.0): 'Calm Down' is not a name; use a-z, 0-9 and _",
    ),
    "name that is no text": (
        SOUND.replace("'calm'", "5"),
        "plugin 'bad' (bad_plugin, from bad-dist 1.0): 5 is not a name; use a-z, 0-9 and _",
    ),
}


@pytest.mark.parametrize(("source", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_stops_with_one_line_that_names_it(shelf: Shelf, source: str, message: str) -> None:
    shelf.install("bad-dist", {"bad": "bad_plugin"}, {"bad_plugin": source})
    assert_stops(shelf, message)


def test_an_entry_point_that_names_a_function_is_refused(shelf: Shelf) -> None:
    shelf.install("bad-dist", {"bad": "bad_plugin:harness_intervention"}, {"bad_plugin": SOUND})
    assert_stops(
        shelf,
        "plugin 'bad' (bad_plugin:harness_intervention, from bad-dist 1.0) is not a module; "
        "let its entry point name the module alone",
    )


def test_an_entry_point_to_a_module_that_is_not_there_is_named(shelf: Shelf) -> None:
    shelf.install("bad-dist", {"bad": "nowhere_plugin"}, {})
    assert_stops(shelf, "plugin 'bad' (nowhere_plugin, from bad-dist 1.0) failed to import: ModuleNotFoundError")


def test_two_plugins_of_one_name_are_refused_with_both_distributions(shelf: Shelf) -> None:
    shelf.install("first", {"calm": "first_plugin"}, {"first_plugin": SOUND})
    shelf.install("second", {"calm": "second_plugin"}, {"second_plugin": SOUND.replace("calm", "calmer")})
    assert_stops(
        shelf,
        "two plugins are called 'calm': 'calm' (first_plugin, from first 1.0) and "
        "'calm' (second_plugin, from second 1.0); uninstall one",
    )


def test_two_records_of_one_name_are_refused_with_both_distributions(shelf: Shelf) -> None:
    shelf.install("first", {"one": "first_plugin"}, {"first_plugin": SOUND})
    shelf.install("second", {"two": "second_plugin"}, {"second_plugin": SOUND})
    assert_stops(
        shelf,
        "two plugins offer the intervention 'calm': 'one' (first_plugin, from first 1.0) and "
        "'two' (second_plugin, from second 1.0)",
    )


def test_two_entry_points_to_one_module_are_refused(shelf: Shelf) -> None:
    shelf.install("twice", {"a": "twice_plugin", "b": "twice_plugin"}, {"twice_plugin": SOUND})
    assert_stops(
        shelf, "plugin 'b' (twice_plugin, from twice 1.0) names a module that another entry point already names"
    )


def test_a_distribution_seen_twice_on_the_path_counts_once(shelf: Shelf) -> None:
    shelf.install("calm-plugins", {"calm": "calm_plugin"}, {"calm_plugin": SOUND})
    points = [point for one in distributions(path=[str(shelf.folder)]) for point in one.entry_points]
    assert list(load(points * 2).interventions) == ["calm"]


def test_a_distribution_that_stays_installed_under_its_old_name_counts_once(shelf: Shelf) -> None:
    shelf.install("calm-plugins", {"calm": "calm_plugin"}, {"calm_plugin": SOUND})
    shelf.install("old-name", {"calm": "calm_plugin"}, {})
    assert list(shelf.registry().interventions) == ["calm"]


SOUND_SETTING = {"judge": "volume", "score": "loud", "goal": "suppress", "condition": "'clean',"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"judge": "volum"}, "setting 'toy', metric 'm': no judge named 'volum'; did you mean 'volume'?"),
        ({"score": "soft"}, "setting 'toy', metric 'm': judge 'volume' promises no score 'soft', only loud"),
        ({"goal": "keep"}, "setting 'toy' has no metric with goal 'suppress', so it names no trait"),
        ({"condition": "'clean', 'prompt:ip'"}, "setting 'toy', scale mini: no prompt named 'ip'; there are: none"),
        ({"condition": "'clean', 'vector:v@1'"}, "setting 'toy', scale mini: no vector named 'v'; there are: none"),
    ],
)
def test_a_setting_that_does_not_fit_its_judges_or_prompts_is_refused_when_it_is_used(
    shelf: Shelf, fault: dict[str, str], message: str
) -> None:
    text = HEAD + JUDGE + SETTING.format(**(SOUND_SETTING | fault))
    shelf.install("toys", {"toy": "toy_plugin"}, {"toy_plugin": text})
    registry = shelf.registry()
    with pytest.raises(HarnessError) as caught:
        registry.setting("toy")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ({"hearing": "volume"}, "setting 'choir', checks: no metric uses the judge 'hearing'"),
        ({"volume": "askr"}, "setting 'choir', checks: no judge named 'askr'; did you mean 'asker'?"),
        ({"volume": "asker"}, "setting 'choir', checks: 'asker' gives no score that a metric takes from 'volume'"),
    ],
)
def test_a_second_judge_that_cannot_check_the_first_is_refused(checks: dict[str, str], message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        registry_of(replace(choir(), checks=checks)).setting("choir")
    assert str(caught.value).startswith(message)


def test_a_mistyped_name_suggests_the_nearest(shelf: Shelf) -> None:
    text = HEAD + JUDGE + SETTING.format(**SOUND_SETTING)
    shelf.install("toys", {"toy": "toy_plugin"}, {"toy_plugin": text})
    registry = shelf.registry()
    assert registry.setting("toy").name == "toy"
    with pytest.raises(HarnessError, match="no judge named 'vollume'; did you mean 'volume'"):
        registry.judge("vollume")
    with pytest.raises(HarnessError, match="no setting named 'x'; there are: toy"):
        registry.setting("x")


def assert_stops(shelf: Shelf, message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        shelf.registry()
    text = str(caught.value)
    assert text.startswith(message)
    assert "\n" not in text
