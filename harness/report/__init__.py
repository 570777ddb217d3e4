"""Finished runs to tables, for the terminal, Markdown and programs. Imports neither torch nor Inspect."""

from harness.report.agreement import of_two_judges, two_judges_record
from harness.report.as_markdown import line_of as markdown_line
from harness.report.balances import of_balances
from harness.report.bundle import bundle_of, check_bundle, write_bundle
from harness.report.cards import vector_cards
from harness.report.corrected import corrected_record, of_corrected
from harness.report.csv_form import as_csv
from harness.report.figures import draw
from harness.report.html_page import page
from harness.report.json_form import as_json, as_record
from harness.report.markdown_form import markdown
from harness.report.matrix import of_categories, of_matrix
from harness.report.prompt_sections import of_prompts
from harness.report.section import Section, markdown_section, show_section
from harness.report.terminal_form import show, text
from harness.report.vector_tables import show_cards
from harness.report.verdicts import record, sections
from harness.report.wording import left_out

__all__ = [
    "Section",
    "as_csv",
    "as_json",
    "as_record",
    "bundle_of",
    "check_bundle",
    "corrected_record",
    "draw",
    "left_out",
    "markdown",
    "markdown_line",
    "markdown_section",
    "of_balances",
    "of_categories",
    "of_corrected",
    "of_matrix",
    "of_prompts",
    "of_two_judges",
    "page",
    "record",
    "sections",
    "show",
    "show_cards",
    "show_section",
    "text",
    "two_judges_record",
    "vector_cards",
    "write_bundle",
]
