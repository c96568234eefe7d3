"""Rows that the version before wrote (commit 5f6ecee) are read, and runs go on from them.

The rows were stored by that version itself: 30 people, two runs, 25 leavers whose removal waits for approval, an edited
contact, one that a person removed, and a queued delta run.
"""

import json
from pathlib import Path

import pytest

from contacts.contact import Link
from directory.credentials import TenantId
from mapping.fields import ObjectId
from storage.transaction import Operation, Partition, Verb
from sync.messages import Continue
from workspace.connection import Connection, ConnectionState, Stage, WorkspaceId, connection_operation
from workspace.run import RunState

ROWS = json.loads((Path(__file__).parent / "rows_of_5f6ecee.json").read_text())
_ALSO = {"PartitionKey", "RowKey", "Timestamp"}


def columns_of(row, tenant):
    for name, value in row.items():
        if name not in _ALSO and isinstance(value, dict):
            yield from ((name, value["binary"]), (f"{name}@odata.type", "Edm.Binary"))
        elif name not in _ALSO:
            text = value.replace("00000000-1111-4222-8333-444444444444", tenant) if isinstance(value, str) else value
            yield name, text


@pytest.fixture
async def before(rig, tenant):
    """The same workspace, with what the version before stored of it."""
    people = [f"00000000-0000-4000-8000-{n:012x}" for n in range(1, 6)]
    for number, one in enumerate(people, 1):
        first = "Changed" if number == 1 else f"Ada {number}"
        mail = f"ada{number}@x.example"
        tenant.do(("hire", {"id": one, "givenName": first, "surname": "King", "mail": mail, "accountEnabled": True}))
    for table, rows in ROWS.items():
        for row in rows:
            place = Partition(table, row["PartitionKey"])
            operation = Operation(Verb.PUT, row["RowKey"], dict(columns_of(row, tenant.id)))
            await rig.services.tables.transact(place, [operation])
    rig.workspace = WorkspaceId("w-before")
    return rig


async def test_the_queued_run_goes_on_and_settles_what_people_did(before):
    connection, state = await before.services.workspaces.load(before.workspace)
    assert (connection.stage, connection.state) == (Stage.ACTIVE, ConnectionState.ACTIVE)

    await before.services.dispatch.handle(Continue(before.workspace, state.run.id, 0))

    run = await before.run(state.run.id)
    # A full one, because the fields that are asked for changed: it has found the 25 leavers itself.
    assert (run.state, run.pending_removals.count) == (RunState.AWAITING_APPROVAL, 25)
    shown = {one.source_id: one for one in await before.contacts() if one.link is Link.LINKED}
    assert {one.fields["firstName"] for one in shown.values()} >= {"Changed", "Ada 2", "Ada 3", "Ada 4", "Ada 5"}


async def test_removals_that_waited_are_applied_when_they_are_approved(before):
    _, state = await before.services.workspaces.load(before.workspace)
    waiting = state.waiting
    await before.services.dispatch.handle(Continue(before.workspace, state.run.id, 0))
    _, state = await before.services.workspaces.load(before.workspace)
    held = state.waiting or waiting

    await before.services.requests.approve(before.workspace, held.id)
    await before.services.dispatch.handle(Continue(before.workspace, held.id, 0))

    assert len([one for one in await before.contacts() if one.link is Link.LINKED]) == 5
    assert len([one for one in await before.contacts() if one.link is Link.UNLINKED]) == 25


async def test_history_and_journal_are_shown(before):
    runs, _ = await before.services.workspaces.history(before.workspace, 100, "")

    first = runs[-1]
    pages = [page async for _, page in before.services.workspaces.journal(before.workspace, first.id)]
    assert sum(len(page.changes) for page in pages) == first.counts.added == 30


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ({"state": "permissions_required", "permission": "spreading"}, Stage.SPREADING),
        ({"state": "permissions_required", "permission": "failed"}, Stage.REFUSED),
        ({"state": "permissions_required", "permission": "granted"}, Stage.LOST),
        ({"state": "permissions_required", "permission": "granted", "tenantId": None}, Stage.NONE),
        ({"state": "permissions_required", "closing": "keep"}, Stage.CLOSING),
        ({"state": "not_configured", "permission": "granted"}, Stage.GRANTED),
        ({"state": "active", "permission": "granted"}, Stage.ACTIVE),
        ({"state": "active", "permission": "spreading"}, Stage.ACTIVE),
    ],
)
async def test_a_stage_is_read_from_what_the_version_before_wrote(rig, told, stage):
    connection = Connection(
        rig.workspace, Stage.ACTIVE, TenantId(ObjectId("t")), "Contoso", rig.list_id, "Contoso Users", rig.clock()
    )
    operation = connection_operation(connection)
    document = json.loads(operation.row["document0"])
    del document["stage"]
    row = {**operation.row, "document0": json.dumps(document | told)}
    place = Partition("Connections", rig.workspace)
    await rig.services.tables.transact(place, [Operation(Verb.PUT, operation.row_key, row)])

    found, _ = await rig.services.workspaces.load(rig.workspace)

    assert found.stage is stage
