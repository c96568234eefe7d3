"""A contact that a person had made, and that a run linked: the trail and the contact tell of it (spec §4, §7)."""

import contextlib
from datetime import timedelta

import pytest

from contacts.contact import Link, own_contact_id
from contacts.edit_store import EditStore
from contacts.edits import created
from limits import LEASE
from tests.rig import Killed
from workspace.audit import Action


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=6)


@pytest.fixture
async def planted(rig, tenant):
    """A connected workspace with two contacts that people made: their users come with the next run."""
    await rig.connect()
    edits = EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)
    for name in ("ada", "bob"):
        contact = created(own_contact_id(), {"email": f"{name}@x.example", "company": "Own"}, "now", "someone")
        await edits.add(rig.partition, contact)
        tenant.hire(givenName=name, mail=f"{name}@x.example")
    return rig


async def trail(rig):
    entries, _ = await rig.services.workspaces.audit(rig.workspace, 10, "")
    return [(one.action, one.details) for one in entries]


async def test_the_trail_tells_once_a_run_of_contacts_that_people_had_made(planted):
    run = await planted.full()

    assert await trail(planted) == [(Action.ADOPTED_CONTACTS, {"run": run.id, "contacts": 2})]
    await planted.full()
    assert len(await trail(planted)) == 1


async def test_a_linked_contact_says_who_made_it_and_what_that_person_had_typed(planted):
    await planted.full()

    adopted = [one for one in await planted.contacts() if one.typed]

    assert [(one.link, one.typed) for one in adopted] == [(Link.LINKED, ("company", "email"))] * 2
    assert {(one.created_by, one.updated_by) for one in adopted} == {("someone", None)}


@pytest.mark.parametrize("call", range(6, 24))
async def test_a_run_whose_worker_dies_tells_of_each_contact_once(planted, call):
    await planted.ask()
    planted.kill_before = call
    with contextlib.suppress(Killed):
        await planted.work()
    planted.kill_before = None
    planted.clock.offset += LEASE + timedelta(seconds=1)

    run = await planted.full()

    told = [details["contacts"] for action, details in await trail(planted) if action is Action.ADOPTED_CONTACTS]
    assert told == [2], run
