"""The hour is even: each workspace at its own place between two ticks; parts continue one another (spec §6)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import limits
from storage.transaction import Operation, Partition, Verb
from sync.messages import HOURLY_QUEUE, QUEUE, Prune, Start, Tick, read_message, write_message
from sync.schedule import TABLE, Schedule, own_place, place_in
from sync.timetable import read_timetable
from tests.memory import MemoryQueue, MemoryTables
from tests.triggers import triggers
from workspace.connection import WorkspaceId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORKSPACES = [WorkspaceId(f"w-{number}") for number in range(1000)]


class Hour:
    """A schedule in memory, with a clock that a test sets."""

    def __init__(self, text="0 0 * * * *", now=NOON):
        self.now = now
        self.calls = Counter()
        self.queue = MemoryQueue(lambda: self.now)
        self.tables = MemoryTables(self._count)
        self.schedule = Schedule(self.tables, self.queue, read_timetable(text), lambda: self.now)

    def _count(self, method):
        self.calls[method] += 1

    async def enrol(self, workspaces):
        """Fill the timer's list, a hundred workspaces a transaction."""
        for start in range(0, len(workspaces), 100):
            rows = [Operation(Verb.PUT, one, {}) for one in workspaces[start : start + 100]]
            for name in ("active", "known"):
                await self.tables.transact(Partition(TABLE, name), rows)
        self.calls.clear()

    async def tick(self):
        """The starts of a whole tick: its parts work until none is left."""
        messages = []
        await self.schedule.tick()
        while (found := self.messages()) and any(isinstance(one, Tick) for one, _ in found):
            for one, _ in found:
                if isinstance(one, Tick):
                    await self.schedule.work(one)
            messages += found
        return [(one, at) for one, at in [*messages, *found] if not isinstance(one, Tick)]

    def messages(self):
        """The queue's messages, each with the moment at which it is visible; the queue is empty then."""
        found = []
        while (at := self.queue.next_at()) is not None:
            moment = datetime.fromtimestamp(at, UTC)
            found.append((read_message(self.queue.take(moment).encode()), moment))
        return found

    async def starts(self):
        return {one.workspace_id: at for one, at in await self.tick() if isinstance(one, Start)}


def fullest_second(moments):
    return max(Counter(moment.replace(microsecond=0) for moment in moments).values())


async def test_every_workspace_starts_once_at_the_place_that_its_status_shows():
    hour = Hour(now=NOON - timedelta(seconds=1.5))
    await hour.enrol(WORKSPACES)
    shown = {one: hour.schedule.next_run_at(one) for one in WORKSPACES}
    hour.now = NOON

    starts = await hour.starts()

    assert starts == shown


async def test_the_place_is_the_same_from_tick_to_tick():
    hour = Hour()
    await hour.enrol(WORKSPACES[:50])
    first = await hour.starts()
    hour.now = NOON + HOUR

    assert await hour.starts() == {one: at + HOUR for one, at in first.items()}


async def test_no_second_has_more_than_twice_the_starts_of_the_mean():
    """A hundred thousand in an hour, and a thousand in a minute."""
    crowd = [WorkspaceId(f"w-{number}") for number in range(100_000)]

    hour = Counter(own_place(one, NOON, NOON + HOUR) for one in crowd)
    minute = Counter(own_place(one, NOON, NOON + timedelta(minutes=1)) for one in WORKSPACES)

    assert max(hour.values()) <= 2 * len(crowd) / 3600
    assert max(minute.values()) <= 2 * len(WORKSPACES) / 60


async def test_with_a_schedule_of_five_seconds_every_start_is_within_five():
    hour = Hour("*/5 * * * * *")
    await hour.enrol(WORKSPACES[:100])

    assert all(NOON <= at < NOON + timedelta(seconds=5) for at in (await hour.starts()).values())


async def test_a_schedule_of_a_day_is_spread_over_an_hour():
    hour = Hour("0 0 12 * * *")
    await hour.enrol(WORKSPACES[:100])

    starts = await hour.starts()

    assert all(NOON <= at < NOON + HOUR for at in starts.values())
    assert max(starts.values()) > NOON + HOUR / 2


async def test_a_timer_that_is_a_little_early_works_for_the_tick_that_is_meant():
    hour = Hour()
    await hour.enrol(WORKSPACES[:50])
    meant = await hour.starts()
    hour.now = NOON - timedelta(milliseconds=80)

    # The queue counts delays in whole seconds.
    assert all(abs(at - meant[one]) < timedelta(seconds=1) for one, at in (await hour.starts()).items())


