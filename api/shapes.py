"""What callers are told: runs, contacts, the connection, as spec §7 has them. docs/openapi.yaml is made from them."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from contacts.contact import Contact, Link
from mapping.configuration import DEFAULT_MAPPINGS, Configuration, DeletionBehavior, FieldMapping
from mapping.contact_fields import STANDARD_FIELDS, ContactField
from mapping.fields import DIRECTORY_FIELDS, NEEDED_FIELDS, Kind
from sync.pending import PendingPerson
from sync.undo import Why
from sync.undoing import UndoPreview
from workspace.audit import AuditEntry
from workspace.connection import LIST_DESCRIPTION, Connection, ConnectionState, Permission, Stage
from workspace.journal import Change, Outcome
from workspace.run import Cost, Counts, Mode, Phase, Run, RunError, RunState, Trigger, WaitingFor, time_of
from workspace.state import Bell, SyncState, Totals, Verification, WhyNotLive

type Moment = Annotated[datetime, Meta(tz=True)]
type Stamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A moment as it is stored with a contact."""


class Waiting(msgspec.Struct, frozen=True):
    """Removals that wait for approval: how many `of` so many linked contacts, some names, and what becomes of them."""

    count: int
    of: int
    behavior: DeletionBehavior
    sample: tuple[str, ...]


class Removing(msgspec.Struct, frozen=True):
    """How many contacts of people who left a run has unlinked or deleted so far, `of` so many."""

    done: int
    of: int


class RunShape(msgspec.Struct, frozen=True, rename="camel"):
    """A run; `undoes` is the run that an undo undoes, or `undoesEdits` the audit entry of the edits.

    Beyond spec §7: `createdAt`, `cost`, `expected` (users to read), `restarted` (change tracking was lost). While a run
    pauses, `resumeAt` says until when, and `waitingFor` for whom. `removing` is there once it unlinks or deletes.
    """

    id: str
    mode: Mode
    trigger: Trigger
    state: RunState
    counts: Counts
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    resume_at: Moment | None
    waiting_for: WaitingFor | None
    expected: int | None
    restarted: bool
    requested_by: str | None
    undoes: str | None
    undoes_edits: str | None
    pending_removals: Waiting | None
    removing: Removing | None
    cost: Cost
    error: RunError | None


def run_shape(run: Run) -> RunShape:
    told = {name: getattr(run, name) for name in RunShape.__struct_fields__ if name != "removing"}
    edits = run.undoes_edits.entry if run.undoes_edits is not None else None
    return RunShape(**told | {"undoes_edits": edits, "pending_removals": _waiting(run), "removing": _removing(run)})


def _waiting(run: Run) -> Waiting | None:
    waits = run.pending_removals
    if waits is None:
        return None
    # Approved, it removes by the configuration under which it found them (sync/worker.py).
    behavior = (run.configuration or Configuration()).deletion_behavior
    return Waiting(waits.count, run.linked_before, behavior, waits.sample)


def _removing(run: Run) -> Removing | None:
    if run.leaving is None or run.phase is not Phase.REMOVE:
        return None
    # A run that was approved counted its reading before it waited.
    counts = run.counts - run.totalled if run.going else run.counts
    return Removing(min(counts.removed + counts.unlinked, run.leaving), run.leaving)


class RunAnswer(msgspec.Struct, frozen=True):
    """The run that answers a request, as it stands."""

    run: RunShape


class Runs(msgspec.Struct, frozen=True):
    """Runs, newest first, and what brings the next page."""

    runs: list[RunShape]
    continuation: str | None


class ChangeShape(msgspec.Struct, frozen=True, rename="camel"):
    """A contact's entry in a run's history: the fields that changed, before and after."""

    contact_id: str
    outcome: Outcome
    name: str
    before: dict[str, str]
    after: dict[str, str]
    reason: str | None


def change_shape(change: Change) -> ChangeShape:
    return ChangeShape(change.contact_id, change.outcome, change.name, change.before, change.after, change.reason)


class LeftAloneShape(msgspec.Struct, frozen=True, rename="camel"):
    """A contact that an undo leaves as it is: why, and who changed it when, where that is known.

    `by` is the id of a person, of a run, or of the user's other contact.
    """

    contact_id: str
    name: str
    why: Why
    by: str | None
    at: Stamp | None


