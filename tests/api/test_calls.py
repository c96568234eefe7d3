"""The API through real HTTP: the ordinary ways (spec §7)."""

import pytest

from local.office import ENTRA


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=60)


def people_of(tenant):
    return {
        user["id"]: user
        for user in tenant.users()
        if user["removed"] is None and user["accountEnabled"] and user.get("userType") != "Guest"
    }


def test_before_anything_is_connected(office):
    assert office.card()["connection"] == "permissions_required"
    assert office.card()["tenant"] is None
    assert office.status()["state"] == "idle"
    assert office.member.call("GET", "contact-lists") == {"contactLists": [], "continuation": None}
    assert office.admin.send("POST", f"{ENTRA}/sync", {"mode": "delta"}).status_code == 409
    assert office.admin.send("GET", f"{ENTRA}/runs/none").status_code == 404


def test_from_consent_to_contacts(office, tenant):
    assert office.connect()["connection"] == "not_configured"

    run = office.configure()

    people = people_of(tenant)
    assert (run["state"], run["mode"], run["trigger"]) == ("completed", "full", "configuration")
    assert run["counts"]["added"] == len(people)
    assert office.card()["connection"] == "active"
    shown = {contact["sourceId"]: contact for contact in office.contacts()}
    assert {one: (shown[one]["firstName"], shown[one]["lastName"], shown[one]["email"]) for one in shown} == {
        one: (user.get("givenName"), user.get("surname"), user.get("mail")) for one, user in people.items()
    }
    status = office.status()
    assert status["totals"] == {"contacts": len(people), "linked": len(people)}
    assert status["lastRun"]["id"] == run["id"]
    assert status["nextRunAt"] > status["lastCompletedAt"]


def test_the_list_has_the_organisations_name_and_description(office):
    office.connect()

    lists = office.member.call("GET", "contact-lists")["contactLists"]

    assert lists[0]["name"].endswith(" Users")
    assert lists[0]["description"] == "Synced contacts"


def test_sync_now_tells_what_changed_field_by_field(office, tenant):
    office.set_up()
    person = min(people_of(tenant))
    tenant.change(person, givenName="Newly", companyName=None)

    run = office.sync()

    changes = office.member.call("GET", f"{ENTRA}/runs/{run['id']}/changes")["changes"]
    assert [change["contactId"] for change in changes] == [person]
    assert changes[0]["after"]["firstName"] == "Newly"
    assert changes[0]["outcome"] == "updated"


def test_the_configuration_is_versioned_and_if_match_is_honoured(office):
    office.set_up()
    answer = office.admin.send("GET", f"{ENTRA}/config")
    body = answer.json()
    assert (answer.headers["etag"], body["version"]) == ('"1"', 1)

    changed = {**body, "conflictResolution": "keep_local"}
    saved = office.admin.call("PUT", f"{ENTRA}/config", changed, If_Match='"1"')
    stale = office.admin.send("PUT", f"{ENTRA}/config", body, If_Match='"1"')

    assert saved["version"] == 2
    assert stale.status_code == 412
    assert office.admin.call("GET", f"{ENTRA}/config")["conflictResolution"] == "keep_local"


def test_a_person_adds_edits_and_removes_contacts_and_the_next_run_settles_it(office, tenant):
    office.set_up()
    path = f"contact-lists/{office.card()['list']['id']}/contacts"
    linked = min(people_of(tenant))
    before = office.status()["totals"]

    own = office.member.call("POST", path, {"firstName": "Own", "email": "own@x.example"})
    office.member.call("PATCH", f"{path}/{linked}", {"firstName": "Edited", "department": "Mine"})
    gone = max(people_of(tenant))
    assert office.member.send("DELETE", f"{path}/{gone}").status_code == 204

    assert office.member.send("GET", f"{path}/{gone}").status_code == 404
    assert office.status()["totals"] == {"contacts": before["contacts"], "linked": before["linked"] - 1}
    run = office.sync()
    shown = {contact["id"]: contact for contact in office.contacts()}
    assert shown[linked]["firstName"] == people_of(tenant)[linked].get("givenName")
    assert shown[linked]["department"] == "Mine"
    assert shown[gone]["linked"]
    assert not shown[own["id"]]["linked"]
    assert (run["counts"]["updated"], run["counts"]["added"], run["counts"]["read"]) == (1, 1, 0)
    assert office.status()["totals"] == {"contacts": before["contacts"] + 1, "linked": before["linked"]}
    assert len(shown) == before["contacts"] + 1


def test_a_renamed_list_keeps_its_name(office, tenant):
    office.set_up()
    list_id = office.card()["list"]["id"]
    office.admin.call("PATCH", f"contact-lists/{list_id}", {"name": "Everybody"})
    tenant.consent(organizationReadable=True)
    tenant.rename("Another name")

    office.sync("full")

    assert office.card()["list"]["name"] == "Everybody"
    assert office.card()["tenant"]["displayName"] == "Another name"


def test_history_is_paged_newest_first(office):
    office.set_up()
    ids = [office.sync()["id"] for _ in range(3)]

    first = office.member.call("GET", f"{ENTRA}/runs?limit=2")
    second = office.member.call("GET", f"{ENTRA}/runs?limit=2&continuation={first['continuation']}")

    assert [run["id"] for run in first["runs"]] == [ids[2], ids[1]]
    assert second["runs"][0]["id"] == ids[0]


def test_the_audit_trail_names_who_did_what(office):
    office.set_up(conflictResolution="keep_local")
    office.sync()

    entries = office.admin.call("GET", f"{ENTRA}/audit")["entries"]

    assert [entry["action"] for entry in entries] == ["synced", "configured", "connected"]
    assert {entry["person"] for entry in entries} == {office.admin.person}
    assert entries[1]["details"]["conflictResolution"] == ["source_wins", "keep_local"]
    assert office.member.send("GET", f"{ENTRA}/audit").status_code == 403


def test_health_is_well(office):
    assert office.member.call("GET", "health") == {"status": "ok", "reason": None}
