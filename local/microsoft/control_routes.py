"""The control: tests and the demo make tenants, change their people, and queue faults. `control.py` is its client."""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from local.microsoft.faults import Fault, Shape
from local.microsoft.tenant import Consent, ExpiryShape, Tenant
from local.microsoft.world import World


class ControlRoutes:
    """`POST /control/tenants` makes one; `POST /control/tenants/{id}/{verb}` does something with it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/control/tenants", self._make)
        app.router.add_post("/control/redirect-uris", self._allow)
        app.router.add_get("/control/tenants/{tenant}/users", self._users)
        app.router.add_get("/control/tenants/{tenant}", self._state)
        app.router.add_post("/control/tenants/{tenant}/{verb}", self._do)

    async def _make(self, request: web.Request) -> web.Response:
        tenant = make_tenant(self._world, **await request.json())
        return web.json_response({"id": tenant.id, "domain": tenant.domain})

    async def _allow(self, request: web.Request) -> web.Response:
        self._world.redirect_uris.add((await request.json())["uri"])
        return web.json_response({})

    async def _users(self, request: web.Request) -> web.Response:
        tenant = self._tenant(request)
        users = [{**one.properties, "removed": one.removed} for one in tenant.users.values()]
        return web.Response(body=msgspec.json.encode({"users": users}), content_type="application/json")

    async def _state(self, request: web.Request) -> web.Response:
        tenant = self._tenant(request)
        told = {"requests": tenant.requests, "faultsMet": tenant.faults_met, "faultsLeft": len(tenant.faults)}
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _do(self, request: web.Request) -> web.Response:
        tenant, verb = self._tenant(request), request.match_info["verb"]
        if verb not in _VERBS:
            raise web.HTTPNotFound(text=f"there is no {verb}")
        try:
            told = _VERBS[verb](self._world, tenant, msgspec.json.decode(await request.read()))
        except (KeyError, msgspec.MsgspecError) as error:
            raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error
        return web.Response(body=msgspec.json.encode({"result": told}), content_type="application/json")

    def _tenant(self, request: web.Request) -> Tenant:
        tenant = self._world.tenant(request.match_info["tenant"])
        if tenant is None:
            raise web.HTTPNotFound(text="there is no such tenant")
        return tenant


def make_tenant(
    world: World,
    *,
    people: int = 0,
    seed: int = 1,
    name: str = "Contoso",
    tenant_id: str | None = None,
    consented: bool = True,
    shape: dict[str, Any] | None = None,
) -> Tenant:
    """A tenant of its own; its domain follows from its name and id."""
    tenant_id = tenant_id or str(uuid.uuid4())
    slug = "".join(char for char in name.lower() if char.isascii() and char.isalnum()) or "org"
    tenant = Tenant(tenant_id, name, f"{slug}-{tenant_id[:8]}.example", msgspec.convert(shape or {}, Shape))
    tenant.consent.given = consented
    tenant.populate(people, seed)
    world.tenants[tenant_id] = tenant
    return tenant


def _shape(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.shape = msgspec.convert(msgspec.to_builtins(tenant.shape) | asked, Shape)


def _consent(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.consent = msgspec.convert(msgspec.to_builtins(tenant.consent) | asked, Consent)


def _fault(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.faults.append(msgspec.convert(asked, Fault))


def _expire(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.expiry = ExpiryShape(asked["shape"])
    tenant.expire()


def _rename(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.name = asked["name"]


def _clock(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.clock_offset += float(asked["advanceSeconds"])


def _id_token(world: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    world.id_token_faults[tenant.id] = asked["wrong"]


def _reset(_: World, tenant: Tenant, __: dict[str, Any]) -> None:
    tenant.requests.clear()


def _users(_: World, tenant: Tenant, asked: dict[str, Any]) -> list[str]:
    """Do something with many people in one request."""
    results = []
    for step in asked["steps"]:
        does = getattr(tenant, step[0]) if step[0] in ("hire", "change", "remove", "purge", "restore") else None
        if does is None:
            raise KeyError(step[0])
        results.append(does(*step[1:]) or "")
    return results


_VERBS: dict[str, Callable[[World, Tenant, dict[str, Any]], object]] = {
    "shape": _shape,
    "consent": _consent,
    "fault": _fault,
    "expire": _expire,
    "rename": _rename,
    "clock": _clock,
    "id-token": _id_token,
    "reset": _reset,
    "users": _users,
}
