"""docs/openapi.yaml says what the API is: every route is there, and the real answers are of the shapes told."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from local.office import ENTRA
from tests.triggers import triggers

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "openapi.yaml").read_text())


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=40)


def operations():
    return {
        (method.upper(), path.removeprefix("/")): told
        for path, methods in DOCUMENT["paths"].items()
        for method, told in methods.items()
    }


def test_every_route_is_described_and_nothing_else():
    routes = {}
    for function, binding in triggers().items():
        if binding["type"] == "httpTrigger" and not binding["route"].startswith("portal"):
            for method in binding["methods"]:
                name = getattr(method, "value", method)
                routes[name, binding["route"]] = function

    assert routes == {key: told["operationId"] for key, told in operations().items()}


def check(answer, method, path):
    """Hold an answer against what is told of it."""
    told = operations()[method, path]["responses"]
    response = told.get(str(answer.status_code), told["default"])
    if "content" not in response:
        assert answer.content == b""
        return answer
    kind = answer.headers["content-type"].split(";")[0]
    schema = {**response["content"][kind]["schema"], "components": DOCUMENT["components"]}
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    checker.validate(answer.json())
    return answer


def test_real_answers_are_of_the_shapes_told(office):
    def call(person, method, path, body=None, **parts):
        real = path
        for name, value in parts.items():
            real = real.replace(f"{{{name}}}", value)
        return check(person.send(method, real, body), method, path)

    admin, member = office.admin, office.member
    call(admin, "GET", ENTRA)
    call(admin, "GET", f"{ENTRA}/status")
    call(admin, "POST", f"{ENTRA}/consent")
    code = office.grant()["consent_code"]
    call(admin, "POST", f"{ENTRA}/consent/complete", {"code": code})
    fields = call(member, "GET", f"{ENTRA}/fields").json()
    call(admin, "PUT", f"{ENTRA}/config", {"fieldMappings": fields["defaultMappings"]})
    call(admin, "GET", f"{ENTRA}/status")
    office.settle()
    config = call(member, "GET", f"{ENTRA}/config").json()
    assert call(admin, "POST", f"{ENTRA}/preview", config).json()["sample"]
    call(member, "GET", f"{ENTRA}/status")
    call(admin, "POST", f"{ENTRA}/sync", {"mode": "full"})
    run = office.settle()["id"]
    call(member, "GET", f"{ENTRA}/runs")
    call(member, "GET", f"{ENTRA}/runs/{{id}}", id=run)
    first = admin.call("GET", f"{ENTRA}/runs")["runs"][-1]["id"]
    assert call(member, "GET", f"{ENTRA}/runs/{{id}}/changes", id=first).json()["changes"]
    for verb in ("approve", "discard", "cancel"):
        assert call(admin, "POST", f"{ENTRA}/runs/{{id}}/{verb}", id=run).status_code == 409
    call(admin, "GET", f"{ENTRA}/audit")
    office.tenant.consent(given=False)
    assert call(admin, "POST", f"{ENTRA}/sync", {"mode": "delta"}).status_code == 202
    office.settle()
    assert call(member, "GET", f"{ENTRA}/status").json()["lastError"]["code"] == "consent_lost"
    lists = call(member, "GET", "contact-lists").json()["contactLists"]
    one = lists[0]["id"]
    path = "contact-lists/{list}/contacts"
    call(admin, "PATCH", "contact-lists/{list}", {"name": "All of us"}, list=one)
    assert call(member, "GET", path, list=one).json()["contacts"]
    made = call(member, "POST", path, {"firstName": "Own"}, list=one).json()["id"]
    call(member, "GET", f"{path}/{{contact}}", list=one, contact=made)
    linked = next(it for it in member.call("GET", path.replace("{list}", one))["contacts"] if it["linked"])
    assert call(member, "GET", f"{path}/{{contact}}", list=one, contact=linked["id"]).json()["origins"]
    call(member, "PATCH", f"{path}/{{contact}}", {"city": "Bern"}, list=one, contact=made)
    call(member, "DELETE", f"{path}/{{contact}}", list=one, contact=made)
    call(admin, "DELETE", ENTRA)
    call(member, "GET", "health")


def test_refusals_are_problems(office):
    for method, path, body in (
        ("PUT", f"{ENTRA}/config", {"fieldMappings": []}),
        ("POST", f"{ENTRA}/sync", {"mode": "delta"}),
        ("GET", f"{ENTRA}/runs", None),
    ):
        check(office.member.send(method, path, body), method, path)
