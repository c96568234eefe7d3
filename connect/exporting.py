"""The daily export: all that Full Resync cannot bring back, of every workspace, to a container (docs/operations.md).

One timer does it, in slices: a row says which day's export goes on and which workspace is next. A workspace is read in
the order of its rows' keys, part by part, so that even the longest list is continued where the slice before ended.
Nothing is exported twice a day, and a worker's death costs the parts that were not finished.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from connect.exported import (
    VERSION,
    Header,
    Kind,
    Line,
    columns_of,
    connection_line,
    contact_line,
    pack,
    workspace_line,
)
from connect.exports import Exports
from connect.tenants import tenant_partition
from contacts.contact import TABLE as CONTACTS
from contacts.contact import from_row, partition_of
from contacts.custom_fields import TABLE as CUSTOM_FIELDS
from contacts.store import CONTACT_KEYS_END
from errors import ConnectorError
from storage.document import DocumentRow, document_columns
from storage.filters import within
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from storage.turns import in_turns
from sync import telemetry
from sync.schedule import TABLE as SCHEDULE
from sync.schedule import Schedule
from workspace.connection import TABLE as CONNECTIONS
from workspace.connection import Connection, WorkspaceId
from workspace.store import WorkspaceStore

log = logging.getLogger(__name__)

_CHECKPOINT = Partition(SCHEDULE, "export")
_CHECKPOINT_KEY = "checkpoint"
_WORKSPACES_AT_ONCE, _BATCH = 4, 64
_TRIES, _MOST_ASIDE = 5, 200


class Place(msgspec.Struct, frozen=True):
    """How far one workspace's export came: its next part, and the row key to go on after.

    `in_list`: the workspace's own rows are done. `tries` counts the attempts at this place.
    """

    part: int = 0
    in_list: bool = False
    after: str = ""
    tries: int = 0


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a day's export came. `going` are workspaces that began, `aside` those that failed and are tried last."""

    day: str = ""
    after: str = ""
    walked: bool = True
    going: dict[str, Place] = {}
    aside: dict[str, Place] = {}
    done: int = 0
    given_up: int = 0

    @property
    def ended(self) -> bool:
        return self.walked and not self.going and not self.aside


