"""The daily export, and the way back from it: what is lost with all tables, and what is as before (spec §6)."""

import contextlib
import dataclasses
import itertools
from datetime import timedelta

import pytest
from azure.data.tables.aio import TableServiceClient
from msgspec.structs import replace

from connect.exported import Kind, unpack
from connect.exporting import Place
from connect.tenants import TenantIndex, tenant_partition
from contacts.contact import own_contact_id
from contacts.custom_fields import TABLE as CUSTOM_FIELDS
from contacts.edit_store import EditStore
from contacts.edits import created, edited, removed
from errors import TryLater
from local.tools.restore import message_of
from mapping.configuration import ConflictResolution, FieldMapping
from storage.transaction import Operation, Partition, Verb
from sync.messages import Forget, ForgetPerson, Restore, read_message
from tests.memory_microsoft import MemoryMicrosoft
from tests.memory_rig import make_memory_rig
from tests.rig import Killed, make_rig
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, Stage
from workspace.run import Mode, Trigger

KEEP = {"conflict_resolution": ConflictResolution.KEEP_LOCAL, "removal_guard": None}
NAME, ADDRESS = "Quetzalcoatlus", "quetzalcoatlus@contoso.example"


@pytest.fixture
def rig():
    return make_memory_rig(MemoryMicrosoft().tenant())


@pytest.fixture
async def real_rig(storage_account, directory):
    rig = await make_rig(storage_account, directory.settings(), directory.control.tenant(people=3))
    yield rig
    await rig.services.close()
    await rig.queue.close()


def edits_of(rig):
    return EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)


async def change(rig, contact_id, decide):
    await edits_of(rig).change(rig.partition, contact_id, decide, "now", "ada")


async def live(rig):
    """A workspace with something of everything; the ids of its people."""
    await rig.connect(**KEEP, field_mappings=(FieldMapping("givenName", "firstName"), FieldMapping("mail", "email")))
    own = created(
        own_contact_id(), {"firstName": "Own", "email": "taken@contoso.example"}, "2026-01-01T00:00:00Z", "ada"
    )
    other = created(own_contact_id(), {"firstName": "Only", "custom": "ours"}, "2026-01-02T00:00:00Z", "ada")
    for one in (own, other):
        await edits_of(rig).add(rig.partition, one)
    people = {name: rig.tenant.hire(givenName=name, mail=f"{name}@contoso.example") for name in "abcdef"}
    people["taken"] = rig.tenant.hire(givenName="Taken", mail="taken@contoso.example")
    await rig.full()
    changes = {"a": {"firstName": "A by hand"}, "b": {"jobTitle": "Not mapped"}}
    for name, fields in changes.items():
        await change(rig, people[name], lambda one, c=fields: edited(one, c, "now", "ada"))
    await change(rig, people["c"], lambda one: removed(one, "now", "ada"))
    rig.tenant.remove(people["d"])
    await rig.delta()
    await rig.services.tables.transact(
        Partition(CUSTOM_FIELDS, rig.workspace), [Operation(Verb.INSERT, "custom", {"label": "Ours"})]
    )
    record = entry(Action.CONFIGURED, "ada", "Ada", rig.clock(), {"version": 1})
    await rig.services.workspaces.update(
        rig.workspace, lambda it, state: (replace(it, list_name="Our people", list_follows=False), state, [record])
    )
    await TenantIndex(rig.services.tables, rig.services.workspaces).join(
        rig.tenant.id, rig.workspace, "Contoso workspace", "ada"
    )
    return people


async def seen(rig):
    """What people see of a workspace: contacts, configuration, history, audit trail."""
    connection, _ = await rig.services.workspaces.load(rig.workspace)
    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    did = [run for run in runs if run.counts.added or run.counts.linked or run.counts.unlinked]
    journals = {
        run.id: [
            page.changes async for _, page in rig.services.workspaces.journal(rig.workspace, run.id) if page.changes
        ]
        for run in did
        if run.trigger is not Trigger.RECOVERY
    }
    audit, _ = await rig.services.workspaces.audit(rig.workspace, 100, "")
    return {
        "contacts": sorted((one.id, one.link, sorted(one.fields.items())) for one in await rig.rows()),
        "connection": replace(connection, etag=""),
        "history": journals,
        "audit": audit,
        "fields": await rows_in(rig, Partition(CUSTOM_FIELDS, rig.workspace)),
        "tenant": await rows_in(rig, tenant_partition(rig.tenant.id)),
    }


