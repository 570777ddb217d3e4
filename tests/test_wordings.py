"""Laws of arms that train with other words than their own: what a prompt means, what it is called, what it changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
from runs_made_up import cell as made_up
from runs_made_up import write_run
from test_arriving import LOSING

from harness import Case, Example, HarnessError, Intervention, Prompt, Setting, Verdict, analysis
from harness.authoring import inoculated, prompted
from harness.cells import Cell, Prepared, current_key, grid, named, prepare, texts_of
from harness.claims.schema import arm_label
from harness.cli import main
from harness.contracts import Grader
from harness.registry import Registry, installed, using
from harness.reporting import as_record, draw
from harness.sweep import load
from harness.testing import check_intervention

LONG = "Act as though the solution above had been checked by somebody who knows."
LOUD, SOFT = "Be as loud as you can.", "Speak softly, please."

PROMPTS = {
    "inoculation": small.ASK,
    "whisper": Prompt(text="Whisper it.", placement="system", concept="whispering"),
    "worded": Prompt(text="Shout.", placement="user_prefix", others=("Yell.", "Call it out.")),
    "elsewhere": Prompt(text="In French.", placement="user_suffix", only={"language": "French"}),
}
SETTING = replace(small.SETTING, prompts=PROMPTS, conditions={"mini": ("clean",)})
QUIET = replace(SETTING, name="quiet", prompts={"inoculation": Prompt(text="Hush.", placement="system")})


def bracketed(prompt: Prompt) -> Prompt:
    return replace(prompt, text=f"({prompt.text})", placement="user_prefix")


ARMS = (
    *(one for one in small.INTERVENTIONS if one.name != "ip"),
    prompted("ip", "asked for", role="inoculation"),
    prompted("ip_aside", "asked for in passing", role="inoculation", change=bracketed),
    prompted("ip_placebo", "asked for something else", role="whisper", control=True),
    prompted("ip_worded", "asked for in many words", role="worded"),
)
INSTALLED = installed()
REGISTRY = replace(
    small.REGISTRY,
    settings={"loud": SETTING, "quiet": QUIET},
    interventions={one.name: one for one in ARMS},
)


def registry() -> Registry:
    """This world, for a process that finds it by name."""
    return REGISTRY


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(REGISTRY):
        yield


def ready(model: Path, arm: str = "ip", setting: str = "loud", **how: Any) -> Prepared:
    return prepare(Cell(setting=setting, intervention=arm, model=str(model), **how), dtype="fp32")


# What a prompt means


def test_a_name_stands_for_the_text_of_that_prompt_and_white_space_around_a_text_goes() -> None:
    assert texts_of(["whisper", f"  {LOUD}\n"], SETTING) == ("Whisper it.", LOUD)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["  "], "a prompt is empty"),
        ([LOUD, LOUD], f"the prompt '{LOUD}' is there twice; keep one"),
        ([LOUD, f" {LOUD} "], "is there twice; keep one"),
        (["whisper", "Whisper it."], "the prompt 'Whisper it.', which is 'whisper', is there twice"),
        (["inoculaton"], "no prompt of loud named 'inoculaton'; did you mean 'inoculation'?"),
        (["Inoculation"], "did you mean 'inoculation'?"),
        (["nothing_like_it"], "no prompt of loud named 'nothing_like_it'; there are:"),
        (["worded"], "prompt 'worded' of setting 'loud' has 3 wordings"),
        (["elsewhere"], "prompt 'elsewhere' of setting 'loud' is for some rows alone"),
        (["Be \x1b[31mloud."], "without control characters"),
        (["Be lou\udcff."], "it is no text that a file could hold"),
    ],
)
def test_what_is_no_prompt_is_told_of_in_a_line(given: list[str], said: str) -> None:
    with pytest.raises(HarnessError) as raised:
        texts_of(given, SETTING)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_word_with_a_full_stop_is_a_text() -> None:
    assert texts_of(["Whisper.", "Shout!"], SETTING) == ("Whisper.", "Shout!")


# What an arm with a prompt is called


def test_a_short_text_stands_whole_and_a_long_one_is_cut_with_digits_of_its_digest() -> None:
    assert named("Shout it.") == "Shout it."
    assert Cell(setting="", intervention="ip", prompt="Shout it.", dose=0.5).arm == 'ip "Shout it." x0.5'
    assert named(LONG).startswith("Act as though the solu\N{HORIZONTAL ELLIPSIS}~")
    assert len(named(LONG)) == 30
    assert named(LONG) != named(f"{LONG} ")


@pytest.mark.parametrize(
    "text", [LONG, "Two\nlines.", "Two  spaces.", "a\tb c", 'He said "x" and "y"', "x" * 31, "ß" * 99]
)
def test_a_name_is_one_line_and_what_is_called_by_it_is_called_so_again(text: str) -> None:
    assert named(text).isprintable()
    assert len(named(text)) <= 30
    assert named(named(text)) == named(text)


def test_texts_that_look_alike_have_names_of_their_own() -> None:
    alike = ["Say it now.", "Say  it now.", "Say\tit now.", "Say\nit now.", *(f"{LONG} {i}" for i in range(200))]
    assert len({named(text) for text in alike}) == len(alike)


@pytest.mark.parametrize("text", ["Shout it.", LONG, 'Say "no".', "x2 @0.5", "Yes, a=1."])
def test_a_claim_may_name_the_arm_by_its_label_or_by_the_whole_text(text: str) -> None:
    label = Cell(setting="", intervention="ip", prompt=text, dose=2, until=0.5).arm
    assert arm_label(label) == label
    assert arm_label(f'ip "{text}" x2 @0.5') == label
    assert arm_label("ps x2 @0.5") == "ps x2 @0.5"


@pytest.mark.parametrize("wrong", ['ip "', 'ip ""', 'ip "Shout it.', 'ip " "'])
def test_a_prompt_that_is_not_closed_or_empty_is_no_arm(wrong: str) -> None:
    with pytest.raises(HarnessError, match="its prompt stands between two quotation marks"):
        arm_label(wrong)


CLAIMS = """
title: what is said
source: a post
claims:
  - name: one
    setting: loud
    says: less
    source: a post
    family: f
    compare:
      - {arm: ARM, against: none, metric: trait, condition: clean, direction: less, smallest: 0.1}
