"""How the local Microsoft's rounds of users/delta look (docs/facts/graph.md 1 and 11)."""

import json

import pytest

from local.microsoft.odd_text import INVALID_BYTE, LINE_SEPARATOR, LONE_HIGH, LONE_LOW, NUL, as_read
from local.microsoft.user_properties import KNOWN, OFF_STORE
from mapping.fields import DIRECTORY_FIELDS
from tests.local.graph_caller import SELECT, error_of


@pytest.fixture
def people(tenant):
    """Six enabled members, by number."""
    return [
        tenant.hire(givenName=f"Ada{number}", userPrincipalName=f"ada{number}@x.example", jobTitle="Engineer")
        for number in range(6)
    ]


def by_id(entities):
    return {one["id"]: one for one in entities}


# 1.3: in default mode a touched user is told whole, cleared properties as null.
def test_in_the_documented_mode_a_touched_user_is_told_whole(graph, tenant, people):
    _, link = graph.round()
    tenant.change(people[0], jobTitle=None)

    (told,), _ = graph.round(link)

    assert told == {
        "id": people[0],
        "givenName": "Ada0",
        "userPrincipalName": "ada0@x.example",
        "jobTitle": None,
        "accountEnabled": True,
        "userType": "Member",
    }


# 11, 'Sparse entities': patches without having been asked for; cleared is null under both readings.
def test_a_sparse_round_tells_only_what_changed_and_null_for_what_was_cleared(graph, tenant, people):
    tenant.shape(sparse=True)
    _, link = graph.round()
    tenant.change(people[0], jobTitle="Chief")
    tenant.change(people[1], jobTitle=None, givenName="Eve")

    changes, link = graph.round(link)
    nothing, _ = graph.round(link)

    assert changes == [
        {"id": people[0], "jobTitle": "Chief"},
        {"id": people[1], "jobTitle": None, "givenName": "Eve"},
    ]
    assert nothing == []


# 1.3, column `return=minimal`: asked for, a documented round is sparse as well.
def test_a_minimal_answer_can_be_asked_for(graph, tenant, people):
    _, link = graph.round()
    tenant.change(people[0], jobTitle="Chief")

    (page,) = graph.pages(link, Prefer="return=minimal")

    assert page["value"] == [{"id": people[0], "jobTitle": "Chief"}]


# 1.3: a new user and a restored one have the normal representation, sparse or not.
def test_new_and_restored_users_are_whole_in_a_sparse_round(graph, tenant, people):
    tenant.shape(sparse=True)
    tenant.remove(people[0])
    _, link = graph.round()
    tenant.restore(people[0])
    new = tenant.hire(userPrincipalName="new@x.example")

    changes, _ = graph.round(link)

    assert set(by_id(changes)) == {people[0], new}
    assert all({"accountEnabled", "userPrincipalName"} <= one.keys() for one in changes)


# 11, 'Same user again in a first round': the later entity may be a patch; its value is the one that counts.
@pytest.mark.parametrize("seed", range(5))
def test_a_patch_comes_on_a_later_page_and_laid_over_the_earlier_mention_is_right(graph, tenant, people, seed):
    tenant.shape(patches_percent=60, page_size=2, seed=seed)
    pages = graph.pages()
    places = [(number, one) for number, page in enumerate(pages) for one in page["value"]]
    patched = {}
    laid_over = {}
    for number, one in places:
        if one["id"] in laid_over:
            (name,) = one.keys() - {"id"}
            assert number > patched[one["id"]]
            assert laid_over[one["id"]].get(name) != one[name]
        patched.setdefault(one["id"], number)
        laid_over[one["id"]] = laid_over.get(one["id"], {}) | one

    assert len(places) > len(people)
    assert all(len(page["value"]) <= 2 for page in pages)
    for user in tenant.users():
        wanted = {name: user.get(name) for name in SELECT.split(",")}
        assert {name: laid_over[user["id"]].get(name) for name in wanted} == wanted


