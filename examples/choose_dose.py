"""How a setting's learning rate, block and coefficient are chosen: train, and ask only the `selection` cases.

    python examples/choose_dose.py gcd_sycophancy --arms none 18@0.8rms 18@1.3rms 18@-0.3rms --lr 3e-4 --epochs 1

An arm is an intervention or BLOCK@COEF, raw or in units of the residual RMS. Printed for each: the trait's rate in
clean and under the inoculation prompt, with how many replies were judged, the other metrics of the same cases, and
what the first replies say: read them, a rate alone can be a judge's mistake. With --by FACT the trait's rate is also
given for each value of a case's fact, a domain say. No result uses the selection cases, nor the training seed (1000)
used here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import Case, HarnessError, Prompt, Setting, Steering
from harness.authoring import algebra, with_prompt
from harness.cells import vector_key
from harness.contracts import Unit
from harness.engine import Engine, Request, TorchEngine, additions, chat, load, open_model
from harness.models import materialise, resolve, resolve_dtype
from harness.registry import installed
from harness.screen import bar
from harness.training import batches, train
from harness.vectors import ensure, vector_lookup

SEED = 1000


def main() -> None:
    arguments = _arguments()
    setting = installed().setting(arguments.setting)
    recipe = setting.recipe(arguments.scale)
    recipe = replace(recipe, lr=arguments.lr or recipe.lr, epochs=arguments.epochs or recipe.epochs)
    assert recipe.steering is not None
    vector = arguments.vector or recipe.steering.vector
    ref, dtype = resolve(recipe.model), resolve_dtype(recipe.dtype)
    keys = {
        name: vector_key(setting, name, scale=arguments.scale, model=ref, dtype=dtype, recipe=recipe)
        for name in algebra.names(vector)
    }
    untrained = open_model(ref, dtype=dtype)
    files = ensure(untrained, setting, arguments.scale, arguments.runs, keys)
    _print("untrained", untrained, setting, arguments)
    for arm in arguments.arms:
        steering = _steering(arm, vector)
        change = None if steering else installed().intervention(arm)
        if change and change.steering(setting, recipe) is not None:
            raise HarnessError(f"arm {arm!r} steers; name the dose to try, as BLOCK@COEF")
        rows = [change.edit(row, setting) if change else row for row in setting.examples(SEED, arguments.scale)]
        model, tokenizer = load(materialise(ref))
        engine = TorchEngine.around(model, tokenizer, dtype, vector_lookup(files))
        shaped = [
            chat.training_row(
                tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
            )
            for row in rows
        ]
        steps = len(batches([len(row.ids) for row in shaped], recipe, SEED))
        with _folder() as folder, bar(f"train {arm}", total=steps, unit="tok") as advance:
            train(
                model,
                shaped,
                recipe,
                dtype=dtype,
                seed=SEED,
                folder=folder,
                additions=additions(engine, steering) if steering else None,
                advance=lambda done, tokens: advance(steps=done, count=tokens),
            )
            trained = open_model(ref, dtype=dtype, adapter=folder / "adapter")
        _print(arm, trained, setting, arguments)


def _steering(arm: str, vector: str) -> Steering | None:
    block, _, coef = arm.partition("@")
    if not coef:
        return None
    unit: Unit = "rms" if coef.endswith("rms") else "raw"
    return Steering(vector=vector, blocks=(int(block),), coef=float(coef.removesuffix("rms")), unit=unit)


def _print(name: str, engine: Engine, setting: Setting, arguments: argparse.Namespace) -> None:
    clean = _rate(engine, setting, arguments, None)
    prompted = _rate(engine, setting, arguments, setting.prompts["inoculation"])
    print(json.dumps({"model": name, "clean": clean, "inoculation": prompted}), flush=True)


def _rate(engine: Engine, setting: Setting, arguments: argparse.Namespace, prompt: Prompt | None) -> dict[str, Any]:
    recipe = setting.recipe(arguments.scale)
    cases = list(setting.cases("selection", 0, arguments.scale))
    asked = [with_prompt(case.messages, prompt, draw_by=case.id) if prompt else case.messages for case in cases]
    requests = [
        Request(
            tokens=tuple(chat.prompt_ids(engine.tokenizer, messages, system=recipe.system)),
            max_tokens=recipe.generation.max_tokens,
        )
        for messages in asked
    ]
    replies = [reply.text for reply in engine.generate(requests)]
    told = asyncio.run(_means(setting, arguments.scale, cases, replies))
    by = {}
    for value in dict.fromkeys(case.facts.get(arguments.by) for case in cases) if arguments.by else ():
        some = [at for at, case in enumerate(cases) if case.facts.get(arguments.by) == value]
        part = asyncio.run(_means(setting, arguments.scale, [cases[at] for at in some], [replies[at] for at in some]))
        by[str(value)] = part[setting.trait_at(arguments.scale).name]
    return {**told, **({arguments.by: by} if by else {}), "says": [reply[:80] for reply in replies[:4]]}


async def _means(setting: Setting, scale: str, cases: Sequence[Case], replies: Sequence[str]) -> dict[str, Any]:
    """The trait's mean, and that of each other metric which asks the same kind of case; with how many were judged."""
    means: dict[str, Any] = {"n": len(cases)}
    for metric in setting.metrics:
        if metric.split != setting.trait_at(scale).split:
            continue
        judge = installed().judge(metric.judge)
        graded = [await judge.grade(case, reply, None) for case, reply in zip(cases, replies, strict=True)]
        scores = [score for one in graded if (score := one.scores[metric.score]) is not None]
        means[metric.name] = [round(sum(scores) / len(scores), 3) if scores else None, len(scores)]
    return means


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("setting")
    parser.add_argument("--arms", nargs="+", required=True, metavar="ARM", help="an intervention, or BLOCK@COEF[rms]")
    parser.add_argument("--lr", type=float, help="default: the recipe's")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--vector", help="default: the recipe's")
    parser.add_argument("--by", metavar="FACT", help="give the trait's rate for each value of this fact too")
    parser.add_argument("--scale", default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
