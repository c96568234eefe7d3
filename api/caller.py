"""Who is asking: emu.chat's token, checked against its issuer's keys (spec §7)."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import azure.functions as func
import jwt

from api.keys import ALGORITHMS, SigningKeys
from errors import NotAllowed, NotSignedIn, Refused
from mapping.text import storable
from workspace.connection import WorkspaceId, workspace_id

ASK_YOUR_ADMIN = "Ask your admin to configure it"
_REQUIRED = ["iss", "aud", "exp", "sub", "name", "workspace_id", "workspace_name", "role"]
_LEEWAY_SECONDS = 30
_LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person. The workspace is always the token's."""

    person: str
    name: str
    workspace_id: WorkspaceId
    workspace_name: str
    is_admin: bool


CALLER: ContextVar[Caller | None] = ContextVar("CALLER", default=None)
"""Who asks, once that is known: for the line about a refusal."""


def require_admin(caller: Caller) -> None:
    """Raises: NotAllowed: for a member."""
    if not caller.is_admin:
        raise NotAllowed(ASK_YOUR_ADMIN)


class Callers:
    """Identifies callers by their tokens."""

    def __init__(self, issuer: str, audience: str, jwks_url: str, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = SigningKeys(jwks_url, now)

    async def of(self, req: func.HttpRequest) -> Caller:
        """The caller of a request.

        Raises:
            NotSignedIn, TryLater
        """
        caller = await self.identify(req.headers.get("authorization"))
        CALLER.set(caller)
        return caller

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
                algorithms=ALGORITHMS,
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
        if header.get("alg") not in ALGORITHMS or not isinstance(kid, str):
            raise NotSignedIn("The sign-in token is signed in a way that is not accepted.")
        key = await self._keys.of(kid)
        # A key serves the algorithm it was published for, whatever the token's header says.
        if key is None or key.algorithm_name != header["alg"]:
            raise NotSignedIn("The sign-in token is signed with an unknown key.")
        return key


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
    sub, name, workspace_name = (str(texts[one]) for one in ("sub", "name", "workspace_name"))
    if storable(sub) != sub:
        raise NotSignedIn("The sign-in token names a person who cannot be.")
    return Caller(sub, storable(name), workspace, storable(workspace_name), texts["role"] == "admin")
