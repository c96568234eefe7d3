"""Which workspaces read a tenant, and how its administrator ends one of them (spec §7)."""

import jwt
import pytest

from connect.attempt import LIFE, Attempt, Stage, attempt_operation, hash_of
from connect.connecting import Outsider
from tests.api.calls import called
from tests.planted import rows_that_hold
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, partition_of
from workspace.connection import Stage as Life

OTHER = "00000000-1111-4222-8333-444444444444"
GLORIA = "Gloria Global (gloria@contoso.example)"


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=3)


@pytest.fixture
async def connected(rig):
    await rig.connect()
    return rig


def index_of(rig):
    return rig.services.consent_calls.tenants


async def ended_by(rig, outsider):
    """The connection once an outsider has ended it, or tried to."""
    record = entry(Action.DISCONNECTED, "", outsider.name, rig.clock())
    await rig.services.consent_calls.connecting.disconnect(rig.workspace, ContactsOnDisconnect.KEEP, record, outsider)
    await rig.work()
    return (await rig.services.workspaces.load(rig.workspace))[0]


async def test_a_row_of_the_index_says_nothing_about_another_tenants_connection(connected):
    await index_of(connected).join(OTHER, connected.workspace, "Contoso", "Ada")

    assert await index_of(connected).workspaces(OTHER) == []


async def test_a_refused_join_leaves_no_name_in_the_index(connected, directory):
    token = directory.control.token(f"admin@{connected.workspace}")
    person = jwt.decode(token, options={"verify_signature": False})["sub"]
    proven = {"stage": Stage.PROVEN, "tenant_id": OTHER, "code_hash": hash_of("s"), "verifier_hash": hash_of("v")}
    attempt = Attempt("a" * 32, connected.workspace, person, connected.clock() + LIFE, approved_by=GLORIA, **proven)
    await connected.services.tables.transact(partition_of(connected.workspace), [attempt_operation(attempt)])

    body = {"code": f"{'a' * 32}.s", "verifier": "v"}
    answer = await called(connected.services.consent_calls.complete, "POST", token, body)

    assert answer.status_code == 409
    assert [row for row in await rows_that_hold(connected.account, OTHER) if row.startswith("Schedule")] == []


async def test_a_connection_that_is_another_tenants_by_now_is_not_ended(connected):
    connection = await ended_by(connected, Outsider(OTHER, GLORIA))

    assert (connection.stage, connection.ended_by) == (Life.ACTIVE, None)
    assert (await connected.services.workspaces.audit(connected.workspace, 10, ""))[0] == []


async def test_a_workspace_is_told_who_ended_its_connection_until_it_connects_again(connected, tenant):
    connection = await ended_by(connected, Outsider(tenant.id, GLORIA))
    assert (connection.stage, connection.ended_by) == (Life.NONE, GLORIA)

    record = entry(Action.CONNECTED, "ada", "Ada", connected.clock())
    await connected.services.consent_calls.connecting.connect(connected.workspace, tenant.id, "Contoso", "Ada", record)

    connection, _ = await connected.services.workspaces.load(connected.workspace)
    assert (connection.stage, connection.ended_by) == (Life.ACTIVE, None)
