"""A list by its parts, and how many contacts there are: what a page costs, and what is known without reading all."""

import pytest

from contacts.contact import write_operations
from contacts.listing import Part
from mapping.configuration import DeletionBehavior
from sync.removals import unlinked
from sync.writes import Stamp


@pytest.fixture
def rig(memory):
    return memory.rig


@pytest.fixture
async def listed(memory, rig):
    """Two who are linked, one of them edited since; one who left; one made here; one who was removed here."""
    ids = {
        name: rig.tenant.hire(givenName=name, userPrincipalName=f"{name}@x.example")
        for name in ("Ada", "Bob", "Cleo", "Dan")
    }
    await rig.connect(deletion_behavior=DeletionBehavior.UNLINK)
    await rig.full()
    rig.tenant.remove(ids["Cleo"])
    memory.run = await rig.delta()
    memory.ids = ids
    await edit(memory, "PATCH", "Bob", {"city": "Bern"})
    await edit(memory, "DELETE", "Dan")
    await memory.call(memory.contacts.add, {"firstName": "Own"}, {"list": rig.list_id}, "member", "POST")
    return memory


async def edit(memory, method, name, body=None):
    route = {"list": memory.rig.list_id, "contact": memory.ids[name]}
    handler = memory.contacts.change if method == "PATCH" else memory.contacts.remove
    status, told = await memory.call(handler, body, route, "member", method)
    assert status < 300, told


async def page(memory, **params):
    """A page, and how often storage was asked for it."""
    asked = []
    counted = memory.rig.services.tables._count
    memory.rig.services.tables._count = lambda method: (asked.append(method), counted(method))
    status, told = await memory.call(memory.contacts.contacts, None, {"list": memory.rig.list_id}, "member", **params)
    memory.rig.services.tables._count = counted
    assert status == 200, told
    return told, len(asked)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("", ["Ada", "Bob", "Cleo", "Own"]),
        ("linked", ["Ada", "Bob"]),
        ("left", ["Cleo"]),
        ("local", ["Own"]),
        ("attention", ["Bob"]),
    ],
)
@pytest.mark.parametrize("order", ["name", "id"])
async def test_a_page_of_a_part_costs_the_workspace_and_one_query_and_counts_what_it_holds(listed, part, names, order):
    told, asked = await page(listed, filter=part, order=order)

    assert {one["firstName"] for one in told["contacts"]} == set(names)
    assert (told["total"], told["continuation"]) == (len(names), None)
    assert asked == 2


async def test_the_parts_are_told_apart_by_each_contact(listed):
    told, _ = await page(listed)

    kinds = {one["firstName"]: (one["linked"], one["left"]) for one in told["contacts"]}
    assert kinds == {"Ada": (True, False), "Bob": (True, False), "Cleo": (False, True), "Own": (False, False)}


async def test_the_next_run_settles_what_needs_attention(listed):
    await listed.rig.delta()

    told, _ = await page(listed, filter="attention")

    assert told["total"] == 0


@pytest.mark.parametrize(
    ("params", "total", "costs"),
    [
        ({}, 4, 3),
        ({"filter": "linked"}, 2, 3),
        ({"search": "a", "filter": "linked"}, None, 2),
    ],
)
async def test_of_several_pages_a_total_is_told_where_it_is_counted_anyway(listed, params, total, costs):
    """The workspace, the page, and where it is needed the tally of what people did."""
    told, asked = await page(listed, limit="1", **params)

    assert told["continuation"]
    assert (told["total"], asked) == (total, costs)


async def test_a_later_page_tells_no_total(listed):
    first, _ = await page(listed, limit="3")

    told, asked = await page(listed, limit="3", continuation=first["continuation"])

    assert (len(told["contacts"]), told["total"], asked) == (1, None, 2)


async def test_a_part_that_cannot_be_is_refused_by_name(listed):
    status, told = await listed.call(
        listed.contacts.contacts, None, {"list": listed.rig.list_id}, "member", filter="everybody"
    )

    assert (status, told["errors"]) == (400, [{"field": "filter", "message": f"one of {', '.join(Part)}"}])


class TestSinceWhenSomebodyIsGone:
    async def card(self, memory, name="Cleo"):
        route = {"list": memory.rig.list_id, "contact": memory.ids[name]}
        return (await memory.call(memory.contacts.contact, None, route, "member"))[1]

    async def test_is_when_the_run_was_asked_for_that_noticed(self, listed):
        told = await self.card(listed)

        assert told["left"]
        assert told["leftAt"][:19] == listed.run.created_at.isoformat()[:19]

    async def test_outlasts_an_edit(self, listed):
        before = await self.card(listed)
        await edit(listed, "PATCH", "Cleo", {"city": "Bern"})

        assert (await self.card(listed))["leftAt"] == before["leftAt"]

    async def test_is_nothing_of_who_is_still_linked(self, listed):
        told = await self.card(listed, "Ada")

        assert (told["left"], told["leftAt"]) == (False, None)

    async def test_is_the_end_of_the_connection_until_a_person_edits(self, listed):
        contact = next(one for one in await listed.rig.contacts() if one.id == listed.ids["Ada"])
        await end_link(listed, contact)

        told = await self.card(listed, "Ada")
        assert told["leftAt"] == told["updatedAt"]
        await edit(listed, "PATCH", "Ada", {"city": "Bern"})
        assert (await self.card(listed, "Ada"))["leftAt"] is None


async def end_link(memory, contact):
    """What a disconnect writes of a contact that stays."""
    after = unlinked(contact, Stamp("", 0, memory.rig.clock().isoformat().replace("+00:00", "Z")))
    await memory.rig.services.tables.transact(memory.rig.partition, write_operations(contact, after))
