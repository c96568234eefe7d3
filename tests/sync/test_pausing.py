"""An administrator pauses syncing and lets it go on (spec §6)."""

import pytest
from msgspec.structs import replace

from connect.dispatch import Dispatch
from mapping.configuration import RemovalGuard
from sync.messages import SCHEDULE, Continue, Start
from sync.requests import NotSyncing, Paused
from workspace.audit import Action, entry
from workspace.connection import Stage
from workspace.run import Mode, RunState, Trigger

ADMIN = "Ada"


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=50, shape={"pageSize": 10})


def record(rig, action=Action.PAUSED):
    return entry(action, "ada", ADMIN, rig.clock())


async def pause(rig):
    return await rig.services.pausing.pause(rig.workspace, ADMIN, record(rig))


async def resume(rig):
    connection = await rig.services.pausing.resume(rig.workspace, ADMIN, record(rig, Action.RESUMED))
    await rig.work()
    return connection, (await rig.state()).last


async def first_slice(rig) -> Dispatch:
    """A full run after its first page; the dispatch that works a page a slice."""
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    hasty = rig.with_worker(slice_seconds=0)
    await hasty.handle(Continue(rig.workspace, asked.id, 0))
    return hasty


async def audit(rig):
    return [one.action for one in (await rig.services.workspaces.audit(rig.workspace, 50, ""))[0]]


async def test_no_run_starts_while_it_is_paused_and_the_timer_passes_by(rig, tenant):
    await rig.connect()
    await rig.full()
    requests = tenant.state()["requests"]

    connection = await pause(rig)
    await rig.tick()
    await rig.work()
    await rig.services.dispatch.handle(Start(rig.workspace, Mode.FULL, SCHEDULE))

    assert (connection.stage, connection.pause.by) == (Stage.PAUSED, ADMIN)
    assert tenant.state()["requests"] == requests
    assert (await rig.state()).run is None
    for ask in (rig.ask, lambda: rig.ask(Mode.FULL)):
        with pytest.raises(Paused, match=r"Syncing is paused\. Resume it first\."):
            await ask()


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.DELTA])
async def test_a_run_that_the_pause_ends_is_followed_by_one_of_its_kind(rig, mode):
    """A full run may have written an earlier word of a person whose later one it did not reach."""
    await rig.connect()
    await rig.full()
    await rig.ask(mode)

    await pause(rig)

    assert (await rig.state()).last.state is RunState.CANCELLED
    _, run = await resume(rig)
    assert (run.mode, run.state) == (mode, RunState.COMPLETED)


async def test_a_running_run_ends_at_its_next_checkpoint_and_the_next_one_does_the_rest(rig, tenant):
    await rig.connect()
    await first_slice(rig)
    written = await rig.rows()

    await pause(rig)
    await rig.work()

    state = await rig.state()
    assert (state.last.state, state.run, await rig.rows()) == (RunState.CANCELLED, None, written)
    assert state.totals.contacts == len(written)
    _, run = await resume(rig)
    assert (run.state, run.requested_by) == (RunState.COMPLETED, ADMIN)
    assert await rig.linked() == rig.expected()
    assert (await rig.state()).totals.linked == len(rig.expected())


async def test_a_worker_that_a_pause_overtakes_writes_no_further_page_and_starts_what_is_asked_meanwhile(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    taken = rig.services.tables.before_write

    async def pause_and_resume():
        rig.services.tables.before_write = taken
        await pause(rig)
        await rig.services.pausing.resume(rig.workspace, ADMIN, record(rig, Action.RESUMED))

    contacts = 0

    async def at_second_page():
        nonlocal contacts
        contacts += 1
        if contacts == 12:
            rig.services.tables.pause = turn
            await pause_and_resume()

    turn, rig.services.tables.pause = rig.services.tables.pause, at_second_page
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))

    assert (await rig.run(asked.id)).state is RunState.CANCELLED
    await rig.work()
    assert await rig.linked() == rig.expected()
    assert (await rig.state()).run is None


async def test_what_follows_a_run_ends_with_it(rig):
    await rig.connect()
    await rig.full()
    running = await first_slice(rig)
    following = await rig.ask(Mode.FULL, Trigger.CONFIGURATION)

    await pause(rig)
    await rig.work(running)

    assert (await rig.run(following.id)).state is RunState.CANCELLED
    assert (await rig.state()).run is None


async def test_approved_removals_that_are_not_done_wait_for_approval_again(rig, tenant):
    await rig.connect(removal_guard=RemovalGuard(3, 0))
    await rig.full()
    tenant.purge(*sorted(rig.expected())[:10])
    held = await rig.delta()
    await rig.services.requests.approve(rig.workspace, held.id)

    await pause(rig)
    await rig.work()

    assert (await rig.state()).waiting.state is RunState.AWAITING_APPROVAL
    with pytest.raises(Paused):
        await rig.services.requests.approve(rig.workspace, held.id)
    await resume(rig)
    waiting = (await rig.state()).waiting
    await rig.services.requests.approve(rig.workspace, waiting.id)
    await rig.work()
    assert await rig.linked() == rig.expected()
    assert (await rig.state()).totals.linked == len(rig.expected())


async def test_a_configuration_saved_meanwhile_makes_the_first_run_a_full_one(rig, tenant):
    await rig.connect()
    await rig.full()
    await pause(rig)
    tenant.hire(department="Sales")

    def save(connection, state):
        version = connection.configuration.version + 1
        chosen = replace(connection.configuration, version=version, include_guests=True, include_disabled=True)
        return replace(connection, configuration=chosen), state, ()

    await rig.services.workspaces.update(rig.workspace, save)
    connection, run = await resume(rig)

    assert (connection.stage, connection.pause) == (Stage.ACTIVE, None)
    assert (run.mode, run.trigger, run.state) == (Mode.FULL, Trigger.CONFIGURATION, RunState.COMPLETED)
    assert set(await rig.linked()) == {user["id"] for user in tenant.users()}


async def test_a_second_click_changes_and_records_nothing(rig):
    await rig.connect()
    for _ in range(2):
        await pause(rig)
    for _ in range(2):
        await resume(rig)

    assert sorted(await audit(rig)) == [Action.PAUSED, Action.RESUMED]
    runs, _ = await rig.services.workspaces.history(rig.workspace, 10, "")
    assert len(runs) == 1


async def test_where_nothing_syncs_there_is_nothing_to_pause(rig):
    with pytest.raises(NotSyncing, match="not connected"):
        await pause(rig)
    with pytest.raises(NotSyncing, match="not connected"):
        await resume(rig)
