"""The removals that wait for approval, as an administrator looks through them (spec §5)."""

import csv
import io

import pytest
from msgspec.structs import replace

from api.run_shapes import run_shape
from contacts.contact import Link
from mapping.configuration import DeletionBehavior, RemovalGuard
from workspace.run import Counts, Phase, RunState


def person(number, **values):
    names = {"givenName": f"Zo\u00eb{number:02}", "surname": "M\u00fcller", "mail": f"zoe{number:02}@x.example"}
    return {"userPrincipalName": f"u{number}@x.example", **names, **values}


@pytest.fixture
async def waiting(memory):
    rig = memory.rig
    rig.ids = [rig.tenant.hire(**person(number)) for number in range(30)]
    await rig.connect(removal_guard=RemovalGuard(5, 0), deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    rig.tenant.remove(*rig.ids[:12])
    rig.held = await rig.delta()
    assert rig.held.state is RunState.AWAITING_APPROVAL
    return memory


async def pending(api, **params):
    status, told = await api.call(api.runs.pending, route={"id": api.rig.held.id}, **params)
    assert status == 200
    return told


async def test_a_waiting_run_says_what_it_would_do_to_how_many(waiting):
    _, told = await waiting.call(waiting.runs.show, route={"id": waiting.rig.held.id})

    waits = told["pendingRemovals"]
    assert (waits["count"], waits["of"], waits["behavior"]) == (12, 30, "hard_delete")


async def test_the_behaviour_is_that_of_the_run_whatever_is_saved_meanwhile(waiting):
    def save(connection, state):
        chosen = replace(connection.configuration, deletion_behavior=DeletionBehavior.UNLINK, version=2)
        return replace(connection, configuration=chosen), state, ()

    await waiting.rig.services.workspaces.update(waiting.rig.workspace, save)

    _, told = await waiting.call(waiting.runs.show, route={"id": waiting.rig.held.id})
    assert told["pendingRemovals"]["behavior"] == "hard_delete"


async def test_everybody_can_be_looked_through_by_name(waiting):
    first = await pending(waiting, limit="5")
    rest = await pending(waiting, limit="100", continuation=first["continuation"])

    people = first["people"] + rest["people"]
    assert first["count"] == 12
    assert rest["continuation"] is None
    assert [one["name"] for one in people] == sorted(one["name"] for one in people)
    assert {one["sourceId"] for one in people} == set(waiting.rig.ids[:12])


@pytest.mark.parametrize("search", ["muller zoe03", "ZOE03@x", "zo\u00eb03"])
async def test_a_search_takes_words_in_any_order_without_accents_and_case(waiting, search):
    told = await pending(waiting, search=search)

    assert [one["sourceId"] for one in told["people"]] == [waiting.rig.ids[3]]


async def test_many_are_met_in_a_walk_through_the_list(waiting, monkeypatch):
    monkeypatch.setattr("sync.pending._POINT_READS", 3)
    found, continuation = [], ""
    while not found or continuation:
        told = await pending(waiting, limit="5", continuation=continuation)
        found += told["people"]
        continuation = told["continuation"]

    assert sorted(one["sourceId"] for one in found) == sorted(waiting.rig.ids[:12])


async def test_they_come_as_a_table(waiting):
    text, _ = await waiting.table(waiting.runs.pending_csv, route={"id": waiting.rig.held.id})

    heads, *rows = csv.reader(io.StringIO(text))
    assert heads == ["Name", "Email", "Object id"]
    assert {row[2] for row in rows} == set(waiting.rig.ids[:12])


async def test_who_came_back_waits_no_more(waiting):
    waiting.rig.tenant.restore(waiting.rig.ids[0])
    await waiting.rig.delta()

    told = await pending(waiting)

    assert told["count"] == 11
    assert waiting.rig.ids[0] not in {one["sourceId"] for one in told["people"]}


async def test_a_patch_of_somebody_out_of_scope_does_not_take_the_removal_back(memory):
    rig = memory.rig
    rig.ids = [rig.tenant.hire(**person(number)) for number in range(12)]
    await rig.connect(removal_guard=RemovalGuard(5, 0))
    await rig.full()
    for one in rig.ids:
        rig.tenant.change(one, accountEnabled=False)
    rig.held = await rig.delta()

    rig.tenant.change(rig.ids[0], givenName="Patched")
    await rig.delta()

    assert (await pending(memory))["count"] == 12


async def test_approved_removals_tell_how_far_they_are(waiting):
    rig = waiting.rig
    await rig.services.requests.approve(rig.workspace, rig.held.id)
    await rig.work()

    ended = await rig.run(rig.held.id)
    assert (ended.leaving, ended.counts.removed) == (12, 12)
    going = replace(ended, state=RunState.RUNNING, counts=ended.totalled + Counts(removed=5))
    assert (run_shape(going).removing.done, run_shape(going).removing.of) == (5, 12)
    assert run_shape(replace(going, phase=Phase.READ)).removing is None
    assert sum(one.link is Link.LINKED for one in await rig.rows()) == 18
