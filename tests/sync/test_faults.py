"""What Graph, storage and workers do wrong, and what becomes of a run (spec §6)."""

from datetime import timedelta

import pytest

import limits
from errors import TryLater
from sync.messages import Continue, Start
from workspace.connection import ConnectionState
from workspace.run import Mode, RunState


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=90, shape={"pageSize": 10})


@pytest.mark.servers
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retryAfter": "1"},
        {"status": 429, "retryAfter": "0"},
        {"status": 429},
        {"status": 429, "retryAfter": "http-date:1"},
        {"status": 500},
        {"status": 502},
        {"status": 503},
        {"status": 504},
        {"status": 403, "code": "AccessDenied"},
        {"kind": "reset"},
        {"kind": "truncated"},
        {"kind": "malformed"},
        {"kind": "claims"},
    ],
    ids=str,
)
async def test_a_passing_fault_costs_one_request_more(rig, tenant, fault):
    await rig.connect()
    tenant.fault("delta", skip=2, **fault)

    run = await rig.full()

    assert run.state is RunState.COMPLETED
    assert await rig.linked() == rig.expected()
    assert tenant.state()["requests"]["delta"] == 9 + 1
    assert tenant.state()["faultsLeft"] == 0


async def test_a_stall_is_given_up_in_time_and_costs_one_request_more(rig, tenant):
    await rig.connect()
    tenant.fault("delta", kind="stall", seconds=20, skip=2)
    rig.services.graph.longest_request_seconds = 1.0

    run = await rig.full()

    assert run.state is RunState.COMPLETED
    assert await rig.linked() == rig.expected()
    assert tenant.state()["requests"]["delta"] == 9 + 1


async def test_a_long_pause_ends_the_slice_and_costs_no_try(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=429, retryAfter="3600", skip=4)
    asked = await rig.ask(Mode.FULL)

    await rig.work()
    run = await rig.run(asked.id)
    assert run.state is RunState.RUNNING
    assert run.resume_at is not None
    assert run.counts.read == 40
    assert tenant.state()["requests"]["delta"] == 5

    rig.clock.offset = timedelta(seconds=3601)
    await rig.services.dispatch.handle(Continue(rig.workspace, run.id, run.step))
    run = await rig.run(asked.id)
    assert run.state is RunState.COMPLETED
    assert run.counts.added == len(rig.expected())
    assert tenant.state()["requests"]["delta"] == 10


async def test_graph_that_never_answers_well_fails_the_message_after_five_tries(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=504, times=100)
    asked = await rig.ask(Mode.FULL)

    with pytest.raises(TryLater):
        await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert tenant.state()["requests"]["delta"] == 5
    await rig.services.worker.give_up(Continue(rig.workspace, asked.id, 0))
    run = await rig.run(asked.id)
    assert run.state is RunState.FAILED
    assert run.error.action


async def test_a_link_to_a_foreign_host_fails_the_run_and_is_not_followed(rig, tenant):
    await rig.connect()
    tenant.fault("delta", kind="foreign_link", skip=1)

    run = await rig.full()

    assert run.state is RunState.FAILED
    assert run.error.code == "foreign_link"
    assert tenant.state()["requests"]["delta"] == 2


async def test_an_odd_record_is_skipped_and_listed_and_nobody_is_lost(rig, tenant):
    await rig.connect()
    await rig.full()
    tenant.fault("delta", kind="odd_record")

    run = await rig.full()

    assert (run.state, run.counts.skipped, run.counts.unlinked) == (RunState.COMPLETED, 1, 0)
    assert await rig.linked() == rig.expected()


async def test_while_somebody_has_no_readable_id_nobody_counts_as_gone(rig, tenant):
    await rig.connect()
    await rig.full()
    everybody = await rig.linked()
    left = min(everybody)
    tenant.purge(left)
    tenant.fault("delta", kind="odd_record", code="id")

    run = await rig.full()

    assert (run.counts.skipped, run.counts.unlinked) == (1, 0)
    assert await rig.linked() == everybody
    assert (await rig.full()).counts.unlinked == 1


@pytest.mark.parametrize("lost_as", ["700016", "7000229", "7000112", "5000225", "Authorization_RequestDenied"])
async def test_lost_consent_ends_runs_and_keeps_contacts_and_configuration(rig, tenant, lost_as):
    await rig.connect()
    await rig.full()
    tenant.consent(given=False, lostAs=lost_as)

    run = await rig.delta()

    connection, state = await rig.services.workspaces.load(rig.workspace)
    assert (run.state, run.error.code) == (RunState.FAILED, "consent_lost")
    assert connection.state is ConnectionState.PERMISSIONS_REQUIRED
    assert connection.configuration.version == 1
    assert state.run is None
    assert await rig.linked() == rig.expected()


