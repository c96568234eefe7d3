"""Counts what a run costs. Whoever runs inside `metered` counts into the same meter, tasks it starts included."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sync.run import Cost


class Meter:
    """Requests and transactions since it was made."""

    def __init__(self) -> None:
        self.graph_requests = 0
        self.table_transactions = 0

    def cost(self) -> Cost:
        return Cost(self.graph_requests, self.table_transactions)


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    meter = Meter()
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)


def count_graph_request() -> None:
    if (meter := _current.get()) is not None:
        meter.graph_requests += 1


def count_table_transaction() -> None:
    if (meter := _current.get()) is not None:
        meter.table_transactions += 1
