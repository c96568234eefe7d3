"""HTTP triggers, over aiohttp's server (docs/facts/functions.md 3, 11)."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from html import escape
from http import HTTPStatus
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.host.http_request import (
    DEFAULT_BODY_BYTES,
    RefusedRequest,
    read_body,
    read_headers,
    read_query,
    read_target,
)
from local.host.routes import Routes
from local.host.wire import HttpAnswer, HttpCall
from local.host.workers import FunctionFailed

log = logging.getLogger("host")

type Invoke = Callable[[str, HttpCall], Awaitable[HttpAnswer | str | None]]

_BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_NO_HOMEPAGE = "AzureWebJobsDisableHomepage"
_OPEN_TO_ALL = ("/admin/host/ping", "/admin/warmup")
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_HOMEPAGE = b"<!DOCTYPE html><title>Your Functions app is up and running</title>"
_PARSER_LIMITS: dict[str, Any] = {"max_line_size": 1 << 17, "max_field_size": 1 << 17, "max_headers": 1000}
"""Beyond what this host refuses by itself, with the real host's statuses."""


class HttpListener:
    """The server. `unusable` is why the host cannot use the app: then the answer to everything is 503."""

    def __init__(self, routes: Routes, invoke: Invoke, unusable: str | None) -> None:
        self._routes = routes
        self._invoke = invoke
        self._unusable = unusable
        self._most_bytes = int(os.environ.get(_BODY_LIMIT) or DEFAULT_BODY_BYTES)
        self.running: set[asyncio.Task[object]] = set()
        """The requests in work."""

    async def start(self, port: int) -> int:
        """Listen; the port.

        Raises:
            OSError: the port is busy.
        """
        server = web.Server(self._handle, access_log=None, auto_decompress=False, **_PARSER_LIMITS)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()
        return int(self._runner.addresses[0][1])

    async def refuse(self) -> None:
        """Take no further request, on open connections neither; those in work go on."""
        await self._site.stop()
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        try:
            return await self._answer(request)
        except RefusedRequest as refused:
            response = web.Response(status=refused.status)
            response.force_close()
            return response
        finally:
            self.running.discard(task)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._unusable is not None:
            return web.Response(status=503, text="Function host is not running.")
        target = read_target(request)
        found = self._routes.find(request.method, target.path)
        if found is None:
            return _hosts_own(target.path)
        function, parameters = found
        call = HttpCall(
            request.method,
            f"{request.scheme}://{request.host}{target.raw}{'?' if target.query else ''}{target.query}",
            read_headers(request),
            parameters,
            read_query(target.query),
            await read_body(request, self._most_bytes),
        )
        try:
            answer = await self._invoke(function.name, call)
        except FunctionFailed as error:
            log.error("Executed 'Functions.%s' (Failed): %s", function.name, error)
            return web.Response(status=500)
        response = _response(answer)
        if response.body and request.version >= (1, 1):
            response.enable_chunked_encoding()
        return response


def _hosts_own(path: str) -> web.Response:
    """What the host answers where no function does."""
    if path == "/":
        hidden = os.environ.get(_NO_HOMEPAGE, "").lower() == "true"
        return web.Response(status=204) if hidden else web.Response(body=_homepage(), content_type="text/html")
    return web.Response(status=200 if path.lower() in _OPEN_TO_ALL else 404)


def _homepage() -> bytes:
    """The host's own page; here it leads to the app's page too, where the settings name one."""
    page = escape(os.environ.get("PORTAL_URL", ""))
    return _HOMEPAGE + (f'<p>The page of this app: <a href="{page}">{page}</a>'.encode() if page else b"")


def _response(answer: HttpAnswer | str | None) -> web.Response:
    if isinstance(answer, str):
        answer = _from_text(answer)
    headers: CIMultiDict[str] = CIMultiDict(answer.headers if answer is not None else {})
    for cookie in answer.cookies if answer is not None else ():
        headers.add("Set-Cookie", cookie)
    fits = all(value.isascii() and not set(value) & set("\r\n\0") for pair in headers.items() for value in pair)
    if answer is None or not fits:
        return web.Response(status=500)
    for computed in ("Content-Length", "Transfer-Encoding"):
        headers.popall(computed, None)
    body = b"" if answer.status in _WITHOUT_BODY else answer.body
    return web.Response(status=answer.status, headers=headers, body=body)


def _from_text(text: str) -> HttpAnswer:
    """What becomes of a function that returns text: JSON is written anew, and may be taken for a whole response."""
    try:
        value = json.loads(text)
    except ValueError:
        return HttpAnswer(200, {"content-type": "text/plain; charset=utf-8"}, [], text.encode())
    status = 200
    if isinstance(value, dict) and "body" in value:
        status, value = int(value.get("status", status)), value["body"]
    body = value if isinstance(value, str) else json.dumps(value, indent=2)
    return HttpAnswer(status, {"content-type": "application/json; charset=utf-8"}, [], body.encode())
