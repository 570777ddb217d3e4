"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.durations import at_most, duration, roughly
from harness.screen.progress import bar, say
from harness.screen.terminal import console, print_json

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
