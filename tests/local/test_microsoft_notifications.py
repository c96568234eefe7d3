"""The local Microsoft's change notifications (docs/facts/graph.md 9)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.local.graph_caller import Caller, error_of
from tests.local.notified import Notified
from tests.local.waiting import until


@pytest.fixture
def endpoint():
    endpoint = Notified()
    yield endpoint
    endpoint.close()


def ahead(**time):
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


def wish(endpoint, **changes):
    asked = {"changeType": "updated,deleted", "notificationUrl": endpoint.url, "resource": "users"}
    return {**asked, "expirationDateTime": ahead(days=1), "clientState": "secret", **changes}


def subscribe(graph, endpoint, **changes):
    answer = graph.send("POST", "/v1.0/subscriptions", wish(endpoint, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


# 9: POST, with the handshake, GET, PATCH, DELETE.
def test_a_subscription_is_made_read_renewed_and_ended(graph, tenant, endpoint):
    made = subscribe(graph, endpoint)
    path, later = f"/v1.0/subscriptions/{made['id']}", ahead(days=20)

    shown = graph.get(path).json()
    listed = graph.get("/v1.0/subscriptions").json()["value"]
    renewed = graph.send("PATCH", path, {"expirationDateTime": later}).json()
    ended = graph.send("DELETE", path)

    assert endpoint.handshakes == 1
    assert made["clientState"] == "secret"
    assert shown == {**made, "clientState": None}
    assert listed == [shown]
    assert datetime.fromisoformat(renewed["expirationDateTime"]) == datetime.fromisoformat(later)
    assert ended.status_code == 204
    assert error_of(graph.get(path))[:2] == (404, "ResourceNotFound")


# 9: the endpoint must send back the token, as plain text with 200, in time.
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"token": str.upper}, "failed"),
        ({"token": lambda token: f'"{token}"'}, "failed"),
        ({"content_type": "application/json"}, "failed"),
        ({"seconds": 1.0}, "timed out"),
    ],
)
def test_without_a_right_handshake_there_is_no_subscription(graph, tenant, endpoint, changes, problem):
    tenant.delivery(validation_seconds=0.3)
    for name, value in changes.items():
        setattr(endpoint, name, value)

    status, code, message = error_of(graph.send("POST", "/v1.0/subscriptions", wish(endpoint)))

    assert (status, code) == (400, "InvalidRequest")
    assert problem in message
    assert tenant.subscriptions() == []


def test_an_endpoint_that_is_not_there_gets_no_subscription(graph, tenant, endpoint):
    odd = wish(endpoint, notificationUrl="http://127.0.0.1:9/")

    assert error_of(graph.send("POST", "/v1.0/subscriptions", odd))[0] == 400


# 9: 41,760 minutes at most; below 45 minutes the life is raised.
def test_the_life_of_a_subscription_has_limits(graph, tenant, endpoint):
    longest = graph.send("POST", "/v1.0/subscriptions", wish(endpoint, expirationDateTime=ahead(minutes=41_759)))
    longer = graph.send("POST", "/v1.0/subscriptions", wish(endpoint, expirationDateTime=ahead(minutes=41_762)))
    past = graph.send("POST", "/v1.0/subscriptions", wish(endpoint, expirationDateTime=ahead(minutes=-1)))
    short = subscribe(graph, endpoint, expirationDateTime=ahead(minutes=1))

    raised = datetime.fromisoformat(short["expirationDateTime"]) - datetime.now(UTC)
    assert longest.status_code == 201
    assert (longer.status_code, past.status_code) == (400, 400)
    assert "41760 minutes" in error_of(longer)[2]
    assert timedelta(minutes=44) < raised <= timedelta(minutes=45)


def test_a_subscription_runs_out(graph, tenant, endpoint):
    made = subscribe(graph, endpoint, expirationDateTime=ahead(minutes=50))
    tenant.advance(51 * 60)

    refused = graph.send("PATCH", f"/v1.0/subscriptions/{made['id']}", {"expirationDateTime": ahead(days=1)})

    assert refused.status_code == 404


# 9: clientState has at most 128 characters; the endpoint is public HTTPS (or on this machine).
@pytest.mark.parametrize(
    "changes",
    [
        {"clientState": "x" * 129},
        {"notificationUrl": "http://portal.example.org/doorbell"},
        {"notificationUrl": "not an address"},
        {"resource": "groups"},
        {"changeType": "moved"},
        {"expirationDateTime": "tomorrow"},
        {"expirationDateTime": None},
    ],
)
def test_what_is_not_allowed_is_refused(graph, endpoint, changes):
    assert error_of(graph.send("POST", "/v1.0/subscriptions", wish(endpoint, **changes)))[0] == 400


# 9, quotas: over quota, 403.
def test_over_the_quota_is_403(graph, tenant, endpoint):
    tenant.delivery(quota=1)
    subscribe(graph, endpoint)

    assert graph.send("POST", "/v1.0/subscriptions", wish(endpoint)).status_code == 403


# 9: Microsoft lost it; nobody is told (no `subscriptionRemoved` for users).
def test_microsoft_loses_subscriptions(graph, tenant, endpoint):
    made = subscribe(graph, endpoint)

    assert tenant.lose_subscriptions() == 1
    assert graph.get(f"/v1.0/subscriptions/{made['id']}").status_code == 404
    tenant.hire()
    assert tenant.state()["notifications"] == {}


# 9: `updated` is created, updated or soft-deleted; `deleted` is purged; only the id, and the client state.
def test_each_change_is_told_by_id_alone(graph, tenant, endpoint):
    made = subscribe(graph, endpoint)
    person = tenant.hire(givenName="Ada")
    tenant.change(person, givenName="Eve")
    tenant.remove(person)
    tenant.purge(person)

    until(lambda: len(endpoint.notifications) == 4)

    first = endpoint.notifications[0]
    assert sorted(one["changeType"] for one in endpoint.notifications) == ["deleted", "updated", "updated", "updated"]
    assert (first["subscriptionId"], first["clientState"], first["tenantId"]) == (made["id"], "secret", tenant.id)
    assert (first["resource"], first["resourceData"]["id"]) == (f"Users/{person}", person)
    assert "Ada" not in str(endpoint.bodies)


def test_only_what_was_subscribed_to_is_told(graph, tenant, endpoint):
    one, other = tenant.hire(), tenant.hire()
    subscribe(graph, endpoint, changeType="deleted", resource=f"/users/{one}")
    tenant.change(one, givenName="Eve")
    tenant.purge(other)
    tenant.purge(one)

    until(lambda: endpoint.notifications)

    assert [(told["changeType"], told["resourceData"]["id"]) for told in endpoint.notifications] == [("deleted", one)]
    assert tenant.state()["notifications"]["changes"] == 1


# 9 and the issue: several notifications in one body, for several connections.
def test_notifications_of_several_tenants_come_in_one_body(directory, graph, tenant, endpoint):
    other = Caller(directory, directory.control.tenant())
    for caller in (graph, other):
        caller.tenant.delivery(delay_seconds=0.5)
        subscribe(caller, endpoint)
    tenant.do(*(("hire", {}) for _ in range(3)))
    other.tenant.hire()
    other.close()

    until(lambda: len(endpoint.notifications) == 4)

    assert {one["tenantId"] for one in endpoint.bodies[0]["value"]} <= {tenant.id, other.tenant.id}
    assert len(endpoint.bodies) < 4


def test_a_body_holds_as_many_as_are_allowed(graph, tenant, endpoint):
    tenant.delivery(batch=10)
    subscribe(graph, endpoint)
    tenant.do(*(("hire", {}) for _ in range(25)))

    until(lambda: len(endpoint.notifications) == 25)

    assert max(len(body["value"]) for body in endpoint.bodies) == 10


# The issue: twice, late, out of order, not at all.
def test_notifications_come_twice(graph, tenant, endpoint):
    tenant.delivery(copies=2)
    subscribe(graph, endpoint)
    tenant.hire()

    until(lambda: len(endpoint.notifications) == 2)

    assert endpoint.notifications[0] == endpoint.notifications[1]


def test_notifications_come_late_and_out_of_order(graph, tenant, endpoint):
    tenant.delivery(delay_seconds=0.3, jitter_seconds=1.0)
    subscribe(graph, endpoint)
    tenant.do(*(("hire", {}) for _ in range(20)))
    at_once = len(endpoint.notifications)

    until(lambda: len(endpoint.notifications) == 20)

    numbers = [one["resourceData"]["sequenceNumber"] for one in endpoint.notifications]
    assert at_once == 0
    assert sorted(numbers) == list(range(20))
    assert numbers != sorted(numbers)


def test_notifications_get_lost(graph, tenant, endpoint):
    tenant.delivery(lost_percent=100)
    subscribe(graph, endpoint)
    tenant.hire()
    tenant.delivery(lost_percent=0)
    after = tenant.hire()

    until(lambda: endpoint.notifications)

    assert [one["resourceData"]["id"] for one in endpoint.notifications] == [after]
    assert tenant.state()["notifications"]["lost"] == 1


# 9: retries with back-off when the answer is not 2xx or takes too long.
@pytest.mark.parametrize("trouble", [{"status": 500}, {"seconds": 0.4}])
def test_what_was_not_taken_comes_again(graph, tenant, endpoint, trouble):
    subscribe(graph, endpoint)
    tenant.delivery(answer_seconds=0.1, retry_answer_seconds=0.1, retry_seconds=0.05)
    for name, value in trouble.items():
        setattr(endpoint, name, value)
    tenant.hire()
    until(lambda: tenant.state()["notifications"].get("failedTries", 0) >= 2)

    endpoint.status, endpoint.seconds = 202, 0.0
    until(lambda: tenant.state()["notifications"].get("delivered") == 1)

    assert len({str(one) for one in endpoint.bodies}) == 1


def test_after_hours_of_tries_microsoft_gives_up(graph, tenant, endpoint):
    subscribe(graph, endpoint)
    tenant.delivery(retry_seconds=0.05, give_up_seconds=0.1)
    endpoint.status = 500
    tenant.hire()

    until(lambda: tenant.state()["notifications"].get("givenUp") == 1)

    assert "delivered" not in tenant.state()["notifications"]


# 9: more than 15 % slow answers, and what follows is dropped for good.
def test_a_slow_endpoint_loses_what_follows(graph, tenant, endpoint):
    subscribe(graph, endpoint)
    tenant.delivery(answer_seconds=0.2, retry_answer_seconds=5.0, retry_seconds=0.05, judged_after=2)
    endpoint.seconds = 0.4
    tenant.hire()
    until(lambda: tenant.state()["notifications"].get("delivered") == 1)

    tenant.hire()
    until(lambda: tenant.state()["notifications"].get("dropped") == 1)

    assert tenant.state()["notifications"]["delivered"] == 1


# 1.4 and 9: the doorbell may ring before a delta has anything to tell; it does not ring for what is missed.
def test_a_late_change_rings_at_once_and_a_missed_one_never(graph, tenant, endpoint):
    person = tenant.hire()
    subscribe(graph, endpoint)
    tenant.missed("change", person, {"givenName": "Eve"})
    tenant.late(1, "change", person, {"surname": "X"})

    until(lambda: endpoint.notifications)

    assert tenant.state()["notifications"]["changes"] == 1


# 9: `User.Read.All` is the permission; without it there is no subscription. Faults are for these requests as well.
def test_subscriptions_need_the_permission_and_can_be_made_to_fail(graph, tenant, endpoint):
    tenant.fault("subscriptions", status=403, code="ExtensionError", message="This tenant type is not supported.")
    refused = graph.send("POST", "/v1.0/subscriptions", wish(endpoint))
    tenant.consent(given=False, lost_as="Authorization_RequestDenied")
    denied = graph.send("POST", "/v1.0/subscriptions", wish(endpoint))

    assert error_of(refused) == (403, "ExtensionError", "This tenant type is not supported.")
    assert error_of(denied)[:2] == (403, "Authorization_RequestDenied")
