"""Counts what a run costs. Code inside `metered` counts into one meter, also in the tasks that it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from workspace.run import Cost


class Meter:
    """Requests and transactions since it was made."""

    def __init__(self) -> None:
        self.graph_requests = 0
        self.table_reads = 0
        self.table_writes = 0

    def cost(self) -> Cost:
        return Cost(self.graph_requests, self.table_reads + self.table_writes)


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


def count_table_transaction(method: str) -> None:
    """A GET reads, anything else writes."""
    if (meter := _current.get()) is not None:
        if method == "GET":
            meter.table_reads += 1
        else:
            meter.table_writes += 1
