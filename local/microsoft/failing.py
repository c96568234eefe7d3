"""Carries a queued fault out on a request to Graph."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
from aiohttp import web

from local.microsoft.faults import Fault, Kind

type ErrorAnswer = Callable[[web.Request, int, str, str, dict[str, str] | None], web.Response]

_CODES = {
    429: "TooManyRequests",
    500: "UnknownError",
    502: "BadGateway",
    503: "serviceNotAvailable",
    504: "gatewayTimeout",
}


async def fail(
    request: web.Request, fault: Fault, answer: Callable[[], Awaitable[web.StreamResponse]], error: ErrorAnswer
) -> web.StreamResponse:
    """Answer as the fault says; some faults spoil what would have been the answer."""
    if fault.kind is Kind.STATUS:
        headers = {"Retry-After": _retry_after(fault.retry_after)} if fault.retry_after is not None else {}
        return error(
            request, fault.status, fault.code or _CODES.get(fault.status, "UnknownError"), "Made to fail.", headers
        )
    if fault.kind is Kind.CLAIMS:
        return error(request, 401, "claims", "Continuous access evaluation resulted in a challenge.", None)
    if fault.kind is Kind.RESET:
        return _cut(request)
    if fault.kind is Kind.STALL:
        await asyncio.sleep(fault.seconds)
        return await answer()
    whole = await answer()
    assert isinstance(whole, web.Response)
    assert isinstance(whole.body, bytes)
    if fault.kind is Kind.TRUNCATED:
        return await _truncated(request, whole.body)
    return web.Response(body=_spoiled(fault, whole.body), content_type="application/json")


def _spoiled(fault: Fault, body: bytes) -> bytes:
    if fault.kind is Kind.MALFORMED:
        return body[: len(body) // 2]
    page = msgspec.json.decode(body)
    if fault.kind is Kind.FOREIGN_LINK:
        page.pop("@odata.deltaLink", None)
        page["@odata.nextLink"] = "https://graph.example.org/v1.0/users/delta?$skiptoken=stolen"
    elif page["value"]:
        page["value"][0][fault.code or "surname"] = {"not": "a text"}  # ODD_RECORD
    return msgspec.json.encode(page)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncated(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _cut(request)
    return response


def _retry_after(text: str) -> str:
    if text.startswith("http-date:"):
        when = datetime.now(UTC) + timedelta(seconds=float(text.partition(":")[2]))
        return format_datetime(when, usegmt=True)
    return text
