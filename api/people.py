"""A person of the directory over HTTP: in the list or not, and why (spec §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import azure.functions as func
import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api.answers import Reply
from api.caller import Caller, Callers, require_admin
from api.integration import ConfigurationBody
from api.pace import OneAtATime
from api.requests import read_body
from contacts.custom_fields import fields_of
from errors import Refused
from mapping.configuration import Configuration, validate
from storage.table import Tables
from sync.people import FoundPerson, People
from sync.requests import NotSyncing
from sync.timetable import Timetable
from workspace.connection import Stage
from workspace.store import WorkspaceStore

_SHORTEST, _LONGEST = 2, 100
_READABLE = (Stage.GRANTED, Stage.ACTIVE, Stage.PAUSED)


class FoundPeople(msgspec.Struct, frozen=True, rename="camel"):
    """Up to ten people. `complete`: the whole list was looked through for people whom the directory does not find."""

    people: list[FoundPerson]
    complete: bool
    next_run_at: Annotated[datetime, Meta(tz=True)] | None


@dataclass(frozen=True, slots=True)
class PeopleCalls:
    """The calls that find people."""

    callers: Callers
    tables: Tables
    workspaces: WorkspaceStore
    people: People
    turns: OneAtATime
    timetable: Timetable
    now: Callable[[], datetime]

    async def find(self, req: func.HttpRequest) -> Reply[FoundPeople]:
        caller = await self.callers.of(req)
        require_admin(caller)
        return await self._found(req, caller, None)

    async def preview(self, req: func.HttpRequest) -> Reply[FoundPeople]:
        """The same under a configuration that is not saved."""
        caller = await self.callers.of(req)
        require_admin(caller)
        wanted = read_body(req, ConfigurationBody).configuration()
        return await self._found(req, caller, validate(wanted, await fields_of(self.tables, caller.workspace_id)))

    async def _found(self, req: func.HttpRequest, caller: Caller, wanted: Configuration | None) -> Reply[FoundPeople]:
        query = " ".join(req.params.get("query", "").split())
        if not _SHORTEST <= len(query) <= _LONGEST or not query.isprintable():
            raise Refused("The query is not valid.", {"query": f"{_SHORTEST} to {_LONGEST} characters"})
        connection, state = await self.workspaces.load(caller.workspace_id)
        if connection is None or connection.stage not in _READABLE:
            raise NotSyncing("Microsoft permissions are required first. Grant permissions.")
        if wanted is not None:
            connection = replace(connection, configuration=wanted)
        async with self.turns.only(caller):
            people, complete = await self.people.find(connection, state, query)
        syncs = connection.stage is Stage.ACTIVE
        return Reply(FoundPeople(people, complete, self.timetable.next_after(self.now()) if syncs else None))
