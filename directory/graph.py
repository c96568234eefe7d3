"""Sends one request to Microsoft Graph: token, host check, time limit; status, headers and bytes back."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import limits
from directory.answer import Answer
from directory.credentials import Credentials, TenantId
from errors import ForeignLink, TryLater
from mapping.fields import ObjectId

if TYPE_CHECKING:
    from directory.sdk import Sender


class Graph:
    """Microsoft Graph for every tenant, over one connection pool. Every request is counted.

    `sender` takes the place of the SDK's part: tests hand one in that needs no network.
    """

    def __init__(
        self, endpoint: str, credentials: Credentials, count: Callable[[], None], sender: "Sender | None" = None
    ) -> None:
        self._endpoint = endpoint
        self._origin = _origin(endpoint)
        self._credentials = credentials
        self._count = count
        self._sdk = sender
        self.longest_request_seconds = limits.GRAPH_CALL_SECONDS

    def users_delta(self, select: tuple[str, ...]) -> str:
        """The address that begins a round; its `$select` is baked into every link that follows (facts/graph.md 1.2)."""
        return f"{self._endpoint}/v1.0/users/delta()?$select={quote(','.join(select), safe=',')}"

    def users_by_id(self, select: tuple[str, ...], ids: Sequence[ObjectId]) -> str:
        """The address of a round over some users, 50 at most, as they are now (facts/graph.md 1.1)."""
        wanted = quote(" or ".join(f"id eq '{one}'" for one in ids), safe="")
        return f"{self.users_delta(select)}&$filter={wanted}"

    def users_where(self, select: tuple[str, ...], condition: str, most: int) -> str:
        """The address of up to `most` users that meet an OData condition, as they are now (facts/graph.md 2.1)."""
        return (
            f"{self._endpoint}/v1.0/users?$select={quote(','.join(select), safe=',')}"
            f"&$filter={quote(condition, safe='')}&$top={most}"
        )

    async def renew(self, tenant: TenantId) -> None:
        """Forget a tenant's tokens: one from before a consent stays without its role (facts/graph.md 5.3)."""
        await self._credentials.renew(tenant)

    def organization(self) -> str:
        return f"{self._endpoint}/v1.0/organization?$select=id,displayName"

    def users_count(self) -> str:
        return f"{self._endpoint}/v1.0/users/$count"

    def subscriptions(self, subscription_id: str = "") -> str:
        """The address of the tenant's subscriptions, or of one of them (facts/graph.md 9)."""
        return f"{self._endpoint}/v1.0/subscriptions" + (
            f"/{quote(subscription_id, safe='')}" if subscription_id else ""
        )

    async def get(self, tenant: TenantId, url: str, *, accept: str = "application/json") -> Answer:
        """Send a GET in the tenant's name, once; raises as `send` does."""
        return await self.send(tenant, "GET", url, accept=accept)

    async def send(
        self, tenant: TenantId, method: str, url: str, body: bytes | None = None, *, accept: str = "application/json"
    ) -> Answer:
        """Send a request in the tenant's name, once.

        Raises:
            ForeignLink: the address is not on Graph's host; nothing was sent.
            ConsentLost, CredentialRejected: there is no token.
            TryLater: no answer, or half of one.
        """
        # Checked before a token is asked for: the address may come from an answer that is not Graph's.
        if _origin(url) != self._origin:
            raise ForeignLink("Microsoft Graph named a next link on another host")
        self._count()
        try:
            # The token is part of the limit, because a sign-in that hangs must not hold a worker either.
            async with asyncio.timeout(self.longest_request_seconds), self._credentials.of(tenant) as credential:
                return await self._sender().send(credential, url, accept, method, body)
        except TimeoutError as error:
            raise TryLater("Microsoft Graph did not answer in time") from error

    def _sender(self) -> "Sender":
        if self._sdk is None:
            from directory.sdk import Sender  # noqa: PLC0415 - 0.1 s that a trigger without Graph does not pay

            self._sdk = Sender(self._endpoint)
        return self._sdk

    async def close(self) -> None:
        if self._sdk is not None:
            await self._sdk.close()
        await self._credentials.close()


def _origin(url: str) -> tuple[str, str, int | None]:
    """Raises: ForeignLink: it is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else None)
    except ValueError as error:
        raise ForeignLink("Microsoft Graph named a next link that is no address") from error
    return parts.scheme, (parts.hostname or "").lower(), port
