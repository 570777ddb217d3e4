"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.console import console, print_json
from harness.screen.progress import at_most, bar, duration, say

__all__ = [
    "at_most",
    "bar",
    "console",
    "duration",
    "print_json",
    "progress",
    "say",
]
