"""Laws of seeds added by looks: what is decided gets no more, a killed sweep goes on where it was, all is locked."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from runs_made_up import CONDITIONS, registry, write_run

from harness import HarnessError, analysis
from harness.cells import Cell
from harness.claims import LockedArm, LockedLooks, as_locked, deviations, judge, lock, planned_looks, read_claims
from harness.cli import main
from harness.models import resolve
from harness.registry import installed, using
from harness.runs import LOCK
from harness.sweep import Experiment, Swept, Where, at_most, deciding, first_look, load, planned_by_looks, until_decided
from harness.sweep.locking import lock_claims
from harness.sweep.schedule import Finished
from harness.sweep.work import Job, Outcome

MODEL = "smollm2_135m"
RATES = {"none": 0.9, "ip": 0.5, "ps": 0.1, "neg_ip": 0.5, "neg_ps": 0.8, "ps_random": 0.9, "base": 0.05}
COMPARE = {
    "clear": "{arm: ps, against: ip, direction: less, smallest: 0.05}",
    "near": "{arm: neg_ps, against: neg_ip, direction: more, smallest: 0.05}",
}


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(registry()):
        yield


class Killed(Exception):
    """What ends a sweep in the middle."""


class Cells:
    """Stands in for a sweep: writes a made-up run for every cell that has none, and notes which."""

    def __init__(self, *, most: int | None = None, broken: Sequence[tuple[str, int]] = ()) -> None:
        self.done: list[tuple[str, int]] = []
        self.most, self.broken = most, broken

    def __call__(self, experiment: Experiment, root: Path, where: Where | None = None, **_: object) -> Swept:
        base = Cell(setting="gcd", intervention="base", model=MODEL)
        finished = []
        for cell in (base, *experiment.cells):
            there = bool(list((root / "gcd" / cell.intervention).glob(f"mini-{MODEL}-s{cell.seed}-*")))
            if len(self.done) == self.most and not there:
                raise Killed
            broken = (cell.intervention, cell.seed) in self.broken
            if not there and not broken:
                written(root, cell)
                self.done.append((cell.intervention, cell.seed))
            job = Job(cell=cell, title=cell.arm, model=MODEL, work=1.0)
            finished.append(Finished(job, Outcome(status="failed" if broken else "done", fresh=not there), 1))
        return Swept(key="0" * 64, before=(), finished=tuple(finished))


def written(runs: Path, cell: Cell) -> None:
    """A run whose rates vary with arm and seed, by the same draw at any time, those of the negative arms most."""
    draw = random.Random(f"{cell.intervention} {cell.seed}")
    most = {"base": 0.0, "neg_ip": 0.2, "neg_ps": 0.2}.get(cell.intervention, 0.06)
    shift = draw.uniform(-most, most)
    rates = dict.fromkeys(CONDITIONS, min(1.0, RATES[cell.intervention] + shift))
    write_run(runs, replace(cell, model=MODEL), rates, inputs={"cell": {"model": resolve(MODEL).digest}})


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "claims.yaml").write_text(
        "title: A study\nsource: made up\nclaims:\n"
        + "".join(
            f"  - {{name: {name}, setting: gcd, says: 'Yes', source: page 1, family: {name}, compare: [{one}]}}\n"
            for name, one in COMPARE.items()
        )
    )
    file = tmp_path / "study.yaml"
    file.write_text(
        "settings: [gcd]\ninterventions: [none, ip, ps, neg_ip, neg_ps, ps_random]\nseeds: [0, 1]\n"
        "claims: claims.yaml\n"
    )
    return load(file)


def carried_out(experiment: Experiment, runs: Path, cells: Cells, *, most: int = 9) -> deciding.Decided:
    looks = planned_by_looks(experiment, runs, most=most)
    lock_claims(at_most(experiment, looks), runs, looks=looks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "sweep", cells)
        return until_decided(experiment, runs, looks=looks, plugins=registry)


def seeds_of(cells: Cells, arm: str) -> list[int]:
    return sorted(seed for name, seed in cells.done if name == arm)


def test_a_claim_that_is_decided_gets_no_more_seeds_and_the_others_go_on(
    experiment: Experiment, tmp_path: Path
) -> None:
    cells = Cells()
    done = carried_out(experiment, tmp_path / "runs", cells)
    assert seeds_of(cells, "ps") == seeds_of(cells, "ip") == [0, 1, 2, 3, 4, 5]
    assert seeds_of(cells, "neg_ps") == seeds_of(cells, "neg_ip") == seeds_of(cells, "none")
    assert len(seeds_of(cells, "neg_ps")) == done.seeds > 6
    assert seeds_of(cells, "ps_random") == []  # no claim needs it
    clear, near = done.standings
    assert (clear.decision.verdict, clear.goes_on) == ("reproduced", False)
    assert not near.goes_on


@pytest.mark.parametrize("most", [7, 31, 38])
def test_a_sweep_that_was_killed_ends_as_one_that_was_not(experiment: Experiment, tmp_path: Path, most: int) -> None:
    whole = Cells()
    expected = carried_out(experiment, tmp_path / "whole", whole)
    first, second = Cells(most=most), Cells()
    with pytest.raises(Killed):
        carried_out(experiment, tmp_path / "runs", first)
    found = carried_out(experiment, tmp_path / "runs", second)
    assert first.done + second.done == whole.done
    assert [one.why for one in found.standings] == [one.why for one in expected.standings]
    again = Cells()
    carried_out(experiment, tmp_path / "runs", again)
    assert again.done == []


def test_a_verdict_stands_when_its_arms_get_more_seeds_for_another_claim(
    experiment: Experiment, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    carried_out(experiment, runs, Cells())
    claims = read_claims(tmp_path / "claims.yaml", registry())
    looks = planned_looks(runs)
    assert looks is not None
    before = judge(claims, analysis.load(runs), registry(), looks=looks)[0]
    for arm, seed in product(("none", "ip", "ps"), (6, 7)):
        if not list((runs / "gcd" / arm).glob(f"*-s{seed}-*")):
            cell = Cell(setting="gcd", intervention=arm, model=MODEL, seed=seed)
            write_run(runs, cell, dict.fromkeys(CONDITIONS, 0.3), inputs={"cell": {"model": resolve(MODEL).digest}})
    after = judge(claims, analysis.load(runs), registry(), looks=looks)[0]
    assert before.verdict == after.verdict == "reproduced"
    assert after.alpha is not None
    assert before.alpha is not None
    assert after.alpha <= before.alpha


def test_a_look_that_lacks_a_seed_is_not_made_and_says_which(experiment: Experiment, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = carried_out(experiment, runs, Cells(broken=[("ps", 1)]))
    (clear,) = (one for one in done.standings if one.name == "clear")
    assert (clear.goes_on, "ps s1" in clear.why) == (False, True)
    assert clear.decision.verdict == "inconclusive"


def test_the_level_of_a_look_is_stricter_than_that_of_one_look_alone(experiment: Experiment, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    carried_out(experiment, runs, Cells())
    claims = read_claims(tmp_path / "claims.yaml", registry())
    for planned, alone in zip(
        judge(claims, analysis.load(runs), registry(), looks=planned_looks(runs)),
        judge(claims, analysis.load(runs), registry()),
        strict=True,
    ):
        assert planned.alpha is not None
        assert alone.alpha is not None
        if planned.parts[0].difference is not None and planned.parts[0].difference.seeds == 6:
            assert planned.alpha > alone.alpha


def test_the_plan_is_locked_and_another_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    carried_out(experiment, runs, Cells())
    fixed = json.loads((runs / LOCK).read_text())
    assert fixed["looks"] == {"seeds": list(range(9)), "at": [6, 7, 8, 9], "spending": "pocock", "alpha": 0.05}
    assert {tuple(arm["seeds"]) for arm in fixed["arms"]} == {tuple(range(9))}
    assert planned_by_looks(experiment, runs) == planned_looks(runs)
    with pytest.raises(HarnessError, match=r"plans other looks at 6 to 9 seeds.*runs folder of its own"):
        carried_out(experiment, runs, Cells(), most=8)
    lock_claims(experiment, tmp_path / "fixed")
    with pytest.raises(HarnessError, match="plans no looks"):
        carried_out(experiment, tmp_path / "fixed", Cells())


def test_the_plan_says_what_it_may_cost_at_most(experiment: Experiment, tmp_path: Path) -> None:
    looks = planned_by_looks(experiment, tmp_path / "runs")
    assert looks.plan.most == 12
    whole = at_most(experiment, looks)
    assert len(whole.cells) == 5 * 12
    assert {cell.seed for cell in first_look(experiment, looks).cells} == set(range(6))
    assert whole.left_out == (
        "looks at 6 to 12 seeds, alpha spent as by pocock: 30 cells at the first, 60 at most, which take 2.0 times as "
        "much; cells that no open claim needs are left out",
        "left out, since no claim needs it: gcd/ps_random",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until", "bored"], "--until 'bored' is no end of a sweep; write --until decided"),
        (["--most-seeds", "6"], "--most-seeds is for looks; give --until decided with it"),
        (["--until", "decided", "--most-seeds", "2"], "write a number from 6 to 100"),
        (["--until", "decided", "--most-seeds", "101"], "write a number from 6 to 100"),
    ],
)
def test_a_plan_that_is_none_is_one_line(
    experiment: Experiment, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["sweep", str(experiment.file), "--dry-run", *options]) == 2
    assert said in capsys.readouterr().err


def test_looks_need_claims_and_room_for_the_seeds_of_the_file(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"names no claims to decide; write claims: FILE"):
        planned_by_looks(replace(experiment, claims=None), tmp_path / "runs")
    many = replace(experiment, cells=tuple(replace(experiment.cells[0], seed=seed) for seed in range(9)))
    with pytest.raises(HarnessError, match="names 9 seeds; write --most-seeds 9 or more"):
        planned_by_looks(many, tmp_path / "runs", most=6)


def test_the_command_tells_every_look_and_ends_with_the_verdicts(
    experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "sweep", Cells())
    command = ["sweep", str(experiment.file), "--runs", str(tmp_path / "runs"), "--until", "decided"]
    assert main(command) == 0
    told = capsys.readouterr()
    assert "look at 6 seeds: 1 of 2 claims need no more" in told.err
    assert "  clear: reproduced" in told.err
    assert "  open: near" in told.err
    assert "60 at most" in told.err
    assert "reproduced" in told.out
    assert "deviation" not in told.out
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["looks"]["at"] == list(range(6, 13))
    assert [(one["claim"], one["open"]) for one in found["claims"]] == [("clear", False), ("near", False)]


# ---- seeds that are not as locked


def locked(tmp_path: Path, seeds: Sequence[int], looks: LockedLooks | None = None) -> Path:
    runs = tmp_path / "runs"
    claims = read_claims(tmp_path / "claims.yaml", installed())
    digest = resolve(MODEL).digest
    arms = [
        LockedArm(setting="gcd", arm=arm, scale="mini", model=digest, seeds=tuple(seeds))
        for arm in ("none", "ip", "ps", "neg_ip", "neg_ps")
    ]
    lock(claims, runs, arms=arms, looks=looks)
    return runs


def filled(runs: Path, seeds: dict[str, Sequence[int]]) -> None:
    for arm, own in {"base": [0], **seeds}.items():
        for seed in own:
            written(runs, Cell(setting="gcd", intervention=arm, model=MODEL, seed=seed))


ALL = ("none", "ip", "ps", "neg_ip", "neg_ps")


def test_seeds_as_locked_are_no_deviation(experiment: Experiment, tmp_path: Path) -> None:
    runs = locked(tmp_path, [0, 1, 2])
    filled(runs, dict.fromkeys(ALL, range(3)))
    assert deviations(read_claims(tmp_path / "claims.yaml", installed()), runs) == ()


@pytest.mark.parametrize(
    ("ps", "said"),
    [
        ([0, 1, 2, 3, 4], "gcd at mini, ps: seeds 3, 4 added, which the lock does not have"),
        ([0, 2], "gcd at mini, ps: seed 1 missing: not run, not finished, or taken away"),
    ],
)
def test_added_and_missing_seeds_are_named_on_the_verdicts_that_they_bear_on(
    experiment: Experiment, tmp_path: Path, ps: list[int], said: str
) -> None:
    runs = locked(tmp_path, [0, 1, 2])
    filled(runs, {**dict.fromkeys(ALL, range(3)), "ps": ps})
    claims = read_claims(tmp_path / "claims.yaml", installed())
    (changed,) = deviations(claims, runs)
    assert (changed.what, changed.claims) == (said, ("clear",))
    studies = analysis.studies(analysis.load(runs), installed())
    (clear, near), told = as_locked(claims, studies, installed(), runs)
    assert told == (changed,)
    assert said in clear.why
    assert "seeds are not as locked" in clear.words
    assert "seed" not in near.words


def test_chosen_seeds_are_named(experiment: Experiment, tmp_path: Path) -> None:
    runs = locked(tmp_path, [0, 1, 2])
    filled(runs, dict.fromkeys(ALL, (4, 5, 9)))
    claims = read_claims(tmp_path / "claims.yaml", installed())
    assert [one.what.partition(": ")[2] for one in deviations(claims, runs)] == [
        "seeds 4, 5, 9 added, which the lock does not have",
        "seeds 0, 1, 2 missing: not run, not finished, or taken away",
    ]


def test_with_looks_an_arm_may_stop_at_any_of_them_and_nowhere_else(experiment: Experiment, tmp_path: Path) -> None:
    looks = LockedLooks(seeds=(0, 1, 2, 3, 4, 5), at=(3, 6), spending="pocock", alpha=0.05)
    runs = locked(tmp_path, looks.seeds, looks)
    filled(runs, {**dict.fromkeys(ALL, range(3)), "ps": [0, 1, 2, 3, 4], "none": range(6)})
    (changed,) = deviations(read_claims(tmp_path / "claims.yaml", installed()), runs)
    assert changed.what == "gcd at mini, ps: seed 5 missing: not run, not finished, or taken away"


def test_claims_locked_without_an_experiment_say_that_no_seeds_were_fixed(
    experiment: Experiment, tmp_path: Path
) -> None:
    claims = read_claims(tmp_path / "claims.yaml", installed())
    lock(claims, tmp_path / "runs")
    (changed,) = deviations(claims, tmp_path / "runs")
    assert "no seeds were fixed with the claims" in changed.what


@pytest.mark.parametrize(
    "looks",
    [
        {"at": []},
        {"at": [6, 6]},
        {"at": [9, 6]},
        {"at": [0, 6]},
        {"at": [6, 10**9]},
        {"seeds": [0, 0, 0, 0, 0, 0]},
        {"spending": "all"},
        {"alpha": "much"},
    ],
)
def test_a_lock_whose_looks_are_no_plan_is_one_line(tmp_path: Path, looks: dict[str, object]) -> None:
    sound = {"seeds": list(range(6)), "at": [3, 6], "spending": "pocock", "alpha": 0.05}
    (tmp_path / LOCK).write_text(json.dumps({"claims": {}, "runs_before": 0, "looks": sound}))
    assert planned_looks(tmp_path) is not None
    (tmp_path / LOCK).write_text(json.dumps({"claims": {}, "runs_before": 0, "looks": {**sound, **looks}}))
    with pytest.raises(HarnessError, match="not a lock of claims"):
        planned_looks(tmp_path)
