"""The transcripts beside a page: Inspect's viewer with a copy of every log, as a folder that any server can show."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

from harness.documents import Record, read_record, record, write_record
from harness.errors import HarnessError, gist
from harness.files import Busy, content_sha256, locked, replacing
from harness.runs import check_folder

LIST = ".harness-bundle.json"
ELSEWHERE = "move it away, or name the page otherwise"


@record
class BundleList(Record):
    """What a bundle of logs holds: the sha256 of every file but this one, by its path in the bundle."""

    files: Mapping[str, str]


def bundle_of(page: Path) -> Path:
    """The folder beside `page` where its transcripts lie: `report-logs` for `report.html`."""
    return page.with_name(f"{page.stem}-logs")


def check_bundle(runs: Path, folder: Path) -> None:
    """HarnessError where `folder` lies among the runs, or is there and holds anything but a bundle as it was written.

    Call it before what takes long.
    """
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(runs)):
        raise HarnessError(f"the bundle of logs {folder} would lie among the logs in {runs}; name a page elsewhere")
    check_folder(folder.parent, "the bundle of logs")
    if folder.is_symlink() or folder.exists():
        _check_is_bundle(folder)


def write_bundle(runs: Path, folder: Path) -> None:
    """Puts all logs under `runs` and the viewer into `folder`, in one step; an earlier bundle there is replaced.

    HarnessError where `check_bundle` finds a reason against it. Imports Inspect.
    """
    check_bundle(runs, folder)
    try:
        with locked(folder):
            try:
                _write(runs, folder)
            finally:
                folder.with_name(f".{folder.name}.lock").unlink(missing_ok=True)
    except Busy:
        raise HarnessError(f"another process is writing {folder}; wait for it, or name the page otherwise") from None


def _write(runs: Path, folder: Path) -> None:
    from inspect_ai.log import bundle_log_dir

    with replacing(folder, "the bundle of logs") as part:
        try:
            with redirect_stdout(io.StringIO()):  # where it tells of the half-written folder
                bundle_log_dir(str(runs), str(part))
        except OSError:
            raise
        except Exception as error:
            raise HarnessError(f"inspect cannot bundle the logs in {runs}: {gist(error)}") from error
        write_record(part / LIST, BundleList(files=_digests(part)))


def _check_is_bundle(folder: Path) -> None:
    """HarnessError unless all that is in `folder` was written into it as a bundle, and nothing was changed since."""
    if folder.is_symlink() or not folder.is_dir():
        raise HarnessError(f"{folder} is there and is no bundle of logs; {ELSEWHERE}")
    told = read_record(folder / LIST, BundleList, what="list of a bundle", way_out=ELSEWHERE)
    if told is None:
        raise HarnessError(f"{folder} is there and is no bundle of logs; {ELSEWHERE}")
    for name, digest in _digests(folder).items():
        if name not in told.files:
            raise HarnessError(f"{folder} holds {name}, which is not of the bundle of logs; move that file away")
        if told.files[name] != digest:
            raise HarnessError(f"{folder / name} was changed since the bundle was written; move that file away")


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() or not (file.is_dir() or file.is_file()):
            found[name] = "no file"
        elif file.is_file() and name != LIST:
            found[name] = content_sha256(file)
    return found
