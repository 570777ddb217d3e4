"""What a person sees on a terminal: progress, durations, the console."""

from harness.screen import progress
from harness.screen.durations import at_most, duration, roughly
from harness.screen.ending import INTERRUPTED, Ends
from harness.screen.progress import bar
from harness.screen.shown import json_text, shown, shown_lines
from harness.screen.terminal import (
    NotPrinted,
    ReaderGone,
    console,
    flush,
    own_stdout,
    plain_console,
    print_json,
    put,
    say,
)

__all__ = [
    "INTERRUPTED",
    "Ends",
    "NotPrinted",
    "ReaderGone",
    "at_most",
    "bar",
    "console",
    "duration",
    "flush",
    "json_text",
    "own_stdout",
    "plain_console",
    "print_json",
    "progress",
    "put",
    "roughly",
    "say",
    "shown",
    "shown_lines",
]
