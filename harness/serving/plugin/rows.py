"""Which row of the tables each request takes, and how many tokens were steered for each key. Knows no tensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

PLAIN = 0
"""The row of zeros, for requests that name no key."""


class Rows:
    """Rows 1 to `count` - 1, each of one key at a time; a row is given away only when no request takes it.

    `fill(row, key)` writes a row, and raises for a key that is none.
    """

    def __init__(self, count: int, fill: Callable[[int, str], None]) -> None:
        if count < 2:
            raise ValueError(f"{count} rows leave none for a key: name 2 or more")
        self.tokens: Counter[str] = Counter()
        self._fill = fill
        self._row: dict[str, int] = {}  # by key, the one that was used last at the end
        self._free = list(range(count - 1, 0, -1))
        self._key_of: dict[str, str] = {}

    def begin(self, request: str, key: str | None) -> None:
        """Has `request` take the row of `key`, which is filled where the key is new; None for a plain one."""
        if key is None:
            self._key_of.pop(request, None)
            return
        row = self._row.pop(key, None)
        if row is None:
            row = self._free.pop() if self._free else self._taken_back()
            try:
                self._fill(row, key)
            except BaseException:
                self._free.append(row)
                raise
        self._row[key] = row
        self._key_of[request] = key

    def end(self, request: str) -> None:
        """`request` takes no row any more."""
        self._key_of.pop(request, None)

    def keep_only(self, requests: Iterable[str]) -> None:
        """Ends all others."""
        for gone in self._key_of.keys() - set(requests):
            del self._key_of[gone]

    def of(self, requests: Sequence[str], tokens: Sequence[int]) -> list[int]:
        """The row of each request of a batch; so many `tokens` of each count as steered by its key."""
        rows = []
        for request, count in zip(requests, tokens, strict=True):
            key = self._key_of.get(request)
            if key is None:
                rows.append(PLAIN)
            else:
                self.tokens[key] += int(count)
                rows.append(self._row[key])
        return rows

    def _taken_back(self) -> int:
        taken = set(self._key_of.values())
        for key in self._row:
            if key not in taken:
                return self._row.pop(key)
        raise ValueError(
            f"requests with {len(self._row)} different keys are under way, and there are no more rows; start the "
            "server with more"
        )
