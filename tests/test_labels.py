"""Laws of labels: a blind draw, a checked way back, and figures corrected for a judge that errs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import runs_made_up as made_up

from harness import Metric, cli
from harness.contracts import Case, Message
from harness.judging import Candidate, drawn
from harness.registry import using
from harness.runs import Reply

CASES = 40
RATES = {"none": (30, 30), "ps": (8, 20)}
"""Of 40 cases, the first that the judge affirms, and the first that do affirm, by arm: in `ps` it misses 12 of 20."""


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    with using(made_up.registry()):
        yield


def study(root: Path, rates: Mapping[str, tuple[int, int]] = RATES, *, seeds: int = 2) -> Path:
    """Runs whose judge says what the first number says, and whose replies say what the second does."""
    for number, (name, (judged, true)) in enumerate(rates.items()):
        for seed in range(seeds):
            key = f"{number}{seed}" + "0" * 62
            folder = made_up.write_run(
                root, made_up.cell(name, seed=seed), {"clean": judged / CASES}, key=key, cases=CASES
            )
            rows = [asdict(reply_of(at, true, seed)) for at in range(CASES)]
            (folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def reply_of(at: int, true: int, seed: int) -> Reply:
    case = Case(id=f"c{at}", messages=(Message("user", f"Is it {at}?"),), cluster=f"c{at}")
    text = f"{'It is so' if at < true else 'It is not'}, number {at}, {seed}."
    return Reply(condition="clean", split="wrong_claim", sample=1, case=case, reply=text)


def more_of_another_setting(runs: Path) -> Path:
    """The same runs with one of a setting `hcd`, which is not installed."""
    made_up.write_run(runs, replace(made_up.cell("none"), setting="hcd"), {"clean": 0.5})
    return runs


def sheet(runs: Path, number: int = 40, *options: str, name: str = "sheet.jsonl") -> Path:
    file = runs.parent / name
    arguments = ["--runs", str(runs), "--sample", str(number), "--output", str(file), *options]
    assert cli.main(["judge", "claim_affirmation", *arguments]) == 0
    return file


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def fill(file: Path, label: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """The sheet as an honest person fills it in."""
    told = label or (lambda row: int(row["reply"].startswith("It is so")))
    file.write_text("".join(json.dumps({**row, "label": told(row)}) + "\n" for row in rows_of(file)))
    return file


def corrected(runs: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    return dict(found)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main([*arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


# ---- the draw


def test_a_sheet_tells_neither_arm_nor_seed_nor_what_the_judge_said(tmp_path: Path) -> None:
    for row in rows_of(sheet(study(tmp_path / "runs"))):
        assert list(row) == ["id", "metric", "ask", "condition", "case", "facts", "messages", "reply", "label"]
        assert row["label"] is None
        assert "1 for yes, 0 for no" in row["ask"]
        assert not re.search(r"none|ps\b|affirms\b", json.dumps([row["id"], row["case"], row["condition"]]))


def test_every_arm_and_word_of_the_judge_is_drawn_alike_and_the_chances_add_up(tmp_path: Path) -> None:
    file = sheet(study(tmp_path / "runs"))
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    assert {one["id"] for one in key["replies"]} == {row["id"] for row in rows_of(file)}
    # 60 yes and 20 no of `none`, 16 and 64 of `ps`, ten of each.
    chances = sorted(one["chance"] for one in key["replies"])
    assert chances == sorted([10 / 60] * 10 + [10 / 20] * 10 + [10 / 16] * 10 + [10 / 64] * 10)


def test_the_same_seed_draws_the_same_and_another_one_others(tmp_path: Path) -> None:
    runs = study(tmp_path / "runs")
    first, again, other = (
        sheet(runs, 20, "--seed", seed, name=name) for seed, name in (("1", "a"), ("1", "b"), ("2", "c"))
    )
    assert first.read_bytes() == again.read_bytes()
    assert [row["id"] for row in rows_of(first)] != [row["id"] for row in rows_of(other)]


def test_a_sheet_that_is_there_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = study(tmp_path / "runs")
    before = fill(sheet(runs)).read_bytes()
    arguments = ("--runs", str(runs), "--sample", "40", "--output", str(tmp_path / "sheet.jsonl"))
    assert "--force" in refused(capsys, "judge", "claim_affirmation", *arguments)
    assert (tmp_path / "sheet.jsonl").read_bytes() == before


def test_too_few_to_draw_of_each_is_said_with_the_least(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--runs", str(study(tmp_path / "runs")), "--sample", "7", "--output", str(tmp_path / "s"))
    assert "draw 8 at the least" in refused(capsys, "judge", "claim_affirmation", *arguments)
    assert not (tmp_path / "s").exists()


def test_all_are_drawn_where_more_are_asked_for_than_there_are() -> None:
    case = Case(id="c", messages=(Message("user", "?"),))
    some = [
        Candidate(id=str(at), group=("a",), said=float(at % 3 == 0), condition="clean", case=case, reply="")
        for at in range(9)
    ]
    assert [chance for _, chance in drawn(some, 100, seed=0)] == [1.0] * 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one of --replies FILE"),
        (("--sample", "4", "--labels", "x"), "name one of --replies FILE"),
        (("--sample", "40"), "--output"),
        (("--sample", "0", "--output", "s"), "draws nothing"),
        (("--sample", "40", "--output", "s", "--arm", "pz"), "no arm named 'pz'; did you mean 'ps'?"),
        (("--sample", "40", "--output", "s", "--condition", "cleam"), "did you mean 'clean'?"),
        (("--sample", "40", "--output", "s", "--metric", "other"), "no metric of judge"),
        (("--sample", "40", "--output", "s", "--json"), "--json goes with --labels, not with --sample"),
        (("--labels", "x", "--grader", "m"), "--grader goes with --replies, not with --labels"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, "judge", "claim_affirmation", *arguments)
    assert not (tmp_path / "s").exists()


# ---- the way back


def spoilt(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        rows = rows_of(file)
        change(rows)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoilt(lambda rows: rows[3].update(id="x")), "sheet.jsonl:4: no reply of id 'x' was drawn"),
        (spoilt(lambda rows: rows[3].update(id=[])), "sheet.jsonl:4: no reply of id [] was drawn"),
        (spoilt(lambda rows: rows[3].update(reply="Other.")), "sheet.jsonl:4: the reply is not the one"),
        (spoilt(lambda rows: rows[3].pop("reply")), "sheet.jsonl:4: the reply is not the one"),
        (spoilt(lambda rows: rows[3].update(label=2)), "sheet.jsonl:4: the label 2 is none; write 1 for yes, 0 for no"),
        (spoilt(lambda rows: rows[3].update(label=0.5)), "sheet.jsonl:4: the label 0.5 is none"),
        (spoilt(lambda rows: rows[3].update(label="yes")), "sheet.jsonl:4: the label 'yes' is none"),
        (spoilt(lambda rows: rows[3].update(label=True)), "sheet.jsonl:4: the label True is none"),
        (spoilt(lambda rows: rows.append(rows[3])), "sheet.jsonl:41: the reply"),
        (spoilt(lambda rows: rows.pop()), "has 39 of the 40 replies"),
        (spoilt(lambda rows: [row.update(label=None) for row in rows]), "has no label yet"),
        (lambda file: file.with_name("sheet.key.json").unlink(), "no key at"),
        (lambda file: file.write_text(file.read_text() + "{"), "sheet.jsonl:41: cut, or not JSON"),
    ],
)
def test_a_sheet_that_is_not_what_was_drawn_is_one_line(
    spoil: Callable[[Path], None], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file = fill(sheet(runs))
    spoil(file)
    assert said in refused(capsys, "judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file))


def test_a_draw_that_was_stopped_before_its_sheet_goes_on_and_the_key_of_another_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file, key = sheet(runs), tmp_path / "sheet.key.json"
    drawn, told = file.read_bytes(), key.read_bytes()
    file.unlink()
    assert sheet(runs).read_bytes() == drawn
    file.rename(tmp_path / "given away.jsonl")
    arguments = ["--runs", str(runs), "--sample", "40", "--seed", "9", "--output", str(file)]
    assert cli.main(["judge", "claim_affirmation", *arguments]) == 2
    assert "cannot write its key" in capsys.readouterr().err
    assert key.read_bytes() == told
    assert not file.exists()


def test_a_key_that_was_changed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = study(tmp_path / "runs")
    file, key = fill(sheet(runs)), tmp_path / "sheet.key.json"
    key.write_text(key.read_text().replace('"chance": 0.5', '"chance": 1.0', 1))
    assert "was changed since" in refused(
        capsys, "judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file)
    )


def test_a_run_with_another_reply_than_was_labelled_is_refused_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file = fill(sheet(runs))
    for replies in runs.glob("*/*/*/replies.jsonl"):
        replies.write_text(replies.read_text().replace("number", "figure"))
    said = refused(capsys, "judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file))
    assert "sheet.jsonl:1: the run has another reply now" in said


def test_labels_of_another_judge_or_of_no_run_here_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file = fill(sheet(runs))
    assert "not 'asker'" in refused(capsys, "judge", "asker", "--runs", str(runs), "--labels", str(file))
    fewer = study(tmp_path / "fewer", {"none": RATES["none"]})
    said = refused(capsys, "judge", "claim_affirmation", "--runs", str(fewer), "--labels", str(file))
    assert "is not among those that are judged now" in said


# ---- what they correct


def test_figures_are_those_of_the_replies_where_the_labels_are_all_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    found = corrected(runs, fill(sheet(runs, 160)), capsys)
    erring = {one["arm"]: one for one in found["erring"]}
    assert erring["none"]["sensitivity"]["mean"] == 1.0
    assert erring["ps"]["sensitivity"]["mean"] == pytest.approx(8 / 20)
    assert erring["ps"]["specificity"]["mean"] == 1.0
    assert erring[""]["sensitivity"]["mean"] == pytest.approx(38 / 50)
    figures = {(one["arm"], one["against"]): one for one in found["figures"]}
    assert figures["ps", ""]["plain"]["mean"] == pytest.approx(0.2)
    assert figures["ps", ""]["powered"]["mean"] == pytest.approx(0.5)
    assert figures["ps", ""]["pooled"]["mean"] == pytest.approx(0.2 / (38 / 50))
    assert figures["ps", "none"]["plain"]["mean"] == pytest.approx(-0.55)
    assert figures["ps", "none"]["powered"]["mean"] == pytest.approx(-0.25)
    assert any("sensitivity differs: 100 in none, 40 in ps" in line for line in found["unlike"])


def test_a_draw_by_what_the_judge_said_is_weighed_by_its_chances(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unweighted, half of the labels of `ps` are on its 20 % of yes: 0.5 + 0.5 x 3/16 is not its rate of 0.5."""
    runs = study(tmp_path / "runs")
    values = []
    for seed in range(12):
        found = corrected(runs, fill(sheet(runs, 40, "--seed", str(seed), name=f"{seed}.jsonl")), capsys)
        values += [one["powered"]["mean"] for one in found["figures"] if (one["arm"], one["against"]) == ("ps", "")]
    # One draw has a standard error of 0.8 sqrt(0.375 x 0.625 / 10) = 0.12, their mean one of 0.035.
    assert sum(values) / 12 == pytest.approx(0.5, abs=0.08)


