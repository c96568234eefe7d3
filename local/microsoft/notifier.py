"""Delivers change notifications: gathered, doubled, late, out of order or not at all, as a tenant's `Delivery` says.

Microsoft's own manners are facts/graph.md 9: 3 s for an answer, 10 s at later tries, four hours of tries, and less
patience with endpoints that are slow too often.
"""

import asyncio
import random
import time
import uuid
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from local.microsoft.subscriptions import Delivery, Subscription, SubscriptionRefused, iso
from local.microsoft.tenant import Tenant

_GATHER_SECONDS = 0.02
_JUDGED_SECONDS = 600.0
_DELAYED_SHARE, _DROPPED_SHARE = 0.10, 0.15


class Notification(NamedTuple):
    """One change on its way to one endpoint."""

    tenant: Tenant
    body: dict[str, object]


@dataclass(slots=True)
class Endpoint:
    """An address that is notified: what is due, and how quickly it answered lately."""

    ready: list[Notification] = field(default_factory=list)
    answers: deque[tuple[float, bool]] = field(default_factory=deque)
    """When, and whether slowly."""

    def slow_share(self, at_least: int) -> float:
        """Of the answers of the last ten minutes; 0.0 where they are too few to judge by."""
        while self.answers and self.answers[0][0] < time.monotonic() - _JUDGED_SECONDS:
            self.answers.popleft()
        slow = sum(one for _, one in self.answers)
        return slow / len(self.answers) if len(self.answers) >= max(1, at_least) else 0.0


class Notifier:
    """Sends for every tenant; made inside the process's loop."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    async def validate(self, url: str, within_seconds: float) -> None:
        """The handshake: the endpoint sends the token back as plain text (facts/graph.md 9).

        Raises:
            SubscriptionRefused
        """
        token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()} +/?&="
        address = f"{url}{'&' if '?' in url else '?'}validationToken={quote(token, safe='')}"
        try:
            async with asyncio.timeout(within_seconds), self._session().post(_encoded(address)) as answer:
                plain = answer.content_type == "text/plain"
                right = answer.status == 200 and plain and await answer.text() == token
        except TimeoutError as error:
            raise SubscriptionRefused("Subscription validation request timed out.") from error
        except aiohttp.ClientError as error:
            raise SubscriptionRefused("Subscription validation request failed: no answer.") from error
        if not right:
            wanted = "Notification endpoint must respond with 200 OK to validation request."
            raise SubscriptionRefused(f"Subscription validation request failed. {wanted}")

    def changed(self, tenant: Tenant, user_id: str, change_type: str) -> None:
        """A person of a tenant changed: whoever subscribed is told, sooner or later or never."""
        delivery = tenant.subscriptions.delivery
        for subscription in tenant.subscriptions.live(tenant.now()):
            if not subscription.concerns(user_id, change_type):
                continue
            number = tenant.subscriptions.counters.get("changes", 0)
            tenant.subscriptions.count("changes")
            rng = random.Random(f"{delivery.seed}:{number}")
            if rng.random() * 100 < delivery.lost_percent:
                tenant.subscriptions.count("lost")
                continue
            body = _body_of(tenant, subscription, user_id, change_type, number)
            for _ in range(delivery.copies):
                wait = delivery.delay_seconds + rng.random() * delivery.jitter_seconds
                self._start(self._after(wait, subscription.notification_url, Notification(tenant, body)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _after(self, wait: float, url: str, notification: Notification) -> None:
        await asyncio.sleep(wait)
        endpoint = self._endpoints.setdefault(url, Endpoint())
        endpoint.ready.append(notification)
        if len(endpoint.ready) == 1:
            # The first one waits a moment for others, so that a body holds those of several people and tenants.
            await asyncio.sleep(_GATHER_SECONDS)
            ready, endpoint.ready = endpoint.ready, []
            size = max(1, notification.tenant.subscriptions.delivery.batch)
            for start in range(0, len(ready), size):
                self._start(self._deliver(url, endpoint, ready[start : start + size]))

    async def _deliver(self, url: str, endpoint: Endpoint, batch: list[Notification]) -> None:
        delivery = batch[0].tenant.subscriptions.delivery
        share = endpoint.slow_share(delivery.judged_after)
        if share > _DROPPED_SHARE:
            _count(batch, "dropped")
            return
        if share > _DELAYED_SHARE:
            _count(batch, "delayed")
            await asyncio.sleep(delivery.slow_delay_seconds)
        began, pause, allowed = time.monotonic(), delivery.retry_seconds, delivery.answer_seconds
        while not await self._taken(url, endpoint, batch, allowed, delivery):
            _count(batch, "failedTries")
            if time.monotonic() + pause - began > delivery.give_up_seconds:
                _count(batch, "givenUp")
                return
            await asyncio.sleep(pause)
            pause, allowed = pause * 2, delivery.retry_answer_seconds
        _count(batch, "delivered")

    async def _taken(
        self, url: str, endpoint: Endpoint, batch: list[Notification], allowed: float, delivery: Delivery
    ) -> bool:
        """Whether the endpoint answered 2xx in time."""
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(allowed),
                self._session().post(_encoded(url), json={"value": [one.body for one in batch]}) as answer,
            ):
                taken = 200 <= answer.status < 300
        except (TimeoutError, aiohttp.ClientError):
            taken = False
        ended = time.monotonic()
        endpoint.answers.append((ended, ended - began >= delivery.answer_seconds))
        _count(batch[:1], "bodies")
        return taken

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession()
        return self._client

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _body_of(
    tenant: Tenant, subscription: Subscription, user_id: str, change_type: str, number: int
) -> dict[str, object]:
    """One entry of `value`; of the person it has the id alone."""
    resource = f"Users/{user_id}"
    entity = {"@odata.type": "#Microsoft.Graph.User", "@odata.id": resource, "id": user_id}
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": iso(subscription.expires),
        "clientState": subscription.client_state,
        "changeType": change_type,
        "resource": resource,
        "tenantId": tenant.id,
        "resourceData": {**entity, "organizationId": tenant.id, "sequenceNumber": number},
    }


def _count(batch: list[Notification], what: str) -> None:
    for one in batch:
        one.tenant.subscriptions.count(what)


def _encoded(address: str) -> URL:
    """An address that is encoded already."""
    return URL(address, encoded=True)
