"""Fetches pages of a round: waits out short pauses, tries passing faults again, and never spins."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from directory.credentials import Credentials, TenantId
from directory.delta import Page, read_page
from directory.graph import Graph
from errors import ConsentLost, Throttled, TokenRefused, TryLater
from sync import telemetry

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 30.0
"""A longer pause is not slept through: it ends the slice, and the continuation waits in the queue (spec §6)."""

_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.5


type Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads pages of users/delta in one tenant's name."""

    graph: Graph
    credentials: Credentials
    tenant: TenantId
    sleep: Sleep

    async def page(self, url: str, *, carried_token: bool) -> Page:
        """One page, after at most five requests.

        Raises:
            Throttled: Graph asks for a pause too long to sleep through.
            TryLater: it did not work, five times.
            DeltaLinkExpired, ConsentLost, CredentialRejected, ForeignLink: as read_page and Graph.get say; lost consent
                only after a second try with a new token (spec §2).
        """
        confirmed = False
        for attempt in range(1, _TRIES + 1):
            try:
                with telemetry.span("page", attempt=attempt):
                    return read_page(await self.graph.get(self.tenant, url), carried_token=carried_token)
            except ConsentLost:
                if confirmed:
                    raise
                confirmed = True
                await self.credentials.renew(self.tenant)
                await self.sleep(_FIRST_PAUSE_SECONDS)
            except TryLater as error:
                pause = _pause_seconds(error, attempt)
                if attempt == _TRIES or pause > LONGEST_WAIT_SECONDS:
                    raise
                if isinstance(error, TokenRefused):
                    await self.credentials.renew(self.tenant)
                if isinstance(error, Throttled):
                    telemetry.throttled(pause)
                log.warning("graph_retry attempt=%d pause_s=%.1f reason=%s", attempt, pause, error)
                await self.sleep(pause)
        raise TryLater("Microsoft Graph's answers changed from try to try")


def _pause_seconds(error: TryLater, attempt: int) -> float:
    """What Graph named, if it did; never nothing: a pause of 0 must not become a spin."""
    backoff: float = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    if isinstance(error, Throttled) and error.after_seconds is not None:
        return max(error.after_seconds, _FIRST_PAUSE_SECONDS)
    return backoff
