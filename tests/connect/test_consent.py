"""Consent that nobody can forge, through real HTTP and Microsoft's (local) pages (spec §2)."""

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from local.office import ENTRA, Office, told

CALLBACK = f"{ENTRA}/consent/callback"


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=5, consented=False)


@pytest.fixture
def other(office, host, directory):
    """Another workspace, with another organisation."""
    other = Office(host.url, directory, directory.control.tenant(people=5, consented=False, name="Fabrikam"))
    yield other
    other.close()


def begin(office):
    """The state of a new attempt."""
    address = office.admin.call("POST", f"{ENTRA}/consent")["redirectUrl"]
    return parse_qs(urlsplit(address).query)["state"][0]


def come_back(office, **query):
    """Microsoft's return, as anybody could type it; where the browser is sent next."""
    answer = httpx.get(f"{office.url}/api/{CALLBACK}?{urlencode(query)}", follow_redirects=False, timeout=30)
    assert answer.status_code == 302
    return answer.headers["location"]


def consented(office, **query):
    return come_back(office, admin_consent="True", tenant=office.tenant.id, state=begin(office), **query)


def complete(person, office, code, verifier=None):
    """Complete an attempt of the office's admin, as somebody."""
    body = {"code": code, "verifier": office.admin.verifier if verifier is None else verifier}
    return person.send("POST", f"{ENTRA}/consent/complete", body)


def joined(office):
    return office.card()["tenant"]


def unlinked_contacts(office):
    """The contacts, once the disconnect has seen to all of them."""
    while office.status()["totals"]["linked"] or any(contact["linked"] for contact in office.contacts()):
        pass
    return office.contacts()


def test_an_administrator_connects_his_directory(office):
    card = office.connect()

    assert card["connection"] == "not_configured"
    assert card["permission"] == "granted"
    assert card["tenant"]["id"] == office.tenant.id


def test_the_permission_asked_for_is_the_apps_own_and_no_more(office, directory):
    address = office.admin.call("POST", f"{ENTRA}/consent")["redirectUrl"]

    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{directory.address}/organizations/v2.0/adminconsent?")
    assert query["scope"] == [f"{directory.address}/.default"]


def test_a_privileged_role_administrator_may_too(office):
    assert "consent_code" in office.grant("privileged.admin")


@pytest.mark.parametrize("alias", ["app.admin", "member"])
def test_who_may_not_consent_comes_back_with_a_reason(office, alias):
    address = office.admin.call("POST", f"{ENTRA}/consent")["redirectUrl"]
    page = office.browser.press(office.browser.open(address), "Sign in", account=office.account(alias))

    back = office.browser.press(page, "Return to the application without granting consent", stop_at=office.portal)

    assert told(back.url) == {"consent_error": "approval_needed"}


def test_cancelling_comes_back_with_a_reason_and_a_second_try_works(office):
    address = office.admin.call("POST", f"{ENTRA}/consent")["redirectUrl"]
    page = office.browser.press(office.browser.open(address), "Sign in", account=office.account())

    back = office.browser.press(page, "Cancel", stop_at=office.portal)

    assert told(back.url) == {"consent_error": "cancelled"}
    assert joined(office) is None
    office.browser.close()
    office.browser = type(office.browser)(office.directory.ca)
    assert office.connect()["connection"] == "not_configured"


def test_an_error_counts_though_it_says_admin_consent_true(office):
    back = consented(office, error="access_denied", error_subcode="cancel")

    assert told(back) == {"consent_error": "cancelled"}


def test_a_forged_tenant_gets_a_sign_in_there_and_nothing_else(office, other):
    """The attacker types the tenant of an organisation that consented already, and signs in with his own account."""
    other.connect()
    onward = come_back(office, admin_consent="True", tenant=other.tenant.id, state=begin(office))

    page = office.browser.open(onward)
    refused = office.browser.press(page, "Sign in", account=office.account(), stop_at=office.portal)

    assert "AADSTS50020" in refused.text
    assert joined(office) is None


def test_a_member_of_the_forged_tenant_is_no_administrator(office, other):
    other.connect()
    onward = come_back(office, admin_consent="True", tenant=other.tenant.id, state=begin(office))

    page = office.browser.open(onward)
    back = office.browser.press(page, "Sign in", account=other.account("member"), stop_at=office.portal)

    assert told(back.url) == {"consent_error": "not_an_administrator"}


