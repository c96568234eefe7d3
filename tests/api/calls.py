"""A call of the API without the host: the request as the worker hands it over, and the answer."""

import json
from typing import Any

import azure.functions as func

from api.answers import Handler, answering


async def called(
    handler: Handler, method: str, token: str, body: Any = None, route: dict[str, str] | None = None, **params: str
) -> func.HttpResponse:
    """What a person with this token is answered."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = func.HttpRequest(
        method=method,
        url="http://localhost/api",
        headers=headers,
        params=params,
        route_params=route or {},
        body=b"" if body is None else json.dumps(body).encode(),
    )

    async def named(req: func.HttpRequest) -> func.HttpResponse:
        return await handler(req)

    return await answering(named)(request)
