"""Bad input gets a 4xx that names the field, and changes nothing; nobody reaches another workspace (spec §7)."""

import re

import httpx
import pytest

from local.office import ENTRA, Office
from tests.triggers import triggers


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=5)


MAPPING = {"source": "givenName", "target": "firstName"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "fieldMappings"),
        ({"fieldMappings": []}, "fieldMappings"),
        ({"fieldMappings": [MAPPING], "surprise": 1}, "surprise"),
        ({"fieldMappings": [{"source": "givenName"}]}, "fieldMappings[0]"),
        ({"fieldMappings": [{"source": "nickname", "target": "firstName"}]}, "fieldMappings[0].source"),
        ({"fieldMappings": [MAPPING, MAPPING]}, "fieldMappings[1].target"),
        ({"fieldMappings": [MAPPING], "includeGuests": "yes"}, "includeGuests"),
        ({"fieldMappings": [MAPPING], "conflictResolution": "mine"}, "conflictResolution"),
        ({"fieldMappings": [MAPPING], "removalGuard": {"minimum": -1}}, "removalGuard.minimum"),
        ({"fieldMappings": [MAPPING], "scopeRules": [{"field": "x", "operator": "is_empty"}]}, "scopeRules[0].field"),
        ({"fieldMappings": [MAPPING], "scopeRules": [{"field": "city", "operator": "like"}]}, "scopeRules[0].operator"),
        ({"fieldMappings": [MAPPING], "excludedPeople": ["Ada"]}, "excludedPeople[0]"),
        ([], "body"),
        ("text", "body"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_refused_by_field(office, body, field):
    office.connect()

    answer = office.admin.send("PUT", f"{ENTRA}/config", body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert any(field in error["field"] or field in error["message"] for error in answer.json()["errors"])
    assert office.card()["connection"] == "not_configured"
    assert office.admin.call("GET", f"{ENTRA}/config")["version"] == 0


def raw(office, method, path, content, content_type="application/json"):
    headers = {"Authorization": f"Bearer {office.directory.control.token(office.admin.person)}"}
    if content_type:
        headers["Content-Type"] = content_type
    return httpx.request(method, f"{office.url}/api/{path}", content=content, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"x" * (256 * 1024 + 1), "application/json", 413),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"mode":"delta","mode2":{}}', "application/json", 400),
        (b'{"mode":"everything"}', "application/json", 400),
        (b"", "application/json", 400),
    ],
    ids=["large", "text", "no type", "half", "no text", "bomb", "unknown", "wrong", "empty"],
)
def test_bodies_that_cannot_be_are_refused(office, content, content_type, status):
    office.set_up()
    before = office.status()["lastRun"]["id"]

    answer = raw(office, "POST", f"{ENTRA}/sync", content, content_type)

    assert answer.status_code == status
    assert answer.json()["errors"] if status == 400 else answer.json()["detail"]
    assert office.status()["lastRun"]["id"] == before


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "continuation=a'b", "continuation=%00"]
)
def test_a_query_that_cannot_be_is_refused(office, query):
    answer = office.admin.send("GET", f"{ENTRA}/runs?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in query


ADMINS_ONLY = [
    ("PUT", f"{ENTRA}/config", {"fieldMappings": [MAPPING]}),
    ("POST", f"{ENTRA}/preview", {"fieldMappings": [MAPPING]}),
    ("POST", f"{ENTRA}/preview/people?query=ada", {"fieldMappings": [MAPPING]}),
    ("POST", f"{ENTRA}/sync", {"mode": "delta"}),
    ("POST", f"{ENTRA}/pause", None),
    ("POST", f"{ENTRA}/resume", None),
    ("PATCH", "contact-lists/x", {"name": "Ours"}),
    ("POST", f"{ENTRA}/consent", None),
    ("POST", f"{ENTRA}/consent/review", {"code": "x", "verifier": "x"}),
    ("POST", f"{ENTRA}/consent/complete", {"code": "x", "verifier": "x"}),
    ("POST", f"{ENTRA}/consent/end-other", {"code": "x", "verifier": "x", "workspaceId": "w"}),
    ("POST", f"{ENTRA}/runs/x/approve", None),
    ("POST", f"{ENTRA}/runs/x/discard", None),
    ("POST", f"{ENTRA}/runs/x/cancel", None),
    ("GET", f"{ENTRA}/runs/x/undo", None),
    ("POST", f"{ENTRA}/runs/x/undo", None),
    ("GET", f"{ENTRA}/audit", None),
    ("GET", f"{ENTRA}/quality", None),
    ("GET", f"{ENTRA}/quality/no_email", None),
    ("GET", f"{ENTRA}/quality/no_email/people.csv", None),
    ("GET", f"{ENTRA}/audit/x/undo", None),
    ("POST", f"{ENTRA}/audit/x/undo", None),
    ("GET", f"{ENTRA}/people?query=ada", None),
    ("DELETE", ENTRA, None),
]


MEMBERS_TOO = {
    "add_contact",
    "change_contact",
    "remove_contact",
    # Microsoft's return, which carries no token of emu.chat's.
    "return_from_consent",
    # Microsoft's doorbell, which shows its own proof.
    "receive_notifications",
}
"""What is no GET and yet open to members. Every other call that changes something is an administrator's."""


def test_every_call_that_changes_something_is_tried_as_a_member():
    tried = {(method, re.sub(r"/x(?=/|$)", "/{}", path.partition("?")[0])) for method, path, _ in ADMINS_ONLY}

    untried = [
        name
        for name, told in triggers().items()
        if told["type"] == "httpTrigger" and name not in MEMBERS_TOO
        for method in told["methods"]
        if str(method) != "GET" and (str(method), re.sub(r"\{\w+\}", "{}", told["route"])) not in tried
    ]

    assert untried == []


@pytest.mark.parametrize(("method", "path", "body"), ADMINS_ONLY, ids=str)
def test_a_member_is_told_to_ask_an_admin(office, method, path, body):
    answer = office.member.send(method, path, body)

    assert answer.status_code == 403
    assert answer.json()["detail"] == "Ask your admin to configure it"


def test_the_card_tells_a_member_the_same(office):
    card = office.member.call("GET", ENTRA)

    assert (card["canConfigure"], card["disabledReason"]) == (False, "Ask your admin to configure it")


def test_another_workspace_sees_and_reaches_nothing(office, host, directory):
    office.set_up()
    stranger = Office(host.url, directory, office.tenant)
    run = office.status()["lastRun"]["id"]
    list_id = office.card()["list"]["id"]
    contact = office.contacts()[0]
    entry = office.admin.call("GET", f"{ENTRA}/audit")["entries"][0]["id"]

    reached = [
        stranger.admin.send("GET", f"{ENTRA}/runs/{run}"),
        stranger.admin.send("GET", f"{ENTRA}/runs/{run}/changes"),
        stranger.admin.send("POST", f"{ENTRA}/runs/{run}/cancel"),
        stranger.admin.send("GET", f"{ENTRA}/runs/{run}/undo"),
        stranger.admin.send("POST", f"{ENTRA}/runs/{run}/undo"),
        stranger.admin.send("GET", f"{ENTRA}/audit/{entry}/undo"),
        stranger.admin.send("POST", f"{ENTRA}/audit/{entry}/undo"),
        stranger.admin.send("POST", f"{ENTRA}/runs/{run}/approve"),
        stranger.admin.send("GET", f"contact-lists/{list_id}/contacts"),
        stranger.admin.send("GET", f"contact-lists/{list_id}/contacts/{contact['id']}"),
        stranger.admin.send("PATCH", f"contact-lists/{list_id}/contacts/{contact['id']}", {"firstName": "X"}),
        stranger.admin.send("DELETE", f"contact-lists/{list_id}/contacts/{contact['id']}"),
        stranger.admin.send("POST", f"contact-lists/{list_id}/contacts", {"firstName": "X"}),
        stranger.admin.send("PATCH", f"contact-lists/{list_id}", {"name": "X"}),
    ]

    assert [answer.status_code for answer in reached] == [404] * len(reached)
    unknown = stranger.admin.send("GET", f"{ENTRA}/runs/0000")
    assert unknown.json() == reached[0].json()
    assert stranger.card()["tenant"] is None
    assert stranger.admin.send("POST", f"{ENTRA}/sync", {"mode": "full"}).status_code == 409
    assert office.contacts()[0] == contact
    stranger.close()


@pytest.mark.parametrize(
    "contact_id", ["tally", "link:x", "touched:x", "x" * 36, "00000000-0000-4000-8000-000000000000"]
)
def test_other_kinds_of_rows_are_no_contacts(office, contact_id):
    office.connect()
    path = f"contact-lists/{office.card()['list']['id']}/contacts/{contact_id}"

    for method, body in (("GET", None), ("PATCH", {"firstName": "X"}), ("DELETE", None)):
        assert office.member.send(method, path, body).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "firstName"),
        ({"firstName": "  "}, "firstName"),
        ({"firstName": "x" * 4097}, "firstName"),
        ({"firstName": 1}, "firstName"),
        ({"nickname": "x"}, "nickname"),
        ({"linked": True}, "linked"),
        ({"custom": {"badge": "x"}}, "badge"),
        ({"custom": {"email": "x"}}, "custom.email"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_contact_that_cannot_be_is_refused_by_field(office, body, field):
    office.connect()
    path = f"contact-lists/{office.card()['list']['id']}/contacts"

    answer = office.member.send("POST", path, body)

    assert answer.status_code == 400
    assert any(field in error["field"] or field in error["message"] for error in answer.json()["errors"])
    assert office.contacts() == []


FAULTY_TOKENS = {
    "expired": {"claims": {"exp": 1_700_000_000}},
    "wrong issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "wrong audience": {"claims": {"aud": "another-app"}},
    "no subject": {"claims": {"sub": None}},
    "no expiry": {"claims": {"exp": None}},
    "no workspace": {"claims": {"workspace_id": None}},
    "a person who cannot be": {"claims": {"sub": "admin\ud800"}},
    "a workspace that cannot be": {"claims": {"workspace_id": "a' or '1'='1"}},
    "an unknown role": {"claims": {"role": "owner"}},
    "algorithm none": {"algorithm": "none"},
    "the public key as a secret": {"algorithm": "HS256"},
    "a foreign key": {"key": "foreign"},
    "an unknown key": {"kid": "unknown"},
    "the other algorithm's key": {"algorithm": "ES256", "key": "foreign"},
}


@pytest.mark.parametrize("fault", FAULTY_TOKENS, ids=str)
def test_a_faulty_platform_token_opens_nothing(office, fault):
    token = office.directory.control.odd_token(person=office.admin.person, **FAULTY_TOKENS[fault])

    answer = httpx.get(f"{office.url}/api/{ENTRA}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    assert answer.status_code == 401
    assert token not in answer.text


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic eDp5", "Bearer x.y.z", "Bearer " + "x" * 8000])
def test_no_token_or_nonsense_opens_nothing(host, header):
    headers = {"Authorization": header} if header is not None else {}

    assert httpx.get(f"{host.url}/api/{ENTRA}", headers=headers, timeout=30).status_code == 401


def test_a_good_token_with_either_algorithm_is_taken(office):
    for algorithm in ("RS256", "ES256"):
        token = office.directory.control.odd_token(person=office.admin.person, algorithm=algorithm)
        answer = httpx.get(f"{office.url}/api/{ENTRA}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

        assert answer.status_code == 200


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(office):
    claims = {"name": "Zo\ud800", "workspace_name": "\udc00ffice"}
    token = office.directory.control.odd_token(person=office.admin.person, claims=claims)
    office.set_up()
    headers = {"Authorization": f"Bearer {token}"}

    paused = httpx.post(f"{office.url}/api/{ENTRA}/pause", headers=headers, timeout=30)

    assert paused.status_code == 200
    assert office.card()["pause"]["by"] == "Zo\ufffd"


def test_nothing_but_health_and_the_callback_answers_without_a_token(host):
    for method, path, _ in ADMINS_ONLY:
        assert httpx.request(method, f"{host.url}/api/{path}", timeout=30).status_code == 401
