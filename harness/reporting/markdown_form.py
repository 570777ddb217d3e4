"""The report as Markdown. The same results give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Results, Table
from harness.reporting.answers import of_answers
from harness.reporting.as_markdown import code_of, line_of, row_of, text_of
from harness.reporting.section import Section, markdown_section
from harness.reporting.table_sections import all_sections
from harness.reporting.wording import (
    arms_of,
    closing,
    conditions_of,
    count_of,
    detail_of,
    figure_of,
    label_of,
    name_of,
    remarks_of,
    seeds_of,
    title_of,
)


def markdown(results: Results, tables: Sequence[Table], *, opening: Sequence[Section] = ()) -> str:
    """What the runs answer, `opening` and the tables as GitHub-flavoured Markdown."""
    lines = [line for section in (*of_answers(tables), *opening) for line in markdown_section(section)]
    for table in tables:
        lines += [f"## {text_of(title_of(table))}", ""]
        for block in table.blocks:
            columns = conditions_of(table, block)
            detail = line_of(detail_of(block))
            lines += [f"### {text_of(name_of(block))}", "", *([detail, ""] if detail else [])]
            lines.append(row_of(["arm", "seeds", "n", *(code_of(column, cell=True) for column in columns)]))
            lines.append("|---|---:|---:|" + "---|" * len(columns))
            for arm in arms_of(table, block):
                cells = [figure_of(block, arm, column) for column in columns]
                about = [text_of(label_of(arm)), seeds_of(arm), count_of(block, arm, columns)]
                lines.append(row_of([*about, *cells]))
            lines.append("")
        for section in all_sections(table):
            lines += markdown_section(section)
        lines += [f"- {line_of(line)}" for line in remarks_of(table)] + [""]
    *left_out, command = closing(results, tables)
    lines += [f"- {line_of(line)}" for line in left_out] + ([""] if left_out else [])
    return "\n".join([*lines, f"Transcripts: {code_of(command)}", ""])
