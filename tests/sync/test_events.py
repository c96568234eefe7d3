"""What emu.chat is told: at least once each, and nothing that did not happen (spec §6 'Events')."""

import json
from collections import Counter

import pytest

from errors import TryLater
from mapping.configuration import RemovalGuard
from sync.messages import SCHEDULE, Start
from tests.rig import Killed
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect
from workspace.events import KINDS, type_of
from workspace.run import Mode, RunState

PREFIX = "chat.emu.entra."


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=12, shape={"pageSize": 5})


def sent(rig):
    """The events of the queue, in the order in which they were sent; the queue is empty then."""
    found = []
    while (text := rig.services.events.take()) is not None:
        found.append(json.loads(text))
    return found


def told(rig):
    return [one["type"].removeprefix(PREFIX) for one in sent(rig)]


def waiting(rig):
    return [row["RowKey"] for _, row in rig.services.tables.rows() if row["RowKey"].startswith("outbox:")]


def record(rig, action):
    return entry(action, "ada", "Ada", rig.clock())


async def hour(rig):
    """The timer's visit, as the host delivers it; the worker that died is believed dead by then."""
    rig.kill_before = None
    rig.services.events.before_send = lambda _: None
    rig.clock.offset += rig.clock.offset.__class__(hours=1)
    await rig.services.dispatch.handle(Start(rig.workspace, Mode.DELTA, SCHEDULE))
    await rig.work()


async def test_a_run_that_changed_something_is_told_and_one_that_did_not_is_not(rig):
    await rig.connect()
    sent(rig)

    first = await rig.full()
    await rig.delta()

    (event,) = sent(rig)
    assert event["type"] == f"{PREFIX}list_changed"
    assert (event["source"], event["subject"]) == (f"/workspaces/{rig.workspace}", first.id)
    assert event["data"] == {
        "listId": rig.list_id,
        "added": first.counts.added,
        "linked": 0,
        "updated": 0,
        "removed": 0,
        "unlinked": 0,
    }
    assert (event["specversion"], event["datacontenttype"]) == ("1.0", "application/json")
    assert waiting(rig) == []


async def test_a_connections_life_is_told(rig, tenant):
    await rig.connect()
    await rig.full()
    await rig.services.pausing.pause(rig.workspace, "Ada", record(rig, Action.PAUSED))
    await rig.services.pausing.resume(rig.workspace, "Ada", record(rig, Action.RESUMED))
    await rig.work()
    tenant.consent(given=False)
    await rig.delta()
    tenant.consent(given=True)
    connecting = rig.services.connecting
    await connecting.connect(rig.workspace, tenant.id, "Contoso", "Ada", record(rig, Action.CONNECTED))
    await rig.work()

    await connecting.disconnect(rig.workspace, ContactsOnDisconnect.KEEP, record(rig, Action.DISCONNECTED))
    await rig.work()

    assert told(rig) == [
        *("list_changed", "paused", "resumed", "permission_lost", "connected", "disconnected"),
    ]


async def test_removals_that_wait_are_told_and_then_what_the_approval_did(rig, tenant):
    await rig.connect(removal_guard=RemovalGuard(3, 0))
    await rig.full()
    sent(rig)
    tenant.purge(*sorted(rig.expected())[:5])

    held = await rig.delta()
    await rig.services.requests.approve(rig.workspace, held.id)
    await rig.work()

    events = sent(rig)
    assert [one["type"].removeprefix(PREFIX) for one in events] == ["removals_waiting", "list_changed"]
    assert {one["subject"] for one in events} == {held.id}
    assert (events[0]["data"]["count"], events[1]["data"]["unlinked"]) == (5, 5)


async def test_the_third_failure_in_a_row_is_told_once_and_its_end_once(rig, tenant):
    await rig.connect()
    await rig.full()
    sent(rig)
    for _ in range(2):
        tenant.fault("delta", kind="foreign_link")
        await rig.full()
    await rig.full()
    assert told(rig) == []

    for _ in range(5):
        tenant.fault("delta", kind="foreign_link")
        assert (await rig.full()).state is RunState.FAILED
    tenant.clear_faults()
    for _ in range(2):
        await rig.full()

    events = [one for one in sent(rig) if one["type"] == f"{PREFIX}run_failed"]
    assert [one["data"]["failing"] for one in events] == [True, False]
    assert events[0]["data"]["error"]["code"] == "foreign_link"


async def test_people_who_could_not_be_stored_are_counted_and_not_named(rig, tenant):
    await rig.connect()
    tenant.hire(givenName="Xanthippe", surname="Q" * 40_000)

    run = await rig.full()

    events = sent(rig)
    assert sorted(one["type"] for one in events if one["subject"] == run.id) == [
        f"{PREFIX}list_changed",
        f"{PREFIX}people_skipped",
    ]
    assert "Xanthippe" not in json.dumps(events)


async def test_while_the_queue_is_away_events_wait_and_the_timers_visit_sends_them(rig):
    def away(_):
        raise TryLater("the queue did not answer")

    await rig.connect()
    sent(rig)
    rig.services.events.before_send = away

    assert (await rig.full()).state is RunState.COMPLETED
    assert (told(rig), len(waiting(rig))) == ([], 1)

    await hour(rig)
    assert (told(rig), waiting(rig)) == (["list_changed"], [])


async def test_an_idle_run_reads_no_outbox(rig):
    await rig.connect()
    await rig.full()

    assert (await rig.delta()).cost.table_transactions == 4


@pytest.mark.parametrize("call", range(1, 40))
async def test_wherever_the_process_dies_each_event_comes_at_least_once_and_no_other(rig, tenant, call):
    """Between the transaction and the queue, between the queue and the outbox row's end, and everywhere else."""
    await rig.connect(removal_guard=RemovalGuard(3, 0))
    await rig.full()
    sent(rig)
    gone, *_, changed = sorted(rig.expected())
    tenant.remove(gone)
    tenant.change(changed, givenName="Newly")
    asked = await rig.ask()
    rig.kill_before = call

    try:
        await rig.work()
    except Killed:
        await hour(rig)
    rig.kill_before = None

    runs, _ = await rig.services.workspaces.history(rig.workspace, 10, "")
    happened = {one.id for one in runs if one.counts.updated + one.counts.unlinked and one.id <= asked.id}
    events = {one["id"]: one for one in sent(rig)}
    assert Counter(one["subject"] for one in events.values()) == dict.fromkeys(happened, 1)
    assert {one["type"] for one in events.values()} == {f"{PREFIX}list_changed"}
    assert waiting(rig) == []


async def test_a_process_that_dies_between_queue_and_outbox_sends_the_same_event_again(rig):
    await rig.connect()
    sent(rig)
    asked = await rig.ask(Mode.FULL)

    def die_after_sending(_):
        rig.kill_before = 1

    rig.services.events.before_send = die_after_sending
    with pytest.raises(Killed):
        await rig.work()
    await hour(rig)

    first, second = sent(rig)
    assert first == second
    assert first["subject"] == asked.id


def test_every_kind_has_the_name_that_the_specification_gives_it():
    assert {type_of(one).removeprefix(PREFIX) for one in KINDS} == {
        *("connected", "disconnected", "permission_lost", "removals_waiting", "run_failed", "people_skipped"),
        *("paused", "resumed", "list_changed"),
    }
