"""The site of these pages: `make site` builds it into build/site. A lost link is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

project = "harness"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "harness"
exclude_patterns = ["figures"]
nitpicky = True
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
MADE = "made"


def setup(app: Any) -> None:
    app.connect("builder-inited", lambda made: write_commands(Path(made.srcdir) / MADE / "commands.md"))


def write_commands(file: Path) -> None:
    """What `harness COMMAND --help` says of every command, as one page."""
    from typer.main import get_command

    from harness.cli import app

    program: Any = get_command(app)
    parts = ["# Commands", "What `--help` says of each."]
    for name, command in program.commands.items():
        context = command.make_context(f"harness {name}", [], resilient_parsing=True)
        parts += [f"## harness {name}", f"```text\n{command.get_help(context)}\n```"]
    file.parent.mkdir(exist_ok=True)
    text = "\n\n".join(parts) + "\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
