"""A run is undone: what it changed, and nobody has changed since, is what it was before (spec §6)."""

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contacts.contact import Link, own_contact_id
from contacts.edit_journal import stamp_of
from contacts.edit_store import EditStore
from contacts.edits import created, edited, removed
from errors import NotFound
from mapping.configuration import ConflictResolution, DeletionBehavior, FieldMapping
from storage.transaction import Operation, Verb
from sync.messages import Start
from sync.requests import NotPossible
from sync.undo import Why
from tests.rig import Killed
from workspace.audit import Action, entry
from workspace.connection import Stage, partition_of
from workspace.journal import journal_operation
from workspace.run import Mode, RunState

HARD = DeletionBehavior.HARD_DELETE
PEOPLE = 26
"""Of the tenant's 30 users, those who are in scope."""
WRONG = (FieldMapping("surname", "firstName"), FieldMapping("givenName", "lastName"))


def records(rig):
    return [entry(action, "ada", "Ada", rig.clock()) for action in (Action.PAUSED, Action.UNDONE)]


async def undo(rig, run):
    asked = await rig.services.undoing.undo(rig.workspace, run.id, "Ada", *records(rig))
    await rig.work()
    return await rig.run(asked.id)


async def resume(rig):
    await rig.services.pausing.resume(rig.workspace, "Ada", entry(Action.RESUMED, "ada", "Ada", rig.clock()))
    await rig.work()
    return (await rig.state()).last


async def kept(rig):
    """Every contact's row, whole but for its ETag; in the order of ids."""
    return [replace(one, etag="") for one in await rig.rows()]


def edits(rig):
    return EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)


async def edit(rig, contact_id, person="bob", **fields):
    now = stamp_of(rig.clock())
    await edits(rig).change(rig.partition, contact_id, lambda one: edited(one, fields, now, person), now, person)


async def drop(rig, contact_id, person="bob"):
    now = stamp_of(rig.clock())
    await edits(rig).change(rig.partition, contact_id, lambda one: removed(one, now, person), now, person)


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=30)


@pytest.mark.parametrize("behavior", list(DeletionBehavior))
async def test_everybody_who_was_removed_is_back_exactly(rig, tenant, behavior):
    await rig.connect(removal_guard=None, deletion_behavior=behavior)
    await rig.full()
    before = await kept(rig)
    for user in rig.expected():
        tenant.remove(user)
    mistake = await rig.delta()
    assert await kept(rig) != before

    run = await undo(rig, mistake)

    assert (run.state, run.mode, run.undoes) == (RunState.COMPLETED, Mode.UNDO, mistake.id)
    assert await kept(rig) == before
    state = await rig.state()
    assert (state.totals.contacts, state.totals.linked) == (len(before), len(before))


async def test_an_added_contact_goes_unless_a_person_edited_it(rig, tenant):
    await rig.connect()
    first = await rig.full()
    someone, *_, other = rig.expected()
    await edit(rig, someone, jobTitle="Mine")
    await drop(rig, other)
    preview = await rig.services.undoing.preview(rig.workspace, first.id)

    run = await undo(rig, first)

    assert [one.id for one in await rig.contacts()] == [someone]
    assert (run.counts.removed, run.counts.skipped) == (PEOPLE - 2, 2)
    assert preview.counts == run.counts
    assert {(one.contact_id, one.why, one.by) for one in preview.left_alone} == {
        (someone, Why.CHANGED_BY_PERSON, "bob"),
        (other, Why.CHANGED_BY_PERSON, "bob"),
    }


async def test_a_wrong_mapping_is_undone_and_the_next_run_does_it_again_unless_it_is_changed(rig, tenant):
    await rig.connect()
    await rig.full()
    before = await kept(rig)
    mistake = await rig.configure(field_mappings=WRONG)
    wrong = await rig.linked()

    await undo(rig, mistake)

    assert await kept(rig) == before
    assert (await rig.services.workspaces.load(rig.workspace))[0].stage is Stage.PAUSED
    again = await resume(rig)
    assert (again.mode, again.counts.updated) == (Mode.FULL, PEOPLE)
    assert await rig.linked() == wrong


async def test_an_undo_can_be_undone_and_that_too(rig, tenant):
    await rig.connect(removal_guard=None, deletion_behavior=HARD)
    await rig.full()
    before = await kept(rig)
    gone, changed = list(rig.expected())[:2]
    tenant.remove(gone)
    tenant.change(changed, givenName="Changed")
    tenant.hire(givenName="New")
    run = await rig.delta()
    after = await kept(rig)

    first = await undo(rig, run)
    assert await kept(rig) == before
    second = await undo(rig, first)
    assert await kept(rig) == after
    await undo(rig, second)

    assert await kept(rig) == before


