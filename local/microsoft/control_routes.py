"""The control: tests and the demo make tenants, change their people, and queue faults. `control.py` is its client."""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from local.microsoft.consent import Consent, Refusal
from local.microsoft.faults import Fault
from local.microsoft.notifier import Notifier
from local.microsoft.odd_text import as_read
from local.microsoft.rounds import ExpiryShape
from local.microsoft.shape import Shape
from local.microsoft.subscriptions import Delivery
from local.microsoft.tenant import Tenant
from local.microsoft.world import World


class ControlRoutes:
    """`POST /control/tenants` makes one; `POST /control/tenants/{id}/{verb}` does something with it."""

    def __init__(self, world: World, notifier: Notifier) -> None:
        self._world = world
        self._notifier = notifier

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/control/tenants", self._make)
        app.router.add_post("/control/redirect-uris", self._allow)
        app.router.add_get("/control/tenants/{tenant}/users", self._users)
        app.router.add_get("/control/tenants/{tenant}", self._state)
        app.router.add_post("/control/tenants/{tenant}/{verb}", self._do)

    async def _make(self, request: web.Request) -> web.Response:
        tenant = make_tenant(self._world, self._notifier, **await request.json())
        return web.json_response({"id": tenant.id, "domain": tenant.domain})

    async def _allow(self, request: web.Request) -> web.Response:
        self._world.redirect_uris.add((await request.json())["uri"])
        return web.json_response({})

    async def _users(self, request: web.Request) -> web.Response:
        tenant = self._tenant(request)
        users = [
            {**{name: as_read(value) for name, value in one.properties.items()}, "removed": one.removed}
            for one in tenant.users.values()
        ]
        return web.Response(body=msgspec.json.encode({"users": users}), content_type="application/json")

    async def _state(self, request: web.Request) -> web.Response:
        tenant = self._tenant(request)
        live = tenant.subscriptions.live(tenant.now())
        told = {
            "requests": tenant.requests,
            "faultsMet": tenant.faults_met,
            "late": tenant.late,
            "faultsLeft": len(tenant.faults),
            "subscriptions": [{**one.told(), "clientState": one.client_state} for one in live],
            "notifications": tenant.subscriptions.counters,
        }
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _do(self, request: web.Request) -> web.Response:
        tenant, verb = self._tenant(request), request.match_info["verb"]
        if verb not in _VERBS:
            raise web.HTTPNotFound(text=f"there is no {verb}")
        try:
            told = _VERBS[verb](self._world, tenant, msgspec.json.decode(await request.read()))
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error
        return web.Response(body=msgspec.json.encode({"result": told}), content_type="application/json")

    def _tenant(self, request: web.Request) -> Tenant:
        tenant = self._world.tenant(request.match_info["tenant"])
        if tenant is None:
            raise web.HTTPNotFound(text="there is no such tenant")
        return tenant


def make_tenant(
    world: World,
    notifier: Notifier,
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
    tenant.notify = lambda user_id, change_type: notifier.changed(tenant, user_id, change_type)
    tenant.populate(people, seed)
    world.tenants[tenant_id] = tenant
    return tenant


def _shape(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.shape = msgspec.convert(msgspec.to_builtins(tenant.shape) | asked, Shape)


def _consent(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.consent = msgspec.convert(msgspec.to_builtins(tenant.consent) | asked, Consent)


def _fault(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    fault = msgspec.convert(asked, Fault)
    fault.ends = tenant.now() + (fault.lasts_seconds or 0.0)
    tenant.faults.append(fault)


def _no_faults(_: World, tenant: Tenant, __: dict[str, Any]) -> None:
    tenant.faults.clear()
    tenant.refusals.clear()


def _refusal(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.refusals.append(msgspec.convert(asked, Refusal))


def _age_sign_ins(world: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    """Everybody who is signed in at the tenant did so longer ago."""
    for session in world.sessions.values():
        if session.account.tenant_id == tenant.id:
            session.since -= float(asked["seconds"])


def _delivery(_: World, tenant: Tenant, asked: dict[str, Any]) -> None:
    tenant.subscriptions.delivery = msgspec.convert(
        msgspec.to_builtins(tenant.subscriptions.delivery) | asked, Delivery
    )


def _lose_subscriptions(_: World, tenant: Tenant, __: dict[str, Any]) -> int:
    return tenant.subscriptions.lose()


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
    tenant.subscriptions.counters.clear()


def _users(_: World, tenant: Tenant, asked: dict[str, Any]) -> list[str]:
    """Do something with many people in one request."""
    return [tenant.do(*step) for step in asked["steps"]]


_VERBS: dict[str, Callable[[World, Tenant, dict[str, Any]], object]] = {
    "shape": _shape,
    "consent": _consent,
    "fault": _fault,
    "no-faults": _no_faults,
    "refusal": _refusal,
    "age-sign-ins": _age_sign_ins,
    "delivery": _delivery,
    "lose-subscriptions": _lose_subscriptions,
    "expire": _expire,
    "rename": _rename,
    "clock": _clock,
    "id-token": _id_token,
    "reset": _reset,
    "users": _users,
}
