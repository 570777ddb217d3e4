"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.progress import bar, duration, say

__all__ = [
    "bar",
    "duration",
    "progress",
    "say",
]
