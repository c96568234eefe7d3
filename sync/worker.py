"""Works on what the queue says: takes a run's lease, does a slice of it, and says who goes on (spec §6).

A message only says whose turn it is; what is to be done stands in the agenda. So a message may come twice, late or
never: whoever comes works on what is stored, one at a time, and the hourly timer comes in any case.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from contacts.store import ContactStore
from directory.credentials import Credentials
from directory.graph import Graph
from errors import ConnectorError, ConsentLost, CredentialRejected, ForeignLink, Throttled, TryLater
from storage.queue import MessageQueue
from storage.transaction import Operation
from sync import failures, telemetry
from sync.alarms import Alarms
from sync.messages import (
    SCHEDULE,
    ContinueMessage,
    StartMessage,
    UnreadableMessage,
    read_message,
    write_message,
)
from sync.meter import Meter
from sync.pages import read_pages, take_roll
from sync.reading import PageReader, Sleep
from sync.removals import see_to_removals, settle_edits
from sync.schedule import Schedule
from sync.work import Superseded, Work
from workspace.connection import Connection, ConnectionState, connection_operation, tenant_of
from workspace.run import Event, Mode, Phase, Request, Run, RunError, RunState, Trigger, WaitingFor, run_id
from workspace.state import LEASE, Agenda, ask, settled
from workspace.store import Update, Workspaces, run_operation

log = logging.getLogger(__name__)

OPERATOR_PAUSE_SECONDS = 300.0
"""Between tries while our own credential fails: nobody but an operator can change that."""

HISTORY = timedelta(days=90)
"""How long runs and their changes are kept."""

_LONGEST_SLICE_SECONDS = 480.0
"""Well below host.json's functionTimeout."""

_MARGIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Worker:
    """Handles one message at a time; many may be at it, here and elsewhere."""

    workspaces: Workspaces
    contacts: ContactStore
    graph: Graph
    credentials: Credentials
    queue: MessageQueue
    alarms: Alarms
    schedule: Schedule
    slice_seconds: int
    now: Callable[[], datetime]
    sleep: Sleep

    async def handle(
        self, message: StartMessage | ContinueMessage, connection: Connection, agenda: Agenda, meter: Meter
    ) -> None:
        """Do a slice of the workspace's run, if there is one to do and nobody is at it.

        Raises:
            TryLater: it did not work; the same message can be tried again.
        """
        agenda, run = self._run_of(message, agenda)
        if run is None:
            log.info("message_dropped workspace=%s reason=no_such_run", message.workspace_id)
        elif (wait := _seconds_to_wait(agenda, run, self.now())) > 0:
            await self._come_back(message, run, wait)
        else:
            await self._slice(await self._claim(connection, agenda, run, meter))

    def _run_of(self, message: StartMessage | ContinueMessage, agenda: Agenda) -> tuple[Agenda, Run | None]:
        """The run a message is about. A start that finds a run going on works on that one, should it be deserted."""
        if isinstance(message, ContinueMessage):
            return agenda, agenda.run if agenda.run is not None and agenda.run.id == message.run_id else None
        trigger = Trigger.SCHEDULE if message.requested_by == SCHEDULE else Trigger.MANUAL
        by = None if trigger is Trigger.SCHEDULE else message.requested_by
        request = Request(message.workspace_id, message.mode, trigger, by)
        agenda, _ = ask(agenda, request, run_id(self.now(), uuid.uuid4().hex[:8]), self.now())
        return agenda, agenda.run

    async def _come_back(self, message: StartMessage | ContinueMessage, run: Run, wait: float) -> None:
        """Somebody is at it. Should he vanish, this message is the one that goes on; an older one is not needed."""
        if isinstance(message, ContinueMessage) and message.step == run.step:
            await self.queue.send(write_message(message), wait + _MARGIN_SECONDS)

    async def _claim(self, connection: Connection, agenda: Agenda, run: Run, meter: Meter) -> Work:
        """Take the lease, in one write that fails when anybody was faster."""
        now, owner = self.now(), uuid.uuid4().hex
        started = _started(run, connection, agenda, now)
        if started.mode is Mode.DELTA and run.started_at is None:
            telemetry.delta_began(agenda.last_completed_at, now)
        agenda = await self.workspaces.save(
            replace(agenda, run=started, lease_owner=owner, lease_until=now + LEASE, last_started_at=started.started_at)
        )
        return Work(
            workspaces=self.workspaces,
            contacts=self.contacts,
            reader=PageReader(self.graph, self.credentials, tenant_of(connection), self.sleep),
            connection=connection,
            agenda=agenda,
            run=started,
            owner=owner,
            resumed=run.started_at is not None,
            meter=meter,
            pruned_on=agenda.pruned_on,
            before=run.cost,
            now=self.now,
            until=time.monotonic() + self.slice_seconds,
        )

    async def _slice(self, work: Work) -> None:
        """Work until the run ends or the time is up, and see to it that somebody goes on."""
        began, before = time.monotonic(), work.run.counts
        try:
            with telemetry.slice_span(work.connection.workspace_id, work.run):
                await _work_on(work)
        except Superseded:
            await self._release(work)
            log.info("slice_superseded workspace=%s run=%s", work.connection.workspace_id, work.run.id)
            return
        except Throttled as error:
            telemetry.throttled(error.after_seconds or _MARGIN_SECONDS)
            await self._hand_over(work, error.after_seconds or _MARGIN_SECONDS, WaitingFor.MICROSOFT)
        except CredentialRejected as error:
            log.error(
                "credential_rejected workspace=%s run=%s reason=%s", work.connection.workspace_id, work.run.id, error
            )
            telemetry.credential_rejected()
            await self.alarms.credential_rejected(error.reason or str(error), self.now())
            await self._hand_over(work, OPERATOR_PAUSE_SECONDS, WaitingFor.OURSELVES)
        except (ConsentLost, ForeignLink) as error:
            await self._fail(work, error)
        except TryLater:
            await self._release(work)
            raise
        else:
            if work.run.state is RunState.RUNNING:
                await self._hand_over(work, 0, None)
        await self._start_next(work)
        await self._prune(work)
        telemetry.slice_ended(before, work.run, work.meter.graph_requests)
        log.info(
            "slice_done workspace=%s run=%s mode=%s state=%s read=%d"
            " graph_requests=%d table_reads=%d table_writes=%d ms=%d",
            *(work.connection.workspace_id, work.run.id, work.run.mode, work.run.state),
            work.run.counts.read - before.read,
            *(work.meter.graph_requests, work.meter.table_reads, work.meter.table_writes),
            (time.monotonic() - began) * 1000,
        )

    async def _hand_over(self, work: Work, delay_seconds: float, waiting_for: WaitingFor | None) -> None:
        """Checkpoint, give the lease back, and queue the continuation: a pause costs none of the message's tries."""
        resume_at = self.now() + timedelta(seconds=delay_seconds) if delay_seconds else None
        run = replace(
            work.run,
            step=work.run.step + 1,
            resume_at=resume_at,
            waiting_for=waiting_for,
            cost=work.cost(about_to=1),
        )

        def pause(agenda: Agenda) -> tuple[Agenda, Sequence[Operation]]:
            return replace(agenda, run=run, lease_owner=None, lease_until=None), ()

        await work.write(pause)
        work.run = run
        if waiting_for is not None:
            log.warning(
                "slice_paused workspace=%s run=%s s=%d waiting_for=%s",
                work.connection.workspace_id,
                run.id,
                delay_seconds,
                waiting_for,
            )
        await self._queue(work, run, delay_seconds)

    async def _start_next(self, work: Work) -> None:
        """Queue what follows a run that ended."""
        run = work.agenda.run
        if run is not None and run.id != work.run.id:
            await self._queue(work, run, 0)

    async def _prune(self, work: Work) -> None:
        """After the day's first run that ended well, delete history that is too old. A day left out is made up for."""
        if work.run.state is RunState.COMPLETED and work.pruned_on != self.now().date():
            try:
                await self.workspaces.prune(work.connection.workspace_id, self.now() - HISTORY)
            except TryLater as error:
                log.warning("history_kept workspace=%s reason=%s", work.connection.workspace_id, error)

    async def _queue(self, work: Work, run: Run, delay_seconds: float) -> None:
        message = ContinueMessage(work.connection.workspace_id, run.id, run.step)
        await self.queue.send(write_message(message), delay_seconds)

    async def _release(self, work: Work) -> None:
        """Give the lease back so that the next try can begin at once; without that it runs out by itself."""
        try:
            await self.workspaces.update(work.connection.workspace_id, lambda _, agenda: _released(agenda, work.owner))
        except ConnectorError as error:
            log.warning("lease_kept workspace=%s run=%s reason=%s", work.connection.workspace_id, work.run.id, error)

    async def _fail(self, work: Work, error: ConnectorError) -> None:
        """End a run that no further try would help. Lost consent takes the connection with it (spec §2)."""
        log.warning("run_failed workspace=%s run=%s reason=%s", work.connection.workspace_id, work.run.id, error)
        lost = isinstance(error, ConsentLost)
        ended = replace(failed(work.run, failures.explain(error), self.now()), cost=work.cost(about_to=1))

        def fail(agenda: Agenda) -> tuple[Agenda, Sequence[Operation]]:
            operations = [run_operation(ended)]
            if lost:
                gone = replace(work.connection, state=ConnectionState.PERMISSIONS_REQUIRED)
                operations.append(connection_operation(gone))
                agenda = replace(agenda, follow_up=None)
            return settled(agenda, ended), operations

        await work.write(fail)
        work.run = ended
        if lost:
            await self.schedule.leave(work.connection.workspace_id)

    async def bury(self, body: bytes) -> None:
        """See to what a message from the poison queue was about, if anybody can tell."""
        telemetry.poisoned()
        try:
            message = read_message(body)
        except UnreadableMessage:
            log.error("message_unreadable bytes=%d", len(body))
            return
        await self.give_up(message, "its message failed every time")

    async def give_up(self, message: StartMessage | ContinueMessage, reason: str) -> None:
        """Mark the run of a message that kept failing as failed (spec §6: the poison queue)."""

        def give_up(_: Connection | None, agenda: Agenda) -> Update:
            run = agenda.run
            about = isinstance(message, StartMessage) or (run is not None and run.id == message.run_id)
            if run is None or not about or agenda.leased(self.now()):
                return None, agenda, ()
            ended = failed(run, failures.gave_up(reason), self.now())
            telemetry.run_ended(ended.state, ended.mode)
            return None, settled(agenda, ended), [run_operation(ended)]

        _, agenda = await self.workspaces.update(message.workspace_id, give_up)
        log.error("run_gave_up workspace=%s reason=%s", message.workspace_id, reason)
        if agenda.run is not None and agenda.run.state is RunState.QUEUED:
            await self.queue.send(write_message(ContinueMessage(message.workspace_id, agenda.run.id, agenda.run.step)))


