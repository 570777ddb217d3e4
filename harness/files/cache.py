"""Where what can be made or fetched again is kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where converted models, data sets and digests are kept: `HARNESS_CACHE`, or the user's cache folder."""
    named = os.environ.get("HARNESS_CACHE")
    return Path(named).expanduser().absolute() if named else user_cache_path("harness")
