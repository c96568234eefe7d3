"""What goes wrong on purpose: faults queued for a tenant's next requests, and the shape of its pages."""

import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Operation(StrEnum):
    """Which requests a fault is for."""

    DELTA = "delta"
    TOKEN = "token"
    USERS = "users"
    ORGANIZATION = "organization"


class Kind(StrEnum):
    """How a request fails."""

    STATUS = "status"
    RESET = "reset"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    STALL = "stall"
    CLAIMS = "claims"
    FOREIGN_LINK = "foreign_link"
    ODD_RECORD = "odd_record"


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A fault for the next `times` requests after `skip` others.

    `retry_after` is the header's text as it goes out ('http-date:N' for a date N seconds ahead), None for no header.
    `code` is Graph's error code, the AADSTS number, or the field that is odd in an odd record.
    """

    operation: Operation
    kind: Kind = Kind.STATUS
    status: int = 503
    code: str = ""
    retry_after: str | None = None
    seconds: float = 0.0
    times: int = 1
    skip: int = 0


def next_fault(faults: list[Fault], operation: Operation) -> Fault | None:
    """Take the fault that the next request of a kind meets, if any."""
    for fault in faults:
        if fault.operation is not operation:
            continue
        if fault.skip > 0:
            fault.skip -= 1
            continue
        fault.times -= 1
        if fault.times <= 0:
            faults.remove(fault)
        return fault
    return None


class Shape(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a tenant's rounds look. Percentages are of the users of a round."""

    page_size: int = 200
    random_pages: bool = False
    empty_pages: bool = False
    duplicates_percent: int = 0
    shuffle: bool = False
    replay: bool = False
    latency_ms: float = 0.0
    seed: int = 1


class Mention(StrEnum):
    """What a row of a page says about a user."""

    NOW = "now"
    STALE = "stale"
    """An older value, before the newest comes later in the round."""
    REMOVED = "removed"
    """Gone, before he comes back later in the round."""


type Row = tuple[str, Mention]


def paginate(ids: Sequence[str], shape: Shape, round_number: int) -> list[list[Row]]:
    """Lay a round's users out on pages, awkwardly where the shape says so; there is always one page at least."""
    rng = random.Random(f"{shape.seed}:{round_number}")
    rows: list[Row] = [(one, Mention.NOW) for one in ids]
    if shape.shuffle:
        rng.shuffle(rows)
    for _ in range(len(ids) * shape.duplicates_percent // 100):
        last = rng.randrange(len(rows))
        if rows[last][1] is Mention.NOW:
            rows.insert(rng.randrange(last + 1), (rows[last][0], rng.choice(list(Mention))))
    pages: list[list[Row]] = []
    start = 0
    while start < len(rows):
        size = rng.randint(1, shape.page_size) if shape.random_pages else shape.page_size
        pages.append(rows[start : start + size])
        start += size
    if shape.empty_pages:
        # First, twice in the middle, and last but one.
        middle = len(pages) // 2
        pages = [[], *pages[:middle], [], [], *pages[middle:-1], [], *pages[-1:]]
    return pages or [[]]
