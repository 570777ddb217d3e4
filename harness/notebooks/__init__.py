"""The harness in a notebook: what its commands do, as functions that give frames and pages.

They are had from `harness` itself: `harness.run`, `harness.results`, `harness.compare`, `harness.report`. Frames are
pandas', which the extra `notebook` brings.
"""

from harness.notebooks.comparing import compare
from harness.notebooks.frames import COLUMNS, framed_results, results
from harness.notebooks.pages import Report, report
from harness.notebooks.running import run

__all__ = ["COLUMNS", "Report", "compare", "framed_results", "report", "results", "run"]
