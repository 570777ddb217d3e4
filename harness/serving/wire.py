"""What passes between the harness and a model server: JSON over HTTP, each fault in one line."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from typing import Any

import httpx

from harness.errors import HarnessError, gist
from harness.files import NotJson, parsed

KEY = "HARNESS_VLLM_KEY"
"""The environment variable with the key of a server that `--engine URL` names."""

ANSWER_SECONDS = 60.0
"""For everything but replies, which take as long as they take."""

IN_FLIGHT = 256
"""Requests that are sent at once: as many as vLLM writes at once unless told otherwise."""


class ServerGone(Exception):
    """The server did not answer, or failed in itself: what it said, in one line. `broken`: a connection was cut."""

    def __init__(self, said: str, *, broken: bool = False) -> None:
        super().__init__(said)
        self.broken = broken


class Declined(HarnessError):
    """The server does not do what it was asked; `status` is that of its answer."""

    def __init__(self, said: str, *, status: int) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a server is asked, and the key that it wants; "" for none."""

    url: str
    key: str = ""

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        return self._told("GET", path)

    def post(self, path: str, body: object) -> Any:
        """What the server answers to the JSON `body`."""
        return self._told("POST", path, json=body)

    def put(self, path: str, content: bytes) -> Any:
        """What the server answers to `content`, which it keeps."""
        return self._told("PUT", path, content=content)

    def client(self) -> httpx.AsyncClient:
        """For many requests at once, each as long as it takes."""
        limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
        timeout = httpx.Timeout(None, connect=ANSWER_SECONDS)
        return httpx.AsyncClient(base_url=self.url, headers=self._headers, limits=limits, timeout=timeout)

    def _told(self, method: str, path: str, **sent: Any) -> Any:
        try:
            with httpx.Client(base_url=self.url, headers=self._headers, timeout=ANSWER_SECONDS) as client:
                return told(client.request(method, path, **sent))
        except httpx.HTTPError as error:
            raise ServerGone(f"{self.url} does not answer: {gist(error)}", broken=True) from error

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


async def posted(client: httpx.AsyncClient, path: str, body: object) -> Any:
    """What the server answers to the JSON `body`; ServerGone where it does not."""
    try:
        return told(await client.post(path, json=body))
    except httpx.HTTPError as error:
        raise ServerGone(f"{client.base_url} does not answer: {gist(error)}", broken=True) from error


def told(response: httpx.Response) -> Any:
    """The JSON of an answer, None for an empty one or another text; Declined for what the server does not do."""
    asked = f"{response.request.method} {response.request.url}"
    if response.status_code in (401, 403):
        raise HarnessError(f"the server does not take the key for {asked}; set {KEY} to its key")
    if response.status_code >= 500:
        raise ServerGone(f"{asked}: status {response.status_code}: {_short(response.text)}")
    if not response.is_success:
        said = f"the server refuses {asked}: status {response.status_code}: {_reason(response.text)}"
        raise Declined(said, status=response.status_code)
    try:
        return parsed(response.text)
    except NotJson:
        return None


def own_key() -> str:
    """The key in the environment, "" for none."""
    return os.environ.get(KEY, "")


def _reason(text: str) -> str:
    """The message of an error as the server words it."""
    try:
        error = parsed(text)["error"]
        return _short(str(error["message"] if isinstance(error, dict) else error))
    except (NotJson, KeyError, TypeError):
        return _short(text)


def _short(text: str) -> str:
    return textwrap.shorten(text, 300, placeholder=" ...") or "no word of why"
