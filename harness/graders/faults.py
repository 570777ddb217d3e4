"""What went wrong with a question to a grader, told apart by what can be done about it."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Literal

from tenacity import RetryError

SHOWN = 240
"""Characters of what a provider said."""

Hide = Callable[[str], str]
"""Takes out of a text what nobody may see."""

Kind = Literal["unreached", "passing", "lost", "late", "unreadable", "without", "question", "grader", "stop"]
"""What is known of a failure.

`unreached`: nobody was reached. `passing`: the provider said that it cannot answer now. `lost` and `late`: an answer
that broke off, or did not come in time. `unreadable`: an answer that is none. `without`: it has no log-probabilities,
or the provider says that the model gives none. `question`: the same question will not be answered. `grader`: no
question will, it seems. `stop`: none must be asked now.
"""

PAID = frozenset({"lost", "late", "unreadable"})
"""An answer may have to be paid for though there is none to read."""

GRADER = frozenset({401, 402, 404, 407})
"""Status codes that speak of the key, the account or the model, as a rule."""

PASSING = frozenset({408, 409, 425, 429})
"""Those that say try again, besides all from 500 up."""

OVERLOADED = frozenset({429, 503, 529})
"""Those after which all callers wait."""

_SAYS_WITHOUT = re.compile(
    r"log[ _-]?prob\w*\W.{0,60}?\b(not|n't|unsupported|unavailable|unknown|invalid|unrecognized|unexpected|disabled)\b"
    r"|\b(not|n't|cannot|unsupported|unknown|invalid|unrecognized|unexpected|without)\b.{0,60}?log[ _-]?prob",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure: its kind, what was said in one line, the HTTP status, and the seconds of rest that it asks for."""

    kind: Kind
    said: str
    status: int | None = None
    rest: float = 0.0

    @property
    def of_all(self) -> bool:
        """Whether every caller waits."""
        return self.rest > 0 or self.status in OVERLOADED


class Failed(Exception):
    """A failure whose words are safe to show and to store: no key is in them."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.said)
        self.fault = fault


def unreadable(said: str) -> Failed:
    """The failure of an answer that is none."""
    return Failed(Fault(kind="unreadable", said=said))


def fault_of(error: BaseException, hidden: Hide = str) -> Fault:
    """What `error`, by whatever library, means; `hidden` takes out of its words what nobody may see."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Failed):
            return cause.fault
    for cause in causes:
        if status := _status(cause):
            return of_status(status, hidden(_named(cause)), headers=_headers(cause), code=getattr(cause, "code", None))
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    found: Kind = next((kind for kind, known in _BY_NAME if names & known), "unreadable")
    first, last = short(hidden(_named(causes[0]))), short(hidden(str(causes[-1])))
    # What lies at the bottom is what the system said.
    return Fault(kind=found, said=first if not last or last in first else f"{first}) ({last}")


def of_status(
    status: int, said: str, *, headers: Mapping[str, str] = MappingProxyType({}), code: object = None
) -> Fault:
    """What an HTTP status means, with what the provider said beside it."""
    shown = short(said)
    if code in ("insufficient_quota", "billing_hard_limit_reached"):
        return Fault(kind="grader", said=shown, status=status)
    if status in PASSING or status >= 500:
        return Fault(kind="passing", said=shown, status=status, rest=_rest(headers))
    if status in (400, 404, 422) and _SAYS_WITHOUT.search(said):
        return Fault(kind="without", said=shown, status=status)
    return Fault(kind="grader" if status in GRADER else "question", said=shown, status=status)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error) or 'no message'}"


def short(text: str) -> str:
    """`text` on one line, as much of it as is shown."""
    return textwrap.shorten(text, SHOWN, placeholder=" ...")


_BY_NAME: tuple[tuple[Kind, frozenset[str]], ...] = (
    (
        "late",
        frozenset({"AttemptTimeoutError", "ConnectTimeout", "APITimeoutError", "TimeoutException", "TimeoutError"}),
    ),
    ("stop", frozenset({"UnsupportedProtocol", "InvalidURL", "LocalProtocolError"})),
    ("unreached", frozenset({"ConnectError", "ProxyError", "ConnectionRefusedError", "gaierror"})),
    ("unreadable", frozenset({"DecodingError"})),
    ("lost", frozenset({"TransportError", "APIConnectionError", "ConnectionError"})),
    ("question", frozenset({"UnicodeEncodeError"})),
)
"""By the names of classes: each provider's library has its own, and they are alike."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error` and what lies below it: the wrappings of Inspect and of the provider's library."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, RetryError):
            error = error.last_attempt.exception()
            continue
        if type(error).__name__ != "ModelGenerateError" or error.__cause__ is None:
            yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _status(error: BaseException) -> int | None:
    found = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _headers(error: BaseException) -> Mapping[str, str]:
    found: Any = getattr(getattr(error, "response", None), "headers", None)
    return found if isinstance(found, Mapping) else {}


def _rest(headers: Mapping[str, str]) -> float:
    """The seconds that `Retry-After` asks for, a number or a date against the provider's own clock; 0 for neither."""
    asked = headers.get("retry-after", "").strip()
    try:
        seconds = float(asked)
    except ValueError:
        seconds = _until(asked, headers.get("date", ""))
    return max(0.0, seconds) if not math.isnan(seconds) else 0.0


def _until(date: str, now: str) -> float:
    moments: list[datetime | None] = []
    for text in (date, now):
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            moments.append(None)
        else:
            moments.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    until, sent = moments
    return 0.0 if until is None else (until - (sent or datetime.now(UTC))).total_seconds()
