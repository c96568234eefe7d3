"""Deleted is deleted: no row of any table holds a name any more, after each of the ways to forget (spec §2)."""

import contextlib
from datetime import timedelta

import pytest

from connect.attempt import LIFE, Attempt, attempt_operation
from contacts.contact import own_contact_id
from contacts.edits import created, edited
from local.tools.forget import message_of
from mapping.configuration import ConflictResolution, RemovalGuard
from sync.messages import Forget, ForgetPerson, Prune, read_message
from tests.planted import rows_that_hold
from tests.rig import Killed
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, partition_of
from workspace.run import RunState

NAME = "Quetzalcoatlus"
ADDRESS = "quetzalcoatlus@contoso.example"


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=6)


@pytest.fixture
async def planted(rig, tenant):
    """A workspace where the name stands wherever a name can: the rig, and the user's object id.

    In contacts that are linked, unlinked and removed by a person, in journals, in a run's sample, in what a run left.
    """
    await rig.connect(
        removal_guard=RemovalGuard(minimum=0, percent=1), conflict_resolution=ConflictResolution.KEEP_LOCAL
    )
    someone = tenant.hire(givenName=NAME, surname="Linked", mail=ADDRESS)
    leaver = tenant.hire(givenName=NAME, surname="Leaver")
    hidden = tenant.hire(givenName=NAME, surname="Hidden")
    await rig.full()
    tenant.remove(leaver)
    waiting = await rig.delta()
    assert waiting.state is RunState.AWAITING_APPROVAL
    await rig.services.requests.approve(rig.workspace, waiting.id, entry(Action.APPROVED, "p", "P", rig.clock()))
    await rig.work()
    edits = rig.services.contact_calls.edits
    await edits.change(rig.partition, hidden, lambda one: edited(one, {"jobTitle": NAME}, "now"), "now", None)
    assert len(await rows_that_hold(rig.account, NAME)) > 5
    return rig, someone


async def disconnect(rig, contacts):
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.consent_calls.connecting.disconnect(rig.workspace, contacts, record)
    await rig.work()


async def test_a_disconnect_with_deletion_leaves_nobody_of_the_directory(planted):
    rig, _ = planted
    own = created(own_contact_id(), {"firstName": "Own"}, "now")
    await rig.services.contact_calls.edits.add(rig.partition, own)

    await disconnect(rig, ContactsOnDisconnect.DELETE)

    assert await rows_that_hold(rig.account, NAME) == []
    assert [one.fields for one in await rig.rows()] == [{"firstName": "Own"}]
    assert (await rig.services.workspaces.audit(rig.workspace, 10, ""))[0][0].action is Action.DISCONNECTED
    runs, _ = await rig.services.workspaces.history(rig.workspace, 10, "")
    assert sum(run.counts.added for run in runs) == 9


async def test_a_disconnect_that_keeps_the_contacts_keeps_them(planted):
    rig, _ = planted
    before = {one.id for one in await rig.contacts()}

    await disconnect(rig, ContactsOnDisconnect.KEEP)

    assert {one.id for one in await rig.contacts()} == before


async def test_a_forgotten_workspace_leaves_no_row(planted):
    rig, _ = planted
    await rig.services.consent_calls.consent.begin(rig.workspace, "ada")

    await rig.services.dispatch.handle(Forget(rig.workspace))
    await rig.work()

    assert await rows_that_hold(rig.account, NAME) == []
    assert await rows_that_hold(rig.account, rig.workspace) == []


async def test_forgetting_a_workspace_twice_or_one_that_never_was_does_no_harm(planted):
    rig, _ = planted
    await rig.services.dispatch.handle(Forget(rig.workspace))
    await rig.work()

    await rig.services.dispatch.handle(Forget(rig.workspace))

    assert await rows_that_hold(rig.account, rig.workspace) == []


async def test_a_workspace_is_forgotten_though_workers_die_on_the_way(planted):
    rig, _ = planted
    for calls in (3, 9, 20, 35, 50):
        rig.kill_before = calls
        with contextlib.suppress(Killed):
            await rig.services.dispatch.handle(Forget(rig.workspace))
        rig.kill_before = None
        rig.clock.offset += timedelta(minutes=2)

    await rig.services.dispatch.handle(Forget(rig.workspace))
    await rig.work()

    assert await rows_that_hold(rig.account, rig.workspace) == []


@pytest.mark.parametrize("by", ["id", "address", "ADDRESS"])
async def test_a_forgotten_person_stands_in_no_row(rig, tenant, by):
    await rig.connect(removal_guard=None)
    someone = tenant.hire(givenName=NAME, surname="Person", mail=ADDRESS)
    await rig.full()
    tenant.change(someone, surname="Changed")
    await rig.delta()
    tenant.remove(someone)
    await rig.delta()
    others = {one.id for one in await rig.contacts()} - {someone}
    assert len(await rows_that_hold(rig.account, NAME)) > 2
    named = {"id": someone, "address": ADDRESS, "ADDRESS": ADDRESS.upper()}[by]

    await rig.services.dispatch.handle(ForgetPerson(rig.workspace, named))

    assert await rows_that_hold(rig.account, NAME) == []
    assert await rows_that_hold(rig.account, ADDRESS) == []
    assert await rows_that_hold(rig.account, someone) == []
    assert await rows_that_hold(rig.account, someone.replace("-", "")) == []
    assert {one.id for one in await rig.contacts()} == others
    assert not (await rig.state()).leased(rig.clock())


async def test_history_of_a_workspace_that_no_longer_syncs_is_pruned(planted):
    rig, _ = planted
    attempt = Attempt("0" * 32, rig.workspace, "ada", rig.clock() + LIFE)
    await rig.services.tables.transact(partition_of(rig.workspace), [attempt_operation(attempt)])
    await disconnect(rig, ContactsOnDisconnect.KEEP)
    rig.clock.offset += timedelta(days=91)

    await rig.services.dispatch.handle(Prune(rig.workspace))

    assert (await rig.services.workspaces.history(rig.workspace, 10, ""))[0] == []
    for kind in ("journal:", "pending:", "attempt:"):
        assert await rows_that_hold(rig.account, kind) == []


def test_the_operators_command_asks_for_what_the_queue_understands():
    assert read_message(message_of("w-1", None).encode()) == Forget("w-1")
    assert read_message(message_of("w-1", ADDRESS).encode()) == ForgetPerson("w-1", ADDRESS)
