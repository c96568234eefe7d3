"""Finding a person: in the list or not, and why; each reason provoked (spec §7 `people`)."""

import pytest

from directory.people import condition
from mapping.configuration import ConflictResolution, DeletionBehavior, Operator, RemovalGuard, ScopeRule
from tests.builders import ADA

RULE = ScopeRule("department", Operator.IS, ("Sales",))


def person(first="Ada", last="Clarke", **values):
    mail = f"{first}.{last}@x.example".lower()
    names = {"givenName": first, "surname": last, "displayName": f"{first} {last}"}
    return {**names, "mail": mail, "userPrincipalName": mail, "department": "Sales", **values}


@pytest.fixture
def rig(memory):
    memory.rig.tenant.hire(id=ADA, **person())
    return memory.rig


async def found(memory, query="ada", status=200, who="admin"):
    told, answer = await memory.call(memory.people.find, query=query, who=who)
    assert told == status, answer
    return answer


async def reason(memory, query="ada"):
    [one] = (await found(memory, query))["people"]
    return one["reason"]["code"]


@pytest.mark.parametrize("query", ["ruth clarke", "Clarke  Ruth", "RUTH", "ruth.cl", "clar"])
async def test_a_person_is_found_by_the_beginning_of_any_name(memory, rig, query):
    ruth = rig.tenant.hire(**person("Ruth"))
    await rig.connect()

    people = (await found(memory, query))["people"]

    assert ruth in {one["id"] for one in people}


async def test_a_person_is_found_by_object_id_and_a_quote_is_a_text(memory, rig):
    rig.tenant.hire(**person("Sinead", "O'Connor"))
    await rig.connect()

    assert (await found(memory, ADA.upper()))["people"][0]["id"] == ADA
    assert len((await found(memory, "o'connor"))["people"]) == 1
    assert condition("x' or 'a'") == " or ".join(
        [f"startswith({field},'x'' or ''a''')" for field in ("displayName", "givenName", "surname", "mail")]
        + ["startswith(userPrincipalName,'x'' or ''a''')"]
        + ["(startswith(givenName,'x''') and startswith(surname,'or ''a'''))"]
        + ["(startswith(givenName,'or ''a''') and startswith(surname,'x'''))"]
    )


async def test_who_is_in_the_list_is_told_value_by_value(memory, rig):
    await rig.connect()
    await rig.full()
    rig.tenant.change(ADA, surname="Byron")
    await memory.call(
        memory.contacts.change, {"firstName": "Adele"}, {"list": rig.list_id, "contact": ADA}, method="PATCH"
    )

    [one] = (await found(memory))["people"]

    values = {value["contactField"]: value for value in one["values"]}
    assert (one["inList"], one["reason"]["code"], one["nextOutcome"]) == (True, "in_list", "updated")
    assert values["lastName"] == {
        "directoryField": "surname",
        "contactField": "lastName",
        "directory": "Byron",
        "contact": "Clarke",
        "after": "Byron",
        "origin": "directory",
    }
    assert (values["firstName"]["origin"], values["firstName"]["after"]) == ("person", "Ada")


@pytest.mark.parametrize(
    ("values", "choices", "code", "rule"),
    [
        ({"accountEnabled": False}, {}, "disabled", None),
        ({"userType": "Guest"}, {}, "guest", None),
        ({"department": "Legal"}, {"scope_rules": (RULE,)}, "rule", 1),
        ({}, {"excluded_people": (ADA,)}, "excluded", None),
    ],
)
async def test_who_is_out_of_scope_is_told_the_reason(memory, rig, values, choices, code, rule):
    rig.tenant.change(ADA, **values)
    await rig.connect(**choices)
    await rig.full()

    [one] = (await found(memory))["people"]

    assert (one["inList"], one["reason"]["code"], one["reason"]["rule"]) == (False, code, rule)
    assert one["nextOutcome"] is None


async def test_who_has_just_dropped_out_of_scope_leaves_with_the_next_run(memory, rig):
    await rig.connect(deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    rig.tenant.change(ADA, accountEnabled=False)

    [one] = (await found(memory))["people"]

    assert (one["inList"], one["reason"]["code"], one["nextOutcome"]) == (True, "leaves", "removed")


async def test_who_was_not_synced_yet_will_be_added(memory, rig):
    await rig.connect()

    answer = await found(memory)

    [one] = answer["people"]
    assert (one["reason"]["code"], one["nextOutcome"]) == ("will_be_added", "added")
    assert {value["after"] for value in one["values"]} >= {"Ada", "Clarke"}
    assert answer["nextRunAt"]


@pytest.mark.parametrize(
    ("resolution", "outcome"), [(ConflictResolution.KEEP_LOCAL, None), (ConflictResolution.SOURCE_WINS, "added")]
)
async def test_who_was_removed_here_is_told_by_whom(memory, rig, resolution, outcome):
    await rig.connect(conflict_resolution=resolution)
    await rig.full()
    await memory.call(memory.contacts.remove, route={"list": rig.list_id, "contact": ADA}, who="member")

    [one] = (await found(memory))["people"]

    assert (one["reason"]["code"], one["reason"]["by"], one["nextOutcome"]) == ("removed_here", "member", outcome)
    assert one["reason"]["at"]


async def test_who_left_the_directory_is_found_in_the_list(memory, rig):
    await rig.connect()
    await rig.full()
    rig.tenant.remove(ADA)
    await rig.delta()

    [one] = (await found(memory))["people"]

    assert (one["reason"]["code"], one["inList"], one["name"]) == ("left", False, "Ada Clarke")
    assert one["reason"]["at"]


async def test_a_removal_that_waits_is_told(memory, rig):
    await rig.connect(removal_guard=RemovalGuard(0, 0))
    await rig.full()
    rig.tenant.remove(ADA)
    await rig.delta()

    assert await reason(memory) == "removal_waits"


async def test_who_could_not_be_stored_is_told_why(memory, rig):
    rig.tenant.change(ADA, surname="x" * 40_000)
    await rig.connect()
    await rig.full()

    [one] = (await found(memory))["people"]

    assert one["reason"]["code"] == "not_read"


async def test_a_pause_that_microsoft_asks_for_is_told(memory, rig):
    await rig.connect()
    rig.tenant.fault("users", status=429, retryAfter="7")

    await found(memory, status=503)


async def test_it_is_for_administrators_and_wants_two_characters(memory, rig):
    await rig.connect()

    await found(memory, status=403, who="member")
    await found(memory, "a", status=400)


async def test_a_search_costs_two_requests_at_most_and_reads_little(memory, rig):
    await rig.connect()
    await rig.full()
    rig.tenant.reset_counters()

    await found(memory)

    assert rig.tenant.state()["requests"]["users"] == 1
