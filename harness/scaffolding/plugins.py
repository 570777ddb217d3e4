"""`harness new plugin`: a package with an intervention, a judge and their tests, ready to install."""

from __future__ import annotations

from pathlib import Path

from harness.checks import NAME
from harness.errors import HarnessError
from harness.scaffolding.filling import check_free, filled, put

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "readme.md",
    "PACKAGE/__init__.py": "init.py",
    "PACKAGE/intervention.py": "intervention.py",
    "PACKAGE/judge.py": "judge.py",
    "tests/test_PACKAGE.py": "test.py",
}
"""The files of a package, and the template of each."""


def new_plugin(name: str, folder: Path | None = None) -> tuple[Path, ...]:
    """Writes a package called `name` into `folder`, which is to be new, else into one of its name; its files.

    HarnessError for a name that no module can have, and for a folder that is there.
    """
    package = name.replace("-", "_")
    if not NAME.fullmatch(package) or package in ("harness", "tests"):
        raise HarnessError(f"{name!r:.80} is no name of a package; write small letters, digits and _, as in my_arms")
    root = folder or Path(name)
    check_free(root)
    written = []
    for file, template in FILES.items():
        place = root / file.replace("PACKAGE", package)
        put(place, filled(template, name=name, package=package))
        written.append(place)
    return tuple(written)
