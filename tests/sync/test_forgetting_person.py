"""One person is forgotten whole, whatever became of the contact, and nobody else is (docs/operations.md)."""

import pytest

from contacts.contact import own_contact_id
from contacts.edit_store import EditStore
from contacts.edits import created, edited
from contacts.store import Left
from mapping.configuration import DeletionBehavior
from sync.messages import ForgetPerson
from tests.planted import memory_rows_that_hold

NAME = "Quetzalcoatlus"
ADDRESS = "quetzalcoatlus@contoso.example"


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=6)


@pytest.fixture
async def connected(rig):
    await rig.connect(removal_guard=None, deletion_behavior=DeletionBehavior.HARD_DELETE)
    return rig


def edits_of(rig):
    return EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)


async def forget(rig, person):
    await rig.services.dispatch.handle(ForgetPerson(rig.workspace, person))
    await rig.work()
    assert not (await rig.state()).leased(rig.clock())


def traces(rig, someone):
    return [memory_rows_that_hold(rig.services.tables, text) for text in (NAME, ADDRESS, someone)]


async def test_an_adopted_contact_that_was_deleted_is_found_by_the_users_id(connected, tenant):
    own = created(own_contact_id(), {"firstName": NAME, "email": ADDRESS}, "now")
    await edits_of(connected).add(connected.partition, own)
    someone = tenant.hire(givenName=NAME, mail=ADDRESS)
    await connected.full()
    tenant.change(someone, mail=None, surname=NAME)
    await connected.delta()
    tenant.remove(someone)
    await connected.delta()
    assert memory_rows_that_hold(connected.services.tables, NAME)

    await forget(connected, someone)

    assert traces(connected, someone) == [[], [], []]


async def test_entries_that_have_the_name_alone_are_found_by_the_address(connected, tenant):
    someone = tenant.hire(givenName=NAME, mail=ADDRESS)
    await connected.full()
    for change in ({"mail": None}, {"mobilePhone": "+1"}):
        tenant.change(someone, **change)
        await connected.delta()
    tenant.remove(someone)
    await connected.delta()

    await forget(connected, ADDRESS)

    assert traces(connected, someone) == [[], [], []]


async def test_who_had_the_address_before_and_is_still_there_stays(connected, tenant):
    colleague = tenant.hire(givenName="Still", mail=ADDRESS)
    await connected.full()
    tenant.change(colleague, mail="still@contoso.example")
    await connected.delta()

    await forget(connected, ADDRESS)

    assert memory_rows_that_hold(connected.services.tables, ADDRESS) == []
    assert (await connected.linked())[colleague]["firstName"] == "Still"
    pages = [
        page async for _, page in connected.services.workspaces.journal(connected.workspace, await last(connected))
    ]
    assert colleague in [one for page in pages for one in page.present]


async def last(rig):
    return (await rig.state()).last.id


async def test_what_was_left_of_others_to_the_next_run_stays(connected, tenant):
    someone = tenant.hire(givenName=NAME, mail=ADDRESS)
    await connected.full()
    other = min(one for one in await connected.linked() if one != someone)
    run = await last(connected)
    for source_id, name in ((someone, NAME), (other, "Kept")):
        left = Left(run, source_id, source_id, None, {"givenName": name})
        await connected.services.contacts.leave(connected.partition, left)

    await forget(connected, someone)

    assert traces(connected, someone) == [[], [], []]
    await connected.delta()
    assert (await connected.linked())[other]["firstName"] == "Kept"


async def test_a_contact_that_is_being_edited_is_forgotten_all_the_same(connected, tenant):
    someone = tenant.hire(givenName=NAME, mail=ADDRESS)
    await connected.full()
    store, write, edits = connected.services.contacts, connected.services.contacts.write, edits_of(connected)
    rivals = [1, 2, 3]

    async def write_after_an_edit(partition, groups, **how):
        if rivals:
            fields = {"department": f"{NAME} {rivals.pop()}"}
            await edits.change(partition, someone, lambda one: edited(one, fields, "now"), "now", None)
        return await write(partition, groups, **how)

    store.write = write_after_an_edit

    await forget(connected, someone)

    assert rivals == []
    assert traces(connected, someone) == [[], [], []]
