"""The administrator's sign-in at the tenant: authorization code, PKCE and nonce, by MSAL (spec §2; facts/graph.md 5.2).

MSAL blocks and is heavy to import: it is loaded at the first consent, and runs beside the event loop.
"""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

import limits
from connect.tenant import Expected, ProofRefused
from directory.credentials import TenantId
from errors import TryLater

type ClientCredential = str | dict[str, str]
"""As MSAL takes it: a secret, or a certificate's parts, or an assertion."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Sign-ins for one app. `credential` gives the app's own proof, fresh each time."""

    client_id: str
    authority: str
    redirect_uri: str
    credential: Callable[[], ClientCredential]

    async def begin(self, tenant: TenantId, state: str) -> dict[str, Any]:
        """A sign-in's memory; its `auth_uri` is where the browser goes.

        Raises:
            ProofRefused: there is no such tenant.
            TryLater
        """
        return await self._run(lambda: self._begin(tenant, state))

    async def finish(self, tenant: TenantId, flow: dict[str, Any], returned: Mapping[str, str]) -> str:
        """The ID token for the code that came back.

        Raises:
            ProofRefused: the code, its state or its nonce is not this flow's.
            TryLater
        """
        return await self._run(lambda: self._finish(tenant, flow, dict(returned)))

    async def keys(self, tenant: TenantId) -> dict[str, Any]:
        """The tenant's signing keys, as JWKS.

        Raises:
            TryLater
        """
        address = f"{self.authority}/{tenant}/discovery/v2.0/keys"
        try:
            patience = aiohttp.ClientTimeout(total=limits.KEYS_CALL_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.get(address, allow_redirects=False) as answer,
            ):
                answer.raise_for_status()
                found: dict[str, Any] = await answer.json(content_type=None)
                return found
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise TryLater(f"Microsoft's signing keys cannot be had ({type(error).__name__})") from error

    def expected(self, tenant: TenantId, flow: Mapping[str, Any], since: datetime) -> Expected:
        """What the ID token must say; the nonce is the one in the address that the browser was sent to."""
        nonce = parse_qs(urlsplit(flow["auth_uri"]).query)["nonce"][0]
        return Expected(self.authority, self.client_id, tenant, nonce, since)

    async def _run[T](self, blocking: Callable[[], T]) -> T:
        import requests  # noqa: PLC0415 - comes with MSAL, and is as heavy

        try:
            async with asyncio.timeout(limits.SIGN_IN_SECONDS):
                return await asyncio.to_thread(blocking)
        except (requests.RequestException, TimeoutError) as error:
            raise TryLater(f"Microsoft's sign-in did not answer ({type(error).__name__})") from error
        except (ValueError, RuntimeError) as error:
            # MSAL raises these for a tenant without a discovery document, for another state and for another nonce.
            raise ProofRefused("Microsoft does not know this sign-in.") from error

    def _client(self, tenant: TenantId) -> Any:
        import msal  # noqa: PLC0415 - see above

        return msal.ConfidentialClientApplication(
            self.client_id,
            client_credential=self.credential(),
            authority=f"{self.authority}/{tenant}",
            # It would ask Microsoft's public cloud about the authority: wrong for national clouds and the local one.
            instance_discovery=False,
            validate_authority=False,
            exclude_scopes=["offline_access"],
            timeout=limits.KEYS_CALL_SECONDS,
        )

    def _begin(self, tenant: TenantId, state: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            # MSAL warns that a form should be posted. Our callback takes the code from the query, and PKCE protects it.
            warnings.filterwarnings("ignore", message="response_mode")
            flow: dict[str, Any] = self._client(tenant).initiate_auth_code_flow(
                [],
                redirect_uri=self.redirect_uri,
                state=state,
                response_mode="query",
                max_age=limits.SIGN_IN_MAX_AGE_SECONDS,
            )
        # MSAL would refuse a token without auth_time as it refuses a forged one: connect/tenant.py tells them apart.
        flow.pop("max_age", None)
        return flow

    def _finish(self, tenant: TenantId, flow: dict[str, Any], returned: dict[str, str]) -> str:
        answer = self._client(tenant).acquire_token_by_auth_code_flow(flow, returned)
        if not isinstance(answer.get("id_token"), str):
            raise ProofRefused("Microsoft did not accept the sign-in.")
        id_token: str = answer["id_token"]
        return id_token
