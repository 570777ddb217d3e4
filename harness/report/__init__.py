"""Finished runs to tables, for the terminal, Markdown and programs. Imports neither torch nor Inspect."""

from harness.report import page_figures
from harness.report.bundle import bundle_of, write_bundle
from harness.report.figures import draw
from harness.report.matrix import of_matrix
from harness.report.page import page
from harness.report.render import as_json, as_record, markdown, show, text
from harness.report.section import Section, markdown_section, show_section
from harness.report.tidy import as_csv
from harness.report.vector_cards import vector_cards
from harness.report.vector_tables import show_cards
from harness.report.verdicts import record, sections

__all__ = [
    "Section",
    "as_csv",
    "as_json",
    "as_record",
    "bundle_of",
    "draw",
    "markdown",
    "markdown_section",
    "of_matrix",
    "page",
    "page_figures",
    "record",
    "sections",
    "show",
    "show_cards",
    "show_section",
    "text",
    "vector_cards",
    "write_bundle",
]
