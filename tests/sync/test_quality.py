"""How complete and usable the directory's data is: measured, kept for 90 days, and the people behind it (spec §6)."""

from datetime import timedelta

import pytest

import limits
from mapping.configuration import Configuration, FieldMapping
from sync.measuring import Overtaken
from sync.messages import ForgetPerson, Prune
from sync.quality import Quality
from tests.sync.test_undo import drop, edit
from workspace.quality import Figure

WHOLE = {
    "givenName": "Ada",
    "surname": "Lovelace",
    "mail": "ada@x.example",
    "mobilePhone": "+41 44 668 18 00",
    "companyName": "Contoso",
}


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=0)


def counted(*sources, configuration=None):
    quality = Quality(configuration or Configuration())
    for number, source in enumerate(sources):
        quality.take(str(number), source)
    return quality


def without(*names, **changes):
    return {name: value for name, value in WHOLE.items() if name not in names} | changes


@pytest.mark.parametrize(
    ("source", "figures"),
    [
        (WHOLE, []),
        (without("surname"), [Figure.NO_NAME]),
        (without("mail"), [Figure.NO_EMAIL]),
        (without("mobilePhone"), [Figure.NO_MOBILE]),
        (without("companyName"), [Figure.NO_COMPANY]),
        (without(mobilePhone="044 668 18 00"), [Figure.NOT_INTERNATIONAL]),
        (without(mobilePhone="+41 44 668 18 00 ext. 1"), [Figure.NOT_INTERNATIONAL]),
        ({}, [Figure.NO_NAME, Figure.NO_EMAIL, Figure.NO_MOBILE, Figure.NO_COMPANY]),
    ],
)
def test_each_thing_that_is_wanting_is_counted(source, figures):
    assert [one for one, count in counted(source).counts.items() if count] == figures


def test_people_who_share_an_address_are_all_counted_whatever_its_case():
    quality = counted(*(without(mail=mail) for mail in ("a@x", "b@x", "A@X", "a@x ", "c@x")))

    assert quality.counts[Figure.SHARED_EMAIL] == 3
    assert sorted(quality.people[Figure.SHARED_EMAIL]) == ["0", "2", "3"]


def test_what_is_not_mapped_is_not_known_of_anybody():
    mapped = Configuration(field_mappings=(FieldMapping("surname", "lastName"), FieldMapping("faxNumber", "custom")))

    assert counted({"surname": "X", "faxNumber": "1"}, {}, configuration=mapped).counts == {
        Figure.NO_NAME: 1,
        Figure.NOT_INTERNATIONAL: 1,
    }


async def look(rig):
    connection, state = await rig.services.workspaces.load(rig.workspace)
    return await rig.services.dispatch.measuring.days(connection, state)


async def behind(rig, figure, most=100, continuation=""):
    connection, _ = await rig.services.workspaces.load(rig.workspace)
    return await rig.services.dispatch.measuring.people(connection, figure, most, continuation)


async def test_it_is_measured_when_somebody_looks_after_a_full_run_and_each_night(rig, tenant):
    await rig.connect()
    assert await look(rig) == []
    someone = tenant.hire(**without("mail"))
    await rig.full()

    first = await look(rig)
    assert (len(first), first[0].people, first[0].counts[Figure.NO_EMAIL]) == (1, 1, 1)
    assert await look(rig) == first
    assert [one.contact_id for one in (await behind(rig, Figure.NO_EMAIL))[0]] == [someone]

    tenant.change(someone, mail="ada@x.example")
    await rig.delta()
    rig.clock.offset += timedelta(days=1)
    await rig.services.dispatch.handle(Prune(rig.workspace))

    days = await look(rig)
    assert [one.counts[Figure.NO_EMAIL] for one in days] == [0, 1]
    assert (await behind(rig, Figure.NO_EMAIL)) == ([], "")


async def test_people_come_in_pages_without_those_who_are_gone(rig, tenant):
    await rig.connect(removal_guard=None)
    people = [tenant.hire(givenName=f"P{number}") for number in range(7)]
    await rig.full()
    await look(rig)
    await drop(rig, min(people))

    first, after = await behind(rig, Figure.NO_NAME, 4)
    rest, end = await behind(rig, Figure.NO_NAME, 4, after)

    assert (len(first), len(rest), end) == (3, 3, "")
    assert {one.contact_id for one in (*first, *rest)} == set(people) - {min(people)}


async def test_what_a_person_typed_is_not_the_directorys(rig, tenant):
    await rig.connect()
    someone = tenant.hire(**without("companyName"))
    await rig.full()
    await edit(rig, someone, company="Mine")

    assert (await look(rig))[0].counts[Figure.NO_COMPANY] == 1


async def test_days_end_after_90_and_a_forgotten_person_is_not_behind_a_figure(rig, tenant):
    await rig.connect(removal_guard=None)
    someone, _ = tenant.hire(givenName="Ada"), tenant.hire(givenName="Bob")
    await rig.full()
    await look(rig)

    await rig.services.dispatch.handle(ForgetPerson(rig.workspace, someone))

    assert someone not in await rig.services.workspaces.quality_people(rig.workspace, Figure.NO_NAME)
    rig.clock.offset += limits.HISTORY + timedelta(days=1)
    await rig.services.dispatch.handle(Prune(rig.workspace))
    assert len(await rig.services.workspaces.qualities(rig.workspace)) == 1


async def test_nothing_is_kept_of_a_list_that_changed_while_it_was_measured(rig, tenant):
    await rig.connect()
    tenant.hire(givenName="Ada")
    await rig.full()
    read = await rig.services.workspaces.load(rig.workspace)
    tenant.hire(givenName="Bob")
    await rig.delta()

    with pytest.raises(Overtaken):
        await rig.services.dispatch.measuring.measure(*read)
    await rig.services.dispatch.measuring.tonight(*read)

    assert await rig.services.workspaces.qualities(rig.workspace) == []
    assert len(await look(rig)) == 1