@pytest.mark.parametrize(
    "tenant_id", ["", "organizations", "../evil", "00000000-0000-4000-8000-000000000000", "x" * 300]
)
def test_a_tenant_that_cannot_be_is_refused(office, tenant_id):
    back = come_back(office, admin_consent="True", tenant=tenant_id, state=begin(office))

    assert "consent_error" in told(back)


def test_a_code_from_another_flow_is_refused(office, other):
    """Somebody puts the code of his own sign-in into another's return."""
    onward = consented(office)
    foreign = other.browser.open(consented(other))
    with_code = other.browser.press(foreign, "Sign in", account=other.account(), stop_at=f"{other.url}/api/{CALLBACK}")
    code = told(with_code.url)["code"]

    back = come_back(office, code=code, state=told(onward)["state"])

    assert told(back) == {"consent_error": "not_valid"}


@pytest.mark.parametrize("wrong", ["nonce", "audience", "issuer", "tenant", "expired", "key", "none", "hs256"])
def test_an_id_token_that_is_wrong_in_one_way_proves_nothing(office, wrong):
    office.tenant.spoil_id_tokens(wrong)

    assert office.grant() == {"consent_error": "not_valid"}
    assert joined(office) is None


def test_a_state_serves_once(office):
    state = begin(office)
    first = come_back(office, admin_consent="True", tenant=office.tenant.id, state=state)
    again = come_back(office, admin_consent="True", tenant=office.tenant.id, state=state)

    assert "consent_error" not in told(first)
    assert told(again) == {"consent_error": "expired"}


@pytest.mark.parametrize("state", ["", "x.y.z", "eyJhbGciOiJub25lIn0.e30."])
def test_a_foreign_state_is_refused(office, state):
    assert told(come_back(office, admin_consent="True", tenant=office.tenant.id, state=state)) == {
        "consent_error": "expired"
    }


def test_the_first_legs_state_does_not_serve_for_the_second(office):
    state = begin(office)
    come_back(office, admin_consent="True", tenant=office.tenant.id, state=state)

    assert told(come_back(office, code="anything", state=state)) == {"consent_error": "expired"}


def test_only_who_began_completes_and_only_once(office, other):
    code = office.grant()["consent_code"]

    assert complete(office.member, office, code).status_code == 403
    assert complete(office.second, office, code).status_code == 403
    assert complete(other.admin, office, code).status_code == 400
    assert complete(office.admin, office, code[:-1]).status_code == 400
    assert joined(office) is None
    assert complete(office.admin, office, code).status_code == 200
    assert complete(office.admin, office, code).status_code == 400


def test_a_code_that_came_to_another_browser_joins_nothing(office, other):
    """Somebody else approves with his own tenant, and sends the administrator who began the address with the code."""
    address = office.admin.begin()
    page = other.browser.press(other.browser.open(address), "Sign in", account=other.account())
    code = told(other.browser.press(page, "Accept", stop_at=other.portal).url)["consent_code"]

    without = office.admin.send("POST", f"{ENTRA}/consent/complete", {"code": code})
    guessed = complete(office.admin, office, code, "guessed")
    looked = office.admin.send("POST", f"{ENTRA}/consent/review", {"code": code, "verifier": "guessed"})

    assert [one.json()["errors"][0]["field"] for one in (without, guessed, looked)] == ["body", "verifier", "verifier"]
    assert joined(office) is None


def test_what_would_be_joined_is_told_before_it_is(office):
    code = office.grant()["consent_code"]
    body = {"code": code, "verifier": office.admin.verifier}

    told_first = office.admin.call("POST", f"{ENTRA}/consent/review", body)
    told_again = office.admin.call("POST", f"{ENTRA}/consent/review", body)

    assert told_first == told_again
    assert told_first["tenant"]["id"] == office.tenant.id
    assert told_first["approvedBy"] == f"Gloria Global ({office.account()})"
    assert joined(office) is None
    assert complete(office.admin, office, code).status_code == 200


@pytest.mark.parametrize(("readable", "name"), [(True, "Fabrikam"), (False, None)])
def test_the_review_names_the_organisation_as_microsoft_does_and_never_as_we_do(office, readable, name):
    office.tenant.rename("Fabrikam")
    office.tenant.consent(organizationReadable=readable)
    body = {"code": office.grant()["consent_code"], "verifier": office.admin.verifier}

    review = office.admin.call("POST", f"{ENTRA}/consent/review", body)

    assert review["tenant"]["displayName"] == (name or office.tenant.domain)


