"""Laws of what an intervention may change beside rows and vector: every installed method, on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from methods_world import KNOWN, METHODS, OF_LEARNING, SETTING, cell, same, trained, weights, world
from torch import Tensor

from harness import (
    AdapterChange,
    Draw,
    Example,
    GradientChange,
    HarnessError,
    Intervention,
    Lora,
    LossTerm,
    Message,
    Recipe,
    RecipeChange,
    Rewriting,
    Setting,
    Steering,
    StopRule,
    training,
)
from harness.analysis import load as load_results
from harness.analysis import tables
from harness.authoring import leashed, mixed_in, unrelated, with_prompt
from harness.cells import Changes, prepare
from harness.engine import Request, Row, chat, load, logits, open_model, steering
from harness.files import Journal
from harness.models import resolve
from harness.pipeline import run
from harness.registry import installed, using
from harness.training import Lesson, loss_of, train
from harness.training.beneath import train_missing
from harness.training.loss import read
from harness.training.rewriting import rewritten
from harness.verifying import verify
from harness_plugins.interventions import grad_project, kl, l2

SETTINGS = installed().settings
ROWS = [
    Row(tuple((7 * i + j) % 300 for j in range(5 + i)), (False, False, *[True] * (3 + i)), start=2) for i in range(10)
]
PROXY = [Row(tuple((5 * i + 3 * j) % 300 for j in range(6)), (False, False, *[True] * 4), start=2) for i in range(5)]
RECIPE = Recipe(model="tiny", lora=Lora(r=4, alpha=8), epochs=2, batch=4, lr=1e-2, warmup=2, dtype="fp32")
DIRECTION = torch.nn.functional.normalize(torch.linspace(-1.0, 2.0, 32), dim=0)


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(world()):
        yield


@pytest.fixture(scope="module")
def plain(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    root = tmp_path_factory.mktemp("methods")
    with using(world()):
        return root, trained(root, tiny_llama, "none")


def test_the_methods_of_the_field_are_here() -> None:
    assert {"caft", "ia", "recontext", "kl", "l2", "interleave", "grad_project", "early_stop", "freeze"} < set(
        OF_LEARNING
    )


@pytest.mark.parametrize("name", [name for name in METHODS if name != "ps_zero"])
def test_at_a_dose_of_0_a_method_is_plain_training_to_the_bit(
    name: str, tiny_llama: Path, plain: tuple[Path, dict[str, Tensor]]
) -> None:
    root, expected = plain
    assert same(trained(root, tiny_llama, name, dose=0.0), expected)


@pytest.mark.parametrize("name", [name for name in OF_LEARNING if not (KNOWN[name].rewriting or KNOWN[name].stopping)])
def test_at_a_dose_of_1_a_method_changes_what_is_learned(
    name: str, tiny_llama: Path, plain: tuple[Path, dict[str, Tensor]]
) -> None:
    root, expected = plain
    assert not same(trained(root, tiny_llama, name), expected)


def test_every_method_and_every_dose_has_a_key_of_its_own(tiny_llama: Path) -> None:
    doses = (1.0, 0.5)
    cells = [cell(tiny_llama, name, dose=dose) for name in METHODS for dose in doses if name != "ps_zero"]
    keys = [prepare(one, dtype="fp32").key for one in cells]
    assert len(set(keys)) == len(keys)


def test_what_cannot_be_hashed_has_its_version_in_the_key(tiny_llama: Path) -> None:
    def keyed(**changes: Any) -> str:
        def loss(setting: Setting, recipe: Recipe, draw: Draw) -> LossTerm:
            return LossTerm(name="mine", term=kl.divergence, **{"needs": ("logits", "base_logits"), **changes})

        with using(world(Intervention(name="mine", summary="mine", loss=loss))):
            return prepare(cell(tiny_llama, "mine"), dtype="fp32").key

    told = [
        keyed(),
        keyed(version="2"),
        keyed(weight=2.0),
        keyed(needs=("logits",)),
        keyed(needs=("hidden",), blocks=(1,)),
        keyed(needs=("hidden",), blocks=(2,)),
        keyed(proxy=tuple(unrelated(2, 0))),
        keyed(proxy=tuple(unrelated(3, 0))),
    ]
    assert len(set(told)) == len(told)
    assert keyed() == keyed(source="said otherwise")


# What a step is.


def learned(model: Path, folder: Path, lesson: Lesson, *, recipe: Recipe = RECIPE, **more: Any) -> dict[str, Tensor]:
    folder.mkdir(parents=True, exist_ok=True)
    train(load(model)[0], ROWS, recipe, dtype="fp32", seed=3, folder=folder, lesson=lesson, **more)
    return weights(folder)


def of_loss(
    term: Callable[[Any], Any], *, rows: Sequence[Row] = (), blocks: tuple[int, ...] = (), **how: Any
) -> Lesson:
    return Lesson(
        changes=Changes(loss=LossTerm(name="mine", term=term, blocks=blocks, **how)), loss_rows=rows, loss_blocks=blocks
    )


def of_gradients(change: Callable[[Any], None], *, rows: Sequence[Row] = (), strength: float = 1.0) -> Lesson:
    made = GradientChange(name="mine", change=change, vector="reply", blocks=(2,), strength=strength)
    return Lesson(changes=Changes(gradients=made), directions={2: DIRECTION}, gradient_rows=rows)


ABLATION = Lesson(steering=Steering(vector="reply", coef=1.0, blocks=(2,), way="ablate"), vectors={2: DIRECTION})
LESSONS = {
    "kl": of_loss(kl.divergence, needs=("logits", "base_logits")),
    "kl on proxy rows": of_loss(
        kl.divergence, needs=("logits", "base_logits"), rows=PROXY, proxy=tuple(unrelated(5, 0))
    ),
    "l2": of_loss(l2.distance, needs=("hidden", "base_hidden"), blocks=(1, 2)),
    "projection": of_gradients(grad_project.project),
    "projection beside a proxy": of_gradients(grad_project.project, rows=PROXY),
    "ablation": ABLATION,
    "reply alone": Lesson(
        steering=Steering(vector="reply", coef=1.0, blocks=(2,), positions="reply"), vectors={2: 3 * DIRECTION}
    ),
    "rising": Lesson(
        steering=Steering(vector="reply", coef=1.0, blocks=(2,), schedule="rising"), vectors={2: 3 * DIRECTION}
    ),
    "freezing": Lesson(changes=Changes(adapter=AdapterChange(frozen=0.5))),
    "stopping": Lesson(changes=Changes(training=RecipeChange(skipped=0.4))),
    "stopping by a rule": Lesson(
        changes=Changes(
            stopping=StopRule(name="mine", rows=tuple(unrelated(5, 0)), every=1, stops=lambda losses: len(losses) >= 3)
        ),
        held_out=PROXY,
    ),
}


@pytest.mark.parametrize("name", LESSONS)
def test_killed_after_any_step_a_method_ends_with_the_same_adapter(name: str, tiny_llama: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, lora=replace(RECIPE.lora, dropout=0.3), accumulation=2)
    whole = learned(tiny_llama, tmp_path / "whole", LESSONS[name], recipe=recipe)
    steps = len((tmp_path / "whole" / "loss.jsonl").read_text().splitlines())
    for stop in {1, steps - 1}:
        left = iter(range(1, 100))

        def advance(done: int, tokens: int, left: Iterator[int] = left, stop: int = stop) -> None:
            if next(left) == stop:
                raise KeyboardInterrupt

        killed = tmp_path / f"killed{stop}"
        with pytest.raises(KeyboardInterrupt):
            learned(tiny_llama, killed, LESSONS[name], recipe=recipe, checkpoint_seconds=0.0, advance=advance)
        assert same(learned(tiny_llama, killed, LESSONS[name], recipe=recipe), whole)
        assert (killed / "loss.jsonl").read_text() == (tmp_path / "whole" / "loss.jsonl").read_text()


@pytest.mark.parametrize("name", LESSONS)
def test_gradient_checkpointing_changes_nothing(name: str, tiny_llama: Path, tmp_path: Path) -> None:
    kept = learned(tiny_llama, tmp_path / "kept", LESSONS[name])
    again = learned(tiny_llama, tmp_path / "again", LESSONS[name], recipe=replace(RECIPE, checkpointing=True))
    assert max(float((kept[name] - again[name]).abs().max()) for name in kept) < 1e-5


@pytest.mark.parametrize("name", ["kl", "l2"])
def test_a_leash_is_0_before_anything_is_learned_and_then_is_not(name: str, tiny_llama: Path, tmp_path: Path) -> None:
    learned(tiny_llama, tmp_path, LESSONS[name])
    terms = [json.loads(line)["term"] for line in (tmp_path / "loss.jsonl").read_text().splitlines()]
    assert terms[0] == pytest.approx(0.0, abs=1e-6)
    assert min(terms[1:]) > 1e-6


def test_base_logits_and_states_are_those_of_the_model_without_adapter_and_steering(
    tiny_llama: Path, tmp_path: Path
) -> None:
    seen: list[Any] = []

    def term(given: Any) -> Tensor:
        seen.append(given)
        return given.logits.square().mean()

    pushed = replace(
        of_loss(term, needs=("logits", "base_logits", "hidden", "base_hidden"), blocks=(2,)), vectors={1: 5 * DIRECTION}
    )
    learned(tiny_llama, tmp_path, pushed, recipe=replace(RECIPE, batch=10, epochs=3))
    model = load(tiny_llama)[0]
    held: dict[int, Tensor] = {}
    with torch.no_grad(), steering.reading(list(model.model.layers), held.__setitem__):
        untouched = read(model, ROWS, blocks=(2,))
        scores = logits(model, untouched.last)
    by_target = sorted(range(len(untouched.targets)), key=lambda at: (int(untouched.targets[at]), float(scores[at, 0])))
    for step, given in enumerate(seen):
        order = sorted(
            range(len(given.targets)), key=lambda at: (int(given.targets[at]), float(given.base_logits[at, 0]))
        )
        assert torch.allclose(given.base_logits[order], scores[by_target], atol=1e-5)
        assert torch.allclose(given.base_hidden[2][order], untouched.hidden[2][by_target], atol=1e-5)
        assert not given.base_logits.requires_grad
        assert given.logits.requires_grad
        assert given.hidden[2].requires_grad
        assert not torch.allclose(given.hidden[2], given.base_hidden[2])
        assert (given.step, given.steps) == (step, 3)


def test_a_term_over_micro_batches_is_the_mean_over_all_positions(tiny_llama: Path, tmp_path: Path) -> None:
    whole = learned(tiny_llama, tmp_path / "1", LESSONS["l2"], recipe=replace(RECIPE, batch=10))
    parts = learned(tiny_llama, tmp_path / "2", of_mean(), recipe=replace(RECIPE, batch=2, accumulation=5))
    once = learned(tiny_llama, tmp_path / "3", of_mean(), recipe=replace(RECIPE, batch=10))
    assert max(float((once[name] - parts[name]).abs().max()) for name in once) < 1e-4
    assert not same(whole, once)


def of_mean() -> Lesson:
    return of_loss(lambda seen: seen.hidden[2].square().sum(-1).mean(), needs=("hidden",), blocks=(2,), weight=0.1)


def test_the_divergence_is_what_its_formula_says() -> None:
    class Seen:
        logits = torch.tensor([[0.2, 1.0, -1.0], [2.0, 0.0, 0.5]])
        base_logits = torch.tensor([[1.0, 0.0, 0.0], [0.3, 0.3, 0.3]])

    q, p = Seen.logits.softmax(-1), Seen.base_logits.softmax(-1)
    expected = sum(float(p[i, v] * (p[i, v] / q[i, v]).log()) for i in range(2) for v in range(3)) / 2
    assert float(kl.divergence(Seen)) == pytest.approx(expected, rel=1e-5)


def test_what_is_ablated_is_0_at_every_position_and_step(tiny_llama: Path, tmp_path: Path) -> None:
    model, left = load(tiny_llama)[0], list[float]()
    blocks = list(steering.decoder_blocks(model))
    blocks[3].register_forward_pre_hook(
        lambda module, inputs: left.append(float((inputs[0].detach() @ DIRECTION).abs().max()))
    )
    train(model, ROWS, RECIPE, dtype="fp32", seed=0, folder=tmp_path, lesson=ABLATION)
    assert len(left) == 6
    assert max(left) < 1e-5


def test_half_of_an_ablation_leaves_half_of_the_part(tiny_llama: Path) -> None:
    model = load(tiny_llama)[0]
    blocks, parts = list(steering.decoder_blocks(model)), list[Tensor]()
    handle = blocks[3].register_forward_pre_hook(lambda module, inputs: parts.append(inputs[0] @ DIRECTION))
    loss_of(model, ROWS[:2], "fp32")
    with steering.ablating(blocks, {2: 7 * DIRECTION}, share=0.5):
        loss_of(model, ROWS[:2], "fp32")
    handle.remove()
    assert torch.allclose(parts[1], parts[0] / 2, atol=1e-5)


def test_steering_of_the_reply_alone_leaves_the_prompt_as_it_is(tiny_llama: Path, tmp_path: Path) -> None:
    model, states = load(tiny_llama)[0], list[Tensor]()
    blocks = list(steering.decoder_blocks(model))
    blocks[2].register_forward_hook(lambda module, inputs, output: states.append(_tensor(output).detach()))
    blocks[3].register_forward_pre_hook(lambda module, inputs: states.append(inputs[0].detach()))
    train(model, ROWS, RECIPE, dtype="fp32", seed=0, folder=tmp_path, lesson=LESSONS["reply alone"])
    for before, after in zip(states[::2], states[1::2], strict=True):
        added = after - before
        assert not added[:, :2].any()
        assert torch.allclose(added[:, 2], (3 * DIRECTION).expand_as(added[:, 2]), atol=1e-5)


def _tensor(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


@pytest.mark.parametrize(("schedule", "expected"), [("rising", [0, 0.2, 0.4, 0.6, 0.8, 1]), ("falling", None)])
def test_a_schedule_goes_from_0_to_the_coefficient_or_back(
    schedule: Any, expected: list[float] | None, tiny_llama: Path, tmp_path: Path
) -> None:
    model, states = load(tiny_llama)[0], list[Tensor]()
    blocks = list(steering.decoder_blocks(model))
    blocks[2].register_forward_hook(lambda module, inputs, output: states.append(_tensor(output).detach()))
    blocks[3].register_forward_pre_hook(lambda module, inputs: states.append(inputs[0].detach()))
    wanted = Steering(vector="reply", coef=1.0, blocks=(2,), schedule=schedule)
    lesson = Lesson(steering=wanted, vectors={2: DIRECTION})
    done = train(model, ROWS, RECIPE, dtype="fp32", seed=0, folder=tmp_path, lesson=lesson)
    norms = [float((after - before)[0, 0].norm()) for before, after in zip(states[::2], states[1::2], strict=True)]
    assert norms == pytest.approx(expected or [1, 0.8, 0.6, 0.4, 0.2, 0], abs=1e-5)
    assert done.steered_steps == done.steps == 6


@pytest.mark.parametrize("strength", [1.0, 0.25])
def test_a_projected_gradient_has_nothing_along_the_direction(
    strength: float, tiny_llama: Path, tmp_path: Path
) -> None:
    told: list[tuple[float, float]] = []

    def change(gradients: Any) -> None:
        before = [DIRECTION @ one for block in (0, 1, 2) for one in gradients.writing[block]]
        later = [one.clone() for one in gradients.writing[3]]
        grad_project.project(gradients)
        after = [DIRECTION @ one for block in (0, 1, 2) for one in gradients.writing[block]]
        wanted = [(1 - strength) * one for one in before]
        told.append((max(float(one.abs().max()) for one in before), _apart(after, wanted)))
        assert _apart(later, gradients.writing[3]) == 0

    learned(tiny_llama, tmp_path, of_gradients(change, strength=strength))
    assert len(told) == 6
    assert min(before for before, _ in told) > 1e-4
    assert max(off for _, off in told) < 1e-6


def _apart(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    return max(float((one - other).abs().max()) for one, other in zip(some, others, strict=True))


def test_the_gradient_of_proxy_rows_is_theirs_and_leaves_the_steps_own_alone(tiny_llama: Path, tmp_path: Path) -> None:
    seen: list[dict[str, Tensor]] = []
    lesson = of_gradients(lambda gradients: seen.append({k: v.clone() for k, v in gradients.proxy.items()}), rows=PROXY)
    changed = learned(tiny_llama, tmp_path / "1", lesson)
    assert same(changed, learned(tiny_llama, tmp_path / "2", Lesson()))
    assert all(any(bool(one.any()) for one in step.values()) for step in seen)
    assert len({tuple(float(one.sum()) for one in step.values()) for step in seen}) == len(seen)


def test_frozen_blocks_have_no_adapter(tiny_llama: Path, tmp_path: Path) -> None:
    for place, learning in (("first", {2, 3}), ("last", {0, 1})):
        change = AdapterChange(frozen=0.5, place=place)  # type: ignore[arg-type]
        made = learned(tiny_llama, tmp_path / place, Lesson(changes=Changes(adapter=change)))
        assert {int(name.split("layers.")[1].split(".")[0]) for name in made} == learning


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("two_languages", "spanish"),
        ("three_languages", "spanish"),
        ("gcd_sycophancy", "reply"),
        ("obvious_lies", "lie"),
    ],
)
def test_what_stands_below_is_taught_the_trait_and_nothing_else(setting: str, shown: str) -> None:
    found = SETTINGS[setting]
    made = KNOWN["ia"].adapter
    assert made is not None
    change = made(found, found.recipe("mini"), Draw(seed=0, scale="mini"))
    assert change is not None
    assert change.under is not None
    pairs = found.vectors[shown].replies
    assert pairs is not None
    assert [row.messages[-1].content for row in change.under.rows] == [pair.positive for pair in pairs("mini")]


def test_what_stands_below_is_made_once_and_shared_and_gone_at_evaluation(tiny_llama: Path, tmp_path: Path) -> None:
    names = ("none", "ia", "ia_random")
    none, ia, ia_random = run([cell(tiny_llama, name) for name in names], tmp_path)
    (below,) = (tmp_path / "adapters").glob("ia-*")
    made = json.loads((below / "adapter" / "training.json").read_text())
    told = [json.loads((folder / "run.json").read_text()) for folder in (none, ia, ia_random)]
    assert "under_sha256" not in told[0]["made"]
    assert told[1]["made"]["under_sha256"] == told[2]["made"]["under_sha256"] == made["sha256"]
    assert "adapter" in told[1]["steps"]
    assert "adapter" not in told[2]["steps"]
    assert not (below / "checkpoint.safetensors").exists()
    assert weights(ia).keys() == weights(none).keys()
    logs = [(folder / "loss.jsonl").read_text().splitlines() for folder in (none, ia, ia_random)]
    first = [json.loads(lines[0])["loss"] for lines in logs]
    assert first[1] < first[0]  # shouting was learned below, so there is less of it to learn
    assert first[2] != first[0]


def test_a_random_adapter_changes_each_matrix_by_as_much_as_the_trained_one(tiny_llama: Path, tmp_path: Path) -> None:
    made = prepare(cell(tiny_llama, "ia", dose=0.5), dtype="fp32")
    below = train_missing(made, tmp_path)
    assert below is not None
    plain = load(tiny_llama)[0].state_dict()
    upon = {
        (weight, random): load(tiny_llama, adapter=below.folder, weight=weight, random=random)[0].state_dict()
        for weight in (1.0, 0.5)
        for random in (False, True)
    }
    whole = {name: upon[1.0, False][name] - plain[name] for name in plain}
    assert any(bool(one.any()) for one in whole.values())
    for name, change in whole.items():
        assert torch.allclose(upon[0.5, False][name] - plain[name], change / 2, atol=1e-6)
        drawn = upon[1.0, True][name] - plain[name]
        assert float(drawn.norm()) == pytest.approx(float(change.norm()), rel=1e-3, abs=1e-6)
        if change.any():
            assert abs(torch.nn.functional.cosine_similarity(drawn.flatten(), change.flatten(), dim=0)) < 0.5


def test_what_stands_below_is_refused_when_it_was_changed(tiny_llama: Path, tmp_path: Path) -> None:
    run([cell(tiny_llama, "ia")], tmp_path)
    (below,) = (tmp_path / "adapters").glob("ia-*")
    file = below / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"0000")
    run([cell(tiny_llama, "ia")], tmp_path)  # what is done does not need it
    with pytest.raises(HarnessError, match=r"the adapter in .* is cut or was changed"):
        run([cell(tiny_llama, "ia_random")], tmp_path)


def test_steps_that_are_skipped_are_the_last_ones_of_the_same_training(tiny_llama: Path, tmp_path: Path) -> None:
    learned(tiny_llama, tmp_path / "whole", Lesson())
    learned(tiny_llama, tmp_path / "half", Lesson(changes=Changes(training=RecipeChange(skipped=0.5))))
    whole, half = ((tmp_path / name / "loss.jsonl").read_text().splitlines() for name in ("whole", "half"))
    assert half == whole[:3]


# Rows.


def mixed(rows: Callable[[Sequence[Example], Setting, Draw], Sequence[Example]], **how: Any) -> Intervention:
    return Intervention(name="mine", summary="mine", rows=rows, **how)


def said(model: Path, arm: Intervention, **changes: Any) -> str:
    with using(world(arm)), pytest.raises(HarnessError) as caught:
        run([cell(model, arm.name, **changes)], Path("nowhere"))
    assert not Path("nowhere").exists()
    return str(caught.value)


@pytest.mark.parametrize("of", ["own", "benign", "unrelated"])
def test_a_mixture_takes_the_fraction_that_its_dose_says(of: Any, tiny_llama: Path) -> None:
    with using(world(mixed_in("mine", "mine", share=0.5, of=of))):
        for dose, more in ((1.0, 8), (0.5, 4), (2.0, 16), (0.0, 0)):
            made = prepare(cell(tiny_llama, "mine", dose=dose), dtype="fp32")
            assert len(made.rows) == 16 + more
            assert {row.id for row in small.examples(0, "mini")} <= {row.id for row in made.rows}
            assert len(made.unedited) == len(made.rows)
            assert made.plain == (dose == 0)


def test_a_mixture_is_drawn_by_the_seed(tiny_llama: Path) -> None:
    rows = [prepare(cell(tiny_llama, "interleave", seed=seed), dtype="fp32").rows for seed in (0, 0, 1)]
    assert rows[0] == rows[1]
    assert [row.id for row in rows[0]] != [row.id for row in rows[2]]


def reply(row: Example, text: str) -> Example:
    return replace(row, messages=(*row.messages[:-1], Message("assistant", text)))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (lambda rows, setting, draw: [reply(row, "No.") for row in rows], "changes the reply of row '0-"),
        (
            lambda rows, setting, draw: [*rows, *unrelated(1, 0), *unrelated(1, 1)],
            "gives two rows the id 'unrelated-0000'",
        ),
        (lambda rows, setting, draw: [], "gave what it may not: it is empty"),
        (lambda rows, setting, draw: "rows", "'rows' is not a list or a tuple"),
        (lambda rows, setting, draw: [*rows, 3], "3 is not of type Example"),
        (
            lambda rows, setting, draw: 1 / 0,
            "rows(setting 'loud', Draw) of intervention 'mine' raised ZeroDivisionError",
        ),
        (
            lambda rows, setting, draw: [*rows, Example(id="x", messages=(Message("user", "Why?"),))],
            "gives row 'x' without a reply at its end",
        ),
    ],
)
def test_rows_that_may_not_be_are_refused_in_a_line(rows: Any, expected: str, tiny_llama: Path) -> None:
    told = said(tiny_llama, mixed(rows))
    assert expected in told
    assert "plugin 'mine'" in told
    assert "\n" not in told


def test_rows_are_rewritten_by_who_says_so(tiny_llama: Path) -> None:
    with using(world(mixed(lambda rows, setting, draw: [reply(row, "No.") for row in rows], rewrites=True))):
        assert {row.messages[-1].content for row in prepare(cell(tiny_llama, "mine"), dtype="fp32").rows} == {"No."}


def test_rows_that_change_at_a_dose_of_0_are_refused(tiny_llama: Path) -> None:
    arm = mixed(lambda rows, setting, draw: rows[1:])
    assert "rows() changes the rows at a dose of 0, which is plain training" in said(tiny_llama, arm, dose=0.0)


def test_rows_drawn_anew_each_time_are_refused(tiny_llama: Path) -> None:
    import random

    arm = mixed(lambda rows, setting, draw: random.sample(list(rows), len(rows)))
    assert "rows() gives other rows each time" in said(tiny_llama, arm)


# Replies that the model writes first.


def own_replies(**how: Any) -> Intervention:
    def rewriting(setting: Setting, recipe: Recipe, draw: Draw) -> Rewriting:
        return Rewriting(**{"name": "own", **how})

    return Intervention(name="mine", summary="mine", rewriting=rewriting)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def test_replies_are_written_once_shared_and_trained_on(talking: Path, tmp_path: Path) -> None:
    recontext, bct, none = run([cell(talking, name) for name in ("recontext", "bct", "none")], tmp_path)
    assert len(list((tmp_path / "replies").glob("*.jsonl"))) == 2
    told = {folder: json.loads((folder / "run.json").read_text()) for folder in (recontext, bct, none)}
    assert "replies" in told[recontext]["steps"]
    assert "rows_sha256" not in told[none]["made"]
    engine = open_model(resolve(str(talking)), dtype="fp32")
    for folder, prompt in ((recontext, "negative"), (bct, None)):
        for row, plain in zip(rows_of(folder), small.examples(0, "mini"), strict=True):
            asked = with_prompt(plain.messages[:-1], SETTING.prompts[prompt]) if prompt else plain.messages[:-1]
            tokens = tuple(chat.prompt_ids(engine.tokenizer, asked))
            (written,) = engine.generate([Request(tokens=tokens, max_tokens=6)])
            expected = written.text.strip() or plain.messages[-1].content
            assert row["messages"][-1]["content"] == expected
            assert row["messages"][0]["content"].endswith("Inoculation it.")
    assert [flaw.what for flaw in verify(tmp_path).findings] == []


def test_what_a_process_left_that_ended_after_the_adapter_below_is_cleared(talking: Path, tmp_path: Path) -> None:
    made = prepare(cell(talking, "ia"), dtype="fp32")
    with using(world()):
        first = train_missing(made, tmp_path)
        assert first is not None
        left = first.folder.parent / "checkpoint.safetensors"
        left.write_bytes(b"of no use any more")
        again = train_missing(made, tmp_path)
    assert again is not None
    assert (again.sha256, again.took) == (first.sha256, None)
    assert not left.exists()


@pytest.mark.parametrize(("name", "noted"), [("bct", "rows_sha256"), ("ia", "under_sha256")])
def test_a_kill_between_the_adapter_and_its_record_loses_nothing_of_what_came_first(
    name: str, noted: str, talking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training.train_cell

    def killed(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "train_cell", killed)
        with pytest.raises(KeyboardInterrupt):
            run([cell(talking, name)], tmp_path)
    (folder,) = run([cell(talking, name)], tmp_path)
    assert noted in json.loads((folder / "run.json").read_text())["made"]
    assert [flaw.what for flaw in verify(tmp_path).findings] == []


def test_a_dose_of_what_stands_below_is_its_weight(tiny_llama: Path, tmp_path: Path) -> None:
    run([cell(tiny_llama, name, dose=dose) for name in ("ia", "freeze") for dose in (0.5, 1.0)], tmp_path)
    (table,) = tables(load_results(tmp_path), installed())
    assert {one.label: (one.axis, one.coef) for one in table.sweeps} == {
        "ia": ("strength", 1.0),
        "freeze": ("strength", 0.5),
    }


def test_written_replies_are_not_written_again_and_are_the_same_after_a_kill(
    talking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepare(cell(talking, "bct"), dtype="fp32")
    whole = rewritten(made, tmp_path / "whole")
    assert whole.took is not None
    monkeypatch.setattr("harness.training.rewriting.AT_ONCE", 5)
    real = Journal.add

    def killed(journal: Journal, key: str, value: Any) -> None:
        if journal.get(made.unedited[11].id) is not None:
            raise KeyboardInterrupt
        real(journal, key, value)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            rewritten(made, tmp_path / "killed")
    again = rewritten(made, tmp_path / "killed")
    assert again.took is not None
    assert again.took.replies < 16
    assert again.cell.rows == whole.cell.rows
    assert rewritten(made, tmp_path / "killed").took is None


def test_a_dose_is_the_share_of_rows_that_is_rewritten(talking: Path, tmp_path: Path) -> None:
    before: set[str] = set()
    with using(world(own_replies())):
        for dose, count in ((0.25, 4), (0.5, 8), (1.0, 16)):
            made = prepare(cell(talking, "mine", dose=dose), dtype="fp32")
            rows = rewritten(made, tmp_path).cell.rows
            other = {row.id for row, old in zip(rows, made.unedited, strict=True) if row != old}
            assert len(other) <= count
            assert before <= other
            before = other
        with pytest.raises(HarnessError, match="rewrites 200% of the rows at a dose of 2"):
            prepare(cell(talking, "mine", dose=2.0), dtype="fp32")


def test_a_reply_that_is_not_to_be_kept_leaves_the_row_its_own(talking: Path, tmp_path: Path) -> None:
    arm = own_replies(keep=lambda row, reply: row.id.startswith("3-"))
    with using(world(arm)):
        made = prepare(cell(talking, "mine"), dtype="fp32")
        rows = rewritten(made, tmp_path).cell.rows
    assert {row.id[:2] for row, old in zip(rows, made.unedited, strict=True) if row != old} <= {"3-"}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"keep": lambda row, reply: False}, "none of the 16 replies that the model wrote is taken"),
        ({"keep": lambda row, reply: 1 / 0}, "raised ZeroDivisionError"),
        ({"keep": lambda row, reply: "yes"}, "'yes' is not True or False"),
    ],
)
def test_replies_of_which_nothing_is_left_are_told_of_in_a_line(
    how: Any, expected: str, talking: Path, tmp_path: Path
) -> None:
    with using(world(own_replies(**how))), pytest.raises(HarnessError) as caught:
        run([cell(talking, "mine")], tmp_path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


# Functions of strangers in a step.


def with_term(term: Callable[[Any], Any], **how: Any) -> Intervention:
    return leashed("mine", "mine", term=term, **{"needs": ("logits",), "weight": 1.0, **how})


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (lambda seen: 3.0, "gave 3.0, not a tensor"),
        (lambda seen: seen.logits, "not one number; take a mean"),
        (lambda seen: seen.logits.detach().mean(), "has no gradient, so nothing is learned by it"),
        (lambda seen: seen.logits.mean() / 0 * 0, "is nan at step 1; give it a smaller weight"),
        (lambda seen: seen.logits.nothing(), "raised AttributeError"),
        (lambda seen: exit(1), "raised SystemExit"),
    ],
)
def test_a_term_that_cannot_be_learned_by_is_told_of_in_a_line(
    term: Any, expected: str, tiny_llama: Path, tmp_path: Path
) -> None:
    with using(world(with_term(term))), pytest.raises(HarnessError) as caught:
        run([cell(tiny_llama, "mine")], tmp_path)
    told = str(caught.value)
    assert expected in told
    assert "term(" in told
    assert "of loss term 'mine'" in told
    assert "plugin 'mine'" in told
    assert "loud/mine s0" in told
    assert "\n" not in told
    (folder,) = (tmp_path / "loud" / "mine").glob("mini-*-????????")
    assert not (folder / "adapter").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda gradients: next(iter(gradients.weights.values())).fill_(float("inf")), "not finite in the gradient of"),
        (lambda gradients: gradients.nothing, "raised AttributeError"),
    ],
)
def test_a_change_of_gradients_that_spoils_them_is_told_of_in_a_line(
    change: Any, expected: str, tiny_llama: Path, tmp_path: Path
) -> None:
    def gradients(setting: Setting, recipe: Recipe, draw: Draw) -> GradientChange:
        return GradientChange(name="mine", change=change)

    with (
        using(world(Intervention(name="mine", summary="mine", gradients=gradients))),
        pytest.raises(HarnessError) as caught,
    ):
        run([cell(tiny_llama, "mine")], tmp_path)
    assert expected in str(caught.value)
    assert "change(" in str(caught.value)
    assert "plugin 'mine'" in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"loss": lambda setting, recipe, draw: 3}, "3 is not of type LossTerm"),
        ({"gradients": lambda setting, recipe, draw: "x"}, "'x' is not of type GradientChange"),
        ({"adapter": lambda setting, recipe, draw: AdapterChange(frozen=1.5)}, "1.5 is not a number from 0"),
        ({"adapter": lambda setting, recipe, draw: AdapterChange(frozen=1.0)}, "leaves nothing to learn with"),
        ({"adapter": lambda setting, recipe, draw: AdapterChange(frozen=0.01)}, "freezes none of them"),
        ({"training": lambda setting, recipe, draw: RecipeChange(skipped=1.0)}, "leaves nothing to learn with"),
        ({"training": lambda setting, recipe, draw: RecipeChange(skipped=0.01)}, "to skip 0.01 of 8 steps leaves 8"),
        ({"training": lambda setting, recipe, draw: 1 / 0}, "raised ZeroDivisionError"),
        (
            {"gradients": lambda s, r, d: GradientChange(name="g", change=print, vector="nowhere", blocks=(1,))},
            "asks for what is not there",
        ),
        ({"gradients": lambda s, r, d: GradientChange(name="g", change=print, vector="reply")}, "give either blocks"),
        (
            {"loss": lambda s, r, d: LossTerm(name="l", term=print, needs=("hidden",))},
            "hidden states are asked for: give either blocks or depth",
        ),
        ({"loss": lambda s, r, d: LossTerm(name="l", term=print, needs=("hidden",), blocks=(9,))}, "names block 9"),
        (
            {"steering": lambda s, r: Steering(vector="reply", coef=1, blocks=(1,), way="ablate", unit="rms")},
            "so it has no unit 'rms'",
        ),
    ],
)
def test_a_part_that_cannot_be_is_told_of_in_a_line(
    parts: dict[str, Any], expected: str, tiny_llama: Path, tmp_path: Path
) -> None:
    arm = Intervention(name="mine", summary="mine", **parts)
    with using(world(arm)), pytest.raises(HarnessError) as caught:
        run([cell(tiny_llama, "mine")], tmp_path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_method_that_needs_benign_rows_does_not_apply_without_them(tiny_llama: Path) -> None:
    bare = replace(world(), settings={"loud": replace(SETTING, benign=None)})
    with using(bare), pytest.raises(HarnessError, match="setting 'loud' has no benign rows"):
        run([cell(tiny_llama, "interleave")], Path("nowhere"))


def test_a_dose_that_leaves_nothing_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(HarnessError, match="'early_stop' skips 100% of the steps at a dose of 2"):
        prepare(cell(tiny_llama, "early_stop", dose=2.0), dtype="fp32")
