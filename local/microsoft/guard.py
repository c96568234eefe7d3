"""What every request to Graph meets first: its token, the tenant's standing, latency, and queued faults."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from aiohttp import web

from local.microsoft.consent import Lost
from local.microsoft.failing import fail
from local.microsoft.faults import Carried, Operation, next_fault
from local.microsoft.graph_answers import GraphRefusal, error_answer
from local.microsoft.tenant import Tenant
from local.microsoft.world import World

_ROLE = "User.Read.All"

type Handler = Callable[[web.Request, Tenant, dict[str, str]], Awaitable[web.StreamResponse]]


class Guard:
    """Token, faults and errors are the same for every route."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, operation: Operation, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            tenant = None
            try:
                tenant = self._tenant(request)
                self._require_standing(request, tenant)
                return await self._meet(request, tenant, operation, handler)
            except GraphRefusal as refusal:
                return error_answer(request, tenant, refusal)

        return answer

    async def _meet(
        self, request: web.Request, tenant: Tenant, operation: Operation, handler: Handler
    ) -> web.StreamResponse:
        tenant.requests[operation] = tenant.requests.get(operation, 0) + 1
        if tenant.shape.latency_ms:
            await asyncio.sleep(tenant.shape.latency_ms / 1000)
        query = dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        fault = next_fault(tenant.faults, operation, tenant.now(), _carried(query))
        if fault is None:
            return await handler(request, tenant, query)
        tenant.faults_met[fault.name] = tenant.faults_met.get(fault.name, 0) + 1
        return await fail(request, tenant, fault, lambda: handler(request, tenant, query))

    def _tenant(self, request: web.Request) -> Tenant:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._world.access_tokens.get(text) if scheme == "Bearer" else None
        tenant = self._world.tenants.get(token.tenant_id) if token is not None else None
        if token is None or tenant is None or token.expires < tenant.now():
            raise GraphRefusal(401, "InvalidAuthenticationToken", "Access token is empty, unknown or has expired.")
        return tenant

    def _require_standing(self, request: web.Request, tenant: Tenant) -> None:
        token = self._world.access_tokens[request.headers["Authorization"].partition(" ")[2]]
        lost = tenant.consent.lost_as if not tenant.consent.given else None
        if lost in (Lost.APP_NOT_FOUND, Lost.NO_SERVICE_PRINCIPAL, Lost.IDENTITY_NOT_FOUND):
            message = "The identity of the calling application could not be established."
            raise GraphRefusal(401, "Authorization_IdentityNotFound", message)
        if lost is not None or _ROLE not in token.roles:
            message = "Insufficient privileges to complete the operation."
            raise GraphRefusal(403, "Authorization_RequestDenied", message)


def _carried(query: dict[str, str]) -> Carried:
    if query.get("$skiptoken"):
        return Carried.NEXT
    return Carried.DELTA if query.get("$deltatoken", "latest") not in ("", "latest") else Carried.NOTHING
