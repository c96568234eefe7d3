"""Numbers that callers send: one parser, for all of them (spec §7)."""

import azure.functions as func
import msgspec
import pytest

from api.requests import WrongType, read_body, whole_number
from errors import Refused
from tests.api.calls import called


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("1", 1), ("1000", 1000)])
def test_a_whole_number_within_its_bounds_is_read(text, number):
    assert whole_number(text, 1000) == number


@pytest.mark.parametrize(
    "text", ["", "1001", "01", "00010099999", "-1", "+1", " 1", "1.0", "1e2", "\u0661", "9" * 5000]
)
def test_anything_else_is_no_number(text):
    assert whole_number(text, 1000) is None


def request(body, **headers):
    told = {"content-type": "application/json"} | {name.replace("_", "-"): one for name, one in headers.items()}
    return func.HttpRequest("PUT", "/api/x", headers=told, body=body)


def test_a_chunked_body_is_told_why_it_is_empty():
    """It arrives empty (facts/functions.md 11)."""
    with pytest.raises(Refused, match="Content-Length") as refused:
        read_body(request(b""), dict)

    assert refused.value.fields == {"body": "empty"}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "gzip, identity"])
def test_a_compressed_body_is_refused_for_its_encoding(encoding):
    """It arrives as it is (facts/functions.md 11)."""
    with pytest.raises(WrongType, match="Content-Encoding"):
        read_body(request(b"\x1f\x8b\x08", content_encoding=encoding), dict)


def test_a_plain_body_is_read_whatever_it_says_of_its_encoding():
    assert read_body(request(b'{"a":1}', content_encoding="identity"), dict) == {"a": 1}


# The last: repeated parameters arrive joined (facts/functions.md 11).
@pytest.mark.parametrize("limit", ["00010099999", "9" * 5000, "0", "10,20"])
async def test_a_limit_that_cannot_be_is_refused_by_name(rig, directory, limit):
    token = directory.control.token(f"admin@{rig.workspace}")

    answer = await called(rig.services.run_calls.history, "GET", token, limit=limit)

    assert answer.status_code == 400
    assert b'"field":"limit"' in answer.get_body()


@pytest.mark.parametrize("run", ["../x", "a/b", "x' or (PartitionKey eq 'A", "\xff", "", "w" * 2000])
async def test_a_run_id_that_cannot_be_is_not_looked_for(rig, directory, run):
    token = directory.control.token(f"admin@{rig.workspace}")
    asked = []
    rig.services.tables._count = asked.append

    answer = await called(rig.services.run_calls.show, "GET", token, route={"id": run})

    assert answer.status_code == 404
    assert asked == []


async def test_the_services_tell_no_secret(rig):
    told = repr(rig.services)

    assert rig.services.settings.state_secret not in told
    assert "local-only-client-secret" not in told
    assert "AccountKey=" not in told


async def test_a_contact_says_who_made_and_who_changed_it(rig, directory):
    await rig.connect()
    await rig.full()
    calls, route = rig.services.contact_calls, {"list": rig.list_id}
    ada, bob = (directory.control.token(f"{one}@{rig.workspace}") for one in ("member", "admin"))

    made = await called(calls.add, "POST", ada, {"firstName": "Own"}, route)
    [contact] = await rig.contacts()
    changed = await called(calls.change, "PATCH", bob, {"lastName": "One"}, {**route, "contact": contact.id})

    first, second = (msgspec.json.decode(one.get_body()) for one in (made, changed))
    assert first["createdBy"] == first["updatedBy"] == second["createdBy"]
    assert second["updatedBy"] not in (None, first["updatedBy"])