# 1.1 and 11, 'Whole entities': a first round of whole entities, restricted to those ids, paged like any.
def test_a_filter_by_ids_is_a_first_round_of_those_people(graph, tenant, people):
    tenant.shape(page_size=2, patches_percent=100)
    wanted = " or ".join(f"id eq '{one.upper()}'" for one in [*people[:3], "00000000-0000-4000-8000-000000000000"])

    pages = graph.pages(f"/v1.0/users/delta?$filter={wanted}&$select=id,accountEnabled,userPrincipalName")
    tenant.change(people[0], userPrincipalName="other@x.example")
    tenant.change(people[5], userPrincipalName="nobody@x.example")
    later, _ = graph.round(pages[-1]["@odata.deltaLink"])

    assert [[one["id"] for one in page["value"]] for page in pages] == [people[:2], people[2:3]]
    assert all(len(one) == 3 for page in pages for one in page["value"])
    assert [one["id"] for one in later] == [people[0]]
    assert tenant.state()["requests"]["filtered"] == 1


# 1.1: only `id eq`, joined by `or`, 50 at most.
@pytest.mark.parametrize(
    "wanted",
    [
        " or ".join(f"id eq '00000000-0000-4000-8000-{number:012x}'" for number in range(51)),
        "mail eq 'a@x.example'",
        "id eq 'not-an-id'",
        "id eq '00000000-0000-4000-8000-000000000000' and accountEnabled eq true",
    ],
)
def test_any_other_filter_is_refused(graph, wanted):
    answer = graph.get(f"/v1.0/users/delta?$filter={wanted}")

    assert error_of(answer)[:2] == (400, "Request_UnsupportedQuery")


# 2.3, the catalogue: a property that users do not have is named in the refusal.
def test_an_unknown_property_is_refused_by_name(graph):
    status, code, message = error_of(graph.get("/v1.0/users/delta?$select=id,shoeSize"))

    assert (status, code) == (400, "Request_BadRequest")
    assert "Could not find a property named 'shoeSize'" in message


# 2.2: what is stored elsewhere is not there for a collection.
def test_what_is_stored_elsewhere_is_not_selected(graph):
    assert error_of(graph.get("/v1.0/users/delta?$select=id,skills"))[:2] == (501, "NotImplemented")


def test_graph_knows_every_field_that_the_product_offers():
    assert {one.name for one in DIRECTORY_FIELDS.values()} <= KNOWN - OFF_STORE


# 11, 'Page size': at most 200; the header is honoured below.
@pytest.mark.parametrize(
    ("prefer", "most"),
    [("return=minimal", 200), ("return=minimal, odata.maxpagesize=50", 50), ("odata.maxpagesize=999", 200)],
)
def test_a_page_holds_200_people_at_most_and_fewer_where_preferred(directory, graph, prefer, most):
    graph.tenant = directory.control.tenant(people=450, shape={"pageSize": 999})

    pages = graph.pages(Prefer=prefer)

    sizes = [len(page["value"]) for page in pages]
    assert sum(sizes) == 450
    assert max(sizes) == most


# 1.3, `id`: a GUID, in capitals as well; it is compared without case.
def test_ids_come_in_capitals(graph, tenant, people):
    tenant.shape(capital_ids_percent=100)
    entities, link = graph.round()
    tenant.remove(people[0])
    (gone,), _ = graph.round(link)

    assert {one["id"] for one in entities} == {one.upper() for one in people}
    assert gone == {"id": people[0].upper(), "@removed": {"reason": "changed"}}


# 11, 'Odd text': on the wire, byte for byte; `users` of the control says what a careful reader makes of it.
@pytest.mark.parametrize(
    ("text", "wire"),
    [
        (f"A{LONE_HIGH}b", rb'"A\ud83cb"'),
        (f"A{LONE_LOW}", rb'"A\udf55"'),
        (f"Zo{INVALID_BYTE} X", b'"Zo\xeb X"'),
        (f"A{NUL}b", rb'"A\u0000b"'),
        (f"A{LINE_SEPARATOR}b", '"A\u2028b"'.encode()),
    ],
)
def test_odd_text_is_odd_on_the_wire(graph, tenant, people, text, wire):
    tenant.change(people[0], surname=text)

    body = graph.get("/v1.0/users/delta?$select=surname").content
    shown = next(one["surname"] for one in tenant.users() if one["id"] == people[0])

    assert b'"surname":' + wire in body
    assert shown == as_read(text)
    assert not any(char in shown for char in (LONE_HIGH, LONE_LOW, INVALID_BYTE))


