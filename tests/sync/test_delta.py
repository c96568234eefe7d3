"""Deltas: people change, come, leave and come back, and the list follows (spec §3 to §6)."""

import pytest

from contacts.contact import Link
from workspace.run import Mode, RunState

EXPIRED = ["410", "syncStateNotFound", "resyncRequired", "Request_UnsupportedQuery"]


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=60)


@pytest.fixture
async def synced(rig):
    await rig.connect()
    await rig.full()
    return rig


async def test_cleared_changed_restored_and_removed_people(synced, tenant):
    ids = sorted(synced.expected())
    tenant.change(ids[0], givenName="New", mobilePhone="+1")
    tenant.change(ids[1], surname=None, companyName=None)
    tenant.remove(ids[2])
    tenant.purge(ids[3])
    tenant.change(ids[4], accountEnabled=False)
    tenant.change(ids[5], userType="Guest")
    hired = tenant.hire(givenName="Noor", surname="Newcomer", mail="noor@x.example")

    run = await synced.delta()

    assert await synced.linked() == synced.expected()
    assert hired in await synced.linked()
    assert (run.mode, run.counts.added, run.counts.updated, run.counts.unlinked) == (Mode.DELTA, 1, 2, 4)

    tenant.restore(ids[2])
    tenant.change(ids[4], accountEnabled=True)
    run = await synced.delta()

    assert await synced.linked() == synced.expected()
    assert (run.counts.linked, run.counts.added) == (2, 0)
    assert len(await synced.contacts()) == len(ids) + 1


async def test_a_change_that_is_not_mapped_writes_nothing(synced, tenant):
    before = await synced.rows()
    tenant.change(min(synced.expected()), jobTitle="Chief")

    run = await synced.delta()

    assert run.counts.read == 0
    assert await synced.rows() == before


@pytest.mark.parametrize("shape", EXPIRED)
async def test_an_expired_link_turns_a_delta_into_a_full_run_by_itself(synced, tenant, shape):
    ids = sorted(synced.expected())
    tenant.purge(ids[0])
    tenant.change(ids[1], givenName="New")
    tenant.expire(shape)

    run = await synced.delta()

    assert (run.state, run.mode) == (RunState.COMPLETED, Mode.FULL)
    assert await synced.linked() == synced.expected()
    assert (await synced.delta()).mode is Mode.DELTA


async def test_a_link_that_expires_between_pages_begins_the_round_again(rig, tenant):
    tenant.shape(pageSize=10)
    await rig.connect()
    tenant.fault("delta", status=400, code="syncStateNotFound", skip=3)

    run = await rig.full()

    assert run.state is RunState.COMPLETED
    assert await rig.linked() == rig.expected()
    assert run.counts.added == len(rig.expected())
    assert run.counts.read == 60


async def test_a_link_older_than_seven_days_is_read_anew(synced, tenant):
    tenant.advance(8 * 86400)

    run = await synced.delta()

    assert run.mode is Mode.FULL
    assert run.counts.unchanged == len(synced.expected())


async def test_removed_for_an_unknown_person_is_nothing(synced, tenant):
    stranger = tenant.hire(givenName="Never", userType="Guest")
    tenant.purge(stranger)

    run = await synced.delta()

    assert run.counts.read == 1
    assert run.counts.unlinked == 0


async def test_the_same_change_told_twice_is_told_once(synced, tenant):
    tenant.change(min(synced.expected()), givenName="New")
    await synced.delta()
    tenant.shape(replay=True)
    before = await synced.rows()

    run = await synced.delta()

    assert run.counts.read == 1
    assert run.counts.unchanged == 1
    assert await synced.rows() == before


async def test_somebody_who_returns_under_a_new_id_takes_his_contact_back_by_mail(synced, tenant):
    user = next(user for user in tenant.users() if user["id"] in synced.expected() and user.get("mail"))
    contact_id = user["id"]
    tenant.purge(user["id"])
    await synced.delta()
    again = tenant.hire(givenName=user["givenName"], surname=user.get("surname"), mail=user["mail"].upper())

    run = await synced.delta()

    found = {one.source_id: one for one in await synced.contacts()}
    assert run.counts.linked == 1
    assert found[again].id == contact_id
    assert found[again].link is Link.LINKED
    tenant.change(again, givenName="Changed")
    await synced.delta()
    assert (await synced.linked())[again]["firstName"] == "Changed"


async def test_two_people_with_one_mail_stay_two(synced, tenant):
    first = tenant.hire(givenName="One", mail="both@x.example")
    second = tenant.hire(givenName="Two", mail="BOTH@x.example")

    await synced.delta()

    linked = await synced.linked()
    assert linked[first]["firstName"] == "One"
    assert linked[second]["firstName"] == "Two"


@pytest.mark.servers
async def test_the_organisations_new_name_is_followed_on_a_full_run(synced, tenant):
    tenant.consent(organizationReadable=True)
    tenant.rename("Contoso Grand")

    await synced.full()

    connection, _ = await synced.services.workspaces.load(synced.workspace)
    assert connection.list_name == "Contoso Grand Users"
