"""Scope rules and excluded people through runs and previews (spec §3)."""

import pytest

from contacts.contact import Link
from mapping.configuration import Configuration, Operator, ScopeRule
from mapping.scope import LeftOut
from sync.preview import Previews
from sync.room import Room
from tests.builders import ADA, BOB
from workspace.run import RunState

CARLA = "00000000-0000-4000-8000-00000000000c"
SALES = ScopeRule("department", Operator.IS, ("Sales",))
BERN = ScopeRule("city", Operator.IS, ("Bern",))


@pytest.fixture
def tenant(directory):
    tenant = directory.control.tenant(people=0, shape={"sparse": True})
    for who, name, values in (
        (ADA, "Ada", {"department": "Sales", "city": "Bern"}),
        (BOB, "Bob", {"department": "Legal", "city": "Bern"}),
        (CARLA, "Carla", {"department": "Sales", "city": "Basel"}),
    ):
        tenant.hire(id=who, givenName=name, userPrincipalName=f"{name}@x.example", **values)
    return tenant


async def people_of(rig):
    return {one.source_id for one in await rig.rows() if one.link is Link.LINKED}


async def previewed(rig, **choices):
    connection, state = await rig.services.workspaces.load(rig.workspace)
    previews = Previews(rig.services.contacts, rig.services.graph, Room(), rig.clock, rig.clock.sleep)
    return await previews.of(connection, state, Configuration(**choices))


async def test_a_rule_takes_people_out_and_without_it_they_come_back(rig):
    await rig.connect()
    await rig.full()

    run = await rig.configure(scope_rules=(SALES,))

    assert await people_of(rig) == {ADA, CARLA}
    assert run.counts.unlinked == 1
    run = await rig.configure(scope_rules=())
    assert await people_of(rig) == {ADA, BOB, CARLA}
    assert (run.counts.linked, run.counts.added) == (1, 0)


async def test_a_new_rule_writes_only_the_contacts_of_those_who_leave(rig):
    await rig.connect()
    await rig.full()
    before = {one.id: one for one in await rig.rows()}

    await rig.configure(scope_rules=(SALES,))

    assert {one.id for one in await rig.rows() if one != before[one.id]} == {BOB}


async def test_a_delta_run_decides_a_patch_by_what_it_tells(rig, tenant):
    await rig.connect(scope_rules=(SALES,))
    await rig.full()

    tenant.change(ADA, givenName="Adele")
    tenant.change(BOB, department="Sales")
    tenant.change(CARLA, department="HR")
    run = await rig.delta()

    assert await people_of(rig) == {ADA, BOB}
    assert (run.counts.updated, run.counts.added, run.counts.unlinked) == (1, 1, 1)


async def test_an_excluded_person_stays_out_whatever_happens(rig, tenant):
    await rig.connect(excluded_people=(BOB,))
    await rig.full()

    tenant.change(BOB, givenName="Robert", department="Sales")
    await rig.delta()

    assert await people_of(rig) == {ADA, CARLA}


async def test_a_run_that_ended_keeps_neither_rules_nor_excluded_people(rig):
    await rig.connect(scope_rules=(SALES,), excluded_people=(BOB,))

    run = await rig.full()

    assert run.state is RunState.COMPLETED
    for ended in ((await rig.state()).last, (await rig.services.workspaces.history(rig.workspace, 9, ""))[0][0]):
        assert (ended.configuration.scope_rules, ended.configuration.excluded_people) == ((), ())


async def test_a_preview_shows_what_each_rule_keeps_and_leaves_out(rig, tenant):
    tenant.hire(givenName="Gast", userPrincipalName="g@x.example", userType="Guest", department="Legal")
    await rig.connect()

    told = await previewed(rig, scope_rules=(SALES, BERN))

    assert (told.counts.added, told.left_out) == (1, 3)
    assert told.reasons == {"disabled": 0, "guest": 1, "rule": 3, "excluded": 0}
    sales, bern = told.rules
    assert (sales.kept, sales.left_out, sales.only_this) == (2, 1, 1)
    assert (bern.kept, bern.left_out, bern.only_this) == (2, 1, 1)
    assert [(one.name, one.value) for one in sales.left_out_sample] == [("Bob", "Legal")]
    assert {(one.name, one.value) for one in bern.kept_sample} == {("Ada", "Bern"), ("Bob", "Bern")}
    assert {(one.name, one.reason, one.rule) for one in told.left_out_sample} == {
        ("Bob", LeftOut.RULE, 1),
        ("Carla", LeftOut.RULE, 2),
        ("Gast", LeftOut.GUEST, None),
    }


async def test_a_preview_names_the_excluded_and_its_switches_heed_the_rules(rig, tenant):
    tenant.hire(givenName="Gast", userPrincipalName="g@x.example", userType="Guest", department="Sales")
    tenant.hire(givenName="Gus", userPrincipalName="u@x.example", userType="Guest", department="Legal")
    await rig.connect()

    told = await previewed(rig, scope_rules=(SALES,), excluded_people=(CARLA,))

    assert (told.counts.added, told.reasons["excluded"]) == (1, 1)
    assert told.switches == {"includeGuests": 1, "includeDisabled": 0}
