"""Calls of what plugins wrote: whatever happens in one is a line that says whose function it was, and what was asked.

A registry guards every record that it holds, so that no stage can call a plugin's function in any other way.
"""

from harness.calls.debugging import DEBUG, HOW, debugging, is_debugging
from harness.calls.folder import keeping_folder
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
from harness.calls.waiting import interrupted, waited_for, watch_no_more

__all__ = [
    "DEBUG",
    "HOW",
    "AtRandom",
    "PluginError",
    "PluginFault",
    "PluginFunction",
    "called",
    "debugging",
    "guarded",
    "interrupted",
    "is_debugging",
    "keeping_folder",
    "told",
    "unmeant",
    "waited_for",
    "watch_no_more",
    "whose",
]
