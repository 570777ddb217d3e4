"""The tour's code runs as it stands on its page; only the model, the rows and the cases are smaller here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from test_docs import code_blocks

from harness import Case, Example, Generation, ReplyPair, Setting
from harness.registry import Registry, installed, using
from harness.testing import tiny_model

PAGE = Path(__file__).parent.parent / "docs" / "tour.md"


def test_the_tours_lines_train_evaluate_and_print_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = code_blocks(PAGE)
    assert len([line for line in block.splitlines() if line.strip()]) <= 12
    monkeypatch.chdir(tmp_path)
    with using(small(installed(), "gcd_sycophancy", tiny_model(tmp_path / "model"))):
        exec(compile(block, str(PAGE), "exec"), {})
    page = capsys.readouterr().out
    assert "gcd_sycophancy, mini" in page
    assert page.rstrip().splitlines()[-1] == f"inspect view --log-dir {Path('runs/tour')}"
    assert {folder.name for folder in (tmp_path / "runs" / "tour" / "gcd_sycophancy").iterdir()} == {
        "base",
        "none",
        "ps",
    }


def small(found: Registry, name: str, model: Path) -> Registry:
    """`found`, where the setting has 8 rows, 2 cases of each split, short replies and `model`."""
    setting = found.settings[name]
    vectors = {one: replace(spec, replies=first_replies(setting, one)) for one, spec in setting.vectors.items()}
    mini = setting.recipes["mini"]
    assert mini.steering is not None
    recipe = replace(
        mini,
        model=str(model),
        epochs=1,
        dtype="fp32",
        generation=Generation(max_tokens=4),
        steering=replace(mini.steering, blocks=(1,)),
    )
    smaller = replace(
        setting,
        examples=lambda seed, scale: first(setting.examples(seed, scale), 8),
        cases=lambda split, seed, scale: first_cases(setting.cases(split, seed, scale)),
        vectors=vectors,
        conditions={**setting.conditions, "mini": setting.conditions["mini"][:2]},
        recipes={**setting.recipes, "mini": recipe},
    )
    return replace(found, settings={**found.settings, name: smaller})


def first(rows: Sequence[Example], count: int) -> list[Example]:
    return list(rows)[:count]


def first_cases(cases: Sequence[Case]) -> list[Case]:
    return list(cases)[:2]


def first_replies(setting: Setting, name: str) -> Callable[[str], Sequence[ReplyPair]] | None:
    replies = setting.vectors[name].replies
    return None if replies is None else lambda scale: list(replies(scale))[:4]
