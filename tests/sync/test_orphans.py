"""A worker that goes on after its lease has lapsed writes nothing that another one's work would miss (spec §6).

A killed host leaves its worker alive (facts/functions.md 11). Here one stands still before a call to storage.
"""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contacts.store import Left
from directory.credentials import TenantId
from errors import TryLater
from limits import LEASE
from mapping.configuration import DeletionBehavior, RemovalGuard
from sync.messages import Continue, Disconnect, Start
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, Stage
from workspace.run import Mode, RunState

PEOPLE = 250


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE, shape={"pageSize": 200})


class Held:
    """The first transaction of a kind waits until it is let go."""

    def __init__(self, rig, is_meant):
        self._reached, self._go = asyncio.Event(), asyncio.Event()
        self._transact, self._is_meant = rig.services.tables.transact, is_meant
        self._rig = rig
        rig.services.tables.transact = self._hold

    async def _hold(self, partition, operations):
        if not self._reached.is_set() and self._is_meant(partition, operations):
            self._reached.set()
            await self._go.wait()
        return await self._transact(partition, operations)

    async def take(self, message):
        """A worker takes a message and stands still; its lease lapses."""
        self._orphan = asyncio.create_task(self._rig.services.dispatch.handle(message))
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait({self._orphan, reached}, return_when=asyncio.FIRST_COMPLETED)
        assert not self._orphan.done()
        self._rig.clock.offset += LEASE + timedelta(seconds=1)

    async def let_go(self):
        self._go.set()
        told = await asyncio.gather(self._orphan, return_exceptions=True)
        assert told[0] is None or isinstance(told[0], TryLater), told


def person(number):
    return f"00000000-0000-4000-8000-{number:012x}"


def is_contacts(partition, _):
    return partition.table == "Contacts"


def is_pending(_, operations):
    return any(one.row_key.startswith("pending:") for one in operations)


async def test_an_orphan_writes_no_contact_after_its_lease_and_what_was_on_its_way_is_swept(rig, tenant):
    """Contacts have no fence: the one transaction that an orphan had begun is undone by the next full run."""
    await rig.connect(removal_guard=None, deletion_behavior=DeletionBehavior.HARD_DELETE)
    asked = await rig.ask(Mode.FULL)
    held = Held(rig, is_contacts)
    await held.take(Continue(rig.workspace, asked.id, 0))
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    tenant.purge(*rig.expected())
    await rig.delta()
    assert await rig.rows() == []

    await held.let_go()

    late = await rig.rows()
    assert 0 < len(late) <= 100
    assert (await rig.full()).counts.removed == len(late)
    assert await rig.rows() == []


async def test_an_orphan_adds_nobody_to_the_removals_that_wait(rig, tenant):
    await rig.connect(removal_guard=RemovalGuard(20, 0))
    await rig.full()
    leavers = sorted(rig.expected())[:60]
    tenant.remove(*leavers)
    asked = await rig.ask(Mode.FULL)
    held = Held(rig, is_pending)
    await held.take(Continue(rig.workspace, asked.id, 0))
    tenant.restore(*leavers[:30])
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    waiting = (await rig.state()).waiting

    await held.let_go()

    assert await rig.services.workspaces.still_pending(rig.workspace, asked.id) == sorted(leavers)
    assert (await rig.state()).waiting == waiting


async def test_an_attempt_that_finds_fewer_leavers_keeps_none_of_an_earlier_ones(rig):
    await rig.connect()
    workspaces, state = rig.services.workspaces, await rig.state()
    for ids in ([person(number) for number in range(8_000)], [person(7)]):
        for operation in await workspaces.pending_operations(rig.workspace, "8-1", ids):
            state = await workspaces.save(state, operation)

    assert await workspaces.still_pending(rig.workspace, "8-1") == [person(7)]


