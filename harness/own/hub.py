"""Rows of a data set of the hub: pinned by commit, read by the `datasets` library, kept in the cache as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, OutOfReach, gist
from harness.files import ROWS_BYTES, cache_folder, digest_of, writing
from harness.own.written import WrittenRows

INSTALL = "install it: pip install 'trait-harness[hub]'"
WAY_OUT = "give 'file' instead, JSON lines"


def kept_rows(rows: WrittenRows) -> Path:
    """The rows that `rows.hub` names, as JSON lines in the cache; fetched on first use, the same for ever after.

    OutOfReach where the hub is not there, HarnessError for a data set, config or split that it does not have.
    """
    what = f"{rows.hub}@{rows.revision[:8]}"
    name = f"{rows.hub.replace('/', '--')}-{digest_of([rows.revision, rows.config, rows.split])[:8]}.jsonl"
    kept = cache_folder() / "data" / "hub" / name
    if not kept.is_file():
        found = _loaded(rows, what)
        with writing(kept, f"the rows of {what}") as part:
            _write(found, part, what)
    return kept


def _loaded(rows: WrittenRows, what: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise HarnessError(f"{what} is read by the library datasets; {INSTALL}, or {WAY_OUT}") from None
    if Path(rows.hub).exists():  # which the library would read in the place of the hub's
        raise HarnessError(f"{rows.hub} is a folder here, too, and a data set of the hub was meant; work elsewhere")
    with _quiet(datasets):
        try:
            return datasets.load_dataset(rows.hub, rows.config or None, revision=rows.revision, split=rows.split)
        except ConnectionError as error:
            raise OutOfReach(f"cannot fetch {what} from the hub ({gist(error)}); {WAY_OUT}") from error
        except Exception as error:
            asked = f"config {rows.config!r}, split {rows.split!r}" if rows.config else f"split {rows.split!r}"
            raise HarnessError(f"the hub gave no rows of {what}, {asked} ({gist(error)}); {WAY_OUT}") from error


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Bars and warnings of the library are left out: what matters is in an error's one line."""
    import huggingface_hub

    loggers = (datasets.utils.logging, huggingface_hub.logging)
    before = [logger.get_verbosity() for logger in loggers]
    bars = datasets.utils.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.set_verbosity_error()
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.set_verbosity(level)
        if bars:
            datasets.enable_progress_bars()


def _write(found: Any, part: Path, what: str) -> None:
    """A line a row, in order; a null column is left out, since the library gives every row every column."""
    size = 0
    with part.open("w", encoding="utf-8") as stream:
        for row in found:
            size += stream.write(f"{json.dumps(_said(row), ensure_ascii=False, default=_unreadable)}\n")
            if size > ROWS_BYTES:
                raise HarnessError(
                    f"{what} has more than {ROWS_BYTES:,} bytes of text; name a part of the split, as train[:10000]"
                )


def _said(value: Any) -> Any:
    """`value` without what is null or not a number in its objects, at any depth."""
    if isinstance(value, Mapping):
        return {name: _said(part) for name, part in value.items() if part is not None and part == part}
    return [_said(part) for part in value] if isinstance(value, list) else value


def _unreadable(value: object) -> None:
    """A picture or a date is no text: null, which rows are refused for by name where a text is wanted."""