class UndoShape(msgspec.Struct, frozen=True, rename="camel"):
    """What undoing a run would do. `counts.skipped` are left alone, the others go back to what they were.

    `complete`: the whole run was looked at. The lists hold up to 100 contacts each.
    """

    complete: bool
    counts: Counts
    changes: list[ChangeShape]
    left_alone: list[LeftAloneShape]


def undo_shape(preview: UndoPreview) -> UndoShape:
    left = [LeftAloneShape(*one) for one in preview.left_alone]
    return UndoShape(preview.complete, preview.counts, [change_shape(one) for one in preview.changes], left)


class Changes(msgspec.Struct, frozen=True):
    """A page of a run's changes, and what brings the next one."""

    changes: list[ChangeShape]
    continuation: str | None


class Pending(msgspec.Struct, frozen=True):
    """A page of the people whose removal waits, how many wait in all, and what brings the next page."""

    count: int
    people: list[PendingPerson]
    continuation: str | None


class Audit(msgspec.Struct, frozen=True):
    """A page of the audit trail, and what brings the next one."""

    entries: list[AuditEntry]
    continuation: str | None


class Activity(StrEnum):
    """The connection's sync state (spec §6)."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    FAILED = "failed"


class VerificationShape(msgspec.Struct, frozen=True):
    """The last full run that completed: over how many people, and what it changed that no delta had told of."""

    at: Moment
    people: int
    drift: int
    run: str | None


def _verification(verified: Verification | None) -> VerificationShape | None:
    return msgspec.convert(verified, VerificationShape, from_attributes=True) if verified else None


class DayShape(msgspec.Struct, frozen=True):
    """A day of UTC, and how many contacts runs brought in or linked, changed, and took out or unlinked."""

    day: date
    came: int
    updated: int
    gone: int


class Live(msgspec.Struct, frozen=True):
    """Change notifications are on; their subscription is renewed before this."""

    until: Moment


class LiveReason(msgspec.Struct, frozen=True):
    """Why changes do not come within seconds, in plain words, and what helps."""

    code: WhyNotLive
    text: str


class StatusShape(msgspec.Struct, frozen=True, rename="camel"):
    """The Sync Status area.

    `waitingRun`, the run whose removals wait for approval, and `interrupted` go beyond spec §7: the run's worker died,
    and another one resumes it within a minute. `live` tells until when change notifications are on, else `liveReason`
    why they are not. So do `changedLately`, the contacts that runs changed in 24 hours, and
    `changedByDay`, the days of a month in which runs changed any.
    """

    state: Activity
    interrupted: bool
    totals: Totals
    current_run: RunShape | None
    waiting_run: RunShape | None
    last_run: RunShape | None
    last_started_at: Moment | None
    last_completed_at: Moment | None
    next_run_at: Moment | None
    verification: VerificationShape | None
    changed_lately: int
    changed_by_day: list[DayShape]
    live: Live | None
    live_reason: LiveReason | None
    last_error: RunError | None


def status_shape(
    stage: Stage, state: SyncState, people_did: Totals, next_run_at: datetime | None, now: datetime, *, notified: bool
) -> StatusShape:
    """The status of a workspace.

    `people_did`: what people themselves added to the list and took from it. `notified`: whether this installation takes
    change notifications.
    """
    run, waiting = state.run, state.waiting
    return StatusShape(
        state_of(state),
        state.interrupted(now),
        totals_of(state, people_did),
        run_shape(run) if run else None,
        run_shape(waiting) if waiting else None,
        run_shape(state.last) if state.last else None,
        state.last_started_at,
        state.last_completed_at,
        next_run_at,
        _verification(state.verification),
        state.activity.last_hours(now),
        [
            DayShape(date.fromisoformat(name), day.came, day.updated, day.gone)
            for name, day in state.activity.last_days(now).items()
        ],
        *_live(stage, state.bell, now, notified=notified),
        state.last.error if state.last else None,
    )


def totals_of(state: SyncState, people_did: Totals) -> Totals:
    """What is in the list. `people_did`: what people themselves added to it and took from it."""
    run, totals = state.run, state.totals
    if run is not None:
        # Before the run ends, so that people see a first sync fill the list.
        totals = totals.after(run.counts - run.totalled)
    return Totals(totals.contacts + people_did.contacts, totals.linked + people_did.linked)


_WHY_NOT_LIVE = {
    WhyNotLive.PAUSED: "Syncing is paused. Changes come again once an administrator resumes it.",
    WhyNotLive.NOT_SYNCING: "Nothing syncs yet.",
    WhyNotLive.OFF: "emu.chat does without Microsoft's change notifications here. The hourly sync brings changes.",
    WhyNotLive.SOON: "Microsoft is asked for change notifications by the next run.",
    WhyNotLive.LAPSED: "Microsoft's change notifications ran out. The next run asks for them again.",
    WhyNotLive.QUOTA: "Microsoft gives this organisation no change notifications, or no more of them. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.UNREACHABLE: "Microsoft could not reach emu.chat's address. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.REFUSED: "Microsoft refuses change notifications. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.NO_ANSWER: "Microsoft did not answer. The next run asks for change notifications again.",
}


def _live(stage: Stage, bell: Bell | None, now: datetime, *, notified: bool) -> tuple[Live | None, LiveReason | None]:
    if stage is Stage.ACTIVE and bell is not None and bell.until is not None and bell.until > now:
        return Live(bell.until), None
    code = _why_not_live(stage, bell, notified=notified)
    return None, LiveReason(code, _WHY_NOT_LIVE[code])


def _why_not_live(stage: Stage, bell: Bell | None, *, notified: bool) -> WhyNotLive:
    if stage is not Stage.ACTIVE:
        return WhyNotLive.PAUSED if stage is Stage.PAUSED else WhyNotLive.NOT_SYNCING
    if not notified:
        return WhyNotLive.OFF
    if bell is None:
        return WhyNotLive.SOON
    if bell.id is not None:
        return WhyNotLive.LAPSED
    return bell.why or WhyNotLive.REFUSED


def state_of(state: SyncState) -> Activity:
    if state.run is not None:
        return Activity(state.run.state.value)
    if state.waiting is not None:
        return Activity.AWAITING_APPROVAL
    if state.last is not None and state.last.state is RunState.FAILED:
        return Activity.FAILED
    return Activity.IDLE


_CONTACT = [
    ("id", str),
    ("listId", str),
    *((name, str | None) for name in STANDARD_FIELDS),
    ("custom", dict[str, str]),
    ("linked", bool),
    ("left", bool),
    ("sourceId", str | None),
    ("createdAt", Stamp),
    ("updatedAt", Stamp),
    ("createdBy", str | None),
    ("updatedBy", str | None),
]


class Origin(msgspec.Struct, frozen=True, rename="camel"):
    """Where a linked contact's field comes from. `edited`: a person's value stands instead of the directory's."""

    directory_field: str
    directory_value: str | None
    edited: bool


