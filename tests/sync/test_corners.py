"""The last corners: big organisations with many faults, records that storage refuses, custom fields, disconnects."""

import math

import pytest

from mapping.configuration import FieldMapping
from storage.transaction import Operation, Partition, Verb
from sync.messages import Continue, Start
from workspace.audit import Action, entry
from workspace.connection import Connection, ContactsOnDisconnect
from workspace.run import Mode, RunState

FAULTS = [
    *({"status": status} for status in (500, 502, 503, 504)),
    *({"status": 429, "retryAfter": pause} for pause in ("1", "0", "http-date:1")),
    *({"kind": kind} for kind in ("reset", "truncated", "malformed")),
] * 3


class TestTwentyThousand:
    PEOPLE = 20_000

    @pytest.fixture
    def tenant(self, directory):
        return directory.control.tenant(people=self.PEOPLE)

    async def test_thirty_faults_cost_thirty_requests(self, rig, tenant):
        await rig.connect()
        for number, fault in enumerate(FAULTS):
            # Three good answers between two bad ones: a worker gives up after five bad ones in a row.
            tenant.fault("delta", skip=3 * number, **fault)

        run = await rig.full()

        assert run.state is RunState.COMPLETED
        assert tenant.state()["faultsLeft"] == 0
        assert sum(tenant.state()["faultsMet"].values()) == len(FAULTS)
        quiet = math.ceil(self.PEOPLE / 200)
        assert tenant.state()["requests"]["delta"] <= quiet * 1.05 + len(FAULTS)
        assert await rig.linked() == rig.expected()
        assert run.counts.added == len(rig.expected())


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=50, shape={"pageSize": 20})


async def test_a_record_that_storage_refuses_is_skipped_and_listed_and_the_rest_is_written(rig, tenant):
    big = tenant.hire(givenName="x" * 70_000, surname="Big")
    await rig.connect()

    run = await rig.full()

    expected = rig.expected()
    del expected[big]
    assert (run.state, run.counts.skipped) == (RunState.COMPLETED, 1)
    assert await rig.linked() == expected
    told = [one async for _, page in rig.services.workspaces.journal(rig.workspace, run.id) for one in page.changes]
    assert [(one.contact_id, bool(one.reason)) for one in told if one.outcome == "skipped"] == [(big, True)]
    assert (await rig.state()).totals.contacts == len(expected)


async def test_custom_fields_are_filled_like_any_other(rig, tenant):
    place = Partition("CustomFields", rig.workspace)
    await rig.services.tables.transact(place, [Operation(Verb.PUT, "badge", {"label": "Badge"})])
    mappings = (FieldMapping("employeeId", "badge"), FieldMapping("mail", "email"))
    await rig.connect(field_mappings=mappings)

    await rig.full()

    assert await rig.linked() == rig.expected(mappings)
    assert any("badge" in fields for fields in (await rig.linked()).values())


async def disconnect(rig, contacts=ContactsOnDisconnect.KEEP):
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.dispatch.connecting.disconnect(rig.workspace, contacts, record)


async def test_a_disconnect_in_the_middle_of_a_run_ends_it_without_another_write(rig, tenant):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    await rig.queue.clear_messages()
    await rig.with_worker(slice_seconds=0).handle(Continue(rig.workspace, asked.id, 0))
    assert await rig.linked()

    await disconnect(rig, ContactsOnDisconnect.DELETE)
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 1))
    await rig.work()

    assert (await rig.run(asked.id)).state is RunState.CANCELLED
    assert await rig.rows() == []
    connection, state = await rig.services.workspaces.load(rig.workspace)
    assert connection.tenant_id is None
    assert state.run is None
    assert await rig.tick() == 0


async def test_a_disconnect_waits_for_who_is_at_work_and_he_writes_no_more(rig, tenant):
    """The worker holds the lease while the administrator disconnects; his next write of the state fails."""
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    dispatch, stopped = rig.services.dispatch, []
    pages = rig.services.graph.get

    async def disconnecting_get(tenant_id, url, **options):
        answer = await pages(tenant_id, url, **options)
        if "skiptoken" in url and not stopped:
            stopped.append(url)
            await disconnect(rig)
        return answer

    object.__setattr__(rig.services.graph, "get", disconnecting_get)
    await dispatch.handle(Continue(rig.workspace, asked.id, 0))

    await rig.work()

    assert stopped
    assert all(one.link.value == "unlinked" for one in await rig.rows())
    assert (await rig.state()).totals.contacts == len(await rig.rows())


@pytest.mark.parametrize("lost", [True, False])
async def test_a_disconnect_whose_message_was_lost_is_finished_by_the_timer(rig, tenant, lost):
    await rig.connect()
    await rig.full()
    await disconnect(rig)
    if lost:
        await rig.queue.clear_messages()
        await rig.tick()

    await rig.work()

    assert not await rig.linked()
    connection, _ = await rig.services.workspaces.load(rig.workspace)
    assert isinstance(connection, Connection)
    assert connection.closing is None


async def test_a_start_from_another_service_for_an_unknown_workspace_is_dropped(rig):
    await rig.services.dispatch.handle(Start(rig.workspace, Mode.FULL, "another service"))

    assert await rig.services.workspaces.load(rig.workspace) == (None, await rig.state())


async def test_an_hourly_tick_starts_every_workspace_that_syncs_and_no_other(rig, tenant):
    await rig.connect()
    await rig.services.schedule.enrol(rig.workspace)

    assert await rig.tick() == 1
    await rig.work()

    assert (await rig.state()).last.trigger.value == "schedule"
