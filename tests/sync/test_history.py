"""What is kept of old runs, and for how long."""

from datetime import timedelta

from sync.messages import Prune
from workspace.run import RunState


async def test_history_older_than_ninety_days_goes_when_the_timer_asks_for_it(rig, tenant):
    tenant.hire(givenName="Ada")
    await rig.connect()
    old = await rig.full()
    rig.clock.offset = timedelta(days=89)
    kept = await rig.full()
    rig.clock.offset = timedelta(days=91)

    await rig.services.dispatch.handle(Prune(rig.workspace))

    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    assert old.id not in [one.id for one in runs]
    assert kept.id in [one.id for one in runs]
    assert [page async for page in rig.services.workspaces.journal(rig.workspace, old.id)] == []
    assert [page async for page in rig.services.workspaces.journal(rig.workspace, kept.id)] != []


async def test_a_run_looks_for_no_old_history(rig, tenant):
    await rig.connect()
    await rig.full()

    first = await rig.delta()

    assert first.state is RunState.COMPLETED
    assert first.cost.table_transactions == 4
