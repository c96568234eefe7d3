"""What goes wrong on purpose, request by request: faults queued for a tenant's next requests."""

from enum import StrEnum

import msgspec


class Operation(StrEnum):
    """Which requests a fault is for."""

    DELTA = "delta"
    TOKEN = "token"
    USERS = "users"
    ORGANIZATION = "organization"
    SUBSCRIPTIONS = "subscriptions"


class Kind(StrEnum):
    """How a request fails."""

    STATUS = "status"
    RESET = "reset"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    STALL = "stall"
    CLAIMS = "claims"
    FOREIGN_LINK = "foreign_link"
    ODD_LINK = "odd_link"
    ODD_RECORD = "odd_record"


class Carried(StrEnum):
    """What a request of users/delta carries: nothing, a nextLink's token, or a deltaLink's."""

    NOTHING = "nothing"
    NEXT = "next"
    DELTA = "delta"


_STORED = frozenset({Carried.NEXT, Carried.DELTA})
_LINKS: dict[str, frozenset[Carried]] = {
    "any": frozenset(Carried),
    "none": frozenset({Carried.NOTHING}),
    "next": frozenset({Carried.NEXT}),
    "delta": frozenset({Carried.DELTA}),
    "stored": _STORED,
}

FOR_EVER = 10**9
"""For `times`: until the faults are cleared."""


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A fault for the next `times` requests after `skip` others; or, with `lasts_seconds`, for all until then.

    `link` narrows it to requests of users/delta that carry 'none', a 'next' link, a 'delta' link, or a 'stored' one
    (either). `retry_after` is the header's text as it goes out ('http-date:N' for a date N seconds ahead), None for
    no header. `code` is Graph's error code, the AADSTS number, the field that is odd in an odd record, or the link
    that is odd ('nextLink', 'deltaLink'); `message` is Graph's message, or the odd link's text.
    `lasts_seconds` counts on the tenant's clock, from the moment the fault is queued.
    """

    operation: Operation
    kind: Kind = Kind.STATUS
    status: int = 503
    code: str = ""
    message: str = "Made to fail."
    link: str = "any"
    retry_after: str | None = None
    seconds: float = 0.0
    times: int = 1
    skip: int = 0
    lasts_seconds: float | None = None
    ends: float = 0.0

    def __post_init__(self) -> None:
        if self.link not in _LINKS:
            raise ValueError(f"link is one of {', '.join(_LINKS)}")

    @property
    def name(self) -> str:
        """What it is counted as."""
        return self.kind if self.kind is not Kind.STATUS else f"{self.status} {self.retry_after}"


def next_fault(
    faults: list[Fault], operation: Operation, now: float, carried: Carried = Carried.NOTHING
) -> Fault | None:
    """Take the fault that the next request of a kind meets, if any."""
    faults[:] = [one for one in faults if one.lasts_seconds is None or now < one.ends]
    for fault in faults:
        if fault.operation is not operation or carried not in _LINKS[fault.link]:
            continue
        if fault.skip > 0:
            fault.skip -= 1
            continue
        if fault.lasts_seconds is not None:
            return fault
        fault.times -= 1
        if fault.times <= 0:
            faults.remove(fault)
        return fault
    return None
