"""The pages as a site: built without a warning, no link lost; what they tell to type is run as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_docs import code_blocks

from harness import cli

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TUTORIAL, HOW_TO = DOCS / "tutorial.md", sorted((DOCS / "how-to").glob("*.md"))


class Links(HTMLParser):
    """Where a page's links lead, and the places in it that others may lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        self.places |= {name for name in (told.get("id"), told.get("name")) if name}
        address = told.get("href") if tag in ("a", "link") else told.get("src")
        if address:
            self.links.append(address)


def test_the_site_is_built_without_a_warning_and_no_link_of_it_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html"]
    made = subprocess.run([*command, DOCS, tmp_path / "site"], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    pages = {page: Links(page) for page in (tmp_path / "site").rglob("*.html")}
    assert len(pages) > 20
    lost = [
        f"{page.relative_to(tmp_path)}: {link}"
        for page, found in pages.items()
        for link in found.links
        if not _leads_somewhere(page, link, pages)
    ]
    assert not lost
    for name in cli.COMMANDS:
        assert f"harness {name}" in (tmp_path / "site" / "made" / "commands.html").read_text(encoding="utf-8")


def _leads_somewhere(page: Path, link: str, pages: dict[Path, Links]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if there.is_dir():
        there /= "index.html"
    return there.is_file() and (not parts.fragment or there not in pages or parts.fragment in pages[there].places)


def blocks(page: Path) -> Iterator[list[str]]:
    """What the page tells to type, a block at a time."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for block in re.findall(r"(?:^    \S.*\n)+", text, flags=re.MULTILINE):
        yield [line.strip() for line in block.splitlines()]


def smaller(file: Path, model: Path) -> None:
    """The setting's file for a tiny model and few tokens: what is tried is that every line works, not what it finds."""
    told = file.read_text()
    assert "# recipe:" in told
    file.write_text(f"{told.partition('# recipe:')[0]}recipe: {{model: {model}, epochs: 1, max_tokens: 4}}\n")


def typed(line: str, folder: Path) -> None:
    """Does what a line says, in this process where it is a command of ours."""
    program, *words = shlex.split(line)
    if program == "pip":
        flags = ["--no-deps", "--no-build-isolation", "--no-index", "-qq", "--disable-pip-version-check"]
        made = subprocess.run(
            [sys.executable, "-m", "pip", "install", *flags, "--target", folder / "site", words[-1]], check=False
        )
        assert made.returncode == 0, line
        return
    assert program == "harness", line
    words = [str(next(Path().glob(word.replace("RUN", "mini-*")))) if "/RUN" in word else word for word in words]
    # A model of random weights learns nothing in so few steps, and a calibration that finds nothing ends with 3.
    assert cli.main(words) in ((0, 3) if words[0] == "calibrate" else (0,)), line


def test_every_line_of_tutorial_and_how_to_pages_works(
    tmp_path: Path, talking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_SETTINGS", "")
    (rows,) = code_blocks(TUTORIAL)
    exec(compile(rows, str(TUTORIAL), "exec"), {})
    lines = 0
    for page in (TUTORIAL, *HOW_TO):
        for block in re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            Path(block[0]).write_text(block[1])
        for line in (line for block in blocks(page) for line in block):
            if "--cluster" in line or "my_arms_ip" in line:
                continue  # Ray is in no environment here; the arm is in one of its own, below
            typed(line, tmp_path)
            lines += 1
            if line.startswith("harness new setting"):
                smaller(Path("pirates.yaml"), talking)
    assert lines >= 18
    world = os.environ | {"PYTHONPATH": f"{tmp_path / 'site'}"}
    told = subprocess.run(
        [sys.executable, "-m", "harness", "list", "--json"], capture_output=True, text=True, check=True, env=world
    )
    assert "my_arms_ip" in told.stdout
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "my-arms/tests"]
    assert subprocess.run(tests, env=world, check=False, cwd=tmp_path).returncode == 0