def test_the_tenants_administrator_sees_and_ends_what_else_reads_it(office, other):
    """A workspace of somebody who left still reads the tenant; whoever approves for another one learns of it."""
    office.set_up()
    page = other.browser.press(other.browser.open(other.admin.begin()), "Sign in", account=office.account())
    code = told(other.browser.press(page, "Accept", stop_at=other.portal).url)["consent_code"]
    body = {"code": code, "verifier": other.admin.verifier}

    seen = other.admin.call("POST", f"{ENTRA}/consent/review", body)
    wrong = other.admin.send("POST", f"{ENTRA}/consent/end-other", {**body, "workspaceId": other.workspace})
    after = other.admin.call("POST", f"{ENTRA}/consent/end-other", {**body, "workspaceId": office.workspace})

    assert [one["id"] for one in seen["otherWorkspaces"]] == [office.workspace]
    assert wrong.status_code == 404
    assert after["otherWorkspaces"] == []
    assert joined(office) is None
    entry = office.admin.call("GET", f"{ENTRA}/audit")["entries"][0]
    assert (entry["action"], entry["name"]) == ("disconnected", f"Gloria Global ({office.account()})")
    assert office.card()["endedBy"] == f"Gloria Global ({office.account()})"
    assert office.member.call("GET", ENTRA)["endedBy"] is None
    assert unlinked_contacts(office)
    assert complete(other.admin, other, code).status_code == 200


def test_who_proved_another_tenant_neither_sees_nor_ends_a_connection(office, other):
    office.connect()
    body = {"code": other.grant()["consent_code"], "verifier": other.admin.verifier}

    seen = other.admin.call("POST", f"{ENTRA}/consent/review", body)
    refused = other.admin.send("POST", f"{ENTRA}/consent/end-other", {**body, "workspaceId": office.workspace})

    assert seen["otherWorkspaces"] == []
    assert refused.status_code == 404
    assert joined(office)["id"] == office.tenant.id


def test_the_trail_names_the_tenant_and_who_approved(office):
    office.connect()

    entry = office.admin.call("GET", f"{ENTRA}/audit")["entries"][0]

    assert entry["action"] == "connected"
    assert entry["details"] == {
        "tenant": office.tenant.id,
        "approvedBy": f"Gloria Global ({office.account()})",
    }


def test_an_approver_whose_name_is_no_text_is_named_as_far_as_it_is(office):
    office.tenant.spoil_id_tokens("name")
    office.connect()

    [entry] = [one for one in office.admin.call("GET", f"{ENTRA}/audit")["entries"] if "approvedBy" in one["details"]]

    assert entry["details"]["approvedBy"] == f"Zo\ufffd ({office.account()})"


def test_who_signed_in_at_microsoft_long_ago_signs_in_again(office):
    page = office.browser.press(office.browser.open(office.admin.begin()), "Sign in", account=office.account())
    office.tenant.age_sign_ins(3600)

    asked = office.browser.press(page, "Accept", stop_at=office.portal)
    back = office.browser.press(asked, "Sign in", account=office.account(), stop_at=office.portal)

    assert "consent_code" in told(back.url)


@pytest.mark.parametrize(
    ("wrong", "reason"), [("auth_time", "sign_in_too_old"), ("without auth_time", "our_registration")]
)
def test_a_sign_in_that_is_not_proven_to_be_fresh_proves_nothing(office, wrong, reason):
    office.tenant.spoil_id_tokens(wrong)

    assert office.grant() == {"consent_error": reason}


def test_a_link_sent_to_another_companys_administrator_joins_nothing(office, other):
    """He approves and signs in; the code comes to his browser, and he is nobody in the sender's workspace."""
    address = office.admin.begin()
    page = other.browser.press(other.browser.open(address), "Sign in", account=other.account())
    code = told(other.browser.press(page, "Accept", stop_at=other.portal).url)["consent_code"]

    assert complete(other.admin, office, code).status_code == 400
    assert joined(office) is None
    assert joined(other) is None


@pytest.mark.parametrize(
    "lost_as", ["700016", "7000229", "Authorization_RequestDenied", "Authorization_IdentityNotFound", "roleless"]
)
def test_a_permission_that_is_still_spreading_is_waited_for(office, lost_as):
    office.tenant.consent(spreading=1, lostAs=lost_as)

    card = office.connect()

    assert (card["connection"], card["permission"]) == ("permissions_required", "spreading")
    while card["permission"] == "spreading":
        card = office.card()
    assert (card["connection"], card["permission"]) == ("not_configured", "granted")


