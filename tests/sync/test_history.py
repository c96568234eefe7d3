"""What is kept of old runs, and for how long."""

from datetime import timedelta

from workspace.run import RunState


async def test_history_older_than_ninety_days_goes_with_the_days_first_run(rig, tenant):
    tenant.hire(givenName="Ada")
    await rig.connect()
    old = await rig.full()
    rig.clock.offset = timedelta(days=89)
    kept = await rig.full()
    rig.clock.offset = timedelta(days=91)

    await rig.delta()

    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    assert old.id not in [one.id for one in runs]
    assert kept.id in [one.id for one in runs]
    assert [page async for page in rig.services.workspaces.journal(rig.workspace, old.id)] == []
    assert [page async for page in rig.services.workspaces.journal(rig.workspace, kept.id)] != []


async def test_later_the_same_day_nothing_is_looked_for(rig, tenant):
    await rig.connect()
    await rig.full()

    first = await rig.delta()

    assert first.state is RunState.COMPLETED
    assert first.cost.table_transactions == 4
