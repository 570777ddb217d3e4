"""A grader over HTTP on this machine, in the form that OpenAI gave such servers, which can be told to misbehave."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its text, and the likeliest tokens in its place, or None for a model that tells none."""

    text: str
    tokens: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong instead of an answer: a status, or what the connection does."""

    kind: str = "status"
    status: int = 500
    retry_after: str = ""
    message: str = "trouble"
    code: str = "trouble"


Answer = Callable[[str, int], "Said | Trouble"]
"""What to answer to a prompt that is asked for the nth time, from 0."""


@dataclass
class Server:
    """What was asked, when, and with which settings."""

    answer: Answer
    url: str = ""
    asked: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stalled: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(answer: Answer, *, port: int = 0) -> Iterator[Server]:
    """A server that answers on the loopback while inside."""
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][-1]["content"]
            with server.lock:
                before = sum(prompt == other for _, other, _ in server.asked)
                server.asked.append((time.monotonic(), prompt, body))
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            try:
                self.say(server.answer(prompt, before), body, prompt)
            finally:
                with server.lock:
                    server.at_once -= 1

        def say(self, said: Said | Trouble, body: dict[str, Any], prompt: str) -> None:
            if isinstance(said, Said):
                with server.lock:
                    server.answered.append(prompt)
                self.send(200, json.dumps(completion(said, body)).encode())
            elif said.kind == "status":
                error = {"error": {"message": said.message, "code": said.code, "type": "error"}}
                self.send(said.status, json.dumps(error).encode(), retry_after=said.retry_after)
            elif said.kind == "malformed":
                self.send(200, b'{"id": "x", "choices": [{"mess')
            elif said.kind == "stall":
                server.stalled.wait(20)
                self.close_connection = True
            else:
                # The head promises more than comes.
                self.send(200, b'{"id": ', promised=500)
                self.close_connection = True

        def send(self, status: int, body: bytes, *, promised: int = 0, retry_after: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(promised or len(body)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass  # a client that hung up is no error of the server's

    httpd = Quiet(("127.0.0.1", port), Handler)
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}/v1"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stalled.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def completion(said: Said, body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion as such servers write it."""
    logprobs = None
    if said.tokens is not None and body.get("logprobs"):
        top = [one(token, p) for token, p in sorted(said.tokens.items(), key=lambda item: -item[1])]
        logprobs = {"content": [{**top[0], "top_logprobs": top[: body.get("top_logprobs", 0)]}]}
    return {
        "id": "made-up",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": said.text},
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101},
    }


def one(token: str, p: float) -> dict[str, Any]:
    return {"token": token, "logprob": math.log(p), "bytes": list(token.encode())}