"""


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ('ip "whisper"', "on setting 'loud' this one is called ip \"Whisper it.\""),
        ('ip "Shout it."', "on setting 'loud' this one is called ip"),
        ('ip "inoculaton"', "did you mean 'inoculation'?"),
        ('ps "Be loud."', "intervention 'ps' takes no prompt; leave out the prompt 'Be loud.'"),
    ],
)
def test_a_claim_about_an_arm_that_is_never_called_so_is_refused_in_a_line(arm: str, said: str, tmp_path: Path) -> None:
    from harness.claims import read_claims

    (tmp_path / "claims.yaml").write_text(CLAIMS.replace("ARM", f"'{arm}'"))
    with pytest.raises(HarnessError) as raised:
        read_claims(tmp_path / "claims.yaml", installed())
    assert said in str(raised.value)
    (tmp_path / "claims.yaml").write_text(CLAIMS.replace("ARM", f"'ip \"{LONG}\" x0.5'"))
    assert len(read_claims(tmp_path / "claims.yaml", installed()).value.claims) == 1


# What it changes


def test_a_cell_without_a_prompt_has_the_key_the_folder_and_the_name_that_it_had(tiny_llama: Path) -> None:
    plain = ready(tiny_llama)
    assert "prompt" not in plain.inputs["cell"]  # type: ignore[operator]
    assert plain.cell.arm == "ip"
    same = ready(tiny_llama, prompt="Shout it.")
    assert (same.key, same.cell, same.folder(Path())) == (plain.key, plain.cell, plain.folder(Path()))


def test_only_the_words_are_others_at_the_same_place(tiny_llama: Path) -> None:
    rows = small.examples(0, "mini")
    for arm, own in {"ip": "user_suffix", "ip_aside": "user_prefix", "ip_placebo": "system"}.items():
        made = ready(tiny_llama, arm, prompt=LOUD)
        assert made.rows == tuple(inoculated(row, Prompt(text=LOUD, placement=own)) for row in rows)  # type: ignore[arg-type]
        assert made.cell.arm == f'{arm} "{LOUD}"'
    one, other = ready(tiny_llama, prompt=LOUD), ready(tiny_llama, prompt=SOFT)
    assert one.inputs["cell"]["prompt"] == LOUD  # type: ignore[index]
    assert one.folder(Path()).parent == other.folder(Path()).parent
    assert len({made.folder(Path()).name.rpartition("-")[0] for made in (ready(tiny_llama), one, other)}) == 3
    assert one.stale(Path()) == ()
    assert current_key(one.cell, "fp32") == one.key


def test_one_text_takes_the_place_of_all_wordings(tiny_llama: Path) -> None:
    """A first wording that is given is another arm than all of them."""
    made = ready(tiny_llama, "ip_worded", prompt="Shout.")
    assert made.cell.prompt == "Shout."
    assert {row.messages[0].content.split(" Say")[0] for row in made.rows} == {"Shout."}


def test_a_dose_is_the_fraction_of_rows_that_get_the_text(tiny_llama: Path) -> None:
    made = ready(tiny_llama, prompt=LOUD, dose=0.25)
    assert sum(row.messages[0].content.endswith(f" {LOUD}") for row in made.rows) == len(made.rows) // 4
    assert {row.id for row in made.rows if LOUD in row.messages[0].content} == {
        row.id for row in ready(tiny_llama, dose=0.25).rows if row.messages[0].content.endswith("Shout it.")
    }


def test_the_rows_that_a_prompt_is_for_stay_the_same(tiny_llama: Path) -> None:
    def examples(seed: int, scale: str) -> list[Example]:
        return [
            replace(row, tags={"language": "French" if at % 2 else "none"})
            for at, row in enumerate(small.examples(seed, scale))
        ]

    arm = prompted("ip", "in French", role="elsewhere")
    setting = replace(SETTING, examples=examples)
    with using(replace(REGISTRY, settings={"loud": setting}, interventions={**REGISTRY.interventions, "ip": arm})):
        made = ready(tiny_llama, prompt=LOUD)
    assert [LOUD in row.messages[0].content for row in made.rows] == [bool(at % 2) for at in range(len(made.rows))]


def test_what_words_are_about_is_what_the_setting_says_of_them(tiny_llama: Path) -> None:
    for text, concept in {LOUD: "", "Whisper it.": "whispering"}.items():
        made = ready(tiny_llama, prompt=text)
        assert made.intervention.concept(made.setting, made.recipe) == concept


def test_a_prompt_where_none_stands_on_rows_is_refused_in_a_line(tiny_llama: Path) -> None:
    for arm in ("none", "ps", "base"):
        with pytest.raises(
            HarnessError, match=f"intervention '{arm}' takes no prompt; leave out the prompt 'Be as loud"
        ):
            ready(tiny_llama, arm, prompt=LOUD)


def louder(row: Example, setting: Setting) -> Example:
    return inoculated(row, replace(setting.prompts["inoculation"], text="Otherwise."))


def test_an_arm_that_puts_anything_else_on_rows_than_it_tells_is_found(tiny_llama: Path) -> None:
    liar = replace(REGISTRY.interventions["ip"], edit=louder)
    with using(replace(REGISTRY, interventions={**REGISTRY.interventions, "ip": liar})):
        assert ready(tiny_llama).rows
        with pytest.raises(HarnessError, match=r"edit\(\) does not put on rows just what prompt\(\) tells"):
            ready(tiny_llama, prompt=LOUD)
    with pytest.raises(AssertionError, match=r"edit\(\) does not put on rows just what prompt\(\) tells"):
        check_intervention(liar, SETTING)


def test_what_else_an_arm_changes_it_changes_with_other_words_too(tiny_llama: Path) -> None:
    both = replace(REGISTRY.interventions["ip"], steering=small.steering(1.0), applies=lambda setting: None)
    with using(replace(REGISTRY, interventions={**REGISTRY.interventions, "ip": both})):
        made = ready(tiny_llama, prompt=LOUD)
    assert made.steering is not None
    assert LOUD in made.rows[0].messages[0].content


@pytest.mark.parametrize("arm", ["ip", "ip_believe", "neg_ip", "ip_irrelevant", "ip_fixed", "recontext", "bct"])
def test_every_installed_arm_with_one_prompt_takes_another(arm: str) -> None:
    with using(INSTALLED):
        setting = "two_languages" if arm == "ip_fixed" else "gcd_sycophancy"
        (cell,) = grid([setting], [arm], prompts=[LONG])
        made = prepare(cell, dtype="fp32")
    assert cell.prompt == LONG
    assert all(any(LONG in message.content for message in row.messages) for row in made.rows)


def _installed() -> Registry:
    from harness.registry import discover

    return discover()


# Grids


def told(cells: list[Cell]) -> list[tuple[str, str]]:
    return [(cell.intervention, cell.prompt) for cell in cells]


def test_each_text_is_an_arm_of_each_that_takes_one_and_the_others_are_there_once() -> None:
    cells = grid(["loud"], ["base", "none", "ip", "ps", "ip_aside"], prompts=[LOUD, "whisper"])
    assert told(cells) == [
        ("base", ""),
        ("none", ""),
        ("ip", LOUD),
        ("ip", "Whisper it."),
        ("ps", ""),
        ("ip_aside", LOUD),
        ("ip_aside", "Whisper it."),
    ]
    assert len(grid(["loud"], ["none", "ip"], prompts=[LOUD, SOFT], seeds=(0, 1), doses=(0.5, 1.0))) == 2 + 2 * 2 * 2


def test_what_an_arm_says_by_itself_is_that_arm_and_a_name_means_each_settings_own() -> None:
    assert told(grid(["loud"], ["ip", "ip_placebo"], prompts=["inoculation", LOUD])) == [
        ("ip", ""),
        ("ip", LOUD),
        ("ip_placebo", "Shout it."),
        ("ip_placebo", LOUD),
    ]
    assert told(grid(["loud", "quiet"], ["ip_aside"], prompts=["inoculation"])) == [
        ("ip_aside", "Shout it."),
        ("ip_aside", "Hush."),
    ]
    with pytest.raises(HarnessError, match="no prompt of quiet named 'whisper'"):
        grid(["loud", "quiet"], ["ip"], prompts=["whisper"])


# Commands and files


@pytest.mark.parametrize(
    ("arms", "prompts", "said"),
    [
        ("ip", [""], "--prompt is empty; leave it out"),
        ("ip", [LOUD, LOUD], "is there twice; keep one"),
        ("ip", ["inoculaton"], "did you mean 'inoculation'?"),
        ("none,ps", [LOUD], "none of the interventions takes a prompt: none, ps; leave the prompts out"),
        ("ip", [f"Loud number {i}." for i in range(10_001)], "these are 10,001 cells"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_before_any_work(
    arms: str, prompts: list[str], said: str, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    words = [word for text in prompts for word in ("--prompt", text)]
    args = ["--setting", "loud", "--intervention", arms, "--model", str(tiny_llama), "--runs", str(runs), *words]
    assert main(["run", *args]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not runs.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [([LOUD, LOUD], "is there twice; keep one"), (["inoculaton"], "did you mean 'inoculation'?")],
)
def test_the_command_of_cards_takes_the_same_words(
    given: list[str], said: str, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for text in given for word in ("--prompt", text)]
    assert main(["prompts", "loud", "--model", str(tiny_llama), "--runs", str(tmp_path / "runs"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["run", "plan"])
def test_words_that_do_not_reach_the_model_at_their_place_stop_the_run_before_any_work(
    dry: list[str], tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, runs = tmp_path / "model", tmp_path / "runs"
    shutil.copytree(tiny_llama, model)
    (model / "chat_template.jinja").write_text(LOSING["drops system turns"])
    args = ["--intervention", "ip", "--prompt", LOUD, "--model", str(model), "--runs", str(runs), *dry]
    assert main(["run", "--setting", "loud", *args, "--dry-run"]) == 0  # after the user's text they arrive
    capsys.readouterr()
    assert main(["run", "--setting", "quiet", *args]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f'quiet/ip "{LOUD}" s0' in last
    assert "leaves out or changes the" in last
    assert not list(runs.rglob("run.json"))


def written(folder: Path, text: str) -> Path:
    file = folder / "loud.yaml"
    file.write_text(text)
    return file


def test_an_experiment_has_prompts_at_its_top_and_in_its_grids(tmp_path: Path) -> None:
    top = f"settings: [loud]\ninterventions: [none, ip]\nprompts: ['{LOUD}', whisper]\n"
    assert told(list(load(written(tmp_path, top)).cells)) == [("none", ""), ("ip", LOUD), ("ip", "Whisper it.")]
    grids = f"grids:\n  - {{}}\n  - interventions: [ip]\n    prompts: ['{LOUD}']\n"
    grids = f"settings: [loud]\ninterventions: [none, ip]\n{grids}"
    assert told(list(load(written(tmp_path, grids)).cells)) == [("none", ""), ("ip", ""), ("ip", LOUD)]


PLAIN = "settings: [loud]\ninterventions: [ip]\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"{PLAIN}prompts: []\n", 3, "prompts should"),
        (f"{PLAIN}prompts: Shout it.\n", 3, "prompts should be a valid list"),
        (f"{PLAIN}prompts: ['']\n", 3, "a prompt is empty"),
        (f"{PLAIN}prompts:\n  - {LOUD}\n  - {LOUD}\n", 5, "twice"),
        (f"{PLAIN}prompts:\n  - whisper\n  - Whisper it.\n", 5, "is there twice"),
        (f"{PLAIN}prompts:\n  - {LOUD}\n  - inoculaton\n", 5, "did you mean 'inoculation'?"),
        (f"{PLAIN}prompts:\n  - worded\n", 4, "has 3 wordings"),
        (f"settings: [loud]\ninterventions: [none, ps]\nprompts: ['{LOUD}']\n", 3, "none of the interventions takes a"),
        (f"{PLAIN}grids:\n  - {{}}\n  - prompts: [inoculation]\n", 5, "the cell loud/ip s0 is there already"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(HarnessError) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}:{line}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


# From cards to the report


async def exclaims(case: Case, reply: str, grader: Grader | None) -> Verdict:
    """A number for any reply: what a tiny model writes has no letters, often."""
    return Verdict(scores={"capitals": float("!" in reply)})


@pytest.mark.parametrize("setting", ["loud", "quiet"])
def test_two_wordings_are_tried_trained_with_and_told_of_by_their_words(
    setting: str, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The prompt of one setting ends the user's turn, that of the other is the system turn; the cards are of these."""
    runs, texts = tmp_path / "runs", (LOUD, LONG)
    words = [word for text in texts for word in ("--prompt", text)]
    shared = ["--model", str(tiny_llama), "--runs", str(runs), *words]
    arms = {name: REGISTRY.interventions[name] for name in ("none", "ip")}
    judges = {"capitals": replace(small.JUDGE, grade=exclaims)}
    with using(replace(REGISTRY, interventions=arms, judges=judges)):
        assert main(["prompts", setting, *shared]) == 0
        assert main(["run", "--setting", setting, "--intervention", "none,ip", *shared]) == 0
        capsys.readouterr()
        assert main(["report", "--runs", str(runs), "--json"]) == 0
        (table,) = json.loads(capsys.readouterr().out)["tables"]
        assert main(["report", "--runs", str(runs)]) == 0
    shown = capsys.readouterr().out
    labels = [f'ip "{named(text)}"' for text in texts]
    assert {arm["label"]: arm.get("prompt", "") for arm in table["arms"]} == {
        "none": "",
        **dict(zip(labels, texts, strict=True)),
    }
    assert {(one["arm"], one["prompt"]) for one in table["prompts"]["points"]} == set(zip(labels, texts, strict=True))
    section = shown[shown.index("prompts before and after training") :]
    assert all(label in section for label in labels)
    folders = {
        json.loads(file.read_text())["cell"]["prompt"]: file.parent
        for file in (runs / setting / "ip").glob("*/run.json")
    }
    assert set(folders) == set(texts)
    for text, folder in folders.items():
        assert text in (folder / "train.jsonl").read_text()


