"""Carries a queued fault out on a request to Graph."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from local.microsoft.faults import Fault, Kind
from local.microsoft.graph_answers import GraphRefusal, json_answer
from local.microsoft.tenant import Tenant

CODES = {
    429: "TooManyRequests",
    500: "UnknownError",
    502: "BadGateway",
    503: "serviceNotAvailable",
    504: "gatewayTimeout",
}


async def fail(
    request: web.Request, tenant: Tenant, fault: Fault, answer: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer as the fault says; some faults spoil what would have been the answer.

    Raises:
        GraphRefusal: the fault is an error of Graph's.
    """
    if fault.kind is Kind.STATUS:
        headers = {"Retry-After": retry_after(fault.retry_after)} if fault.retry_after is not None else {}
        code = fault.code or CODES.get(fault.status, "UnknownError")
        raise GraphRefusal(fault.status, code, fault.message, headers)
    if fault.kind is Kind.CLAIMS:
        raise GraphRefusal(401, "claims", "Continuous access evaluation resulted in a challenge.")
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
    if fault.kind is Kind.MALFORMED:
        return web.Response(body=whole.body[: len(whole.body) // 2], content_type="application/json")
    return json_answer(request, tenant, spoiled(fault, request["body"]))


def spoiled(fault: Fault, page: dict[str, Any]) -> dict[str, object]:
    """A page with an odd record or link."""
    if fault.kind is Kind.ODD_RECORD:
        if page["value"]:
            page["value"][0][fault.code or "surname"] = {"not": "a text"}
        return page
    links = {"@odata.nextLink": "https://graph.example.org/v1.0/users/delta?$skiptoken=stolen"}
    if fault.kind is Kind.ODD_LINK:
        if fault.code == "deltaLink" and "@odata.deltaLink" not in page:
            return page  # A round whose people are not all told would be a lie, not an odd link.
        links = {f"@odata.{fault.code or 'nextLink'}": fault.message}
    return {name: value for name, value in page.items() if not name.endswith("Link")} | links


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


def retry_after(text: str) -> str:
    """The header's text as it goes out."""
    if text.startswith("http-date:"):
        when = datetime.now(UTC) + timedelta(seconds=float(text.partition(":")[2]))
        return format_datetime(when, usegmt=True)
    return text