def test_consent_withdrawn_and_granted_again_keeps_all_and_runs_in_full(office):
    office.set_up()
    before = office.contacts()
    office.tenant.consent(given=False)
    failed = office.sync()
    assert failed["error"]["code"] == "consent_lost"
    assert office.card()["connection"] == "permissions_required"
    assert office.contacts() == before
    assert office.status()["nextRunAt"] is None

    card = office.connect()

    assert card["connection"] == "active"
    run = office.settle()
    assert (run["state"], run["mode"], run["trigger"]) == ("completed", "full", "recovery")
    assert office.contacts() == before


def test_another_organisation_cannot_take_the_place_of_a_connected_one(office, other):
    office.connect()
    again = office.admin.grant(other.browser, office.portal, other.account())

    refused = complete(office.admin, office, told(again)["consent_code"])

    assert refused.status_code == 409
    assert joined(office)["id"] == office.tenant.id


@pytest.mark.parametrize("contacts", ["keep", "delete"])
def test_disconnecting_keeps_or_deletes_the_contacts(office, contacts):
    office.set_up()
    path = f"contact-lists/{office.card()['list']['id']}/contacts"
    own = office.member.call("POST", path, {"firstName": "Own"})
    before = {contact["id"] for contact in office.contacts()}

    assert office.admin.send("DELETE", f"{ENTRA}?contacts={contacts}").status_code == 202

    assert joined(office) is None
    assert office.admin.send("POST", f"{ENTRA}/sync", {"mode": "delta"}).status_code == 409
    expected = before if contacts == "keep" else {own["id"]}
    shown = unlinked_contacts(office)
    assert {one["id"] for one in shown} == expected
    assert office.status()["totals"] == {"contacts": len(expected), "linked": 0}
    assert office.admin.call("GET", f"{ENTRA}/audit")["entries"][0]["action"] == "disconnected"


def test_a_workspace_that_disconnected_takes_its_contacts_back_when_it_connects_again(office):
    office.set_up()
    before = {contact["id"] for contact in office.contacts()}
    office.admin.call("DELETE", f"{ENTRA}?contacts=keep")
    unlinked_contacts(office)

    while complete(office.admin, office, office.grant()["consent_code"]).status_code == 409:
        pass
    run = office.settle()

    assert run["counts"]["linked"] == len(before)
    assert {contact["id"] for contact in office.contacts()} == before
    assert office.status()["totals"] == {"contacts": len(before), "linked": len(before)}


def test_what_becomes_of_the_contacts_must_be_said_rightly(office):
    """Repeated parameters arrive joined, empty ones not at all (facts/functions.md 11)."""
    office.connect()

    for query in ("", "?contacts=", "?contacts=burn", "?contacts=keep&contacts=delete"):
        answer = office.admin.send("DELETE", f"{ENTRA}{query}")

        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["field"] == "contacts"
    assert office.card()["connection"] != "permissions_required"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("50020", "other_organisation"),
        ("50105", "not_assigned"),
        ("53003", "blocked_by_policy"),
        ("90094", "approval_needed"),
        ("90093", "not_an_administrator"),
        ("500208", "no_organisation"),
        ("65004", "cancelled"),
        ("99999", "not_valid"),
    ],
)
def test_each_refusal_of_microsofts_comes_back_with_a_reason_of_its_own(office, code, reason):
    back = consented(office, error="access_denied", error_description=f"AADSTS{code}: something")

    assert told(back) == {"consent_error": reason}


def test_a_sign_in_that_tells_no_roles_is_our_registrations_fault(office):
    office.tenant.spoil_id_tokens("without wids")

    assert office.grant() == {"consent_error": "our_registration"}


def test_a_second_consent_whose_first_try_fails_is_waited_for_and_then_goes_on(office):
    office.set_up()
    office.tenant.consent(spreading=1, lostAs="700016")

    card = office.connect()

    assert (card["connection"], card["permission"]) == ("permissions_required", "spreading")
    while card["permission"] == "spreading":
        card = office.card()
    assert (card["connection"], card["permission"]) == ("active", "granted")
    assert office.settle()["trigger"] == "recovery"


def test_a_second_consent_of_a_connection_that_works_changes_nothing(office):
    office.set_up()

    card = office.connect()

    assert (card["connection"], card["permission"]) == ("active", "granted")
    assert office.status()["currentRun"] is None
