"""What a person types as an address or a number is looked at; what the directory says is not."""

import pytest


async def add(memory, **fields):
    return await memory.call(
        memory.contacts.add, fields, route={"list": memory.rig.list_id}, method="POST", who="member"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an email"),
        ("email", "ada"),
        ("email", "@contoso.com"),
        ("email", "ada@"),
        ("mobilePhone", "call me maybe"),
        ("businessPhone", "12"),
        ("mobilePhone", "ada@contoso.com"),
    ],
)
async def test_what_can_be_no_address_or_number_is_refused_by_name(memory, field, value):
    await memory.rig.connect()

    status, told = await add(memory, **{field: value})

    assert status == 400
    assert [one["field"] for one in told["errors"]] == [field]
    assert await memory.rig.rows() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada@localhost"),
        ("email", "\u00e4da+tag@b\u00fccher.example"),
        ("mobilePhone", "+41 (0)44 668 18 00"),
        ("mobilePhone", "1-800-FLOWERS"),
        ("businessPhone", "044 668 18 00 ext. 12"),
        ("businessPhone", "(555) 0100"),
        ("mobilePhone", "112"),
        ("mobilePhone", "*31#0446681800"),
    ],
)
async def test_anything_that_may_be_one_is_taken(memory, field, value):
    await memory.rig.connect()

    assert (await add(memory, **{field: value}))[0] == 201


async def test_a_value_of_the_directory_stays_as_it_is_and_other_fields_can_be_edited(memory):
    rig = memory.rig
    user = rig.tenant.hire(givenName="Ada", mobilePhone="ask Bob", userPrincipalName="a@x.example")
    await rig.connect()
    await rig.full()
    route = {"list": rig.list_id, "contact": user}

    body = {"mobilePhone": "ask Bob", "department": "Mine"}
    status, told = await memory.call(memory.contacts.change, body, route=route, method="PATCH")
    refused, _ = await memory.call(memory.contacts.change, {"mobilePhone": "or Carla"}, route=route, method="PATCH")

    assert (status, told["mobilePhone"], told["department"]) == (200, "ask Bob", "Mine")
    assert refused == 400
