"""docs/openapi.yaml says what the API is: it is what the code says, and every answer in it is held by a real one."""

import subprocess
import sys
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml

import limits
from local.office import ENTRA, Office
from tests.triggers import triggers

ROOT = Path(__file__).parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
CONTACTS = "contact-lists/{list}/contacts"
OPERATIONS = {
    (method.upper(), path.removeprefix("/")): told
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
}


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=40)


def test_the_description_is_what_the_code_says():
    command = [sys.executable, "-m", "local.tools.openapi", "--check"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert (told.returncode, told.stderr) == (0, "")


def test_every_route_is_described_and_nothing_else():
    routes = {}
    for function, binding in triggers().items():
        if binding["type"] == "httpTrigger" and not binding["route"].startswith("portal"):
            for method in binding["methods"]:
                name = getattr(method, "value", method)
                routes[name, binding["route"]] = function

    assert routes == {key: told["operationId"] for key, told in OPERATIONS.items()}


def validate(value, content, kind):
    schema = {**content[kind]["schema"], "components": DOCUMENT["components"]}
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    checker.validate(value)


class Journey:
    """Calls of an office's people; each body and answer is held against what is told, and remembered in `held`."""

    def __init__(self, office):
        self.office = office
        self.held = set()

    def call(self, person, method, path, body=None, query="", **parts):
        told = OPERATIONS[method, path]
        if body is not None:
            validate(body, told["requestBody"]["content"], "application/json")
        answer = person.send(method, path.format(**parts) + query, body)
        return self.hold(answer, told)

    def hold(self, answer, told):
        status = str(answer.status_code)
        response = told["responses"].get(status, told["responses"]["default"])
        if "text/csv" in response.get("content", {}):
            assert answer.headers["content-type"].split(";")[0] == "text/csv"
        elif "content" in response:
            validate(answer.json(), response["content"], answer.headers["content-type"].split(";")[0])
        else:
            assert answer.content == b""
        self.held.add((told["operationId"], status if status in told["responses"] else "default"))
        return answer

    def connect(self):
        admin = self.office.admin
        self.call(admin, "GET", ENTRA)
        self.call(admin, "GET", f"{ENTRA}/status")
        self.call(admin, "POST", f"{ENTRA}/consent")
        path = f"{ENTRA}/consent/callback"
        self.hold(httpx.get(f"{self.office.url}/api/{path}?state=x"), OPERATIONS["GET", path])
        code = self.office.grant()["consent_code"]
        body = {"code": code, "verifier": admin.verifier}
        self.call(admin, "POST", f"{ENTRA}/consent/review", body)
        former = Office(self.office.url, self.office.directory, self.office.tenant)
        former.connect()
        former.close()
        self.call(admin, "POST", f"{ENTRA}/consent/end-other", {**body, "workspaceId": former.workspace})
        self.call(admin, "POST", f"{ENTRA}/consent/complete", body)

    def configure(self, **changes):
        fields = self.call(self.office.member, "GET", f"{ENTRA}/fields").json()
        body = {"fieldMappings": fields["defaultMappings"], **changes}
        answer = self.call(self.office.admin, "PUT", f"{ENTRA}/config", body)
        self.call(self.office.admin, "GET", f"{ENTRA}/status")
        return answer.json()

    def sync(self):
        run = self.call(self.office.admin, "POST", f"{ENTRA}/sync", {"mode": "full"}).json()["run"]["id"]
        self.office.settle()
        return run

    def look(self):
        office, member = self.office, self.office.member
        config = self.call(member, "GET", f"{ENTRA}/config").json()
        assert self.call(office.admin, "POST", f"{ENTRA}/preview", config).json()["sample"]
        self.call(member, "GET", f"{ENTRA}/status")
        query = f"?query={self.somebody()}"
        assert self.call(office.admin, "POST", f"{ENTRA}/preview/people", config, query=query).json()["people"]
        assert self.call(office.admin, "GET", f"{ENTRA}/people", query=f"?query={self.somebody()}").json()["people"]
        runs = self.call(member, "GET", f"{ENTRA}/runs").json()["runs"]
        self.call(member, "GET", f"{ENTRA}/runs.csv", query="?changed=true")
        self.call(member, "GET", f"{ENTRA}/runs/{{id}}", id=runs[-1]["id"])
        changes = self.call(member, "GET", f"{ENTRA}/runs/{{id}}/changes", id=runs[-1]["id"]).json()
        assert changes["changes"]
        assert self.call(office.admin, "GET", f"{ENTRA}/audit").json()["entries"]
        days = self.call(office.admin, "GET", f"{ENTRA}/quality").json()["days"]
        assert days[0]["counts"]["no_mobile"]
        path = f"{ENTRA}/quality/{{figure}}"
        assert self.call(office.admin, "GET", path, figure="no_mobile").json()["people"]
        self.call(office.admin, "GET", f"{path}/people.csv", figure="no_mobile")
        self.call(member, "GET", "health")

    def pause(self):
        admin = self.office.admin
        assert self.call(admin, "POST", f"{ENTRA}/pause").json()["pause"]["by"]
        refused = self.call(admin, "POST", f"{ENTRA}/sync", {"mode": "delta"})
        assert (refused.status_code, refused.json()["detail"]) == (409, "Syncing is paused. Resume it first.")
        self.configure(removalGuard={"minimum": 0, "percent": 1})
        status = self.call(admin, "GET", f"{ENTRA}/status").json()
        assert (status["nextRunAt"], status["currentRun"]) == (None, None)
        assert self.call(admin, "POST", f"{ENTRA}/resume").json()["connection"] == "active"
        assert self.office.settle()["trigger"] == "configuration"

    def somebody(self):
        return self.office.tenant.users()[0]["id"]

    def undo(self):
        admin = self.office.admin
        path = f"{ENTRA}/runs/{{id}}/undo"
        first = self.call(admin, "GET", f"{ENTRA}/runs").json()["runs"][-1]
        told = self.call(admin, "GET", path, id=first["id"]).json()
        assert (told["complete"], told["counts"]["removed"]) == (True, first["counts"]["added"])
        run = self.call(admin, "POST", path, id=first["id"]).json()["run"]
        assert (run["mode"], run["undoes"]) == ("undo", first["id"])
        assert self.office.settle()["counts"]["removed"] == first["counts"]["added"]
        self.call(admin, "POST", f"{ENTRA}/resume")
        assert self.office.settle()["counts"]["added"] == first["counts"]["added"]

    def undo_edits(self):
        """A member adds many contacts, and an administrator takes them out again."""
        admin, member, path = self.office.admin, self.office.member, f"{ENTRA}/audit/{{id}}/undo"
        contacts = f"contact-lists/{self.office.card()['list']['id']}/contacts"
        most = limits.BULK_EDITS[0]
        for number in range(most):
            member.call("POST", contacts, {"firstName": f"Many {number}"})
        entry = self.call(admin, "GET", f"{ENTRA}/audit").json()["entries"][0]
        assert (entry["action"], entry["details"]["contacts"]) == ("added_contacts", most)
        told = self.call(admin, "GET", path, id=entry["id"]).json()
        assert told["counts"]["removed"] == most
        run = self.call(admin, "POST", path, id=entry["id"]).json()["run"]
        assert (run["mode"], run["undoes"], run["undoesEdits"]) == ("undo", None, entry["id"])
        assert self.office.settle()["counts"]["removed"] == most
        self.call(admin, "POST", f"{ENTRA}/resume")
        self.office.settle()

    def decide(self):
        """Removals that wait are discarded, then approved; a run that waits for Microsoft is cancelled."""
        admin, tenant = self.office.admin, self.office.tenant
        verb = f"{ENTRA}/runs/{{id}}/{{}}".replace
        tenant.remove(tenant.users()[0]["id"])
        self.sync()
        waiting = self.call(admin, "GET", f"{ENTRA}/status").json()["waitingRun"]
        assert waiting["pendingRemovals"]["sample"]
        assert self.call(admin, "GET", f"{ENTRA}/runs/{{id}}/pending", id=waiting["id"]).json()["people"]
        self.call(admin, "GET", f"{ENTRA}/runs/{{id}}/pending.csv", id=waiting["id"])
        self.call(admin, "POST", verb("{}", "discard"), id=waiting["id"])
        self.office.settle()
        waiting = self.call(admin, "GET", f"{ENTRA}/status").json()["waitingRun"]
        self.call(admin, "POST", verb("{}", "approve"), id=waiting["id"])
        self.office.settle()
        tenant.fault("delta", status=429, retryAfter="600")
        run = self.call(admin, "POST", f"{ENTRA}/sync", {}).json()["run"]["id"]
        self.call(admin, "POST", verb("{}", "cancel"), id=run)
        tenant.clear_faults()
        self.office.settle()

    def notify(self):
        path = f"{ENTRA}/notifications"
        answer = httpx.post(f"{self.office.url}/api/{path}", content=b"nonsense")
        self.hold(answer, OPERATIONS["POST", path])
        token = "<b>a token</b> +/?&="
        answer = httpx.post(f"{self.office.url}/api/{path}", params={"validationToken": token})
        assert (answer.status_code, answer.text) == (200, token)
        assert answer.headers["content-type"].startswith("text/plain")

    def edit(self):
        admin, member = self.office.admin, self.office.member
        one = self.call(member, "GET", "contact-lists").json()["contactLists"][0]["id"]
        self.call(admin, "PATCH", "contact-lists/{list}", {"name": "All of us"}, list=one)
        contacts = self.call(member, "GET", CONTACTS, query="?limit=100&search=a", list=one).json()["contacts"]
        linked = next(it for it in contacts if it["linked"])
        self.call(member, "GET", f"{CONTACTS}.csv", list=one)
        path = f"{CONTACTS}/{{contact}}"
        assert self.call(member, "GET", path, list=one, contact=linked["id"]).json()["origins"]
        made = self.call(member, "POST", CONTACTS, {"firstName": "Own"}, list=one).json()["id"]
        self.call(member, "PATCH", path, {"city": "Bern", "custom": {}}, list=one, contact=made)
        self.call(member, "DELETE", path, list=one, contact=made)

    def lose(self):
        self.office.tenant.consent(given=False)
        self.call(self.office.admin, "POST", f"{ENTRA}/sync", {"mode": "delta"})
        self.office.settle()
        status = self.call(self.office.member, "GET", f"{ENTRA}/status").json()
        assert status["lastError"]["code"] == "consent_lost"

    def refused(self):
        """Each call that wants a token is refused without one."""
        for (method, path), told in OPERATIONS.items():
            if "security" not in told:
                answer = httpx.request(
                    method, f"{self.office.url}/api/{path.format(id='a', list='b', contact='c', figure='d')}"
                )
                assert self.hold(answer, told).status_code == 401


def test_every_answer_that_is_described_is_held_by_a_real_one(office):
    journey = Journey(office)

    journey.connect()
    journey.configure(removalGuard={"minimum": 0, "percent": 0})
    office.settle()
    journey.look()
    journey.pause()
    journey.notify()
    journey.undo()
    journey.undo_edits()
    journey.decide()
    journey.edit()
    journey.lose()
    journey.call(office.admin, "DELETE", ENTRA, query="?contacts=keep")
    journey.refused()

    described = {(told["operationId"], status) for told in OPERATIONS.values() for status in told["responses"]}
    # Without a token these refuse only what a test of a running host cannot bring about: a storage that is away.
    unheld = {("show_health", "default"), ("return_from_consent", "default"), ("receive_notifications", "default")}
    assert described - journey.held <= unheld


def test_refusals_are_problems(office):
    journey = Journey(office)

    for method, path, body in (
        ("PUT", f"{ENTRA}/config", {"fieldMappings": []}),
        ("POST", f"{ENTRA}/sync", {"mode": "delta"}),
        ("POST", f"{ENTRA}/pause", None),
        ("POST", f"{ENTRA}/resume", None),
    ):
        assert journey.call(office.member, method, path, body).status_code == 403
    for name in ("..%2f..", "a%2Fb", "%ff", "a'b", "x" * 600, "a%5Cb", "%23"):
        answer = journey.hold(
            office.member.send("GET", f"{ENTRA}/runs/{name}"), OPERATIONS["GET", f"{ENTRA}/runs/{{id}}"]
        )
        assert answer.status_code == 404
