"""How the app proves itself to a customer's tenant: one credential object a tenant, bounded in number (spec §2, §8).

A credential caches its tokens, so a tenant keeps its object; after a new consent it gets a new one, because a token
from before stays without its role for its whole life (facts/graph.md 5.3).
"""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NewType, Protocol
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)

from errors import ConnectorError, ConsentLost, CredentialRejected, TryLater

TenantId = NewType("TenantId", str)

MOST_CREDENTIALS = 200
_ASSERTION_AUDIENCES = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
}
"""For whom a managed identity's token is, by the host of the login endpoint; any other host is the public cloud's.

Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""
# azure-core would try ten times with up to two minutes between (facts/graph.md 4): a dead authority must not hold a
# worker for minutes.
_RETRY: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.4, "connection_timeout": 10, "read_timeout": 20}

LOST = frozenset({"700016", "7000229", "7000112", "90002", "5000225"})
"""The tenant is gone or has withdrawn its consent (spec §2; facts/graph.md 5.4)."""

OURS = frozenset({"7000215", "7000222", "700027", "50012", "70021"})
"""Our own credential is wrong or expired: no tenant is to blame (spec §2; facts/graph.md 5.4)."""


class TenantCredential(Protocol):
    """What Graph's client needs of a credential."""

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False
    ) -> AccessToken: ...

    async def close(self) -> None: ...


class FederatedCredential:
    """A managed identity as the app's credential: no secret anywhere (facts/graph.md 6.1).

    The SDK calls for the assertion synchronously, also in its async class; so the identity's token is fetched first,
    off that call, and the SDK is handed what is there.
    """

    def __init__(
        self, identity: ManagedIdentityCredential, scope: str, build: Callable[[Callable[[], str]], TenantCredential]
    ) -> None:
        self._identity = identity
        self._scope = scope
        self._assertion = ""
        self._inner = build(lambda: self._assertion)

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False
    ) -> AccessToken:
        # Each time: the identity's credential keeps its token while it lasts, and renews it in time.
        self._assertion = (await self._identity.get_token(self._scope)).token
        return await self._inner.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)

    async def close(self) -> None:
        """Close the tenant's part; the identity is shared."""
        await self._inner.close()


@dataclass(slots=True)
class _Held:
    credential: TenantCredential
    users: int = 0
    retired: bool = False

    async def close_if_done(self) -> None:
        if self.retired and not self.users:
            await self.credential.close()


class Credentials:
    """One credential a tenant; the least recently used goes when there are too many.

    A credential that is dropped while a request uses it is closed after that request: a closed credential would open
    a new connection, and nothing would close that one.
    """

    def __init__(self, build: Callable[[TenantId], TenantCredential]) -> None:
        self._build = build
        self._kept: OrderedDict[TenantId, _Held] = OrderedDict()

    @asynccontextmanager
    async def of(self, tenant: TenantId) -> AsyncIterator[TenantCredential]:
        """A tenant's credential, for the length of a block."""
        held = self._kept.get(tenant)
        if held is None:
            held = self._kept[tenant] = _Held(self._build(tenant))
        self._kept.move_to_end(tenant)
        held.users += 1
        try:
            # The credential just asked for is the newest one, so it is never the one that goes.
            if len(self._kept) > MOST_CREDENTIALS:
                await self.renew(next(iter(self._kept)))
            yield held.credential
        finally:
            held.users -= 1
            await held.close_if_done()

    async def renew(self, tenant: TenantId) -> None:
        """Forget a tenant's credential and its tokens."""
        if (held := self._kept.pop(tenant, None)) is not None:
            held.retired = True
            await held.close_if_done()

    async def close(self) -> None:
        """Forget all."""
        for tenant in list(self._kept):
            await self.renew(tenant)


def credential_builder(
    client_id: str,
    authority: str,
    *,
    client_secret: str | None = None,
    certificate_path: str | None = None,
    managed_identity_client_id: str | None = None,
) -> Callable[[TenantId], TenantCredential]:
    """How to make a tenant's credential; exactly one of the three last is given."""
    # Instance discovery asks Microsoft's public cloud about the authority: wrong for national clouds and the local
    # one.
    common: dict[str, Any] = {"authority": authority, "disable_instance_discovery": True, **_RETRY}
    if client_secret is not None:
        return lambda tenant: ClientSecretCredential(tenant, client_id, client_secret, **common)
    if certificate_path is not None:
        return lambda tenant: CertificateCredential(tenant, client_id, certificate_path, **common)
    identity = ManagedIdentityCredential(client_id=managed_identity_client_id, **_RETRY)
    scope = assertion_scope(authority)
    return lambda tenant: FederatedCredential(
        identity, scope, lambda assertion: ClientAssertionCredential(tenant, client_id, assertion, **common)
    )


def assertion_scope(authority: str) -> str:
    """What to ask a managed identity for, so that its token proves the app at this login endpoint."""
    audience = _ASSERTION_AUDIENCES.get(urlsplit(authority).hostname or "", "api://AzureADTokenExchange")
    return f"{audience}/.default"


_AADSTS = re.compile(r"AADSTS(\d+)")


def token_error(error: AzureError) -> ConnectorError:
    """What a failed token request means. Only known AADSTS numbers have consequences; any other is tried again."""
    if isinstance(error, CredentialUnavailableError):
        return CredentialRejected("the managed identity gives no token", "identity_unavailable")
    found = _AADSTS.search(str(error.message))
    code = found.group(1) if found else ""
    if code in LOST:
        return ConsentLost(f"Microsoft gives no token for this tenant (AADSTS{code})", f"AADSTS{code}")
    if code in OURS:
        return CredentialRejected(f"Microsoft refuses this app's own credential (AADSTS{code})", f"AADSTS{code}")
    # An unknown number never costs a connection its consent (spec §2).
    if isinstance(error, ClientAuthenticationError):
        return TryLater(f"Microsoft gave no token (AADSTS{code or ' unknown'})")
    return TryLater(f"Microsoft's sign-in did not answer ({type(error).__name__})")