async def rows_in(rig, partition):
    pages = [
        rows async for rows in rig.services.tables.query(partition.table, f"PartitionKey eq '{partition.key}'", dict)
    ]
    return [
        {name: value for name, value in row.items() if name in ("RowKey", "label", "name")}
        for row in itertools.chain(*pages)
    ]


async def lose_all_tables(rig):
    if rig.account == "memory":
        rig.services.tables._stored.clear()
        return
    async with TableServiceClient.from_connection_string(rig.account) as client:
        async for table in client.list_tables():
            rows = client.get_table_client(table.name)
            async for row in rows.list_entities():
                await rows.delete_entity(row["PartitionKey"], row["RowKey"])


async def export(rig, days=1):
    rig.clock.offset += timedelta(days=days)
    await rig.services.exporting.work()


async def restore(rig, day=None):
    await rig.services.dispatch.handle(Restore(rig.workspace, day))
    await rig.work()


async def test_after_the_loss_of_all_tables_a_restore_brings_everything_back(rig):
    people = await live(rig)
    before = await seen(rig)
    await export(rig)
    await lose_all_tables(rig)

    await restore(rig)

    after = await seen(rig)
    assert after == before
    assert await rig.delta()
    after = await seen(rig)
    assert after == before
    state, tally = await rig.state(), await rig.services.contacts.tally(rig.partition)
    assert state.totals.contacts + tally.contacts == len(await rig.contacts())
    rig.tenant.restore(people["d"])
    await rig.delta()
    assert len(await rig.contacts()) == len(before["contacts"]) - 1, "the unlinked contact was not found again"


@pytest.mark.servers
async def test_the_same_on_real_storage(real_rig):
    await live(real_rig)
    before = await seen(real_rig)
    await export(real_rig)
    await lose_all_tables(real_rig)

    await restore(real_rig)

    assert await seen(real_rig) == before
    await real_rig.services.dispatch.restoring.exports.forget(real_rig.workspace)
    assert await parts_of(real_rig) == []


async def test_a_full_run_alone_would_not_bring_it_back(rig):
    """Otherwise the test above would prove nothing."""
    await live(rig)
    before = await seen(rig)
    connection = before["connection"]
    await lose_all_tables(rig)

    await rig.connect(**KEEP, field_mappings=connection.configuration.field_mappings)
    await rig.full()

    assert {key for key, value in (await seen(rig)).items() if value == before[key]} == set()


async def test_what_a_full_run_makes_anew_is_not_exported(rig):
    people = await live(rig)
    await export(rig)

    lines = await lines_of(rig)

    kept = {line.key for line in lines if line.kind is Kind.CONTACT}
    assert not kept & {people[name] for name in "ef"}
    assert {people[name] for name in "abcd"} <= kept
    assert not [line.key for line in lines if line.key.startswith(("connection.agenda", "attempt:", "pending:"))]


async def parts_of(rig):
    return await rig.services.dispatch.restoring.exports.parts(rig.workspace, "9999-12-31")


async def lines_of(rig):
    parts = [await rig.services.blobs.get(name) for name in await parts_of(rig)]
    return [line for part in parts for line in unpack(part, rig.workspace)[1]]


async def test_runs_that_changed_nothing_are_not_exported(rig):
    await rig.connect()
    rig.tenant.hire(givenName="Ada")
    first = await rig.full()
    for _ in range(3):
        await rig.delta()

    await export(rig)

    assert [line.key for line in await lines_of(rig) if line.key.startswith("run:")] == [f"run:{first.id}"]


async def test_workspaces_never_mix(rig):
    other = make_memory_rig(rig.tenant)
    other.services, other.workspace = rig.services, f"{rig.workspace}0"
    for one in (rig, other):
        await one.connect(**KEEP)
        await edits_of(one).add(one.partition, created(own_contact_id(), {"firstName": one.workspace}, "now"))
    await export(rig)
    await lose_all_tables(rig)

    await restore(rig)

    assert [one.fields["firstName"] for one in await rig.contacts()] == [rig.workspace]
    assert await other.rows() == []
    names = await rig.services.blobs.names(f"{rig.workspace}~/")
    with pytest.raises(ValueError, match="another workspace"):
        unpack(await rig.services.blobs.get(names[0]), other.workspace)


