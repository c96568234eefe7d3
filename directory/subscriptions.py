"""Subscriptions to changes of a tenant's users: what is sent, and what the answers mean (pure; facts/graph.md 9)."""

from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from directory.answer import Answer
from errors import NotificationsRefused, TryLater


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """A subscription as Graph tells it; it never tells the client state to who asks later."""

    id: str
    expiration_date_time: datetime
    notification_url: str = ""


class _New(msgspec.Struct, rename="camel"):
    notification_url: str
    client_state: str
    expiration_date_time: str
    resource: str = "users"
    change_type: str = "updated,deleted"
    """`updated` is also a user who was made, restored or deleted softly; `deleted` is one who is purged."""


class _Many(msgspec.Struct):
    value: list[Subscription] = []


def new_subscription(notification_url: str, client_state: str, until: datetime) -> bytes:
    return msgspec.json.encode(_New(notification_url, client_state, _graph_time(until)))


def renewal(until: datetime) -> bytes:
    return msgspec.json.encode({"expirationDateTime": _graph_time(until)})


def read_subscription(answer: Answer) -> Subscription | None:
    """The subscription; None where Microsoft has none (any more).

    Raises:
        NotificationsRefused, TryLater
    """
    return _read(answer, Subscription)


def read_subscriptions(answer: Answer) -> list[Subscription]:
    """The app's own in this tenant, as far as one page goes.

    Raises:
        NotificationsRefused, TryLater
    """
    found = _read(answer, _Many)
    return found.value if found is not None else []


def _read[T](answer: Answer, kind: type[T]) -> T | None:
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    passes = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
    if answer.status in passes or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TryLater(f"Microsoft Graph answered {answer.status} about change notifications")
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise NotificationsRefused(f"Microsoft Graph answered {answer.status}", answer.status)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError as error:
        raise TryLater("Microsoft Graph's answer about change notifications is cut off") from error


def _graph_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
