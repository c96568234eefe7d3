"""Change notifications are a doorbell: gathered, never lost, and nothing without the connection's secret (spec §6)."""

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

import limits
from api.notifications import read_notifications
from errors import TryLater
from sync.doorbell import Doorbell, Notification, start_for
from sync.messages import DOORBELL, SCHEDULE, Ring, Start, read_message, write_message
from tests.memory_microsoft import MemoryMicrosoft
from tests.memory_rig import make_memory_rig
from tests.rig import Killed
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect
from workspace.run import Mode, Run, RunState, Trigger
from workspace.state import SyncState, WhyNotLive

URL = "https://entra.emu.example/api/integrations/entra/notifications"


@pytest.fixture
def tenant():
    return MemoryMicrosoft().tenant(people=12, shape={"pageSize": 5})


@pytest.fixture
def rig(tenant):
    return make_memory_rig(tenant, notification_url=URL)


def subscriptions(tenant):
    return tenant.tenant.subscriptions.live(tenant.tenant.now())


def genuine(tenant):
    (one,) = subscriptions(tenant)
    return Notification(one.id, one.client_state)


async def ring(rig, *notifications):
    await rig.services.doorbell.ring(notifications)


async def hour(rig, hours=1):
    rig.tenant.advance(hours * 3600)
    rig.clock.offset += timedelta(hours=hours)
    await rig.services.dispatch.handle(Start(rig.workspace, Mode.DELTA, SCHEDULE))
    await rig.work()


async def settle(rig):
    """Let every message come, whenever it is due."""
    while (at := rig.queue.next_at()) is not None:
        rig.clock.offset += timedelta(seconds=max(0.0, at - rig.clock().timestamp()) + 0.001)
        await rig.work()


async def runs(rig, trigger=Trigger.NOTIFICATION):
    found, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    return [one for one in found if one.trigger is trigger]


async def connected(rig):
    await rig.connect()
    await rig.full()
    rig.clock.offset += timedelta(minutes=1)
    await rig.queue.clear_messages()


async def test_a_change_is_in_the_list_when_its_doorbell_rang(rig, tenant):
    await connected(rig)
    person = min(rig.expected())
    tenant.change(person, givenName="Newly")

    await ring(rig, genuine(tenant))
    await rig.work()

    assert (await rig.linked())[person]["firstName"] == "Newly"
    (run,) = await runs(rig)
    assert (run.mode, run.state, run.cost.graph_requests) == (Mode.DELTA, RunState.COMPLETED, 1)


async def test_a_flood_costs_one_message_and_no_request_until_its_run(rig, tenant):
    await connected(rig)
    requests, reads = dict(tenant.state()["requests"]), []
    rig.services.tables.before_call = reads.append

    for _ in range(100):
        await ring(rig, *[genuine(tenant)] * 100)

    assert (len(rig.queue), len(reads)) == (2, 1)
    assert tenant.state()["requests"] == requests
    await settle(rig)
    assert len(await runs(rig)) == 2


async def test_a_burst_of_500_changes_within_a_second_makes_three_runs_at_most(rig, tenant):
    await connected(rig)
    there = sorted(rig.expected())
    for number in range(500):
        tenant.change(there[number % len(there)], givenName=f"Name {number}")
        await ring(rig, genuine(tenant))
        if number % 100 == 0:
            await rig.work()
    await settle(rig)

    assert len(await runs(rig)) <= 3
    assert await rig.linked() == rig.expected()


async def test_a_doorbell_that_comes_during_a_run_is_followed_by_a_run(rig, tenant):
    await connected(rig)
    person, asked = max(rig.expected()), await rig.delta()
    tenant.change(person, surname="Meanwhile")
    during = asked.started_at + timedelta(milliseconds=1)

    await rig.services.dispatch.handle(Ring((rig.workspace,), during))
    await settle(rig)

    assert (await rig.linked())[person]["lastName"] == "Meanwhile"
    (second,) = await runs(rig)
    assert second.started_at - asked.started_at >= limits.DOORBELL_PAUSE


async def test_while_a_long_run_goes_on_one_run_is_remembered_to_follow_it(rig, tenant):
    await connected(rig)
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    await rig.with_worker(slice_seconds=0).handle(Start(rig.workspace))
    state = await rig.state()
    until = rig.clock() + timedelta(minutes=5)
    await rig.services.workspaces.save(replace(state, lease_owner="another", lease_until=until))
    rig.clock.offset += timedelta(seconds=20)

    for _ in range(3):
        await rig.services.dispatch.handle(Ring((rig.workspace,), rig.clock()))

    follow_up = (await rig.state()).follow_up
    assert (follow_up.trigger, follow_up.mode) == (Trigger.NOTIFICATION, Mode.DELTA)
    rig.clock.offset += timedelta(minutes=6)
    await rig.services.dispatch.handle(Start(rig.workspace))
    await settle(rig)
    assert [(await rig.run(one)).state for one in (asked.id, follow_up.id)] == [RunState.COMPLETED] * 2


