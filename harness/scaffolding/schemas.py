"""JSON Schemas of the files that users write, so that editors complete and check them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.documents import Json
from harness.errors import unknown

if TYPE_CHECKING:
    from pydantic import BaseModel

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _setting() -> type[BaseModel]:
    from harness.own import WrittenSetting

    return WrittenSetting


def _experiment() -> type[BaseModel]:
    from harness.sweep import ExperimentFile

    return ExperimentFile


def _claims() -> type[BaseModel]:
    from harness.claims import ClaimFile

    return ClaimFile


SCHEMAS: Mapping[str, Callable[[], type[BaseModel]]] = {
    "setting": _setting,
    "experiment": _experiment,
    "claims": _claims,
}
"""The kinds of files, each with what reads it: what an editor is told and what the harness takes are one."""


def schema_of(kind: str) -> dict[str, Json]:
    """The JSON Schema of one of `SCHEMAS`, draft 2020-12; HarnessError for another kind."""
    if kind not in SCHEMAS:
        raise unknown("schema", kind, SCHEMAS)
    return {"$schema": DRAFT, **SCHEMAS[kind]().model_json_schema()}
