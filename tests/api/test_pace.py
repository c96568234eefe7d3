"""One person cannot write without pause; people and an import never notice (spec §6)."""

import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec

import limits
from api.caller import Caller
from api.pace import BulkEdits, EditPace
from errors import TooMany, TryLater
from tests.api.calls import called
from workspace.audit import Action
from workspace.connection import TABLE as CONNECTIONS
from workspace.connection import WorkspaceId
from workspace.edits import EditKind


def person(name="ada", workspace="w-1"):
    return Caller(name, name, WorkspaceId(workspace), workspace, is_admin=False)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def taken(pace, caller, most):
    """How many of so many edits in a row were let through."""
    for number in range(most):
        try:
            pace.take(caller)
        except TooMany:
            return number
    return most


def test_an_import_of_a_list_is_let_through():
    assert taken(EditPace(Clock()), person(), limits.EDITS_AT_ONCE) == limits.EDITS_AT_ONCE


def test_who_writes_without_pause_is_held_to_the_steady_rate():
    clock = Clock()
    pace = EditPace(clock)
    taken(pace, person(), 10_000)

    clock.seconds += 60

    assert taken(pace, person(), 10_000) == 60 * limits.EDITS_PER_SECOND


def test_asking_again_and_again_does_not_lengthen_the_wait():
    clock = Clock()
    pace = EditPace(clock, burst=1, per_second=1)
    taken(pace, person(), 1)
    for _ in range(9):
        clock.seconds += 0.125
        if taken(pace, person(), 1):
            break

    assert clock.seconds == 1.0


def test_others_are_not_held_up():
    pace = EditPace(Clock(), burst=2)
    taken(pace, person(), 10)

    assert taken(pace, person("bob"), 2) == 2
    assert taken(pace, person("ada", "w-2"), 2) == 2


async def test_a_person_who_edits_too_fast_is_told_when_to_go_on(rig, directory):
    await rig.connect()
    await rig.full()
    calls = dataclasses.replace(rig.services.contact_calls, pace=EditPace(Clock(), burst=1, per_second=0.1))
    token = directory.control.token(f"member@{rig.workspace}")
    route = {"list": rig.list_id}

    first = await called(calls.add, "POST", token, {"firstName": "Ada"}, route)
    second = await called(calls.add, "POST", token, {"firstName": "Bob"}, route)

    assert first.status_code == 201
    assert (second.status_code, second.headers["Retry-After"]) == (429, "10")
    assert b"too_many" in second.get_body()
    assert [one.fields["firstName"] for one in await rig.contacts()] == ["Ada"]


async def test_the_trail_tells_of_somebody_who_edits_many_contacts(rig, directory):
    await rig.connect()
    calls, route = rig.services.contact_calls, {"list": rig.list_id}
    token = directory.control.token(f"member@{rig.workspace}")
    most = limits.BULK_EDITS[0]
    for number in range(most):
        made = await called(calls.add, "POST", token, {"firstName": f"P{number}"}, route)
        contact = {**route, "contact": msgspec.json.decode(made.get_body())["id"]}
        for _ in range(2):  # The second one changes nothing.
            await called(calls.change, "PATCH", token, {"lastName": "Q"}, contact)
        await called(calls.remove, "DELETE", token, route=contact)

    entries, _ = await rig.services.workspaces.audit(rig.workspace, 10, "")

    told = [(one.action, one.details["contacts"]) for one in reversed(entries)]
    assert told == [(one, most) for one in (Action.ADDED_CONTACTS, Action.CHANGED_CONTACTS, Action.REMOVED_CONTACTS)]
    first = min(datetime.fromisoformat(one.details["since"]) for one in entries)
    assert first < min(one.at for one in entries)


async def test_an_edit_is_made_though_the_trail_cannot_be_told_of_it(rig, directory, caplog):
    await rig.connect()
    calls, route = rig.services.contact_calls, {"list": rig.list_id}
    token = directory.control.token(f"member@{rig.workspace}")
    for number in range(limits.BULK_EDITS[0] - 1):
        await called(calls.add, "POST", token, {"firstName": f"P{number}"}, route)
    transact = rig.services.tables.transact

    async def without_a_trail(partition, operations):
        if partition.table == CONNECTIONS:
            raise TryLater("storage is away")
        return await transact(partition, operations)

    rig.services.tables.transact = without_a_trail
    answer = await called(calls.add, "POST", token, {"firstName": "Last"}, route)

    assert answer.status_code == 201
    assert "edits_not_told" in caplog.text
    assert len(await rig.contacts()) == limits.BULK_EDITS[0]


def test_edits_of_another_hour_person_or_kind_are_not_counted_together():
    now, bulk = datetime(2026, 1, 1, tzinfo=UTC), BulkEdits()
    for _ in range(limits.BULK_EDITS[0] - 1):
        assert bulk.count(person(), EditKind.REMOVED, now) is None
        now += timedelta(seconds=1)

    assert bulk.count(person("bob"), EditKind.REMOVED, now) is None
    assert bulk.count(person(), EditKind.ADDED, now) is None
    now += timedelta(hours=1)
    assert bulk.count(person(), EditKind.REMOVED, now) is None


def test_of_edits_at_once_the_earliest_begins_the_hour():
    now, bulk = datetime(2026, 1, 1, tzinfo=UTC), BulkEdits()
    later = [now + timedelta(milliseconds=one) for one in (2, 0, 1, *range(3, limits.BULK_EDITS[0]))]

    told = [bulk.count(person(), EditKind.ADDED, one) for one in later]

    assert told[-1] == (limits.BULK_EDITS[0], now)
