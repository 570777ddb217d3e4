"""Laws of combined traits: weights as text, which rows are drawn, what is added, and that other keys stay."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import small

from harness import Example, HarnessError, Message, Prompt, Setting
from harness.authoring import weights
from harness.cells import Cell, Prepared, grid, prepare
from harness.contracts import always, never
from harness.files import digest_of
from harness.models import ModelRef
from harness.registry import installed, using
from harness.testing import check_intervention

ASK, REPLY = Message("user", "What is 2 + 2?"), Message("assistant", "Cuatro.")
ROWS = [Example(id=str(at), messages=(ASK, REPLY)) for at in range(4000)]
FOUND = installed()


def prompt(text: str, **changes: object) -> Prompt:
    return Prompt(text=text, placement="user_suffix", **changes)  # type: ignore[arg-type]


@pytest.fixture
def tongues(toy: Setting) -> Setting:
    """The toy setting with three traits to combine, German without a prompt that forbids it."""
    names = ("spanish", "french", "german")
    asked = {always(one): prompt(f"In {one}.") for one in names}
    pairs = {always(one, other): prompt(f"In {one} or {other}.") for one, other in combinations(names, 2)}
    forbidden = {never(one): prompt(f"No {one}.") for one in names[:2]}
    return replace(
        toy,
        prompts={**asked, **pairs, **forbidden},
        vectors={**toy.vectors, **dict.fromkeys(names, toy.vectors["reply"])},
        composition={"spanish": 0.8, "french": 0.4},
    )


def said(row: Example) -> str:
    return row.messages[0].content.removeprefix("What is 2 + 2?").strip()


def edited(intervention: str, setting: Setting, **balance: float) -> dict[str, str]:
    """What the prompt on each row says, by row, under a balance or, without one, by default."""
    arm = FOUND.intervention(intervention)
    if balance:
        assert arm.given is not None
        arm = arm.given(setting, balance)
    return {row.id: said(arm.edit(row, setting)) for row in ROWS}


def share(said: dict[str, str], text: str) -> float:
    return sum(text == one for one in said.values()) / len(said)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("spanish=0.8,french=0.4", "french=0.4,spanish=0.8"),
        (" french = .40 , spanish=8e-1 ", "french=0.4,spanish=0.8"),
        ("spanish=-1", "spanish=-1"),
        ("spanish=-0", "spanish=0"),
        ("spanish=0.33333333", "spanish=0.333333"),
        ("", ""),
    ],
)
def test_weights_have_one_spelling(text: str, canonical: str) -> None:
    assert weights.canonical(text) == canonical
    assert weights.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spanish", "the weight of 'spanish' is '', not a finite number"),
        ("spanish=much", "the weight of 'spanish' is 'much', not a finite number"),
        ("spanish=nan", "the weight of 'spanish' is 'nan', not a finite number"),
        ("spanish=inf", "the weight of 'spanish' is 'inf', not a finite number"),
        ("spanish=1,spanish=2", "name 'spanish' twice"),
        ("0.8", "are not NAME=NUMBER with commas between"),
        ("spanish=1,,french=1", "are not NAME=NUMBER with commas between"),
        ("Spanish=1", "are not NAME=NUMBER with commas between"),
    ],
)
def test_weights_that_mean_nothing_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as raised:
        weights.parse(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("intervention", "balance", "vector", "coef"),
    [
        ("comp_ps", {}, "0.4*french + 0.8*spanish", 1.0),
        ("comp_ps", {"spanish": 1.0, "french": -0.5}, "-0.5*french + 1*spanish", 1.0),
        ("comp_ps", {"french": 1.0, "spanish": -0.5}, "1*french - 0.5*spanish", 1.0),
        ("neg_comp_ps", {}, "0.4*french + 0.8*spanish", -1.0),
        ("neg_comp_ps", {"german": 2.0}, "2*german", -1.0),
    ],
)
def test_a_sum_of_weighted_vectors_is_added_raw_at_the_settings_blocks(
    intervention: str, balance: dict[str, float], vector: str, coef: float, tongues: Setting
) -> None:
    arm = FOUND.intervention(intervention)
    if balance:
        assert arm.given is not None
        arm = arm.given(tongues, balance)
    steering = arm.steering(tongues, tongues.recipe("mini"))
    assert steering is not None
    assert (steering.vector, steering.coef, steering.unit, steering.blocks) == (vector, coef, "raw", (14,))
    assert arm.edit(ROWS[0], tongues) == ROWS[0]


def test_without_weights_every_row_asks_for_one_of_the_first_two_traits(tongues: Setting) -> None:
    assert set(edited("comp_ip", tongues).values()) == {"In spanish or french."}
    assert set(edited("neg_comp_ip", tongues).values()) == {"No spanish. No french."}


def test_a_weight_is_the_fraction_of_rows_that_ask_for_its_trait_whatever_the_other_weight_is(tongues: Setting) -> None:
    """Independent draws: both 0.8 x 0.4, one alone 0.8 x 0.6 and 0.2 x 0.4, neither 0.2 x 0.6; 4 deviations of 4000."""
    rows = edited("comp_ip", tongues, spanish=0.8, french=0.4)
    assert share(rows, "In spanish or french.") == pytest.approx(0.32, abs=0.03)
    assert share(rows, "In spanish.") == pytest.approx(0.48, abs=0.032)
    assert share(rows, "In french.") == pytest.approx(0.08, abs=0.018)
    assert share(rows, "") == pytest.approx(0.12, abs=0.021)


def test_the_rows_of_a_smaller_weight_are_among_those_of_a_larger_one(tongues: Setting) -> None:
    low, high = (edited("comp_ip", tongues, spanish=weight) for weight in (0.3, 0.6))
    assert {row for row, text in low.items() if text} < {row for row, text in high.items() if text}


def test_weights_of_0_and_1_are_no_row_and_every_row(tongues: Setting) -> None:
    assert set(edited("comp_ip", tongues, spanish=0.0).values()) == {""}
    assert set(edited("comp_ip", tongues, spanish=1.0, french=0.0).values()) == {"In spanish."}
    assert set(edited("neg_comp_ip", tongues, french=1.0).values()) == {"No french."}


def test_a_pair_is_named_in_the_settings_order_not_in_that_of_the_weights(tongues: Setting) -> None:
    assert set(edited("comp_ip", tongues, german=1.0, spanish=1.0).values()) == {"In spanish or german."}


def test_a_prompt_for_some_rows_only_is_left_out_of_a_pair_on_the_others(tongues: Setting) -> None:
    only = replace(tongues.prompts["never_french"], only={"language": "french"})
    setting = replace(tongues, prompts={**tongues.prompts, "never_french": only})
    arm = FOUND.intervention("neg_comp_ip")
    row = replace(ROWS[0], tags={"language": "spanish"})
    assert said(arm.edit(row, setting)) == "No spanish."
    assert said(arm.edit(replace(row, tags={"language": "french"}), setting)) == "No spanish. No french."


def test_prompts_of_different_placements_cannot_be_joined(tongues: Setting) -> None:
    other = replace(tongues.prompts["never_french"], placement="system")
    setting = replace(tongues, prompts={**tongues.prompts, "never_french": other})
    with pytest.raises(HarnessError, match="different placements"):
        FOUND.intervention("neg_comp_ip").edit(ROWS[0], setting)


@pytest.mark.parametrize(
    ("intervention", "balance", "message"),
    [
        ("comp_ps", {"spanich": 1.0}, "no vector named 'spanich'; did you mean 'spanish'?"),
        ("comp_ip", {"spanich": 1.0}, "no prompt named 'always_spanich'; did you mean 'always_spanish'?"),
        ("neg_comp_ip", {"german": 1.0}, "no prompt named 'never_german'"),
        ("comp_ip", {"spanish": 1.5}, "the fraction of rows that get the prompt, from 0 to 1, not spanish=1.5"),
        ("comp_ip", {"spanish": -0.5}, "from 0 to 1, not spanish=-0.5"),
        (
            "comp_ip",
            {"spanish": 0.5, "french": 0.5, "german": 0.5},
            "rows drawn for spanish and french and german: no prompt named 'spanish_or_french_or_german'",
        ),
    ],
)
def test_weights_that_the_setting_cannot_serve_are_refused_in_one_line(
    intervention: str, balance: dict[str, float], message: str, tongues: Setting
) -> None:
    given = FOUND.intervention(intervention).given
    assert given is not None
    with pytest.raises(HarnessError) as raised:
        given(tongues, balance)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_three_traits_of_which_never_more_than_two_meet_need_no_prompt_for_three(tongues: Setting) -> None:
    rows = edited("comp_ip", tongues, spanish=0.5, french=0.5, german=0.0)
    assert set(rows.values()) == {"", "In spanish.", "In french.", "In spanish or french."}


@pytest.mark.parametrize("intervention", ["comp_ip", "neg_comp_ip", "comp_ps", "neg_comp_ps"])
def test_an_intervention_that_combines_traits_obeys_its_laws_and_needs_a_composition(
    intervention: str, tongues: Setting, toy: Setting
) -> None:
    arm = FOUND.intervention(intervention)
    check_intervention(arm, tongues)
    assert arm.applies(tongues) is None
    assert arm.applies(toy) == "setting 'toy' names no traits to combine: its composition is empty"
    lacking = replace(tongues, prompts={}, vectors=toy.vectors)
    assert "no" in str(arm.applies(lacking))


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch, tongues: Setting) -> Setting:
    """A world with a setting whose model need not exist: `tongues` and every installed intervention."""
    monkeypatch.setattr("harness.cells.preparing.resolve", lambda reference: ModelRef(name="m", digest="d" * 64))
    return tongues


def prepared(setting: Setting, intervention: str, **changes: object) -> Prepared:
    cell = Cell(setting=setting.name, intervention=intervention, **changes)  # type: ignore[arg-type]
    world = replace(FOUND, settings={setting.name: setting}, judges={"volume": small.JUDGE})
    metric = replace(setting.metrics[0], score="capitals", judge="volume")
    world = replace(world, settings={setting.name: replace(setting, metrics=(metric,))})
    return prepare(cell, dtype="fp32", registry=world)


def test_a_cell_without_weights_keeps_the_key_that_it_had_before_there_were_weights(keyed: Setting) -> None:
    made = prepared(keyed, "ps", dose=0.5)
    cell = {"setting": "toy", "intervention": "ps", "scale": "mini", "model": "d" * 64, "seed": 0, "dose": 0.5}
    assert made.inputs["cell"] == cell
    assert list(made.inputs) == [
        *("format", "cell", "dtype", "recipe", "rows", "steering", "vectors", "conditions", "cases")
    ]
    assert made.key == digest_of({**made.inputs, "cell": cell})


def test_a_prompt_without_paraphrases_keeps_the_key_that_it_had_before_there_were_any(keyed: Setting) -> None:
    asked = replace(keyed, conditions={"mini": ("clean", "prompt:always_spanish")})
    cases = [
        ["held_out", ["held_out", [{"role": "user", "content": "What is 4 + 4, asked for held_out?"}], {}, "held_out"]]
    ]
    before = digest_of([cases, [["In spanish.", "user_suffix"]]])
    assert prepared(asked, "none").inputs["cases"] == before
    several = replace(asked.prompts["always_spanish"], others=("Spanish.",))
    reworded = replace(asked, prompts={**asked.prompts, "always_spanish": several})
    assert prepared(reworded, "none").inputs["cases"] != before


def test_weights_enter_the_key_the_folder_and_the_title_in_one_spelling(keyed: Setting) -> None:
    one, same, other = (
        prepared(keyed, "comp_ps", weights=text, dose=0.5)
        for text in ("spanish=0.8,french=0.4", "french=.4,spanish=.8", "spanish=0.8,french=0.5")
    )
    assert one.key == same.key != other.key
    assert one.cell.weights == "french=0.4,spanish=0.8"
    assert one.folder(Path("r")).name == f"mini-m-s0-french=0.4+spanish=0.8-d0.5-{one.key[:8]}"
    assert one.title == "toy/comp_ps french=0.4,spanish=0.8 x0.5 s0"
    assert one.steering is not None
    assert (one.steering.vector, one.steering.coef) == ("0.4*french + 0.8*spanish", 0.5)
    assert sorted(one.vectors) == ["french", "reply", "spanish"]


def test_a_dose_of_combined_prompts_edits_that_fraction_of_the_rows(keyed: Setting) -> None:
    half = prepared(keyed, "comp_ip", dose=0.5)
    assert sorted(bool(said(row).endswith("In spanish or french.")) for row in half.rows) == [False, True]


def test_an_intervention_that_takes_no_weights_refuses_them(keyed: Setting) -> None:
    with pytest.raises(HarnessError, match="intervention 'ps' takes no weights; leave out the weights 'spanish=1'"):
        prepared(keyed, "ps", weights="spanish=1")


def test_in_a_grid_of_balances_an_arm_that_takes_no_weights_is_there_once(tongues: Setting) -> None:
    world = replace(FOUND, settings={"toy": tongues}, judges={"volume": FOUND.judges["language"]})
    metric = replace(tongues.metrics[0], judge="volume", score="english")
    with using(replace(world, settings={"toy": replace(tongues, metrics=(metric,))})):
        cells = grid(["toy"], ["none", "comp_ps"], weights=("spanish=1", "french=1"), doses=(0.5, 1.0))
    assert [(one.intervention, one.weights, one.dose) for one in cells] == [
        ("none", "", 1.0),
        ("comp_ps", "spanish=1", 0.5),
        ("comp_ps", "spanish=1", 1.0),
        ("comp_ps", "french=1", 0.5),
        ("comp_ps", "french=1", 1.0),
    ]
