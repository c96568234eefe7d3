"""Graph's users/delta: first rounds, rounds that go on from a link, and how their pages look (facts/graph.md 1, 11)."""

import re
import uuid
from dataclasses import dataclass

from aiohttp import web
from msgspec.structs import replace

from local.microsoft.faults import Operation
from local.microsoft.graph_answers import GraphRefusal, json_answer
from local.microsoft.guard import Guard
from local.microsoft.rounds import BadlyFormedToken, ExpiryShape, Query, Round, TokenExpired, render, without_enabled
from local.microsoft.shape import LARGEST_PAGE, Endless, Row, Shape
from local.microsoft.tenant import Tenant
from local.microsoft.user_properties import DEFAULT, KNOWN, OFF_STORE
from local.microsoft.world import World

_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken", "$search"}
_MOST_IDS = 50
_ID_EQUALS = re.compile(r"id eq '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'", re.IGNORECASE)
_PAGE_SIZE = re.compile(r"(?:^|[,;\s])odata\.maxpagesize=(\d{1,9})(?:$|[,;\s])", re.IGNORECASE)

_EXPIRED = {
    ExpiryShape.GONE: (410, "resyncRequired", "Resync required."),
    ExpiryShape.UNSUPPORTED_QUERY: (
        400,
        "Request_UnsupportedQuery",
        "DeltaLink older than 30 days is not supported.",
    ),
    ExpiryShape.BAD_REQUEST: (400, "BadRequest", "Badly formed token."),
    ExpiryShape.UNKNOWN_ERROR: (404, "UnknownError", ""),
    ExpiryShape.PAGE_TOKEN: (400, "Directory_ExpiredPageToken", "The specified page token value has expired."),
}


class DeltaRoutes:
    """users/delta of the tenant that the access token names, in each spelling of its path."""

    def __init__(self, world: World, guard: Guard) -> None:
        self._world = world
        self._guard = guard

    def add_to(self, app: web.Application) -> None:
        delta = self._guard.answer(Operation.DELTA, self._delta)
        for name in ("delta", "microsoft.graph.delta"):
            app.router.add_get(f"/v1.0/users/{name}", delta)
            app.router.add_get(f"/v1.0/users/{name}()", delta)

    async def _delta(self, request: web.Request, tenant: Tenant, query: dict[str, str]) -> web.StreamResponse:
        preferences = ",".join(request.headers.getall("Prefer", []))
        return json_answer(request, tenant, delta_page(tenant, query, self._world.address, preferences))


def delta_page(tenant: Tenant, query: dict[str, str], address: str, preferences: str = "") -> dict[str, object]:
    """The body of one answer of users/delta: of a first round, of a later one, or of a round that goes on.

    `address` is where links point to, `preferences` the request's `Prefer`.

    Raises:
        GraphRefusal
    """
    _refuse_options(query)
    links = Links(tenant, f"{address}/v1.0/users/microsoft.graph.delta")
    try:
        if token := query.get("$skiptoken"):
            if "$select" in query:
                raise GraphRefusal(400, "Request_BadRequest", "$select is not supported together with $skiptoken.")
            round_id, number = _position(token)
            return _page(links, round_id, tenant.round(round_id), number, preferences)
        if (token := query.get("$deltatoken")) and token != "latest":
            return _page(links, *tenant.resume(token), 0, preferences)
    except BadlyFormedToken:
        raise GraphRefusal(*_EXPIRED[ExpiryShape.BAD_REQUEST]) from None
    except TokenExpired:
        raise _expired(tenant.expiry, links.address) from None
    asked = Query(selected(query), _ids(query), _page_size(preferences))
    if token == "latest":
        return links.body([], links.delta(asked, None))
    if asked.ids is not None:
        tenant.requests["filtered"] = tenant.requests.get("filtered", 0) + 1
    return _page(links, *tenant.begin(asked), 0, preferences)


@dataclass(frozen=True, slots=True)
class Links:
    """What leads on from a page of a tenant's."""

    tenant: Tenant
    address: str

    def next(self, token: str) -> dict[str, str]:
        return {"@odata.nextLink": f"{self.address}?$skiptoken={token}"}

    def delta(self, query: Query, version: int | None) -> dict[str, str]:
        return {"@odata.deltaLink": f"{self.address}?$deltatoken={self.tenant.delta_token(query, version)}"}

    def body(self, value: list[dict[str, object]], link: dict[str, str]) -> dict[str, object]:
        origin = self.address.partition("/v1.0/")[0]
        return {"@odata.context": context(origin), "value": value, **link}


