"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.console import console, print_json
from harness.screen.durations import at_most, duration, roughly
from harness.screen.progress import bar, say

__all__ = [
    "at_most",
    "bar",
    "console",
    "duration",
    "print_json",
    "progress",
    "roughly",
    "say",
]
