"""The transcripts beside a page: Inspect's viewer with a copy of every log, as a folder that any server can show."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

from harness.errors import HarnessError, gist
from harness.files import replacing

VIEWER = "index.html"


def bundle_of(page: Path) -> Path:
    """The folder beside `page` where its transcripts lie: `report-logs` for `report.html`."""
    return page.with_name(f"{page.stem}-logs")


def write_bundle(runs: Path, folder: Path) -> None:
    """Puts all logs under `runs` and the viewer into `folder`, in one step; an earlier bundle there is replaced.

    HarnessError where `folder` lies among the runs, or is there and is no bundle. Imports Inspect.
    """
    if folder.resolve().is_relative_to(runs.resolve()):
        raise HarnessError(f"the bundle of logs {folder} would lie among the logs in {runs}; name a page elsewhere")
    if folder.exists() and not (folder / VIEWER).is_file():
        raise HarnessError(f"{folder} is there and is no bundle of logs; move it away, or name the page otherwise")
    from inspect_ai.log import bundle_log_dir

    with replacing(folder, "the bundle of logs") as part:
        try:
            with redirect_stdout(io.StringIO()):  # where it tells of the half-written folder
                bundle_log_dir(str(runs), str(part))
        except OSError:
            raise
        except Exception as error:
            raise HarnessError(f"inspect cannot bundle the logs in {runs}: {gist(error)}") from error
