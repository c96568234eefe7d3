"""Microsoft Graph besides users/delta: users, $count, organization (facts/graph.md 2, 3)."""

from urllib.parse import quote, urlencode

from aiohttp import web

from local.microsoft.delta_routes import context, selected
from local.microsoft.faults import Operation
from local.microsoft.graph_answers import GraphRefusal, json_answer
from local.microsoft.guard import Guard
from local.microsoft.tenant import Tenant
from local.microsoft.user_filter import user_filter
from local.microsoft.user_properties import DEFAULT
from local.microsoft.world import World


class GraphRoutes:
    """Graph's answers for the tenant that the access token names."""

    def __init__(self, world: World, guard: Guard) -> None:
        self._world = world
        self._guard = guard

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1.0/users", self._guard.answer(Operation.USERS, self._users))
        app.router.add_get("/v1.0/users/$count", self._guard.answer(Operation.USERS, self._count))
        app.router.add_get("/v1.0/users/{id}", self._guard.answer(Operation.USERS, self._user))
        app.router.add_get("/v1.0/organization", self._guard.answer(Operation.ORGANIZATION, self._organization))

    async def _users(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        """A plain list: unset properties are present as null (facts/graph.md 2.1)."""
        return json_answer(request, tenant, users_page(tenant, query, self._world.address))

    async def _user(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        user = tenant.users.get(request.match_info["id"].lower())
        if user is None or user.removed is not None:
            raise GraphRefusal(404, "Request_ResourceNotFound", "Resource does not exist.")
        select = selected(query) if "$select" in query else DEFAULT
        return json_answer(request, tenant, {name: user.properties.get(name) for name in ("id", *select)})

    async def _count(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        if request.headers.get("ConsistencyLevel") != "eventual":
            raise GraphRefusal(400, "Request_BadRequest", "$count needs the header ConsistencyLevel: eventual.")
        return web.Response(text=str(sum(one.removed is None for one in tenant.users.values())))

    async def _organization(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        if not tenant.consent.organization_readable:
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return json_answer(request, tenant, {"value": [{"id": tenant.id, "displayName": tenant.name}]})


def users_page(tenant: Tenant, query: dict[str, str], address: str) -> dict[str, object]:
    """The body of one answer of the plain list.

    Raises:
        GraphRefusal: for a `$select` or a `$filter` that Graph refuses.
    """
    select = selected(query) if "$select" in query else DEFAULT
    start = int(query.get("$skiptoken", "0"))
    size = min(int(query.get("$top", "100")), 999)
    there = [one.properties for one in tenant.users.values() if one.removed is None]
    if "$filter" in query:
        meets = user_filter(query["$filter"])
        there = [user for user in there if meets(user)]
    value = [{name: user.get(name) for name in ("id", *select)} for user in there[start : start + size]]
    body: dict[str, object] = {"@odata.context": context(address), "value": value}
    if start + size < len(there):
        kept = {name: query[name] for name in ("$filter",) if name in query}
        options = {"$select": ",".join(select), "$top": str(size), "$skiptoken": str(start + size)} | kept
        body["@odata.nextLink"] = f"{address}/v1.0/users?{urlencode(options, quote_via=quote, safe=',$')}"
    return body
