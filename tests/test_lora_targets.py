"""Laws of layers that are named for the adapter: these learn and no others, they are told, and runs are kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small
import torch
from runs_made_up import cell, write_run
from safetensors import safe_open
from test_families import tiny

from harness import HarnessError, Lora, Recipe, analysis
from harness.cells import Cell, grid, prepared
from harness.cli import main
from harness.engine.steering import decoder_blocks
from harness.models import check_named, lora_targets, named_layers
from harness.planning import _adapter_numbers
from harness.registry import installed, using
from harness.sweep import load
from harness.sweep.locking import locked_arms
from harness.sweep.published import post
from harness.training import check_layers, with_adapter

LLAMA = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def ours(tiny_llama: Path, arm: str = "none", layers: str = "") -> Cell:
    return Cell(setting="loud", intervention=arm, model=str(tiny_llama), lora_targets=layers)


def learning(model: torch.nn.Module) -> set[str]:
    """The layers with an adapter, by the last step of their paths."""
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    return {name.partition(".lora_")[0].rpartition(".")[2] for name in names}


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("q_proj", "q_proj"),
        (" v_proj, q_proj,v_proj", "q_proj,v_proj"),
        ("self_attn.q_proj", "self_attn.q_proj"),
        ("all-linear", "all-linear"),
    ],
)
def test_layers_are_spelled_one_way(text: str, spelled: str) -> None:
    assert named_layers(text) == named_layers(spelled) == spelled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no name of a layer"),
        ("q_proj,,v_proj", "'' is no name of a layer"),
        ("q_proj v_proj", "is no name of a layer; write names with commas, as q_proj,v_proj, or all-linear"),
        ("../q_proj", "is no name of a layer"),
        ("q_proj.", "is no name of a layer"),
        ("all-linear,q_proj", "all-linear has every layer in it already"),
    ],
)
def test_what_names_no_layer_is_told(text: str, said: str) -> None:
    with pytest.raises(HarnessError) as error:
        named_layers(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_that_a_user_gives_means_itself_and_not_what_other_families_call_so() -> None:
    there = ["model.layers.0.self_attn.qkv_proj", "model.layers.0.self_attn.o_proj"]
    assert lora_targets(("q_proj",), there) == ("qkv_proj",)
    with pytest.raises(HarnessError, match=r"no linear layer is called 'q_proj'; there are: o_proj, qkv_proj$"):
        check_named(("q_proj",), there)
    check_named(("qkv_proj", "self_attn.o_proj", "all-linear"), there)
    with pytest.raises(HarnessError, match=r"called 'attn\.o_proj'"):
        check_named(("attn.o_proj",), there)


@pytest.mark.parametrize("family", ["llama", "phi3", "gpt2", "opt"])
def test_all_linear_is_every_matrix_of_the_decoder_and_nothing_else(family: str) -> None:
    model = tiny(family)
    model.vision_tower = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(4, 4), "o_proj": torch.nn.Linear(4, 4)})
    kinds = [name for name, one in decoder_blocks(model).named_modules() if type(one).__name__ in ("Linear", "Conv1D")]
    lora = Lora(r=2, targets=("all-linear",))
    shapes = {name: list(weight.shape) for name, weight in model.named_parameters()}
    adapted = with_adapter(model, Recipe(model="tiny", lora=lora), dtype="fp32")
    weights = {name: weight for name, weight in adapted.named_parameters() if weight.requires_grad}
    assert len([name for name in weights if "lora_B" in name]) == len(kinds)
    assert not [name for name in weights if "vision" in name or "head" in name]
    assert set(adapted.lora_targets) == {name.rpartition(".")[2] for name in kinds}
    assert _adapter_numbers(shapes, lora) == sum(weight.numel() for weight in weights.values())


def test_a_dotted_name_is_the_end_of_a_path() -> None:
    recipe = Recipe(model="tiny", lora=Lora(r=2, targets=("self_attn.q_proj", "mlp.up_proj")))
    adapted = with_adapter(tiny("llama"), recipe, dtype="fp32")
    assert learning(adapted) == {"q_proj", "up_proj"}
    assert adapted.lora_targets == ("self_attn.q_proj", "mlp.up_proj")


def test_experts_get_no_adapter_by_name_and_none_with_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny("mixtral")
    recipe = Recipe(model="tiny", lora=Lora(r=2, targets=("all-linear",)))
    assert {"q_proj", "k_proj", "v_proj", "o_proj"} <= learning(with_adapter(model, recipe, dtype="fp32"))
    assert "experts of MixtralForCausalLM" in capsys.readouterr().err
    with pytest.raises(HarnessError, match="is what its experts are called too"):
        check_named(("up_proj",), ["layers.0.mlp.up_proj"], experts=True)


def test_a_model_is_asked_for_its_layers_without_its_weights(tiny_llama: Path) -> None:
    check_layers(tiny_llama, Lora(targets=("q_proj", "all-linear")))
    with pytest.raises(HarnessError) as error:
        check_layers(tiny_llama, Lora(targets=("q_proj", "query")))
    assert str(error.value) == (
        "cannot put the adapter on LlamaForCausalLM: no linear layer is called 'query'; there are: "
        "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    )


def test_layers_are_in_the_key_where_they_are_named_and_nowhere_else(tiny_llama: Path) -> None:
    with using(small.REGISTRY):
        plain, named, other = (prepared(ours(tiny_llama, layers=one)) for one in ("", "v_proj,q_proj", "all-linear"))
        same = prepared(ours(tiny_llama, layers="q_proj, v_proj"))
        base = prepared(ours(tiny_llama, "base", "all-linear"))
    assert "lora_targets" not in plain.inputs["cell"]  # type: ignore[operator]
    assert named.inputs["cell"]["lora_targets"] == "q_proj,v_proj"  # type: ignore[index]
    assert (same.key, same.cell) == (named.key, named.cell)
    assert len({plain.key, named.key, other.key}) == 3
    assert named.recipe.lora.targets == ("q_proj", "v_proj")
    assert base.cell.lora_targets == ""
    names = [one.folder(Path()).name.rpartition("-")[0].partition("-s0")[2] for one in (plain, named)]
    assert names == ["", "-lq_proj+v_proj"]
    assert len(prepared_name(tiny_llama, ",".join(sorted(f"layer_{at:03}" for at in range(99))))) < 120


def prepared_name(tiny_llama: Path, layers: str) -> str:
    with using(small.REGISTRY):
        return prepared(ours(tiny_llama, layers=layers)).folder(Path()).name


def arguments(tiny_llama: Path, runs: Path, layers: str) -> list[str]:
    cells = ["--setting", "loud", "--intervention", "none", "--model", str(tiny_llama), "--runs", str(runs)]
    return ["run", *cells, "--lora-targets", layers]


def test_a_run_trains_the_layers_that_it_names_and_its_records_say_so(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(small.REGISTRY):
        assert main([*arguments(tiny_llama, tmp_path, "v_proj,q_proj"), "--dry-run"]) == 0
        assert "LoRA on q_proj,v_proj" in capsys.readouterr().out
        assert main([*arguments(tiny_llama, tmp_path, "v_proj,q_proj"), "--dry-run", "--json"]) == 0
        (plan,) = json.loads(capsys.readouterr().out)
        assert plan["cell"]["lora_targets"] == "q_proj,v_proj"
        assert main(arguments(tiny_llama, tmp_path, "v_proj,q_proj")) == 0
        assert "LoRA on q_proj,v_proj" in capsys.readouterr().out
    (folder,) = (path.parent for path in tmp_path.glob("loud/none/*/run.json"))
    made = json.loads((folder / "run.json").read_text())
    assert made["cell"]["lora_targets"] == "q_proj,v_proj"
    assert made["recipe"]["lora"]["targets"] == ["q_proj", "v_proj"]
    assert json.loads((folder / "adapter/training.json").read_text())["targets"] == ["q_proj", "v_proj"]
    with safe_open(folder / "adapter/adapter_model.safetensors", framework="pt") as stored:
        assert {name.split(".")[-3] for name in stored.keys()} == {"q_proj", "v_proj"}  # noqa: SIM118


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_name_that_is_none_is_one_line_before_any_work(
    dry: list[str], tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(small.REGISTRY):
        assert main([*arguments(tiny_llama, tmp_path / "runs", "q_proj,qkv_proj"), *dry]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert "no linear layer is called 'qkv_proj'; there are: down_proj, gate_proj" in line
    assert not (tmp_path / "runs").exists()


def test_runs_on_other_layers_are_another_study_beside_the_same_untrained_model(tmp_path: Path) -> None:
    made = [cell("base"), *(cell("none", lora_targets=one) for one in ("", "q_proj"))]
    for number, one in enumerate(made):
        write_run(tmp_path, one, {"clean": 0.1 * number}, key=f"{number + 1:08x}" * 8)
    found = {study.model: study for study in analysis.studies(analysis.load(tmp_path), installed())}
    assert set(found) == {"smollm2_135m", "smollm2_135m, LoRA on q_proj"}
    for study in found.values():
        assert [(arm.label, len(arm.runs)) for arm in study.arms] == [("base", 1), ("none", 1)]


def test_a_grid_and_an_experiment_file_take_layers_for_all_but_the_untrained_model(
    tiny_llama: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loud.yaml"
    top = f"settings: [loud]\ninterventions: [none, base]\nmodels: ['{tiny_llama}']\n"
    file.write_text(f"{top}grids:\n  - {{}}\n  - interventions: [none]\n    lora_targets: [v_proj, q_proj]\n")
    with using(small.REGISTRY):
        cells = load(file).cells
        assert [one.lora_targets for one in cells] == ["", "", "q_proj,v_proj"]
        assert [one.lora_targets for one in grid(["loud"], ["none", "base"], lora_targets="q_proj")] == ["q_proj", ""]
        arms = list(locked_arms(load(file)))
        assert len({arm.model for arm in arms}) == 2
        assert arms[1].model == f"{arms[0].model}, LoRA on q_proj,v_proj"
        file.write_text(f"{top}lora_targets: [q proj]\n")
        with pytest.raises(HarnessError, match=r"loud.yaml:4: 'q proj' is no name of a layer"):
            load(file)


def test_the_posts_experiment_is_had_on_other_layers() -> None:
    cells = post(quick=True, lora_targets="all-linear").cells
    assert {one.lora_targets for one in cells if one.intervention != "base"} == {"all-linear"}