@pytest.mark.parametrize("newest_first", [True, False])
async def test_of_two_runs_that_changed_a_contact_the_later_one_is_undone_first(rig, tenant, newest_first):
    await rig.connect()
    await rig.full()
    before = await kept(rig)
    someone = next(iter(rig.expected()))
    runs = []
    for name in ("One", "Two"):
        tenant.change(someone, givenName=name)
        runs.append(await rig.delta())

    undone = [await undo(rig, one) for one in (reversed(runs) if newest_first else runs)]

    assert [one.counts.skipped for one in undone] == ([0, 0] if newest_first else [1, 0])
    shown = await rig.linked()
    assert (await kept(rig) == before) is newest_first
    assert newest_first or shown[someone]["firstName"] == "One"


async def test_an_adopted_contact_is_given_back_as_the_person_had_made_it(rig, tenant):
    own = created(own_contact_id(), {"firstName": "Own", "email": "own@x.example"}, "2026-01-01T00:00:00Z", "bob")
    await rig.connect()
    await edits(rig).add(rig.partition, own)
    before = await kept(rig)
    tenant.hire(givenName="Ada", mail="OWN@x.example")
    run = await rig.full()
    assert run.counts.linked == 1

    await undo(rig, run)

    assert await kept(rig) == before
    assert [
        one.id for one in (await rig.services.contacts.by_email(rig.partition, {"own@x.example": 1})).popitem()[1]
    ] == [own.id]


async def test_what_a_person_had_removed_stays_away_after_a_removal_is_undone(rig, tenant):
    await rig.connect(removal_guard=None, conflict_resolution=ConflictResolution.KEEP_LOCAL)
    await rig.full()
    someone = next(iter(rig.expected()))
    await drop(rig, someone)
    await rig.delta()
    before = await kept(rig)
    for user in rig.expected():
        tenant.remove(user)
    mistake = await rig.delta()

    await undo(rig, mistake)

    assert await kept(rig) == before
    assert next(one for one in before if one.id == someone).link is Link.REMOVED


async def test_a_person_who_has_another_contact_by_now_gets_no_second_one(rig, tenant):
    await rig.connect(removal_guard=None, deletion_behavior=HARD)
    someone = tenant.hire(givenName="Ada", mail="ada@x.example")
    await rig.full()
    tenant.remove(someone)
    mistake = await rig.delta()
    own = created(own_contact_id(), {"email": "ada@x.example"}, "2026-01-01T00:00:00Z", "bob")
    await edits(rig).add(rig.partition, own)
    tenant.restore(someone)
    await rig.delta()
    now = await kept(rig)

    preview = await rig.services.undoing.preview(rig.workspace, mistake.id)
    run = await undo(rig, mistake)

    assert await kept(rig) == now
    assert run.counts.skipped == 1
    assert [(one.why, one.by) for one in preview.left_alone] == [(Why.ANOTHER_CONTACT, own.id)]


@pytest.mark.parametrize("calls", range(1, 14))
async def test_an_undo_whose_worker_dies_ends_as_one_whose_worker_does_not(rig, tenant, calls):
    await rig.connect(removal_guard=None, deletion_behavior=HARD)
    await rig.full()
    before = await kept(rig)
    for number, user in enumerate(rig.expected()):
        tenant.remove(user) if number % 2 else tenant.change(user, givenName="Changed")
    mistake = await rig.delta()
    asked = await rig.services.undoing.undo(rig.workspace, mistake.id, "Ada", *records(rig))
    rig.kill_before = calls
    try:
        await rig.work()
    except Killed:
        rig.clock.offset += timedelta(minutes=2)
        rig.kill_before = None
        # The hour strikes while it is paused.
        await rig.services.dispatch.handle(Start(rig.workspace, Mode.DELTA, "schedule"))
    rig.kill_before = None
    await rig.work()

    run = await rig.run(asked.id)

    assert await kept(rig) == before
    assert (run.state, run.counts.added, run.counts.updated, run.counts.skipped) == (
        RunState.COMPLETED,
        PEOPLE // 2,
        PEOPLE // 2,
        0,
    )


