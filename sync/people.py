"""Finds a person: in the list or not, why, and what the next run does with the values (spec §7 `people`)."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from contacts.contact import Contact, Link, partition_of
from contacts.listing import Listing
from contacts.names import shown_name
from contacts.store import ContactStore
from directory.graph import Graph
from directory.people import users_matching, users_with_ids
from errors import TryLater
from mapping.configuration import Configuration, DeletionBehavior
from mapping.conflict import mapped
from mapping.fields import DIRECTORY_FIELDS, DirectoryUser, ObjectId
from mapping.scope import Scope
from mapping.values import ValueReader, plain
from sync.gathering import Gathering
from sync.plan import plan_page
from sync.scoping import directory_name
from sync.sifting import sift
from sync.whereabouts import Whereabouts, Why, whereabouts
from sync.writes import Stamp
from workspace.connection import Connection, tenant_of
from workspace.journal import Outcome
from workspace.state import SyncState
from workspace.store import WorkspaceStore

MOST_PEOPLE = 10
_LONGEST_SECONDS = 20.0
_LIST_SECONDS = 4.0
"""For looking through the list, which has no index for parts of words."""


class PersonValue(msgspec.Struct, frozen=True, rename="camel"):
    """A mapped field: the directory's value, the contact's, and the contact's after the next run.

    `origin` says where the contact's value is from: 'directory', 'person', or null where it has none.
    """

    directory_field: str
    contact_field: str
    directory: str | None
    contact: str | None
    after: str | None
    origin: str | None


class FoundPerson(msgspec.Struct, frozen=True, rename="camel"):
    """A person. `next_outcome` is what a run that hears of the person does with the contact; null where nothing."""

    id: str
    name: str
    mail: str | None
    user_principal_name: str | None
    in_list: bool
    reason: Why
    contact_id: str | None
    next_outcome: str | None
    values: list[PersonValue]


@dataclass(frozen=True, slots=True)
class People:
    """Looks people up. It holds no store that it would write to."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    listing: Listing
    graph: Graph
    now: Callable[[], datetime]

    async def find(self, connection: Connection, state: SyncState, query: str) -> tuple[list[FoundPerson], bool]:
        """Up to ten people of the directory and of the list, and whether the whole list was looked through.

        Raises:
            TryLater, Throttled, ConsentLost, CredentialRejected: the directory or the list cannot be read.
        """
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await self._find(connection, state, query)
        except TimeoutError as error:
            raise TryLater("Looking up people takes too long at the moment", 30) from error

    async def _find(self, connection: Connection, state: SyncState, query: str) -> tuple[list[FoundPerson], bool]:
        select, tenant = connection.configuration.select, tenant_of(connection)
        there, (listed, whole) = await asyncio.gather(
            users_matching(self.graph, tenant, select, query, MOST_PEOPLE), self._listed(connection, state, query)
        )
        users = {one.id: one for one in there}
        # Whom a person renamed in the list, and who left the directory, is found by the contact alone.
        others = [one.source_id for one in listed if one.source_id is not None and one.source_id not in users]
        if others and len(users) < MOST_PEOPLE:
            users |= {one.id: one for one in await users_with_ids(self.graph, tenant, select, others)}
        ids = list(dict.fromkeys([*users, *others]))[:MOST_PEOPLE]
        return await self._told(connection, state, ids, users), whole

    async def _listed(self, connection: Connection, state: SyncState, query: str) -> tuple[list[Contact], bool]:
        """Contacts that have, or had, somebody of the directory behind them."""
        partition = partition_of(connection.workspace_id, connection.list_id)
        found: list[Contact] = []
        continuation, until = "", time.monotonic() + _LIST_SECONDS
        while len(found) < MOST_PEOPLE and time.monotonic() < until:
            contacts, continuation = await self.listing.page(
                partition, query, MOST_PEOPLE, continuation, ordered=state.ordered
            )
            found += [one for one in contacts if one.source_id is not None]
            if not continuation:
                return found[:MOST_PEOPLE], True
        return found[:MOST_PEOPLE], False

    async def _told(
        self, connection: Connection, state: SyncState, ids: Sequence[ObjectId], users: dict[ObjectId, DirectoryUser]
    ) -> list[FoundPerson]:
        configuration = connection.configuration
        partition = partition_of(connection.workspace_id, connection.list_id)
        contacts = (await self.contacts.of_users(partition, ids)).contacts
        waits = await self._waiting(state)
        missing = {one for one in ids if one in users and one not in contacts}
        not_read = await self._not_read(state, missing) if missing else {}
        found = []
        for one in ids:
            user, contact = users.get(one), contacts.get(one)
            why = whereabouts(user, contact, configuration, waits=one in waits, not_read=not_read.get(one))
            outcome, after = await self._next(connection, state, user, contact, why)
            found.append(_person(one, user, contact, why, configuration, outcome, after))
        return found

    async def _waiting(self, state: SyncState) -> set[ObjectId]:
        if state.waiting is None:
            return set()
        return set(await self.workspaces.pending(state.workspace_id, state.waiting.id))

    async def _not_read(self, state: SyncState, ids: set[ObjectId]) -> dict[ObjectId, str]:
        """Why the last run, and the last that looked at everybody, could not take somebody in."""
        verified = state.verification.run if state.verification is not None else None
        runs = [state.last.id] if state.last is not None and state.last.counts.skipped else []
        runs += [verified] if verified is not None and verified not in runs else []
        found: dict[ObjectId, str] = {}
        for run in reversed(runs):
            async for _, page in self.workspaces.journal(state.workspace_id, run):
                for change in page.changes:
                    if change.outcome is Outcome.SKIPPED and change.contact_id in ids:
                        found[ObjectId(change.contact_id)] = change.reason or "it could not be stored"
        return found

    async def _next(
        self,
        connection: Connection,
        state: SyncState,
        user: DirectoryUser | None,
        contact: Contact | None,
        why: Why,
    ) -> tuple[str | None, dict[str, str]]:
        """What a run that hears of a person does, by the run's own plan; and the contact's fields after it."""
        configuration = connection.configuration
        before = dict(contact.fields) if contact is not None and contact.link is not Link.REMOVED else {}
        if why.code is Whereabouts.LEAVES:
            deletes = configuration.deletion_behavior is DeletionBehavior.HARD_DELETE
            return (Outcome.REMOVED, {}) if deletes else (Outcome.UNLINKED, before)
        if user is None or not Scope(configuration).keeps(user) or why.code is Whereabouts.REMOVAL_WAITS:
            return None, before
        reader = ValueReader(configuration)
        people = list(sift([user], {}, configuration, reader).present.values())
        partition = partition_of(connection.workspace_id, connection.list_id)
        stamp = Stamp("", 0, self.now().isoformat().replace("+00:00", "Z"))
        known = await Gathering(self.contacts, partition, state.totals.contacts).known(people, stamp.is_passing)
        plan = plan_page(people, known, configuration, reader, stamp, matching=True)
        for write in plan.writes:
            if write.after is not None and write.change is not None:
                return write.change.outcome, dict(write.after.fields)
        return None, before