async def _work_on(work: Work) -> None:
    budget, began = work.until - time.monotonic(), time.monotonic()
    await take_roll(work)
    # The list of a large organisation takes a while to read; a slice must get on all the same, and end in time.
    work.until = min(time.monotonic() + budget, began + _LONGEST_SLICE_SECONDS)
    while work.run.state is RunState.RUNNING:
        if work.run.phase is Phase.READ:
            await read_pages(work)
        elif work.run.phase is Phase.SETTLE:
            await settle_edits(work)
        else:
            await see_to_removals(work)
        if work.time_is_up and work.run.phase is Phase.READ:
            return


def _started(run: Run, connection: Connection, agenda: Agenda, now: datetime) -> Run:
    """A run as its worker begins or resumes it. It takes the newest configuration once, at its first start."""
    run = replace(run, resume_at=None, waiting_for=None)
    if run.state is RunState.RUNNING:
        return run
    run = replace(run.after(Event.STARTED), started_at=run.started_at or now)
    if run.configuration is not None:
        return run  # Approved removals: they belong to the configuration under which they were found.
    configuration = connection.configuration
    known = agenda.delta_link is not None and agenda.select == configuration.select
    mode = run.mode if known and agenda.applied_version == configuration.version else Mode.FULL
    return replace(
        run,
        mode=mode,
        configuration=configuration,
        reconsider=agenda.applied_version != configuration.version,
        linked_before=agenda.totals.linked,
    )


def failed(run: Run, error: RunError, now: datetime) -> Run:
    return replace(run.after(Event.FAILED), error=error, completed_at=now, cursor=None, delta_link=None)


def _seconds_to_wait(agenda: Agenda, run: Run, now: datetime) -> float:
    """How long the run is another's, or Microsoft's pause lasts."""
    ends = [end for end in (agenda.lease_until, run.resume_at) if end is not None and end > now]
    return max(((end - now).total_seconds() for end in ends), default=0.0)


def _released(agenda: Agenda, owner: str) -> Update:
    if agenda.lease_owner != owner:
        return None, agenda, ()
    return None, replace(agenda, lease_owner=None, lease_until=None), ()