async def test_while_a_person_edits_a_contact_it_is_left_alone(rig, tenant):
    await rig.connect()
    await rig.full()
    someone = next(iter(rig.expected()))
    tenant.change(someone, givenName="Changed")
    run = await rig.delta()
    tables, once = rig.services.tables, []

    def edit_meanwhile(partition, operations):
        if partition == rig.partition and not once:
            once.append(True)
            row = tables._stored[partition.table, partition.key].rows[someone]
            row |= {"city": "Mine", "updatedBy": "bob", "odata.etag": "another"}

    asked = await rig.services.undoing.undo(rig.workspace, run.id, "Ada", *records(rig))
    tables.before_write = edit_meanwhile
    await rig.work()

    assert (await rig.run(asked.id)).counts.skipped == 1
    assert (await rig.linked())[someone]["firstName"] == "Changed"


async def test_rows_of_a_version_that_kept_no_contacts_are_undone_as_far_as_they_tell(rig, tenant):
    await rig.connect(removal_guard=None, deletion_behavior=HARD)
    own = created(own_contact_id(), {"email": "own@x.example"}, "2026-01-01T00:00:00Z", "bob")
    await edits(rig).add(rig.partition, own)
    await rig.full()
    before = {one.id: (one.link, one.fields) for one in await kept(rig)}
    gone, changed = list(rig.expected())[:2]
    tenant.remove(gone)
    tenant.change(changed, givenName="Changed")
    tenant.hire(givenName="New", mail="own@x.example")
    tenant.hire(givenName="New")
    run = await rig.delta()
    workspaces = rig.services.workspaces
    for number, page in [one async for one in workspaces.journal(rig.workspace, run.id)]:
        older = journal_operation(run.id, number, dataclasses.replace(page, kept=False, formers=[]))
        await rig.services.tables.transact(partition_of(rig.workspace), [Operation(Verb.PUT, older.row_key, older.row)])

    preview = await rig.services.undoing.preview(rig.workspace, run.id)
    undone = await undo(rig, run)

    del before[gone]
    assert {one.id: (one.link, one.fields) for one in await kept(rig)} == before
    assert [(one.contact_id, one.why) for one in preview.left_alone] == [(gone, Why.NOT_KEPT)]
    assert undone.counts.skipped == 1


async def test_a_run_that_has_not_ended_or_is_too_old_or_another_organisations_cannot_be_undone(rig, tenant):
    await rig.connect()
    run = await rig.full()
    going = await rig.ask()
    with pytest.raises(NotPossible, match="not ended"):
        await rig.services.undoing.preview(rig.workspace, going.id)
    await rig.work()

    rig.clock.offset = timedelta(days=91)
    with pytest.raises(NotFound):
        await undo(rig, run)

    rig.clock.offset = timedelta(days=1)
    joined = rig.clock()
    await rig.services.workspaces.update(
        rig.workspace, lambda connection, state: (replace(connection, joined_at=joined), state, ())
    )
    with pytest.raises(NotPossible, match="earlier connection"):
        await undo(rig, run)


async def test_a_second_click_is_answered_by_the_same_undo_and_another_run_waits(rig, tenant):
    await rig.connect()
    first, second = await rig.full(), await rig.delta()
    asked = await rig.services.undoing.undo(rig.workspace, first.id, "Ada", *records(rig))

    again = await rig.services.undoing.undo(rig.workspace, first.id, "Ada", *records(rig))

    assert again.id == asked.id
    with pytest.raises(NotPossible, match="Another undo"):
        await rig.services.undoing.undo(rig.workspace, second.id, "Ada", *records(rig))
    told, _ = await rig.services.workspaces.audit(rig.workspace, 10, "")
    assert sorted(one.action for one in told) == [Action.PAUSED, Action.UNDONE]


async def test_what_is_asked_for_while_an_undo_goes_on_follows_it(rig, tenant):
    await rig.connect()
    run = await rig.full()
    before = await rig.linked()
    await rig.services.undoing.undo(rig.workspace, run.id, "Ada", *records(rig))

    last = await resume(rig)

    assert (last.mode, last.counts.added) == (Mode.FULL, PEOPLE)
    assert await rig.linked() == before


class TestMany:
    PEOPLE = 2_000

    @pytest.fixture
    def tenant(self, directory):
        return directory.control.tenant(people=self.PEOPLE)

    @pytest.mark.parametrize("behavior", list(DeletionBehavior))
    async def test_as_many_as_were_removed_are_back_for_three_first_syncs_at_most(self, rig, tenant, behavior):
        await rig.connect(removal_guard=None, deletion_behavior=behavior)
        first = await rig.full()
        before = await kept(rig)
        for user in rig.expected():
            tenant.remove(user)
        mistake = await rig.delta()

        run = await undo(rig, mistake)

        assert await kept(rig) == before
        assert run.cost.graph_requests == 0
        assert run.cost.table_transactions <= 3 * first.cost.table_transactions
