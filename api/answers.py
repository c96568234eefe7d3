"""How we answer: a value as JSON, an error as RFC 9457 problem+json. Here alone an error gets its status.

A call's annotation says what it answers, `-> Accepted[RunAnswer]`: docs/openapi.yaml is made from it.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import azure.functions as func
import msgspec

from api.caller import CALLER
from connect.consent import CodeRefused
from connect.refusals import REFUSALS
from errors import (
    Conflict,
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    PersonMustAct,
    Refused,
    RowRefused,
    TooMany,
    TryLater,
)

log = logging.getLogger(__name__)

type Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_HEADERS = SECURITY_HEADERS | {"Cache-Control": "no-store"}


class FieldProblem(msgspec.Struct, frozen=True):
    """A field of the request that needs attention, and why."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457). `type` is `about:blank#` and the stable code of errors.py."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class Reply[T](func.HttpResponse):
    """A value as JSON. Nothing of it is to be cached: it is about people."""

    status = HTTPStatus.OK

    def __init__(self, value: T, headers: dict[str, str] | None = None) -> None:
        super().__init__(
            msgspec.json.encode(value),
            status_code=self.status,
            mimetype="application/json",
            headers=_HEADERS | (headers or {}),
        )


class Created[T](Reply[T]):
    status = HTTPStatus.CREATED


class Accepted[T](Reply[T]):
    """What was asked for is queued."""

    status = HTTPStatus.ACCEPTED


class Nothing(func.HttpResponse):
    status = HTTPStatus.NO_CONTENT

    def __init__(self) -> None:
        super().__init__(status_code=self.status, headers=_HEADERS)


class Taken(func.HttpResponse):
    """Notifications are taken: 202. In a handshake, 200 with the token as plain text: no browser takes it for HTML."""

    status = HTTPStatus.ACCEPTED

    def __init__(self, token: str | None = None) -> None:
        status = self.status if token is None else HTTPStatus.OK
        super().__init__(token, status_code=status, mimetype="text/plain", headers=_HEADERS)


class Redirect(func.HttpResponse):
    """To an address that may hold a code: no other site is to be told where the browser came from."""

    status = HTTPStatus.FOUND

    def __init__(self, address: str) -> None:
        headers = _HEADERS | {"Location": address, "Referrer-Policy": "no-referrer"}
        super().__init__(status_code=self.status, headers=headers)


def problem(error: ConnectorError) -> func.HttpResponse:
    """An error as the caller is told it."""
    status, headers = _status(error), {}
    if isinstance(error, TryLater) and status == HTTPStatus.SERVICE_UNAVAILABLE:
        # Whole seconds and never 0: a client would ask again at once.
        headers["Retry-After"] = str(max(1, round(error.after_seconds or 5)))
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(max(1, math.ceil(error.after_seconds)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    fields = error.fields if isinstance(error, Refused) else {}
    errors = [FieldProblem(field, message) for field, message in fields.items()]
    told = Problem(f"about:blank#{error.code}", HTTPStatus(status).phrase, status, str(error), errors)
    return _problem(told, headers)


def _status(error: ConnectorError) -> int:
    if isinstance(error, Refused):
        return error.status
    # What a person sent is too large, or holds what no row can hold.
    if isinstance(error, RowRefused):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, Conflict):
        return HTTPStatus.CONFLICT
    if isinstance(error, (TryLater, PersonMustAct)):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _problem(told: Problem, headers: dict[str, str]) -> func.HttpResponse:
    return func.HttpResponse(
        msgspec.json.encode(told),
        status_code=told.status,
        mimetype="application/problem+json",
        headers=_HEADERS | headers,
    )


def answering(handler: Handler) -> Handler:
    """Turn whatever a handler raises into an answer; a bug is a 500 that tells nothing.

    Not functools.wraps: the worker reads the signature through `__wrapped__` and would refuse the function.
    """

    async def answered(req: func.HttpRequest) -> func.HttpResponse:
        CALLER.set(None)
        try:
            return await handler(req)
        except ConnectorError as error:
            if isinstance(error, (NotSignedIn, NotAllowed, CodeRefused)):
                caller = CALLER.get()
                who = (caller.workspace_id, caller.person) if caller is not None else ()
                REFUSALS.tell(error.code, handler.__name__, *who)
            if not isinstance(error, Refused):
                log.warning("request_refused function=%s code=%s reason=%s", handler.__name__, error.code, error)
            return problem(error)
        except Exception as error:  # noqa: BLE001 - the outermost place: a caller must never see a stack
            log.error("request_failed function=%s error=%s", handler.__name__, _where(error))
            told = Problem("about:blank#bug", "Internal Server Error", 500, "This is emu.chat's fault. It was noted.")
            return _problem(told, {})

    # The host names its function by this, the description of the API its operations.
    answered.__name__ = handler.__name__
    answered.__doc__ = handler.__doc__
    return answered


def _where(error: BaseException) -> str:
    """The kind of a bug and its place: its message may quote a person's data."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__}@{place}"
