"""The audit trail: who did what, when (pure; spec §7). A row is written in the transaction of what it tells of."""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from storage.document import document_columns
from storage.transaction import Operation, Verb
from workspace.edits import EditKind, Edits
from workspace.run import Run, run_id

AUDIT_PREFIX = "audit:"


class Action(StrEnum):
    """What an administrator can do, and what else the trail tells of."""

    CONNECTED = "connected"
    CONFIGURED = "configured"
    SYNCED = "synced"
    RESYNCED = "resynced"
    APPROVED = "approved"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"
    UNDONE = "undone"
    PAUSED = "paused"
    RESUMED = "resumed"
    RENAMED = "renamed"
    DISCONNECTED = "disconnected"
    ADDED_CONTACTS = "added_contacts"
    """A person, not necessarily an administrator, added many contacts within an hour. So do the next two."""
    CHANGED_CONTACTS = "changed_contacts"
    REMOVED_CONTACTS = "removed_contacts"
    ADOPTED_CONTACTS = "adopted_contacts"
    """A run linked contacts that people had made, so the directory's values may replace what they had typed."""


class AuditEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One line of the trail. `details` depends on the action: a configuration's difference, a run's id, a tenant's."""

    id: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    action: Action
    person: str
    name: str
    details: dict[str, Any] = {}


def entry(action: Action, person: str, name: str, now: datetime, details: dict[str, Any] | None = None) -> Operation:
    """The row of an entry; its key puts the newest first."""
    key = run_id(now, uuid.uuid4().hex[:8])
    told = AuditEntry(key, now, action, person, name, details or {})
    return Operation(Verb.PUT, f"{AUDIT_PREFIX}{key}", document_columns(told))


_OF_EDITS = {
    EditKind.ADDED: Action.ADDED_CONTACTS,
    EditKind.CHANGED: Action.CHANGED_CONTACTS,
    EditKind.REMOVED: Action.REMOVED_CONTACTS,
}
EDITS_SPAN = timedelta(hours=1)


def edits_entry(kind: EditKind, person: str, name: str, now: datetime, contacts: int, since: datetime) -> Operation:
    """The entry of so many edits of a kind by one person, the first of them at `since`."""
    return entry(_OF_EDITS[kind], person, name, now, {"contacts": contacts, "since": since.isoformat()})


def edits_of(told: AuditEntry, now: datetime) -> Edits | None:
    """The edits that an entry tells of: of an hour, or until now. None where it tells of none, or not since when."""
    kind = next((kind for kind, action in _OF_EDITS.items() if action is told.action), None)
    since = told.details.get("since")
    if kind is None or since is None:
        return None
    begin = datetime.fromisoformat(since)
    return Edits(told.id, told.person, kind, begin, min(begin + EDITS_SPAN, now))


def adoption_entry(run: Run) -> Operation:
    """The one entry of a run about the contacts that it adopted until now; written again, it replaces itself."""
    # No person did it. The ids and names stand in the run's changes, which a disconnect with deletion takes away.
    details = {"run": run.id, "contacts": run.adopted}
    told = AuditEntry(run.id, run.created_at, Action.ADOPTED_CONTACTS, "", "emu.chat", details)
    return Operation(Verb.PUT, f"{AUDIT_PREFIX}{run.id}", document_columns(told))