if TYPE_CHECKING:

    class ContactShape(msgspec.Struct):
        """A contact; absent values are null."""

    class ContactCard(ContactShape):
        """A contact with the origins of its values."""

else:
    # The fields stand in the catalogue alone.
    ContactShape = msgspec.defstruct(
        "ContactShape", _CONTACT, frozen=True, namespace={"__doc__": "A contact; absent values are null."}
    )
    ContactCard = msgspec.defstruct(
        "ContactCard",
        [
            *_CONTACT,
            ("origins", dict[str, Origin]),
            ("syncedAt", Moment | None),
            ("leftAt", Moment | None),
            ("typed", list[str]),
        ],
        frozen=True,
        namespace={
            "__doc__": "A contact with the origins of its values by contact field, when the run that last wrote it "
            "began, since when it is not linked any more, where it was (null where that is not known), and the fields "
            "that a person had typed before a sync linked it: beyond spec §7."
        },
    )


class Contacts(msgspec.Struct, frozen=True):
    """A page of a list's contacts, and what brings the next one.

    `total`, with the first page: how many the whole list holds, or how many of it a filter or a search finds; null
    where that is not known without reading all of them, and on later pages.
    """

    contacts: list[ContactShape]
    continuation: str | None
    total: int | None


def contact_shape(contact: Contact, list_id: str) -> ContactShape:
    return ContactShape(*_contact_values(contact, list_id))


def contact_card(contact: Contact, list_id: str, configuration: Configuration) -> ContactCard:
    linked = contact.link is Link.LINKED
    origins = {
        mapping.target: Origin(
            mapping.source,
            contact.source.get(mapping.source),
            contact.fields.get(mapping.target) != contact.source.get(mapping.source),
        )
        for mapping in (configuration.field_mappings if linked else ())
    }
    synced_at = time_of(contact.run) if linked else None
    return ContactCard(*_contact_values(contact, list_id), origins, synced_at, _left_at(contact), list(contact.typed))


