"""A small client of the directory's control, for tests and the demo."""

import json
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
        """`requests` by operation, `faultsMet` by kind, `faultsLeft`."""
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

    def shape(self, **shape: Any) -> None:
        self._post("shape", shape)

    def consent(self, **consent: Any) -> None:
        self._post("consent", consent)

    def fault(self, operation: str, kind: str = "status", **fault: Any) -> None:
        self._post("fault", {"operation": operation, "kind": kind, **fault})

    def expire(self, shape: str) -> None:
        self._post("expire", {"shape": shape})

    def rename(self, name: str) -> None:
        self._post("rename", {"name": name})

    def advance(self, seconds: float) -> None:
        """Let time pass in the directory."""
        self._post("clock", {"advanceSeconds": seconds})

    def spoil_id_tokens(self, wrong: str) -> None:
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


def _call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
