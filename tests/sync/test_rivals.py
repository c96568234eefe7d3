"""People who edit without pause hold up no run: their contact is left to the next one (spec §6)."""

import asyncio

import pytest

from contacts.contact import Link
from contacts.edit_store import EditStore
from contacts.edits import edited
from errors import TryLater
from mapping.configuration import ConflictResolution
from tests.flaky import FlakyStorage
from tests.rig import make_rig
from workspace.run import RunState

PEOPLE = 8


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE)


class Rival:
    """A person who changes one contact between every read and write of a run."""

    def __init__(self, rig, contact_id):
        self.rig, self.contact_id, self.edits = rig, contact_id, 0
        self.store = EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)
        self.write = rig.services.contacts.write

    async def write_after_an_edit(self, partition, groups, **how):
        if any(group[0].row_key == self.contact_id for group in groups):
            self.edits += 1
            fields = {"department": f"Mine {self.edits}"}
            await self.store.change(partition, self.contact_id, lambda one: edited(one, fields, f"{self.edits}"))
        return await self.write(partition, groups, **how)

    def begin(self):
        object.__setattr__(self.rig.services.contacts, "write", self.write_after_an_edit)

    def stop(self):
        object.__setattr__(self.rig.services.contacts, "write", self.write)


async def test_a_contact_that_a_person_writes_faster_is_left_to_the_next_run(rig, tenant):
    await rig.connect()
    await rig.full()
    someone, other = sorted(rig.expected())[:2]
    tenant.change(someone, givenName="New")
    tenant.change(other, givenName="Also new")
    rival = Rival(rig, someone)
    rival.begin()

    run = await rig.delta()

    rival.stop()
    assert (run.state, run.counts.updated, run.counts.skipped) == (RunState.COMPLETED, 1, 1)
    assert rival.edits <= 4
    assert (await rig.linked())[other]["firstName"] == "Also new"

    again = await rig.delta()

    assert again.counts.updated == 1
    assert (await rig.linked())[someone]["firstName"] == "New"
    assert (await rig.linked())[someone]["department"] == f"Mine {rival.edits}"


async def test_a_leaver_whose_contact_is_edited_all_the_time_leaves_at_the_next_run(rig, tenant):
    await rig.connect()
    await rig.full()
    someone = min(rig.expected())
    tenant.remove(someone)
    rival = Rival(rig, someone)
    rival.begin()
    run = await rig.delta()
    rival.stop()
    assert (run.state, run.counts.unlinked, run.counts.skipped) == (RunState.COMPLETED, 0, 1)

    again = await rig.delta()

    assert again.counts.unlinked == 1
    assert [one.link for one in await rig.rows() if one.source_id == someone] == [Link.UNLINKED]


async def test_what_was_left_does_not_undo_what_the_next_run_is_told(rig, tenant):
    await rig.connect()
    await rig.full()
    someone = min(rig.expected())
    tenant.change(someone, givenName="First")
    rival = Rival(rig, someone)
    rival.begin()
    await rig.delta()
    rival.stop()
    tenant.change(someone, givenName="Second")

    await rig.delta()
    await rig.delta()

    assert (await rig.linked())[someone]["firstName"] == "Second"


async def test_constant_editors_do_not_hold_up_a_run(rig, tenant):
    await rig.connect(conflict_resolution=ConflictResolution.SOURCE_WINS)
    await rig.full()
    people = sorted(rig.expected())
    for one in people:
        tenant.change(one, givenName="New")
    store = EditStore(rig.services.tables, rig.services.contacts, asyncio.sleep)

    async def edit_without_pause(contact_id):
        number = 0
        while True:
            number += 1
            fields = {"department": f"Mine {number}"}
            try:
                await store.change(rig.partition, contact_id, lambda one, fields=fields: edited(one, fields, "now"))
            except TryLater:
                continue

    editors = [asyncio.create_task(edit_without_pause(one)) for one in people[:3]]
    try:
        async with asyncio.timeout(20):
            run = await rig.delta()
    finally:
        for editor in editors:
            editor.cancel()
        await asyncio.gather(*editors, return_exceptions=True)

    assert run.state is RunState.COMPLETED
    assert run.counts.updated + run.counts.skipped >= PEOPLE - 3
    await rig.delta()
    assert {fields["firstName"] for fields in (await rig.linked()).values()} == {"New"}


@pytest.mark.servers
async def test_a_row_that_storage_fails_on_alone_is_skipped_and_listed(storage_account, directory, tenant):
    """Azurite fails a whole transaction for the sake of one row; the others are written one by one."""
    flaky = await FlakyStorage(storage_account).open()
    rig = await make_rig(flaky.connection_string, directory.settings(), tenant)
    await rig.connect()
    bad = tenant.hire(givenName="Unlucky")
    flaky.fails_on = b"Unlucky"

    run = await rig.full()

    assert (run.state, run.counts.added, run.counts.skipped) == (RunState.COMPLETED, len(rig.expected()) - 1, 1)
    assert bad not in await rig.linked()
    await rig.services.close()
    await rig.queue.close()
    await flaky.close()
