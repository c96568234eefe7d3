"""A tenant of Microsoft's within the test: its control, and Graph's client over it. No server; bytes as on the wire.

It answers with the local Microsoft's own code (local/microsoft: the tenant, its rounds, its faults); only HTTP is left
out. What the SDK does with a claims challenge, one request more with a new token, shows as the answer.
"""

import asyncio
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import msgspec
from azure.core.exceptions import ClientAuthenticationError

from directory.answer import Answer
from directory.credentials import Credentials, token_error
from directory.graph import Graph
from errors import TryLater
from local.microsoft.consent import Consent, Lost
from local.microsoft.delta_routes import delta_page
from local.microsoft.failing import CODES, retry_after, spoiled
from local.microsoft.faults import Carried, Fault, Kind, Operation, next_fault
from local.microsoft.graph_answers import GraphRefusal, encoded
from local.microsoft.graph_routes import users_page
from local.microsoft.odd_text import as_read
from local.microsoft.rounds import ExpiryShape
from local.microsoft.shape import Shape
from local.microsoft.subscriptions import SubscriptionRefused, expiry_of, new_subscription
from local.microsoft.tenant import Tenant
from sync.meter import count_graph_request

ENDPOINT = "https://graph.microsoft.com"
_IDENTITY = (Lost.APP_NOT_FOUND, Lost.NO_SERVICE_PRINCIPAL, Lost.IDENTITY_NOT_FOUND)


@dataclass
class MemoryTenant:
    """The interface of the local Microsoft's control of one tenant."""

    tenant: Tenant

    @property
    def id(self):
        return self.tenant.id

    def do(self, *steps):
        return [self.tenant.do(*step) for step in steps]

    def hire(self, **properties):
        return self.do(
            ("hire", {"displayName": "New Hire", "accountEnabled": True, "userType": "Member", **properties})
        )[0]

    def change(self, user_id, **properties):
        self.do(("change", user_id, properties))

    def remove(self, *user_ids):
        self.do(*(("remove", one) for one in user_ids))

    def purge(self, *user_ids):
        self.do(*(("purge", one) for one in user_ids))

    def restore(self, *user_ids):
        self.do(*(("restore", one) for one in user_ids))

    def advance(self, seconds):
        self.tenant.clock_offset += seconds

    def reset_counters(self):
        self.tenant.requests.clear()
        self.tenant.faults_met.clear()

    def missed(self, verb, *arguments):
        self.do(("missed", verb, *arguments))

    def shape(self, **shape):
        self.tenant.shape = msgspec.convert(msgspec.to_builtins(self.tenant.shape) | _camel(shape), Shape)

    def consent(self, **consent):
        self.tenant.consent = msgspec.convert(msgspec.to_builtins(self.tenant.consent) | _camel(consent), Consent)

    def fault(self, operation, kind="status", **fault):
        self.tenant.faults.append(msgspec.convert({"operation": operation, "kind": kind, **_camel(fault)}, Fault))

    def clear_faults(self):
        self.tenant.faults.clear()

    def expire(self, shape):
        self.tenant.expiry = ExpiryShape(shape)
        self.tenant.expire()

    def users(self):
        users = self.tenant.users.values()
        return [
            {name: as_read(one.properties[name]) for name in one.properties} | {"removed": one.removed} for one in users
        ]

    def state(self):
        return {
            "requests": self.tenant.requests,
            "faultsMet": self.tenant.faults_met,
            "late": self.tenant.late,
            "faultsLeft": len(self.tenant.faults),
        }


class MemoryMicrosoft:
    """The interface of the local Microsoft's control, where tenants are made."""

    @property
    def control(self):
        return self

    def tenant(self, *, people=0, name="Contoso", shape=None):
        tenant = Tenant(str(uuid.uuid4()), name, "contoso.example", msgspec.convert(_camel(shape or {}), Shape))
        tenant.consent.given = True
        tenant.populate(people, 1)
        return MemoryTenant(tenant)


def _camel(fields):
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value for name, value in fields.items()}


def memory_graph(tenant, clock=None):
    """The production client, with a sender that asks the tenant and a credential that is the tenant's own.

    Subscriptions live by `clock`, else by the tenant's: a history moves the first and lets no delta link get old.
    """
    now = (lambda: clock().timestamp()) if clock is not None else tenant.now
    return Graph(ENDPOINT, Credentials(lambda _: _Credential(tenant)), count_graph_request, _Sender(tenant, now))


@dataclass
class _Credential:
    """It keeps its token, as the SDK's does: lost consent shows at the token endpoint only to a new one."""

    tenant: Tenant
    has_token: bool = False

    def require_token(self):
        consent = self.tenant.consent
        lost = consent.lost_as.value if not consent.given else ""
        if self.has_token or not (lost.isdigit() or consent.credential_error):
            self.has_token = True
            return
        raise token_error(ClientAuthenticationError(f"AADSTS{consent.credential_error or lost}: made to fail"))

    async def close(self):
        return


