"""A tenant's change notifications: the subscriptions to its users, and how they are delivered (facts/graph.md 9)."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

LONGEST = timedelta(minutes=41_760)
SHORTEST = timedelta(minutes=45)
_LONGEST_CLIENT_STATE = 128
_CHANGE_TYPES = frozenset({"created", "updated", "deleted"})


class SubscriptionRefused(Exception):
    """Graph does not make or change a subscription; the text says why."""

    def __init__(self, message: str, status: int = 400, code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Delivery(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a tenant's notifications come; the defaults are a service that does its best. Percentages are of them.

    `delay_seconds` passes between a change and its notification, more by up to `jitter_seconds`, which lets them
    overtake each other. `copies` of each are sent. `lost_percent` never come. `batch` is the most in one body.
    An endpoint has `answer_seconds`, at later tries `retry_answer_seconds`; a try that fails is repeated after
    `retry_seconds`, doubling, until `give_up_seconds` have passed. `quota` subscriptions are allowed.
    Of at least `judged_after` deliveries in ten minutes more than 10 % slow delay what follows by `slow_delay_seconds`,
    more than 15 % slow lose it. `validation_seconds` is the endpoint's time for the handshake.
    """

    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    copies: int = 1
    lost_percent: float = 0.0
    batch: int = 20
    answer_seconds: float = 3.0
    retry_answer_seconds: float = 10.0
    retry_seconds: float = 10.0
    give_up_seconds: float = 4 * 3600.0
    slow_delay_seconds: float = 10.0
    judged_after: int = 20
    validation_seconds: float = 10.0
    quota: int = 100
    seed: int = 1


@dataclass(slots=True)
class Subscription:
    """One subscription to a tenant's users; `expires` is on the tenant's clock."""

    resource: str
    change_types: frozenset[str]
    notification_url: str
    client_state: str | None
    expires: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def told(self) -> dict[str, object]:
        """As Graph shows it to those who ask later: without its client state."""
        return {
            "id": self.id,
            "resource": self.resource,
            "changeType": ",".join(sorted(self.change_types)),
            "notificationUrl": self.notification_url,
            "expirationDateTime": iso(self.expires),
            "clientState": None,
        }

    def concerns(self, user_id: str, change_type: str) -> bool:
        path = self.resource.strip("/").lower()
        return change_type in self.change_types and path in ("users", f"users/{user_id}")


@dataclass(slots=True)
class Subscriptions:
    """One tenant's. `counters`: what became of its notifications."""

    delivery: Delivery = field(default_factory=Delivery)
    counters: dict[str, int] = field(default_factory=dict)
    _live: dict[str, Subscription] = field(default_factory=dict)

    def live(self, now: float) -> list[Subscription]:
        """Those that have not run out, oldest first."""
        self._live = {one.id: one for one in self._live.values() if one.expires.timestamp() > now}
        return list(self._live.values())

    def get(self, subscription_id: str, now: float) -> Subscription:
        """One that has not run out.

        Raises:
            SubscriptionRefused: 404, there is none, it ran out, or Microsoft lost it.
        """
        found = next((one for one in self.live(now) if one.id == subscription_id), None)
        if found is None:
            raise SubscriptionRefused("The object was not found.", 404, "ResourceNotFound")
        return found

    def require_room(self, now: float) -> None:
        """Check the quota.

        Raises:
            SubscriptionRefused: 403, the quota is used up.
        """
        if len(self.live(now)) >= self.delivery.quota:
            raise SubscriptionRefused("The subscription quota has been exceeded.", 403, "Forbidden")

    def add(self, new: Subscription) -> None:
        self._live[new.id] = new

    def remove(self, subscription_id: str) -> None:
        self._live.pop(subscription_id, None)

    def lose(self) -> int:
        """Microsoft loses them all, and tells nobody."""
        lost = len(self._live)
        self._live.clear()
        return lost

    def count(self, what: str, times: int = 1) -> None:
        self.counters[what] = self.counters.get(what, 0) + times


def new_subscription(body: dict[str, object], now: float) -> Subscription:
    """What a POST asks for.

    Raises:
        SubscriptionRefused: something is missing or not allowed.
    """
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise SubscriptionRefused(f"{name} is a required property for subscription creation.")
    change_types = frozenset(one.strip() for one in str(body["changeType"]).split(","))
    if not change_types <= _CHANGE_TYPES:
        raise SubscriptionRefused("changeType is not valid.")
    resource = str(body["resource"])
    if resource.strip("/").split("/")[0].lower() != "users":
        raise SubscriptionRefused("The resource is not supported here; it is users or users/{id}.")
    client_state = body.get("clientState")
    if client_state is not None and (not isinstance(client_state, str) or len(client_state) > _LONGEST_CLIENT_STATE):
        raise SubscriptionRefused("clientState must not exceed 128 characters.")
    url = acceptable_url(str(body["notificationUrl"]))
    return Subscription(resource, change_types, url, client_state, expiry_of(str(body["expirationDateTime"]), now))


def acceptable_url(url: str) -> str:
    """A notification URL: https; on this machine http as well, because a local function host has no certificate.

    Raises:
        SubscriptionRefused
    """
    try:
        parts = urlsplit(url)
        local = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = False
    if not url.startswith("https://") and not (local and url.startswith("http://")):
        raise SubscriptionRefused("notificationUrl must be an HTTPS address.")
    return url


def expiry_of(text: str, now: float) -> datetime:
    """When a subscription ends that asks for a time: 45 minutes ahead at least.

    Raises:
        SubscriptionRefused: more than 41,760 minutes ahead, past, or not a time.
    """
    try:
        asked = datetime.fromisoformat(text)
    except ValueError as error:
        raise SubscriptionRefused("expirationDateTime is not a date and time.") from error
    asked, present = (asked if asked.tzinfo else asked.replace(tzinfo=UTC)), datetime.fromtimestamp(now, UTC)
    if asked <= present:
        raise SubscriptionRefused("expirationDateTime must be in the future.")
    if asked > present + LONGEST:
        raise SubscriptionRefused("Subscription expiration can only be 41760 minutes in the future.")
    return max(asked, present + SHORTEST)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
