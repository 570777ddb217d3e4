"""Everything that reaches disk: whole-or-nothing writes, digests, locks, journals, JSON lines, YAML with lines."""

from harness.files.cache import cache_folder
from harness.files.csv_rows import read_csv
from harness.files.digests import content_sha256, digest_of, file_sha256, identity, safe_name
from harness.files.halves import at_work, clear_empty, clear_halves, half_of, has_halves, is_held
from harness.files.inspect_home import check_clock, check_inspect_home, inspect_home
from harness.files.journal import Journal
from harness.files.json_files import as_json_file, write_json
from harness.files.json_lines import Row, as_lines, read_rows, rows_at_once, write_rows
from harness.files.locks import Busy, locked
from harness.files.paths import alike, check_plain, inside, under
from harness.files.reading import (
    DEPTH,
    DIGITS,
    DOCUMENT_BYTES,
    ROWS_BYTES,
    WRITTEN_BYTES,
    NoFile,
    NotJson,
    check_regular,
    decoded,
    parsed,
    read_bytes,
    read_text,
    unpacked_bytes,
)
from harness.files.tensors import opened_tensors
from harness.files.writing import open_to_others, replacing, writing

__all__ = [
    "DEPTH",
    "DIGITS",
    "DOCUMENT_BYTES",
    "ROWS_BYTES",
    "WRITTEN_BYTES",
    "Busy",
    "Journal",
    "NoFile",
    "NotJson",
    "Row",
    "alike",
    "as_json_file",
    "as_lines",
    "at_work",
    "cache_folder",
    "check_clock",
    "check_inspect_home",
    "check_plain",
    "check_regular",
    "clear_empty",
    "clear_halves",
    "content_sha256",
    "decoded",
    "digest_of",
    "file_sha256",
    "half_of",
    "has_halves",
    "identity",
    "inside",
    "inspect_home",
    "is_held",
    "locked",
    "open_to_others",
    "opened_tensors",
    "parsed",
    "read_bytes",
    "read_csv",
    "read_rows",
    "read_text",
    "replacing",
    "rows_at_once",
    "safe_name",
    "under",
    "unpacked_bytes",
    "write_json",
    "write_rows",
    "writing",
]
