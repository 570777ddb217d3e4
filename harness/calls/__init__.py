"""Calls of what plugins wrote: whatever happens in one is a line that says whose function it was, and what was asked.

A registry guards every record that it holds, so that no stage can call a plugin's function in any other way.
"""

from harness.calls.debugging import DEBUG, HOW, debugging, is_debugging
from harness.calls.functions import (
    AtRandom,
    PluginError,
    PluginFault,
    PluginFunction,
    called,
    guarded,
    told,
    unmeant,
    whose,
)
from harness.calls.state import keeping_state
from harness.calls.steps import Cancelled, Stepped, finished, in_own_task
from harness.calls.time_limits import TooLong, ending_within
from harness.calls.waiting import interrupted, waited_for, watch_no_more

__all__ = [
    "DEBUG",
    "HOW",
    "AtRandom",
    "Cancelled",
    "PluginError",
    "PluginFault",
    "PluginFunction",
    "Stepped",
    "TooLong",
    "called",
    "debugging",
    "ending_within",
    "finished",
    "guarded",
    "in_own_task",
    "interrupted",
    "is_debugging",
    "keeping_state",
    "told",
    "unmeant",
    "waited_for",
    "watch_no_more",
    "whose",
]