async def test_a_doorbell_that_a_later_run_covers_starts_none(rig, tenant):
    await connected(rig)
    before = rig.clock()
    await rig.delta()

    await rig.services.dispatch.handle(Ring((rig.workspace,), before))
    await settle(rig)

    assert await runs(rig) == []


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_several_connections_have_one_message_and_each_its_own_run(rig, times):
    await connected(rig)
    message = write_message(Ring((rig.workspace, "w-unknown"), rig.clock()))

    for _ in range(times):
        await rig.services.dispatch.handle(read_message(message.encode()))
    await settle(rig)

    assert len(await runs(rig)) == 1


async def test_the_first_doorbell_rings_at_once_and_the_next_ones_15_seconds_after_its_run_began(rig, tenant):
    await connected(rig)
    began = rig.clock()

    for seconds in (0, 1, 2, 14):
        rig.clock.offset += began + timedelta(seconds=seconds) - rig.clock()
        await ring(rig, genuine(tenant))
        await rig.work()
    await settle(rig)

    second, first = await runs(rig)
    assert first.started_at - began < timedelta(seconds=1)
    assert timedelta(0) <= second.started_at - first.started_at - limits.DOORBELL_PAUSE < timedelta(seconds=2)


def test_approved_removals_read_nothing_so_a_doorbell_is_followed_by_a_run(rig):
    now = rig.clock()
    queued = Run("r", Mode.DELTA, Trigger.SCHEDULE, RunState.QUEUED, now)
    state, message = SyncState(rig.workspace), Ring((rig.workspace,), now)

    started = [
        start_for(message, rig.workspace, replace(state, run=replace(queued, approved=approved)), now)
        for approved in (True, False)
    ]

    assert started == [Start(rig.workspace, Mode.DELTA, DOORBELL), None]


async def test_a_subscription_that_is_newer_than_what_a_process_knows_rings_after_a_second(rig, tenant):
    seconds = [100.0]
    doorbell = Doorbell(rig.services.workspaces, rig.queue, rig.clock, lambda: seconds[0])
    await doorbell.ring([Notification("x", f"forged.{rig.workspace}")])
    await connected(rig)

    for waited, messages in ((0.5, 0), (0.6, 1)):
        seconds[0] += waited
        await doorbell.ring([genuine(tenant)])
        assert len(rig.queue) == messages


async def test_while_the_queue_is_away_a_doorbell_is_not_believed_to_be_on_its_way(rig, tenant):
    def away(_):
        raise TryLater("the queue did not answer")

    await connected(rig)
    await ring(rig, genuine(tenant))
    rig.clock.offset += timedelta(seconds=1)
    rig.queue.before_send = away
    with pytest.raises(TryLater):
        await ring(rig, genuine(tenant))
    rig.queue.before_send = lambda _: None

    await ring(rig, genuine(tenant))

    assert len(rig.queue) == 2


FORGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"value":1}',
    b'{"value":[1,"x",null,[],{}]}',
    b'{"value":[{"subscriptionId":1,"clientState":2}]}',
    b'{"value":[{"subscriptionId":"x"}]}',
    b'{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"value":[{"clientState":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}]}",
    b"x" * 1_000_000,
    b'{"value":[' + b'{"subscriptionId":"a","clientState":"b"},' * 20_000 + b"{}]}",
]


@pytest.mark.parametrize("body", FORGED, ids=range(len(FORGED)))
def test_what_is_no_notification_is_read_as_none(body):
    assert read_notifications(body) == []


async def test_forged_notifications_cause_nothing(rig, tenant):
    await connected(rig)
    right = genuine(tenant)
    secret = right.client_state.partition(".")[0]
    requests, rows = dict(tenant.state()["requests"]), len(rig.services.tables.rows())
    forged = [
        Notification("", ""),
        Notification(right.subscription_id, ""),
        Notification(right.subscription_id, f".{rig.workspace}"),
        Notification(right.subscription_id, f"x{secret[1:]}.{rig.workspace}"),
        Notification(right.subscription_id, f"{secret}.w-other"),
        Notification(right.subscription_id, right.client_state + "x"),
        Notification(right.subscription_id, right.client_state.upper()),
        Notification(right.subscription_id, "\ud800." + rig.workspace),
        Notification("", right.client_state),
        Notification("\ud800", right.client_state),
        Notification(right.subscription_id + "x", right.client_state),
        Notification(right.subscription_id.upper(), right.client_state),
        *(
            Notification(right.subscription_id, f"{secret}.{name}")
            for name in ("..", "a/b", "a'b", "x" * 200, "#", " ")
        ),
    ]

    await ring(rig, *forged)

    assert len(rig.queue) == 0
    assert (tenant.state()["requests"], len(rig.services.tables.rows())) == (requests, rows)


