"""Measures the quality of a list's directory data once a day, and when somebody looks after a full run (spec §6)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

import limits
from contacts.contact import Link, partition_of
from contacts.names import shown_name
from contacts.store import ContactStore, SourceRow
from errors import Conflict, TryLater
from storage.turns import in_turns
from sync.quality import Quality
from sync.room import NoRoom, Room
from workspace.connection import Connection
from workspace.quality import Figure, Measured, measured_operations
from workspace.state import SyncState
from workspace.store import WorkspaceStore

log = logging.getLogger(__name__)

_LOOK_SECONDS = 20.0
"""What a person waits for at most. A longer list is measured at night."""


class PersonBehind(msgspec.Struct, frozen=True, rename="camel"):
    """A contact behind a figure, as it is now."""

    contact_id: str
    name: str
    email: str | None
    mobile_phone: str | None


class Overtaken(TryLater):
    """The workspace was changed while its list was measured."""


_LEFT_OUT = (TimeoutError, NoRoom, Overtaken)


@dataclass(frozen=True, slots=True)
class Measuring:
    """Reads a list whole, and keeps what it found."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    room: Room
    now: Callable[[], datetime]

    async def tonight(self, connection: Connection, state: SyncState) -> None:
        """Measure a list, unless that takes too long or anything else is in the way: then the next night does it.

        Raises:
            TryLater
        """
        if state.last_completed_at is None:
            return  # There is nobody yet to be measured.
        try:
            async with asyncio.timeout(limits.MEASURING_SECONDS):
                await self.measure(connection, state)
        except _LEFT_OUT as error:
            log.warning("measuring_left_out workspace=%s reason=%s", connection.workspace_id, type(error).__name__)

    async def measure(self, connection: Connection, state: SyncState) -> Measured:
        """Measure a list. Repeated on one day, it replaces itself. `state` is what was read with the connection.

        Raises:
            NoRoom, TryLater
            Overtaken: a run, a disconnect or a request to forget somebody came meanwhile, so nothing is kept.
        """
        quality, at = Quality(connection.configuration), self.now()
        partition = partition_of(connection.workspace_id, connection.list_id)
        size_bytes = state.totals.linked * limits.MEASURED_BYTES
        await self.room.take(size_bytes)
        try:
            async for rows in self.contacts.scan(partition, SourceRow):
                async for row in in_turns(rows):
                    if row.link == Link.LINKED:
                        quality.take(row.row_key, msgspec.json.decode(row.source or "{}", type=dict[str, str]))
        finally:
            self.room.give(size_bytes)
        measured = Measured(at, quality.taken, quality.counts)
        try:
            # With the state as it was read: what was forgotten since must not come back.
            await self.workspaces.save(state, *measured_operations(measured, quality.people))
        except Conflict as error:
            raise Overtaken("The list was changed while it was measured. Try again in a moment.") from error
        return measured

    async def days(self, connection: Connection, state: SyncState) -> list[Measured]:
        """What was measured in the last 90 days, the newest first; measured now where a full run ended since.

        Raises:
            TryLater: it takes too long for somebody who waits, and there is nothing yet to show instead.
        """
        began = max(connection.joined_at or self.now() - limits.HISTORY, self.now() - limits.HISTORY)
        days = [one for one in await self.workspaces.qualities(connection.workspace_id) if one.at >= began]
        verified = state.verification
        if state.last_completed_at is None or (days and (verified is None or verified.at <= days[0].at)):
            return days
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                newest = await self.measure(connection, state)
        except _LEFT_OUT as error:
            if days:
                return days
            raise TryLater("The list cannot be measured at the moment. It is tried again tonight.") from error
        return [newest, *(one for one in days if one.at.date() != newest.at.date())]

    async def people(
        self, connection: Connection, figure: Figure, most: int, continuation: str
    ) -> tuple[list[PersonBehind], str]:
        """Up to `most` contacts behind a figure of the last measurement, and where the next page begins."""
        ids = await self.workspaces.quality_people(connection.workspace_id, figure)
        start = int(continuation) if continuation.isdecimal() else 0
        wanted = ids[start : start + most]
        found = await self.contacts.read(partition_of(connection.workspace_id, connection.list_id), wanted)
        people = [
            PersonBehind(one.id, shown_name(one.fields), one.fields.get("email"), one.fields.get("mobilePhone"))
            for contact_id in wanted
            if (one := found.get(contact_id)) is not None and one.link is Link.LINKED
        ]
        return people, str(start + most) if start + most < len(ids) else ""
