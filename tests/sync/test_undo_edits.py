"""A person's many edits are undone: what nobody has changed since is what it was before (spec §6, §7)."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest

import limits
from contacts.contact import TABLE, own_contact_id
from contacts.edit_journal import EDIT_PREFIX, stamp_of
from contacts.edits import created
from errors import NotFound
from mapping.configuration import ConflictResolution
from storage.filters import beginning
from sync.messages import SCHEDULE, Prune, Start
from sync.requests import NotPossible
from sync.undo import Why
from tests.rig import Killed
from tests.sync.test_undo import drop, edit, edits, kept, records, resume, tenant
from workspace.audit import Action, edits_entry, entry
from workspace.connection import partition_of
from workspace.edits import EditKind
from workspace.run import Mode, RunState

assert tenant  # A fixture.


async def note(rig, kind, person="bob", since=None):
    """The audit trail tells of a person's edits; the entry's id."""
    record = edits_entry(kind, person, person.title(), rig.clock(), 20, since or rig.clock() - timedelta(minutes=30))
    await rig.services.tables.transact(partition_of(rig.workspace), [record])
    return record.row_key.partition(":")[2]


async def preview(rig, entry_id):
    return await rig.services.undoing.preview(rig.workspace, await rig.services.undoing.edits(rig.workspace, entry_id))


async def ask(rig, entry_id):
    wanted = await rig.services.undoing.edits(rig.workspace, entry_id)
    return await rig.services.undoing.undo(rig.workspace, wanted, "Ada", *records(rig))


async def undo(rig, entry_id):
    asked = await ask(rig, entry_id)
    await rig.work()
    return await rig.run(asked.id)


async def add(rig, person="bob", **fields):
    contact = created(own_contact_id(), fields, stamp_of(rig.clock()), person)
    await edits(rig).add(rig.partition, contact)
    return contact.id


async def edit_rows(rig):
    """What is kept of people's edits: the keys."""
    where = beginning(rig.partition.key, EDIT_PREFIX)
    return [row["RowKey"] async for rows in rig.services.tables.query(TABLE, where, dict[str, Any]) for row in rows]


@pytest.mark.parametrize("resolution", list(ConflictResolution))
async def test_everybody_whom_a_person_removed_is_back_exactly(rig, tenant, resolution):
    await rig.connect(conflict_resolution=resolution)
    await rig.full()
    own = [await add(rig, "ada", firstName=f"Own {n}", email=f"own{n}@x.example") for n in range(3)]
    before = await kept(rig)
    for one in (*rig.expected(), *own):
        await drop(rig, one)
    assert not await rig.contacts()
    told = await note(rig, EditKind.REMOVED)
    planned = await preview(rig, told)

    run = await undo(rig, told)

    assert (run.state, run.mode, run.undoes_edits.entry) == (RunState.COMPLETED, Mode.UNDO, told)
    assert await kept(rig) == before
    assert run.counts == planned.counts
    assert run.counts.added == len(before)
    state, tally = await rig.state(), await rig.services.contacts.tally(rig.partition)
    assert state.totals.contacts + tally.contacts == len(before)
    after = await resume(rig)
    assert (after.mode, after.counts.updated, after.counts.added) == (Mode.FULL, 0, 0)
    assert [one.fields for one in await kept(rig)] == [one.fields for one in before]


async def test_what_was_changed_goes_back_by_as_many_steps_as_it_took(rig, tenant):
    await rig.connect(conflict_resolution=ConflictResolution.KEEP_LOCAL)
    await rig.full()
    before = await kept(rig)
    someone, another = list(rig.expected())[:2]
    for number in range(3):
        await edit(rig, someone, department=f"Mine {number}")
        await edit(rig, another, firstName=f"Mine {number}")
    await edit(rig, another, person="eve", firstName="Hers")
    told = await note(rig, EditKind.CHANGED)

    found = await preview(rig, told)
    run = await undo(rig, told)

    assert (run.counts.updated, run.counts.skipped) == (1, 1)
    assert [(one.contact_id, one.why, one.by) for one in found.left_alone] == [(another, Why.CHANGED_BY_PERSON, "eve")]
    now = await kept(rig)
    assert [one for one in now if one.id != another] == [one for one in before if one.id != another]
    assert next(one for one in now if one.id == another).fields["firstName"] == "Hers"


async def test_what_was_added_goes_unless_the_directory_has_it_by_now(rig, tenant):
    await rig.connect()
    await rig.full()
    before = await kept(rig)
    for number in range(5):
        await add(rig, firstName=f"P{number}", email=f"p{number}@x.example")
    tenant.hire(givenName="Ada", mail="p3@x.example")
    await rig.delta()

    run = await undo(rig, await note(rig, EditKind.ADDED))

    assert (run.counts.removed, run.counts.skipped) == (4, 1)
    shown = {one.fields.get("email") for one in await rig.contacts()} - {one.fields.get("email") for one in before}
    assert shown == {"p3@x.example"}


