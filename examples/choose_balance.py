"""How weights are chosen for a balance: train a few cells, ask only the `selection` cases, and fit a line.

    python examples/choose_balance.py two_languages --targets spanish=1,french=4 spanish=1,french=1 --output b.json

Both are trained at a few weights, vectors at no more than prompts, on a training seed (1000) that no result uses:
plain, each trait alone (vectors: against the others), and all together (vectors: the first the other way round).
Printed for each: the share that each trait reached. The log-ratios of these shares are taken to be linear in the
weights; the weights that should come nearest to each target are written down with it, before any of it is measured.
Where vectors give all to one trait, choose a smaller --size: a line says little about the ends of its range. Then

    harness run --setting two_languages --intervention comp_ps --weights ...
    harness balance --targets b.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import HarnessError, Setting
from harness.analysis import Model, Point, choose, distance, fit
from harness.authoring import weights
from harness.cells import Cell, Prepared, prepared
from harness.engine import Engine, Request, TorchEngine, additions, chat, load, open_model
from harness.errors import unknown
from harness.files import writing
from harness.judging import judged
from harness.models import materialise
from harness.registry import installed
from harness.screen import bar
from harness.training import batches, train
from harness.vectors import ensure, vector_lookup

SEED = 1000
STEERING, PROMPTS = "comp_ps", "comp_ip"


def main() -> None:
    arguments = _arguments()
    setting = installed().setting(arguments.setting)
    targets = [weights.parse(text) for text in arguments.targets]
    traits = tuple(targets[0])
    for trait in traits:
        if trait not in {metric.name for metric in setting.metrics}:
            raise unknown("metric", trait, [metric.name for metric in setting.metrics])
    chosen = []
    bounds = {STEERING: (-arguments.size, arguments.size), PROMPTS: (0.0, 1.0)}
    for intervention in arguments.interventions:
        low, high = bounds[intervention]
        points = []
        for balance in designs(traits, low, high):
            cell = Cell(
                setting=setting.name,
                intervention=intervention,
                scale=arguments.scale,
                seed=SEED,
                weights=weights.spelled(balance),
            )
            shares = measured(trained(prepared(cell), arguments.runs), setting, traits, arguments.scale)
            points.append(Point(weights=balance, shares=shares))
            print(json.dumps({"arm": intervention, "weights": balance, "reached": _rounded(shares)}), flush=True)
        model = fit(points)
        print(json.dumps({"arm": intervention, "left unexplained, in log-ratio": round(model.rms, 3)}))
        chosen += [_answer(setting, intervention, model, target, low, high) for target in targets]
    for entry in chosen:
        print(json.dumps(entry))
    if arguments.output:
        keys = ("setting", "intervention", "weights", "target")
        with writing(arguments.output, "the targets") as part:
            part.write_text(json.dumps([{key: entry[key] for key in keys} for entry in chosen], indent=1) + "\n")


def designs(traits: Sequence[str], low: float, high: float) -> list[dict[str, float]]:
    """The balances that are trained, nothing first.

    Prompts: each trait alone, and all. Vectors: each trait against the others, and the first the other way round; their
    weights sum to 0, because what all traits have in common (not being English, say) would drive all of them out.
    """
    nothing = dict.fromkeys(traits, 0.0)
    if low == 0:
        alone = [{trait: high if trait == one else 0.0 for trait in traits} for one in traits]
        return [nothing, *alone, dict.fromkeys(traits, high)]
    parted = [{trait: high if trait == one else low / (len(traits) - 1) for trait in traits} for one in traits]
    back = {trait: -weight for trait, weight in parted[0].items()}
    return [nothing, *parted, *([back] if back not in parted else [])]


def trained(cell: Prepared, runs: Path) -> Engine:
    """The model of a cell, trained and kept in memory alone."""
    recipe = cell.recipe
    files = ensure(open_model(cell.model, dtype=cell.dtype), cell.setting, cell.cell.scale, runs, cell.vectors)
    model, tokenizer = load(materialise(cell.model))
    engine = TorchEngine.around(model, tokenizer, cell.dtype, vector_lookup(files))
    rows = [
        chat.training_row(
            tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
        )
        for row in cell.rows
    ]
    steps = len(batches([len(row.ids) for row in rows], recipe, SEED))
    with tempfile.TemporaryDirectory() as folder, bar(f"train {cell.title}", total=steps, unit="tok") as advance:
        train(
            model,
            rows,
            recipe,
            dtype=cell.dtype,
            seed=SEED,
            folder=Path(folder),
            additions=additions(engine, cell.steering) if cell.steering else None,
            advance=lambda done, tokens: advance(steps=done, count=tokens),
        )
        return open_model(cell.model, dtype=cell.dtype, adapter=Path(folder) / "adapter")


def measured(engine: Engine, setting: Setting, traits: Sequence[str], scale: str) -> dict[str, float]:
    """The mean share of each trait in greedy replies to the selection cases."""
    recipe = setting.recipe(scale)
    cases = list(setting.cases("selection", 0, scale))
    requests = [
        Request(
            tokens=tuple(chat.prompt_ids(engine.tokenizer, case.messages, system=recipe.system)),
            max_tokens=recipe.generation.max_tokens,
        )
        for case in cases
    ]
    replies = [reply.text for reply in engine.generate(requests)]
    shares = {}
    for metric in setting.metrics:
        if metric.name in traits:
            judge = installed().judge(metric.judge)
            seen = [
                asyncio.run(judged(judge, case, reply)).scores[metric.score]
                for case, reply in zip(cases, replies, strict=True)
            ]
            known = [value for value in seen if value is not None]
            shares[metric.name] = sum(known) / len(known) if known else 0.0
    if not sum(shares.values()):
        raise HarnessError(f"no reply has a share of any of {', '.join(traits)}; choose smaller weights")
    return {trait: shares[trait] / sum(shares.values()) for trait in traits}


def _answer(
    setting: Setting, intervention: str, model: Model, target: Mapping[str, float], low: float, high: float
) -> dict[str, object]:
    whole = sum(target.values())
    wanted = {trait: share / whole for trait, share in target.items()}
    balance = choose(model, wanted, low=low, high=high)
    expected = model.predict(balance)
    return {
        "setting": setting.name,
        "intervention": intervention,
        "weights": weights.spelled(balance),
        "target": wanted,
        "expected": _rounded(expected),
        "expected error": round(distance(expected, wanted), 3),
    }


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {trait: round(share, 3) for trait, share in shares.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("setting")
    parser.add_argument("--targets", nargs="+", required=True, metavar="TRAIT=SHARE,...")
    parser.add_argument("--interventions", nargs="+", choices=(STEERING, PROMPTS), default=[STEERING, PROMPTS])
    parser.add_argument("--size", type=float, default=1.0, help="the largest weight of a vector, raw; a prompt's is 1")
    parser.add_argument("--scale", default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--output", type=Path, help="write the targets and weights to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
