"""Everything that reaches disk: whole-or-nothing writes, digests, locks, journals, JSON lines, YAML with lines."""

from harness.files.cache import cache_folder
from harness.files.digests import digest_of, file_sha256, safe_name
from harness.files.inspect_home import check_inspect_home, inspect_home
from harness.files.journal import Journal
from harness.files.json_files import write_json
from harness.files.json_lines import Row, read_rows, write_rows
from harness.files.locks import Busy, clear_halves, locked
from harness.files.writing import open_to_others, part_of, writing

__all__ = [
    "Busy",
    "Journal",
    "Row",
    "cache_folder",
    "check_inspect_home",
    "clear_halves",
    "digest_of",
    "file_sha256",
    "inspect_home",
    "locked",
    "open_to_others",
    "part_of",
    "read_rows",
    "safe_name",
    "write_json",
    "write_rows",
    "writing",
]
