"""The Integrations page's calls: the card, the fields, the configuration, the status (spec §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func
import msgspec
from msgspec.structs import replace

from api.answers import Reply
from api.caller import ASK_YOUR_ADMIN, Caller, Callers, require_admin
from api.connection_shapes import Fields, IntegrationShape, connection_shape, fields_shape
from api.pace import OneAtATime
from api.requests import read_body, whole_number
from api.status_shapes import StatusShape, status_shape
from contacts.contact import partition_of
from contacts.custom_fields import fields_of
from contacts.store import ContactStore
from errors import Stale
from mapping.configuration import (
    Configuration,
    FieldMapping,
    validate,
)
from storage.table import Tables
from sync.pausing import Pausing
from sync.preview import Preview, Previews
from sync.requests import NotSyncing, RunRequests
from sync.schedule import Schedule
from workspace.audit import Action, entry
from workspace.connection import Connection, ConnectionEvent, Stage
from workspace.run import Mode, Request, Trigger
from workspace.state import SyncState, Totals, ask
from workspace.store import Update, WorkspaceStore


class ConfigurationBody(Configuration, frozen=True, kw_only=True):
    """A configuration as it is sent. `version` may come along from a GET; what counts is If-Match."""

    field_mappings: tuple[FieldMapping, ...]

    def configuration(self) -> Configuration:
        return msgspec.convert(self, Configuration, from_attributes=True)


_HIGHEST_VERSION = 10**9


@dataclass(frozen=True, slots=True)
class Integration:
    """The connector as the Integrations page sees it. `notified`: it takes change notifications of Microsoft's."""

    callers: Callers
    tables: Tables
    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    requests: RunRequests
    pausing: Pausing
    previews: Previews
    turns: OneAtATime
    notified: bool
    now: Callable[[], datetime]

    async def show(self, req: func.HttpRequest) -> Reply[IntegrationShape]:
        caller = await self.callers.of(req)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return _card(caller, connection)

    async def fields(self, req: func.HttpRequest) -> Reply[Fields]:
        caller = await self.callers.of(req)
        targets = await fields_of(self.tables, caller.workspace_id)
        return Reply(fields_shape(targets.values()))

    async def configuration(self, req: func.HttpRequest) -> Reply[Configuration]:
        caller = await self.callers.of(req)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return _configuration_answer(connection.configuration if connection else Configuration())

    async def configure(self, req: func.HttpRequest) -> Reply[Configuration]:
        """Save a configuration and queue the full run that applies it, in one transaction."""
        caller = await self._admin(req)
        wanted = read_body(req, ConfigurationBody).configuration()
        wanted = validate(wanted, await fields_of(self.tables, caller.workspace_id))
        expected = _if_match(req)
        new_id = self.requests.new_id()

        def decide(connection: Connection | None, state: SyncState) -> Update:
            connection = _configurable(connection)
            stored = connection.configuration
            # Two administrators with the page open: the second one to save must see the first one's choices.
            if expected not in (None, stored.version):
                raise Stale(
                    "The configuration was changed in the meantime. Load it again.", {"If-Match": "not current"}
                )
            # Compared without the version, so that saving the same choices again makes no new one.
            chosen = replace(wanted, version=stored.version)
            if chosen != stored or not stored.version:
                chosen = replace(chosen, version=stored.version + 1)
            saved = replace(connection.after(ConnectionEvent.CONFIGURED), configuration=chosen)
            # While it is paused, the run that applies it starts when syncing is resumed.
            if saved.stage is Stage.ACTIVE:
                request = Request(caller.workspace_id, Mode.FULL, Trigger.CONFIGURATION, caller.name)
                state, _ = ask(state, request, new_id, self.now())
            difference = _difference(stored, chosen)
            return saved, state, [entry(Action.CONFIGURED, caller.person, caller.name, self.now(), difference)]

        connection, _ = await self.workspaces.load(caller.workspace_id)
        _configurable(connection)
        # Before it becomes active: the timer must never miss a workspace that syncs.
        await self.schedule.enrol(caller.workspace_id)
        connection, state = await self.workspaces.update(caller.workspace_id, decide)
        await self.requests.wake(state)
        assert connection is not None
        return _configuration_answer(connection.configuration)

    async def pause(self, req: func.HttpRequest) -> Reply[IntegrationShape]:
        caller = await self._admin(req)
        record = entry(Action.PAUSED, caller.person, caller.name, self.now())
        return _card(caller, await self.pausing.pause(caller.workspace_id, caller.name, record))

    async def resume(self, req: func.HttpRequest) -> Reply[IntegrationShape]:
        caller = await self._admin(req)
        record = entry(Action.RESUMED, caller.person, caller.name, self.now())
        return _card(caller, await self.pausing.resume(caller.workspace_id, caller.name, record))

    async def preview(self, req: func.HttpRequest) -> Reply[Preview]:
        """What a configuration would do. Nothing is written."""
        caller = await self._admin(req)
        wanted = read_body(req, ConfigurationBody).configuration()
        wanted = validate(wanted, await fields_of(self.tables, caller.workspace_id))
        connection, state = await self.workspaces.load(caller.workspace_id)
        async with self.turns.only(caller):
            return Reply(await self.previews.of(_configurable(connection), state, wanted))

    async def status(self, req: func.HttpRequest) -> Reply[StatusShape]:
        caller = await self.callers.of(req)
        connection, state = await self.workspaces.load(caller.workspace_id)
        people_did = Totals()
        if connection is not None:
            tally = await self.contacts.tally(partition_of(caller.workspace_id, connection.list_id))
            people_did = Totals(tally.contacts, tally.linked)
        syncs = connection is not None and connection.stage is Stage.ACTIVE
        next_run_at = self.schedule.next_run_at(caller.workspace_id) if syncs else None
        stage = connection.stage if connection is not None else Stage.NONE
        return Reply(status_shape(stage, state, people_did, next_run_at, self.now(), notified=self.notified))

    async def _admin(self, req: func.HttpRequest) -> Caller:
        caller = await self.callers.of(req)
        require_admin(caller)
        return caller


def _card(caller: Caller, connection: Connection | None) -> Reply[IntegrationShape]:
    return Reply(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))


def _configurable(connection: Connection | None) -> Connection:
    """Refuse what needs a consent first (raises NotSyncing)."""
    if connection is None or connection.stage not in (Stage.GRANTED, Stage.ACTIVE, Stage.PAUSED):
        raise NotSyncing("Microsoft permissions are required first. Grant permissions.")
    return connection


def _configuration_answer(configuration: Configuration) -> Reply[Configuration]:
    return Reply(configuration, headers={"ETag": f'"{configuration.version}"'})


def _if_match(req: func.HttpRequest) -> int | None:
    """The version that the caller believes to be stored; None when any version will do.

    Raises:
        Stale: not a version that could ever be.
    """
    text = req.headers.get("if-match", "*").strip()
    if text == "*":
        return None
    number = whole_number(text.removeprefix("W/").strip('"'), _HIGHEST_VERSION)
    if number is None:
        raise Stale("The configuration was changed in the meantime. Load it again.", {"If-Match": "not a version"})
    return number


def _difference(before: Configuration, after: Configuration) -> dict[str, object]:
    """What a saved configuration changed: field → [before, after]; of excluded people, only whom it in- or excluded."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    changed: dict[str, object] = {
        name: [old[name], new[name]] for name in new if name != "version" and old[name] != new[name]
    }
    if "excludedPeople" in changed:
        was, now = set(before.excluded_people), set(after.excluded_people)
        changed["excludedPeople"] = [sorted(was - now), sorted(now - was)]
    return changed
