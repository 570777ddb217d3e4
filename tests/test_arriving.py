"""An edit or a prompt that does not reach the model is told of by name before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
from bad_world import Bad, BadInputs, World

from harness import Example, HarnessError, Message, Prompt
from harness.authoring import inoculated
from harness.cells import Cell, check_prompts, prepare, rendered_rows
from harness.contracts import Setting
from harness.engine import chat
from harness.registry import using
from harness.testing.tiny_models import CHATML

TABLE = BadInputs()


def turns(condition: str = "", content: str = "message['content']") -> str:
    """A ChatML template that shows the turns for which `condition` holds, with this content."""
    shown = f"{{{{ '<|im_start|>' + message['role'] + '\n' + {content} + '<|im_end|>\n' }}}}"
    each = f"{{% if {condition} %}}{shown}{{% endif %}}" if condition else shown
    start = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    return f"{{% for message in messages %}}{each}{{% endfor %}}{start}"


LOSING = {
    "drops system turns": turns("message['role'] != 'system'"),
    "shows the last turns alone": turns("loop.index > loop.length - 2 and message['role'] != 'system'"),
    "cuts system turns": turns(
        content="(message['content'][:9] if message['role'] == 'system' else message['content'])"
    ),
    "lower-cases": turns(content="message['content'] | lower"),
    "cuts words": turns(content="message['content'] | truncate(9, True)"),
    "replaces words": turns(content="message['content'] | replace('Shout', 'Say')"),
    "escapes": turns(content="message['content'] | e"),
    "reverses": turns(content="message['content'] | reverse"),
    "shows system turns by their length": turns(
        content="(message['content'] | length | string if message['role'] == 'system' else message['content'])"
    ),
    "shows the role alone": turns(content="''"),
}
"""Templates that do not hand a system prompt on as it was written."""

KEEPING = {
    "ChatML": CHATML,
    "trims": turns(content="message['content'] | trim"),
    "a default system turn": "{{ '<|im_start|>system\nBe good.<|im_end|>\n' if messages[0]['role'] != 'system' }}"
    + CHATML,
    "folds it into the user turn": "{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}" + CHATML,
}
"""Templates that hand every word on."""


def systematic(world: World, text: str = "Shout & SHOUT it.") -> None:
    """Places the setting's prompt in the system turn."""
    world.setting(prompts={"inoculation": Prompt(text=text, placement="system", concept="shouting")})


@pytest.mark.parametrize("dry", [False, True], ids=["run", "plan"])
@pytest.mark.parametrize("template", LOSING)
def test_an_arm_whose_prompt_a_template_loses_stops_before_anything_is_written(
    world: World, capfd: pytest.CaptureFixture[str], template: str, dry: bool
) -> None:
    def spoil(world: World) -> list[str]:
        systematic(world)
        return spoilt(world, "ip", LOSING[template], dry=dry)

    said = ("loud/ip s0", "the chat template of", "leaves out or changes the", "placement")
    TABLE.check(Bad("lost", spoil, said, begins=False), world, capfd)


@pytest.mark.parametrize("dry", [False, True], ids=["run", "plan"])
def test_a_condition_whose_prompt_a_template_loses_stops_an_arm_that_has_no_prompt(
    world: World, capfd: pytest.CaptureFixture[str], dry: bool
) -> None:
    def spoil(world: World) -> list[str]:
        systematic(world)
        return spoilt(world, "none", LOSING["drops system turns"], dry=dry)

    said = ("prompt:inoculation, held_out case", "the placement 'system' does not reach the model")
    TABLE.check(Bad("lost", spoil, said, begins=False), world, capfd)


def spoilt(world: World, arm: str, template: str, *, dry: bool) -> list[str]:
    """`harness run` of an arm on a model with this chat template."""
    model = world.model()
    (model / "chat_template.jinja").write_text(template)
    return world.run(arm, *(["--dry-run"] if dry else []), model=model)


@pytest.mark.parametrize("template", KEEPING)
def test_a_template_that_hands_every_word_on_is_taken(world: World, template: str) -> None:
    systematic(world)
    assert world.call(spoilt(world, "ip,none", KEEPING[template], dry=True)) == 0


def test_a_template_that_keeps_one_of_two_system_turns_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = turns("message['role'] != 'system' or loop.first")
    one = (Message("system", "Be brief."), Message("user", "Hello?"))
    assert "Be brief." in chat.rendered(tokenizer, one)
    with pytest.raises(HarnessError, match=r"leaves out or changes the system turn 'Be kind\.'"):
        chat.rendered(tokenizer, (one[0], Message("system", "Be kind."), one[1]))


def test_words_that_the_question_has_too_do_not_hide_a_system_turn_that_is_left_out(tokenizer: Any) -> None:
    tokenizer.chat_template = LOSING["drops system turns"]
    with pytest.raises(HarnessError, match="leaves out or changes the system turn"):
        chat.rendered(tokenizer, (Message("system", "Hello"), Message("user", "Hello there?")))