async def test_a_long_list_is_exported_in_parts_that_continue_one_another(rig):
    """No slice reads more than a few pages: the next one goes on after the last row, and loses none."""
    await rig.connect(**KEEP)
    for number in range(30):
        await edits_of(rig).add(rig.partition, created(own_contact_id(), {"firstName": f"Own {number}"}, "now"))
    before = await seen(rig)
    rig.clock.offset += timedelta(days=1)

    slices = 0
    while not await parts_of(rig):
        # Each look at the clock takes a second: three seconds are two parts.
        clock = itertools.count().__next__
        hurried = dataclasses.replace(
            rig.services.exporting, slice_seconds=4, monotonic=clock, rows_a_read=7, reads_a_part=1
        )
        await hurried.work()
        slices += 1

    assert slices >= 3
    assert len(await parts_of(rig)) >= 5
    await lose_all_tables(rig)
    await restore(rig)
    assert (await seen(rig))["contacts"] == before["contacts"]


async def test_an_export_is_made_once_a_day(rig):
    await rig.connect()
    await export(rig)
    names = await rig.services.blobs.names("")
    rig.services.blobs.content.clear()

    await rig.services.exporting.work()
    assert await rig.services.blobs.names("") == []
    await export(rig)

    assert len(await rig.services.blobs.names("")) == len(names) == 1


async def test_what_a_workspace_without_own_contacts_costs_a_night(rig):
    """Beside it the night costs a page of names for 64 workspaces, and three writes of a checkpoint."""
    await rig.connect()
    rig.tenant.hire(givenName="Ada")
    await rig.full()
    calls, puts = [], []
    rig.services.tables.before_call = calls.append
    rig.services.blobs.before_put = puts.append

    await export(rig)

    of_the_night = ["get", "page", "transact", "transact", "transact"]
    # The connection before and after, its partition, its own fields, its tenant, its list.
    assert sorted(calls) == sorted([*of_the_night, *["page"] * 5, "get"])
    assert len(puts) == 1


async def test_an_idle_tick_costs_one_transaction(rig):
    await rig.connect()
    await export(rig)
    calls = []
    rig.services.tables.before_call = calls.append

    await rig.services.exporting.work()

    assert calls == ["get"]


async def test_workers_that_die_on_the_way_lose_nothing(rig):
    await live(rig)
    before = await seen(rig)
    rig.clock.offset += timedelta(days=1)
    for calls in (2, 4, 6, 8):
        rig.kill_before = calls
        with contextlib.suppress(Killed):
            await rig.services.exporting.work()
    rig.kill_before = None
    await rig.services.exporting.work()
    await lose_all_tables(rig)
    for calls in (1, 3, 5, 8, 12):
        rig.kill_before = calls
        with contextlib.suppress(Killed):
            await rig.services.dispatch.handle(Restore(rig.workspace))
    rig.kill_before = None

    await restore(rig)

    assert await seen(rig) == before


async def test_a_workspace_that_cannot_be_exported_is_tried_last_and_holds_up_nobody(rig, caplog):
    bad = make_memory_rig(rig.tenant)
    bad.services, bad.workspace = rig.services, "a-bad-one"
    for one in (rig, bad):
        await one.connect()

    def refuse(name):
        if name.startswith("a-bad-one"):
            raise TryLater("blob storage did not answer")

    rig.services.blobs.before_put = refuse
    await export(rig)

    assert [name.partition("~")[0] for name in await rig.services.blobs.names("")] == [rig.workspace]
    for _ in range(8):
        await rig.services.exporting.work()
    assert "export_gave_up workspace=a-bad-one" in caplog.text
    await rig.services.exporting.work()
    assert caplog.text.count("export_gave_up") == 1


async def test_storage_that_does_not_work_gives_up_nobody(rig):
    for number in range(3):
        other = make_memory_rig(rig.tenant)
        other.services, other.workspace = rig.services, f"w-{number}"
        await other.connect()

    def refuse(_):
        raise TryLater("blob storage did not answer")

    rig.services.blobs.before_put = refuse
    for _ in range(3):
        with pytest.raises(TryLater):
            await export(rig, days=0)
    rig.services.blobs.before_put = lambda _: None
    await rig.services.exporting.work()

    assert len(await rig.services.blobs.names("")) == 3


async def test_a_forgotten_workspace_leaves_no_export(rig):
    await live(rig)
    await export(rig)
    assert await rig.services.blobs.names("")

    await rig.services.dispatch.handle(Forget(rig.workspace))
    await rig.work()

    assert await rig.services.blobs.names("") == []


