"""Whose turn it is: leases, slices, workers that die between two writes, and writers who come too late (spec §6)."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from errors import Conflict
from limits import LEASE
from sync.messages import Continue, Start
from tests.rig import Killed
from workspace.run import Mode, RunState


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=50, shape={"pageSize": 10})


async def test_who_writes_from_an_old_copy_fails(rig):
    await rig.connect()
    first, second = await rig.state(), await rig.state()
    await rig.services.workspaces.save(replace(first, applied_version=7))

    with pytest.raises(Conflict):
        await rig.services.workspaces.save(replace(second, applied_version=8))

    assert (await rig.state()).applied_version == 7


async def test_while_one_worker_has_the_lease_another_does_nothing_but_come_back(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    until = rig.clock() + timedelta(seconds=60)
    await rig.services.workspaces.save(replace(await rig.state(), lease_owner="somebody", lease_until=until))

    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert tenant.state()["requests"] == {}
    assert (await rig.run(asked.id)).state is RunState.QUEUED
    assert (await rig.queue.get_queue_properties()).approximate_message_count == 1


async def test_a_queued_run_that_is_cancelled_never_begins(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)

    ended = await rig.services.requests.cancel(rig.workspace, asked.id)
    await rig.work()

    assert ended.state is RunState.CANCELLED
    assert (await rig.run(asked.id)).state is RunState.CANCELLED
    assert tenant.state()["requests"] == {}


async def test_a_full_run_in_slices_of_a_page_misses_nobody(rig, tenant):
    await rig.connect()
    await rig.full()
    asked = await rig.ask(Mode.FULL)

    slices = await rig.work(rig.with_worker(slice_seconds=0))

    run = await rig.run(asked.id)
    assert slices >= 5
    assert (run.state, run.counts.unchanged, run.counts.unlinked) == (RunState.COMPLETED, len(rig.expected()), 0)
    assert await rig.linked() == rig.expected()


async def test_a_retry_after_of_nothing_still_is_a_pause(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=429, retryAfter="0", times=3)

    assert (await rig.full()).state is RunState.COMPLETED

    assert rig.clock.offset >= timedelta(seconds=1.5)


@pytest.mark.parametrize("call", range(1, 16))
async def test_a_first_sync_counts_right_wherever_its_worker_dies(rig, tenant, call):
    await rig.connect()

    run = await full_run_whose_worker_dies(rig, call)

    assert run.state is RunState.COMPLETED
    assert (run.counts.read, run.counts.added) == (50, len(rig.expected()))
    assert run.counts.updated + run.counts.unchanged + run.counts.linked == 0
    assert await rig.linked() == rig.expected()
    assert (await rig.state()).totals.contacts == len(rig.expected())


@pytest.mark.parametrize("call", range(1, 20))
async def test_a_full_run_counts_its_updates_right_wherever_its_worker_dies(rig, tenant, call):
    """The list that the next worker scans shows the new values already where the dead one wrote them."""
    await rig.connect()
    await rig.full()
    changed = sorted(rig.expected())[::3]
    tenant.do(*(("change", one, {"surname": "Newly-Married"}) for one in changed))

    run = await full_run_whose_worker_dies(rig, call)

    assert run.state is RunState.COMPLETED
    assert (run.counts.updated, run.counts.unchanged) == (len(changed), len(rig.expected()) - len(changed))
    assert await rig.linked() == rig.expected()


async def full_run_whose_worker_dies(rig, call):
    """Its worker dies before its n-th storage call; once its lease ran out, another goes on. The run as it ended."""
    asked = await rig.ask(Mode.FULL)
    message = Continue(rig.workspace, asked.id, 0)
    rig.kill_before = call
    with pytest.raises(Killed):
        await rig.services.dispatch.handle(message)
    rig.clock.offset += LEASE + timedelta(seconds=1)
    await rig.services.dispatch.handle(message)
    return await rig.run(asked.id)


async def die(rig, run_id, before):
    """The worker dies before its n-th storage call, and its lease lapses."""
    rig.kill_before = before
    with pytest.raises(Killed):
        await rig.services.dispatch.handle(Continue(rig.workspace, run_id, 0))
    rig.clock.offset += LEASE + timedelta(seconds=1)


async def test_the_third_death_at_the_same_place_ends_the_run_with_its_reason(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    for _ in range(3):
        await die(rig, asked.id, 4)

    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    run = await rig.run(asked.id)
    assert (run.state, run.error.code) == (RunState.FAILED, "worker_died")
    assert (await rig.delta()).state is RunState.COMPLETED


async def test_deaths_at_different_places_do_not_end_a_run(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    for before in (9, 9, 9, 9):
        await die(rig, asked.id, before)

    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_a_bug_gives_the_lease_back_at_once(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)

    class Broken(type(rig.services.contacts)):
        async def write(self, *_, **__):
            raise ZeroDivisionError

    broken = rig.with_worker(contacts=Broken(rig.services.tables))
    with pytest.raises(ZeroDivisionError):
        await broken.handle(Continue(rig.workspace, asked.id, 0))

    assert (await rig.state()).lease_owner is None
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_a_click_begins_a_run_that_nobody_works_on(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    await die(rig, asked.id, 6)

    clicked = await rig.ask(Mode.FULL)
    await rig.work()

    assert clicked.id == asked.id
    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_a_start_that_finds_another_worker_looks_again_after_its_lease(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    until = rig.clock() + LEASE
    await rig.services.workspaces.save(replace(await rig.state(), lease_owner="somebody", lease_until=until))

    await rig.services.dispatch.handle(Start(rig.workspace, Mode.DELTA, "schedule"))

    assert (await rig.queue.get_queue_properties()).approximate_message_count == 1
    assert (await rig.run(asked.id)).state is RunState.QUEUED


@pytest.mark.servers
async def test_a_long_slice_renews_its_lease_and_has_a_message_on_its_way(rig, tenant, monkeypatch):
    monkeypatch.setattr("limits.LOOK_AGAIN_AFTER_SECONDS", 0.05)
    monkeypatch.setattr("limits.HEARTBEAT_SECONDS", 0.05)
    await rig.connect()
    tenant.shape(latency_ms=150)
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    revisions = []
    save = rig.services.workspaces.save

    async def saved(state, *operations):
        revisions.append(len(operations))
        return await save(state, *operations)

    object.__setattr__(rig.services.workspaces, "save", saved)
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert (await rig.run(asked.id)).state is RunState.COMPLETED
    assert revisions.count(0) >= 5
    assert (await rig.queue.get_queue_properties()).approximate_message_count == 1


async def test_an_idle_delta_costs_no_further_message(rig):
    await rig.connect()
    await rig.full()

    await rig.delta()

    assert (await rig.queue.get_queue_properties()).approximate_message_count == 0


async def test_the_list_is_counted_anew_after_a_run_that_ended_before_its_time(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    rig.kill_before = 9
    with pytest.raises(Killed):
        await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    await rig.services.requests.cancel(rig.workspace, asked.id)
    rig.clock.offset += LEASE + timedelta(seconds=1)

    await rig.full()

    totals = (await rig.state()).totals
    assert (totals.contacts, totals.linked) == (len(await rig.rows()), len(rig.expected()))


async def test_a_run_is_interrupted_from_its_lease_s_end_until_another_worker_takes_it(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    rig.kill_before = 8
    with pytest.raises(Killed):
        await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    told = [(await rig.state()).interrupted(rig.clock())]
    rig.clock.offset += LEASE + timedelta(seconds=1)
    told.append((await rig.state()).interrupted(rig.clock()))

    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert [*told, (await rig.state()).interrupted(rig.clock())] == [False, True, False]