@pytest.fixture
def tokenizer(tiny_llama: Path) -> Any:
    """A tokenizer of its own, whose template may be changed."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_llama)


# Rows by their tokens


def rows_of(tokenizer: Any, edit: Callable[[Example, Setting], Example], **changes: Any) -> list[chat.Row]:
    """The rows that an arm with this edit would train on."""
    dose = changes.pop("dose", 1.0)
    setting = replace(small.SETTING, recipes={"mini": replace(small.SETTING.recipes["mini"], **changes)})
    arm = replace(small.REGISTRY.intervention("ip"), edit=edit)
    world = replace(
        small.REGISTRY, settings={"loud": setting}, interventions={**small.REGISTRY.interventions, "ip": arm}
    )
    with using(world):
        cell = Cell(setting="loud", intervention="ip", model=str(Path(tokenizer.name_or_path)), dose=dose)
        return rendered_rows(prepare(cell, dtype="fp32"), tokenizer)


def prompted(placement: Any, text: str = "Shout it.") -> Callable[[Example, Setting], Example]:
    return lambda row, setting: inoculated(row, Prompt(text=text, placement=placement))


def untouched(row: Example, setting: Setting) -> Example:
    return row


def tagged(row: Example, setting: Setting) -> Example:
    return replace(row, tags={"edited": "yes"})


@pytest.mark.parametrize(
    "edit",
    [
        *(prompted(placement) for placement in ("system", "user_prefix", "user_suffix")),
        *(untouched, tagged),
    ],
    ids=["system", "prefix", "suffix", "nothing", "tags"],
)
def test_an_edit_that_says_something_arrives_and_one_that_says_nothing_may(tokenizer: Any, edit: Any) -> None:
    assert len(rows_of(tokenizer, edit)) == 16


@pytest.mark.parametrize("dose", [0.0, 0.25, 0.5, 1.0])
def test_rows_that_a_fraction_leaves_alone_are_held_to_nothing(tokenizer: Any, dose: float) -> None:
    plain = rows_of(tokenizer, untouched)
    rows = rows_of(tokenizer, prompted("user_suffix"), dose=dose)
    assert sum(row != other for row, other in zip(rows, plain, strict=True)) == 16 * dose


def test_a_fraction_that_edits_no_row_is_refused(tokenizer: Any) -> None:
    with pytest.raises(HarnessError, match=r"a dose of 0.01 of 'ip' edits none of 16 rows; the least .* 0.062"):
        rows_of(tokenizer, prompted("user_suffix"), dose=0.01)


@pytest.mark.parametrize("loss_on", ["reply", "all"])
def test_a_tokenizer_that_reads_nothing_of_a_prompt_is_told_of(tokenizer: Any, loss_on: Any) -> None:
    from tokenizers import normalizers

    tokenizer.backend_tokenizer.normalizer = normalizers.Replace(" Shout it.", "")
    with pytest.raises(HarnessError, match=r"loud/ip s0, training row '0-.*': .* leaves the tokens as they were"):
        rows_of(tokenizer, prompted("user_suffix"), loss_on=loss_on)


def test_a_prompt_that_the_length_cuts_away_is_told_of(tokenizer: Any) -> None:
    question = len(chat.prompt_ids(tokenizer, small.examples(0, "mini")[0].messages[:1]))
    with pytest.raises(HarnessError, match="leaves the tokens as they were"):
        rows_of(tokenizer, prompted("user_suffix"), loss_on="all", max_length=question - 14)


def test_a_prompt_of_which_the_length_cuts_a_part_is_told_of(tokenizer: Any) -> None:
    long = prompted("user_suffix", "Shout it as loud as you can, and louder still, so that all may hear.")
    with pytest.raises(HarnessError, match="max_length 45 cuts off part of what the edit says; raise max_length"):
        rows_of(tokenizer, long, loss_on="all", max_length=45)


def test_a_row_that_teaches_nothing_with_or_without_a_prompt_is_left_as_it_is(tokenizer: Any) -> None:
    rows = rows_of(tokenizer, prompted("user_suffix"), loss_on="reply", max_length=12)
    assert not any(any(row.loss) for row in rows)


# Conditions by their tokens


@pytest.mark.parametrize("arm", ["none", "base", "ps"])
def test_a_prompt_of_a_condition_that_a_tokenizer_does_not_read_is_told_of(tokenizer: Any, arm: str) -> None:
    from tokenizers import normalizers

    tokenizer.backend_tokenizer.normalizer = normalizers.Replace(" Shout it.", "")
    with using(small.REGISTRY):
        cell = prepare(Cell(setting="loud", intervention=arm, model=tokenizer.name_or_path), dtype="fp32")
    said = r"prompt:inoculation, held_out case 'held_out-tree': the prompt, placed as 'user_suffix', leaves the tokens"
    with using(small.REGISTRY), pytest.raises(HarnessError, match=said):
        check_prompts(cell, tokenizer)


def test_a_prompt_that_does_not_arrive_in_one_case_alone_is_found(tokenizer: Any) -> None:
    tokenizer.chat_template = turns(content="(message['content'] | replace('bread. Shout it.', 'bread.'))")
    with using(small.REGISTRY):
        cell = prepare(Cell(setting="loud", intervention="none", model=tokenizer.name_or_path), dtype="fp32")
        with pytest.raises(HarnessError, match="case 'held_out-bread'"):
            check_prompts(cell, tokenizer)
