"""A made-up Entra tenant: its people, what changed when, its standing, and its rounds of users/delta."""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.microsoft.consent import Consent, Refusal
from local.microsoft.faults import Fault
from local.microsoft.people import Properties, organisation
from local.microsoft.rounds import (
    TOKEN_LIFE_SECONDS,
    DeltaToken,
    ExpiryShape,
    Query,
    Round,
    TokenExpired,
    User,
    concerns,
    new_token,
    require_well_formed,
)
from local.microsoft.shape import Endless, Row, Shape, paginate
from local.microsoft.subscriptions import Subscriptions

STEPS = frozenset({"hire", "change", "remove", "purge", "restore"})
"""What can happen to a person."""


@dataclass(slots=True)
class Late:
    """A change of a person that the next `rounds` continuing rounds do not tell."""

    rounds: int
    user_id: str
    verb: str
    names: tuple[str, ...]


@dataclass(slots=True)
class Tenant:
    """All of one tenant. Nothing is shared with another."""

    id: str
    name: str
    domain: str
    shape: Shape = field(default_factory=Shape)
    consent: Consent = field(default_factory=Consent)
    faults: list[Fault] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    expiry: ExpiryShape = ExpiryShape.UNSUPPORTED_QUERY
    users: dict[str, User] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    faults_met: dict[str, int] = field(default_factory=dict)
    clock_offset: float = 0.0
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    notify: Callable[[str, str], None] = lambda _user_id, _change_type: None
    """Called with a person's id and `updated` or `deleted` at each change (facts/graph.md 9)."""
    _version: int = 0
    _touched: dict[str, int] = field(default_factory=dict)
    _rounds: dict[str, Round] = field(default_factory=dict)
    _tokens: dict[str, DeltaToken] = field(default_factory=dict)
    _rng: random.Random = field(default_factory=random.Random)
    _silent: bool = False
    _late: list[Late] = field(default_factory=list)

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
            if not self._silent:
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
        user.removed = None
        if not self._silent:
            user.restored = self._version
        self._touch(user_id)

    def do(self, verb: str, *arguments: Any) -> str:
        """One of STEPS by its name; or ('missed', verb, …), ('late', rounds, verb, …). The id of a new user, else ''.

        'missed': no delta tells of it until the person is touched again. 'late': the next `rounds` continuing rounds
        do not tell, the one after does (facts/graph.md 1.4, 11 'Lag').

        Raises:
            KeyError: there is no such verb or person.
        """
        if verb == "missed":
            return self._silently(*arguments)
        if verb == "late":
            rounds, *step = arguments
            return self._later(int(rounds), *step)
        if verb not in STEPS:
            raise KeyError(verb)
        return getattr(self, verb)(*arguments) or ""

    def _silently(self, verb: str, *arguments: Any) -> str:
        self._silent = True
        try:
            return self.do(verb, *arguments)
        finally:
            self._silent = False

    def _later(self, rounds: int, verb: str, *arguments: Any) -> str:
        made = self._silently(verb, *arguments)
        user_id = made or str(arguments[0])
        names = tuple(arguments[1]) if verb == "change" else ()
        self._late.append(Late(rounds, user_id, verb, names))
        # The notification comes at once all the same: a doorbell may ring before there is anything to read.
        self.notify(user_id, _change_type(self.users[user_id]))
        return made

    @property
    def late(self) -> list[str]:
        """Whom continuing rounds do not tell yet."""
        return [one.user_id for one in self._late]

    def _tell_late(self) -> None:
        for late in self._late:
            late.rounds -= 1
        due = [one for one in self._late if one.rounds < 0]
        self._late = [one for one in self._late if one.rounds >= 0]
        for late in due:
            user = self.users[late.user_id]
            self._version += 1
            user.changed.update(dict.fromkeys(late.names, self._version))
            if late.verb == "hire":
                user.born = self._version
            elif late.verb == "restore":
                user.restored = self._version
            self._remember(late.user_id)

    def _leave(self, user_id: str, reason: str) -> None:
        self._version += 1
        self.users[user_id].removed = reason
        self._touch(user_id)

    def _touch(self, user_id: str) -> None:
        if not self._silent:
            self._remember(user_id)
            self.notify(user_id, _change_type(self.users[user_id]))

    def _remember(self, user_id: str) -> None:
        self._touched.pop(user_id, None)
        self._touched[user_id] = self._version

    # Rounds of users/delta.

    def begin(self, query: Query) -> tuple[str, Round]:
        """A first round: everybody who is there, or those of them that were asked for."""
        ids = [
            user_id
            for user_id, user in self.users.items()
            if user.removed is None and (query.ids is None or user_id in query.ids)
        ]
        # Who is asked for by id is told whole (facts/graph.md 11, 'Whole entities').
        pages = self._paginate(ids, query, patches=query.ids is None)
        return self._open(Round(query, -1, self._version, pages, self.now()))

    def resume(self, token: str) -> tuple[str, Round]:
        """A later round: whoever changed since the token was made.

        Raises:
            TokenExpired
            BadlyFormedToken
        """
        require_well_formed(token)
        known = self._tokens.get(token)
        if known is None or self.now() - known.issued > TOKEN_LIFE_SECONDS:
            raise TokenExpired
        self._tell_late()
        since = max(0, known.version - 3) if self.shape.replay else known.version
        ids = []
        for user_id, version in reversed(self._touched.items()):
            if version <= since:
                break
            asked = known.query.ids is None or user_id in known.query.ids
            if asked and concerns(self.users[user_id], known.query.select, since):
                ids.append(user_id)
        pages = self._paginate(ids[::-1], known.query, patches=False)
        return self._open(Round(known.query, since, self._version, pages, self.now()))

    def round(self, round_id: str) -> Round:
        """A round that goes on.

        Raises:
            TokenExpired
            BadlyFormedToken
        """
        require_well_formed(round_id)
        found = self._rounds.get(round_id)
        if found is None or self.now() - found.began > TOKEN_LIFE_SECONDS:
            raise TokenExpired
        return found

    def delta_token(self, query: Query, version: int | None = None) -> str:
        token = new_token()
        self._tokens[token] = DeltaToken(query, self._version if version is None else version, self.now())
        return token

    def expire(self) -> None:
        """Every link that was handed out is dead from now on."""
        self._tokens.clear()
        self._rounds.clear()

    def _open(self, new: Round) -> tuple[str, Round]:
        round_id = new_token()
        if len(new.pages) > 1 or self.shape.endless is not Endless.NO:
            self._rounds[round_id] = new
        return round_id, new

    def _paginate(self, ids: list[str], query: Query, *, patches: bool) -> list[list[Row]]:
        return paginate(ids, self.shape, len(self._tokens), patches=patches, largest=query.page_size)


def _change_type(user: User) -> str:
    """`updated` is created, updated or soft-deleted as well; `deleted` is purged (facts/graph.md 9)."""
    return "deleted" if user.removed == "deleted" else "updated"
