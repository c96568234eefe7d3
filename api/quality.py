"""How complete and usable the directory's data is, over HTTP (spec §7)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import azure.functions as func
import msgspec
from msgspec import Meta

from api.answers import Reply
from api.caller import Caller, Callers, require_admin
from api.csv import Csv
from api.pace import OneAtATime
from api.requests import page_of
from errors import NotFound
from sync.measuring import Measuring, PersonBehind
from sync.requests import NotSyncing
from workspace.connection import Connection, Stage
from workspace.quality import MOST_PEOPLE, Figure, Measured
from workspace.store import WorkspaceStore


class DayMeasured(msgspec.Struct, frozen=True, rename="camel"):
    """A measurement. A figure that is not there was not asked: no field that it needs was mapped."""

    at: Annotated[datetime, Meta(tz=True)]
    people: int
    counts: dict[Figure, int]


class QualityShape(msgspec.Struct, frozen=True):
    """A measurement a day of the last 90, the newest first; none before the first run has completed."""

    days: list[DayMeasured]


class PeopleBehind(msgspec.Struct, frozen=True):
    """A page of the contacts behind a figure, as they are now. At most 5,000 are kept."""

    people: list[PersonBehind]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class QualityCalls:
    """The calls about the quality of the directory."""

    callers: Callers
    workspaces: WorkspaceStore
    measuring: Measuring
    turns: OneAtATime

    async def show(self, req: func.HttpRequest) -> Reply[QualityShape]:
        caller = await self._admin(req)
        connection, state = await self.workspaces.load(caller.workspace_id)
        connection = _require_tenant(connection)
        # Somebody who looks twice at once has the list read once.
        async with self.turns.only(caller):
            days = await self.measuring.days(connection, state)
        return Reply(QualityShape([_day(one) for one in days]))

    async def people(self, req: func.HttpRequest) -> Reply[PeopleBehind]:
        caller, figure = await self._admin(req), _figure(req)
        most, continuation = page_of(req)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        people, after = await self.measuring.people(_require_tenant(connection), figure, most, continuation)
        return Reply(PeopleBehind(people, after or None))

    async def people_csv(self, req: func.HttpRequest) -> Csv:
        caller, figure = await self._admin(req), _figure(req)
        _, asked = page_of(req)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        people, after = await self.measuring.people(_require_tenant(connection), figure, MOST_PEOPLE, asked)
        rows = [(one.name, one.email, one.mobile_phone, one.contact_id) for one in people]
        return Csv(figure, ("Name", "Email", "Mobile phone", "Contact id"), rows, asked, after)

    async def _admin(self, req: func.HttpRequest) -> Caller:
        caller = await self.callers.of(req)
        require_admin(caller)
        return caller


def _day(measured: Measured) -> DayMeasured:
    return DayMeasured(measured.at, measured.people, measured.counts)


def _require_tenant(connection: Connection | None) -> Connection:
    """Raises: NotSyncing."""
    if connection is None or connection.tenant_id is None or connection.stage is Stage.CLOSING:
        raise NotSyncing("This workspace is not connected to Microsoft Entra ID.")
    return connection


def _figure(req: func.HttpRequest) -> Figure:
    """Raises: NotFound."""
    text = req.route_params["figure"]
    if text not in list(Figure):
        raise NotFound("There is no such figure.")
    return Figure(text)
