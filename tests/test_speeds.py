"""A plan measures only when asked to, says how its time is known, and remembers it for one model on one machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import small
from bad_world import BadInputs, World

from harness import Example, Lora
from harness.cells import Cell, prepare
from harness.errors import OutOfReach
from harness.planning import plan
from harness.registry import using
from harness.screen import at_most
from harness.training import Speed, remembered, speed_key, speeds

TABLE = BadInputs()
bad = TABLE.bad


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever measures fails."""
    monkeypatch.setattr(speeds, "_training", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr(speeds, "_generating", lambda *_: pytest.fail("measured"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is measured, at a speed of 10 and 5 tokens a second."""
    done: list[str] = []

    def rate(what: str, speed: float) -> float:
        done.append(what)
        return speed

    monkeypatch.setattr(speeds, "_training", lambda *_: rate("training", 10.0))
    monkeypatch.setattr(speeds, "_generating", lambda *_: rate("writing", 5.0))
    return done


@pytest.mark.usefixtures("unmeasured")
def test_a_plan_measures_nothing_and_says_so(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.call(world.run("none,ps", "--dry-run")) == 0
    page = capfd.readouterr().out
    assert "time: not measured on this machine; --measure measures it" in page
    assert "not known" in page
    assert world.call(world.run("none", "--dry-run", "--json")) == 0
    (one,) = json.loads(capfd.readouterr().out)
    assert (one["seconds"], one["speed"]) == (None, None)


def test_what_was_measured_once_is_the_time_of_every_later_plan(
    world: World, capfd: pytest.CaptureFixture[str], measured: list[str]
) -> None:
    assert world.call(world.run("none", "--dry-run", "--measure")) == 0
    first = capfd.readouterr().out
    assert world.call(world.run("none", "--dry-run")) == 0
    later = capfd.readouterr().out
    assert measured == ["training", "writing"]
    assert "time: by a measurement of this machine, just now" in first
    assert "time: by a measurement of this machine that is remembered; --measure measures anew" in later
    with using(small.REGISTRY):
        (one,) = plan([Cell(setting="loud", intervention="none", model=str(world.tiny))], world.runs, measure=False)
    assert one.speed == "remembered"
    assert one.seconds == one.train_tokens / 10 + one.reply_tokens / 5
    assert at_most(one.seconds) in first
    assert at_most(one.seconds) in later


def test_a_sweep_tells_its_cost_by_what_is_remembered(
    world: World, capfd: pytest.CaptureFixture[str], measured: list[str]
) -> None:
    file = world.folder / "sweep.yaml"
    file.write_text(f"settings: [loud]\ninterventions: [none, ps]\nmodels: [{world.tiny}]\n")
    asked = ["sweep", str(file), "--runs", str(world.runs), "--dry-run"]
    assert world.call(asked) == 0
    assert "time not known, since it was not measured here: --dry-run --measure does" in capfd.readouterr().out
    assert world.call([*asked, "--measure"]) == 0
    capfd.readouterr()
    assert world.call(asked) == 0
    assert "of one worker" in capfd.readouterr().out
    assert measured == ["training", "writing"]


def planned(world: World, *options: str, settings: str = "loud") -> list[str]:
    """The plan of plain and steered training in these settings."""
    file = world.folder / "sweep.yaml"
    file.write_text(f"settings: [{settings}]\ninterventions: [none, ps]\nmodels: [{world.tiny}]\n")
    return ["sweep", str(file), "--runs", str(world.runs), "--dry-run", *options]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("of", ["", "NAME="])
def test_a_speed_that_is_stated_is_what_the_time_is_by(
    world: World, capfd: pytest.CaptureFixture[str], of: str
) -> None:
    speed = f"{of.replace('NAME', world.tiny.name)}200,50"
    assert world.call(planned(world, "--speed", speed, "--hourly-price", "36", "--json")) == 0
    told = json.loads(capfd.readouterr().out)
    seconds = [one["train_tokens"] / 200 + one["reply_tokens"] / 50 for one in told["cells"]]
    assert [one["seconds"] for one in told["cells"]] == seconds
    assert {one["speed"] for one in told["cells"]} == {"stated"}
    assert told["worker_hours"] == pytest.approx(sum(seconds) / 3600)
    assert told["cost"] == pytest.approx(sum(seconds) / 100)
    assert world.call(planned(world, "--speed", speed)) == 0
    page = capfd.readouterr().out
    assert "time: by the tokens a second that --speed states, not by a measurement" in page
    assert f"{at_most(sum(seconds))} of one worker" in page


@pytest.mark.usefixtures("unmeasured")
def test_a_speed_of_one_model_goes_before_that_of_any(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    both = ("--speed", "1,1", "--speed", f"{world.tiny.name}=200,50")
    assert world.call(planned(world, *both, "--json")) == 0
    one = json.loads(capfd.readouterr().out)["cells"][1]
    assert one["seconds"] == one["train_tokens"] / 200 + one["reply_tokens"] / 50


@pytest.mark.usefixtures("unmeasured")
def test_a_setting_without_its_data_is_named_and_the_others_are_planned(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    def nowhere(seed: int, scale: str) -> list[Example]:
        raise OutOfReach("rows.jsonl is nowhere to be had; put it at HERE")

    far = replace(small.SETTING, name="far", examples=nowhere)
    world.registry = replace(small.REGISTRY, settings={**small.REGISTRY.settings, "far": far})
    for options in ((), ("--json",)):
        assert world.call(planned(world, *options, settings="loud, far")) == 1
    page, _, record = capfd.readouterr().out.partition("\n{")
    assert "not planned: " in page
    assert "far/none s0: rows.jsonl is nowhere to be had; put it at HERE" in page
    assert "its key is known when all of it is planned" in page
    told = json.loads("{" + record)
    assert [one["cell"]["setting"] for one in told["cells"]] == ["loud"] * 3
    assert (told["key"], len(told["not_planned"])) == (None, 1)


@pytest.mark.parametrize(
    "text", ["100", "100,0", "0,100", "nan,5", "inf,5", "-1,5", "a,b", "1,2,3", "tiny=", "=", "1e13,5"]
)
def test_a_speed_that_is_none_is_one_line(world: World, capfd: pytest.CaptureFixture[str], text: str) -> None:
    assert world.call(planned(world, "--speed", text)) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"harness: --speed {text!r} is not TRAIN,WRITE nor MODEL=TRAIN,WRITE, tokens a second above")


def test_a_plan_without_any_data_is_one_line(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    def nowhere(seed: int, scale: str) -> list[Example]:
        raise OutOfReach("rows.jsonl is nowhere to be had; put it at HERE")

    world.registry = replace(small.REGISTRY, settings={"loud": replace(small.SETTING, examples=nowhere)})
    assert world.call(planned(world)) == 2
    assert "put it at HERE" in capfd.readouterr().err


@pytest.mark.parametrize("other", ["dtype", "lora", "batch", "model", "machine"])
def test_a_speed_is_of_one_model_on_one_machine(
    tiny_llama: Path, other: str, monkeypatch: pytest.MonkeyPatch, measured: list[str]
) -> None:
    with using(small.REGISTRY):
        cell = prepare(Cell(setting="loud", intervention="none", model=str(tiny_llama)), dtype="fp32")
    assert speeds.measured(tiny_llama, cell) == remembered(cell)
    if other == "machine":
        monkeypatch.setattr(speeds, "_machine", lambda: "another")
        changed = cell
    else:
        changed = {
            "dtype": replace(cell, dtype="bf16"),
            "lora": replace(cell, recipe=replace(cell.recipe, lora=Lora(r=8, alpha=8))),
            "batch": replace(cell, recipe=replace(cell.recipe, batch=9)),
            "model": replace(cell, model=replace(cell.model, digest="another")),
        }[other]
    assert remembered(changed) is None


def test_a_cache_that_cannot_be_written_does_not_stop_a_measurement(
    tiny_llama: Path, cache: Path, measured: list[str]
) -> None:
    cache.write_text("no folder")
    with using(small.REGISTRY):
        cell = prepare(Cell(setting="loud", intervention="none", model=str(tiny_llama)), dtype="fp32")
    found = speeds.measured(tiny_llama, cell)
    assert isinstance(found, Speed)
    assert (found.train, found.generate) == (10.0, 5.0)


@bad("--measure is for a plan; give --dry-run with it, or leave it out")
def a_measurement_without_a_plan(world: World) -> list[str]:
    return world.run("none", "--measure")


@bad("--speed is for a plan; give --dry-run with it, or leave it out")
def a_speed_without_a_plan(world: World) -> list[str]:
    return world.run("none", "--speed", "100,50")


@bad("--price is for a plan; give --dry-run with it, or leave it out")
def a_price_without_a_plan(world: World) -> list[str]:
    return ["reproduce", "--price", "1,1", "--runs", str(world.runs)]


@bad("--price '1' is not IN,OUT")
def a_price_of_one_number(world: World) -> list[str]:
    return planned(world, "--price", "1")


@bad("no model of the plan named 'gemma'; there are: tiny_llama")
def a_speed_of_a_model_that_is_not_there(world: World) -> list[str]:
    return planned(world, "--speed", "gemma=100,50")


@bad("--measure is for a plan; give --dry-run with it, or leave it out")
def a_measurement_of_the_post_without_a_plan(world: World) -> list[str]:
    return ["reproduce", "--measure", "--runs", str(world.runs)]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"train": "fast", "generate": 1.0, "measured": ""}', "\0"])
def test_a_remembered_speed_that_is_none_is_one_line(
    world: World, capfd: pytest.CaptureFixture[str], cache: Path, content: str
) -> None:
    with using(small.REGISTRY):
        cell = prepare(Cell(setting="loud", intervention="none", model=str(world.tiny)), dtype="fp32")
    file = cache / "speeds" / f"{speed_key(cell)}.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert world.call(world.run("none", "--dry-run")) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert str(file) in said
    assert "move it away, and measure again" in said


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_plan_ends_in_one_line(given: object, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    TABLE.check(given, world, capfd)  # type: ignore[arg-type]
