"""A workspace in memory, for one test: the production services over tables, a queue and a tenant of this process."""

import dataclasses
import uuid
from types import SimpleNamespace

from local.microsoft.tenant import Tenant
from services import build_engine
from sync.meter import count_table_transaction
from tests.memory import MemoryQueue, MemoryTables
from tests.memory_microsoft import MemoryTenant, memory_graph
from tests.rig import Clock, Rig

_SLICE_SECONDS = 240


def make_memory_rig():
    tenant = Tenant(str(uuid.uuid4()), "Contoso", "contoso.example")
    tenant.consent.given = True
    clock = Clock()
    tables, queue = MemoryTables(count_table_transaction), MemoryQueue(clock)
    parts = _parts(tables, queue, memory_graph(tenant), clock)
    return Rig(parts, queue, MemoryTenant(tenant), clock, account="")


def _parts(tables, queue, graph, clock):
    """The production engine, over other tables, another queue and another Graph."""
    engine = build_engine(tables, queue, graph, _SLICE_SECONDS, clock, clock.sleep)
    parts = {one.name: getattr(engine, one.name) for one in dataclasses.fields(engine)}
    return SimpleNamespace(tables=tables, queue=queue, graph=graph, **parts)