async def test_only_one_persons_edits_of_one_kind_and_hour_are_undone(rig, tenant):
    await rig.connect()
    await rig.full()
    people = list(rig.expected())
    await drop(rig, people[0])
    rig.clock.offset += timedelta(hours=2)
    since = rig.clock()
    await drop(rig, people[1])
    await drop(rig, people[2], person="eve")
    await edit(rig, people[3], jobTitle="Mine")
    told = await note(rig, EditKind.REMOVED, since=since)
    rig.clock.offset += timedelta(hours=1, minutes=1)
    await drop(rig, people[4])

    await undo(rig, told)

    gone = set(people) - {one.id for one in await rig.contacts()}
    assert gone == {people[0], people[2], people[4]}
    assert (await rig.linked())[people[3]]["jobTitle"] == "Mine"


async def test_an_undo_of_edits_can_be_undone(rig, tenant):
    await rig.connect()
    await rig.full()
    for one in list(rig.expected())[:5]:
        await drop(rig, one)
    after = await kept(rig)
    run = await undo(rig, await note(rig, EditKind.REMOVED))
    assert await kept(rig) != after

    asked = await rig.services.undoing.undo(rig.workspace, run.id, "Ada", *records(rig))
    await rig.work()

    assert (await rig.run(asked.id)).state is RunState.COMPLETED
    assert await kept(rig) == after


@pytest.mark.parametrize("calls", range(1, 20))
async def test_a_worker_may_die_before_any_call(rig, tenant, calls):
    await rig.connect()
    await rig.full()
    before = await kept(rig)
    for one in rig.expected():
        await drop(rig, one)
    asked = await ask(rig, await note(rig, EditKind.REMOVED))
    rig.kill_before = calls
    with contextlib.suppress(Killed):
        await rig.work()
    rig.kill_before = None
    rig.clock.offset += limits.LEASE + timedelta(seconds=1)
    # The hour strikes while it is paused.
    await rig.services.dispatch.handle(Start(rig.workspace, Mode.DELTA, SCHEDULE))
    await rig.work()

    run = await rig.run(asked.id)
    assert (run.state, run.counts.added) == (RunState.COMPLETED, len(before))
    assert await kept(rig) == before


async def test_the_same_undo_is_asked_twice_and_another_one_meanwhile_is_refused(rig, tenant):
    await rig.connect()
    await rig.full()
    await drop(rig, next(iter(rig.expected())))
    told, other = await note(rig, EditKind.REMOVED), await note(rig, EditKind.ADDED)

    first, second = await ask(rig, told), await ask(rig, told)

    assert first.id == second.id
    with pytest.raises(NotPossible):
        await ask(rig, other)


async def test_other_entries_of_the_trail_and_old_ones_are_not_undone(rig, tenant):
    await rig.connect()
    record = entry(Action.RENAMED, "ada", "Ada", rig.clock(), {"name": "X"})
    old = edits_entry(EditKind.REMOVED, "bob", "Bob", rig.clock(), 20, rig.clock() - limits.HISTORY - timedelta(1))
    await rig.services.tables.transact(partition_of(rig.workspace), [record, old])
    with pytest.raises(NotPossible):
        await preview(rig, record.row_key.partition(":")[2])
    with pytest.raises(NotFound):
        await preview(rig, old.row_key.partition(":")[2])
    with pytest.raises(NotFound):
        await preview(rig, "0000000000000-x")


async def test_what_is_kept_of_edits_ends_after_90_days(rig, tenant):
    await rig.connect()
    await rig.full()
    people = list(rig.expected())
    await drop(rig, people[0])
    rig.clock.offset += limits.HISTORY
    await drop(rig, people[1])
    rig.clock.offset += timedelta(minutes=1)

    await rig.services.dispatch.handle(Prune(rig.workspace))

    assert [one.rpartition(":")[2] for one in await edit_rows(rig)] == [people[1]]


async def test_a_contact_that_a_run_changed_between_two_edits_goes_back_to_that(rig, tenant):
    await rig.connect()
    await rig.full()
    someone = next(iter(rig.expected()))
    await edit(rig, someone, department="Mine")
    tenant.change(someone, givenName="Changed")
    await rig.delta()
    between = await kept(rig)
    await edit(rig, someone, department="Mine again")

    run = await undo(rig, await note(rig, EditKind.CHANGED))

    assert (run.counts.updated, run.counts.skipped) == (1, 0)
    assert await kept(rig) == between


@pytest.mark.parametrize("is_linked", [True, False])
async def test_a_contact_that_is_edited_while_it_is_undone_is_left_alone_and_told_so(rig, tenant, is_linked):
    await rig.connect()
    await rig.full()
    someone = next(iter(rig.expected())) if is_linked else await add(rig, "ada", firstName="Own")
    await edit(rig, someone, jobTitle="Bob's")
    told, write = await note(rig, EditKind.CHANGED), rig.services.contacts.write
    rivals = ["Carol's"]

    async def write_after_an_edit(partition, groups, **how):
        if rivals:
            await edit(rig, someone, person="carol", jobTitle=rivals.pop())
        return await write(partition, groups, **how)

    rig.services.contacts.write = write_after_an_edit
    run = await undo(rig, told)

    assert (run.counts.updated, run.counts.skipped) == (0, 1)
    assert next(one for one in await kept(rig) if one.id == someone).fields["jobTitle"] == "Carol's"
