"""Inoculation with many wordings or with one: whether what is learned hangs on the words.

The README of github.com/slacki-ai/trait-inoculation finds a fixed prefix to suppress more than rephrasings do.
`ip_mixed` takes the setting's prompt `mixed`, a wording a row; `ip_fixed` takes the first wording alone of an
inoculation that has several. No text that a run is given stands for all of those of `ip_mixed`.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness import Intervention, Prompt, Setting, hookimpl
from harness.authoring import prompted


def worded_often(setting: Setting) -> str | None:
    found = setting.prompts.get("inoculation")
    return None if found and found.others else f"setting {setting.name!r} words its inoculation one way"


def first(prompt: Prompt) -> Prompt:
    return replace(prompt, others=())


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    fixed = prompted("ip_fixed", "inoculation in one wording", role="inoculation", change=first)
    return [
        replace(prompted("ip_mixed", "inoculation in many wordings, one a row", role="mixed"), prompt=None),
        replace(fixed, applies=worded_often),
    ]
