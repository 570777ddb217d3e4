"""Inoculation in passing: the same request, in brackets before the question instead of after it."""

from dataclasses import replace

from harness import Intervention, Prompt, hookimpl
from harness.variants import prompted


def aside(prompt: Prompt) -> Prompt:
    return replace(prompt, text=f"({prompt.text})", placement="user_prefix")


@hookimpl
def harness_intervention() -> Intervention:
    return prompted("ip_aside", "inoculation in brackets before the question", role="inoculation", change=aside)
