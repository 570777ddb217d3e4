"""The report as Markdown. The same results give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Results, Table
from harness.report.section import Section, markdown_section
from harness.report.table_sections import sections_of
from harness.report.wording import (
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
    """`opening` and the report as GitHub-flavoured Markdown."""
    lines = [line for section in opening for line in markdown_section(section)]
    for table in tables:
        lines += [f"## {title_of(table)}", ""]
        for block in table.blocks:
            columns = conditions_of(table, block)
            lines += [f"### {name_of(block)}", "", *([detail_of(block), ""] if detail_of(block) else [])]
            lines.append("| arm | seeds | n | " + " | ".join(f"`{column}`" for column in columns) + " |")
            lines.append("|---|---:|---:|" + "---|" * len(columns))
            for arm in arms_of(table, block):
                cells = [figure_of(block, arm, column) for column in columns]
                lines.append(
                    "| " + " | ".join([label_of(arm), seeds_of(arm), count_of(block, arm, columns), *cells]) + " |"
                )
            lines.append("")
        for section in sections_of(table):
            lines += markdown_section(section)
        lines += [f"- {line}" for line in remarks_of(table)] + [""]
    *left_out, command = closing(results, tables)
    lines += [f"- {line}" for line in left_out] + ([""] if left_out else [])
    return "\n".join([*lines, f"Transcripts: `{command}`", ""])
