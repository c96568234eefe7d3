"""How the local Microsoft's login refuses, and what its ID tokens say (docs/facts/graph.md 5 and 11)."""

import base64
import hashlib
import time
from urllib.parse import urlencode

import jwt
import pytest

from local.microsoft.browser import Browser
from local.office import told as query_of
from tests.local.graph_caller import Caller

REDIRECT = "http://localhost:7071/api/integrations/entra/consent/callback"
CLIENT = "11111111-2222-4333-8444-555555555555"
VERIFIER = "v" * 43
ORDINARY_USER = "b79fbf4d-3ef9-4689-8143-76b194e85509"


@pytest.fixture
def browser(directory):
    browser = Browser(directory.ca)
    yield browser
    browser.close()


def consent(browser, directory, tenant, button="Accept"):
    """Through the consent page; what the app is told."""
    query = urlencode({"client_id": CLIENT, "redirect_uri": REDIRECT, "state": "s", "scope": ".default"})
    page = browser.open(f"{directory.address}/organizations/v2.0/adminconsent?{query}")
    if any(text == "Sign in" for form in page.forms for _, _, text in form.buttons):
        page = browser.press(page, "Sign in", account=f"global.admin@{tenant.domain}")
    return query_of(browser.press(page, button, stop_at=REDIRECT).url)


def authorize(browser, directory, tenant, stop_at=REDIRECT, **options):
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {"client_id": CLIENT, "redirect_uri": REDIRECT, "state": "s", "nonce": "n", "response_type": "code"}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256", "scope": "openid profile", **options}
    return browser.open(f"{directory.address}/{tenant.id}/oauth2/v2.0/authorize?{urlencode(query)}", stop_at)


def claims_for(directory, tenant, code):
    caller = Caller(directory, tenant)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    form |= {"client_id": CLIENT, "client_secret": "local-only-client-secret"}
    answer = caller._client.post(f"{directory.address}/{tenant.id}/oauth2/v2.0/token", data=form)
    caller.close()
    return jwt.decode(answer.json()["id_token"], options={"verify_signature": False})


# 5.4 and 11: what the token endpoint says with each number.
@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("53003", "invalid_grant"),
        ("500014", "invalid_resource"),
        ("5000224", "invalid_request"),
        ("50020", "invalid_grant"),
        ("50105", "invalid_grant"),
        ("90002", "invalid_request"),
        ("90033", "temporarily_unavailable"),
        ("700016", "unauthorized_client"),
        ("7000222", "invalid_client"),
    ],
)
def test_the_token_endpoint_refuses_with_a_number(graph, tenant, number, error):
    tenant.fault("token", code=number)

    refused, taken = graph.token(), graph.token()

    assert refused.status_code in (400, 401)
    assert (refused.json()["error"], refused.json()["error_codes"]) == (error, [int(number)])
    assert refused.json()["error_description"].startswith(f"AADSTS{number}: ")
    assert taken.status_code == 200


# 11, `AADSTS90002`: seen for minutes during an outage of the login service.
def test_a_tenant_is_not_found_for_a_while(graph, tenant):
    tenant.fault("token", code="90002", lasts_seconds=600)

    meanwhile = [graph.token().status_code for _ in range(5)]
    tenant.advance(601)

    assert meanwhile == [400] * 5
    assert graph.token().status_code == 200


# 5.1 and 11: error=access_denied with a number that says why; admin_consent=True stands on errors too.
@pytest.mark.parametrize("number", ["50020", "50105", "53003", "90094", "90093", "500208"])
def test_a_consent_comes_back_refused_with_a_number(browser, directory, tenant, number):
    tenant.consent(given=False)
    tenant.refuse_consent(number)

    refused = consent(browser, directory, tenant)
    granted = consent(browser, directory, tenant)

    assert (refused["error"], refused["admin_consent"], refused["state"]) == ("access_denied", "True", "s")
    assert refused["error_description"].startswith(f"AADSTS{number}: ")
    assert "error" not in granted
    assert granted["tenant"] == tenant.id


# 5.1: the cancel shapes, 65004 and error_subcode=cancel.
@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ({"code": "65004", "error": "consent_required"}, {"error": "consent_required"}),
        ({"code": "65004", "error": "permission_denied"}, {"error": "permission_denied"}),
        ({"subcode": "cancel"}, {"error": "access_denied", "error_subcode": "cancel"}),
    ],
)
def test_a_consent_is_cancelled_in_each_known_shape(browser, directory, tenant, refusal, told):
    tenant.refuse_consent(**refusal)

    answer = consent(browser, directory, tenant)

    assert {name: answer.get(name) for name in ("error", "error_subcode") if name in answer} == told
    assert answer.get("error_description", "").startswith("AADSTS65004" if "code" in refusal else "")


# 11: the same numbers where the person signs in after the consent.
def test_a_sign_in_comes_back_refused_with_a_number(browser, directory, tenant):
    consent(browser, directory, tenant)
    tenant.refuse_sign_in("53003")

    refused = query_of(authorize(browser, directory, tenant).url)

    assert (refused["error"], refused["state"]) == ("access_denied", "s")
    assert refused["error_description"].startswith("AADSTS53003: ")


# 11, `wids`: an ordinary member's is in every token; without groupMembershipClaims the claim is missing altogether.
def test_wids_has_everybody_s_role_and_can_be_missing(browser, directory, tenant):
    consent(browser, directory, tenant)

    usual = claims_for(directory, tenant, query_of(authorize(browser, directory, tenant).url)["code"])
    tenant.spoil_id_tokens("without wids")
    without = claims_for(directory, tenant, query_of(authorize(browser, directory, tenant).url)["code"])

    assert ORDINARY_USER in usual["wids"]
    assert len(usual["wids"]) == 2
    assert "wids" not in without


def test_auth_time_is_when_the_person_signed_in(browser, directory, tenant):
    began = int(time.time())
    consent(browser, directory, tenant)
    tenant.age_sign_ins(3600)

    aged = claims_for(directory, tenant, query_of(authorize(browser, directory, tenant).url)["code"])
    tenant.spoil_id_tokens("without auth_time")
    without = claims_for(directory, tenant, query_of(authorize(browser, directory, tenant).url)["code"])

    assert began - 3600 <= aged["auth_time"] <= time.time() - 3600
    assert "auth_time" not in without


def test_who_signed_in_longer_ago_than_max_age_signs_in_again(browser, directory, tenant):
    consent(browser, directory, tenant)
    tenant.age_sign_ins(3600)

    asked = authorize(browser, directory, tenant, max_age="600")
    silent = query_of(authorize(browser, directory, tenant, max_age="600", prompt="none").url)
    again = browser.press(asked, "Sign in", REDIRECT, account=f"global.admin@{tenant.domain}")
    claims = claims_for(directory, tenant, query_of(again.url)["code"])

    assert silent["error"] == "login_required"
    assert claims["auth_time"] >= time.time() - 60
    assert "code" in query_of(authorize(browser, directory, tenant, max_age="0").url)
