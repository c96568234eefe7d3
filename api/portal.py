"""The Integrations page: static files, and where it gets its token. It needs nothing but the API (spec §7)."""

import functools
import gzip
import hashlib
import mimetypes
from pathlib import Path
from urllib.parse import urlsplit

import azure.functions as func
import msgspec

from api.answers import SECURITY_HEADERS
from errors import NotFound

_FOLDER = Path(__file__).parent.parent / "portal"


class PortalCalls:
    """Serves the page's files. They are few and small, so they stay in memory."""

    def __init__(self, token_url: str, portal_url: str) -> None:
        self._token_url = token_url
        self._headers = SECURITY_HEADERS | {
            "Content-Security-Policy": "; ".join(
                (
                    "default-src 'none'",
                    "script-src 'self'",
                    "style-src 'self'",
                    "img-src 'self'",
                    f"connect-src 'self' {_origin(token_url)}",
                    "base-uri 'none'",
                    "form-action 'none'",
                    f"frame-ancestors 'self' {_origin(portal_url)}",
                    "require-trusted-types-for 'script'",
                )
            ),
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
        }

    async def show(self, req: func.HttpRequest) -> func.HttpResponse:
        """A file of the page.

        Raises:
            NotFound
        """
        name = req.route_params.get("path") or ""
        if not name and not urlsplit(req.url).path.endswith("/"):
            # Without the slash the page's own addresses would miss their folder.
            return func.HttpResponse(status_code=301, headers=SECURITY_HEADERS | {"Location": "portal/"})
        if name == "config.json":
            body, kind = msgspec.json.encode({"tokenUrl": self._token_url}), "application/json"
        elif (found := _files().get(name or "index.html")) is not None:
            body, kind = found, mimetypes.guess_type(name or "index.html")[0] or "application/octet-stream"
        else:
            raise NotFound("There is no such page.")
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = self._headers | {"ETag": etag, "Vary": "Accept-Encoding"}
        # The page is revalidated at each visit, so that a deployment is seen at once, and is sent only when it
        # changed.
        if req.headers.get("if-none-match") == etag:
            return func.HttpResponse(status_code=304, headers=headers)
        if "gzip" in req.headers.get("accept-encoding", ""):
            body, headers = _packed(body), headers | {"Content-Encoding": "gzip"}
        return func.HttpResponse(body, headers=headers, mimetype=kind)


@functools.lru_cache(maxsize=100)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@functools.cache
def _files() -> dict[str, bytes]:
    # The folder's own files by name: no path of a request can lead anywhere else.
    return {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.is_file()}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
