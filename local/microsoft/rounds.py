"""Rounds of users/delta: what a link stands for, and how a user looks on a page (facts/graph.md 1.2 to 1.5, 11)."""

import uuid
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from local.microsoft.people import Properties
from local.microsoft.shape import Enabled, Mention, Row, Shape

TOKEN_LIFE_SECONDS = 7 * 86400
"""How long a delta link is good for (facts/graph.md 1.2)."""


class TokenExpired(Exception):
    """A delta token that is not good any more, to be told in the tenant's shape."""


class BadlyFormedToken(Exception):
    """A token that Graph never gave out in this form."""


class ExpiryShape(StrEnum):
    """How an expired token shows (facts/graph.md 1.5, 11)."""

    GONE = "410"
    SYNC_STATE_NOT_FOUND = "syncStateNotFound"
    RESYNC_REQUIRED = "resyncRequired"
    UNSUPPORTED_QUERY = "Request_UnsupportedQuery"
    BAD_REQUEST = "BadRequest"
    UNKNOWN_ERROR = "UnknownError"
    PAGE_TOKEN = "Directory_ExpiredPageToken"


_NOT_WHOLE = {Mention.PATCH, Mention.REMOVED}


@dataclass(slots=True)
class User:
    """A user object. `changed` says at which version a property changed last; `removed` is the reason it went."""

    properties: Properties
    born: int
    changed: dict[str, int] = field(default_factory=dict)
    removed: str | None = None
    restored: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """What a first request asked for, and every link of the round has inside: `ids` None means everybody."""

    select: tuple[str, ...]
    ids: frozenset[str] | None = None
    page_size: int = 200


@dataclass(frozen=True, slots=True)
class Round:
    """One enumeration: its pages, fixed when it began; what they say is read when they are served."""

    query: Query
    since: int
    until: int
    pages: list[list[Row]]
    began: float


@dataclass(frozen=True, slots=True)
class DeltaToken:
    """What a delta link stands for."""

    query: Query
    version: int
    issued: float


def new_token() -> str:
    """A token that shows by itself whether anybody has changed it."""
    token = uuid.uuid4().hex
    return token + _check_of(token)


def require_well_formed(token: str) -> None:
    """Check a token's form.

    Raises:
        BadlyFormedToken: it is garbage, or a real one was changed (facts/graph.md 11, 'Malformed token').
    """
    if token[32:] != _check_of(token[:32]):
        raise BadlyFormedToken


def _check_of(token: str) -> str:
    return f"{zlib.crc32(token.encode()):08x}"


def concerns(user: User, select: tuple[str, ...], since: int) -> bool:
    """A change of what was not selected is not told (facts/graph.md 1.1)."""
    new = user.removed is not None or user.born > since or user.restored > since
    return new or any(version > since for name, version in user.changed.items() if name in select)


def render(row: Row, user: User | None, found: Round, shape: Shape) -> dict[str, object]:
    """A user as a page has him: never-set properties are absent, cleared ones null, in a first round absent too.

    In the sparse shape a continuing round tells only what changed since its link, and null for what was cleared;
    users who are new or back are whole all the same.
    """
    user_id = row.user_id.upper() if row.capitals else row.user_id
    if user is None:
        return {"id": user_id, "@removed": {"reason": "deleted"}}
    reason = "changed" if row.mention is Mention.REMOVED else user.removed
    if reason is not None:
        return {"id": user_id, "@removed": {"reason": reason}}
    select, since, known = found.query.select, found.since, user.properties
    if row.mention is Mention.PATCH:
        name = _patched(select, row.lot, shape, known)
        return {"id": user_id, name: known.get(name)} if name else {"id": user_id}
    new = since < 0 or user.born > since
    whole = new or user.restored > since or row.mention is Mention.RETURNED or not shape.sparse
    told: dict[str, object] = {
        name: known[name]
        for name in select
        if name in known and (whole or user.changed.get(name, -1) > since) and not (new and known[name] is None)
    }
    if row.mention is Mention.STALE and isinstance(told.get("givenName"), str):
        told["givenName"] = f"{told['givenName']} (before)"
    if row.mention is Mention.BEFORE and (name := _patched(select, row.lot, shape, known)):
        told[name] = _earlier(name, known.get(name), row.user_id)
    told["id"] = user_id
    return told


def without_enabled(told: dict[str, object], enabled: Enabled, found: Round, page_number: int) -> dict[str, object]:
    """What becomes of accountEnabled where Graph does not tell it."""
    if "accountEnabled" not in told or enabled is Enabled.TOLD:
        return told
    if enabled is Enabled.NULL:
        return told | {"accountEnabled": None}
    if enabled is Enabled.MISSING or _is_later(found, page_number, str(told["id"]).lower()):
        return {name: value for name, value in told.items() if name != "accountEnabled"}
    return told


def _is_later(found: Round, page_number: int, user_id: str) -> bool:
    if found.query.ids is None:
        return page_number > 0
    whole = (row for page in found.pages[:page_number] for row in page if row.mention not in _NOT_WHOLE)
    return any(row.user_id == user_id for row in whole)


def _patched(select: tuple[str, ...], lot: float, shape: Shape, known: Properties) -> str:
    """The property that a patch is about; '' where nothing but the id was selected."""
    untold = {"id", "manager"}
    # An older accountEnabled must not be told where the patch with the current one would lack it. And a guest or a
    # disabled account was none before the round either: otherwise the values told with it were never anybody's.
    if shape.account_enabled is not Enabled.TOLD or known.get("accountEnabled") is False:
        untold.add("accountEnabled")
    if known.get("userType") == "Guest":
        untold.add("userType")
    names = [name for name in select if name not in untold]
    return names[int(lot * len(names))] if names else ""


def _earlier(name: str, value: object, user_id: str) -> object:
    """A value of a property from before its change; of the same type, and nobody else's."""
    if name == "accountEnabled":
        return value is False
    if name == "userType":
        return "Guest" if value != "Guest" else "Member"
    if isinstance(value, list):
        return [*value, "before"]
    return f"{value} (before)" if isinstance(value, str) else f"before {user_id[:8]}"
