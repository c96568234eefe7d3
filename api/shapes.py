"""What callers are told: runs, contacts, the connection, as spec §7 has them."""

from datetime import datetime
from typing import Any

import msgspec

from contacts.contact import Contact, Link
from mapping.configuration import Configuration
from mapping.contact_fields import STANDARD_FIELDS
from workspace.connection import Connection
from workspace.run import Cost, Counts, Mode, PendingRemovals, Run, RunError, RunState, Trigger, WaitingFor, time_of
from workspace.state import SyncState, Totals, Verification


class RunShape(msgspec.Struct, frozen=True, rename="camel"):
    """A run. Beyond spec §7: `createdAt`, `cost`, `expected` (users to read), `restarted` (change tracking was lost).

    While a run pauses, `resumeAt` says until when, and `waitingFor` for whom.
    """

    id: str
    mode: Mode
    trigger: Trigger
    state: RunState
    counts: Counts
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    resume_at: datetime | None
    waiting_for: WaitingFor | None
    expected: int | None
    restarted: bool
    requested_by: str | None
    pending_removals: PendingRemovals | None
    cost: Cost
    error: RunError | None


def run_shape(run: Run) -> RunShape:
    return RunShape(
        run.id,
        run.mode,
        run.trigger,
        run.state,
        run.counts,
        run.created_at,
        run.started_at,
        run.completed_at,
        run.resume_at,
        run.waiting_for,
        run.expected,
        run.restarted,
        run.requested_by,
        run.pending_removals,
        run.cost,
        run.error,
    )


class VerificationShape(msgspec.Struct, frozen=True):
    """The last full run that completed: over how many people, and what it changed that no delta had told of."""

    at: datetime
    people: int
    drift: int
    run: str | None


def _verification(verified: Verification | None) -> VerificationShape | None:
    return VerificationShape(verified.at, verified.people, verified.drift, verified.run) if verified else None


class StatusShape(msgspec.Struct, frozen=True, rename="camel"):
    """The Sync Status area. `waitingRun`, the run whose removals wait for approval, goes beyond spec §7."""

    state: str
    totals: Totals
    current_run: RunShape | None
    waiting_run: RunShape | None
    last_run: RunShape | None
    last_started_at: datetime | None
    last_completed_at: datetime | None
    next_run_at: datetime | None
    verification: VerificationShape | None
    last_error: RunError | None


def status_shape(state: SyncState, people_did: Totals, next_run_at: datetime | None) -> StatusShape:
    """`people_did`: what people themselves added to the list and took from it."""
    run, totals = state.run, state.totals
    if run is not None:
        totals = totals.after(run.counts - run.totalled)
    totals = Totals(totals.contacts + people_did.contacts, totals.linked + people_did.linked)
    waiting = state.waiting
    return StatusShape(
        state_of(state),
        totals,
        run_shape(run) if run else None,
        run_shape(waiting) if waiting else None,
        run_shape(state.last) if state.last else None,
        state.last_started_at,
        state.last_completed_at,
        next_run_at,
        _verification(state.verification),
        state.last.error if state.last else None,
    )


def state_of(state: SyncState) -> str:
    """The connection's sync state (spec §6)."""
    if state.run is not None:
        return state.run.state.value
    if state.waiting is not None:
        return RunState.AWAITING_APPROVAL.value
    if state.last is not None and state.last.state is RunState.FAILED:
        return RunState.FAILED.value
    return "idle"


def contact_shape(contact: Contact, list_id: str) -> dict[str, Any]:
    """A contact; absent values are null."""
    custom = {name: value for name, value in contact.fields.items() if name not in STANDARD_FIELDS}
    linked = contact.link is Link.LINKED
    return {
        "id": contact.id,
        "listId": list_id,
        **{name: contact.fields.get(name) for name in STANDARD_FIELDS},
        "custom": custom,
        "linked": linked,
        "sourceId": contact.source_id if linked else None,
        "createdAt": contact.created_at,
        "updatedAt": contact.updated_at,
    }


def origins_shape(contact: Contact, configuration: Configuration) -> dict[str, Any]:
    """Where a linked contact's values come from, by contact field. Goes beyond spec §7.

    `edited`: a person's value stands instead of the directory's. `syncedAt`: when the run that last wrote it began.
    """
    linked = contact.link is Link.LINKED
    origins = {
        mapping.target: {
            "directoryField": mapping.source,
            "directoryValue": contact.source.get(mapping.source),
            "edited": contact.fields.get(mapping.target) != contact.source.get(mapping.source),
        }
        for mapping in (configuration.field_mappings if linked else ())
    }
    return {"origins": origins, "syncedAt": time_of(contact.run) if linked else None}


def connection_shape(connection: Connection | None, *, is_admin: bool, ask_admin: str) -> dict[str, Any]:
    """The card on the Integrations page. `permission` and `permissionError` go beyond spec §7."""
    tenant = None
    if connection is not None and connection.tenant_id is not None and connection.closing is None:
        tenant = {"id": connection.tenant_id, "displayName": connection.tenant_name}
    return {
        "canConfigure": is_admin,
        "disabledReason": None if is_admin else ask_admin,
        "connection": connection.state if connection else "permissions_required",
        "tenant": tenant,
        "permission": connection.permission if connection and tenant else None,
        "permissionError": connection.permission_error if connection and tenant else None,
        "list": {"id": connection.list_id, "name": connection.list_name} if connection else None,
    }
