"""People who edit without pause hold up no run: their contact is left to the next one (spec §6)."""

import asyncio
import contextlib
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from api.caller import Caller
from api.contacts import ContactCalls
from api.pace import BulkEdits, EditPace
from contacts.contact import Link
from contacts.edit_store import EditStore
from contacts.edits import edited
from contacts.listing import Listing
from errors import TryLater
from limits import LEASE
from mapping.configuration import ConflictResolution
from tests.api.calls import called
from tests.flaky import FlakyStorage
from tests.rig import make_rig
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, Stage
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
            fields, at = {"department": f"Mine {self.edits}"}, f"{self.edits}"
            await self.store.change(partition, self.contact_id, lambda one: edited(one, fields, at), at, None)
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
                await store.change(
                    rig.partition, contact_id, lambda one, fields=fields: edited(one, fields, "now"), "now", None
                )
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


class SignedIn:
    """A member of the workspace, whom no token has to name."""

    def __init__(self, rig, name):
        self.caller = Caller(name, name, rig.workspace, "Contoso", is_admin=False)

    async def of(self, _):
        return self.caller


def calls_of(rig, name):
    """The calls about contacts as one person makes them, quotas included."""
    tables, workspaces, contacts = rig.services.tables, rig.services.workspaces, rig.services.contacts
    edits, pace = EditStore(tables, contacts, asyncio.sleep), EditPace(time.monotonic)
    listing, bulk = Listing(tables, contacts), BulkEdits()
    return ContactCalls(SignedIn(rig, name), tables, workspaces, contacts, listing, edits, pace, bulk, rig.clock)


@asynccontextmanager
async def three_constant_editors(rig, contact_ids, answered):
    """Each changes a contact of its own without pause, through the API, while storage takes 30 ms a call."""

    async def edit(name, contact_id):
        calls, number = calls_of(rig, name), 0
        while True:
            number += 1
            route = {"list": rig.list_id, "contact": contact_id}
            answer = await called(calls.change, "PATCH", "", {"department": f"Mine {number}"}, route)
            answered[answer.status_code] += 1

    rig.services.tables.pause = lambda: asyncio.sleep(0.03)
    names = ("ada", "bob", "eve")
    editors = [asyncio.create_task(edit(name, one)) for name, one in zip(names, contact_ids, strict=True)]
    try:
        yield
    finally:
        for editor in editors:
            editor.cancel()
        told = await asyncio.gather(*editors, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in told), told


async def test_a_run_and_a_disconnect_end_within_twenty_seconds_beside_three_constant_editors(rig, tenant):
    await rig.connect()
    await rig.full()
    for one in rig.expected():
        tenant.change(one, givenName="New")
    answered = Counter()

    async with asyncio.timeout(20), three_constant_editors(rig, sorted(rig.expected())[:3], answered):
        run = await rig.delta()
        edits_of_the_run = answered[200]
        record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
        await rig.services.connecting.disconnect(rig.workspace, ContactsOnDisconnect.DELETE, record)
        edits_until_its_end = answered[200]
        while (await rig.services.workspaces.load(rig.workspace))[0].stage is Stage.CLOSING:
            with contextlib.suppress(TryLater):
                await rig.work()
            rig.clock.offset += LEASE

    assert run.state is RunState.COMPLETED
    assert run.counts.updated + run.counts.skipped >= PEOPLE - 3
    assert edits_of_the_run > 0
    # Edits that were on their way when the connection ended, one a person; later ones are refused.
    assert answered[200] - edits_until_its_end <= 3
    assert await rig.rows() == []
    # Nobody met a fault of ours: a conflict, a connection that is being ended, a contact that is gone.
    assert answered.keys() <= {200, 404, 409}


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
