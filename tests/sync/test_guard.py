"""The accidental-deletion guard: removals wait for an administrator, everything else goes on (spec §5)."""

import pytest

from mapping.configuration import DeletionBehavior, RemovalGuard
from sync.messages import Continue
from sync.requests import NotPossible
from workspace.run import Mode, Request, RunState, Trigger

LEAVERS = 25


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=120, shape={"pageSize": 30})


@pytest.fixture
async def held(rig, tenant):
    """A full run whose removals wait, with a change beside them that does not."""
    await rig.connect()
    await rig.full()
    there = sorted(rig.expected())
    tenant.remove(*there[:LEAVERS])
    tenant.change(there[-1], givenName="Changed")
    rig.gone = there[:LEAVERS]
    rig.held = await rig.full()
    return rig


async def approve(rig, run):
    await rig.services.requests.approve(rig.workspace, run.id)
    await rig.work()
    return await rig.run(run.id)


async def test_removals_over_the_guard_wait_and_the_rest_is_applied(held, tenant):
    linked = await held.linked()

    assert held.held.state is RunState.AWAITING_APPROVAL
    assert held.held.pending_removals.count == LEAVERS
    assert 0 < len(held.held.pending_removals.sample) <= 10
    assert set(held.gone) <= set(linked)
    assert linked[max(held.expected())]["firstName"] == "Changed"
    assert held.held.counts.unlinked == 0


async def test_approved_removals_are_applied_once(held):
    run = await approve(held, held.held)
    again = await approve(held, held.held)

    assert (run.state, run.counts.unlinked) == (RunState.COMPLETED, LEAVERS)
    assert again == run
    assert await held.linked() == held.expected()
    totals = (await held.state()).totals
    assert (totals.contacts, totals.linked) == (len(await held.contacts()), len(held.expected()))


async def test_discarded_removals_are_dropped_and_a_full_run_follows(held):
    request = Request(held.workspace, Mode.FULL, Trigger.MANUAL, "Ada")

    dropped = await held.services.requests.discard(held.workspace, held.held.id, request)
    await held.work()

    assert dropped.state is RunState.DISCARDED
    latest = (await held.state()).last
    assert (latest.mode, latest.state) == (Mode.FULL, RunState.AWAITING_APPROVAL)
    assert set(held.gone) <= set(await held.linked())
    with pytest.raises(NotPossible):
        await held.services.requests.approve(held.workspace, held.held.id)


async def test_deltas_go_on_while_removals_wait(held, tenant):
    tenant.change(max(held.expected()), givenName="Again")
    hired = tenant.hire(givenName="New")

    run = await held.delta()

    assert run.state is RunState.COMPLETED
    linked = await held.linked()
    assert linked[hired]["firstName"] == "New"
    assert set(held.gone) <= set(linked)
    assert (await held.state()).waiting.id == held.held.id


async def test_who_came_back_before_the_approval_is_left_alone(held, tenant):
    back = held.gone[0]
    tenant.restore(back)
    tenant.change(back, givenName="Back")
    await held.delta()

    run = await approve(held, held.held)

    assert run.counts.unlinked == LEAVERS - 1
    assert back in await held.linked()
    assert await held.linked() == held.expected()


async def test_removals_below_the_guard_do_not_wait(rig, tenant):
    await rig.connect()
    await rig.full()
    tenant.purge(*sorted(rig.expected())[:20])

    assert (await rig.delta()).counts.unlinked == 20


async def test_no_guard_no_waiting(rig, tenant):
    await rig.connect(removal_guard=None, deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    tenant.purge(*sorted(rig.expected()))

    run = await rig.full()

    assert run.state is RunState.COMPLETED
    assert await rig.contacts() == []


@pytest.mark.parametrize("share", [1.0, 0.5])
async def test_a_directory_that_suddenly_answers_empty_or_half_removes_nobody(rig, tenant, share):
    await rig.connect(deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    before = await rig.linked()
    everybody = [user["id"] for user in tenant.users()]
    tenant.purge(*everybody[: int(len(everybody) * share)])
    tenant.expire("410")

    run = await rig.delta()

    assert run.state is RunState.AWAITING_APPROVAL
    assert run.mode is Mode.FULL
    assert await rig.linked() == before


async def test_a_delta_over_the_guard_waits_and_the_next_full_run_takes_its_place(rig, tenant):
    await rig.connect()
    await rig.full()
    tenant.purge(*sorted(rig.expected())[:LEAVERS])
    first = await rig.delta()
    assert first.state is RunState.AWAITING_APPROVAL

    second = await rig.full()

    assert (await rig.run(first.id)).state is RunState.DISCARDED
    assert second.pending_removals.count == LEAVERS
    run = await approve(rig, second)
    assert run.counts.unlinked == LEAVERS


async def test_a_second_delta_adds_to_what_waits(rig, tenant):
    await rig.connect(removal_guard=RemovalGuard(3, 0))
    await rig.full()
    there = sorted(rig.expected())
    tenant.purge(*there[:5])
    await rig.delta()
    tenant.purge(*there[5:10])

    second = await rig.delta()

    assert second.pending_removals.count == 10
    assert (await approve(rig, second)).counts.unlinked == 10
    assert await rig.linked() == rig.expected()


async def test_a_settings_change_in_between_finds_the_removals_anew(held):
    run = await held.configure(deletion_behavior=DeletionBehavior.HARD_DELETE)

    assert (await held.run(held.held.id)).state is RunState.DISCARDED
    assert run.state is RunState.AWAITING_APPROVAL
    assert (await approve(held, run)).counts.removed == LEAVERS
    assert await held.linked() == held.expected()


async def test_a_cancelled_run_writes_no_more(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    hasty = rig.with_worker(slice_seconds=0)
    message = await rig.queue.receive_message()
    await hasty.handle(Continue(rig.workspace, asked.id, 0))
    written = await rig.rows()

    run = await rig.services.requests.cancel(rig.workspace, asked.id)
    await rig.work()

    assert message is not None
    assert run.state is RunState.CANCELLED
    assert await rig.rows() == written
    assert (await rig.state()).totals.contacts == len(written)
    await rig.full()
    assert await rig.linked() == rig.expected()


async def test_fifty_clicks_make_one_run_and_one_follower_at_most(rig):
    await rig.connect()
    first = await rig.ask(Mode.FULL)
    asked = {(await rig.ask(Mode.DELTA if number % 2 else Mode.FULL)).id for number in range(50)}

    await rig.work()

    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    assert asked == {first.id}
    assert len(runs) == 1


async def test_a_configuration_saved_in_the_middle_of_a_run_follows_it(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    await rig.with_worker(slice_seconds=0).handle(Continue(rig.workspace, asked.id, 0))

    await rig.configure(include_guests=True, include_disabled=True)

    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    assert [(run.trigger, run.state) for run in runs] == [
        (Trigger.CONFIGURATION, RunState.COMPLETED),
        (Trigger.MANUAL, RunState.COMPLETED),
    ]
    assert set(await rig.linked()) == {user["id"] for user in tenant.users()}
