"""Microsoft Graph as the connector meets it: users/delta, users, $count, organization (facts/graph.md 1 to 4)."""

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import msgspec
from aiohttp import web

from local.microsoft.failing import fail
from local.microsoft.faults import Kind, Operation, next_fault
from local.microsoft.tenant import ExpiryShape, Lost, Round, Tenant, TokenExpired
from local.microsoft.world import World

_ROLE = "User.Read.All"
_OFF_STORE = {
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mySite",
    "pastProjects",
    "schools",
    "skills",
    "signInActivity",
}
_DEFAULT: tuple[str, ...] = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
)
_DEFAULT += ("preferredLanguage", "surname", "userPrincipalName")
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken", "$search"}

type Handler = Callable[[web.Request, Tenant, dict[str, str]], Awaitable[web.StreamResponse]]


class GraphRefusal(Exception):
    """An answer in Graph's error shape."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


class GraphRoutes:
    """Graph's answers for the tenant that the access token names."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        delta = self._guarded(Operation.DELTA, self._delta)
        for name in ("delta", "microsoft.graph.delta"):
            app.router.add_get(f"/v1.0/users/{name}", delta)
            app.router.add_get(f"/v1.0/users/{name}()", delta)
        app.router.add_get("/v1.0/users", self._guarded(Operation.USERS, self._users))
        app.router.add_get("/v1.0/users/$count", self._guarded(Operation.USERS, self._count))
        app.router.add_get("/v1.0/users/{id}", self._guarded(Operation.USERS, self._user))
        app.router.add_get("/v1.0/organization", self._guarded(Operation.ORGANIZATION, self._organization))

    def _guarded(
        self, operation: Operation, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Token, faults and errors are the same for every route."""

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                tenant = self._tenant(request)
                tenant.requests[operation] = tenant.requests.get(operation, 0) + 1
                if tenant.shape.latency_ms:
                    await asyncio.sleep(tenant.shape.latency_ms / 1000)
                fault = next_fault(tenant.faults, operation)
                if fault is None:
                    return await handler(request, tenant, _query(request))
                name = fault.kind if fault.kind is not Kind.STATUS else f"{fault.status} {fault.retry_after}"
                tenant.faults_met[name] = tenant.faults_met.get(name, 0) + 1
                return await fail(request, fault, lambda: handler(request, tenant, _query(request)), _error)
            except GraphRefusal as refusal:
                return _error(request, refusal.status, refusal.code, refusal.message, refusal.headers)

        return answer

    def _tenant(self, request: web.Request) -> Tenant:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._world.access_tokens.get(text) if scheme == "Bearer" else None
        tenant = self._world.tenants.get(token.tenant_id) if token is not None else None
        if token is None or tenant is None or token.expires < tenant.now():
            raise GraphRefusal(401, "InvalidAuthenticationToken", "Access token is empty, unknown or has expired.")
        lost = tenant.consent.lost_as if not tenant.consent.given else None
        if lost in (Lost.APP_NOT_FOUND, Lost.NO_SERVICE_PRINCIPAL, Lost.IDENTITY_NOT_FOUND):
            message = "The identity of the calling application could not be established."
            raise GraphRefusal(401, "Authorization_IdentityNotFound", message)
        if lost is not None or _ROLE not in token.roles:
            message = "Insufficient privileges to complete the operation."
            raise GraphRefusal(403, "Authorization_RequestDenied", message)
        return tenant

    async def _delta(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        _refuse_options(query)
        try:
            if token := query.get("$skiptoken"):
                if "$select" in query:
                    raise GraphRefusal(400, "Request_BadRequest", "$select is not supported together with $skiptoken.")
                round_id, _, number = token.rpartition(".")
                return self._page(request, tenant, round_id, tenant.round(round_id), int(number))
            if (token := query.get("$deltatoken")) and token != "latest":
                return self._page(request, tenant, *tenant.resume(token), 0)
        except (TokenExpired, ValueError, IndexError):
            raise _expired(tenant, self._world.address) from None
        select = _select(query)
        if token == "latest":
            link = self._delta_link(tenant, select, None)
            return _json(request, {"@odata.context": _context(self._world), "value": [], **link})
        return self._page(request, tenant, *tenant.begin(select), 0)

    def _page(
        self, request: web.Request, tenant: Tenant, round_id: str, found: Round, number: int
    ) -> web.StreamResponse:
        value = [tenant.render(row, found.select, found.since) for row in found.pages[number]]
        if number + 1 < len(found.pages):
            token = f"{round_id}.{number + 1}"
            link = {"@odata.nextLink": f"{self._world.address}/v1.0/users/microsoft.graph.delta?$skiptoken={token}"}
        else:
            link = self._delta_link(tenant, found.select, found.until)
        return _json(request, {"@odata.context": _context(self._world), "value": value, **link})

    def _delta_link(self, tenant: Tenant, select: tuple[str, ...], version: int | None) -> dict[str, str]:
        token = tenant.delta_token(select, version)
        return {"@odata.deltaLink": f"{self._world.address}/v1.0/users/microsoft.graph.delta?$deltatoken={token}"}

    async def _users(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        """A plain list: unset properties are present as null (facts/graph.md 2.1)."""
        select = _select(query) if "$select" in query else _DEFAULT
        start = int(query.get("$skiptoken", "0"))
        size = min(int(query.get("$top", "100")), 999)
        there = [one.properties for one in tenant.users.values() if one.removed is None]
        value = [{name: user.get(name) for name in ("id", *select)} for user in there[start : start + size]]
        body: dict[str, object] = {"@odata.context": _context(self._world), "value": value}
        if start + size < len(there):
            options = f"$select={quote(','.join(select), safe=',')}&$top={size}&$skiptoken={start + size}"
            body["@odata.nextLink"] = f"{self._world.address}/v1.0/users?{options}"
        return _json(request, body)

    async def _user(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        user = tenant.users.get(request.match_info["id"])
        if user is None or user.removed is not None:
            raise GraphRefusal(404, "Request_ResourceNotFound", "Resource does not exist.")
        select = _select(query) if "$select" in query else _DEFAULT
        return _json(request, {name: user.properties.get(name) for name in ("id", *select)})

    async def _count(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        if request.headers.get("ConsistencyLevel") != "eventual":
            raise GraphRefusal(400, "Request_BadRequest", "$count needs the header ConsistencyLevel: eventual.")
        return web.Response(text=str(sum(one.removed is None for one in tenant.users.values())))

    async def _organization(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        if not tenant.consent.organization_readable:
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return _json(request, {"value": [{"id": tenant.id, "displayName": tenant.name}]})


def _query(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))


def _refuse_options(query: dict[str, str]) -> None:
    if unknown := [name for name in query if name not in _OPTIONS]:
        raise GraphRefusal(400, "Request_BadRequest", f"Unrecognized query argument specified: '{unknown[0]}'.")
    if {"$orderby", "$search", "$count"} & query.keys() or not query.get("$filter", "id eq").startswith("id eq"):
        raise GraphRefusal(400, "Request_UnsupportedQuery", "The query is not supported by users/delta.")


def _select(query: dict[str, str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in query.get("$select", ",".join(_DEFAULT)).split(",") if name.strip())
    if off := _OFF_STORE & set(names):
        raise GraphRefusal(501, "NotImplemented", f"$select is not supported for {min(off)}.")
    return names


def _expired(tenant: Tenant, address: str) -> GraphRefusal:
    shape = tenant.expiry
    if shape is ExpiryShape.GONE:
        fresh = {"Location": f"{address}/v1.0/users/microsoft.graph.delta?$deltatoken="}
        return GraphRefusal(410, "resyncRequired", "Resync required.", fresh)
    message = (
        "DeltaLink older than 30 days is not supported."
        if shape is ExpiryShape.UNSUPPORTED_QUERY
        else "Resync required."
    )
    return GraphRefusal(400, shape.value, message)


def _context(world: World) -> str:
    return f"{world.address}/v1.0/$metadata#users"


def _headers(request: web.Request) -> dict[str, str]:
    return {
        "request-id": str(uuid.uuid4()),
        "client-request-id": request.headers.get("client-request-id", str(uuid.uuid4())),
        "x-ms-resource-unit": "1",
    }


def _json(request: web.Request, body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", headers=_headers(request))


def _error(
    request: web.Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    told = _headers(request)
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        **{k: told[k] for k in ("request-id", "client-request-id")},
    }
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    if code == "claims":
        challenge = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1"}}}').decode()
        told["WWW-Authenticate"] = f'Bearer realm="", error="insufficient_claims", claims="{challenge}"'
        body["error"]["code"] = "InvalidAuthenticationToken"
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json", headers=told | (headers or {})
    )