async def test_an_orphan_forgets_nothing_that_a_later_run_left_to_the_next(rig):
    contacts = rig.services.contacts
    left = Left("8-1", person(1), person(1), None, {"givenName": "Old"})
    await contacts.leave(rig.partition, left)
    _, seen = await contacts.touched(rig.partition)
    later = replace(left, run="8-0", values={"givenName": "New"})
    await contacts.leave(rig.partition, later)

    await contacts.taken_up(rig.partition, seen)

    _, stands = await contacts.touched(rig.partition)
    assert [replace(one, etag="") for one in stands] == [later]


async def test_an_orphan_of_a_disconnect_unlinks_nobody_of_the_next_connection(rig, tenant):
    await rig.connect()
    await rig.full()
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.connecting.disconnect(rig.workspace, ContactsOnDisconnect.KEEP, record)
    await rig.queue.clear_messages()
    held = Held(rig, is_contacts)
    await held.take(Disconnect(rig.workspace))
    await rig.services.dispatch.handle(Disconnect(rig.workspace))
    connection, _ = await rig.services.workspaces.load(rig.workspace)
    assert connection.stage is Stage.NONE
    await join_again(rig)
    await rig.full()
    linked = await rig.linked()

    await held.let_go()

    assert len(linked) == len(rig.expected())
    assert await rig.linked() == linked
    connection, _ = await rig.services.workspaces.load(rig.workspace)
    assert connection.stage is Stage.ACTIVE


async def join_again(rig):
    def join(connection, state):
        return replace(connection, stage=Stage.ACTIVE, tenant_id=TenantId(rig.tenant.id)), state, ()

    await rig.services.workspaces.update(rig.workspace, join)


async def test_poison_of_a_run_whose_lease_a_dead_worker_holds_acts_when_it_has_lapsed(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    dead = replace(await rig.state(), lease_owner="dead", lease_until=rig.clock() + LEASE)
    await rig.services.workspaces.save(dead)
    body = b'{"workspaceId":"%b","runId":"%b","step":0}' % (rig.workspace.encode(), asked.id.encode())

    await rig.services.dispatch.bury(body)

    assert (await rig.run(asked.id)).state is RunState.QUEUED
    assert await rig.work() == 0
    rig.clock.offset += LEASE + timedelta(seconds=5)
    assert await rig.work() == 1
    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_a_tenant_that_answers_is_not_missing_any_more_even_when_its_round_is_broken(rig, tenant):
    await rig.connect()
    tenant.consent(given=False, lost_as="90002")
    await rig.full()
    assert (await rig.state()).missing_since is not None
    tenant.consent(given=True)
    tenant.shape(endless="same_link")

    assert (await rig.full()).error.code == "round_broken"

    assert (await rig.state()).missing_since is None


# What hangs.


@pytest.fixture
def hang(rig):
    """The n-th call to storage from now on never answers."""

    def hang(number):
        pause, calls = rig.services.tables.pause, 0

        async def paused():
            nonlocal calls
            calls += 1
            await (asyncio.Event().wait() if calls == number else pause())

        rig.services.tables.pause = paused

    return hang


@pytest.mark.parametrize("call", [3, 6, 9])
async def test_a_slice_ends_by_itself_in_the_middle_of_a_call(rig, hang, monkeypatch, call):
    monkeypatch.setattr("limits.LONGEST_SLICE_SECONDS", 1.5)
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    hang(call)

    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert (await rig.state()).lease_owner is None
    monkeypatch.undo()
    await rig.work()
    run = await rig.run(asked.id)
    assert (run.state, run.counts.added) == (RunState.COMPLETED, len(rig.expected()))


@pytest.mark.parametrize("message", [Disconnect, Start])
async def test_whatever_a_message_began_is_cut_off_and_a_new_message_goes_on(rig, hang, monkeypatch, message):
    monkeypatch.setattr("limits.LONGEST_MESSAGE_SECONDS", 0.2)
    await rig.connect()
    await rig.full()
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.connecting.disconnect(rig.workspace, ContactsOnDisconnect.DELETE, record)
    await rig.queue.clear_messages()
    hang(1)

    await rig.services.dispatch.handle(message(rig.workspace))

    monkeypatch.undo()
    while len(rig.queue):
        rig.clock.offset += LEASE + timedelta(seconds=5)
        await rig.work()
    assert await rig.contacts() == []
