"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.durations import at_most, duration, roughly
from harness.screen.progress import bar, say

__all__ = [
    "at_most",
    "bar",
    "duration",
    "progress",
    "roughly",
    "say",
]
