"""What belongs to a run: each of its files is held to what its record knows of it, where it is read.

A record of now knows the sha256 of the files that it came to. An older one knows less: how many replies there were,
under which conditions, and of some results the digest that the logs show.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.documents import Record, record
from harness.errors import HarnessError
from harness.files import ROWS_BYTES, Row, as_lines, digest_of, read_bytes, read_rows

if TYPE_CHECKING:
    from harness.runs.replies import Reply
    from harness.runs.run_record import RunRecord

ROWS, REPLIES, RESULTS, CHECKS = "train.jsonl", "replies.jsonl", "results.jsonl", "checks.jsonl"
_PLACE = itemgetter("condition", "split", "case", "sample")
_SCORED = itemgetter("condition", "split", "metric", "case", "sample")


class Unfit(HarnessError):
    """A file that does not belong to its run."""


@record
class Product(Record):
    """A file as it was written last: the sha256 of its bytes, and how many rows they are.

    `coming` is the sha256 of what was about to take its place, in the record of a run that was stopped just then.
    """

    SPARSE: ClassVar[bool] = True

    sha256: str
    rows: int
    coming: str | None = None


def product_of(content: bytes) -> Product:
    """The product that JSON lines of this `content` are."""
    return Product(sha256=hashlib.sha256(content).hexdigest(), rows=content.count(b"\n"))


def check_product(file: Path, rows: Iterable[Mapping[str, object]], of: RunRecord, *, way_out: str) -> bool:
    """Whether `of` knows what is in `file`, the `rows` of our own fields; Unfit where it knows of others.

    The rows are looked at where the bytes are others: a newer harness may have written fields beside ours.
    """
    known = of.products.get(product_name(file))
    if known is None:
        return False
    digests = (known.sha256, known.coming)
    if product_of(read_bytes(file, limit=ROWS_BYTES, advice=way_out)).sha256 in digests:
        return True
    ours = product_of(as_lines(rows))
    if ours.sha256 in digests:
        return True
    many = f"it has {ours.rows} rows, and {known.rows} were written"
    seen = many if ours.rows != known.rows else "it was changed since"
    raise Unfit(f"{file} does not belong to its run: {seen}; {way_out}")


def is_product(file: Path, content: bytes, of: RunRecord) -> bool | None:
    """Whether `content` is, byte for byte, what `of` knows to be in `file`; None where it knows nothing of it."""
    known = of.products.get(product_name(file))
    return None if known is None else product_of(content).sha256 in (known.sha256, known.coming)


def is_whole(of: RunRecord) -> bool:
    """Whether a record was made by a run, with all that its key is made from."""
    return "format" in of.inputs


def product_name(file: Path) -> str:
    """What a record calls `file`: its name, with its folder where that is not the run's own."""
    return f"{file.parent.name}/{file.name}" if file.parent.name == "judgements" else file.name


def check_replies(file: Path, replies: Sequence[Reply], of: RunRecord, *, way_out: str) -> None:
    """Unfit where the `replies` in `file` are not those of the run `of`."""
    if check_product(file, map(asdict, replies), of, way_out=way_out) or not is_whole(of):
        return
    places = [one.place for one in replies]
    seen = _twice(places) or _conditions({place[0] for place in places}, of)
    asked = of.steps["evaluate"].replies if "evaluate" in of.steps else None
    if not seen and asked is not None and asked != len(replies):
        seen = f"it has {len(replies)} replies, and {asked} were given"
    if seen:
        raise Unfit(f"{file} does not belong to its run: {seen}; {way_out}")


def check_results(file: Path, rows: Sequence[Row], of: RunRecord, *, way_out: str) -> None:
    """Unfit where the `rows` of `file`, results or checks, are not those of the run `of`, or a result stands twice."""
    if check_product(file, rows, of, way_out=way_out) or not rows:
        return
    place = _SCORED if file.name == RESULTS else itemgetter("condition", "split", "judge", "check", "case", "sample")
    whole = is_whole(of)
    if (whole or file.name == RESULTS) and (twice := _twice(list(map(place, rows)))):
        raise Unfit(f"{file}: {twice}; {way_out}")
    if not whole:
        return
    if file.name == RESULTS and of.logs_show:
        beside = file.with_name(CHECKS)
        checks = [row for _, row in read_rows(beside, way_out=way_out)] if beside.is_file() else []
        if shown(rows, checks, of) != of.logs_show:
            raise Unfit(f"{file} does not belong to its run: its logs show other scores; {way_out}")
        return
    seen = _conditions({row["condition"] for row in rows}, of) or _uneven(rows, place)
    if seen:
        raise Unfit(f"{file} does not belong to its run: {seen}; {way_out}")


def shown(results: Iterable[Row], checks: Iterable[Row], of: RunRecord) -> str:
    """The digest of what the logs show when they show these rows."""
    asked = None if of.grader is None else of.grader.model
    return digest_of([[list(results), list(checks)], dict(of.judges), asked])


def _twice(places: Sequence[tuple[object, ...]]) -> str:
    if len(set(places)) == len(places):
        return ""
    first = next(place for place, times in Counter(places).items() if times > 1)
    return f"{', '.join(map(str, first))} is in it twice"


def _conditions(seen: set[str], of: RunRecord) -> str:
    """What is wrong with the conditions that a file has, where the record knows them."""
    known = set(of.conditions)
    if not known or seen == known:
        return ""
    other = sorted(seen - known)
    return f"it has the condition {other[0]}, and the run none such" if other else f"{min(known - seen)} is lacking"


def _uneven(rows: Sequence[Row], place: itemgetter[tuple[str, ...]]) -> str:
    """What is wrong where one metric has fewer rows under one condition than under another: all ask the same cases."""
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for (condition, *what), times in Counter(place(row)[:-2] for row in rows).items():
        counts.setdefault(tuple(what), {})[condition] = times
    for what, by_condition in counts.items():
        if len(set(by_condition.values())) > 1:
            least, most = (choose(by_condition, key=lambda one: by_condition[one]) for choose in (min, max))
            return (
                f"{'/'.join(what)} has {by_condition[least]} rows under {least}, and {by_condition[most]} under {most}"
            )
    return ""
