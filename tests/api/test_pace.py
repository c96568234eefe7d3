"""One person cannot write without pause; people and an import never notice (spec §6)."""

import dataclasses

import msgspec

import limits
from api.caller import Caller
from api.pace import EditPace, Removals
from errors import TooMany
from tests.api.calls import called
from workspace.audit import Action
from workspace.connection import WorkspaceId


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


async def test_the_trail_tells_of_somebody_who_removes_many_contacts(rig, directory):
    await rig.connect()
    calls, route = rig.services.contact_calls, {"list": rig.list_id}
    token = directory.control.token(f"member@{rig.workspace}")
    most = limits.BULK_REMOVALS[0]
    for number in range(most):
        made = await called(calls.add, "POST", token, {"firstName": f"P{number}"}, route)
        contact = msgspec.json.decode(made.get_body())["id"]
        await called(calls.remove, "DELETE", token, route={**route, "contact": contact})

    entries, _ = await rig.services.workspaces.audit(rig.workspace, 10, "")

    assert [(one.action, one.details) for one in entries] == [(Action.REMOVED_CONTACTS, {"contacts": most})]


def test_removals_of_another_hour_or_person_are_not_counted_together():
    clock = Clock()
    removals = Removals(clock)
    for _ in range(limits.BULK_REMOVALS[0] - 1):
        assert removals.count(person()) is None
        clock.seconds += 1

    assert removals.count(person("bob")) is None
    clock.seconds += 3600
    assert removals.count(person()) is None
