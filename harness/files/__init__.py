"""Everything that reaches disk: whole-or-nothing writes, digests, locks, journals, JSON lines, YAML with lines."""

from harness.files.cache import cache_folder
from harness.files.digests import digest_of, file_sha256, safe_name
from harness.files.halves import clear_halves, is_held
from harness.files.journal import Journal
from harness.files.json_files import write_json
from harness.files.json_lines import Row, as_lines, read_rows, write_rows
from harness.files.locks import Busy, locked
from harness.files.paths import alike, check_plain, inside, under
from harness.files.writing import replacing, writing

__all__ = [
    "Busy",
    "Journal",
    "Row",
    "alike",
    "as_lines",
    "cache_folder",
    "check_plain",
    "clear_halves",
    "digest_of",
    "file_sha256",
    "inside",
    "is_held",
    "locked",
    "read_rows",
    "replacing",
    "safe_name",
    "under",
    "write_json",
    "write_rows",
    "writing",
]
