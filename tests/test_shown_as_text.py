"""What others have written is text wherever it is shown: it moves no cursor, draws no markup, computes nothing."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from runs_made_up import cell, registry, write_run

import harness
from harness import HarnessError, analysis, cli, reporting
from harness.registry import using
from harness.reporting.as_markdown import code_of, line_of, row_of, text_of
from harness.reporting.csv_form import csv_text
from harness.reporting.section import Section, markdown_section, show_section
from harness.screen import bar, json_text, plain_console, put, say, shown

NASTY = (
    "\x1b[2J\x1b[31m",
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b31m",
    "\x90q\x9c",
    "\u202eevil\u202c",
    "\u2066a\u2069",
    "\u200f",
    "\ufeff",
    "a\rb",
    "a\b\b",
    "\x7f",
    "a\nb",
    "a\x0bb",
    "\u2028",
    "\u2029",
    "[red]a[/red]",
    "[/]",
    "[link=http://evil]a[/link]",
    ":smile:",
    "<b>a</b>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "&#x202e;",
    "a|b",
    "`a`",
    "``",
    "a`b",
    "[a](http://evil)",
    "![a](http://evil)",
    "[a][b]",
    "[a]: http://evil",
    "[^1]: a",
    "<http://evil>",
    "*a*",
    "**a**",
    "_a_",
    "~~a~~",
    "# a",
    "a #",
    "- a",
    "+ a",
    "1. a",
    "1) a",
    "> a",
    "---",
    "===",
    "- [x] a",
    "[ ] a",
    "    a",
    "\\",
    "\\`",
    "\\|",
    "a\\",
    "=1+1",
    "+1+1",
    "-1+1",
    "@a",
    "\t=1",
    "\r=1",
    "＝1",
    '=HYPERLINK("http://evil")',
    "-0.5",
    "+12",
    "1e5",
    "$\\frac{",
    "$x$",
    "%s {0} {{ x }} {% x %}",
    "\ud800",
    "\udcff",
    "\U000e0041",
    "💥",
    "ü",
    "汉字",
    "עברית",
)
HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
pieces = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=8))
texts = st.lists(pieces, min_size=1, max_size=4).map("".join)
hostile = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tried(test: Callable[..., None]) -> Callable[..., None]:
    """`test` on every nasty text, and on many that are drawn."""
    for one in NASTY:
        test = example(one)(test)
    return hostile(given(texts)(test))


def rendered(markdown: str) -> tuple[str, set[str]]:
    """What a reader sees of Markdown, without blanks, and the kinds of everything in it."""
    seen, kinds = "", set()
    for token in MARKDOWN.parse(markdown):
        kinds.add(token.type)
        for part in token.children or ():
            kinds.add(part.type)
            seen += part.content
    return without_blanks(seen), kinds


def without_blanks(text: str) -> str:
    return "".join(text.split())


@tried
def test_shown_text_is_one_line_that_hides_nothing(text: str) -> None:
    said = shown(text)
    assert not HIDDEN.search(said)
    assert "\n" not in said
    assert shown(said) == said
    said.encode("utf-8")


@tried
def test_text_in_markdown_is_read_as_it_is(text: str) -> None:
    for markdown in (f"## {text_of(text)}\n", f"- {line_of(text)}\n", f"{line_of(text)}\n"):
        seen, kinds = rendered(markdown)
        assert seen == without_blanks(shown(text))
        assert kinds <= {*WORDS, "heading_open", "heading_close", "bullet_list_open", "bullet_list_close", *ITEM}


@tried
def test_a_cell_in_markdown_is_one_cell(text: str) -> None:
    table = "\n".join([row_of(["a", "b"]), "|---|---|", row_of([text_of(text), code_of(text, cell=True)])])
    tokens = MARKDOWN.parse(table)
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2
    assert [without_blanks("".join(part.content for part in one.children)) for one in cells] == [
        without_blanks(shown(text))
    ] * 2
    assert {part.type for one in cells for part in one.children} <= {"text", "code_inline"}


WORDS = {"inline", "text", "paragraph_open", "paragraph_close"}
ITEM = {"list_item_open", "list_item_close"}


@tried
def test_a_spreadsheet_computes_nothing_and_numbers_stay_numbers(text: str) -> None:
    made = csv_text(["a", "b", "c"], [(text, -0.5, None)])
    _, (cell_, number, nothing) = csv.reader(io.StringIO(made))
    assert not HIDDEN.search(made)
    assert (number, nothing) == ("-0.5", "")
    assert cell_.removeprefix("'") == shown(text).removeprefix("'")
    if cell_.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")):
        float(cell_)


@tried
def test_json_hides_nothing_and_means_the_same(text: str) -> None:
    for indent in (None, 2):
        made = json_text({text: [text]}, indent=indent)
        assert not HIDDEN.search(made)
        assert json.loads(made) == json.loads(json.dumps({text: [text]}))


@tried
def test_a_console_prints_text_as_text_wherever_it_stands(text: str) -> None:
    from rich.table import Table
    from rich.text import Text

    page = io.StringIO()
    plain = plain_console(page, width=2000, force_terminal=True, color_system="truecolor")
    grid = Table(title=Text(text))
    grid.add_column(Text(text))
    grid.add_row(Text(text, style="bold red"))
    for what in (grid, text, Text(text)):
        plain.print(what, soft_wrap=True)
    show_section(Section(title=text, detail=text, head=(text,), rows=((text,),), lines=(text,)), plain)
    styled = re.sub(r"\x1b\[[\d;]*m", "", page.getvalue())
    assert not HIDDEN.search(styled)
    assert without_blanks(shown(text)) in without_blanks(styled)


@tried
def test_lines_and_bars_are_text(text: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        patch.setenv("HARNESS_PROGRESS", "1")
        put(text)
        say(text)
        with bar(text, total=1, unit="rows") as advance:
            advance()
    assert not HIDDEN.search(out.getvalue() + err.getvalue())
    assert err.getvalue().count("\n") == 3
    assert err.getvalue().startswith(f"{shown(text)}\n")


def test_an_error_is_one_line_of_text_whatever_it_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["x".join(["", *NASTY])]) == 2
    assert cli.main(["describe", "x".join(["", *NASTY])]) == 2
    monkeypatch.setattr("harness.registry.installed", raising(HarnessError("x".join(NASTY))))
    assert cli.main(["list"]) == 2
    said = capsys.readouterr().err
    assert not HIDDEN.search(said)
    assert [line[:9] for line in said.splitlines()] == ["harness: "] * 3


def raising(error: Exception) -> Callable[[], Any]:
    def raises() -> Any:
        raise error

    return raises


@tried
def test_a_section_in_markdown_is_its_title_its_table_and_its_lines(text: str) -> None:
    made = Section(title=text, detail=text, head=(text, text), rows=((text, text),), lines=(text,))
    seen, kinds = rendered("\n".join(markdown_section(made)))
    assert seen == without_blanks(shown(text)) * 7
    assert not {"link_open", "image", "html_block", "html_inline", "code_block", "fence", "hr", "em_open"} & kinds


def study(folder: Path, text: str) -> tuple[analysis.Results, tuple[analysis.Table, ...]]:
    """A study of two arms in whose records every text is `text`, as far as a run can have it there."""
    model = f"m{text}"
    gates = {text: {"ok": False, "seen": text, "wanted": text}}
    for name, dose in (("base", 1.0), ("none", 1.0), ("ps", 1.0), ("ps", 0.5)):
        place = write_run(
            folder,
            replace(cell(name, dose=dose), model=model),
            {"clean": 0.5, "prompt:inoculation": 0.75},
            place=f"{name}-{dose}",
            gates=gates,
            concept=text,
            others={f"n{text}": {"clean": 0.5}},
        )
        file = place / "run.json"
        record = json.loads(file.read_text())
        record |= {
            "commit": text,
            "created": text,
            "versions": {text: text},
            "judges": {text: text},
            "hardware": {"processor": text, "gpus": [text], "system": text},
            "grader": {"model": text},
            "made": {"template": text, "adapter_sha256": text},
        }
        file.write_text(json.dumps(record))
    results = analysis.load(folder)
    return replace(results, stale=((folder / "x", text),)), analysis.tables(results, registry())


RARE = [text for text in NASTY if text.isprintable() or len(text) > 4][::3]


@pytest.mark.parametrize("text", RARE)
def test_no_form_of_a_report_is_moved_by_what_its_runs_say(text: str, tmp_path: Path) -> None:
    results, tables = study(tmp_path / "runs", text)
    for made in (reporting.text(results, tables, width=500), reporting.as_json(results, tables)):
        assert not HIDDEN.search(made)
    markdown = reporting.markdown(results, tables)
    seen, kinds = rendered(markdown)
    assert not HIDDEN.search(markdown)
    assert not {"link_open", "image", "html_block", "html_inline", "code_block", "fence", "hr", "em_open"} & kinds
    assert without_blanks(shown(f"gate {text} failed: saw {text}, wanted {text}")) in seen
    rows = [*csv.reader(io.StringIO(reporting.as_csv(results, tables)))]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert shown(f"n{text}") in {row[8] for row in rows}


class Tags(HTMLParser):
    """The tags of a page with their handlers of events, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>" + "".join(NASTY[:12]), "$\\frac{\u202e`|[a](b)", "汉字💥"]
)
def test_a_page_shows_what_runs_say_as_text_figures_too(text: str, tmp_path: Path) -> None:
    plain, hostile_ = (
        reporting.page(
            *study(tmp_path / str(at), one),
            opening=reporting.Opening(verdicts=[Section(title=one, detail="", head=(one,), rows=((one,),))]),
        )
        for at, one in enumerate(("plain", text))
    )
    assert not HIDDEN.search(hostile_)
    hostile_.encode("utf-8")
    known, found = Tags(plain), Tags(hostile_)
    assert found.tags.count("script") == known.tags.count("script")
    assert set(found.tags) - set(known.tags) <= {"path", "use", "g"}
    assert shown(text) in found.text


def test_figures_in_files_take_names_as_text(tmp_path: Path) -> None:
    _, tables = study(tmp_path / "runs", "$\\frac{\x1b[2J\u202e<b>")
    for file in reporting.draw(tables, tmp_path / "figures"):
        if file.suffix != ".png":
            assert not HIDDEN.search(file.read_text())


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["describe", "gcd"], ["describe", "none"]])
@pytest.mark.parametrize("text", ["".join(NASTY[:16]), "[red]a[/red][/]:smile:"])
def test_what_plugins_say_of_themselves_is_text(
    command: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = registry()
    setting = replace(known.settings["gcd"], **_taken(text, summary=text, source={text: text}))
    arm = replace(known.interventions["none"], **_taken(text, summary=text))
    with using(replace(known, settings={"gcd": setting}, interventions={"none": arm})):
        assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert not HIDDEN.search(said)
    assert "[red]a[/red][/]:smile:" in without_blanks(said) or "red" not in text


def _taken(text: str, **fields: object) -> dict[str, Any]:
    """The fields that a plugin may say of itself; one with what acts on a terminal is refused before it is shown."""
    if not HIDDEN.search(text):
        return fields
    with pytest.raises(HarnessError, match="not text without control characters"):
        replace(registry().interventions["none"], summary=text)
    return {}


def test_nothing_but_the_screen_prints() -> None:
    root = Path(harness.__file__).parent
    places = [
        f"{file.relative_to(root)}:{node.lineno}"
        for file in sorted(root.rglob("*.py"))
        if file.parent.name != "screen"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (ast.unparse(node.func) == "print" or ast.unparse(node.func).startswith(("sys.stdout.w", "sys.stderr.w")))
    ]
    assert places == []


def test_every_console_of_rich_is_a_plain_one() -> None:
    root = Path(harness.__file__).parent
    makers = [file for file in root.rglob("*.py") if re.search(r"(?<!plain_)\bConsole\(", file.read_text())]
    assert makers == []