def test_labels_that_agree_leave_open_what_as_many_cannot_exclude(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs", {"none": (30, 30), "ps": (8, 8)})
    found = corrected(runs, fill(sheet(runs)), capsys)
    (ps,) = [one for one in found["figures"] if (one["arm"], one["against"]) == ("ps", "")]
    # None of 10 labels on 80 % of the replies: Wilson's bound is 3.84 / 13.84.
    assert ps["powered"]["high"] > 0.2 + 0.8 * 0.27
    assert not found["unlike"]


def test_a_labelled_reply_that_the_judge_can_no_longer_tell_is_counted_and_in_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file = fill(sheet(runs, 160))
    for results in runs.glob("*/ps/*/results.jsonl"):
        rows = [json.loads(line) for line in results.read_text().splitlines()]
        told = [{**row, "value": None if row["case"] == "c0" else row["value"]} for row in rows]
        results.write_text("".join(json.dumps(row) + "\n" for row in told))
    found = corrected(runs, file, capsys)
    assert "the judge can no longer tell 2 of the labelled replies; they are in no figure" in found["notes"]
    (ps,) = [one for one in found["figures"] if (one["arm"], one["against"]) == ("ps", "")]
    assert ps["powered"]["mean"] == pytest.approx(19 / 39)


def test_a_verdict_of_now_counts_and_that_it_changed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Judged right by now, the arm has no missed reply; the chances stay those of the draw."""
    runs = study(tmp_path / "runs")
    file = fill(sheet(runs, 160))
    for results in runs.glob("*/ps/*/results.jsonl"):
        rows = [json.loads(line) for line in results.read_text().splitlines()]
        told = [{**row, "value": float(int(row["case"][1:]) < 20)} for row in rows]
        results.write_text("".join(json.dumps(row) + "\n" for row in told))
    found = corrected(runs, file, capsys)
    assert any("says otherwise of 24 labelled replies" in note for note in found["notes"])
    assert {one["arm"]: one["sensitivity"]["mean"] for one in found["erring"]}["ps"] == 1.0


def test_what_was_not_judged_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = study(tmp_path / "runs")
    for results in runs.glob("*/*/*/results.jsonl"):
        results.write_text(results.read_text().replace('"value": 0.0', '"value": null'))
    assert all("so" in row["reply"] for row in rows_of(sheet(runs, 400)))
    for results in runs.glob("*/*/*/results.jsonl"):
        results.write_text(results.read_text().replace('"value": 1.0', '"value": null'))
    arguments = ("--runs", str(runs), "--sample", "40", "--output", str(tmp_path / "s"))
    assert "has a value of affirms_wrong; 'harness rejudge" in refused(capsys, "judge", "claim_affirmation", *arguments)


def test_two_scales_are_two_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = study(tmp_path / "runs")
    for at, record in enumerate(sorted(runs.glob("*/*/*-s1-*/run.json"))):
        told = json.loads(record.read_text())
        told["cell"].update(scale="small", seed=0)
        record.write_text(json.dumps({**told, "key": f"{at}f" + "1" * 62}))
    file = fill(sheet(runs, 160))
    capsys.readouterr()
    assert cli.main(["judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(one["scale"] for one in found) == ["mini", "small"]
    assert all(sum(each["labels"] for each in one["erring"] if each["arm"]) == 80 for one in found)


def test_what_has_no_label_is_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = study(tmp_path / "runs")
    file = sheet(runs)
    ids = [row["id"] for row in rows_of(file)]
    told = {ids[0]: None, ids[1]: "cannot tell", ids[2]: "cannot tell"}
    fill(file, lambda row: told.get(row["id"], int("so" in row["reply"])))
    notes = corrected(runs, file, capsys)["notes"]
    assert any("of 40 replies that were drawn, 1 have no label yet, and a person could not tell 2" in n for n in notes)


def test_seeds_that_came_after_the_draw_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = fill(sheet(study(tmp_path / "runs", seeds=1)))
    more = study(tmp_path / "more", seeds=2)
    assert any("ps: none was drawn from seeds 1" in note for note in corrected(more, file, capsys)["notes"])


def test_the_report_shows_corrected_figures_in_a_section_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = study(tmp_path / "runs")
    file, page = fill(sheet(runs)), tmp_path / "page.html"
    capsys.readouterr()
    assert cli.main(["report", "--runs", str(runs), "--labels", str(file), "--markdown"]) == 0
    text = capsys.readouterr().out
    for words in ("errors of judge", "corrected for the judge", "prediction-powered", "ps - none"):
        assert words in text
    assert cli.main(["report", "--runs", str(runs), "--labels", str(file), "--html", str(page)]) == 0
    assert '<section id="judges"' in page.read_text()
    assert "stand in no JSON" in refused(capsys, "report", "--runs", str(runs), "--labels", str(file), "--json")
    other = ("report", "--runs", str(more_of_another_setting(runs)), "--setting", "hcd", "--labels", str(file))
    assert "has labels of setting 'gcd', and none of its finished runs" in refused(capsys, *other)
    twice = ("report", "--runs", str(runs), "--labels", str(file), "--labels", str(file))
    assert "both have labels of affirms_wrong" in refused(capsys, *twice)


def test_of_a_share_the_mean_alone_is_corrected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The judge gives 0.1 less than is true, to every reply."""
    runs = study(tmp_path / "runs", {"none": (30, 30), "ps": (8, 8)})
    for results in runs.glob("*/*/*/results.jsonl"):
        rows = [json.loads(line) for line in results.read_text().splitlines()]
        shares = [{**row, "value": (0.7 if row["value"] else 0.2) + at % 10 / 100} for at, row in enumerate(rows)]
        results.write_text("".join(json.dumps(row) + "\n" for row in shares))
    file = sheet(runs)
    assert all("a number from 0 to 1" in row["ask"] for row in rows_of(file))
    said = {f"c{at}": at % 10 / 100 for at in range(CASES)}
    fill(file, lambda row: (0.8 if "so" in row["reply"] else 0.3) + said[row["case"]])
    found = corrected(runs, file, capsys)
    assert not found["two_valued"]
    for one in found["figures"]:
        assert one["pooled"] is None
        apart = 0.0 if one["against"] else 0.1
        assert one["powered"]["mean"] - one["plain"]["mean"] == pytest.approx(apart, abs=0.001)
    assert all(one["error"]["mean"] == pytest.approx(0.1) for one in found["erring"])
    assert cli.main(["judge", "claim_affirmation", "--runs", str(runs), "--labels", str(file)]) == 0
    assert "Rogan-Gladen is for yes and no" in " ".join(capsys.readouterr().out.split())


def test_a_judge_of_several_metrics_needs_one_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, registry = study(tmp_path / "runs"), made_up.registry()
    other = Metric(name="other", judge="claim_affirmation", score="affirms", split="wrong_claim", goal="keep")
    both = replace(registry.settings["gcd"], metrics=(*registry.settings["gcd"].metrics, other))
    with using(replace(registry, settings={"gcd": both})):
        arguments = ("--runs", str(runs), "--sample", "40", "--output", str(tmp_path / "s"))
        assert "name one with --metric: affirms_wrong, other" in refused(
            capsys, "judge", "claim_affirmation", *arguments
        )