def _person(
    user_id: ObjectId,
    user: DirectoryUser | None,
    contact: Contact | None,
    why: Why,
    configuration: Configuration,
    outcome: str | None,
    after: dict[str, str],
) -> FoundPerson:
    shown = contact.fields if contact is not None and contact.link is not Link.REMOVED else {}
    told = mapped(contact.source, configuration) if contact is not None and contact.link is Link.LINKED else None
    values = [
        PersonValue(
            mapping.source,
            mapping.target,
            plain(getattr(user, DIRECTORY_FIELDS[mapping.source].attribute)) if user is not None else None,
            shown.get(mapping.target),
            after.get(mapping.target),
            _origin(told, mapping.target, shown.get(mapping.target)),
        )
        for mapping in configuration.field_mappings
    ]
    return FoundPerson(
        user_id,
        (directory_name(user) if user is not None else "") or shown_name(shown),
        _text(user.mail) if user is not None else shown.get("email"),
        _text(user.user_principal_name) if user is not None else None,
        contact is not None and contact.link is Link.LINKED,
        why,
        contact.id if contact is not None and contact.link is not Link.REMOVED else None,
        outcome,
        values,
    )


def _origin(told: dict[str, str] | None, target: str, value: str | None) -> str | None:
    """Whose a contact's value is. `told`: what the directory says, by contact field; None where it says nothing."""
    if value is None or told is None:
        return None
    return "directory" if told.get(target) == value else "person"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
