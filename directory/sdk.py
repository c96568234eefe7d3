"""The part of a Graph request that is msgraph-sdk's: authentication (with claims challenges), request ids, telemetry.

Its models, retries and redirects stay out: the models cannot tell null from absent (facts/graph.md 6.3), waiting is
the worker's decision, and a redirect could carry the token away.
"""

from typing import Any, cast

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.response_handler import ResponseHandler
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_http.middleware.options import ResponseHandlerOption
from kiota_http.observability_options import ObservabilityOptions
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory
from opentelemetry import trace

import limits
from directory.answer import Answer
from directory.credentials import token_error
from errors import TryLater

_UNSAMPLED = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=False))
"""A parent without the sampled flag: nobody keeps its children. The SDK makes five spans a request, six times the
bytes of our own."""


class Sender:
    """One connection pool to Graph."""

    def __init__(self, endpoint: str) -> None:
        self._scope = f"{endpoint}/.default"
        # Kept so that it can be closed: the SDK wraps it and does not close it.
        self._transport = httpx.AsyncHTTPTransport()
        self._client = _http_client(endpoint, self._transport)

    async def send(
        self, credential: object, url: str, accept: str, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """Send a request, once; a body is JSON.

        Raises:
            ConsentLost, CredentialRejected: there is no token.
            TryLater: no answer, or half of one.
        """
        provider = AzureIdentityAuthenticationProvider(cast("AsyncTokenCredential", credential), scopes=[self._scope])
        adapter = GraphRequestAdapter(provider, client=self._client)
        # Whoever may keep these spans all the same: no address, which holds delta tokens, is among their attributes.
        adapter.observability_options = ObservabilityOptions(include_euii_attributes=False)
        request = RequestInformation(Method(method))
        request.url = url
        if body is not None:
            request.set_stream_content(body, "application/json")
        request.headers.add("Accept", accept)
        if accept == "text/plain":
            request.headers.add("ConsistencyLevel", "eventual")  # What $count needs (facts/graph.md 2).
        request.add_request_options([ResponseHandlerOption(_Native())])
        try:
            with trace.use_span(_UNSAMPLED):
                # What _Native gives, whatever the adapter's signature promises.
                return cast("Answer", await adapter.send_primitive_async(request, "bytes", {}))
        except AzureError as error:
            raise token_error(error) from error
        except httpx.HTTPError as error:
            raise TryLater(f"Microsoft Graph did not answer ({type(error).__name__})") from error

    async def close(self) -> None:
        await self._client.aclose()
        await self._transport.aclose()


class _Native(ResponseHandler):
    """Hands the answer on as it came: reading it is `directory.delta`'s decision."""

    async def handle_response_async(self, response: Any, _: Any) -> Any:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)


def _http_client(endpoint: str, transport: httpx.AsyncHTTPTransport) -> httpx.AsyncClient:
    timeout = httpx.Timeout(limits.GRAPH_QUIET_SECONDS, connect=10.0)
    client = httpx.AsyncClient(base_url=f"{endpoint}/v1.0", timeout=timeout, transport=transport)
    # None of Kiota's own: no retries and no redirects are wanted, and each costs every request some time.
    telemetry = GraphClientFactory._get_telemetry_handler(options)  # noqa: SLF001 - what the factory itself does
    made: httpx.AsyncClient = GraphClientFactory.create_with_custom_middleware([telemetry], client=client)
    return made
