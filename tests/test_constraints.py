"""Laws of constraints.txt: what it pins can be installed with every Python that pyproject.toml allows."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
PINNED = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)


def test_every_pinned_release_takes_the_oldest_python_that_the_project_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = re.search(r">=\s*([\d.]+)", project["requires-python"])
    assert oldest is not None
    first = f"{oldest[1]}.0"
    here = {name: said for name in PINNED if (said := _asked(name)) is not None}
    assert here, "nothing that is pinned is installed"
    assert {name: said for name, said in here.items() if first not in SpecifierSet(said)} == {}


def _asked(name: str) -> str | None:
    """What the installed release of `name` asks of Python; None where it is not installed."""
    try:
        return str(metadata(name)["Requires-Python"] or "")
    except PackageNotFoundError:
        return None


def test_nothing_is_pinned_twice() -> None:
    assert len({name.lower().replace("_", "-") for name in PINNED}) == len(PINNED) > 100
