"""A sync run: its states, counters and checkpoint (pure; spec §6, §7)."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

import msgspec

from errors import Refused
from mapping.configuration import Configuration
from workspace.connection import Connection, Stage, WorkspaceId
from workspace.edits import Edits

RunId = NewType("RunId", str)

_LATEST_MS = 10**13
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


class Mode(StrEnum):
    DELTA = "delta"
    FULL = "full"
    UNDO = "undo"
    """It reads what another run, or a person, did, and nothing of Microsoft."""


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    CONFIGURATION = "configuration"
    RECOVERY = "recovery"
    VERIFICATION = "verification"
    NOTIFICATION = "notification"
    """Microsoft told of a change."""


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


class Event(StrEnum):
    """What can happen to a run."""

    STARTED = "started"
    WAITED = "waited"
    APPROVED = "approved"
    DISCARDED = "discarded"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD_BACK = "held_back"
    """An administrator paused syncing: approved removals that are not done wait for approval again."""


# What is not listed changes nothing: a message that comes late must not revive a run that has ended.
NEXT = {
    (RunState.QUEUED, Event.STARTED): RunState.RUNNING,
    (RunState.QUEUED, Event.CANCELLED): RunState.CANCELLED,
    (RunState.QUEUED, Event.FAILED): RunState.FAILED,
    (RunState.RUNNING, Event.WAITED): RunState.AWAITING_APPROVAL,
    (RunState.RUNNING, Event.COMPLETED): RunState.COMPLETED,
    (RunState.RUNNING, Event.FAILED): RunState.FAILED,
    (RunState.RUNNING, Event.CANCELLED): RunState.CANCELLED,
    **{(state, Event.HELD_BACK): RunState.AWAITING_APPROVAL for state in (RunState.QUEUED, RunState.RUNNING)},
    (RunState.AWAITING_APPROVAL, Event.APPROVED): RunState.QUEUED,
    (RunState.AWAITING_APPROVAL, Event.DISCARDED): RunState.DISCARDED,
}


def next_state(state: RunState, event: Event) -> RunState:
    """The state after an event; a replayed event that does not fit leaves it alone."""
    return NEXT.get((state, event), state)


class WaitingFor(StrEnum):
    """Whose turn it is while a run pauses until `resume_at`."""

    MICROSOFT = "microsoft"
    OURSELVES = "emu.chat"


class Phase(StrEnum):
    """What a run does next."""

    READ = "read"
    """Pages of users."""
    MATCH = "match"
    """People who are new and have the address of an unlinked contact: all of them are known now."""
    SETTLE = "settle"
    """Contacts that people edited."""
    REMOVE = "remove"
    """People who left."""
    UNDO = "undo"
    """The journal of the run that is undone: the only phase of an undo."""


NEXT_PHASE = {Phase.READ: Phase.MATCH, Phase.MATCH: Phase.SETTLE, Phase.SETTLE: Phase.REMOVE}


class Counts(msgspec.Struct, frozen=True):
    """What a run did. `read` counts user objects that Graph sent; the others count contacts, each once."""

    read: int = 0
    added: int = 0
    linked: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    unlinked: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        # By position, so that a counter which is added later counts by itself.
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Counts(*[a + b for a, b in pairs])

    def __sub__(self, other: "Counts") -> "Counts":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Counts(*[a - b for a, b in pairs])


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """What a run has cost so far: requests to Graph (tokens aside) and table transactions."""

    graph_requests: int = 0
    table_transactions: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.graph_requests + other.graph_requests, self.table_transactions + other.table_transactions)


class PendingRemovals(msgspec.Struct, frozen=True):
    """The removals that the guard held back: how many, and a few names to judge them by."""

    count: int
    sample: tuple[str, ...] = ()


class RunError(msgspec.Struct, frozen=True):
    """Why a run failed, in plain words, and what to do."""

    code: str
    message: str
    action: str


class Run(msgspec.Struct, frozen=True, rename="camel"):
    """A run with its checkpoint. Everything a worker needs to go on is here; nothing is in the message.

    `page` numbers the journal pages; those before `first_page` belong to an earlier round of the run: a delta whose
    link expired on the way, or the delta of a verification. `delta_link` is the next run's, known once the last page
    was read. `linked_before` is what the guard measures by, `leaving` how many contacts the run unlinks or deletes at
    its end, once that is known. `incomplete`: a user's record had no readable id, so nobody's absence is certain and
    none is swept. `expected`: how many users the directory says it has. `restarted`: the delta link had expired on the
    way. `idle_pages`: pages in a row that named nobody new. `drift`: what a verification changed although no delta had
    told of it. `adopted`: contacts that people had made and that it linked. `totalled` is the part of `counts` that the
    connection's totals hold already. `deaths`: so many workers died in a row at the same place, `died_at`. `trouble`:
    why the last try failed, told when the tries are used up. `undoes` is the run that an undo undoes, or
    `undoes_edits` the edits of a person; its `cursor` is the number of the last page of that run's journal which it has
    gone through, or the key of the last edit's row. Any other run's is Graph's next link.
    """

    id: RunId
    mode: Mode
    trigger: Trigger
    state: RunState
    created_at: datetime
    requested_by: str | None = None
    undoes: RunId | None = None
    undoes_edits: Edits | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    counts: Counts = Counts()
    totalled: Counts = Counts()
    cost: Cost = Cost()
    configuration: Configuration | None = None
    reconsider: bool = False
    phase: Phase = Phase.READ
    cursor: str | None = None
    page: int = 0
    first_page: int = 0
    step: int = 0
    resume_at: datetime | None = None
    waiting_for: WaitingFor | None = None
    expected: int | None = None
    restarted: bool = False
    idle_pages: int = 0
    drift: int = 0
    adopted: int = 0
    deaths: int = 0
    died_at: str = ""
    trouble: RunError | None = None
    delta_link: str | None = None
    linked_before: int = 0
    leaving: int | None = None
    incomplete: bool = False
    pending_removals: PendingRemovals | None = None
    approved: bool = False
    error: RunError | None = None

    @property
    def going(self) -> bool:
        return self.state in (RunState.QUEUED, RunState.RUNNING)

    @property
    def reads(self) -> bool:
        """Whether it asks Microsoft anything: not where it removes what an administrator approved, and no undo."""
        return not self.approved and self.mode is not Mode.UNDO

    @property
    def place(self) -> str:
        """Where it stands, so that a worker's death at the same place can be told from one further on."""
        return f"{self.phase}:{self.page}"

    def after(self, event: Event) -> "Run":
        return msgspec.structs.replace(self, state=next_state(self.state, event))

    def ended(self, event: Event, now: datetime, error: RunError | None = None) -> "Run":
        """The run after an event that ends it early. Cursor and delta link go: no run continues from there."""
        after = self.after(event)
        return msgspec.structs.replace(after, completed_at=now, cursor=None, delta_link=None, error=error)


