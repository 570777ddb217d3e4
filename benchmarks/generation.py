"""Greedy generation tokens/s: our Inspect provider, and our engine alone, against Inspect's own `hf` provider.

All read the same saved model and answer the same cases, mixed from the setting's splits. Each measurement
is a process of its own, the sides in turn; a warm-up of two cases, which loads the model, does not count.
Tokens are those of the replies' text, and the stop token where a reply ended by itself, for every side.
`hf` puts as many cases in a batch as it has connections.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from benchmarks.measured import DTYPES, SCALE, SETTING, Dtype, Spread, embedded, fresh, machine, said, table

SIDES = ("harness", "harness engine", "hf")
MAX_TOKENS = 80

Replies = Callable[[Sequence[Any]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One pass over the cases: its seconds, its tokens, and the replies."""

    seconds: float
    tokens: int
    replies: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints; with `--side`, measures one side once and prints it as JSON."""
    asked = _parser().parse_args(arguments)
    if asked.side:
        print(json.dumps(asdict(_one(asked))))
        return
    with _saved(asked.run) as model:
        found = {dtype: _measured(dtype, asked, model) for dtype in asked.dtype}
    if asked.json:
        print(json.dumps({"machine": machine(), **{dtype: _figures(sides) for dtype, sides in found.items()}}))
        return
    what = asked.run or "the untrained embedded model"
    print(f"Generation, {asked.cases} cases, greedy, at most {MAX_TOKENS} tokens, {what}; {machine()}\n")
    for dtype, sides in found.items():
        print(_rates(dtype, sides))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks generation", description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run, whose adapter is merged; the base model if left out")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--connections", type=int, default=64, help="of hf: its batch")
    parser.add_argument("--threads", type=int, help="threads that torch may use; all cores if left out")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu, with --threads 1, where it is busy"
    )
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    return parser


def _measured(dtype: Dtype, asked: argparse.Namespace, model: Path) -> dict[str, list[Measured]]:
    sides: dict[str, list[Measured]] = {side: [] for side in asked.sides}
    given = ("--model", str(model), "--cases", str(asked.cases), "--connections", str(asked.connections))
    for repeat in range(asked.repeats):
        for side in asked.sides:
            options = ("--side", side, "--dtype", dtype, "--clock", asked.clock, *given)
            got = fresh("benchmarks.generation", *options, threads=asked.threads)
            one = Measured(seconds=got["seconds"], tokens=got["tokens"], replies=tuple(got["replies"]))
            sides[side].append(one)
            said(f"generation {dtype}, {repeat + 1} of {asked.repeats}, {side}: {one.rate:.0f} tok/s")
    return sides


def _figures(sides: dict[str, list[Measured]]) -> dict[str, Any]:
    return {
        side: {
            "tok_per_s": [one.rate for one in runs],
            "tokens": runs[0].tokens,
            "ratio_to_hf": _ratio(sides, side),
            "replies_as_hf": _identical(sides, side),
        }
        for side, runs in sides.items()
    }


def _ratio(sides: dict[str, list[Measured]], side: str) -> float | None:
    """The median rate of `side` over that of `hf`."""
    if side == "hf" or "hf" not in sides:
        return None
    rates = {name: Spread.of([one.rate for one in sides[name]]).median for name in (side, "hf")}
    return rates[side] / rates["hf"]


def _identical(sides: dict[str, list[Measured]], side: str) -> int | None:
    """How many replies of `side` are, letter for letter, those of `hf`."""
    if side == "hf" or "hf" not in sides:
        return None
    return sum(a == b for a, b in zip(sides[side][0].replies, sides["hf"][0].replies, strict=True))


def _rates(dtype: Dtype, sides: dict[str, list[Measured]]) -> str:
    rows = []
    for side, runs in sides.items():
        ratio, same = _ratio(sides, side), _identical(sides, side)
        cells = Spread.of([one.rate for one in runs]).cells()
        compared = ["", ""] if ratio is None else [f"{ratio:.2f}x", f"{same} of {len(runs[0].replies)}"]
        rows.append([side, *cells, f"{runs[0].tokens:,}", *compared])
    header = ("", "least tok/s", "median tok/s", "greatest tok/s", "tokens", "against hf", "replies as hf's")
    return table(f"generation, {dtype}", header, rows)


@contextmanager
def _saved(run: Path | None) -> Iterator[Path]:
    """A folder with the model of `run`, its adapter merged in fp32; the embedded model where `run` is None."""
    if run is None:
        yield embedded()
        return
    from harness.engine import load
    from harness.models import materialise, resolve
    from harness.runs import read_run

    record = read_run(run)
    if record is None:
        raise SystemExit(f"no run in {run}")
    made = record.made
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = load(materialise(resolve(made.reference)), adapter=run / "adapter" if made.trains else None)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        yield Path(folder)


def _one(asked: argparse.Namespace) -> Measured:
    """One pass of one side over the cases, after its warm-up."""
    side, dtype = asked.side, asked.dtype[0]
    now = time.perf_counter if asked.clock == "wall" else time.process_time
    cases = _cases(asked.cases)
    with tempfile.TemporaryDirectory() as folder, _opened(side, dtype, asked, Path(folder)) as replies_to:
        replies_to(cases[:2])
        began = now()
        replies = replies_to(cases)
        seconds = now() - began
    return Measured(seconds=seconds, tokens=_tokens(asked.model, replies), replies=tuple(replies))


def _cases(count: int) -> list[Any]:
    """The first `count` cases, the setting's splits in turn."""
    from harness.registry import installed

    setting = installed().setting(SETTING)
    splits = dict.fromkeys(metric.split for metric in setting.metrics)
    rounds = zip_longest(*(setting.cases(split, 0, SCALE) for split in splits))
    return [case for case in chain.from_iterable(rounds) if case is not None][:count]


