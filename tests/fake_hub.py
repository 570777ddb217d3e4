"""A hub of one data set on this machine: as much of its HTTP interface as the library `datasets` asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "somebody/rows"
TREE = f"/api/datasets/{NAME}/tree/{COMMIT}"

FOLDER = {"type": "directory", "size": 0, "oid": "0" * 40}


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a hub that has the data set `NAME` with `files` at `COMMIT`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, files)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Hub(BaseHTTPRequestHandler):
    def __init__(self, files: Mapping[str, bytes], *rest: Any) -> None:
        self.files = files
        super().__init__(*rest)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == f"/api/datasets/{NAME}/revision/{COMMIT}":
            about = {"id": NAME, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0}
            self._say({**about, "siblings": [{"rfilename": file} for file in self.files]})
        elif path.startswith(TREE) and (below := self._below(path.removeprefix(TREE).strip("/"))):
            self._say(below)
        elif (file := path.removeprefix(f"/datasets/{NAME}/resolve/{COMMIT}/")) in self.files:
            self._send(200, self.files[file], {"ETag": f'"{self._entry(file)["oid"]}"', "X-Repo-Commit": COMMIT})
        else:
            code = "EntryNotFound" if NAME in path else "RepoNotFound"
            self._send(404, b"{}", {"X-Error-Code": code})

    def _below(self, folder: str) -> list[dict[str, Any]]:
        """What lies right in `folder`, whose name is empty at the top."""
        lead = f"{folder}/" if folder else ""
        inside = [file for file in self.files if file.startswith(lead)]
        names = dict.fromkeys(lead + file.removeprefix(lead).split("/")[0] for file in inside)
        return [self._entry(one) if one in self.files else {**FOLDER, "path": one} for one in names]

    def _entry(self, file: str) -> dict[str, Any]:
        content = self.files[file]
        return {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def _say(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
