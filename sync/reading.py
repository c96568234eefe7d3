"""Asks for pages of a round: waits out short pauses, and tries faults that pass again, never without a pause."""

import logging
from dataclasses import dataclass

import limits
from directory.credentials import TenantId
from directory.delta import Page, read_page
from directory.graph import Graph
from errors import ConsentLost, DeltaLinkExpired, LinkRefused, Throttled, TokenRefused, TryLater
from storage.retry import Sleep
from storage.turns import apart
from sync import telemetry

log = logging.getLogger(__name__)

_BYTES_A_PERSON = 500
"""On a page, with a dozen fields."""


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads pages of users/delta in one tenant's name."""

    graph: Graph
    tenant: TenantId
    sleep: Sleep

    async def page(self, url: str, *, carried_token: bool) -> Page:
        """One page, after at most five requests.

        Raises:
            Throttled: Graph asks for a pause too long to sleep through.
            TryLater: it did not work, five times.
            DeltaLinkExpired: Graph does not know the stored link any more, or refused it twice without saying why.
            ConsentLost, CredentialRejected, ForeignLink: as read_page and Graph.get say; lost consent only after a
                second try with a new token (spec §2).
        """
        doubted: type[Exception] | None = None
        for attempt in range(1, limits.GRAPH_TRIES + 1):
            try:
                with telemetry.span("page", attempt=attempt):
                    answer = await self.graph.get(self.tenant, url)
                    most = len(answer.body) // _BYTES_A_PERSON
                    return await apart(most, read_page, answer, carried_token=carried_token)
            except (ConsentLost, LinkRefused) as error:
                # The same refusal again, with a new token: Microsoft means it.
                if doubted is type(error):
                    raise _confirmed(error) from error
                doubted = type(error)
                # The refusal may be due to an old token, for instance one from before the consent.
                await self.graph.renew(self.tenant)
                await self.sleep(limits.FIRST_GRAPH_PAUSE_SECONDS)
            except TryLater as error:
                pause = _pause_seconds(error, attempt)
                # A long pause belongs into the queue, where it holds no worker.
                if attempt == limits.GRAPH_TRIES or pause > limits.LONGEST_SLEEP_SECONDS:
                    raise
                if isinstance(error, TokenRefused):
                    await self.graph.renew(self.tenant)
                if isinstance(error, Throttled):
                    telemetry.throttled(pause)
                log.warning("graph_retry attempt=%d pause_s=%.1f reason=%s", attempt, pause, error)
                await self.sleep(pause)
        raise TryLater("Microsoft Graph's answers changed from try to try")


def _confirmed(error: ConsentLost | LinkRefused) -> Exception:
    return DeltaLinkExpired(str(error)) if isinstance(error, LinkRefused) else error


def _pause_seconds(error: TryLater, attempt: int) -> float:
    """What Graph named, if it did; never 0, which would become a busy loop."""
    backoff: float = limits.FIRST_GRAPH_PAUSE_SECONDS * 2 ** (attempt - 1)
    if isinstance(error, Throttled) and error.after_seconds is not None:
        return max(error.after_seconds, limits.FIRST_GRAPH_PAUSE_SECONDS)
    return backoff
