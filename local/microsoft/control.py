"""A small client of the directory's control, for tests and the demo."""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any

from local.microsoft.people import Properties

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TenantControl:
    """One tenant's people and troubles."""

    desk: str
    id: str
    domain: str

    def users(self) -> list[dict[str, Any]]:
        """All user objects, by Graph's names, with `removed`: None or the reason."""
        found: list[dict[str, Any]] = _call(f"{self._path}/users")["users"]
        return found

    def state(self) -> dict[str, Any]:
        """Counters, and what is still to come.

        `requests` by operation (`filtered`: first rounds for some ids), `faultsMet` by kind, `faultsLeft`,
        `late` (whom continuing rounds do not tell yet),
        `subscriptions`, and `notifications`: what became of them, in numbers.
        """
        return _call(self._path)

    def hire(self, **properties: str | bool | None) -> str:
        """A new user; his object id."""
        person: Properties = {"displayName": "New Hire", "accountEnabled": True, "userType": "Member"}
        return str(self.do(("hire", {**person, **properties}))[0])

    def change(self, user_id: str, **properties: str | bool | None) -> None:
        self.do(("change", user_id, properties))

    def remove(self, *user_ids: str) -> None:
        self.do(*(("remove", one) for one in user_ids))

    def purge(self, *user_ids: str) -> None:
        self.do(*(("purge", one) for one in user_ids))

    def restore(self, *user_ids: str) -> None:
        self.do(*(("restore", one) for one in user_ids))

    def do(self, *steps: tuple[Any, ...]) -> list[Any]:
        """Many steps in one request, such as ("change", id, {…}); what each gave."""
        results: list[Any] = self._post("users", {"steps": [list(step) for step in steps]})
        return results

    def missed(self, verb: str, *arguments: Any) -> None:
        """A step of `do` of which no delta tells until the person is touched again, such as ("restore", id)."""
        self.do(("missed", verb, *arguments))

    def late(self, rounds: int, verb: str, *arguments: Any) -> None:
        """A step of `do` that the next `rounds` continuing rounds do not tell yet; its notification comes at once."""
        self.do(("late", rounds, verb, *arguments))

    def shape(self, **shape: Any) -> None:
        """Change how rounds look, from now on: the switches of `shape.Shape`; those not named stay."""
        self._post("shape", _camel(shape))

    def consent(self, **consent: Any) -> None:
        """Change the app's standing: the fields of `consent.Consent`; those not named stay."""
        self._post("consent", _camel(consent))

    def fault(self, operation: str, kind: str = "status", **fault: Any) -> None:
        """Queue a fault; the rest are the fields of `faults.Fault`."""
        self._post("fault", {"operation": operation, "kind": kind, **_camel(fault)})

    def clear_faults(self) -> None:
        """Forget queued faults, and refusals of consent and sign-in."""
        self._post("no-faults", {})

    def expire(self, shape: str) -> None:
        """End every link that was given out; how that shows is a value of `rounds.ExpiryShape`."""
        self._post("expire", {"shape": shape})

    def refuse_consent(self, code: str = "", **refusal: Any) -> None:
        """The next consent comes back refused, with an AADSTS number; the rest are fields of `consent.Refusal`."""
        self._post("refusal", {"leg": "consent", "code": code, **refusal})

    def refuse_sign_in(self, code: str = "", **refusal: Any) -> None:
        """The same, of the sign-in that follows the consent."""
        self._post("refusal", {"leg": "sign_in", "code": code, **refusal})

    def age_sign_ins(self, seconds: float) -> None:
        """Everybody who is signed in at the tenant did so that much longer ago."""
        self._post("age-sign-ins", {"seconds": seconds})

    def delivery(self, **delivery: Any) -> None:
        """Change how notifications come: the fields of `subscriptions.Delivery`; those not named stay."""
        self._post("delivery", _camel(delivery))

    def subscriptions(self) -> list[dict[str, Any]]:
        """The live ones, as Graph shows them, with their `clientState`."""
        found: list[dict[str, Any]] = self.state()["subscriptions"]
        return found

    def lose_subscriptions(self) -> int:
        """Microsoft loses every subscription of the tenant and tells nobody; how many there were."""
        return int(self._post("lose-subscriptions", {}))

    def rename(self, name: str) -> None:
        self._post("rename", {"name": name})

    def advance(self, seconds: float) -> None:
        """Let time pass in the directory."""
        self._post("clock", {"advanceSeconds": seconds})

    def spoil_id_tokens(self, wrong: str) -> None:
        """ID tokens are wrong in one way; 'without wids' leaves a claim out, '' makes them right again."""
        self._post("id-token", {"wrong": wrong})

    def reset_counters(self) -> None:
        self._post("reset", {})

    @property
    def _path(self) -> str:
        return f"{self.desk}/control/tenants/{self.id}"

    def _post(self, verb: str, body: dict[str, Any]) -> Any:
        return _call(f"{self._path}/{verb}", body)["result"]


@dataclass(frozen=True, slots=True)
class DirectoryControl:
    """The directory as a whole."""

    desk: str

    def tenant(self, **options: Any) -> TenantControl:
        """A new tenant; options as `make_tenant` has them."""
        made = _call(f"{self.desk}/control/tenants", options)
        return TenantControl(self.desk, made["id"], made["domain"])

    def token(self, person: str) -> str:
        """A platform token, such as for 'alice' or 'admin@some-workspace'."""
        return str(_call(f"{self.desk}/identity/token?person={person}")["token"])

    def odd_token(self, **options: Any) -> str:
        """A platform token that is wrong in some way: `claims`, `algorithm`, `kid`, `key`."""
        return str(_call(f"{self.desk}/control/identity/token", options)["token"])

    def allow_redirect(self, uri: str) -> None:
        """Register a further redirect URI of the app's."""
        _call(f"{self.desk}/control/redirect-uris", {"uri": uri})

    def rotate_keys(self) -> None:
        _call(f"{self.desk}/control/identity/rotate", {})


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    """Names as the control has them: `page_size` and `pageSize` are the same."""
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value for name, value in fields.items()}


def _call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
