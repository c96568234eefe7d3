"""A request as the real host hands it on, or the status with which it refuses it (docs/facts/functions.md 11, HTTP).

Here stands what the web server in front, Kestrel, does before a function is chosen, and how it reads a body.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

DEFAULT_BODY_BYTES = 104_857_600
_REQUEST_LINE_BYTES = 8192
_HEADERS_BYTES = 32 * 1024
_MOST_HEADERS = 100
_LEAST_BYTES_PER_SECOND = 240
_SLOW_START_SECONDS = 5.0

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_DOT = re.compile("%2e", re.IGNORECASE)


class RefusedRequest(RuntimeError):
    """The host answers by itself, with this status and an empty body."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Target:
    """A request's path, decoded once (but `%2F`, which stays) and without dot segments; `raw` as it came; the query."""

    path: str
    raw: str
    query: str


def read_target(request: web.BaseRequest) -> Target:
    """Check the sizes, and read the target.

    Raises:
        RefusedRequest: 400, 414 or 431.
    """
    target = request.raw_path
    if len(f"{request.method} {target} HTTP/1.1\r\n") > _REQUEST_LINE_BYTES:
        raise RefusedRequest(HTTPStatus.REQUEST_URI_TOO_LONG)
    sizes = [len(name) + len(value) + len(b": \r\n") for name, value in request.raw_headers]
    if len(sizes) > _MOST_HEADERS or sum(sizes) > _HEADERS_BYTES:
        raise RefusedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    raw, _, query = target.partition("?")
    if not target.isascii() or "%00" in raw or not raw.startswith("/"):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST)
    # An encoded dot is a dot; one that is encoded twice is none.
    return Target(without_dots(decoded(raw)), without_dots(_DOT.sub(".", raw)), query)


def decoded(path: str) -> str:
    """Decode a path once. `%2F` and bytes that are no UTF-8 stay as they came."""
    return _ESCAPES.sub(lambda found: _decoded_run(found.group()), path)


def _decoded_run(escapes: str) -> str:
    done, waiting = "", [escapes[place : place + 3] for place in range(0, len(escapes), 3)]
    while waiting:
        good, _, _ = bytes(int(token[1:], 16) for token in waiting).partition(b"/")
        try:
            done += good.decode()
        except UnicodeDecodeError as error:
            good = good[: error.start]
            done += good.decode()
        # What stopped the decoding stays as it came.
        done += "".join(waiting[len(good) : len(good) + 1])
        waiting = waiting[len(good) + 1 :]
    return done


def without_dots(path: str) -> str:
    """Resolve `.` and `..` segments (RFC 3986 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        if segment not in (".", ".."):
            kept.append(segment)
            continue
        if segment == "..":
            del kept[-1:]
        if place == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def read_query(query: str) -> dict[str, str]:
    """The parameters. Empty ones are absent, repeated ones are joined by a comma; names are compared without case."""
    return _joined(parse_qsl(query, errors="replace"))


def read_headers(request: web.BaseRequest) -> dict[str, str]:
    """The headers, in small letters; repeated ones are joined by a comma.

    Raises:
        RefusedRequest: 400: a value is not UTF-8.
    """
    try:
        headers = [(name.decode().lower(), value.decode()) for name, value in request.raw_headers]
    except UnicodeDecodeError:
        raise RefusedRequest(HTTPStatus.BAD_REQUEST) from None
    return _joined(headers)


async def read_body(request: web.BaseRequest, most_bytes: int) -> bytes:
    """The whole body, whatever the method. A chunked one arrives empty, a compressed one as it is.

    Raises:
        RefusedRequest: 500: too large, or too slow.
    """
    length = request.content_length
    if length is None:
        return b""
    if length > most_bytes:
        raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body, began = bytearray(), time.monotonic()
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(1):
                body += await request.content.readany()
        except TimeoutError:
            pass
        elapsed = time.monotonic() - began
        if elapsed > _SLOW_START_SECONDS and len(body) < elapsed * _LEAST_BYTES_PER_SECOND:
            raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR)
    return bytes(body)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    joined: dict[str, str] = {}
    for name, value in pairs:
        first = names.setdefault(name.lower(), name)
        joined[first] = f"{joined[first]},{value}" if first in joined else value
    return joined