# 11, 'Odd text': a BOM before the body, of pages and of errors.
def test_a_byte_order_mark_stands_before_pages_and_errors(graph, tenant, people):
    tenant.shape(byte_order_mark=True)

    page, refused = graph.get("/v1.0/users/delta"), graph.get("/v1.0/users/delta?$deltatoken=garbage")

    for answer in (page, refused):
        assert answer.content.startswith(b"\xef\xbb\xbf{")
        assert json.loads(answer.content.decode("utf-8-sig"))


# 11, 'accountEnabled' (docs#16054) and contrib#7935: null for all, missing, or missing from the second page on.
@pytest.mark.parametrize(
    ("switch", "told"),
    [
        ("told", [True, True, True]),
        ("null", [None, None, None]),
        ("missing", ["missing"] * 3),
        ("missing_later", [True, "missing", "missing"]),
    ],
)
def test_account_enabled_may_not_be_told(graph, tenant, people, switch, told):
    tenant.shape(account_enabled=switch, page_size=2)

    pages = graph.pages()

    assert [page["value"][0].get("accountEnabled", "missing") for page in pages] == told


# 1.4: pages with `value: []` and a nextLink are normal, even many in a row.
def test_empty_pages_come_in_a_row(graph, tenant, people):
    tenant.shape(page_size=2, empty_pages=True, empty_in_a_row=4)

    assert [len(page["value"]) for page in graph.pages()] == [0, 2, 0, 0, 0, 0, 2, 0, 2]


# 1.4: removed and back in one round; who is back is whole, also in a sparse round.
def test_who_is_back_in_the_same_round_is_whole(graph, tenant, people):
    tenant.shape(sparse=True)
    _, link = graph.round()
    tenant.shape(duplicates_percent=100, seed=2)
    tenant.do(*(("change", one, {"jobTitle": "Chief"}) for one in people))

    entities, _ = graph.round(link)

    removed = [place for place, one in enumerate(entities) if "@removed" in one]
    assert removed
    for place in removed:
        last = [one for one in entities[place:] if one["id"] == entities[place]["id"]][-1]
        assert {"accountEnabled", "userPrincipalName", "jobTitle"} <= last.keys()


# 1.3: `@removed` for ids that the client never saw, in a first round as well.
def test_strangers_are_removed_in_a_first_round(graph, tenant, people):
    tenant.shape(strangers=2)

    entities, _ = graph.round()

    strangers = [one for one in entities if one["id"] not in people]
    assert [one["@removed"] for one in strangers] == [{"reason": "deleted"}] * 2
    assert len(entities) == 8


# 11, 'Lag': one property change was still missing after minutes.
@pytest.mark.parametrize("sparse", [False, True])
def test_a_missed_change_is_not_told_until_the_person_is_touched_again(graph, tenant, people, sparse):
    tenant.shape(sparse=sparse)
    _, link = graph.round()
    tenant.missed("change", people[0], {"jobTitle": "Chief"})

    nothing, link = graph.round(link)
    everybody, _ = graph.round()
    tenant.change(people[0], givenName="Eve")
    (touched,), _ = graph.round(link)

    assert nothing == []
    assert by_id(everybody)[people[0]]["jobTitle"] == "Chief"
    assert touched.get("jobTitle") == (None if sparse else "Chief")


# 8, `$select` hides restores: an undeleted user did not reappear (docs#5821).
def test_no_delta_tells_of_a_person_who_was_restored_unnoticed(graph, tenant, people):
    tenant.remove(people[0])
    _, link = graph.round()
    tenant.missed("restore", people[0])

    nothing, _ = graph.round(link)
    everybody, _ = graph.round()

    assert nothing == []
    assert people[0] in by_id(everybody)


# 1.4: a change may miss this round and come in a later one.
def test_a_late_change_comes_so_many_rounds_later(graph, tenant, people):
    tenant.shape(sparse=True)
    _, link = graph.round()
    tenant.late(2, "change", people[0], {"jobTitle": "Chief"})
    tenant.late(1, "remove", people[1])
    told = []
    for _ in range(4):
        changes, link = graph.round(link)
        told.append(changes)

    assert told == [
        [],
        [{"id": people[1], "@removed": {"reason": "changed"}}],
        [{"id": people[0], "jobTitle": "Chief"}],
        [],
    ]
