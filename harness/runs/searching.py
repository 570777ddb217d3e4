"""Where the runs are below a folder: looked for as far as a runs folder goes, and no further."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError, way_out
from harness.runs.products import RESULTS
from harness.runs.run_record import CALIBRATIONS, RUN

LOOKED_AT = 50_000
"""After so many names since the last run the search ends: a cell has some tens, `/sys` or a home folder any number."""

LINKED_DEPTH = 3
"""So many levels of folders behind a link are looked at, as deep as a runs folder is."""

HALF = ".part"


def run_folders(root: Path) -> list[Path]:
    """The run folders under `root`, sorted. Neither what is being written, whose name begins with a dot, nor the
    trials of calibrations are any.

    HarnessError where one might be there and cannot be seen: in a folder that cannot be read, behind a link, with its
    record lost, or after so many names that are no run's that nobody would wait for the rest.
    """
    search = _Search(root)
    found = []
    for here, entries in search.below(root, but=CALIBRATIONS):
        names = {entry.name for entry in entries}
        if RUN in names:
            found.append(here)
            search.begin_again()
        elif RESULTS in names and here != root and any(e.name == RESULTS and not _is_folder(e) for e in entries):
            raise HarnessError(f"{here} has {RESULTS} and no record of its run; restore it, or move the folder away")
        for linked in (Path(entry.path) for entry in entries if entry.is_symlink() and _is_folder(entry)):
            if not linked.name.startswith(".") and search.results_behind(linked):
                raise HarnessError(
                    f"{linked} leads to runs elsewhere, which would be left out; put a copy there, or name {linked} "
                    "itself as the runs folder"
                )
    return sorted(found)


def half_written(root: Path) -> list[Path]:
    """What was being written under `root`, files and folders, sorted; nothing that is inside another of them."""
    search = _Search(root)
    found = []
    for _, entries in search.below(root):
        found += [Path(entry.path) for entry in entries if entry.name.startswith(".") and entry.name.endswith(HALF)]
        if any(entry.name == RUN for entry in entries):
            search.begin_again()
    return sorted(found)


class _Search:
    """Lists folders, and stops after so many names that belong to no run."""

    def __init__(self, root: Path) -> None:
        self._root, self._left = root, LOOKED_AT

    def begin_again(self) -> None:
        """A run was found: the next may be as far away."""
        self._left = LOOKED_AT

    def below(self, folder: Path, *, but: str = "") -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
        """`folder` and each folder below it, with what it holds; left out are hidden ones, links, and `but` in it."""
        pending = [folder]
        while pending:
            here = pending.pop()
            entries = self._listed(here)
            yield here, entries
            pending += [
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".") and not entry.is_symlink() and _is_folder(entry)
                if here != folder or entry.name != but
            ]

    def results_behind(self, linked: Path, depth: int = LINKED_DEPTH) -> bool:
        """Whether results lie in `linked` or few levels below it."""
        entries = self._listed(linked)
        if any(entry.name == RESULTS for entry in entries):
            return True
        folders = [Path(entry.path) for entry in entries if depth > 1 and _is_folder(entry)]
        return any(self.results_behind(folder, depth - 1) for folder in folders)

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        entries = []
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    entries.append(entry)
                    if len(entries) > self._left:
                        raise HarnessError(
                            f"{self._root} has over {LOOKED_AT:,} files and folders that are no run's, the last in "
                            f"{folder}; name the folder that 'harness run' has filled"
                        )
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise HarnessError(
                f"cannot read {folder}: {error.strerror}; runs in it would be left out: "
                f"{way_out(error) or 'make it accessible'}"
            ) from error
        self._left -= len(entries)
        return entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