def without_scope(run: Run) -> Run:
    """A run that ended, without scope rules and excluded people: they may be many, and no run looks at them again."""
    if run.configuration is None:
        return run
    chosen = msgspec.structs.replace(run.configuration, scope_rules=(), excluded_people=())
    return msgspec.structs.replace(run, configuration=chosen)


def may_work(connection: Connection, run: Run) -> bool:
    """Whether a run may go on. While syncing is paused, only an undo may."""
    return connection.stage is Stage.ACTIVE or (connection.stage is Stage.PAUSED and run.mode is Mode.UNDO)


def without_sample(run: Run | None) -> Run | None:
    """A run without the names of people whose removal waits, or waited, for approval."""
    if run is None or run.pending_removals is None:
        return run
    return msgspec.structs.replace(run, pending_removals=PendingRemovals(run.pending_removals.count))


def run_id(now: datetime, random_hex: str) -> RunId:
    """An id whose order is newest first, so that history is a plain range of rows."""
    # Table Storage sorts keys upwards, so the id counts milliseconds backwards from a moment far ahead.
    return RunId(f"{_LATEST_MS - int(now.timestamp() * 1000):013d}-{random_hex}")


def read_run_id(text: str) -> RunId:
    """A run's id that came from outside, fit to be part of a key. `run_id` makes them; this is the other way in.

    Raises:
        Refused: no run can have it.
    """
    if not _RUN_ID.fullmatch(text):
        raise Refused("The run id is not valid.", {"runId": "letters, digits and '-' only"})
    return RunId(text)


def time_of(run: str) -> datetime | None:
    """When a run with this id was asked for; None for the run of a contact that no run wrote."""
    number = run.partition("-")[0]
    return datetime.fromtimestamp((_LATEST_MS - int(number)) / 1000, UTC) if number.isdigit() else None


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """What an administrator, the timer or another service asks for."""

    workspace_id: WorkspaceId
    mode: Mode
    trigger: Trigger
    requested_by: str | None = None