async def test_a_tenant_that_is_not_found_is_believed_when_it_persists(rig, tenant):
    await rig.connect()
    await rig.full()
    tenant.consent(given=False, lostAs="90002")

    first, again = await rig.delta(), await rig.delta()
    early, _ = await rig.services.workspaces.load(rig.workspace)
    rig.clock.offset += timedelta(hours=1)
    last = await rig.delta()

    assert [run.error.code for run in (first, again, last)] == ["consent_lost"] * 3
    assert "does not find" in first.error.message
    assert early.state is ConnectionState.ACTIVE
    assert (await rig.services.workspaces.load(rig.workspace))[0].state is ConnectionState.PERMISSIONS_REQUIRED


async def test_a_refusal_that_passes_is_not_taken_for_lost_consent(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=403, code="Authorization_RequestDenied")

    run = await rig.full()

    assert run.state is RunState.COMPLETED


@pytest.mark.parametrize("number", ["7000215", "7000222", "700027", "50012", "70021"])
async def test_our_own_credential_failing_touches_no_connection(rig, tenant, number):
    await rig.connect()
    tenant.consent(credentialError=number)
    asked = await rig.ask(Mode.FULL)

    await rig.work()

    connection, _ = await rig.services.workspaces.load(rig.workspace)
    assert connection.state is ConnectionState.ACTIVE
    assert (await rig.run(asked.id)).state is RunState.RUNNING
    assert await rig.services.alarms.current(rig.clock()) == f"AADSTS{number}"
    tenant.consent(credentialError="")
    rig.clock.offset = timedelta(seconds=301)
    await rig.services.dispatch.handle(Start(rig.workspace))
    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_while_our_own_credential_fails_a_click_tries_at_once(rig, tenant):
    await rig.connect()
    tenant.consent(credentialError="7000222")
    asked = await rig.ask(Mode.FULL)
    await rig.work()
    assert (await rig.run(asked.id)).resume_at is not None
    tenant.consent(credentialError="")

    clicked = await rig.ask(Mode.FULL)
    await rig.work()

    assert clicked.id == asked.id
    assert (await rig.run(asked.id)).state is RunState.COMPLETED


async def test_clicks_while_our_own_credential_fails_leave_one_message_and_not_one_each(rig, tenant):
    await rig.connect()
    tenant.consent(credentialError="7000222")
    await rig.ask(Mode.FULL)
    await rig.work()
    for _ in range(5):
        rig.clock.offset += timedelta(seconds=20)
        await rig.ask(Mode.FULL)
        await rig.work()

    for _ in range(20):
        rig.clock.offset += timedelta(seconds=limits.OPERATOR_PAUSE_SECONDS / 15)
        await rig.work()

    assert len(rig.queue) == 1


async def test_a_click_does_not_shorten_a_pause_that_microsoft_asked_for(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=429, retryAfter="600", times=1)
    asked = await rig.ask(Mode.FULL)
    await rig.work()

    await rig.ask(Mode.FULL)
    await rig.work()

    assert (await rig.run(asked.id)).state is RunState.RUNNING


async def test_a_run_whose_worker_vanished_is_picked_up_by_the_timer(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    tenant.fault("delta", status=504, times=5, skip=3)
    with pytest.raises(TryLater):
        await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    await rig.tick()
    await rig.work()

    run = await rig.run(asked.id)
    assert run.state is RunState.COMPLETED
    assert run.counts.read == 90
    assert await rig.linked() == rig.expected()


async def test_an_unreadable_message_is_noted_and_gone(rig, caplog):
    await rig.services.dispatch.bury(b"not json")

    assert "message_unreadable bytes=8" in caplog.text


async def test_messages_that_come_twice_late_or_never_do_no_harm(rig):
    await rig.connect()
    first = await rig.full()
    before, state = await rig.rows(), await rig.state()

    for message in (Continue(rig.workspace, first.id, 0), Continue(rig.workspace, first.id, 99)):
        await rig.services.dispatch.handle(message)

    assert await rig.rows() == before
    assert await rig.state() == state


async def test_a_slice_whose_time_is_up_hands_over_and_the_next_goes_on(rig, tenant):
    await rig.connect()
    hasty = rig.with_worker(slice_seconds=0)
    asked = await rig.ask(Mode.FULL)

    slices = await rig.work(hasty)

    run = await rig.run(asked.id)
    assert run.state is RunState.COMPLETED
    assert slices >= 2
    assert run.counts.added == len(rig.expected())
    assert tenant.state()["requests"]["delta"] <= 2 * 9
