"""What becomes of the links that the local Microsoft gave out (docs/facts/graph.md 1.5 and 11)."""

import pytest

from local.microsoft.faults import FOR_EVER
from local.microsoft.odd_text import INVALID_BYTE
from tests.local.graph_caller import error_of


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=30, shape={"pageSize": 10})


# 11, 'Malformed token': garbage, and a changed real token; no Location.
@pytest.mark.parametrize("name", ["$deltatoken", "$skiptoken"])
def test_a_badly_formed_token_is_refused(graph, name):
    (*_, last) = graph.pages()
    changed = last["@odata.deltaLink"].partition("$deltatoken=")[2]
    changed = ("0" if changed[0] != "0" else "1") + changed[1:]

    for token in ("garbage", changed, f"{changed}.1"):
        answer = graph.get(f"/v1.0/users/delta?{name}={token}")
        assert error_of(answer) == (400, "BadRequest", "Badly formed token.")
        assert "Location" not in answer.headers


# 1.5 and 11: each way in which a stored link is refused for good.
@pytest.mark.parametrize(
    ("shape", "status", "code"),
    [
        ("410", 410, "resyncRequired"),
        ("syncStateNotFound", 400, "syncStateNotFound"),
        ("Request_UnsupportedQuery", 400, "Request_UnsupportedQuery"),
        ("BadRequest", 400, "BadRequest"),
        ("UnknownError", 404, "UnknownError"),
        ("Directory_ExpiredPageToken", 400, "Directory_ExpiredPageToken"),
    ],
)
def test_a_dead_link_is_refused_in_the_chosen_shape_and_a_first_round_is_not(graph, tenant, shape, status, code):
    pages = graph.pages()
    tenant.expire(shape)

    for link in (pages[0]["@odata.nextLink"], pages[-1]["@odata.deltaLink"]):
        assert error_of(graph.get(link))[:2] == (status, code)
    assert len(graph.pages()) == 3


# 1.5: contrib#8166, a 404 whose message is empty.
def test_an_unknown_error_has_an_empty_message(graph, tenant):
    (*_, last) = graph.pages()
    tenant.expire("UnknownError")

    assert error_of(graph.get(last["@odata.deltaLink"])) == (404, "UnknownError", "")


# 11: the same refusals once, so that a second try does not confirm them.
def test_a_fault_can_be_for_stored_links_alone_and_pass_by(graph, tenant):
    (*_, last) = graph.pages()
    tenant.fault("delta", link="delta", status=400, code="BadRequest", message="Badly formed token.")

    assert len(graph.pages()) == 3
    assert error_of(graph.get(last["@odata.deltaLink"])) == (400, "BadRequest", "Badly formed token.")
    assert graph.get(last["@odata.deltaLink"]).status_code == 200


# 11, 'nextLink refused': every nextLink answers syncStateNotFound (msgraph-sdk-javascript#99).
def test_every_next_link_can_be_refused_until_the_faults_are_cleared(graph, tenant):
    tenant.fault("delta", link="next", status=400, code="syncStateNotFound", times=FOR_EVER)

    for _ in range(3):
        first = graph.get("/v1.0/users/delta").json()
        assert error_of(graph.get(first["@odata.nextLink"]))[:2] == (400, "syncStateNotFound")
    tenant.clear_faults()
    assert len(graph.pages()) == 3


# 11, 'Endless rounds': a nextLink that never changes.
def test_an_endless_round_can_have_one_link_and_nobody(graph, tenant):
    tenant.shape(endless="same_link")
    first = graph.get("/v1.0/users/delta").json()

    answers = [graph.get(first["@odata.nextLink"]).json() for _ in range(3)]
    tenant.shape(endless="no")
    entities, _ = graph.round(first["@odata.nextLink"])

    assert {(tuple(one["value"]), one["@odata.nextLink"]) for one in [first, *answers]} == {
        ((), first["@odata.nextLink"])
    }
    assert len(entities) == 30


# 11, 'Endless rounds': nextLinks that change while the people repeat (msgraph-sdk-dotnet#54).
def test_an_endless_round_can_have_new_links_and_the_same_people(graph, tenant):
    tenant.shape(endless="new_links")
    answers = [graph.get("/v1.0/users/delta").json()]
    for _ in range(3):
        answers.append(graph.get(answers[-1]["@odata.nextLink"]).json())
    tenant.shape(endless="no")
    entities, _ = graph.round(answers[-1]["@odata.nextLink"])

    assert len({one["@odata.nextLink"] for one in answers}) == 4
    assert all(one["value"] == answers[0]["value"] for one in answers)
    assert len(entities) == 30


# 11, 'Endless rounds': the last page leads to the first.
def test_an_endless_round_can_go_in_a_circle(graph, tenant):
    tenant.shape(endless="cycle")
    answers = [graph.get("/v1.0/users/delta").json()]
    for _ in range(6):
        answers.append(graph.get(answers[-1]["@odata.nextLink"]).json())

    assert len({one["@odata.nextLink"] for one in answers}) == 3
    assert answers[0]["value"] == answers[3]["value"] == answers[6]["value"]


# 11, the '`@odata.nextLink` that is not an address'; 6.4, a foreign host.
@pytest.mark.parametrize("text", ["", "not an address", "http://[::1", "https://localhost:99999999/", "/v1.0/users"])
def test_a_link_need_not_be_an_address(graph, tenant, text):
    tenant.fault("delta", kind="odd_link", message=text)
    tenant.fault("delta", kind="foreign_link")
    tenant.fault("delta", kind="odd_link", code="deltaLink", message=text)

    odd_next, foreign = (graph.get("/v1.0/users/delta").json() for _ in range(2))
    tenant.shape(page_size=200)  # On one page, which has the delta link.
    odd_delta = graph.get("/v1.0/users/delta").json()

    assert (odd_next["@odata.nextLink"], odd_next.get("@odata.deltaLink")) == (text, None)
    assert (odd_delta["@odata.deltaLink"], odd_delta.get("@odata.nextLink")) == (text, None)
    assert foreign["@odata.nextLink"].startswith("https://graph.example.org/")


# 4: Retry-After is to be honoured, whatever it says.
def test_retry_after_can_be_months(graph, tenant):
    tenant.fault("delta", status=429, retry_after="10000000")

    answer = graph.get("/v1.0/users/delta")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "10000000")


# A spoiled page keeps its odd bytes and its BOM: the faults compose.
def test_faults_and_odd_text_come_together(graph, tenant):
    tenant.hire(givenName=f"A{INVALID_BYTE}")
    tenant.shape(byte_order_mark=True, page_size=200)
    tenant.fault("delta", kind="foreign_link")

    body = graph.get("/v1.0/users/delta").content

    assert body.startswith(b"\xef\xbb\xbf")
    assert b'"A\xeb"' in body
    assert b"graph.example.org" in body
