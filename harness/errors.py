"""The one exception that a user can act on, and the near-miss suggestion that many of its messages carry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Something a user can fix: the message says what, where and the way out, in one line.

    The command line prints it and exits with status 2; a library caller catches it.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> HarnessError:
    """An error for a name that is not among `known`, with the nearest one or, failing that, the list."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return HarnessError(f"no {kind} named {name!r}; did you mean {near[0]!r}?")
    return HarnessError(f"no {kind} named {name!r}; there are: {', '.join(names) or 'none'}")
