"""A workspace in memory, for one test: the production services over tables, a queue and a tenant of this process."""

from types import SimpleNamespace

from connect.connecting import Connecting
from connect.disconnecting import Disconnecting
from connect.dispatch import Dispatch
from connect.forgetting import Forgetting
from connect.tenants import TenantIndex
from contacts.store import ContactStore
from sync.alarms import Alarms
from sync.meter import count_table_transaction
from sync.requests import RunRequests
from sync.schedule import Schedule
from sync.worker import Worker
from tests.memory import MemoryQueue, MemoryTables
from tests.memory_microsoft import MemoryMicrosoft, memory_graph
from tests.rig import Clock, Rig
from workspace.store import WorkspaceStore

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


def make_memory_rig(tenant=None):
    tenant = tenant or MemoryMicrosoft().tenant()
    clock = Clock()
    tables, queue = MemoryTables(count_table_transaction), _Deliveries(clock)
    return Rig(_parts(tables, queue, memory_graph(tenant.tenant), clock), queue, tenant, clock, "memory")


def _parts(tables, queue, graph, clock):
    """Put together as `services.build` does."""
    now, sleep = clock, clock.sleep
    workspaces, contacts = WorkspaceStore(tables, sleep), ContactStore(tables)
    alarms, schedule, requests = Alarms(tables), Schedule(tables, queue), RunRequests(workspaces, queue, now)
    worker = Worker(workspaces, contacts, graph, queue, alarms, _SLICE_SECONDS, now, sleep)
    connecting = Connecting(workspaces, schedule, requests, queue, graph, now)
    disconnecting = Disconnecting(
        workspaces, contacts, schedule, TenantIndex(tables, workspaces), queue, _SLICE_SECONDS, now, sleep
    )
    forgetting = Forgetting(workspaces, contacts, schedule, disconnecting, queue, now)
    return SimpleNamespace(
        tables=tables,
        queue=queue,
        graph=graph,
        workspaces=workspaces,
        contacts=contacts,
        schedule=schedule,
        worker=worker,
        dispatch=Dispatch(workspaces, worker, connecting, disconnecting, forgetting, now, sleep),
        requests=requests,
        alarms=alarms,
    )
