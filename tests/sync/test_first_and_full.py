"""First syncs and full runs, through the real Azurite and the local directory, with their costs counted (design)."""

import math

import pytest
from msgspec.structs import replace

from mapping.configuration import Configuration, ConflictResolution, DeletionBehavior, RemovalGuard
from tests.builders import mapped
from workspace.journal import Outcome
from workspace.run import Mode, RunState, Trigger

PEOPLE, PAGE = 3000, 200


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE)


async def test_a_first_sync_of_three_thousand_equals_the_directory_field_by_field(rig, tenant):
    await rig.connect()
    pages = math.ceil(PEOPLE / PAGE)

    run = await rig.full()

    expected = rig.expected()
    assert await rig.linked() == expected
    assert run.state is RunState.COMPLETED
    assert (run.counts.read, run.counts.added) == (PEOPLE, len(expected))
    assert run.cost.graph_requests <= pages + 4
    assert tenant.state()["requests"]["delta"] == pages
    assert run.cost.table_transactions <= 1.3 * PEOPLE / 100 + 2 * pages + 30


async def test_a_second_full_run_writes_no_contact(rig):
    await rig.connect()
    await rig.full()
    before = await rig.rows()

    run = await rig.full()

    assert await rig.rows() == before  # ETags included: no row was written.
    assert run.counts.unchanged == len(before)
    assert run.counts.added + run.counts.updated + run.counts.linked + run.counts.unlinked == 0
    assert run.cost.graph_requests <= math.ceil(PEOPLE / PAGE) + 4
    assert run.cost.table_transactions <= math.ceil(PEOPLE / 1000) + 2 * math.ceil(PEOPLE / PAGE) + 30


async def test_empty_pages_duplicates_and_any_order_change_nothing(rig, tenant):
    tenant.shape(emptyPages=True, duplicatesPercent=5, shuffle=True, randomPages=True, seed=7)
    await rig.connect()

    run = await rig.full()

    assert await rig.linked() == rig.expected()
    assert run.counts.added == len(rig.expected())
    assert run.counts.read > PEOPLE + PEOPLE * 4 // 100  # Graph named that many twice.


async def test_a_delta_with_nothing_new_costs_one_request_and_six_transactions(rig):
    await rig.connect()
    await rig.full()

    run = await rig.delta()

    assert run.mode is Mode.DELTA
    assert run.cost.graph_requests == 1
    assert run.cost.table_transactions <= 6


async def test_a_full_run_unlinks_who_vanished_while_the_link_was_dead(rig, tenant):
    await rig.connect()
    await rig.full()
    gone = sorted(rig.expected())[:5]
    tenant.purge(*gone)
    tenant.expire("syncStateNotFound")

    run = await rig.delta()

    assert run.mode is Mode.FULL
    assert run.counts.unlinked == 5
    assert await rig.linked() == rig.expected()


async def test_a_changed_mapping_reaches_everybody(rig):
    await rig.connect()
    await rig.full()
    mappings = mapped(
        ("displayName", "displayName"), ("mail", "email"), ("businessPhones", "businessPhone")
    ).field_mappings

    run = await rig.configure(field_mappings=mappings)

    assert run.trigger is Trigger.CONFIGURATION
    shown = await rig.linked()
    expected = rig.expected(mappings)
    assert {
        one: {name: fields[name] for name in fields if name in ("displayName", "email", "businessPhone")}
        for one, fields in shown.items()
    } == expected
    # Fields that are not mapped any more are never touched.
    assert any("firstName" in fields for fields in shown.values())


async def test_a_field_mapped_to_another_place_moves_although_nothing_was_read_that_is_new(rig):
    """The directory's values, and their hashes with them, are those of the last run."""
    await rig.connect()
    await rig.full()
    defaults = Configuration().field_mappings
    mappings = tuple(replace(one, target="department") if one.target == "company" else one for one in defaults)

    run = await rig.configure(field_mappings=mappings)

    shown = await rig.linked()
    assert {one: fields.get("department") for one, fields in shown.items()} == {
        one: fields.get("department") for one, fields in rig.expected(mappings).items()
    }
    assert run.counts.updated == sum("department" in fields for fields in shown.values()) > 0


async def test_a_deletion_behaviour_of_hard_delete_removes_for_good(rig, tenant):
    await rig.connect(deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    gone = sorted(rig.expected())[:3]
    tenant.remove(*gone)

    run = await rig.full()

    assert run.counts.removed == 3
    assert not {one.source_id for one in await rig.rows()} & set(gone)


async def test_scope_switches_let_guests_and_leavers_in_and_out(rig, tenant):
    await rig.connect(removal_guard=RemovalGuard(10_000, 10))
    await rig.full()
    everybody = {user["id"] for user in tenant.users()}

    run = await rig.configure(include_guests=True, include_disabled=True)
    assert set(await rig.linked()) == everybody
    assert run.counts.added == len(everybody) - len(rig.expected())

    run = await rig.configure(include_guests=False, include_disabled=False)
    assert await rig.linked() == rig.expected()
    assert run.counts.unlinked == len(everybody) - len(rig.expected())


async def test_status_totals_equal_what_is_stored(rig, tenant):
    await rig.connect(conflict_resolution=ConflictResolution.KEEP_LOCAL)
    await rig.full()
    tenant.remove(*sorted(rig.expected())[:7])
    await rig.delta()

    totals = (await rig.state()).totals

    assert totals.contacts == len(await rig.contacts())
    assert totals.linked == len(await rig.linked())


async def test_history_tells_each_added_contact(rig):
    await rig.connect()
    run = await rig.full()

    told = [
        change async for _, page in rig.services.workspaces.journal(rig.workspace, run.id) for change in page.changes
    ]

    assert {change.contact_id: change.after for change in told} == rig.expected()
    assert {change.outcome for change in told} == {Outcome.ADDED}