async def test_a_missed_tick_is_made_up_for_once_and_as_evenly_as_it_would_have_been():
    hour = Hour("0 * * * * *")
    await hour.enrol(WORKSPACES)
    due = await hour.starts()
    hour.now = late = NOON + timedelta(seconds=50)

    starts = await hour.starts()

    assert set(starts) == set(WORKSPACES)
    assert all(starts[one] == at for one, at in due.items() if at >= late)
    assert all(starts[one] == at + timedelta(seconds=50) for one, at in due.items() if at < late)
    # The next tick comes meanwhile with as many.
    hour.now = NOON + timedelta(minutes=1)
    both = [*starts.values(), *(await hour.starts()).values()]
    assert fullest_second(both) <= 2 * 2 * len(WORKSPACES) / 60


async def test_parts_continue_one_another_and_read_each_row_once(monkeypatch):
    monkeypatch.setattr(limits, "TICK_SECONDS", 0)
    hour = Hour()
    many = [WorkspaceId(f"many-{number:05d}") for number in range(2500)]
    await hour.enrol(many)

    messages = await hour.tick()

    starts = Counter(one.workspace_id for one, _ in messages if isinstance(one, Start))
    prunes = Counter(one.workspace_id for one, _ in messages if isinstance(one, Prune))
    assert starts == prunes == Counter(many)
    # Three pages of each list, and the row that says which day was pruned.
    assert hour.calls["GET"] == 3 + 3 + 1


async def test_a_workspace_is_pruned_once_a_day_and_not_in_one_second_with_the_others():
    hour = Hour()
    await hour.enrol(WORKSPACES[:50])

    first = [at for one, at in await hour.tick() if isinstance(one, Prune)]
    hour.now += HOUR
    again = [at for one, at in await hour.tick() if isinstance(one, Prune)]
    hour.now += timedelta(days=1)
    next_day = [at for one, at in await hour.tick() if isinstance(one, Prune)]

    assert [len(first), len(again), len(next_day)] == [50, 0, 50]
    assert fullest_second(first) < 10


async def test_a_workspace_that_no_longer_syncs_is_pruned_and_not_started():
    hour = Hour()
    await hour.schedule.enrol(WORKSPACES[0])
    await hour.schedule.leave(WORKSPACES[0])
    hour.messages()

    assert [one for one, _ in await hour.tick()] == [Prune(WORKSPACES[0])]


async def test_a_workspace_that_is_enrolled_within_the_hour_starts_at_the_place_that_is_shown():
    hour = Hour(now=NOON + timedelta(minutes=20))
    ahead = [one for one in WORKSPACES if own_place(one, NOON, NOON + HOUR) > hour.now]
    for one in WORKSPACES:
        await hour.schedule.enrol(one)
        await hour.schedule.enrol(one)

    starts = [(one.workspace_id, at) for one, at in hour.messages()]

    assert sorted(starts) == sorted((one, hour.schedule.next_run_at(one)) for one in ahead)


def test_the_next_run_is_in_the_next_hour_when_this_hours_has_begun():
    hour = Hour(now=NOON + HOUR - timedelta(seconds=1.5))

    shown = {hour.schedule.next_run_at(one) - own_place(one, NOON, NOON + HOUR) for one in WORKSPACES[:50]}

    assert shown == {HOUR}


def test_the_timer_coming_a_moment_late_moves_nobody_by_more_than_that_moment():
    tick = Tick(NOON, NOON + HOUR, NOON + timedelta(seconds=0.7))

    moved = [place_in(one, tick) - own_place(one, NOON, NOON + HOUR) for one in WORKSPACES]

    assert max(moved) <= timedelta(seconds=0.7)


def test_what_the_timer_starts_waits_in_a_queue_of_its_own():
    """So a click begins before the hour's runs that are due at the same time."""
    queues = {name: told["queueName"] for name, told in triggers().items() if told["type"] == "queueTrigger"}

    assert queues["work_on_run"] == QUEUE
    assert queues["work_on_hourly_run"] == HOURLY_QUEUE != QUEUE


def test_a_tick_comes_back_from_the_queue_as_it_was():
    tick = Tick(NOON, NOON + HOUR, NOON, "w-7", prunes=True)

    assert read_message(write_message(tick).encode()) == tick


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("0 0 * * * *", NOON, "2026-11-23T12:00:00"),
        ("0 0 * * * *", NOON - timedelta(milliseconds=1), "2026-11-23T11:00:00"),
        ("*/5 * * * * *", NOON + timedelta(seconds=7), "2026-11-23T12:00:05"),
        ("0 0 0 1 1 *", NOON, "2026-01-01T00:00:00"),
        ("0 0 0 29 2 *", NOON, "2024-02-29T00:00:00"),
        ("0 30 9-10 * * MON", NOON, "2026-11-23T10:30:00"),
        ("* * * * * SUN", NOON, "2026-11-22T23:59:59"),
    ],
)
def test_the_last_occurrence(text, moment, expected):
    assert read_timetable(text).last_until(moment).isoformat() == f"{expected}+00:00"
