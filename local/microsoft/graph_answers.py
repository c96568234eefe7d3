"""Graph's answers as bytes: JSON with the documented headers, and errors in Graph's shape (facts/graph.md 4, 11)."""

import base64
import uuid
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from local.microsoft.odd_text import BYTE_ORDER_MARK, on_the_wire
from local.microsoft.tenant import Tenant


class GraphRefusal(Exception):
    """An answer in Graph's error shape."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


def json_answer(request: web.Request, tenant: Tenant, body: dict[str, object], status: int = 200) -> web.Response:
    """The request remembers the body, so that a fault can spoil it before it is encoded."""
    request["body"] = body
    return web.Response(
        status=status, body=encoded(body, tenant), content_type="application/json", headers=_headers(request)
    )


def error_answer(request: web.Request, tenant: Tenant | None, refusal: GraphRefusal) -> web.Response:
    """`tenant` is None where the token names none. The code 'claims' stands for a challenge (facts/graph.md 6.2)."""
    told = _headers(request)
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        **{k: told[k] for k in ("request-id", "client-request-id")},
    }
    code = refusal.code
    if code == "claims":
        challenge = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1"}}}').decode()
        told["WWW-Authenticate"] = f'Bearer realm="", error="insufficient_claims", claims="{challenge}"'
        code = "InvalidAuthenticationToken"
    body = {"error": {"code": code, "message": refusal.message, "innerError": inner}}
    return web.Response(
        status=refusal.status,
        body=encoded(body, tenant),
        content_type="application/json",
        headers=told | refusal.headers,
    )


def encoded(body: object, tenant: Tenant | None) -> bytes:
    """A body as it is on the wire, odd text and byte order mark included."""
    encoded = on_the_wire(msgspec.json.encode(body))
    return BYTE_ORDER_MARK + encoded if tenant is not None and tenant.shape.byte_order_mark else encoded


def _headers(request: web.Request) -> dict[str, str]:
    return {
        "request-id": str(uuid.uuid4()),
        "client-request-id": request.headers.get("client-request-id", str(uuid.uuid4())),
        "x-ms-resource-unit": "1",
    }
