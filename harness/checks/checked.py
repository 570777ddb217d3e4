"""A frozen record whose constructor holds every field against its annotation."""

from __future__ import annotations

import re
from typing import Any

from harness.checks.annotations import checks_of
from harness.checks.rules import shown
from harness.errors import HarnessError


class Refused(HarnessError, ValueError):
    """A record was given what its fields do not allow: what it was, what is allowed, and the record and field."""


class Checked:
    """A dataclass that inherits this is checked when it is made: each field, then all of them by `wrong`."""

    __slots__ = ()

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, default, check in checks_of(kind):
            value = getattr(self, name)
            if value is not default and (said := check(value)) is not None:
                own = "" if name in ("name", "id") else _own(self)
                raise Refused(f"{said} ({kind.__name__}{own}.{name})")
        if (said := self.wrong()) is not None:
            raise Refused(said)

    def wrong(self) -> str | None:
        """What is wrong with the fields taken together, or None."""
        return None


def called_by(record: Any) -> str:
    """The kind of a record with its name or id, where it has one: "setting 'loud'", "case 'c1'"."""
    own = _own(record)
    return f"{_spaced(type(record).__name__)}{own}" if own else type(record).__name__


def _spaced(name: str) -> str:
    """`LossTerm` as people say it, "loss term"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _own(record: Any) -> str:
    """The name or id of a record after a blank, "" where it has none."""
    own = getattr(record, "name", "") or getattr(record, "id", "")
    return f" {shown(own)}" if own and isinstance(own, str) else ""
