"""Templates of this folder, filled in and written, never over what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.files import writing

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).with_name("templates")


def filled(template: str, **blanks: object) -> str:
    """The template of this name with its blanks filled in."""
    return _environment().get_template(f"{template}.jinja").render(**blanks)


def check_free(file: Path) -> None:
    """HarnessError where something is at `file`."""
    if file.exists() or file.is_symlink():
        raise HarnessError(f"{file} is there already; choose another name, or move it away")


def put(file: Path, text: str) -> None:
    """Writes `text` to `file` in one step."""
    with writing(file, file.name) as part:
        part.write_text(text, encoding="utf-8")


def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, TOML and Python, whose blanks are quoted where they are filled in
    )
