"""Keeps one subscription to a connection's changes: makes, renews, replaces and ends it (spec §6).

A run's worker does so before it reads, while it holds the lease: of two workers one fails to write the sync state, and
takes back what it made. A subscription that a dead worker made and did not write down is found by its address, which
names the workspace, before another one is made; until then its notifications are refused: its secret is not stored.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from msgspec.structs import replace

import limits
from directory.credentials import TenantId
from directory.graph import Graph
from directory.subscriptions import new_subscription, read_subscription, read_subscriptions, renewal
from errors import ConnectorError, NotificationsRefused
from sync import telemetry
from sync.doorbell import client_state_hash, client_state_of
from sync.slice import Slice
from workspace.connection import WorkspaceId
from workspace.run import Trigger
from workspace.state import Bell, WhyNotLive

log = logging.getLogger(__name__)

_SECRET_BYTES = 20
_REFUSED: dict[int, WhyNotLive] = {
    HTTPStatus.FORBIDDEN: WhyNotLive.QUOTA,
    HTTPStatus.BAD_REQUEST: WhyNotLive.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Subscribing:
    """`notification_url` is this app's own address; None where the installation does without notifications."""

    graph: Graph
    notification_url: str | None
    now: Callable[[], datetime]

    async def look_after(self, work: Slice) -> None:
        """Make, renew or replace the subscription where its time has come. Microsoft's refusal never fails the run.

        Raises:
            Superseded, TryLater: the sync state could not be written.
        """
        if self.notification_url is None or not self._is_due(work):
            return
        before, now = work.state.bell, self.now()
        try:
            bell = await self._current(work, before)
        except NotificationsRefused as error:
            log.warning("notifications_refused workspace=%s reason=%s", work.workspace, error)
            telemetry.subscription("refused")
            bell = Bell(now, why=_REFUSED.get(error.status, WhyNotLive.REFUSED))
        except ConnectorError as error:
            # The run's own requests meet the same failure, and say what it means.
            log.warning("notifications_failed workspace=%s reason=%s", work.workspace, error)
            telemetry.subscription("failed")
            bell = before or Bell(now - limits.SUBSCRIPTION_TRIED_AGAIN, why=WhyNotLive.NO_ANSWER)
        try:
            await work.write(lambda state: (replace(state, bell=bell), ()))
        except ConnectorError:
            # Another worker has the lease, and makes one of its own.
            if bell.id is not None and (before is None or bell.id != before.id):
                await self._end(work.workspace, work.reader.tenant, bell.id)
            raise

    async def end(self, workspace: WorkspaceId, tenant: TenantId, bell: Bell | None) -> None:
        """End the subscription of a connection that is ended. One that Microsoft keeps runs out by itself."""
        if bell is not None and bell.id is not None:
            await self._end(workspace, tenant, bell.id)

    async def _end(self, workspace: WorkspaceId, tenant: TenantId, subscription_id: str) -> None:
        try:
            await self.graph.send(tenant, "DELETE", self.graph.subscriptions(subscription_id))
        except ConnectorError as error:
            log.warning("subscription_left workspace=%s reason=%s", workspace, error)

    def _is_due(self, work: Slice) -> bool:
        bell, now = work.state.bell, self.now()
        if work.resumed or work.run.approved:
            return False
        if bell is None:
            return True
        # A run that a notification asked for proves that the subscription is there.
        if work.run.trigger is Trigger.NOTIFICATION:
            return False
        if bell.id is None:
            return now - bell.looked_at > limits.SUBSCRIPTION_TRIED_AGAIN
        # After lost consent Microsoft has dropped it.
        regained = work.run.trigger is Trigger.RECOVERY
        return regained or now - bell.looked_at > limits.SUBSCRIPTION_LOOKED_AFTER or _ends_soon(bell, now)

    async def _current(self, work: Slice, bell: Bell | None) -> Bell:
        """The subscription that Microsoft has, renewed below a third of its life; a new one where it has none.

        Raises:
            NotificationsRefused, and whatever a request to Graph raises
        """
        if bell is not None and bell.id is not None:
            url, now = self.graph.subscriptions(bell.id), self.now()
            body = renewal(now + limits.SUBSCRIPTION_LIFE) if _ends_soon(bell, now) else None
            answer = await self.graph.send(work.reader.tenant, "PATCH" if body else "GET", url, body)
            if (found := read_subscription(answer)) is not None:
                telemetry.subscription("kept")
                return replace(bell, looked_at=now, until=found.expiration_date_time)
            telemetry.subscription("lost")
        return await self._make(work)

    async def _make(self, work: Slice) -> Bell:
        tenant, address = work.reader.tenant, self._address(work.workspace)
        # What a worker made that died before it wrote it down.
        for one in read_subscriptions(await self.graph.send(tenant, "GET", self.graph.subscriptions())):
            if one.notification_url == address:
                await self._end(work.workspace, tenant, one.id)
        secret = client_state_of(secrets.token_urlsafe(_SECRET_BYTES), work.workspace)
        body = new_subscription(address, secret, self.now() + limits.SUBSCRIPTION_LIFE)
        made = read_subscription(await self.graph.send(tenant, "POST", self.graph.subscriptions(), body))
        if made is None:
            raise NotificationsRefused("Microsoft Graph knows no subscriptions", HTTPStatus.NOT_FOUND)
        telemetry.subscription("made")
        return Bell(self.now(), made.id, client_state_hash(secret), made.expiration_date_time)

    def _address(self, workspace: WorkspaceId) -> str:
        return f"{self.notification_url}?workspace={quote(workspace, safe='')}"


def _ends_soon(bell: Bell, now: datetime) -> bool:
    return bell.until is None or bell.until - now < limits.SUBSCRIPTION_LIFE / 3
