"""A workspace in memory, for one test: the production services over tables, a queue and a tenant of this process."""

import dataclasses
from types import SimpleNamespace

from services import build_engine
from sync.meter import count_table_transaction
from sync.timetable import read_timetable
from tests.memory import MemoryQueue, MemoryTables
from tests.memory_blobs import MemoryBlobs
from tests.memory_microsoft import MemoryMicrosoft, memory_graph
from tests.rig import PUBLIC, Clock, Rig

_SLICE_SECONDS = 240


class _Deliveries(MemoryQueue):
    """Besides, the calls of the queue's SDK that a rig takes its messages by."""

    async def receive_message(self, **_):
        text = self.take()
        return None if text is None else SimpleNamespace(content=text)

    async def delete_message(self, _):
        return

    async def clear_messages(self):
        self._messages.clear()

    async def get_queue_properties(self):
        return SimpleNamespace(approximate_message_count=len(self))


def make_memory_rig(tenant=None, graph=None, notification_url=None):
    """`graph` takes the place of the tenant's own; with a `notification_url` Microsoft is asked to tell of changes."""
    tenant = tenant or MemoryMicrosoft().tenant()
    clock = Clock()
    tables, queue = MemoryTables(count_table_transaction), _Deliveries(clock)
    events, graph = MemoryQueue(clock), graph or memory_graph(tenant.tenant, clock)
    return Rig(_parts(tables, queue, events, graph, clock, notification_url), queue, tenant, clock, "memory")


def _parts(tables, queue, events, graph, clock, address):
    """The production engine, over other tables, another queue and another Graph."""
    blobs, timetable = MemoryBlobs(), read_timetable(PUBLIC["SYNC_SCHEDULE"])
    # One queue for both: a test takes every message in the order in which they are visible.
    settings = (timetable, _SLICE_SECONDS, clock, clock.sleep, address)
    engine = build_engine(tables, queue, queue, events, blobs, graph, *settings)
    parts = {one.name: getattr(engine, one.name) for one in dataclasses.fields(engine)}
    return SimpleNamespace(tables=tables, queue=queue, events=events, blobs=blobs, graph=graph, **parts)