@dataclass(frozen=True, slots=True)
class Exporting:
    """Exports all workspaces, a slice a call. One at a time: the timer holds a lock."""

    tables: Tables
    workspaces: WorkspaceStore
    schedule: Schedule
    exports: Exports
    slice_seconds: float
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    rows_a_read: int = 500
    reads_a_part: int = 4

    async def work(self) -> None:
        """Do a slice of the export that goes on, or begin today's. Safe to repeat from any line.

        Raises:
            ConnectorError: storage does not work; the next slice tries again.
        """
        until = self.monotonic() + self.slice_seconds
        row = await self.tables.get(_CHECKPOINT, _CHECKPOINT_KEY, DocumentRow)
        checkpoint = row.read(Checkpoint) if row is not None else Checkpoint()
        today = self.now().date().isoformat()
        if checkpoint.ended:
            if checkpoint.day >= today:
                return
            checkpoint = Checkpoint(today, walked=False)
        while self.monotonic() < until:
            checkpoint = await self._next_batch(checkpoint)
            if checkpoint.ended:
                telemetry.exported(checkpoint.done, whole=not checkpoint.given_up)
                log.info(
                    "export_done day=%s workspaces=%d given_up=%d",
                    checkpoint.day,
                    checkpoint.done,
                    checkpoint.given_up,
                )
                return
            checkpoint, failed = await self._work_on(checkpoint, until)
            await self._save(checkpoint)
            # What failed among the last ones is tried again by the next slice, some minutes on.
            if failed and checkpoint.walked:
                return

    async def _next_batch(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with workspaces to work on, each with its try counted before it begins; the ended one if none.

        Written first, so that a workspace whose export kills the worker is given up in the end, as one that fails.
        """
        if not checkpoint.going and not checkpoint.walked:
            names, last = await self.schedule.known(checkpoint.after, _BATCH)
            checkpoint = replace(checkpoint, going={name: Place() for name in names}, after=last, walked=not last)
        if not checkpoint.going:
            checkpoint = replace(checkpoint, going=checkpoint.aside, aside={})
        going = {name: replace(place, tries=place.tries + 1) for name, place in checkpoint.going.items()}
        over = [name for name, place in going.items() if place.tries > _TRIES]
        for name in over:
            log.error("export_gave_up workspace=%s", name)
            del going[name]
        checkpoint = replace(checkpoint, going=going, given_up=checkpoint.given_up + len(over))
        await self._save(checkpoint)
        return checkpoint

    async def _work_on(self, checkpoint: Checkpoint, until: float) -> tuple[Checkpoint, bool]:
        """Work on the batch until its end or the slice's; the checkpoint then, and whether any workspace failed.

        Raises:
            ConnectorError: all of them failed, so no single one is to blame.
        """
        gate = asyncio.Semaphore(_WORKSPACES_AT_ONCE)

        async def one(name: str, place: Place) -> Place | None | ConnectorError:
            async with gate:
                if self.monotonic() >= until:
                    return replace(place, tries=place.tries - 1)
                try:
                    return await self._workspace(WorkspaceId(name), place, checkpoint.day, until)
                except ConnectorError as error:
                    return error

        going = checkpoint.going
        told = dict(zip(going, await asyncio.gather(*(one(*item) for item in going.items())), strict=True))
        errors = {name: error for name, error in told.items() if isinstance(error, ConnectorError)}
        aside = checkpoint.aside | {name: going[name] for name in errors}
        if errors and (len(errors) == len(told) > 1 or len(aside) > _MOST_ASIDE):
            raise next(iter(errors.values()))
        for name, error in errors.items():
            log.warning("export_failed workspace=%s reason=%s", name, error)
        left = {name: place for name, place in told.items() if isinstance(place, Place)}
        done = checkpoint.done + sum(place is None for place in told.values())
        return replace(checkpoint, going=left, aside=aside, done=done), bool(errors)

    async def _workspace(self, workspace: WorkspaceId, place: Place, day: str, until: float) -> Place | None:
        """Export a workspace from a place on; where it stopped at the slice's end, None when it is done."""
        connection, _ = await self.workspaces.load(workspace)
        # It has nothing yet, or is about to be forgotten.
        if connection is None or connection.forget:
            return None
        while True:
            lines, after = await self._part(connection, place)
            header = Header(VERSION, workspace, connection.list_id, self.now())
            await self.exports.put(workspace, day, place.part, pack(header, lines), last=after is None)
            if after is None:
                await self._withdraw_if_forgotten(workspace)
                return None
            place = after
            if self.monotonic() >= until:
                return place

    async def _part(self, connection: Connection, place: Place) -> tuple[list[Line], Place | None]:
        """The lines of the part at a place, and the place after it; None after the last."""
        lines = [] if place.part else await self._beside(connection)
        for _ in range(self.reads_a_part):
            if place.in_list:
                where = within(partition_of(connection.workspace_id, connection.list_id).key, lt=CONTACT_KEYS_END)
                rows, after = await self._rows(CONTACTS, where, place.after)
                found = [contact_line(from_row(row), connection.configuration) async for row in in_turns(rows)]
            else:
                rows, after = await self._rows(CONNECTIONS, within(connection.workspace_id), place.after)
                found = [workspace_line(row) for row in rows]
            lines += [line for line in found if line is not None]
            if not after and place.in_list:
                return lines, None
            place = replace(place, in_list=place.in_list or not after, after=after)
        return lines, replace(place, part=place.part + 1, tries=0)

    async def _rows(self, table: str, where: str, after: str) -> tuple[list[dict[str, Any]], str]:
        return await self.tables.after(table, where, dict[str, Any], after, self.rows_a_read)

    async def _beside(self, connection: Connection) -> list[Line]:
        """What comes first: the connection, the workspace's own fields, and its row at its tenant."""
        lines = [connection_line(connection)]
        async for rows in self.tables.query(CUSTOM_FIELDS, within(connection.workspace_id), dict[str, Any]):
            lines += [Line(Kind.FIELD, row["RowKey"], columns_of(row)) for row in rows]
        if connection.tenant_id is not None:
            tenant = tenant_partition(connection.tenant_id)
            row = await self.tables.get(tenant, connection.workspace_id, dict[str, Any])
            lines += [Line(Kind.TENANT, connection.tenant_id, columns_of(row))] if row is not None else []
        return lines

    async def _withdraw_if_forgotten(self, workspace: WorkspaceId) -> None:
        """Delete an export that was written while the workspace was being forgotten."""
        connection, _ = await self.workspaces.load(workspace)
        if connection is None or connection.forget:
            await self.exports.forget(workspace)

    async def _save(self, checkpoint: Checkpoint) -> None:
        operation = Operation(Verb.PUT, _CHECKPOINT_KEY, document_columns(checkpoint))
        await self.tables.transact(_CHECKPOINT, [operation])
