"""Names of files in a runs folder."""

from __future__ import annotations

FILE = "claims.lock.json"