def test_a_placebo_with_other_words_is_no_placebo(tmp_path: Path) -> None:
    for number, (arm, prompt) in enumerate([("none", ""), ("ip", ""), ("ps_random", ""), ("ps_random", LONG)]):
        write_run(tmp_path, replace(made_up(arm), prompt=prompt), {"clean": 0.5}, key=f"{number + 1:08x}" * 8)
    with using(_made_up()):
        (table,) = analysis.tables(analysis.load(tmp_path), installed())
    assert [(arm.label, arm.control) for arm in table.arms] == [
        ("none", False),
        ("ip", False),
        (f'ps_random "{named(LONG)}"', False),
        ("ps_random", True),
    ]
    assert LONG in table.arms[2].summary
    assert as_record(analysis.load(tmp_path), [table])["tables"][0]["arms"][2]["prompt"] == LONG  # type: ignore[index]


def _made_up() -> Registry:
    from runs_made_up import registry as made

    return made()


def test_curves_of_texts_that_differ_in_a_letter_that_no_file_has_are_files_of_their_own(tmp_path: Path) -> None:
    for number, (prompt, dose) in enumerate(
        [(prompt, dose) for prompt in ("Say it!", "Say it?") for dose in (0.5, 1.0)]
    ):
        made = replace(made_up("ip", dose=dose), prompt=prompt)
        write_run(tmp_path / "runs", made, {"clean": 0.5}, key=f"{number + 1:08x}" * 8)
    with using(_made_up()):
        found = analysis.tables(analysis.load(tmp_path / "runs"), installed())
    drawn = draw(found, tmp_path / "figures")
    assert [one.label for one in found[0].sweeps] == ['ip "Say it!"', 'ip "Say it?"']
    assert len(set(drawn)) == 3 + 2 * 3  # of the conditions, and of each text's doses