@dataclass
class _Sender:
    tenant: Tenant
    now: Callable[[], float]

    async def send(self, credential, url, accept, method="GET", body=None):
        await asyncio.sleep(0)
        credential.require_token()
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            self._require_standing()
            if parts.path.startswith("/v1.0/subscriptions"):
                return self._subscription(method, parts.path.rpartition("/")[2], body)
            return self._answer(parts.path.partition("/v1.0/")[2], query)
        except GraphRefusal as refusal:
            error = {"error": {"code": refusal.code, "message": refusal.message}}
            headers = {name.lower(): value for name, value in refusal.headers.items()}
            return Answer(refusal.status, headers, encoded(error, self.tenant))

    async def close(self):
        return

    def _require_standing(self):
        consent = self.tenant.consent
        if not consent.given and consent.lost_as in _IDENTITY:
            raise GraphRefusal(401, "Authorization_IdentityNotFound", "The identity could not be established.")
        if not consent.given:
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges.")

    def _answer(self, path, query):
        if path == "organization":
            raise GraphRefusal(403, "Authorization_RequestDenied", "Insufficient privileges.")
        if path == "users/$count":
            return Answer(200, {}, str(sum(one.removed is None for one in self.tenant.users.values())).encode())
        if path == "users":
            self.tenant.requests[Operation.USERS] = self.tenant.requests.get(Operation.USERS, 0) + 1
            fault = next_fault(self.tenant.faults, Operation.USERS, self.tenant.now(), Carried.NOTHING)
            if fault is not None:
                return self._fail(fault, query)
            return Answer(200, {}, encoded(users_page(self.tenant, query, ENDPOINT), self.tenant))
        assert path.startswith(("users/delta", "users/microsoft.graph.delta")), path
        requests = self.tenant.requests
        requests[Operation.DELTA] = requests.get(Operation.DELTA, 0) + 1
        fault = next_fault(self.tenant.faults, Operation.DELTA, self.tenant.now(), _carried(query))
        if fault is None:
            return self._page(query)
        self.tenant.faults_met[fault.name] = self.tenant.faults_met.get(fault.name, 0) + 1
        return self._fail(fault, query)

    def _subscription(self, method, name, body):
        """As local/microsoft/subscription_routes.py does, without the handshake."""
        there, now = self.tenant.subscriptions, self.now()
        requests = self.tenant.requests
        requests[Operation.SUBSCRIPTIONS] = requests.get(Operation.SUBSCRIPTIONS, 0) + 1
        fault = next_fault(self.tenant.faults, Operation.SUBSCRIPTIONS, now, Carried.NOTHING)
        if fault is not None:
            raise GraphRefusal(fault.status, fault.code or "Forbidden", fault.message, {})
        try:
            if method == "POST":
                there.require_room(now)
                there.add(new := new_subscription(msgspec.json.decode(body), now))
                return Answer(201, {}, msgspec.json.encode(new.told()))
            if name == "subscriptions":
                return Answer(200, {}, msgspec.json.encode({"value": [one.told() for one in there.live(now)]}))
            found = there.get(name, now)
            if method == "PATCH":
                found.expires = expiry_of(msgspec.json.decode(body)["expirationDateTime"], now)
        except SubscriptionRefused as refusal:
            raise GraphRefusal(refusal.status, refusal.code, str(refusal)) from refusal
        if method == "DELETE":
            there.remove(found.id)
            return Answer(204, {}, b"")
        return Answer(200, {}, msgspec.json.encode(found.told()))

    def _page(self, query, fault=None):
        page = delta_page(self.tenant, query, ENDPOINT)
        return Answer(200, {}, encoded(spoiled(fault, page) if fault else page, self.tenant))

    def _fail(self, fault, query):
        match fault.kind:
            case Kind.STATUS:
                headers = {"Retry-After": retry_after(fault.retry_after)} if fault.retry_after is not None else {}
                code = fault.code or CODES.get(fault.status, "UnknownError")
                raise GraphRefusal(fault.status, code, fault.message, headers)
            case Kind.CLAIMS:
                return self._page(query)
            case Kind.RESET:
                raise TryLater("Microsoft Graph did not answer (ConnectError)")
            case Kind.STALL | Kind.TRUNCATED:
                self._page(query)
                raise TryLater("Microsoft Graph did not answer in time")
            case Kind.MALFORMED:
                whole = self._page(query)
                return Answer(200, {}, whole.body[: len(whole.body) // 2])
        return self._page(query, fault)


def _carried(query):
    if query.get("$skiptoken"):
        return Carried.NEXT
    return Carried.DELTA if query.get("$deltatoken") else Carried.NOTHING
