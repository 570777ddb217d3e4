"""A stand-in for vLLM's server with the plugin, for what can be tested without: `python fake_vllm.py NOTES ARGUMENTS`.

NOTES is a folder: every request that is answered is a line in `asked`; a file `die_after` holds after how many answers
it ends at once, `ignore` makes it steer nothing, `bare` takes its plugin away, `no_start` is what it says as it fails;
with `slow` it does not come up.
A reply to a prompt is its tokens in reverse, moved on by 1 under an adapter, and by 2 under steering that is not 0.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOCK = threading.Lock()


def main(notes: Path, arguments: list[str]) -> None:
    if (notes / "no_start").is_file():
        sys.exit((notes / "no_start").read_text())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if (notes / "slow").is_file():
        time.sleep(300)
    port = int(arguments[arguments.index("--port") + 1])
    Server(("127.0.0.1", port), handler(notes, os.environ.get("VLLM_API_KEY", ""))).serve_forever()


class Server(ThreadingHTTPServer):
    """As many may knock at once as a client sends."""

    request_queue_size = 512


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def handler(notes: Path, key: str) -> type[BaseHTTPRequestHandler]:
    adapters: list[str] = []
    additions: dict[str, bool] = {}
    tokens: dict[str, int] = {}
    answered = [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path == "/health":
                self.say(200, None)
            elif key and self.headers.get("Authorization") != f"Bearer {key}":
                self.say(401, {"error": "Unauthorized"})
            elif self.path == "/version":
                self.say(200, {"version": "0.32.0"})
            elif self.path == "/v1/models":
                base = {"id": "base", "max_model_len": 2048, "parent": None}
                self.say(200, {"data": [base, *({"id": name, "parent": "base"} for name in adapters)]})
            elif self.path == "/v1/steering" and not (notes / "bare").is_file():
                shape = {"blocks": 4, "width": 8, "dtype": "float32"}
                self.say(200, {"armed": True, "plugin": "1", "tokens": tokens, **shape})
            else:
                self.say(404, {"error": "Not Found"})

        def do_PUT(self) -> None:
            body = self.body()
            values = struct.unpack(f"{(len(body) - 8 - struct.unpack('<Q', body[:8])[0]) // 4}f", _data(body))
            additions[self.path.rpartition("/")[2]] = any(values)
            self.say(200, {})

        def do_POST(self) -> None:
            body = json.loads(self.body())
            if self.path == "/v1/load_lora_adapter":
                adapters.append(body["lora_name"])
                self.say(200, None)
            elif self.path == "/v1/unload_lora_adapter":
                adapters.remove(body["lora_name"])
                self.say(200, None)
            else:
                self.complete(body)

        def complete(self, body: Any) -> None:
            name = (body.get("vllm_xargs") or {}).get("steer")
            assert body.get("cache_salt") == name
            reply = body["prompt"][::-1][: body["max_tokens"] - 1]
            moved = (body["model"] != "base") + 2 * (additions.get(name, False) and not (notes / "ignore").is_file())
            with LOCK:
                death = notes / "die_after"
                if death.is_file() and answered[0] >= int(death.read_text()):
                    death.unlink()
                    os._exit(1)
                answered[0] += 1
                if name:
                    tokens[name] = tokens.get(name, 0) + (0 if (notes / "ignore").is_file() else len(reply) + 1)
                with (notes / "asked").open("a") as file:
                    file.write(json.dumps(body["prompt"]) + "\n")
            ids = [*(token + moved for token in reply), *body["stop_token_ids"][:1]]
            self.say(200, {"choices": [{"token_ids": ids, "finish_reason": "stop"}]})

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def say(self, status: int, told: Any) -> None:
            content = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _data(content: bytes) -> bytes:
    """The numbers in a safetensors file, behind its header."""
    return content[8 + struct.unpack("<Q", content[:8])[0] :]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
