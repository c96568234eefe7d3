"""Graph's /subscriptions: make, read, renew, end (facts/graph.md 9). Only those of the caller's tenant are there."""

from typing import Any

import msgspec
from aiohttp import web

from local.microsoft.faults import Operation
from local.microsoft.graph_answers import GraphRefusal, json_answer
from local.microsoft.guard import Guard
from local.microsoft.notifier import Notifier
from local.microsoft.subscriptions import (
    Subscription,
    SubscriptionRefused,
    acceptable_url,
    expiry_of,
    new_subscription,
)
from local.microsoft.tenant import Tenant

_CHANGEABLE = frozenset({"expirationDateTime", "notificationUrl"})


class SubscriptionRoutes:
    """One subscription is an id below /v1.0/subscriptions."""

    def __init__(self, guard: Guard, notifier: Notifier) -> None:
        self._guard = guard
        self._notifier = notifier

    def add_to(self, app: web.Application) -> None:
        one, every = "/v1.0/subscriptions/{id}", "/v1.0/subscriptions"
        app.router.add_post(every, self._guard.answer(Operation.SUBSCRIPTIONS, self._make))
        app.router.add_get(every, self._guard.answer(Operation.SUBSCRIPTIONS, self._list))
        app.router.add_get(one, self._guard.answer(Operation.SUBSCRIPTIONS, self._show))
        app.router.add_patch(one, self._guard.answer(Operation.SUBSCRIPTIONS, self._change))
        app.router.add_delete(one, self._guard.answer(Operation.SUBSCRIPTIONS, self._end))

    async def _make(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        body = await _body(request)
        try:
            new = new_subscription(body, tenant.now())
            tenant.subscriptions.require_room(tenant.now())
            await self._notifier.validate(new.notification_url, tenant.subscriptions.delivery.validation_seconds)
            # Another request may have taken the last place during the handshake.
            tenant.subscriptions.require_room(tenant.now())
        except SubscriptionRefused as refusal:
            raise _refusal(refusal) from refusal
        tenant.subscriptions.add(new)
        return json_answer(request, tenant, {**new.told(), "clientState": new.client_state}, status=201)

    async def _list(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        return json_answer(request, tenant, {"value": [one.told() for one in tenant.subscriptions.live(tenant.now())]})

    async def _show(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        return json_answer(request, tenant, _named(request, tenant).told())

    async def _change(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        """Another end, or another address, which has to shake hands first."""
        found, body = _named(request, tenant), await _body(request)
        if odd := body.keys() - _CHANGEABLE:
            raise GraphRefusal(400, "InvalidRequest", f"{min(odd)} cannot be changed.")
        try:
            expires = expiry_of(str(body["expirationDateTime"]), tenant.now()) if "expirationDateTime" in body else None
            if "notificationUrl" in body:
                url = acceptable_url(str(body["notificationUrl"]))
                await self._notifier.validate(url, tenant.subscriptions.delivery.validation_seconds)
                found.notification_url = url
        except SubscriptionRefused as refusal:
            raise _refusal(refusal) from refusal
        if expires is not None:
            found.expires = expires
        return json_answer(request, tenant, found.told())

    async def _end(self, request: web.Request, tenant: Tenant, _: dict[str, str]) -> web.StreamResponse:
        tenant.subscriptions.remove(_named(request, tenant).id)
        return web.Response(status=204)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise GraphRefusal(400, "BadRequest", "Unable to read JSON request payload.") from error


def _named(request: web.Request, tenant: Tenant) -> Subscription:
    try:
        return tenant.subscriptions.get(request.match_info["id"], tenant.now())
    except SubscriptionRefused as refusal:
        raise _refusal(refusal) from refusal


def _refusal(refusal: SubscriptionRefused) -> GraphRefusal:
    return GraphRefusal(refusal.status, refusal.code, str(refusal))
