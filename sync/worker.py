"""Works on a run: takes its lease, does a slice, and says which message goes on (spec §6).

A message only says that a slice is wanted; what is to be done stands in the sync state. So a message may come twice,
late or never: the worker that takes the lease works on what is stored, one at a time, and the hourly timer comes in any
case. A worker that dies leaves its lease to lapse, and a message that looks again is on its way.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

import limits
from contacts.store import ContactStore
from directory.graph import Graph
from errors import ConnectorError, ConsentLost, CredentialRejected, RoundBroken, Throttled, TryLater
from storage.queue import MessageQueue
from storage.retry import Sleep
from storage.transaction import Operation
from sync import failures, telemetry
from sync.alarms import Alarms
from sync.lease import Superseded
from sync.messages import DOORBELL, SCHEDULE, Continue, Start, write_message
from sync.meter import Meter
from sync.reading import PageReader
from sync.room import NoRoom, Room
from sync.slice import Slice
from sync.subscribing import Subscribing
from workspace.connection import Connection, ConnectionEvent, Stage, WorkspaceId, connection_operation, tenant_of
from workspace.events import announcements
from workspace.run import Event, Mode, Request, Run, RunError, RunState, Trigger, WaitingFor, run_id
from workspace.state import SyncState, ask, settled, verification_due
from workspace.store import Update, WorkspaceStore, run_operation

log = logging.getLogger(__name__)

_TENANT_NOT_FOUND = "AADSTS90002"


@dataclass(frozen=True, slots=True)
class Worker:
    """Does one slice a message. Many workers may be at work, here and in other processes."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    graph: Graph
    queue: MessageQueue
    alarms: Alarms
    room: Room
    subscribing: Subscribing
    slice_seconds: int
    now: Callable[[], datetime]
    sleep: Sleep

    async def handle(self, message: Start | Continue, connection: Connection, state: SyncState, meter: Meter) -> None:
        """Do a slice of the workspace's run, if there is one to do and no other worker holds its lease.

        Raises:
            TryLater: it did not work; the same message can be tried again.
        """
        state, run = self._run_of(message, connection, state)
        if run is None:
            log.info("message_dropped workspace=%s reason=no_such_run", message.workspace_id)
        elif (wait := _seconds_to_wait(state, run, self.now())) > 0:
            await self._come_back(message, state, run, wait)
        elif (run := _claimed(run, connection, state, self.now())).deaths >= limits.DEATHS:
            await self._bury(connection, state, run)
        else:
            await self._slice(await self._claim(connection, state, run, meter))

    def _run_of(
        self, message: Start | Continue, connection: Connection, state: SyncState
    ) -> tuple[SyncState, Run | None]:
        """The run a message is about. A start that finds a run going on works on that one, in case its worker died."""
        if isinstance(message, Continue):
            return state, state.run if state.run is not None and state.run.id == message.run_id else None
        # While it is paused, no run starts, and an undo goes on.
        if connection.stage is Stage.PAUSED:
            return state, state.run
        request = Request(message.workspace_id, message.mode, Trigger.MANUAL, message.requested_by)
        if message.requested_by == SCHEDULE:
            due = verification_due(state, self.now())
            request = Request(message.workspace_id, message.mode, Trigger.VERIFICATION if due else Trigger.SCHEDULE)
        elif message.requested_by == DOORBELL:
            request = Request(message.workspace_id, message.mode, Trigger.NOTIFICATION)
        # Not written here: `_claim` writes a new run together with its lease.
        state, _ = ask(state, request, run_id(self.now(), uuid.uuid4().hex[:8]), self.now())
        return state, state.run

    async def _come_back(self, message: Start | Continue, state: SyncState, run: Run, wait: float) -> None:
        """Look again when the other worker's lease is over, or the pause: should it die, this message resumes the run.

        A continuation of an earlier step is dropped while another worker holds the lease, because that one queues a
        newer one. In a pause that of the step before is not: the queue may have been away when the pause began, and
        this is its retry. Older ones are dropped: a person asked during an earlier pause, and the run went on at once.
        """
        leased = state.leased(self.now())
        if isinstance(message, Start) or message.step == run.step or (not leased and message.step == run.step - 1):
            await self._queue(message.workspace_id, run, wait + limits.MARGIN_SECONDS)

    async def _claim(self, connection: Connection, state: SyncState, run: Run, meter: Meter) -> Slice:
        """Take the lease, in one write that fails when another worker was faster."""
        now, owner, before = self.now(), uuid.uuid4().hex, state.run
        assert before is not None
        if run.mode is Mode.DELTA and before.started_at is None:
            telemetry.delta_began(state.last_completed_at, now)
        state = replace(state, run=run, lease_owner=owner, lease_until=now + limits.LEASE)
        return Slice(
            workspaces=self.workspaces,
            contacts=self.contacts,
            reader=PageReader(self.graph, tenant_of(connection), self.sleep),
            connection=connection,
            state=await self.workspaces.save(state),
            run=run,
            owner=owner,
            resumed=before.started_at is not None,
            meter=meter,
            before=before.cost,
            now=self.now,
            sleep=self.sleep,
            until=time.monotonic() + self.slice_seconds,
            room=self.room,
        )

    async def _slice(self, work: Slice) -> None:
        """Do a slice and what follows it, and tell of it."""
        began, before = time.monotonic(), work.run.counts
        try:
            await self._work_on(work)
        except Superseded:
            state = await self._release(work)
            log.info("slice_superseded workspace=%s run=%s", work.workspace, work.run.id)
            # Its message may come only after this lease, for instance when a pause ended this run.
            if state is not None and state.run is not None and state.run.state is RunState.QUEUED:
                await self._queue(work.workspace, state.run, 0)
            return
        await self._start_next(work)
        telemetry.slice_ended(before, work.run, work.meter.graph_requests)
        log.info(
            "slice_done workspace=%s run=%s mode=%s state=%s read=%d"
            " graph_requests=%d table_reads=%d table_writes=%d ms=%d",
            *(work.workspace, work.run.id, work.run.mode, work.run.state),
            work.run.counts.read - before.read,
            *(work.meter.graph_requests, work.meter.table_reads, work.meter.table_writes),
            (time.monotonic() - began) * 1000,
        )

    async def _work_on(self, work: Slice) -> None:
        """Work until the run ends or the time is up. Whatever ends a slice gives the lease back.

        Raises:
            Superseded, TryLater
        """
        try:
            await self._work(work)
        except Superseded:
            raise
        # What the slice remembered stands, and a new message goes on from there.
        except (TimeoutError, NoRoom):
            await self._hand_over(work, 0, None)
        except Throttled as error:
            telemetry.throttled(error.after_seconds or limits.MARGIN_SECONDS)
            await self._hand_over(work, error.after_seconds or limits.MARGIN_SECONDS, WaitingFor.MICROSOFT)
        except CredentialRejected as error:
            log.error("credential_rejected workspace=%s run=%s reason=%s", work.workspace, work.run.id, error)
            telemetry.credential_rejected()
            await self.alarms.credential_rejected(error.reason or str(error), self.now())
            await self._hand_over(work, limits.OPERATOR_PAUSE_SECONDS, WaitingFor.OURSELVES)
        except (ConsentLost, RoundBroken) as error:
            await self._fail(work, error)
        except TryLater as error:
            await self._release(work, failures.explain(error))
            raise
        except Exception:
            await self._release(work)  # A bug: the message is tried again at once, and ends in the poison queue.
            raise
        else:
            if work.run.state is RunState.RUNNING:
                await self._hand_over(work, 0, None)

    async def _work(self, work: Slice) -> None:
        """The slice itself, with a heartbeat beside it.

        Raises:
            TimeoutError: it took so long that the host would soon end the whole worker process.
            NoRoom: other slices hold the memory that it needs.
        """
        try:
            async with asyncio.timeout(limits.LONGEST_SLICE_SECONDS), self._heartbeat(work):
                with telemetry.slice_span(work.workspace, work.run), self.room.place():
                    # Before the first page is read, so that no change falls between that and the first notification.
                    await self.subscribing.look_after(work)
                    await work.work()
        finally:
            work.gathering.let_go()

    @asynccontextmanager
    async def _heartbeat(self, work: Slice) -> AsyncIterator[None]:
        """Keep the lease while a slice works. After some seconds, a message is on its way that looks again after it.

        It waits in real time: how long a worker has been silent is no matter of the injected clock.
        """

        async def beat() -> None:
            await asyncio.sleep(limits.LOOK_AGAIN_AFTER_SECONDS)
            wait = limits.LEASE.total_seconds() + limits.MARGIN_SECONDS
            look_again = True
            while True:
                try:
                    if look_again:
                        await self._queue(work.workspace, work.run, wait)
                        look_again = False
                    await work.renew_lease()
                except Superseded:
                    return  # The slice finds out at its next write.
                except TryLater as error:
                    log.warning("heartbeat_missed workspace=%s run=%s reason=%s", work.workspace, work.run.id, error)
                await asyncio.sleep(limits.HEARTBEAT_SECONDS)

        heart = asyncio.create_task(beat())
        try:
            yield
        finally:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)

    async def _hand_over(self, work: Slice, delay_seconds: float, waiting_for: WaitingFor | None) -> None:
        """Checkpoint, give the lease back, and queue the continuation: a pause costs none of the message's tries."""
        resume_at = self.now() + timedelta(seconds=delay_seconds) if delay_seconds else None
        run = replace(
            work.run,
            step=work.run.step + 1,
            resume_at=resume_at,
            waiting_for=waiting_for,
            trouble=None,
            cost=work.cost(about_to=1),
        )

        def pause(state: SyncState) -> tuple[SyncState, Sequence[Operation]]:
            return replace(state.without_lease(), run=run), ()

        await work.write(pause)
        work.run = run
        if waiting_for is not None:
            log.warning(
                "slice_paused workspace=%s run=%s s=%d waiting_for=%s",
                *(work.workspace, run.id, delay_seconds, waiting_for),
            )
        await self._queue(work.workspace, run, delay_seconds)

    async def _start_next(self, work: Slice) -> None:
        """Queue what follows a run that ended."""
        run = work.state.run
        if run is not None and run.id != work.run.id:
            await self._queue(work.workspace, run, 0)

    async def _queue(self, workspace: WorkspaceId, run: Run, delay_seconds: float) -> None:
        await self.queue.send(write_message(Continue(workspace, run.id, run.step)), delay_seconds)

    async def _release(self, work: Slice, trouble: RunError | None = None) -> SyncState | None:
        """Give the lease back so that the next try can begin at once; without that it runs out by itself.

        The state as it is stored then, None where that is not known.
        """

        def release(_: Connection | None, state: SyncState) -> Update:
            if state.lease_owner != work.owner:
                return None, state, ()
            run = state.run
            if run is not None and run.id == work.run.id:
                run = replace(run, trouble=trouble)
            return None, replace(state.without_lease(), run=run), ()

        try:
            _, state = await self.workspaces.update(work.workspace, release)
        except ConnectorError as error:
            log.warning("lease_kept workspace=%s run=%s reason=%s", work.workspace, work.run.id, error)
            return None
        return state

    async def _fail(self, work: Slice, error: ConsentLost | RoundBroken) -> None:
        """End a run that no further try would help. Lost consent takes the connection with it (spec §2)."""
        log.warning("run_failed workspace=%s run=%s reason=%s", work.workspace, work.run.id, error)
        now, missing = self.now(), isinstance(error, ConsentLost) and error.reason == _TENANT_NOT_FOUND
        ended = replace(work.run.ended(Event.FAILED, now, failures.explain(error)), cost=work.cost(about_to=1))

        def fail(state: SyncState) -> tuple[SyncState, Sequence[Operation]]:
            operations = [run_operation(ended)]
            since = state.missing_since or now
            if missing and now - since < limits.TENANT_MISSING:
                # Microsoft's own outages look like this for minutes (facts/graph.md 11): believed when it persists.
                return replace(settled(state, ended), missing_since=since), operations
            if isinstance(error, RoundBroken):
                # The next run begins with a full round. Microsoft answered, so the tenant is there.
                state = replace(state, delta_link=None, missing_since=None)
            else:
                lost = work.connection.after(ConnectionEvent.CONSENT_LOST)
                operations.append(connection_operation(lost))
                operations += announcements((work.connection, state), (lost, state), now)
                state = replace(state, follow_up=None, missing_since=None)
            return settled(state, ended), operations

        await work.write(fail)
        work.run = ended

    async def _bury(self, connection: Connection, state: SyncState, run: Run) -> None:
        """End a run whose workers die again and again at the same place."""
        log.error("run_buried workspace=%s run=%s place=%s", state.workspace_id, run.id, run.place)
        ended = run.ended(Event.FAILED, self.now(), failures.died(run.deaths))
        telemetry.run_ended(ended.state, ended.mode)
        after = settled(state, ended)
        told = announcements((connection, state), (None, after), self.now())
        state = await self.workspaces.save(after, run_operation(ended), *told)
        if state.run is not None:
            await self._queue(state.workspace_id, state.run, 0)

    async def give_up(self, message: Start | Continue) -> None:
        """Mark the run of a message that kept failing as failed (spec §6: the poison queue).

        While a worker holds the lease, it may still succeed; should it be dead, a message after the lease's end lets
        another one go on, which counts the death.

        Raises:
            TryLater
        """
        leased = False

        def give_up(_: Connection | None, state: SyncState) -> Update:
            nonlocal leased
            run = state.run
            about = isinstance(message, Start) or (run is not None and run.id == message.run_id)
            leased = run is not None and about and state.leased(self.now())
            if run is None or not about or leased:
                return None, state, ()
            ended = run.ended(Event.FAILED, self.now(), failures.gave_up(run.trouble))
            telemetry.run_ended(ended.state, ended.mode)
            return None, settled(state, ended), [run_operation(ended)]

        _, state = await self.workspaces.update(message.workspace_id, give_up)
        if leased and state.run is not None:
            wait = _seconds_to_wait(state, state.run, self.now()) + limits.MARGIN_SECONDS
            await self._queue(message.workspace_id, state.run, wait)
            return
        log.error("run_gave_up workspace=%s", message.workspace_id)
        if state.run is not None and state.run.state is RunState.QUEUED:
            await self._queue(message.workspace_id, state.run, 0)


