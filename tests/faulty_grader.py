"""A grader over loopback that fails in any of a table of ways, as bytes on the wire: the table is data.

Every kind is a function of the prompt's right answer that gives the bytes to send, or what to do with the connection.
"""

from __future__ import annotations

import gzip
import json
import math
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal

KEY = "sk-loopback-0123456789-abcdefghij"

Outcome = Literal["row", "stops", "right", "unclear", "refusal"]
"""What becomes of a row that always fails so.

`row`: it has no score, and others have theirs. `stops`: the command ends in one line. `right`: it is no fault, or one
that does no harm. `unclear`, `refusal`: an outcome of its own, which is no failure.
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes out for one request: bytes, in parts with a pause before each; and how the connection ends."""

    parts: tuple[bytes, ...] = ()
    pause: float = 0.0
    reset: bool = False
    endless: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One way to fail: what is sent, what becomes of a row that always fails so, and of a command in which all do."""

    name: str
    sent: Callable[[int], Sent]
    one: Outcome
    every: Outcome = "stops"
    slow: bool = False

    @property
    def first(self) -> Outcome:
        """What becomes of a first row that fails so: it may speak of the key, the account or the model."""
        return "stops" if self.name.startswith(SPEAKS_OF_ALL) else self.one


def head(status: int, length: int | None, headers: Mapping[str, str] = {}, content: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content}", "Connection: close"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


def raw(
    body: bytes, status: int = 200, *, answers: bool = False, content: str = "application/json", **headers: str
) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent((head(status, len(body), named, content) + body,), answers=answers)


def error(status: int, message: str = "trouble", code: object = None, **headers: str) -> Sent:
    body = {"error": {"message": message, "code": code, "type": "error"}}
    return raw(json.dumps(body).encode(), status, **headers)


def tokens_of(number: int) -> dict[str, float]:
    return {str(number): math.log(0.75), "The": math.log(0.25)}


def chat(number: int, *, logprobs: object = "usual", **changes: Any) -> dict[str, Any]:
    """A right answer, parts of it changed."""
    top = [{"token": token, "logprob": p, "bytes": None} for token, p in tokens_of(number).items()]
    usual = {"content": [{**top[0], "top_logprobs": top}]}
    message = {"role": "assistant", "content": str(number), **changes.pop("message", {})}
    choice = {
        "index": 0,
        "finish_reason": changes.pop("finish_reason", "stop"),
        "message": message,
        "logprobs": usual if logprobs == "usual" else logprobs,
    }
    made: dict[str, Any] = {
        "id": "made-up",
        "object": "chat.completion",
        "created": 0,
        "model": "made-up",
        "choices": [choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101},
    }
    return {**made, **changes}


def answer(body: object) -> Sent:
    return raw(json.dumps(body).encode(), answers=True)


def right(number: int) -> Sent:
    return answer(chat(number))


def logs(*pairs: tuple[str, float], first: str = "") -> dict[str, Any]:
    top = [{"token": token, "logprob": p, "bytes": None} for token, p in pairs]
    return {"content": [{"token": first or top[0]["token"], "logprob": top[0]["logprob"], "top_logprobs": top}]}


KINDS: list[FaultKind] = []
SPEAKS_OF_ALL = ("status 401", "status 402", "status 404", "status 407", "401", "429, no money")


def kind(name: str, sent: Callable[[int], Sent], one: Outcome, every: Outcome = "stops", *, slow: bool = False) -> None:
    KINDS.append(FaultKind(name=name, sent=sent, one=one, every=every, slow=slow))


# Statuses

for status in (400, 403, 405, 406, 409, 410, 411, 413, 414, 415, 418, 422, 431, 451):
    kind(f"status {status}", lambda n, s=status: error(s), "row")
for status in (401, 402, 404, 407):
    kind(f"status {status}", lambda n, s=status: error(s), "row")
for status in (408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 529):
    kind(f"status {status}", lambda n, s=status: error(s), "row")
for name, rest in {
    "no seconds": "0",
    "part of a second": "0.01",
    "seconds below 0": "-5",
    "seconds that are no number": "soon",
    "seconds nan": "nan",
    "seconds empty": "",
    "a date that is past": "Wed, 21 Oct 2015 07:28:00 GMT",
    "a date that is none": "Wed, 99 Oct 2015 07:28:00 GMT",
}.items():
    kind(f"429, Retry-After {name}", lambda n, r=rest: error(429, Retry_After=r), "row")
for name, rest in {"huge": "86400", "inf": "inf", "of 400 digits": "9" * 400}.items():
    kind(f"429, Retry-After {name}", lambda n, r=rest: error(429, Retry_After=r), "stops")
kind(
    "429, Retry-After a date in a day",
    lambda n: error(429, Retry_After=formatdate(time.time() + 86400, usegmt=True)),
    "stops",
)
kind(
    "429, Retry-After a date now by a clock that is a year off",
    lambda n: error(
        429,
        Retry_After=formatdate(time.time() + 3e7, usegmt=True),
        Date=formatdate(time.time() + 3e7, usegmt=True),
    ),
    "row",
)
kind("429, no money left", lambda n: error(429, "no money left", "insufficient_quota"), "row")
kind("400, too long", lambda n: error(400, "this model's limit is 90 tokens", "context_length_exceeded"), "row")
kind("400, filter", lambda n: error(400, "flagged, 90 %", "content_filter"), "row")
kind("400, request echoed", lambda n: error(400, "bad request: {'logprobs': True, 'n': 90}"), "row")
kind("400, empty", lambda n: raw(b"", 400), "row")
kind("400, a web page", lambda n: raw(b"<html><b>90</b></html>", 400, content="text/html"), "row")
kind("400, not UTF-8", lambda n: raw(b"\xff\xfe\x00", 400), "row")
kind("500, a web page", lambda n: raw(b"<html>90</html>", 500, content="text/html"), "row")
kind("500, a list", lambda n: raw(b"[90]", 500), "row")

# Elsewhere

for status in (301, 302, 303, 307, 308):
    kind(f"redirect {status}", lambda n, s=status: raw(b"", s, Location="http://127.0.0.1:1/elsewhere"), "row")
kind("redirect to nowhere", lambda n: raw(b"", 302), "row")
kind("redirect to itself", lambda n: raw(b"", 307, Location="/v1/chat/completions"), "row")

# Connections

whole = chat(0)
kind("reset at once", lambda n: Sent(reset=True), "row")
kind("closed at once", lambda n: Sent(), "row")
kind("reset in the head", lambda n: Sent((b"HTTP/1.1 200 OK\r\nContent-Ty",), reset=True), "row")
kind("closed in the body", lambda n: Sent((head(200, 500) + b'{"id": ',)), "row")
kind("reset in the body", lambda n: Sent((head(200, 500) + b'{"id": ',), reset=True), "row")
kind(
    "one byte too few", lambda n: Sent((head(200, len(json.dumps(chat(n))) + 1) + json.dumps(chat(n)).encode(),)), "row"
)
kind("no HTTP", lambda n: Sent((b"220 mail.example ESMTP\r\n",)), "row")
kind("a head without end", lambda n: Sent((b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,)), "row")
kind("no head in time", lambda n: Sent(pause=3.0), "row", slow=True)
kind("no body in time", lambda n: Sent((head(200, 500), b"{}"), pause=3.0), "row", slow=True)
kind("a body without end", lambda n: Sent((head(200, None),), endless=True), "row")
kind(
    "chunks that are none",
    lambda n: Sent((head(200, None, {"Transfer-Encoding": "chunked"}) + b"zz\r\nhello\r\n",)),
    "row",
)
kind("gzip that is none", lambda n: raw(b"no gzip", Content_Encoding="gzip"), "row")
kind("gzip cut", lambda n: raw(gzip.compress(json.dumps(chat(n)).encode())[:-12], Content_Encoding="gzip"), "row")
kind("gzip that swells", lambda n: raw(gzip.compress(b" " * 30_000_000), Content_Encoding="gzip"), "row")
kind(
    "gzip",
    lambda n: raw(gzip.compress(json.dumps(chat(n)).encode()), answers=True, Content_Encoding="gzip"),
    "right",
    "right",
)
kind("a giant body", lambda n: raw(b'{"id": "' + b"x" * 6_000_000 + b'"}'), "row")

# Bodies

kind("JSON cut", lambda n: raw(json.dumps(chat(n)).encode()[:-30]), "row")
kind("a web page", lambda n: raw(b"<html>90</html>", content="text/html"), "row")
kind("a number", lambda n: raw(b"90"), "row")
kind("a text", lambda n: raw(b'"90"'), "row")
kind("null", lambda n: raw(b"null"), "row")
kind("a list", lambda n: raw(b"[]"), "row")
kind("an empty object", lambda n: raw(b"{}"), "row")
kind("nothing", lambda n: raw(b""), "row")
kind("204", lambda n: Sent((head(204, None),)), "row")
kind("JSON in JSON in JSON", lambda n: raw(b'{"a":' * 100_000), "row")
kind("a number of 10,000 digits", lambda n: raw(b'{"created": ' + b"9" * 10_000 + b"}"), "row")
kind("an error that is a success", lambda n: raw(b'{"error": {"message": "90", "code": 400}}'), "row")
kind("an error without a code", lambda n: raw(b'{"error": "90"}'), "row")
kind(
    "plain text by its header",
    lambda n: raw(json.dumps(chat(n)).encode(), answers=True, content="text/plain"),
    "right",
    "right",
)
kind("a byte-order mark", lambda n: raw(b"\xef\xbb\xbf" + json.dumps(chat(n)).encode(), answers=True), "right", "right")
kind(
    "a byte that is no UTF-8",
    lambda n: raw(json.dumps(chat(n)).encode().replace(b"made-up", b"made\xff-up"), answers=True),
    "right",
    "right",
)
kind("half a surrogate", lambda n: answer(chat(n, id="\ud83d")), "right", "right")

# Answers

kind("no choices", lambda n: raw(json.dumps(chat(n, choices=[])).encode()), "row")
kind("choices null", lambda n: raw(json.dumps(chat(n, choices=None)).encode()), "row")
kind("choices a text", lambda n: raw(json.dumps(chat(n, choices="90")).encode()), "row")
kind("a choice without message", lambda n: raw(json.dumps(chat(n, choices=[{"index": 0}])).encode()), "row")
kind("content null", lambda n: raw(json.dumps(chat(n, message={"content": None}, logprobs=None)).encode()), "row")
kind("content empty", lambda n: raw(json.dumps(chat(n, message={"content": ""}, logprobs=None)).encode()), "row")
kind("content blank", lambda n: raw(json.dumps(chat(n, message={"content": " \n"}, logprobs=None)).encode()), "row")
kind("content a list", lambda n: raw(json.dumps(chat(n, message={"content": [90]}, logprobs=None)).encode()), "row")
kind(
    "refused",
    lambda n: answer(chat(n, message={"content": None, "refusal": "I will not rate 90."}, logprobs=None)),
    "refusal",
    "refusal",
)
kind(
    "filtered",
    lambda n: answer(chat(n, finish_reason="content_filter", message={"content": ""}, logprobs=None)),
    "unclear",
    "unclear",
)
kind("cut by length", lambda n: answer(chat(n, finish_reason="length")), "right", "right")
kind("an end nobody knows", lambda n: answer(chat(n, finish_reason="tired")), "right", "right")
kind("another model named", lambda n: answer(chat(n, model="quite-another")), "right", "right")
kind("no model named", lambda n: answer({k: v for k, v in chat(n).items() if k != "model"}), "right", "right")
kind(
    "two choices",
    lambda n: answer(chat(n, choices=chat(n)["choices"] + [{**chat(90)["choices"][0], "index": 1}])),
    "right",
    "right",
)

# Log-probabilities

bad_logs: dict[str, Callable[[int], object]] = {
    "of no token": lambda n: {"content": []},
    "of another answer": lambda n: logs(("The", -0.1), ("90", -3.0)),
    "nan": lambda n: logs((str(n), math.nan), ("The", -1.0)),
    "above 0": lambda n: logs((str(n), 2.0), ("The", -1.0)),
    "infinite": lambda n: logs((str(n), math.inf)),
    "of 2 together": lambda n: logs((str(n), -0.01), ("The", -0.01)),
    "a text": lambda n: {"content": [{"token": str(n), "logprob": "likely", "top_logprobs": []}]},
    "a list": lambda n: [],
}
for name, made in bad_logs.items():
    kind(f"log-probabilities {name}", lambda n, m=made: raw(json.dumps(chat(n, logprobs=m(n))).encode()), "row")
kind("log-probabilities null", lambda n: raw(json.dumps(chat(n, logprobs=None)).encode()), "row", "right")
kind("log-probabilities missing", lambda n: raw(json.dumps(without_logprobs(n)).encode()), "row", "right")
kind("log-probabilities of one token", lambda n: answer(chat(n, logprobs=logs((str(n), -0.3)))), "right", "right")
kind(
    "log-probabilities of the chosen token alone",
    lambda n: answer(chat(n, logprobs={"content": [{"token": str(n), "logprob": -0.3, "top_logprobs": []}]})),
    "right",
    "right",
)
kind(
    "a token twice",
    lambda n: answer(chat(n, logprobs=logs((str(n), -0.6), (str(n), -0.6), ("The", -1.0)))),
    "right",
    "right",
)
kind(
    "a token of no chance",
    lambda n: answer(chat(n, logprobs=logs((str(n), -0.3), ("90", -math.inf)))),
    "right",
    "right",
)

# Counts

for name, used in {
    "missing": None,
    "negative": {"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6},
    "huge": {"prompt_tokens": 10**9, "completion_tokens": 1, "total_tokens": 10**9},
    "of the cache alone": {
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 50},
    },
}.items():
    kind(f"usage {name}", lambda n, u=used: answer(chat(n, usage=u)), "right", "right")

# The key comes back

kind("400 with the key", lambda n: error(400, f"who is Bearer {KEY}? 90"), "row")
kind("401 with the key", lambda n: error(401, f"wrong key {KEY}"), "row")
kind("500 with the key", lambda n: error(500, f"Authorization: Bearer {KEY}"), "row")
kind("the key in a web page", lambda n: raw(f"<html>{KEY}</html>".encode(), content="text/html"), "row")
kind("the key at the end of what is shown", lambda n: raw(f"{'x' * 225}{KEY}".encode()), "row")
kind("the key in an error that is a success", lambda n: raw(json.dumps({"error": {"message": KEY}}).encode()), "row")
kind("the key in a header", lambda n: error(500, X_Echo=KEY, Retry_After=KEY), "row")
kind("the key in a redirect", lambda n: raw(b"", 307, Location=f"http://127.0.0.1:1/?key={KEY}"), "row")
kind("the key in the filter's words", lambda n: error(400, f"flagged {KEY}", "content_filter"), "row")
kind("the key as the answer", lambda n: answer(chat(n, message={"content": f"{n} {KEY}"})), "right", "right")
kind("the key as a token", lambda n: answer(chat(n, logprobs=logs((str(n), -0.3), (KEY, -2.0)))), "right", "right")
kind("the key as the model", lambda n: answer(chat(n, model=KEY, id=KEY)), "right", "right")


def without_logprobs(number: int) -> dict[str, Any]:
    made = chat(number)
    del made["choices"][0]["logprobs"]
    return made


@dataclass
class FaultyServer:
    """What was asked, and how often each prompt was answered so that there was something to pay for."""

    fails: Callable[[str, int], FaultKind | None]
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def number_of(prompt: str) -> int:
    """The right answer: the number at the prompt's end, or 50 for a neutral question."""
    last = prompt.split()[-1]
    return int(last) if last.isdigit() else 50


