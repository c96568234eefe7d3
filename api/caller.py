"""Who is asking: emu.chat's token, checked against its issuer's keys (spec §7)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import azure.functions as func
import jwt

import limits
from errors import NotAllowed, NotSignedIn, Refused, TryLater
from workspace.connection import WorkspaceId, workspace_id

log = logging.getLogger(__name__)

ASK_YOUR_ADMIN = "Ask your admin to configure it"
_ALGORITHMS = ["RS256", "ES256"]
_REQUIRED = ["iss", "aud", "exp", "sub", "name", "workspace_id", "workspace_name", "role"]
_LEEWAY_SECONDS = 30
_REFETCH_SECONDS = 60.0
_PATIENCE = aiohttp.ClientTimeout(total=limits.KEYS_CALL_SECONDS)
_LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person. The workspace is always the token's."""

    person: str
    name: str
    workspace_id: WorkspaceId
    workspace_name: str
    is_admin: bool


def require_admin(caller: Caller) -> None:
    """Raises: NotAllowed: for a member."""
    if not caller.is_admin:
        raise NotAllowed(ASK_YOUR_ADMIN)


class Callers:
    """Identifies callers. Keys are cached, and fetched again for an unknown `kid`, at most once a minute."""

    def __init__(self, issuer: str, audience: str, jwks_url: str, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._jwks_url = jwks_url
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def of(self, req: func.HttpRequest) -> Caller:
        """The caller of a request.

        Raises:
            NotSignedIn, TryLater
        """
        return await self.identify(req.headers.get("authorization"))

    async def identify(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header.

        Raises:
            NotSignedIn: there is no token, or it is not good.
            TryLater: the issuer's keys cannot be had.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn("Sign in to emu.chat.")
        # Before anything is parsed, because the caller is not known yet.
        if len(token) > _LONGEST_TOKEN:
            raise NotSignedIn("The sign-in token is too long.")
        key = await self._key(token.strip())
        return _caller(self._claims(token.strip(), key))

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, object]:
        try:
            # The algorithms are ours to name: the token's header must not choose how it is checked.
            return jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise NotSignedIn("Your sign-in has expired. Sign in again.") from error
        except jwt.InvalidTokenError as error:
            raise NotSignedIn(f"The sign-in token is not valid ({type(error).__name__}).") from error

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise NotSignedIn("The sign-in token is not a token.") from error
        kid = header.get("kid")
        if header.get("alg") not in _ALGORITHMS or not isinstance(kid, str):
            raise NotSignedIn("The sign-in token is signed in a way that is not accepted.")
        if kid not in self._keys:
            await self._fetch(kid)
        key = self._keys.get(kid)
        # A key serves the algorithm it was published for, whatever the token's header says.
        if key is None or key.algorithm_name != header["alg"]:
            raise NotSignedIn("The sign-in token is signed with an unknown key.")
        return key

    async def _fetch(self, kid: str) -> None:
        async with self._fetching:
            # Tokens with made-up key ids must not make this app ask the issuer each time.
            if kid in self._keys or self._now() - self._fetched_at < _REFETCH_SECONDS:
                return
            self._fetched_at = self._now()
            try:
                async with (
                    aiohttp.ClientSession(timeout=_PATIENCE) as session,
                    session.get(self._jwks_url, allow_redirects=False) as answer,
                ):
                    answer.raise_for_status()
                    body = await answer.content.read(limits.LARGEST_KEYS_BYTES)
                found = jwt.PyJWKSet.from_json(body.decode())
            except (aiohttp.ClientError, TimeoutError, jwt.PyJWTError, ValueError) as error:
                log.warning("jwks_unavailable reason=%s", type(error).__name__)
                # With the keys of before, most sign-ins can still be checked.
                if not self._keys:
                    self._fetched_at = float("-inf")
                    raise TryLater("Sign-ins cannot be checked at the moment. Try again in a minute.", 5) from error
                return
            self._keys = {key.key_id: key for key in found.keys if key.key_id and key.algorithm_name in _ALGORITHMS}


def _caller(claims: dict[str, object]) -> Caller:
    texts = {name: claims[name] for name in ("sub", "name", "workspace_id", "workspace_name", "role")}
    if not all(isinstance(value, str) and value for value in texts.values()):
        raise NotSignedIn("The sign-in token lacks what emu.chat needs to know.")
    if texts["role"] not in ("admin", "member"):
        raise NotSignedIn("The sign-in token names an unknown role.")
    try:
        workspace = workspace_id(str(texts["workspace_id"]))
    except Refused as error:
        raise NotSignedIn("The sign-in token names a workspace that cannot be.") from error
    return Caller(
        str(texts["sub"]), str(texts["name"]), workspace, str(texts["workspace_name"]), texts["role"] == "admin"
    )