async def test_one_of_an_ended_or_a_paused_connection_does_nothing(rig, tenant):
    await connected(rig)
    notification = genuine(tenant)
    record = entry(Action.PAUSED, "ada", "Ada", rig.clock())
    await rig.services.pausing.pause(rig.workspace, "Ada", record)

    await ring(rig, notification)
    assert len(rig.queue) == 0
    await rig.services.dispatch.handle(Ring((rig.workspace,), rig.clock()))
    await rig.services.connecting.disconnect(rig.workspace, ContactsOnDisconnect.KEEP, record)
    await settle(rig)
    fresh = Doorbell(rig.services.workspaces, rig.queue, rig.clock)
    await fresh.ring([notification])

    assert (subscriptions(tenant), len(rig.queue), await runs(rig)) == ([], 0, [])
    assert (await rig.state()).bell is None


# The subscription.


async def test_a_first_run_makes_one_subscription_whose_secret_is_stored_hashed(rig, tenant):
    await connected(rig)
    await rig.full()

    (one,) = subscriptions(tenant)
    bell = (await rig.state()).bell
    assert (bell.id, bell.why) == (one.id, None)
    assert one.notification_url == f"{URL}?workspace={rig.workspace}"
    assert len(one.client_state) <= 128
    secret = one.client_state.partition(".")[0]
    assert not any(secret in json.dumps(row) for _, row in rig.services.tables.rows())


async def test_it_is_renewed_below_a_third_of_its_life_and_only_then(rig, tenant):
    await connected(rig)
    (one,) = subscriptions(tenant)
    first = one.expires

    for _ in range(2):
        await hour(rig, 8 * 24)
    assert one.expires == first
    await hour(rig, 4 * 24)

    assert subscriptions(tenant) == [one]
    assert one.expires > first
    assert (await rig.state()).bell.until == one.expires


async def test_a_lost_one_is_made_anew_with_another_secret(rig, tenant):
    await connected(rig)
    before = genuine(tenant)
    tenant.tenant.subscriptions.lose()

    await hour(rig, 7)

    assert genuine(tenant).client_state != before.client_state
    rig.clock.offset += timedelta(minutes=1)
    await ring(rig, before)
    assert len(rig.queue) == 0


@pytest.mark.parametrize(
    ("status", "why"), [(403, WhyNotLive.QUOTA), (400, WhyNotLive.UNREACHABLE), (409, WhyNotLive.REFUSED)]
)
async def test_where_it_is_refused_the_hourly_run_does_without_and_tries_a_day_later(rig, tenant, status, why):
    tenant.fault("subscriptions", status=status)
    await connected(rig)

    assert (await rig.state()).bell.why is why
    await hour(rig, 2)
    assert subscriptions(tenant) == []
    await hour(rig, 23)
    assert len(subscriptions(tenant)) == 1


async def test_while_microsoft_does_not_answer_the_run_goes_on_and_the_next_one_tries_again(rig, tenant):
    tenant.fault("subscriptions", status=503)
    await connected(rig)

    assert (await rig.state()).last.state is RunState.COMPLETED
    assert subscriptions(tenant) == []
    await hour(rig)
    assert len(subscriptions(tenant)) == 1


@pytest.mark.parametrize("call", range(1, 8))
async def test_wherever_its_worker_dies_there_is_one_in_the_end(rig, tenant, call):
    await rig.connect()
    await rig.ask(Mode.FULL)
    rig.kill_before = call
    try:
        await rig.work()
    except Killed:
        rig.clock.offset += limits.LEASE + timedelta(seconds=1)
    rig.kill_before = None
    await rig.full()
    await hour(rig, 7)

    assert len(subscriptions(tenant)) == 1
    assert (await rig.state()).bell.id == subscriptions(tenant)[0].id


async def test_a_worker_that_lost_its_lease_takes_back_what_it_made(rig, tenant):
    await rig.connect()
    await rig.ask(Mode.FULL)
    subscribing = rig.services.worker.subscribing

    class Overtaken(type(subscribing)):
        async def _make(self, work):
            made = await super()._make(work)
            state = await rig.state()
            await rig.services.workspaces.save(replace(state, lease_owner="another"))
            return made

    overtaken = Overtaken(subscribing.graph, subscribing.notification_url, subscribing.now)
    await rig.work(rig.with_worker(subscribing=overtaken))

    assert subscriptions(tenant) == []
