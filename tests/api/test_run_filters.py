"""The history's filters, and the history as a table."""

import csv
import io

import pytest


@pytest.fixture
def rig(memory):
    return memory.rig


@pytest.fixture
async def history(memory, rig):
    """A run that added two, one that changed nothing, one that changed one person, one that was cancelled."""
    rig.people = [rig.tenant.hire(givenName=name, userPrincipalName=f"{name}@x.example") for name in ("Ada", "Bob")]
    await rig.connect()
    rig.first = await rig.full()
    rig.quiet = await rig.delta()
    rig.tenant.change(rig.people[0], givenName="Adele")
    rig.changed = await rig.delta()
    asked = await rig.ask()
    rig.cancelled = await rig.services.requests.cancel(rig.workspace, asked.id)
    return memory


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["cancelled", "changed", "quiet", "first"]),
        ({"changed": "true"}, ["cancelled", "changed", "first"]),
        ({"outcome": "completed"}, ["changed", "quiet", "first"]),
        ({"outcome": "cancelled"}, ["cancelled"]),
        ({"person": 0}, ["changed", "first"]),
        ({"person": 1}, ["first"]),
    ],
)
async def test_the_history_is_filtered(history, rig, query, names):
    query = {name: rig.people[value] if name == "person" else value for name, value in query.items()}

    _, told = await history.call(history.runs.history, who="member", **query)
    text, _ = await history.table(history.runs.history_csv, who="member", **query)

    wanted = [getattr(rig, name).id for name in names]
    assert [one["id"] for one in told["runs"]] == wanted
    assert [row["Run"] for row in csv.DictReader(io.StringIO(text))] == wanted


@pytest.mark.parametrize("query", [{"outcome": "fine"}, {"changed": "yes"}, {"person": "Ada"}])
async def test_a_filter_that_cannot_be_is_refused_by_name(memory, query):
    status, told = await memory.call(memory.runs.history, **query)

    assert (status, [one["field"] for one in told["errors"]]) == (400, list(query))
