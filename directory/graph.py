"""Sends one request to Microsoft Graph: token, host check, time limit; status, headers and bytes back.

The request goes through msgraph-sdk's request adapter, for its authentication (with claims challenges), its client
request ids and telemetry. Its models, retries and redirects stay out: the models cannot tell null from absent
(facts/graph.md 6.3), waiting is the worker's decision, and a redirect could carry the token away.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.response_handler import ResponseHandler
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware.options import RedirectHandlerOption, ResponseHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory

from directory.credentials import Credentials, TenantId, token_error
from errors import ForeignLink, TryLater

LONGEST_REQUEST_SECONDS = 60.0
_QUIET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Graph:
    """Microsoft Graph for every tenant, over one connection pool. Every request is counted."""

    def __init__(self, endpoint: str, credentials: Credentials, count: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._origin = _origin(endpoint)
        self._credentials = credentials
        self._count = count
        # Ours to close: the SDK wraps it, and does not.
        self._transport = httpx.AsyncHTTPTransport()
        self._client = _http_client(endpoint, self._transport)

    def users_delta(self, select: tuple[str, ...]) -> str:
        """The address that begins a round; its `$select` is baked into every link that follows (facts/graph.md 1.2)."""
        return f"{self._endpoint}/v1.0/users/delta()?$select={quote(','.join(select), safe=',')}"

    def organization(self) -> str:
        return f"{self._endpoint}/v1.0/organization?$select=id,displayName"

    def users_count(self) -> str:
        return f"{self._endpoint}/v1.0/users/$count"

    async def get(self, tenant: TenantId, url: str, *, accept: str = "application/json") -> Answer:
        """Send a GET in the tenant's name, once.

        Raises:
            ForeignLink: the address is not on Graph's host; nothing was sent.
            ConsentLost, CredentialRejected: there is no token.
            TryLater: no answer, or half of one.
        """
        if _origin(url) != self._origin:
            raise ForeignLink("Microsoft Graph named a next link on another host")
        credential = await self._credentials.of(tenant)
        provider = AzureIdentityAuthenticationProvider(
            cast("AsyncTokenCredential", credential), scopes=[f"{self._endpoint}/.default"]
        )
        adapter = GraphRequestAdapter(provider, client=self._client)
        request = RequestInformation(Method.GET)
        request.url = url
        request.headers.add("Accept", accept)
        if accept == "text/plain":
            request.headers.add("ConsistencyLevel", "eventual")  # What $count needs (facts/graph.md 2).
        request.add_request_options([ResponseHandlerOption(_Native())])
        self._count()
        try:
            async with asyncio.timeout(LONGEST_REQUEST_SECONDS):
                # What _Native gives, whatever the adapter's signature promises.
                return cast("Answer", await adapter.send_primitive_async(request, "bytes", {}))
        except AzureError as error:
            raise token_error(error) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise TryLater(f"Microsoft Graph did not answer ({type(error).__name__})") from error

    async def close(self) -> None:
        await self._client.aclose()
        await self._transport.aclose()
        await self._credentials.close()


class _Native(ResponseHandler):
    """Hands the answer on as it came: reading it is `directory.delta`'s decision."""

    async def handle_response_async(self, response: Any, _: Any) -> Any:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)


def _http_client(endpoint: str, transport: httpx.AsyncHTTPTransport) -> httpx.AsyncClient:
    timeout = httpx.Timeout(_QUIET_SECONDS, connect=10.0)
    client = httpx.AsyncClient(base_url=f"{endpoint}/v1.0", timeout=timeout, transport=transport)
    chosen = options | {
        RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
        RedirectHandlerOption.get_key(): RedirectHandlerOption(max_redirect=0, should_redirect=False),
    }
    middleware = KiotaClientFactory.get_default_middleware(chosen)
    middleware.append(GraphClientFactory._get_telemetry_handler(chosen))  # noqa: SLF001 - what the factory itself does
    made: httpx.AsyncClient = GraphClientFactory.create_with_custom_middleware(middleware, client=client)
    return made


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else None)
