"""What answers of users/delta mean (facts/graph.md 1, 4, 5.4)."""

import json

import pytest
from msgspec import UNSET

from directory.answer import Answer
from directory.delta import read_page, retry_after
from errors import ConsentLost, DeltaLinkExpired, Throttled, TryLater
from tests.builders import ADA, BOB

NEXT = {"@odata.nextLink": "https://graph.example/next"}


def answer(status=200, body=None, **headers):
    return Answer(status, headers, json.dumps(body).encode() if not isinstance(body, bytes) else body)


def refusal(status, code="", **headers):
    return answer(status, {"error": {"code": code, "message": "not to be decided on"}}, **headers)


def test_absent_null_and_a_value_are_told_apart():
    page = read_page(answer(body={"value": [{"id": ADA, "mail": None, "surname": "L"}], **NEXT}), carried_token=False)

    assert (page.users[0].mail, page.users[0].surname, page.users[0].given_name) == (None, "L", UNSET)
    assert page.next_link == "https://graph.example/next"


def test_an_empty_page_with_a_next_link_is_a_page():
    assert read_page(answer(body={"value": [], **NEXT}), carried_token=False).users == []


def test_removed_is_read_with_its_reason():
    body = {"value": [{"id": ADA, "@removed": {"reason": "changed"}}], "@odata.deltaLink": "https://d"}

    assert read_page(answer(body=body), carried_token=True).users[0].removed.reason == "changed"


def test_one_odd_record_does_not_stop_the_others():
    body = {"value": [{"id": ADA, "surname": {}}, {"id": BOB}, {"surname": "no id"}, {"id": "no guid"}], **NEXT}

    page = read_page(answer(body=body), carried_token=False)

    assert [one.id for one in page.users] == [BOB]
    assert page.unreadable == [ADA, "", ""]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"value": 1}', b'{"value": []}', b'{"value":[],"@odata.nextLink":"a","@odata.deltaLink":"b"}'],
)
def test_an_answer_that_is_no_page_is_tried_again(body):
    with pytest.raises(TryLater):
        read_page(answer(body=body), carried_token=False)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "resyncRequired"),
        (410, ""),
        (400, "syncStateNotFound"),
        (400, "SyncStateNotFound"),
        (400, "resyncRequired"),
        (400, "Request_UnsupportedQuery"),
    ],
)
def test_an_expired_link_is_known_in_every_shape_but_only_where_one_was_sent(status, code):
    with pytest.raises(DeltaLinkExpired):
        read_page(refusal(status, code), carried_token=True)
    with pytest.raises(TryLater):
        read_page(refusal(status, code), carried_token=False)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "InvalidAuthenticationToken"), (403, "Other"), (500, ""), (502, ""), (504, "")]
)
def test_what_passes_keeps_the_link(status, code):
    with pytest.raises(TryLater):
        read_page(refusal(status, code), carried_token=True)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "Authorization_IdentityNotFound"), (403, "Authorization_RequestDenied")]
)
def test_lost_consent_is_known_by_status_and_code(status, code):
    with pytest.raises(ConsentLost):
        read_page(refusal(status, code), carried_token=True)


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_a_pause(status):
    with pytest.raises(Throttled) as throttled:
        read_page(refusal(status, **{"retry-after": "17"}), carried_token=True)

    assert throttled.value.after_seconds == 17


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, None),
    ],
)
def test_retry_after_in_every_form(headers, seconds):
    assert retry_after(Answer(429, headers, b"")) == seconds
