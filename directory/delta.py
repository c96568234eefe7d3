"""What an answer of users/delta means: a page, or the reason why there is none (pure; facts/graph.md 1, 4, 5.4)."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
from msgspec.structs import replace

import limits
from directory.answer import Answer
from errors import ConnectorError, ConsentLost, DeltaLinkExpired, LinkRefused, Throttled, TokenRefused, TryLater
from mapping.fields import DirectoryUser, Guid, ObjectId

EXPIRED = frozenset({"syncstatenotfound", "resyncrequired", "request_unsupportedquery"})
"""Codes, in lower case, that end a delta link when they come with 400 (facts/graph.md 1.5)."""

BOM = b"\xef\xbb\xbf"
"""Before a body, it means nothing (facts/graph.md 11)."""

_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE = 200, 400, 401, 403, 404, 410
_TOO_MANY, _UNAVAILABLE = 429, 503


@dataclass(frozen=True, slots=True)
class Page:
    """One page. It has a next link or a delta link, never both; it may hold no user and still have a next link.

    Ids are in small letters. `unreadable`: ids of users that are not of the documented shape ('' where even the id is
    missing). `repaired`: users with a text that could not be decoded.
    """

    users: list[DirectoryUser]
    unreadable: list[ObjectId]
    next_link: str | None
    delta_link: str | None
    repaired: frozenset[ObjectId] = frozenset()


class _Body(msgspec.Struct):
    value: list[DirectoryUser]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


class _RawBody(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


class _Users(msgspec.Struct):
    value: list[msgspec.Raw]


class _Error(msgspec.Struct):
    code: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class _Named(msgspec.Struct):
    id: Guid


_decode = msgspec.json.Decoder(_Body).decode
_decode_raw = msgspec.json.Decoder(_RawBody).decode
_decode_user = msgspec.json.Decoder(DirectoryUser).decode
_decode_error = msgspec.json.Decoder(_ErrorBody).decode


def read_page(answer: Answer, *, carried_token: bool) -> Page:
    """Decode one answer. `carried_token`: the request continued from a stored link.

    Raises:
        Throttled: 429 or 503, with `after_seconds` where Graph named a time.
        DeltaLinkExpired: 410, or 400 with a code of EXPIRED, where the request carried a token.
        LinkRefused: any other 400 or 404 there; a second try confirms it (spec §6).
        ConsentLost: 401 Authorization_IdentityNotFound or 403 Authorization_RequestDenied; a second try confirms it.
        TokenRefused: any other 401.
        TryLater: anything else that is not 200, truncated or malformed JSON included.
    """
    if answer.status != _OK:
        raise _failure(answer, carried_token=carried_token)
    body = answer.body.removeprefix(BOM)
    # Nearly every page passes the first way. The other two cost more, and are for a page that does not pass it.
    for read in (_all_at_once, _one_by_one, _repaired):
        try:
            return read(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    raise TryLater("Microsoft Graph's answer was cut off, or is not a page")


def read_users(answer: Answer) -> list[DirectoryUser]:
    """Decode an answer of the plain list of users; those that are not of the documented shape are left out.

    Raises:
        Throttled, ConsentLost, TokenRefused, TryLater: as `read_page` says.
    """
    if answer.status != _OK:
        raise _failure(answer, carried_token=False)
    content = answer.body
    text = _LONE_SURROGATE.sub(rf"\1{_REPLACEMENT}", content.removeprefix(BOM).decode("utf-8", "replace"))
    found = []
    try:
        for raw in msgspec.json.decode(text, type=_Users).value:
            with contextlib.suppress(msgspec.ValidationError):
                found.append(_decode_user(raw))
    except msgspec.MsgspecError as error:
        raise TryLater("Microsoft Graph's answer was cut off, or is no list of users") from error
    return [replace(one, id=ObjectId(one.id.lower())) for one in found]


def _all_at_once(content: bytes) -> Page:
    body = _decode(content)
    return _page(body, body.value, [])


def _page(
    body: _Body | _RawBody,
    users: list[DirectoryUser],
    unreadable: list[ObjectId],
    repaired: frozenset[ObjectId] = frozenset(),
) -> Page:
    # A round without a delta link must never look complete: its sweep would remove everybody who was not read yet.
    if (body.next_link is None) == (body.delta_link is None):
        raise TryLater("Microsoft Graph's page has no link to go on from")
    # Ids are compared as text from here on, and Graph does not promise their case.
    users = [one if one.id == one.id.lower() else replace(one, id=ObjectId(one.id.lower())) for one in users]
    return Page(users, unreadable, body.next_link, body.delta_link, repaired)


def _one_by_one(content: bytes) -> Page:
    """Read a page user by user: one bad record must not stop a run (spec §6)."""
    body = _decode_raw(content)
    users: list[DirectoryUser] = []
    unreadable: list[ObjectId] = []
    for raw in body.value:
        try:
            users.append(_decode_user(raw))
        except msgspec.ValidationError:
            unreadable.append(ObjectId(_id_of(raw).lower()))
    return _page(body, users, unreadable)


_REPLACEMENT = "\ufffd"
# A surrogate's escape whose other half is missing: Graph cut a name inside an emoji (facts/graph.md 11).
_LONE_SURROGATE = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def _repaired(content: bytes) -> Page:
    """Read a page some of whose text cannot be decoded: U+FFFD stands in the bad places (spec §6)."""
    text = _LONE_SURROGATE.sub(rf"\1{_REPLACEMENT}", content.decode("utf-8", "replace"))
    page = _one_by_one(text.encode())
    bad = {one.id for one in page.users if _REPLACEMENT in msgspec.json.encode(one).decode()}
    return Page(page.users, page.unreadable, page.next_link, page.delta_link, frozenset(bad))


def _id_of(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Named).id
    except msgspec.ValidationError:
        return ""


def _failure(answer: Answer, *, carried_token: bool) -> ConnectorError:
    code = error_code(answer.body)
    if answer.status in (_TOO_MANY, _UNAVAILABLE):
        return Throttled(f"Microsoft Graph asked for a pause ({answer.status})", retry_after(answer))
    # Only a request that carried a token can have an expired one; elsewhere a 410 is a fault that passes.
    expired = answer.status == _GONE or (answer.status == _BAD_REQUEST and code.lower() in EXPIRED)
    if expired and carried_token:
        return DeltaLinkExpired(f"Microsoft Graph no longer knows the delta link ({answer.status} {code})")
    if carried_token and answer.status in (_BAD_REQUEST, _NOT_FOUND):
        return LinkRefused(f"Microsoft Graph refuses the delta link ({answer.status} {code})")
    # Only these two codes say that the tenant refuses the app. Any other 401 or 403 may pass.
    lost = {_UNAUTHORIZED: "Authorization_IdentityNotFound", _FORBIDDEN: "Authorization_RequestDenied"}
    if code and lost.get(answer.status) == code:
        return ConsentLost(f"Microsoft Graph refuses this app in the tenant ({answer.status} {code})", code)
    if answer.status == _UNAUTHORIZED:
        return TokenRefused(f"Microsoft Graph does not accept the access token ({code})")
    return TryLater(f"Microsoft Graph answered {answer.status} {code}".rstrip())


def error_code(body: bytes) -> str:
    """`error.code` of Graph's error body, '' without one. Messages are never decided on (facts/graph.md 1.5)."""
    try:
        return _decode_error(body.removeprefix(BOM)).error.code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait: Retry-After as a number, or as a date against the answer's own; None without one."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), limits.LONGEST_DELAY_SECONDS)
    # Against the answer's own date, because this machine's clock may be wrong.
    until, sent = _date(value), _date(answer.headers.get("date", ""))
    if until is None or sent is None:
        return None
    return min(max(0.0, (until - sent).total_seconds()), limits.LONGEST_DELAY_SECONDS)


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    # A date in HTTP is in GMT, also where it says '-0000', which Python reads as no time zone.
    return found if found.tzinfo else found.replace(tzinfo=UTC)
