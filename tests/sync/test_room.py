"""Large slices wait for memory, small ones never do, and whoever had its turn makes way (spec §6)."""

import asyncio

import pytest

import limits
from sync.messages import read_message
from sync.room import NoRoom, Room
from workspace.run import Mode, RunState

LARGE = limits.SMALL_BYTES + 1


async def waiting(room, size):
    """A slice that waits for room, as a task that has begun to wait."""
    task = asyncio.create_task(room.take(size))
    await asyncio.sleep(0)
    return task


async def test_a_large_slice_waits_until_another_gives_its_room_back():
    room = Room(size_bytes=LARGE)
    await room.take(LARGE)

    task = await waiting(room, LARGE)
    assert not task.done()
    room.give(LARGE)

    await task


async def test_a_small_slice_never_waits():
    room = Room(size_bytes=LARGE)
    await room.take(LARGE)
    task = await waiting(room, LARGE)

    async with asyncio.timeout(0.1):
        await room.take(limits.SMALL_BYTES)

    task.cancel()


async def test_one_that_needs_more_than_there_is_goes_ahead_alone():
    room = Room(size_bytes=LARGE)

    async with asyncio.timeout(0.1):
        await room.take(5 * LARGE)


async def test_those_who_wait_are_let_in_in_the_order_of_asking():
    room = Room(size_bytes=2 * LARGE)
    await room.take(2 * LARGE)
    first, second = await waiting(room, 2 * LARGE), await waiting(room, LARGE)

    room.give(LARGE)
    await asyncio.sleep(0)
    assert not second.done()
    room.give(LARGE)
    await first

    assert not second.done()
    second.cancel()


async def test_who_waits_in_vain_makes_room_for_the_next(monkeypatch):
    monkeypatch.setattr("limits.ROOM_WAIT_SECONDS", 0.05)
    room = Room(size_bytes=2 * LARGE)
    await room.take(LARGE)
    large = await waiting(room, 2 * LARGE)
    monkeypatch.setattr("limits.ROOM_WAIT_SECONDS", 30)
    next_one = await waiting(room, LARGE)

    with pytest.raises(NoRoom):
        await large

    async with asyncio.timeout(1):
        await next_one


async def test_a_slice_makes_way_for_those_who_wait_for_its_memory():
    room = Room(size_bytes=LARGE)
    await room.take(LARGE)
    assert not room.wanted(LARGE)

    task = await waiting(room, LARGE)

    assert room.wanted(LARGE)
    assert not room.wanted(0)
    task.cancel()


def test_any_slice_makes_way_when_every_place_is_taken():
    room = Room(places=2)

    with room.place():
        assert not room.wanted(0)
        with room.place():
            assert room.wanted(0)
        assert not room.wanted(0)


class TestRuns:
    """The engine in memory, over a room that a test makes small."""

    @pytest.fixture
    def tenant(self, directory):
        return directory.control.tenant(people=60, shape={"pageSize": 10})

    async def test_a_run_that_finds_no_room_goes_to_the_end_of_the_queue_and_is_done_later(
        self, rig, tenant, monkeypatch
    ):
        monkeypatch.setattr("limits.ROOM_WAIT_SECONDS", 0.01)
        monkeypatch.setattr("limits.SMALL_BYTES", 0)
        await rig.connect()
        await rig.full()
        room = rig.services.worker.room
        await room.take(limits.ROOM_BYTES)
        asked = await rig.ask(Mode.FULL)

        await rig.services.dispatch.handle(read_message(rig.queue.take().encode()))

        assert (await rig.run(asked.id)).state is RunState.RUNNING
        assert not (await rig.state()).leased(rig.clock())
        room.give(limits.ROOM_BYTES)
        await rig.work()
        assert (await rig.run(asked.id)).state is RunState.COMPLETED
        assert room.held_bytes == 0

    async def test_a_slice_that_had_its_turn_makes_way_and_the_run_ends_in_the_same_list(
        self, rig, tenant, monkeypatch
    ):
        monkeypatch.setattr("limits.SLICE_TURN_SECONDS", 0)
        await rig.connect()
        crowded = rig.with_worker(room=Room(places=1))
        asked = await rig.ask(Mode.FULL)

        slices = await rig.work(crowded)

        run = await rig.run(asked.id)
        assert slices > 1
        assert (run.state, run.counts.read) == (RunState.COMPLETED, 60)
        assert await rig.linked() == rig.expected()

    async def test_a_slice_alone_does_not_make_way(self, rig, tenant, monkeypatch):
        monkeypatch.setattr("limits.SLICE_TURN_SECONDS", 0)
        await rig.connect()
        await rig.ask(Mode.FULL)

        assert await rig.work() == 1