@contextmanager
def failing(fails: Callable[[str, int], FaultKind | None], *, family: int = socket.AF_INET) -> Iterator[FaultyServer]:
    """A server that answers rightly but where `fails` gives, by prompt and the how manieth time, a kind of fault."""
    server = FaultyServer(fails)
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    door = socket.create_server((host, 0), family=family, backlog=128)
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    server.url = f"http://{shown}:{door.getsockname()[1]}/v1"
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client hung up
            respond(server, connection, over)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server
    finally:
        over.set()
        door.shutdown(socket.SHUT_RDWR)
        door.close()


def respond(server: FaultyServer, connection: socket.socket, over: threading.Event) -> None:
    body = request(connection)
    if body is None:
        return
    prompt = body["messages"][-1]["content"]
    with server.lock:
        nth = server.asked[prompt]
        server.asked[prompt] += 1
    failure = server.fails(prompt, nth)
    sent = right(number_of(prompt)) if failure is None else failure.sent(number_of(prompt))
    if sent.answers:
        with server.lock:
            server.answered[prompt] += 1
    for part in sent.parts:
        if sent.pause:
            over.wait(sent.pause)
        connection.sendall(part)
    if not sent.parts and sent.pause:
        over.wait(sent.pause)
    while sent.endless and not over.is_set():
        connection.sendall(b" " * 65536)
    if sent.reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def request(connection: socket.socket) -> dict[str, Any] | None:
    """The body of one request, None where there is none that can be read."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65536)
        if not part:
            return None
        got += part
        if not got.startswith(b"POST"[: len(got)]):
            return None  # TLS, at a port that has none
    start, _, body = got.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if not lengths:
        return None
    while len(body) < int(lengths[0]):
        body += connection.recv(65536)
    made: dict[str, Any] = json.loads(body)
    return made
