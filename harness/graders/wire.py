"""What passes between a grader's provider and us: no key comes back, nothing goes elsewhere, nothing is without end.

Everything that a provider says passes through here before Inspect sees it, and so before it can reach a log, a
journal, a message or a traceback.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from inspect_ai.model import Model, ModelOutput

from harness.graders.faults import Failed, Fault, Hide, fault_of, of_status, short, unreadable

LONGEST_ANSWER = 4 * 2**20
"""Bytes: some fifty times what 1,024 tokens or one with its twenty likeliest take."""

LEAST_SECRET = 6
"""Characters: what is shorter stands in for a key ("none", "EMPTY") and is part of ordinary words."""

HIDDEN = "[key]"

_NAMES_OF_SECRETS = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)S?$", re.IGNORECASE)


def guard(model: Model) -> None:
    """Has every answer and every error of `model` pass through here; a second time changes nothing."""
    api: Any = model.api
    if getattr(api.generate, "is_guarded", False):
        return
    hidden = hiding(secrets_of(api))
    client: Any = getattr(api, "client", None)
    if hasattr(client, "max_retries"):
        client.max_retries = 0  # the waiting is ours
    hooks = getattr(getattr(api, "http_client", None) or getattr(client, "_client", None), "event_hooks", None)
    if hooks is not None:
        hooks["response"].append(_checking(hidden))
    said = api.generate

    async def generate(*arguments: Any, **named: Any) -> Any:
        failed: Failed | None = None
        try:
            answer = await said(*arguments, **named)
        except Exception as error:
            failed = Failed(fault_of(error, hidden))
        if failed is not None:  # outside of the block, so that the first error is nowhere behind it
            raise failed
        return _clean(answer, hidden)

    generate.is_guarded = True  # type: ignore[attr-defined]
    api.generate = generate


def secrets_of(api: Any) -> set[str]:
    """Whatever may be a key: the provider's, those of the environment, and what an address has in it."""
    named = [value for name, value in os.environ.items() if _NAMES_OF_SECRETS.search(name)]
    own = [getattr(api, name, None) for name in ("api_key", "initial_api_key")]
    found = {text for one in (*named, *own) if isinstance(one, str) for text in (one, one.strip())}
    address = urlsplit(str(getattr(api, "base_url", None) or ""))
    found |= {address.password or "", *(value for _, value in parse_qsl(address.query))}
    return {text for text in found if len(text) >= LEAST_SECRET and not os.path.isabs(text)}


def hiding(secrets: set[str]) -> Hide:
    """Takes every one of `secrets` out of a text: as it is, quoted for an address, or escaped for JSON."""
    forms = {form for one in secrets for form in (one, quote(one, safe=""), json.dumps(one)[1:-1])}
    if not forms:
        return lambda text: text
    any_of_them = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.IGNORECASE)
    return lambda text: any_of_them.sub(HIDDEN, text)


def shown_address(model: Model) -> str:
    """Where `model` is asked, without name, password and query; empty where that is not known."""
    address = urlsplit(str(getattr(model.api, "base_url", None) or ""))
    host = address.netloc.rpartition("@")[2]
    return f"{address.scheme}://{host}{address.path}" if host else ""


def _clean(answer: Any, hidden: Hide) -> Any:
    """An answer of Inspect's provider without a key in it; Failed for one that is only the text of an error."""
    output, call = answer if isinstance(answer, tuple) else (answer, None)
    if call is not None:  # a transcript may hold it already, so it is this record that changes
        call.request = json.loads(hidden(json.dumps(call.request)))
        call.response = json.loads(hidden(json.dumps(call.response)))
    if isinstance(output, Exception):
        raise Failed(fault_of(output, hidden))
    if isinstance(output, ModelOutput):
        text = output.model_dump_json()
        clean = hidden(text)
        output = output if clean == text else ModelOutput.model_validate_json(clean)
        if output.usage is None and output.stop_reason in ("content_filter", "model_length"):
            said = f"{output.stop_reason}: {output.completion}"
            raise Failed(Fault(kind="question", said=short(said)))
    return output if call is None else (output, call)


def _checking(hidden: Hide) -> Callable[[Any], Awaitable[None]]:
    """Lets a response through that is a JSON object of some length, from the address that was asked."""

    def shown(text: str) -> str:
        return short(hidden(text))

    async def check(response: Any) -> None:
        status = response.status_code
        if 300 <= status < 400:
            where = shown(response.headers.get("location", "nowhere"))
            said = f"status {status}: it sends us on to {where}, where neither key nor question is taken"
            raise Failed(Fault(kind="question", said=said, status=status))
        body = await _read(response)
        if status >= 400:
            return
        text = body.decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise unreadable(f"status {status}, and no JSON object: {shown(text)!r}")
        if told.get("error") and not told.get("choices"):
            raise Failed(_disguised(told["error"], shown))
        told["model"] = str(told.get("model") or "")
        response.headers["content-type"] = "application/json"
        response._content = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")

    return check


async def _read(response: Any) -> bytes:
    """The whole body, decompressed, where it is no longer than an answer can be."""
    parts, length = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        length += len(part)
        if length > LONGEST_ANSWER:
            raise unreadable(f"an answer of more than {LONGEST_ANSWER:,} bytes")
    response._content = b"".join(parts)  # as `aread` leaves it, which knows no limit
    return bytes(response._content)


def _disguised(error: object, shown: Hide) -> Fault:
    """An error that came with a status of success: by the status that it names itself, where it names one."""
    told = error if isinstance(error, dict) else {"message": error}
    said, code = shown(f"an error in place of an answer: {told.get('message')}"), told.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return of_status(code, said)
    return Fault(kind="unreadable", said=said)
