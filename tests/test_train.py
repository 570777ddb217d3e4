"""Laws of training: what is masked, steered, checkpointed and scheduled, on a tiny real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from harness import HarnessError, Lora, Recipe
from harness.engine import Row, load, steering
from harness.runs import Steered, read_training
from harness.training import Lesson, batches, learning_rate, loss_of, train, with_adapter

RECIPE = Recipe(model="tiny", lora=Lora(r=4, alpha=8), epochs=2, batch=4, lr=1e-2, warmup=2, dtype="fp32")
ROWS = [Row(tuple((7 * i + j) % 300 for j in range(5 + i)), (False, *[True] * (4 + i))) for i in range(10)]
PUSH = {2: torch.linspace(-1.0, 1.0, 32)}


@pytest.fixture
def model(tiny_llama: Path) -> Any:
    return load(tiny_llama)[0]


def adapter(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter" / "adapter_model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def gradients(model: Any, recipe: Recipe) -> dict[str, torch.Tensor]:
    """LoRA gradients of one steered batch, from weights that are not at their zero start."""
    torch.manual_seed(0)
    adapted = with_adapter(model, recipe, dtype="fp32")
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    adapted.train()
    passes: list[int] = []
    blocks = list(steering.decoder_blocks(model))
    blocks[3].mlp.register_forward_pre_hook(lambda *_: passes.append(1))
    with steering.adding(blocks, PUSH) as calls:
        loss, _ = loss_of(model, ROWS[:4], "fp32")
        loss.backward()
    assert calls.count >= 1
    assert len(passes) == (2 if recipe.checkpointing else 1)
    return {name: one.grad.clone() for name, one in adapted.named_parameters() if one.grad is not None}


def test_the_loss_is_the_mean_surprise_of_the_masked_tokens_alone(model: Any) -> None:
    rows = [Row((5, 6, 7, 8), (False, False, True, True)), Row((9, 10, 11), (False, False, True))]
    expected = 0.0
    with torch.no_grad():
        loss, count = loss_of(model, rows, "fp32")
        every = [model(torch.tensor([row.ids], device=model.device)).logits[0].log_softmax(-1) for row in rows]
    for row, chances in zip(rows, every, strict=True):
        expected -= sum(float(chances[at - 1, row.ids[at]]) for at in range(len(row.ids)) if row.loss[at])
    assert count == 3
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_gradients_under_steering_are_equal_with_and_without_checkpointing(tiny_llama: Path) -> None:
    plain = gradients(load(tiny_llama)[0], RECIPE)
    again = gradients(load(tiny_llama)[0], replace(RECIPE, checkpointing=True))
    assert plain.keys() == again.keys()
    assert len(plain) == 2 * 7 * 4
    for name, gradient in plain.items():
        assert torch.allclose(gradient, again[name], rtol=1e-5, atol=1e-7), name


def test_steering_changes_the_gradients(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steered = gradients(load(tiny_llama)[0], RECIPE)
    monkeypatch.setitem(PUSH, 2, torch.zeros(32))
    plain = gradients(load(tiny_llama)[0], RECIPE)
    assert any(not torch.allclose(gradient, steered[name]) for name, gradient in plain.items())


def test_accumulated_micro_batches_learn_like_one_batch(tiny_llama: Path, tmp_path: Path) -> None:
    whole = replace(RECIPE, batch=10, accumulation=1, epochs=1)
    parts = replace(RECIPE, batch=5, accumulation=2, epochs=1)
    for name, recipe in (("whole", whole), ("parts", parts)):
        train(load(tiny_llama)[0], ROWS, recipe, dtype="fp32", seed=0, folder=folder(tmp_path / name))
    whole_losses, part_losses = (losses(tmp_path / name) for name in ("whole", "parts"))
    assert part_losses == pytest.approx(whole_losses, rel=1e-5)


def test_training_lowers_the_loss_and_says_so(model: Any, tmp_path: Path) -> None:
    done = train(model, ROWS, replace(RECIPE, epochs=8), dtype="fp32", seed=0, folder=tmp_path, template="t")
    assert done.steps == 24
    assert done.last_loss < done.first_loss - 0.2
    assert done.tokens == 8 * sum(len(row.ids) for row in ROWS)
    assert read_training(tmp_path) == replace(done, format=2)
    assert done.template == "t"


@pytest.mark.parametrize("additions", [None, PUSH], ids=["plain", "steered"])
def test_killed_after_any_step_the_rerun_ends_with_the_same_adapter(
    tiny_llama: Path, tmp_path: Path, additions: dict[int, torch.Tensor] | None
) -> None:
    recipe = replace(RECIPE, lora=replace(RECIPE.lora, dropout=0.3))

    def go(where: Path, stop_after: int | None = None) -> None:
        steps = iter(range(1, 100))

        def advance(done: int, tokens: int) -> None:
            if next(steps) == stop_after:
                raise KeyboardInterrupt

        train(
            load(tiny_llama)[0],
            ROWS,
            recipe,
            dtype="fp32",
            seed=3,
            folder=folder(where),
            lesson=Lesson(vectors=additions or {}),
            checkpoint_seconds=0.0,
            advance=advance,
        )

    go(tmp_path / "whole")
    for stop in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path / f"killed{stop}", stop_after=stop)
        assert not (tmp_path / f"killed{stop}" / "adapter").exists()
        go(tmp_path / f"killed{stop}")
        assert same(adapter(tmp_path / f"killed{stop}"), adapter(tmp_path / "whole"))
        assert losses(tmp_path / f"killed{stop}") == losses(tmp_path / "whole")


def test_training_draws_nothing_from_and_leaves_alone_the_global_generator(model: Any, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(model, ROWS, replace(RECIPE, epochs=1), dtype="fp32", seed=0, folder=tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_changes_the_adapter(tiny_llama: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(
            load(tiny_llama)[0],
            ROWS,
            replace(RECIPE, epochs=1),
            dtype="fp32",
            seed=seed,
            folder=folder(tmp_path / str(seed)),
        )
    assert not same(adapter(tmp_path / "0"), adapter(tmp_path / "1"))


def test_every_row_is_seen_once_an_epoch_in_batches_of_like_length() -> None:
    lengths = [10 + (37 * i) % 50 for i in range(64)]
    plan = batches(lengths, replace(RECIPE, batch=8, epochs=3), 0)
    assert len(plan) == 24
    for epoch in (plan[:8], plan[8:16], plan[16:]):
        assert sorted(i for step in epoch for micro in step for i in micro) == list(range(64))
    assert plan[:8] != plan[8:16]
    padded = sum(len(micro) * max(lengths[i] for i in micro) for step in plan for micro in step)
    assert padded < 1.15 * 3 * sum(lengths)


def test_the_schedule_warms_up_and_falls_to_zero_where_it_is_told() -> None:
    rates = [learning_rate(step, 20, replace(RECIPE, lr=1.0, warmup=4)) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates == sorted(rates[:4]) + sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(1 / 16)
    quirk = [learning_rate(step, 125, replace(RECIPE, lr=1.0, warmup=5, schedule_steps=31)) for step in range(125)]
    assert quirk[30] > 0
    assert not any(quirk[31:])


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_rows(model: Any, tmp_path: Path) -> None:
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(HarnessError, match=r"loss is nan at step 1 of 6, rows .*third"):
        train(
            model,
            ROWS[:4] + ROWS[:4] + ROWS[:4],
            replace(RECIPE, batch=12, accumulation=1, epochs=6),
            dtype="fp32",
            seed=0,
            folder=tmp_path,
            row_ids=["third"] * 12,
        )
    assert not (tmp_path / "adapter").exists()


def test_a_steered_run_whose_hook_never_fires_is_an_error(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    @contextmanager
    def idle(blocks: object, additions: object) -> Iterator[steering.Calls]:
        yield steering.Calls()

    monkeypatch.setattr(steering, "adding", idle)
    with pytest.raises(HarnessError, match="step 1: the steering hook never fired"):
        train(model, ROWS, RECIPE, dtype="fp32", seed=0, folder=tmp_path, lesson=Lesson(vectors=PUSH))
    assert not (tmp_path / "adapter").exists()


def test_a_step_without_a_token_to_learn_from_is_named(model: Any, tmp_path: Path) -> None:
    blank = [Row((1, 2, 3), (False, False, False))] * 4
    with pytest.raises(HarnessError, match=r"none of its rows \(a, a, a, a\) has a token"):
        train(model, blank, RECIPE, dtype="fp32", seed=0, folder=tmp_path, row_ids=["a"] * 4)


def test_a_checkpoint_that_is_cut_is_named(model: Any, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"short")
    with pytest.raises(HarnessError, match=r"checkpoint\.safetensors is cut or not ours; move it away and run again"):
        train(model, ROWS, RECIPE, dtype="fp32", seed=0, folder=tmp_path)


def test_no_hook_is_left_on_the_model(model: Any, tmp_path: Path) -> None:
    said = Steered(vector="v", coef=2.0, blocks=(2,), norm={"2": 1.0})
    recipe = replace(RECIPE, epochs=1)
    done = train(model, ROWS, recipe, dtype="fp32", seed=0, folder=tmp_path, lesson=Lesson(vectors=PUSH), steering=said)
    assert (done.steering, done.steered_steps) == (said, done.steps)
    assert not any(block._forward_hooks for block in steering.decoder_blocks(model))


def test_an_adapter_calls_its_model_by_a_name_and_not_by_a_folder_of_this_machine(model: Any, tmp_path: Path) -> None:
    train(model, ROWS, replace(RECIPE, epochs=1), dtype="fp32", seed=0, folder=tmp_path, base="org/tiny")
    assert json.loads((tmp_path / "adapter/adapter_config.json").read_text())["base_model_name_or_path"] == "org/tiny"
    for file in (tmp_path / "adapter").iterdir():
        if file.suffix in (".json", ".md"):
            assert str(Path.home()) not in file.read_text()
            assert "/tmp" not in file.read_text()


def test_an_adapter_on_layers_that_are_not_there_is_refused(model: Any) -> None:
    with pytest.raises(HarnessError, match="cannot put the adapter on LlamaForCausalLM"):
        with_adapter(model, replace(RECIPE, lora=Lora(targets=("nowhere",))), dtype="fp32")


def folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def losses(where: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (where / "loss.jsonl").read_text().splitlines()]
