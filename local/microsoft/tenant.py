"""A made-up Entra tenant: its people, what changed when, its consent to the app, and its rounds of users/delta."""

import random
import time
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from local.microsoft.faults import Fault, Mention, Row, Shape, paginate
from local.microsoft.people import Properties, organisation

TOKEN_LIFE_SECONDS = 7 * 86400
"""How long a delta link is good for (facts/graph.md 1.2)."""


class TokenExpired(Exception):
    """A delta token that is not good any more, to be told in the tenant's shape."""


class ExpiryShape(StrEnum):
    """How an expired token shows (facts/graph.md 1.5)."""

    GONE = "410"
    SYNC_STATE_NOT_FOUND = "syncStateNotFound"
    RESYNC_REQUIRED = "resyncRequired"
    UNSUPPORTED_QUERY = "Request_UnsupportedQuery"


class Lost(StrEnum):
    """How missing consent shows (facts/graph.md 5.4)."""

    APP_NOT_FOUND = "700016"
    NO_SERVICE_PRINCIPAL = "7000229"
    DISABLED = "7000112"
    TENANT_GONE = "90002"
    INACTIVE = "5000225"
    IDENTITY_NOT_FOUND = "Authorization_IdentityNotFound"
    REQUEST_DENIED = "Authorization_RequestDenied"
    ROLELESS = "roleless"


class Consent(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The app's standing in a tenant. `spreading` token requests after the consent still fail, or lack the role."""

    given: bool = False
    lost_as: Lost = Lost.APP_NOT_FOUND
    spreading: int = 0
    credential_error: str = ""
    organization_readable: bool = False


@dataclass(slots=True)
class User:
    """A user object. `changed` says at which version a property changed last; `removed` is the reason it went."""

    properties: Properties
    born: int
    changed: dict[str, int] = field(default_factory=dict)
    removed: str | None = None
    restored: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """One enumeration: its pages, fixed when it began; what they say is read when they are served."""

    select: tuple[str, ...]
    since: int
    until: int
    pages: list[list[Row]]
    began: float


@dataclass(frozen=True, slots=True)
class DeltaToken:
    """What a delta link stands for."""

    select: tuple[str, ...]
    version: int
    issued: float


@dataclass(slots=True)
class Tenant:
    """All of one tenant. Nothing is shared with another."""

    id: str
    name: str
    domain: str
    shape: Shape = field(default_factory=Shape)
    consent: Consent = field(default_factory=Consent)
    faults: list[Fault] = field(default_factory=list)
    expiry: ExpiryShape = ExpiryShape.UNSUPPORTED_QUERY
    users: dict[str, User] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    faults_met: dict[str, int] = field(default_factory=dict)
    clock_offset: float = 0.0
    _version: int = 0
    _touched: dict[str, int] = field(default_factory=dict)
    _rounds: dict[str, Round] = field(default_factory=dict)
    _tokens: dict[str, DeltaToken] = field(default_factory=dict)
    _rng: random.Random = field(default_factory=random.Random)

    def populate(self, count: int, seed: int) -> None:
        for properties in organisation(count, seed, self.name, self.domain):
            self.users[str(properties["id"])] = User(properties, 0)

    def now(self) -> float:
        return time.time() + self.clock_offset

    # People come, change, and go.

    def hire(self, properties: Properties) -> str:
        user_id = str(properties.get("id") or uuid.UUID(int=self._rng.getrandbits(128), version=4))
        self._version += 1
        self.users[user_id] = User({**properties, "id": user_id}, self._version)
        self._touch(user_id)
        return user_id

    def change(self, user_id: str, properties: Properties) -> None:
        user = self.users[user_id]
        self._version += 1
        for name, value in properties.items():
            if value is None and name not in user.properties:
                continue
            user.properties[name] = value
            user.changed[name] = self._version
        self._touch(user_id)

    def remove(self, user_id: str) -> None:
        """Soft: it can be restored."""
        self._leave(user_id, "changed")

    def purge(self, user_id: str) -> None:
        self._leave(user_id, "deleted")

    def restore(self, user_id: str) -> None:
        user = self.users[user_id]
        if user.removed == "deleted":
            raise KeyError(user_id)
        self._version += 1
        user.removed, user.restored = None, self._version
        self._touch(user_id)

    def _leave(self, user_id: str, reason: str) -> None:
        self._version += 1
        self.users[user_id].removed = reason
        self._touch(user_id)

    def _touch(self, user_id: str) -> None:
        self._touched.pop(user_id, None)
        self._touched[user_id] = self._version

    # Rounds of users/delta.

    def begin(self, select: tuple[str, ...]) -> tuple[str, Round]:
        """A first round: everybody who is there."""
        ids = [user_id for user_id, user in self.users.items() if user.removed is None]
        return self._open(Round(select, -1, self._version, self._paginate(ids), self.now()))

    def resume(self, token: str) -> tuple[str, Round]:
        """A later round: whoever changed since the token was made.

        Raises:
            TokenExpired
        """
        known = self._tokens.get(token)
        if known is None or self.now() - known.issued > TOKEN_LIFE_SECONDS:
            raise TokenExpired
        since = max(0, known.version - 3) if self.shape.replay else known.version
        ids = []
        for user_id, version in reversed(self._touched.items()):
            if version <= since:
                break
            if self._concerns(self.users[user_id], known.select, since):
                ids.append(user_id)
        return self._open(Round(known.select, since, self._version, self._paginate(ids[::-1]), self.now()))

    def round(self, round_id: str) -> Round:
        """A round that goes on.

        Raises:
            TokenExpired
        """
        found = self._rounds.get(round_id)
        if found is None or self.now() - found.began > TOKEN_LIFE_SECONDS:
            raise TokenExpired
        return found

    def delta_token(self, select: tuple[str, ...], version: int | None = None) -> str:
        token = uuid.uuid4().hex
        self._tokens[token] = DeltaToken(select, self._version if version is None else version, self.now())
        return token

    def expire(self) -> None:
        """Every link that was handed out is dead from now on."""
        self._tokens.clear()
        self._rounds.clear()

    def _open(self, new: Round) -> tuple[str, Round]:
        round_id = uuid.uuid4().hex
        if len(new.pages) > 1:
            self._rounds[round_id] = new
        return round_id, new

    def _paginate(self, ids: list[str]) -> list[list[Row]]:
        return paginate(ids, self.shape, len(self._tokens))

    @staticmethod
    def _concerns(user: User, select: tuple[str, ...], since: int) -> bool:
        """A change of what was not selected is not told (facts/graph.md 1.1)."""
        new = user.removed is not None or user.born > since or user.restored > since
        return new or any(version > since for name, version in user.changed.items() if name in select)

    def render(self, row: Row, select: tuple[str, ...], since: int) -> dict[str, object]:
        """A user as a page has him: never-set properties are absent, cleared ones null, in a first round absent too."""
        user_id, mention = row
        user = self.users[user_id]
        reason = "changed" if mention is Mention.REMOVED else user.removed
        if reason is not None:
            return {"id": user_id, "@removed": {"reason": reason}}
        known = user.properties
        fresh = since < 0 or user.born > since
        told: dict[str, object] = {
            name: known[name] for name in select if name in known and not (fresh and known[name] is None)
        }
        if mention is Mention.STALE and isinstance(told.get("givenName"), str):
            told["givenName"] = f"{told['givenName']} (before)"
        told["id"] = user_id
        return told
