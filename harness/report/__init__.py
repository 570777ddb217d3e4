"""Finished runs to tables, for the terminal, Markdown and programs. Imports neither torch nor Inspect."""

from harness.report.figures import draw
from harness.report.render import as_json, as_record, markdown, show, text
from harness.report.results import Results, Run, load
from harness.report.section import Section, markdown_section, show_section
from harness.report.tables import Table, tables
from harness.report.tidy import as_csv

__all__ = [
    "Results",
    "Run",
    "Section",
    "Table",
    "as_csv",
    "as_json",
    "as_record",
    "draw",
    "load",
    "markdown",
    "markdown_section",
    "show",
    "show_section",
    "tables",
    "text",
]
