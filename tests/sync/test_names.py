"""Lists that an older version stored are shown, and completed by their next full run (spec §7)."""

from msgspec.structs import replace

from contacts.contact import to_row
from contacts.listing import Listing
from contacts.names import NAMES
from contacts.store import ScanRow
from storage.filters import within
from storage.transaction import MOST_OPERATIONS, Operation, Verb
from workspace.run import RunState


async def name_rows(rig):
    where = within(rig.partition.key, ge=NAMES, lt="name;")
    return [row.row_key async for rows in rig.services.tables.query("Contacts", where, ScanRow) for row in rows]


async def as_an_older_version_stored_it(rig):
    """The list without its name rows, and without a word of them."""
    drop = [Operation(Verb.DELETE, key) for key in await name_rows(rig)]
    put = [Operation(Verb.PUT, one.id, to_row(one)) for one in await rig.rows()]
    for operations in (drop, put):
        for start in range(0, len(operations), MOST_OPERATIONS):
            await rig.services.tables.transact(rig.partition, operations[start : start + MOST_OPERATIONS])
    await rig.services.workspaces.save(replace(await rig.state(), ordered=False))


async def by_name(rig):
    listing = Listing(rig.services.tables, rig.services.contacts)
    contacts, _ = await listing.page(rig.partition, "", 1000, "", ordered=True)
    return {one.id: dict(one.fields) for one in contacts}


async def test_a_first_sync_orders_its_list_from_the_beginning(rig, tenant):
    tenant.hire(givenName="Ada", surname="Lovelace")
    await rig.connect()

    await rig.full()

    assert (await rig.state()).ordered
    assert await by_name(rig) == await rig.linked()


async def test_the_next_full_run_completes_a_list_of_an_older_version(rig, tenant):
    for number in range(5):
        tenant.hire(givenName=f"Ada {number}", surname="Lovelace", mail=f"ada{number}@contoso.example")
    await rig.connect()
    await rig.full()
    await as_an_older_version_stored_it(rig)

    await rig.delta()
    assert not (await rig.state()).ordered
    run = await rig.full()

    assert (run.state, run.counts.unchanged) == (RunState.COMPLETED, 5)
    assert (await rig.state()).ordered
    assert await by_name(rig) == await rig.linked()


async def test_a_contact_of_an_older_version_that_a_run_changes_or_deletes_is_written(rig, tenant):
    ids = [tenant.hire(givenName=f"Ada {number}", surname="Lovelace") for number in range(2)]
    await rig.connect()
    await rig.full()
    await as_an_older_version_stored_it(rig)
    tenant.change(ids[0], surname="King")
    tenant.remove(ids[1])

    run = await rig.delta()

    assert (run.counts.updated, run.counts.unlinked) == (1, 1)
    assert {one["lastName"] for one in (await by_name(rig)).values()} == {"King", "Lovelace"}
