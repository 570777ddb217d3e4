"""The page as a reader meets it: in headless Chromium, by mouse and by keyboard, wide and narrow, light and dark."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest
from browsing import NEEDS_BROWSER, chromium, until

from benchmarks.made_up import write_cells
from harness import analysis
from harness.registry import installed
from harness.reporting import page, vector_cards

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = NEEDS_BROWSER

CELLS, FEW = 140, 72
PHONE, WIDE = (390, 844), (1400, 1000)
AXE = importlib.util.find_spec("axe_playwright_python")
NEEDS_AXE = pytest.mark.skipif(AXE is None, reason="axe is not installed (pip install axe-playwright-python)")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of many cells."""
    return written(tmp_path_factory.mktemp("page"), CELLS)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of thing on it, and few of each: axe looks at every pair of what lies over one another."""
    return written(tmp_path_factory.mktemp("short"), FEW)


def written(folder: Path, cells: int) -> Path:
    write_cells(folder / "runs", installed(), cells)
    results = analysis.load(folder / "runs", settings=["gcd_sycophancy"] if cells == FEW else ())
    text = page(results, analysis.tables(results, installed()), cards=vector_cards(folder / "runs"))
    (folder / "report.html").write_text(text, encoding="utf-8")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as chrome:
        yield chrome


@pytest.fixture
def shown(browser: Chrome, file: Path) -> Chrome:
    """The browser, wide and light, with the page as it is when it was just opened."""
    look(browser, file)
    return browser


def look(browser: Chrome, file: Path, *, size: tuple[int, int] = WIDE, dark: bool = False) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(file.as_uri())
    # On a busy machine the driver may answer while the page is still being read.
    until(lambda: browser.execute_script("return document.readyState") == "complete", "the page was never whole")


def press(browser: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def focused(browser: Chrome) -> Any:
    return browser.switch_to.active_element


def test_the_console_stays_empty_and_no_request_leaves_the_page(shown: Chrome, file: Path) -> None:
    shown.execute_script("document.querySelector('.matrix td button').click()")
    assert shown.get_log("browser") == []
    events = [json.loads(one["message"])["message"] for one in shown.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


def test_a_condition_stands_on_lines_and_nothing_is_spelled_out_that_is_no_control(shown: Chrome) -> None:
    said = shown.execute_script("return document.body.textContent")
    assert "\\u000a" not in said
    heads = shown.find_elements("css selector", "#t1 table.matrix thead button")
    assert any(len(head.text.splitlines()) > 1 for head in heads)


def test_every_figure_is_drawn_and_named(shown: Chrome) -> None:
    figures = shown.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(svg => { const box = svg.getBBox();"
        "return [box.width, box.height, svg.querySelectorAll('path, use').length, svg.getAttribute('aria-label'),"
        "[...svg.querySelectorAll('use')].every(use => document.querySelector(use.getAttribute('xlink:href')))] })"
    )
    assert len(figures) >= 6 * 4
    for width, height, marks, name, whole in figures:
        assert width > 200
        assert height > 100
        assert marks > 20
        assert name
        assert whole


def test_a_figure_opens_large_and_goes_back_where_it_was(shown: Chrome) -> None:
    figure = "document.querySelector('figure')"
    shown.execute_script(f"{figure}.querySelector('.tools button').click()")
    large, small = shown.execute_script(
        "const svg = document.querySelector('#large[open] svg'), width = svg.getBoundingClientRect().width;"
        f"return [width, {figure}.querySelectorAll('svg').length]"
    )
    assert large > 1000
    assert small == 0
    shown.execute_script("document.querySelector('#large form button').click()")
    back = f"return {figure}.querySelectorAll('.scroll svg').length"
    until(lambda: shown.execute_script(back) == 1, "the figure did not go back")


def test_every_figure_is_saved_as_an_svg_of_its_own_and_as_its_numbers(shown: Chrome) -> None:
    files = shown.execute_async_script(
        "const done = arguments[arguments.length - 1], saved = [];"
        "const click = HTMLAnchorElement.prototype.click;"
        "HTMLAnchorElement.prototype.click = function () { saved.push([this.download, this.href]); };"
        "const made = URL.createObjectURL; const blobs = {};"
        "URL.createObjectURL = (blob) => { const url = made.call(URL, blob); blobs[url] = blob; return url; };"
        "document.querySelectorAll('figure .tools').forEach(row => {"
        "  row.children[1].click(); row.children[2].click(); });"
        "HTMLAnchorElement.prototype.click = click; URL.createObjectURL = made;"
        "Promise.all(saved.map(async ([name, url]) => [name, await blobs[url].text()])).then(done);"
    )
    assert len(files) == 2 * len(shown.find_elements("css selector", "figure"))
    for (name, text), (numbers, table) in zip(files[::2], files[1::2], strict=True):
        assert (name.endswith(".svg"), numbers) == (True, name.replace(".svg", ".csv"))
        assert "var(" not in text
        assert fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        rows = list(csv.reader(table.splitlines()))
        assert len(rows) > 1
        assert len({len(row) for row in rows}) == 1


def test_the_answers_come_before_the_summary_and_the_gates_say_what_to_change(shown: Chrome) -> None:
    sections = [one.get_attribute("id") for one in shown.find_elements("css selector", "main > section")]
    assert sections.index("answers") < sections.index("summary") < sections.index("gates")
    assert shown.find_elements("css selector", "#answers .answers li")
    heads = shown.find_elements("css selector", "#gates thead button")
    assert not heads or heads[-1].text == "what to change"


def test_a_table_sorts_by_a_press_on_a_columns_name_and_back_by_another(shown: Chrome) -> None:
    table = shown.find_element("css selector", "#t1 table.matrix")
    button = table.find_elements("css selector", "thead button")[1]
    for direction, sign in (("ascending", 1), ("descending", -1)):
        button.click()
        assert button.find_element("xpath", "..").get_attribute("aria-sort") == direction
        cells = table.find_elements("css selector", "tbody tr td:nth-child(2)")
        values = [sign * float(cell.get_attribute("data-v")) for cell in cells]
        assert len(values) == 12
        assert all(before <= after for before, after in pairwise(values))


def test_what_has_no_value_stands_last_either_way(shown: Chrome) -> None:
    table = shown.find_element("css selector", "#t1 table:not(.matrix)")
    for _ in range(2):
        table.find_elements("css selector", "thead button")[3].click()
        assert table.find_elements("css selector", "tbody tr th")[-1].text == "base"


def test_the_keyboard_reaches_the_skip_link_the_switch_every_table_and_every_number(shown: Chrome) -> None:
    from selenium.webdriver import Keys

    press(shown, Keys.TAB)
    assert focused(shown).get_attribute("class") == "skip"
    press(shown, Keys.ENTER)
    assert shown.execute_script("return document.activeElement.id") == "main"
    tables = shown.find_elements("css selector", "table.matrix")
    reachable = shown.find_elements("css selector", "table.matrix td button[tabindex='0']")
    assert len(reachable) == len(tables)
    first = shown.find_element("css selector", "#t1 table.matrix td button")
    first.send_keys(Keys.ARROW_RIGHT)
    assert focused(shown).find_element("xpath", "..") == first.find_element("xpath", "../following-sibling::td[1]")
    press(shown, Keys.ARROW_DOWN)
    place = focused(shown)
    press(shown, Keys.ENTER)
    assert shown.find_element("id", "detail").is_displayed()
    press(shown, Keys.ESCAPE)
    assert not shown.find_element("id", "detail").is_displayed()
    assert focused(shown) == place


def test_a_number_opens_with_the_log_of_every_seed_and_the_command_to_read_it(shown: Chrome, file: Path) -> None:
    row = shown.find_element("css selector", "#t1 table.matrix tr[data-a='3']")
    row.find_elements("css selector", "td button")[1].click()
    detail = shown.find_element("id", "detail")
    name, condition = row.find_element("tag name", "th").text, "prompt:inoculation"
    assert f"{name}, {condition}" in detail.find_element("tag name", "h2").text
    paths = [one.text for one in detail.find_elements("css selector", "td.path")]
    assert paths
    for path in paths:
        assert (file.parent / "runs" / path).parent.parent.joinpath("results.jsonl").is_file()
        assert path.endswith("/logs/prompt-inoculation.eval")
    assert detail.find_element("css selector", "code").text.startswith("inspect view --log-dir ")


def test_a_leak_opens_with_the_logs_of_all_four_terms(shown: Chrome) -> None:
    shown.find_element("css selector", "#t1 table.matrix.leak td button").click()
    titles = [one.text for one in shown.find_elements("css selector", "#detail h3")]
    conditions = ["prompt:inoculation", "clean"]
    assert titles == [f"{arm}, {at}" for arm in ("none", "base") for at in conditions]


def test_the_switch_goes_from_the_systems_colours_to_light_to_dark_and_is_kept(shown: Chrome, file: Path) -> None:
    def paper() -> str:
        return str(shown.execute_script("return getComputedStyle(document.body).backgroundColor"))

    light = paper()
    look(shown, file, dark=True)
    dark = paper()
    assert light != dark
    seen = []
    for _ in range(3):
        shown.find_element("id", "theme").click()
        seen.append(paper())
    assert seen == [light, dark, dark]
    shown.find_element("id", "theme").click()
    look(shown, file, dark=True)
    assert paper() == light
    shown.execute_script("localStorage.clear()")


def test_a_phone_shows_it_without_scrolling_sideways(browser: Chrome, file: Path) -> None:
    look(browser, file, size=PHONE)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE[0]
    browser.execute_script("document.querySelector('.matrix td button').click()")
    box = browser.execute_script("return document.getElementById('detail').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= PHONE[0]


@NEEDS_AXE
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(browser: Chrome, short: Path, size: tuple[int, int], dark: bool) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    look(browser, short, size=size, dark=dark)
    browser.set_script_timeout(120)
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.execute_script((Path(AXE.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(found => done("
        "found.violations.map(one => [one.impact, one.id, one.nodes.slice(0, 3).map(node => node.html)])))"
    )
    assert [one for one in found if one[0] in ("serious", "critical")] == []