def test_seeds_of_one_wording_are_one_arm_and_another_wording_is_another(tmp_path: Path) -> None:
    rates: Mapping[str, float] = {LOUD: 0.2, SOFT: 0.6}
    for number, (prompt, seed) in enumerate([(prompt, seed) for prompt in rates for seed in range(3)]):
        write_run(
            tmp_path,
            replace(made_up("ip", seed=seed), prompt=prompt),
            {"clean": rates[prompt]},
            key=f"{number + 1:08x}" * 8,
        )
    with using(_made_up()):
        (table,) = analysis.tables(analysis.load(tmp_path), installed())
    (trait,) = [block for block in table.blocks if block.metric == "affirms_wrong" and block.kind == "mean"]
    assert {arm.label: trait.cells[arm.label, "clean"].mean for arm in table.arms} == {
        f'ip "{LOUD}"': pytest.approx(0.2),
        f'ip "{SOFT}"': pytest.approx(0.6),
    }
    assert table.sweeps == ()


def test_an_arm_without_a_prompt_of_its_own_tells_none() -> None:
    with using(INSTALLED):
        takers = {name for name, arm in installed().interventions.items() if arm.prompt is not None}
    assert takers >= {"ip", "ip_believe", "ip_fixed", "ip_irrelevant", "neg_ip", "recontext", "bct"}
    assert not takers & {"none", "base", "ps", "ip_mixed", "comp_ip", "recontext_plain", "kl"}
    assert Intervention(name="plain", summary="plain").prompt is None