@contextmanager
def _opened(side: str, dtype: Dtype, asked: argparse.Namespace, folder: Path) -> Iterator[Replies]:
    if side == "harness engine":
        yield _engine(asked.model, dtype)
    elif side == "hf":
        yield _hf(asked.model, dtype, asked.connections, folder)
    else:
        from harness.evaluation import hosted, release

        with hosted(opener=lambda run: _loaded(asked.model, dtype)):
            yield _provider(folder)
        release()


def _loaded(model: Path, dtype: Dtype) -> Any:
    from harness.engine import open_model
    from harness.models import resolve

    return open_model(resolve(str(model)), dtype=dtype)


def _engine(model: Path, dtype: Dtype) -> Replies:
    from harness.engine import Request, chat

    engine = _loaded(model, dtype)

    def replies(cases: Sequence[Any]) -> list[str]:
        prompts = [tuple(chat.prompt_ids(engine.tokenizer, case.messages)) for case in cases]
        return [reply.text for reply in engine.generate([Request(tokens=p, max_tokens=MAX_TOKENS) for p in prompts])]

    return replies


def _provider(folder: Path) -> Replies:
    """Our provider over a run folder that names no model: `hosted` gives it one."""
    from inspect_ai.model import get_model

    from harness.cells import Cell
    from harness.registry import installed
    from harness.runs import RunRecord, write_run

    recipe = installed().setting(SETTING).recipe(SCALE)
    cell = Cell(setting=SETTING, intervention="none", scale=SCALE)
    write_run(folder, RunRecord(cell=cell, key="0" * 64, status="done", recipe=recipe))
    return _through_inspect(get_model(f"harness/{folder}"), folder, connections=None)


def _hf(model: Path, dtype: Dtype, connections: int, folder: Path) -> Replies:
    from inspect_ai.model import get_model

    kind = "float32" if dtype == "fp32" else "bfloat16"
    # Sampling at temperature 0, the provider's own way to be greedy, is refused by the library below it.
    hf = get_model("hf/saved", model_path=str(model), tokenizer=str(model), dtype=kind, do_sample=False)
    return _through_inspect(hf, folder, connections=connections)


def _through_inspect(model: Any, folder: Path, *, connections: int | None) -> Replies:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser
    from inspect_ai.solver import generate

    from harness.contracts import Condition
    from harness.evaluation import note

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser}

    def replies(cases: Sequence[Any]) -> list[str]:
        samples = [
            Sample(id=at, input=[kinds[turn.role](content=turn.content) for turn in case.messages])
            for at, case in enumerate(cases)
        ]
        (log,) = eval(
            Task(dataset=samples, solver=generate()),
            model=model,
            temperature=0.0,
            max_tokens=MAX_TOKENS,
            max_connections=connections,
            adaptive_connections=False,
            extra_body=note(Condition(), expect=len(cases)) if connections is None else None,
            display="none",
            log_dir=str(folder / "logs"),
        )
        if log.status != "success" or not log.samples:
            raise SystemExit(f"inspect ended with {log.status}: {log.error.message if log.error else ''}")
        return [sample.output.completion for sample in sorted(log.samples, key=lambda sample: sample.id)]

    return replies


def _tokens(model: Path, replies: Sequence[str]) -> int:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    lengths = [len(tokenizer(reply, add_special_tokens=False)["input_ids"]) for reply in replies]
    return sum(min(length + 1, MAX_TOKENS) for length in lengths)


if __name__ == "__main__":
    main()