def _page(links: Links, round_id: str, found: Round, number: int, preferences: str) -> dict[str, object]:
    tenant = links.tenant
    if number >= len(found.pages):
        raise TokenExpired
    endless, more = tenant.shape.endless, number + 1 < len(found.pages)
    if endless is Endless.SAME_LINK:
        return links.body([], links.next(f"{round_id}.{number}"))
    shape = replace(tenant.shape, sparse=tenant.shape.sparse or "return=minimal" in preferences)
    value = [_entity(row, tenant, found, number, shape) for row in found.pages[number]]
    if endless is Endless.NEW_LINKS:
        # The link differs each time and means this same page, so that the round goes on once the trouble is over.
        return links.body(value, links.next(f"{round_id}.{number}.{uuid.uuid4().hex}"))
    if more or endless is Endless.CYCLE:
        return links.body(value, links.next(f"{round_id}.{number + 1 if more else 0}"))
    return links.body(value, links.delta(found.query, found.until))


def context(address: str) -> str:
    return f"{address}/v1.0/$metadata#users"


def selected(query: dict[str, str]) -> tuple[str, ...]:
    """The properties of `$select`, or those that are told without it.

    Raises:
        GraphRefusal: 400 for a property that users do not have, 501 for one that is stored elsewhere (2.1).
    """
    names = tuple(name.strip() for name in query.get("$select", ",".join(DEFAULT)).split(",") if name.strip())
    if off := OFF_STORE & set(names):
        raise GraphRefusal(501, "NotImplemented", f"$select is not supported for {min(off)}.")
    if unknown := [name for name in names if name not in KNOWN]:
        problem = f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.user'."
        raise GraphRefusal(400, "Request_BadRequest", f"Parsing OData Select and Expand failed: {problem}")
    return names


def _entity(row: Row, tenant: Tenant, found: Round, page_number: int, shape: Shape) -> dict[str, object]:
    told = render(row, tenant.users.get(row.user_id), found, shape)
    return without_enabled(told, shape.account_enabled, found, page_number)


def _refuse_options(query: dict[str, str]) -> None:
    if unknown := [name for name in query if name not in _OPTIONS]:
        raise GraphRefusal(400, "Request_BadRequest", f"Unrecognized query argument specified: '{unknown[0]}'.")
    if {"$orderby", "$search", "$count"} & query.keys():
        raise GraphRefusal(400, "Request_UnsupportedQuery", "The query is not supported by users/delta.")


def _ids(query: dict[str, str]) -> frozenset[str] | None:
    """Whom `$filter` names: `id eq '…'`, joined by `or`, 50 at most (facts/graph.md 1.1); None for everybody."""
    if "$filter" not in query:
        return None
    found = [_ID_EQUALS.fullmatch(part.strip()) for part in query["$filter"].split(" or ")]
    ids = [one[1].lower() for one in found if one is not None]
    if len(ids) < len(found) or len(ids) > _MOST_IDS:
        raise GraphRefusal(400, "Request_UnsupportedQuery", "The query is not supported by users/delta.")
    return frozenset(ids)


def _page_size(preferences: str) -> int:
    """The first request's `Prefer: odata.maxpagesize`, under the cap (facts/graph.md 11)."""
    found = _PAGE_SIZE.search(preferences)
    return max(1, min(int(found[1]), LARGEST_PAGE)) if found else LARGEST_PAGE


def _position(token: str) -> tuple[str, int]:
    """A next link's round and page; a third part only makes it differ."""
    round_id, _, rest = token.partition(".")
    number = rest.partition(".")[0]
    if not number.isdecimal():
        raise BadlyFormedToken
    return round_id, int(number)


def _expired(shape: ExpiryShape, address: str) -> GraphRefusal:
    status, code, message = _EXPIRED.get(shape, (400, shape.value, "Resync required."))
    fresh = {"Location": f"{address}?$deltatoken="} if shape is ExpiryShape.GONE else {}
    return GraphRefusal(status, code, message, fresh)
