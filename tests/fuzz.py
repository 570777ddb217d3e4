"""Spoilt files for every reader: `python tests/fuzz.py [COUNT] [SEED] [PART]` gives each reader so many of them.

A reader is handed a valid file that was changed once or more: a value replaced, taken away, doubled or swapped, a
hostile text put in, the file cut, a byte changed. It must answer with a value of its kind, or with a HarnessError of
one line that names the file, within `SECONDS`. What else happens is printed with the seed that makes it again.
"""

from __future__ import annotations

import io
import json
import random
import struct
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 5.0
"""On a busy machine; alone, each takes a small part of one."""

TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\n",
        "\r\n",
        "\ufeff",
        "\u2028",
        "\x1b[31m",
        "'",
        '"',
        "{",
        "[",
        "{{",
        "%s",
        "../../x",
        "/dev/zero",
    ),
    *(
        "NaN",
        "Infinity",
        "1e999",
        "-1",
        "null",
        "no",
        "on",
        "12:30",
        "0o17",
        "017",
        "1e3",
        "~",
        "<<",
        "*a",
        "&a",
        "!!x",
    ),
    *("é", "🦔", "a" * 5000, "$(x)", "<b>", "=1+1", "__class__", "\ud800", "a\ud800", "@2", "vector:a@1e999", "nan=1"),
)
VALUES = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**19, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan")),
    *([], {}, [[]], [None], {"": None}, {"a": {"a": {}}}, [0] * 100),
)
BYTES = (
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n",
    b",",
    b"}",
    b"]",
    b'"',
    b"NaN",
    b"1e999",
    b"9" * 5000,
)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One reader: its valid file, how to change that and to read it; `fits` says whether an answer is sound."""

    file: Path
    change: Callable[[bytes, random.Random], bytes]
    read: Callable[[], object]
    fits: Callable[[Any], bool]


def outcome(reader: Reader, valid: bytes, seed: int) -> str:
    """`read` or `refused`, where all is as it must be; else what went wrong, in words."""
    from harness import HarnessError

    draw = random.Random(seed)
    spoilt = valid
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        spoilt = reader.change(spoilt, draw)
    reader.file.write_bytes(spoilt)
    began = time.monotonic()
    try:
        answer = reader.read()
        found = "read" if reader.fits(answer) else f"silent: {answer!r:.200}"
    except HarnessError as error:
        found = "refused" if is_one_line(str(error), reader.file) else f"unclear: {str(error)!r:.300}"
    except Exception:
        found = f"traceback: {traceback.format_exc(limit=-3)}"
    took = time.monotonic() - began
    return found if took < SECONDS else f"slow: {took:.1f} s, then {found}"


def is_one_line(said: str, file: Path) -> bool:
    """Whether a message is one line that can be printed and names the file, of a readable length."""
    try:
        said.encode()
    except UnicodeEncodeError:
        return False
    return (
        "\n" not in said and any(name in said for name in (file.name, file.stem, file.parent.name)) and len(said) < 3000
    )


def changed_bytes(content: bytes, draw: random.Random) -> bytes:
    """Cut, flipped, doubled, or with hostile bytes put in."""
    at = draw.randrange(len(content) + 1)
    end = min(len(content), at + draw.randrange(1, 40))
    kind = draw.randrange(5)
    if kind == 0:
        return content[:at]
    if kind == 1 and at < len(content):
        return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
    if kind == 2:
        return content[:at] + content[end:]
    if kind == 3:
        return content[:end] + content[at:]
    return content[:at] + draw.choice(BYTES) + content[at:]


def changed_json(content: bytes, draw: random.Random) -> bytes:
    """A JSON document with one of its parts changed; sometimes its bytes."""
    if draw.random() < 0.3:
        return changed_bytes(content, draw)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return changed_bytes(content, draw)
    return spelled(changed_value(value, draw), draw)


def changed_rows(content: bytes, draw: random.Random) -> bytes:
    """JSON lines with one of them changed, doubled, swapped or taken away; sometimes the bytes."""
    lines = content.split(b"\n")
    at = draw.randrange(len(lines))
    kind = draw.randrange(6)
    if kind == 0:
        return changed_bytes(content, draw)
    if kind == 1:
        lines[at : at + 1] = draw.choice(([], [lines[at]] * 2, [lines[at][: len(lines[at]) // 2]], [b"", b" ", b"[]"]))
    else:
        lines[at] = changed_json(lines[at], draw)
    return b"\n".join(lines)


def changed_yaml(content: bytes, draw: random.Random) -> bytes:
    """A YAML file with one of its parts changed, written as YAML or as JSON; sometimes its bytes or a line."""
    import yaml

    if draw.random() < 0.5:
        lines = content.split(b"\n")
        at = draw.randrange(len(lines))
        word = draw.choice(TEXTS).encode(errors="surrogatepass")
        lines[at] = draw.choice(
            (lines[at] + word, word + lines[at], lines[at] + b": " + word, b"  " + lines[at], b"---")
        )
        return draw.choice((changed_bytes(content, draw), b"\n".join(lines)))
    try:
        value = yaml.safe_load(content)
        spoilt = changed_value(json.loads(json.dumps(value, default=str)), draw)
        made: str = yaml.safe_dump(spoilt)
        return draw.choice((made.encode(errors="surrogatepass"), spelled(spoilt, draw)))
    except Exception:
        return changed_bytes(content, draw)


def changed_tensors(content: bytes, draw: random.Random) -> bytes:
    """A safetensors file with its header or its bytes changed."""
    size = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
    if draw.random() < 0.4 or not 0 < size < len(content):
        lengths = (0, 1, 2**20, 2**60, 2**63, 2**64 - 1)
        return draw.choice((changed_bytes(content, draw), struct.pack("<Q", draw.choice(lengths)) + content[8:]))
    header = changed_json(content[8 : 8 + size], draw)
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


def changed_zip(content: bytes, draw: random.Random) -> bytes:
    """An archive with one of its parts changed, doubled or taken away; sometimes its bytes."""
    if draw.random() < 0.4:
        return changed_bytes(content, draw)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = {name: packed.read(name) for name in packed.namelist()}
    except Exception:
        return changed_bytes(content, draw)
    chosen = draw.choice(list(parts))
    spoilt = {**parts, chosen: changed_json(parts[chosen], draw)}
    if draw.random() < 0.1:
        del spoilt[chosen]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in spoilt.items():
            packed.writestr(name, part)
    return out.getvalue()


def changed_value(value: Any, draw: random.Random) -> Any:
    """A JSON value with one of its parts replaced, taken away, doubled, renamed or swapped with another."""
    places = list(_places(value, ()))
    place = draw.choice(places)
    if not place:
        return draw.choice((_any(draw), [value], {"a": value})) if draw.random() < 0.3 or len(places) == 1 else value
    copy = json.loads(json.dumps(value))
    around = copy
    for step in place[:-1]:
        around = around[step]
    last, kind = place[-1], draw.randrange(6)
    if kind == 0:
        del around[last]
    elif kind == 1 and isinstance(around, dict):
        around[draw.choice((*TEXTS, str(last)[:-1], f"{last}s"))] = around.pop(last)
    elif kind == 1:
        around.insert(last, around[last])
    elif kind == 2 and isinstance(around, list):
        draw.shuffle(around)
    elif kind == 3:
        around[last] = _nested(around[last], draw.choice((1, 60, 150, 500)))
    else:
        around[last] = _any(draw)
    return copy


def spelled(value: Any, draw: random.Random) -> bytes:
    """A value as JSON text, as one may write it: in lines, in ASCII, with a byte order mark or CRLF, a key twice."""
    try:
        text = json.dumps(value, indent=draw.choice((None, 1)), ensure_ascii=draw.random() < 0.5)
    except (ValueError, RecursionError):
        return b"[" * 100_000
    if draw.random() < 0.05:
        text = draw.choice((f"\ufeff{text}", text.replace("\n", "\r\n"), text.replace("{", '{"a": 1, "a": 2,')))
    codec = "utf-8" if draw.random() < 0.95 else draw.choice(("utf-16", "utf-32", "latin-1"))
    return text.encode(codec, errors="surrogatepass" if codec != "latin-1" else "replace")


def _places(value: Any, here: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield here
    if len(here) < 40:
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, part in parts:
            yield from _places(part, (*here, step))


def _any(draw: random.Random) -> Any:
    return draw.choice(VALUES) if draw.random() < 0.6 else draw.choice(TEXTS)


def _nested(value: Any, times: int) -> Any:
    for _ in range(times):
        value = [value]
    return value


def main(count: str = "10000", seed: str = "0", part: str = "") -> int:
    """Prints what became of `count` spoilt files of each reader whose name has `part`; gives the number of faults."""
    from fuzz_readers import readers

    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, reader in readers(Path(folder)).items():
            if part not in name:
                continue
            valid, seen, longest = reader.file.read_bytes(), Counter[str](), 0.0
            for at in range(int(seed), int(seed) + int(count)):
                began = time.monotonic()
                found = outcome(reader, valid, at)
                longest = max(longest, time.monotonic() - began)
                seen[found.partition(":")[0]] += 1
                if found not in ("read", "refused"):
                    faults += 1
                    print(f"{name}, seed {at}: {found}", flush=True)
            reader.file.write_bytes(valid)
            counts = ", ".join(f"{number:,} {what}" for what, number in sorted(seen.items()))
            print(f"{name}: {counts}; the longest took {longest:.2f} s", flush=True)
    return faults


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
