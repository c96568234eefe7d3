"""HTTP triggers: routes, methods and prefix as in host.json, over aiohttp's server."""

import logging
import re
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any

from aiohttp import web
from azure_functions_runtime.bindings.datumdef import Datum
from multidict import CIMultiDict

from local.host.app import Function, FunctionFailed

log = logging.getLogger("host")

LARGEST_BODY_BYTES = 100 * 1024 * 1024
_CONSTRAINT = re.compile(r"\{(\*?)(\w+)(?::\w+)?\??\}")
_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def http_app(functions: Sequence[Function], prefix: str) -> web.Application:
    """An aiohttp application with a route a function. As in Azure, a GET function does not answer HEAD."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    # A literal route goes before one with parameters, and both before a catch-all, as the real host has it.
    for function in sorted(functions, key=lambda one: (path_of(one, prefix).count("{"), "*" in path_of(one, prefix))):
        for method in methods_of(function):
            app.router.add_route(method, _aiohttp_path(path_of(function, prefix)), _handler(function))
    return app


def path_of(function: Function, prefix: str) -> str:
    """The path as the app wrote it, under the prefix."""
    route = str(function.trigger.get("route") or function.name).strip("/")
    return "/" + "/".join(part for part in (prefix.strip("/"), route) if part)


def methods_of(function: Function) -> list[str]:
    return [str(getattr(method, "value", method)).upper() for method in function.trigger.get("methods") or _ALL_METHODS]


def _aiohttp_path(path: str) -> str:
    return _CONSTRAINT.sub(lambda found: f"{{{found[2]}:.*}}" if found[1] else f"{{{found[2]}}}", path)


def _handler(function: Function) -> Any:
    async def handle(request: web.Request) -> web.Response:
        argument = Datum(
            {
                "method": _text(request.method),
                "url": _text(str(request.url)),
                "headers": {name.lower(): _text(value) for name, value in request.headers.items()},
                "params": {name: _text(value) for name, value in request.match_info.items()},
                "query": {name: _text(value) for name, value in request.query.items()},
                "body": Datum(await request.read(), "bytes"),
            },
            "http",
        )
        try:
            returned = await function.invoke(argument, {})
        except FunctionFailed as error:
            log.error("Executed 'Functions.%s' (Failed): %s", function.name, error)
            return web.Response(status=500)
        return _response(returned)

    return handle


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _response(returned: Datum | None) -> web.Response:
    if returned is None:
        return web.Response(status=204)
    if returned.type != "http":
        return web.Response(text=str(returned.value))
    headers: CIMultiDict[str] = CIMultiDict({name: value.value for name, value in returned.value["headers"].items()})
    cookies: Sequence[SimpleCookie] = returned.value.get("cookies") or ()
    for cookie in cookies:
        for morsel in cookie.values():
            headers.add("Set-Cookie", morsel.OutputString())
    status = int(returned.value["status_code"].value)
    return web.Response(status=status, headers=headers, body=returned.value["body"].value)
