"""Finished runs to tables, for the terminal, Markdown and programs. Imports neither torch nor Inspect."""

from harness.reporting.agreement import of_two_judges, two_judges_record
from harness.reporting.answers import of_answers
from harness.reporting.as_markdown import line_of as markdown_line
from harness.reporting.balances import of_balances
from harness.reporting.bundle import bundle_of, check_bundle, write_bundle
from harness.reporting.cards import vector_cards
from harness.reporting.corrected import corrected_record, of_corrected
from harness.reporting.csv_form import as_csv
from harness.reporting.figure_files import draw
from harness.reporting.html_page import Opening, page
from harness.reporting.json_form import as_json, as_record
from harness.reporting.markdown_form import markdown
from harness.reporting.matrix import of_categories, of_matrix
from harness.reporting.numbers import with_interval
from harness.reporting.prompt_sections import of_prompts
from harness.reporting.section import Section, markdown_section, show_section
from harness.reporting.terminal_form import show, text
from harness.reporting.vector_tables import show_cards
from harness.reporting.verdicts import record, sections
from harness.reporting.wording import left_out, with_goal

__all__ = [
    "Opening",
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
    "of_answers",
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
    "with_goal",
    "with_interval",
    "write_bundle",
]