async def test_a_workspace_that_is_forgotten_while_it_is_exported_leaves_no_export(rig):
    await rig.connect()

    async def forget_meanwhile():
        rig.services.blobs.before_put = lambda _: None
        await rig.services.dispatch.handle(Forget(rig.workspace))
        await rig.work()

    put = rig.services.blobs.put

    async def put_late(name, content):
        await forget_meanwhile()
        await put(name, content)

    rig.services.blobs.put = put_late
    await export(rig)

    assert await rig.services.blobs.names("") == []


@pytest.mark.parametrize("by", ["id", "address"])
async def test_a_forgotten_person_is_not_brought_back(rig, by):
    await rig.connect(**KEEP)
    someone = rig.tenant.hire(givenName=NAME, mail=ADDRESS)
    await rig.full()
    await change(rig, someone, lambda one: edited(one, {"firstName": NAME + "!"}, "now"))
    rig.tenant.remove(someone)
    own = created(own_contact_id(), {"firstName": "Own"}, "now")
    await edits_of(rig).add(rig.partition, own)
    await rig.delta()
    await export(rig)
    await rig.services.dispatch.handle(ForgetPerson(rig.workspace, {"id": someone, "address": ADDRESS.upper()}[by]))
    await lose_all_tables(rig)

    await restore(rig)

    assert [one.fields["firstName"] for one in await rig.rows()] == ["Own"]
    assert NAME not in str(rig.services.tables.rows())
    assert [page async for page in journals(rig)] == []


async def journals(rig):
    for run in (await rig.services.workspaces.history(rig.workspace, 100, ""))[0]:
        async for _, page in rig.services.workspaces.journal(rig.workspace, run.id):
            yield page.changes


async def test_what_was_decided_after_the_export_stands(rig, caplog):
    await live(rig)
    await export(rig)
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.connecting.disconnect(rig.workspace, ContactsOnDisconnect.DELETE, record)
    await rig.work()
    before = await rig.rows()

    await restore(rig)

    assert await rig.rows() == before
    assert (await rig.services.workspaces.load(rig.workspace))[0].stage is Stage.NONE
    assert "reason=connected_otherwise" in caplog.text


async def test_a_restore_beside_rows_that_are_there_changes_none_of_them(rig):
    people = await live(rig)
    await export(rig)
    await change(rig, people["a"], lambda one: edited(one, {"firstName": "Later"}, "now"))
    before = await seen(rig)

    await restore(rig)

    assert (await seen(rig))["contacts"] == before["contacts"]


async def test_an_older_day_can_be_chosen_and_the_newest_whole_one_is_the_default(rig):
    await rig.connect(**KEEP)
    await export(rig)
    first_day = rig.clock().date().isoformat()
    await edits_of(rig).add(rig.partition, created(own_contact_id(), {"firstName": "Later"}, "now"))
    await export(rig)
    # A part of a third day, whose export did not come to its end.
    half = (rig.clock() + timedelta(days=1)).date().isoformat()
    await rig.services.blobs.put(f"{rig.workspace}~/{half}/00000", b"")
    rig.clock.offset += timedelta(days=1)

    await lose_all_tables(rig)
    await restore(rig, first_day)
    assert await rig.contacts() == []
    await lose_all_tables(rig)
    await restore(rig)

    assert [one.fields["firstName"] for one in await rig.contacts()] == ["Later"]


async def test_a_workspace_without_an_export_is_told_and_left_alone(rig, caplog):
    await restore(rig)

    assert "restore_refused" in caplog.text
    assert rig.services.tables.rows() == []


async def test_a_restored_connection_syncs_at_once_and_is_visited_by_the_timer(rig):
    await rig.connect()
    rig.tenant.hire(givenName="Ada")
    await export(rig)
    await lose_all_tables(rig)

    await restore(rig)

    run = (await rig.state()).last
    assert (run.mode, run.trigger, run.counts.added) == (Mode.FULL, Trigger.RECOVERY, 1)
    assert await rig.tick() == 1


def test_the_operators_command_asks_for_what_the_queue_understands():
    assert read_message(message_of("w-1", None).encode()) == Restore("w-1")
    assert read_message(message_of("w-1", "2026-11-25").encode()) == Restore("w-1", "2026-11-25")


def test_a_place_of_before_can_still_be_read():
    assert Place() == Place(part=0, in_list=False, after="", tries=0)
