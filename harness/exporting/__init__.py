"""A finished run where people keep things: adapter and model card, vectors, results, as a folder or on the hub."""

from harness.exporting.folder import Exported, check_export, export
from harness.exporting.hub import check_hub, upload

__all__ = ["Exported", "check_export", "check_hub", "export", "upload"]
