"""What files say: a person's YAML with its lines, held against a schema, and our own records."""

from harness.documents.records import (
    SEAL,
    Json,
    Place,
    Record,
    as_json,
    as_record,
    check_seal,
    frozen,
    has_broken_seal,
    read_json,
    read_record,
    record,
    record_bytes,
    sealed,
    write_record,
)
from harness.documents.yaml import Document, Source, Strict, read, read_source

__all__ = [
    "SEAL",
    "Document",
    "Json",
    "Place",
    "Record",
    "Source",
    "Strict",
    "as_json",
    "as_record",
    "check_seal",
    "frozen",
    "has_broken_seal",
    "read",
    "read_json",
    "read_record",
    "read_source",
    "record",
    "record_bytes",
    "sealed",
    "write_record",
]
