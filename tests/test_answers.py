"""Answers in sentences: what they say of made-up experiments with known effects, and that every word is a verdict."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from runs_made_up import cell, registry, write_run, write_study

from harness import Metric, analysis
from harness.claims import Answered, ArmAnswers, answers, judge, read_claims
from harness.registry import Registry
from harness.reporting.answers import of_answers, remedy, sentences
from harness.reporting.forest import forest_figure, of_arms, of_decisions

CLEAN, ASKED = "clean", "prompt:inoculation"
PLAIN, SKILL = 0.8, 0.9
EXPERIMENTS = 50

HEADINGS = {
    "Suppresses": ("reproduced",),
    "Shows less": ("there, size open",),
    "Does not suppress": ("contradicted", "there, too small to count"),
    "Cannot be told from plain training": ("inconclusive", "not run", "invalid"),
}
WAKING = {
    "Leaves something that wakes": ("reproduced", "there, size open"),
    "Leaves nothing that wakes": ("contradicted", "there, too small to count"),
    "Whether": ("inconclusive",),
}


@dataclass(frozen=True)
class Effect:
    """What an arm does in truth: to the trait in clean, to the skill, and what wakes when it is asked for."""

    less: float
    lost: float
    wakes: float


def skilled() -> Registry:
    """The setting of made-up runs with a skill to keep."""
    made = registry()
    setting = made.settings["gcd"]
    skill = Metric(name="solves", judge="claim_affirmation", score="affirms", goal="keep", split="wrong_claim")
    return replace(made, settings={"gcd": replace(setting, metrics=(*setting.metrics, skill))})


def experiment(runs: Path, number: int, *, seeds: int = 5) -> dict[str, Effect]:
    """Runs of `base`, `none`, `ip` and `ps` with effects that are drawn, and seeds that scatter a little."""
    draw = random.Random(number)
    effects = {
        name: Effect(draw.choice((0.0, 0.3, 0.6)), draw.choice((0.0, 0.4)), draw.choice((0.0, 0.5)))
        for name in ("ip", "ps")
    }

    def share(mean: float) -> float:
        return min(1.0, max(0.0, mean + draw.uniform(-0.04, 0.04)))

    write_run(runs, cell("base"), {CLEAN: 0.05, ASKED: 0.1}, others={"solves": {CLEAN: 0.0}})
    for name, effect in {"none": Effect(0, 0, 0), **effects}.items():
        for seed in range(seeds):
            shown = share(PLAIN - effect.less)
            rates = {CLEAN: shown, ASKED: share(shown + 0.05 + effect.wakes)}
            write_run(runs, cell(name, seed=seed), rates, others={"solves": {CLEAN: share(SKILL - effect.lost)}})
    return effects


def answered(runs: Path, known: Registry) -> ArmAnswers:
    (found,) = answers(analysis.studies(analysis.load(runs, key_of=lambda made, dtype: None), known), known)
    return found


def heading_of(label: str, lines: tuple[str, ...], headings: dict[str, tuple[str, ...]]) -> str:
    """The one sentence, by its first words, in which the arm stands."""
    found = [
        heading
        for line in lines
        for heading in headings
        if line.startswith(heading) and re.search(rf"\b{label}\b", line.partition(": ")[2])
    ]
    assert len(found) == 1, (label, found, lines)
    return found[0]


def test_sentences_agree_with_the_verdicts_of_fifty_experiments_and_with_what_was_put_in(tmp_path: Path) -> None:
    known, wrong = skilled(), 0
    for number in range(EXPERIMENTS):
        runs = tmp_path / str(number)
        effects = experiment(runs, number)
        answer = answered(runs, known)
        lines = sentences(answer)
        for one in answer.arms:
            label, effect = one.arm.label, effects[one.arm.label]
            assert one.less.verdict in HEADINGS[heading_of(label, lines, HEADINGS)]
            assert one.wakes is not None
            assert one.wakes.verdict in WAKING[heading_of(label, lines, WAKING)]
            assert one.kept is not None
            suppressing = next((line for line in lines if line.startswith("Suppresses") and f" {label} (" in line), "")
            if suppressing:
                words = {"reproduced": "and keeps", "contradicted": "falls by", "inconclusive": "is open"}
                assert words[one.kept.verdict] in suppressing
            wrong += one.less.verdict == "reproduced" and effect.less == 0
            wrong += one.less.verdict == "contradicted" and effect.less > 0
            wrong += one.kept.verdict == "reproduced" and effect.lost > 0
            wrong += one.kept.verdict == "contradicted" and effect.lost == 0
            room = min(effect.wakes, 0.15 + effect.less)  # nothing can be more than all
            wrong += one.wakes.verdict == "reproduced" and effect.wakes == 0
            wrong += one.wakes.verdict == "contradicted" and room > 0.2
    assert wrong == 0


def test_most_of_the_fifty_are_decided(tmp_path: Path) -> None:
    known, decided = skilled(), 0
    for number in range(10):
        experiment(tmp_path / str(number), number)
        decided += sum(one.less.verdict != "inconclusive" for one in answered(tmp_path / str(number), known).arms)
    assert decided >= 16


def test_answers_are_the_verdicts_of_a_file_that_claims_the_same(tmp_path: Path) -> None:
    """The same comparisons, written down as claims of the same families, are decided alike."""
    runs, known = tmp_path / "runs", skilled()
    experiment(runs, 3)
    compared = {
        "less": "{arm: ARM, against: none, direction: less, smallest: 0.1}",
        "kept": "{metric: solves, arm: none, against: ARM, direction: no more, smallest: 0.1}",
        "wakes": "{arm: ARM, against: base, direction: more, smallest: 0.1, measure: leak, condition: triggers}",
    }
    claims = [
        f"  - {{name: {kind} {arm}, setting: gcd, says: x, source: x, family: {kind}, compare: [{one}]}}\n"
        for arm in ("ip", "ps")
        for kind, one in ((kind, text.replace("ARM", arm)) for kind, text in compared.items())
    ]
    file = tmp_path / "claims.yaml"
    file.write_text("title: t\nsource: s\nclaims:\n" + "".join(claims))
    results = analysis.load(runs, key_of=lambda made, dtype: None)
    written = {one.claim.name: one for one in judge(read_claims(file, known), results, known)}
    for one in answered(runs, known).arms:
        for kind in compared:
            own = getattr(one, kind)
            assert own is not None
            assert (own.verdict, own.alpha) == (
                written[f"{kind} {one.arm.label}"].verdict,
                written[f"{kind} {one.arm.label}"].alpha,
            )


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_are_said_for_all_arms_at_once(seeds: int, tmp_path: Path) -> None:
    experiment(tmp_path, 0, seeds=seeds)
    (line,) = [one for one in sentences(answered(tmp_path, skilled())) if one.startswith("Cannot be told")]
    assert line.startswith("Cannot be told from plain training: ip, ps: ")
    assert "3 or more are needed" in line


def test_a_gate_that_failed_is_told_with_what_to_change(tmp_path: Path) -> None:
    for name in ("base", "none", "ip"):
        for seed in range(1 if name == "base" else 3):
            write_run(tmp_path, cell(name, seed=seed), {CLEAN: 0.05, ASKED: 0.1})
    known = registry()
    setting = known.settings["gcd"]
    taught = replace(setting, metrics=(replace(setting.metrics[0], learned=0.5),))
    (line, *_) = [
        one for one in sentences(answered(tmp_path, replace(known, settings={"gcd": taught}))) if "learned_" in one
    ]
    assert "harness calibrate" in line


def test_a_placebo_that_does_the_same_is_told(tmp_path: Path) -> None:
    write_run(tmp_path, cell("base"), {CLEAN: 0.0})
    for seed in range(6):
        for name, rate in (("none", 0.9), ("ps", 0.2), ("ps_random", 0.2)):
            write_run(tmp_path, cell(name, seed=seed), {CLEAN: rate}, inputs={"steering": {"way": "add"}})
    lines = sentences(answered(tmp_path, registry()))
    assert any(line.startswith("Suppresses no more than its placebo") and " ps (" in line for line in lines)
    assert any(line.startswith("A placebo that suppresses the trait by itself: ps_random") for line in lines)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (("base", "ip"), "plain training, the arm none, was not run"),
        (("base", "none"), "Only plain training was run"),
    ],
)
def test_where_nothing_can_be_answered_a_sentence_says_why(
    arms: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    for name in arms:
        write_run(tmp_path, cell(name), {CLEAN: 0.5})
    (line,) = sentences(answered(tmp_path, registry()))
    assert expected in line


def test_of_a_score_that_is_no_share_nothing_is_said_in_points(tmp_path: Path) -> None:
    for name in ("none", "ip"):
        file = write_run(tmp_path, cell(name), {CLEAN: 0.5}) / "results.jsonl"
        file.write_text(file.read_text().replace('"value": 1.0', '"value": 70.0'))
    (line,) = sentences(answered(tmp_path, registry()))
    assert "affirms_wrong is no share from 0 to 1" in line


def test_the_section_has_a_word_for_every_verdict_and_the_figure_a_mark(tmp_path: Path) -> None:
    known = registry()
    (table,) = analysis.tables(analysis.load(write_study(tmp_path), key_of=lambda made, dtype: None), known)
    (section,) = of_answers([table])
    answer: ArmAnswers = answered(tmp_path, known)
    assert [row[0] for row in section.rows] == [one.arm.label for one in answer.arms]
    assert all(cell for row in section.rows for cell in row)
    forest = of_arms(answer)
    assert forest is not None
    assert len(forest.csv().splitlines()) == 1 + sum(mark is not None for lane in forest.lanes for mark in lane.marks)
    texts = {text.get_text() for text in forest_figure(forest).axes[0].texts}
    assert {one.arm.label for one in answer.arms} <= texts
    decided: list[Answered] = list(answer.arms)
    claims = of_decisions([one.less for one in decided])
    assert claims is not None
    assert all(one.less.verdict in claims.csv() for one in decided)


@pytest.mark.parametrize(
    "gate",
    [
        *("judge_could_tell", "learned_solves", "taught_evil", "absent_before_evil", "loss_went_down"),
        *("steered_every_step", "same_template", "setting_known"),
    ],
)
def test_every_gate_that_can_fail_has_a_remedy(gate: str) -> None:
    assert remedy(gate)