def _claimed(run: Run, connection: Connection, state: SyncState, now: datetime) -> Run:
    """A run as its worker begins or resumes it. It takes the newest configuration once, at its first start.

    A lease that nobody gave back is a worker that died; `deaths` counts those at the same place.
    """
    run = replace(run, resume_at=None, waiting_for=None)
    if run.state is RunState.RUNNING:
        # The lease was given back, so no worker died.
        if state.lease_owner is None:
            return run
        return replace(run, deaths=run.deaths + 1 if run.died_at == run.place else 1, died_at=run.place)
    run = replace(run.after(Event.STARTED), started_at=run.started_at or now)
    if run.configuration is not None:
        return run  # Approved removals: they belong to the configuration under which they were found.
    configuration = connection.configuration
    if run.mode is Mode.UNDO:
        return replace(run, configuration=configuration)
    # Graph binds a delta link to its `$select`: another choice of fields needs a round of its own.
    known = state.delta_link is not None and state.select == configuration.select
    current = state.applied_version == configuration.version
    full = run.mode is Mode.FULL or not known or not current
    # A verification compares a full round with what a delta round told just before; without one it is any full run.
    verifies = run.trigger is Trigger.VERIFICATION and not full
    return replace(
        run,
        mode=Mode.FULL if full else Mode.DELTA,
        trigger=Trigger.SCHEDULE if run.trigger is Trigger.VERIFICATION and not verifies else run.trigger,
        configuration=configuration,
        reconsider=not current,
        linked_before=state.totals.linked,
    )


def _seconds_to_wait(state: SyncState, run: Run, now: datetime) -> float:
    """How long another worker holds the run's lease, or the pause lasts that Microsoft asked for."""
    ends = [end for end in (state.lease_until, run.resume_at) if end is not None and end > now]
    return max(((end - now).total_seconds() for end in ends), default=0.0)
