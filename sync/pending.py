"""The people whose removal waits for approval: the whole list, to look through before it is decided (spec §5)."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from contacts.contact import Contact, Link, partition_of
from contacts.names import plain, shown_name
from contacts.store import ContactStore
from mapping.fields import ObjectId
from storage.transaction import Partition
from workspace.connection import Connection
from workspace.run import RunId
from workspace.store import WorkspaceStore

_POINT_READS = 1_000
"""So many are read each by itself, and shown in the order of names; more are met in a walk through the list."""
_PAGES_A_CALL, _PAGE = 5, 1000


class PendingPerson(msgspec.Struct, frozen=True, rename="camel"):
    """A person whose contact would be unlinked or deleted."""

    contact_id: str
    source_id: str
    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class PendingPeople:
    """Reads them, less those whom a later run met again. It writes nothing."""

    workspaces: WorkspaceStore
    contacts: ContactStore

    async def page(
        self, connection: Connection, run: RunId, search: str, most: int, continuation: str
    ) -> tuple[int, list[PendingPerson], str]:
        """How many ids wait, up to `most` people whose names or address have all words of `search`, and what follows.

        Up to a thousand come in the order of their names, more in that of their contacts' ids. Then a page may be
        short, or empty, and still be followed by another one.
        """
        waiting = set(await self.workspaces.still_pending(connection.workspace_id, run))
        partition, words = partition_of(connection.workspace_id, connection.list_id), plain(search).split()
        if len(waiting) <= _POINT_READS:
            people = await self._sorted(partition, waiting, words)
            start = int(continuation) if continuation.isdecimal() else 0
            end = start + most
            return len(waiting), people[start:end], str(end) if end < len(people) else ""
        people, continuation = await self._walk(partition, waiting, words, most, continuation)
        return len(waiting), people, continuation

    async def _sorted(self, partition: Partition, waiting: set[ObjectId], words: list[str]) -> list[PendingPerson]:
        found = await self.contacts.of_users(partition, waiting)
        people = list(_people(found.contacts.values(), waiting, words))
        return sorted(people, key=lambda one: (plain(one.name), one.contact_id))

    async def _walk(
        self, partition: Partition, waiting: set[ObjectId], words: list[str], most: int, continuation: str
    ) -> tuple[list[PendingPerson], str]:
        people: list[PendingPerson] = []
        for _ in range(_PAGES_A_CALL):
            contacts, continuation = await self.contacts.page(partition, _PAGE, continuation)
            people += _people(contacts, waiting, words)
            if len(people) > most:
                return people[:most], people[most - 1].contact_id
            if not continuation:
                break
        return people, continuation


def _people(contacts: Iterable[Contact], waiting: set[ObjectId], words: list[str]) -> Iterable[PendingPerson]:
    for one in contacts:
        # A contact that a person removed is not shown any more, and was not counted.
        if one.link is Link.LINKED and one.source_id in waiting:
            told = PendingPerson(one.id, one.source_id, shown_name(one.fields), one.fields.get("email"))
            text = plain(f"{told.name} {told.email or ''}")
            if all(word in text for word in words):
                yield told