def _left_at(contact: Contact) -> datetime | None:
    """Since when a contact is not linked any more: the run that unlinked it, or the end of the connection."""
    if contact.link is not Link.UNLINKED:
        return None
    # A disconnect is no run, and leaves its time as the contact's last change, until a person changes the contact.
    if not contact.run:
        return datetime.fromisoformat(contact.updated_at) if contact.updated_by is None else None
    return time_of(contact.run)


def _contact_values(contact: Contact, list_id: str) -> list[object]:
    """In the order of `_CONTACT`."""
    linked = contact.link is Link.LINKED
    return [
        contact.id,
        list_id,
        *[contact.fields.get(name) for name in STANDARD_FIELDS],
        {name: value for name, value in contact.fields.items() if name not in STANDARD_FIELDS},
        linked,
        contact.link is Link.UNLINKED,
        contact.source_id if linked else None,
        contact.created_at,
        contact.updated_at,
        contact.created_by,
        contact.updated_by,
    ]


class Tenant(msgspec.Struct, frozen=True, rename="camel"):
    """The Entra tenant that a workspace is connected to."""

    id: str
    display_name: str


class ListName(msgspec.Struct, frozen=True):
    """The synced list."""

    id: str
    name: str


class PauseShape(msgspec.Struct, frozen=True):
    """Who paused syncing, by name, and when."""

    at: Moment
    by: str


class IntegrationShape(msgspec.Struct, frozen=True, rename="camel"):
    """The card on the Integrations page.

    `permission`, `permissionError`, `pause`, `endedBy`, `connectedAt` and `connectedBy` go beyond spec §7.
    `endedBy`, for administrators, names the organisation's administrator who ended the connection from elsewhere.
    """

    can_configure: bool
    disabled_reason: str | None
    connection: ConnectionState
    tenant: Tenant | None
    permission: Permission | None
    permission_error: str | None
    pause: PauseShape | None
    ended_by: str | None
    list: ListName | None
    connected_at: Moment | None
    connected_by: str | None


def connection_shape(connection: Connection | None, *, is_admin: bool, ask_admin: str) -> IntegrationShape:
    tenant = None
    if connection is not None and connection.tenant_id is not None and connection.closing is None:
        tenant = Tenant(connection.tenant_id, connection.tenant_name)
    return IntegrationShape(
        can_configure=is_admin,
        disabled_reason=None if is_admin else ask_admin,
        connection=connection.state if connection else ConnectionState.PERMISSIONS_REQUIRED,
        tenant=tenant,
        permission=connection.permission if connection and tenant else None,
        permission_error=connection.permission_error if connection and tenant else None,
        pause=_pause(connection),
        ended_by=connection.ended_by if connection and is_admin else None,
        list=ListName(connection.list_id, connection.list_name) if connection else None,
        connected_at=connection.connected_at if connection and tenant else None,
        connected_by=connection.connected_by or None if connection and tenant else None,
    )


def _pause(connection: Connection | None) -> PauseShape | None:
    if connection is None or connection.stage is not Stage.PAUSED or connection.pause is None:
        return None
    return PauseShape(connection.pause.at, connection.pause.by)


class ContactList(msgspec.Struct, frozen=True):
    """A contact list."""

    id: str
    name: str
    description: str
    synced: bool


def list_shape(connection: Connection) -> ContactList:
    return ContactList(connection.list_id, connection.list_name, LIST_DESCRIPTION, synced=True)


class ContactLists(msgspec.Struct, frozen=True, rename="camel"):
    """The workspace's lists."""

    contact_lists: list[ContactList]
    continuation: str | None


class DirectoryFieldShape(msgspec.Struct, frozen=True):
    """A directory field that can be mapped."""

    name: str
    label: str
    kind: Kind


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """What can be mapped to what. `neededFields`, which are always asked for, go beyond spec §7."""

    directory_fields: list[DirectoryFieldShape]
    contact_fields: list[ContactField]
    default_mappings: tuple[FieldMapping, ...]
    needed_fields: tuple[str, ...]


def fields_shape(targets: Iterable[ContactField]) -> Fields:
    offered = [DirectoryFieldShape(one.name, one.label, one.kind) for one in DIRECTORY_FIELDS.values()]
    return Fields(offered, list(targets), DEFAULT_MAPPINGS, NEEDED_FIELDS)
