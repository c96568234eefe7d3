"""A workspace in memory, for one test: the production services over tables, a queue and a tenant of this process."""

import functools
import uuid

from local.microsoft.tenant import Tenant
from services import assemble
from settings import Settings
from sync.meter import count_table_transaction
from tests.memory import MemoryQueue, MemoryTables
from tests.memory_microsoft import ENDPOINT, MemoryTenant, memory_credentials, memory_graph
from tests.rig import PUBLIC, Clock, Rig


def make_memory_rig():
    tenant = Tenant(str(uuid.uuid4()), "Contoso", "contoso.example")
    tenant.consent.given = True
    clock, credentials = Clock(), memory_credentials(tenant)
    tables, queue = MemoryTables(count_table_transaction), MemoryQueue(clock)
    graph = memory_graph(tenant, credentials)
    services = assemble(_settings(), tables, queue, graph, credentials, clock, clock.sleep)
    return Rig(services, queue, MemoryTenant(tenant), clock, account="")


@functools.cache
def _settings():
    """Nothing in them is used but the length of a slice."""
    return Settings.read(
        {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ENTRA_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
            "ENTRA_CLIENT_SECRET": "not used",
            "ENTRA_AUTHORITY": "https://login.microsoftonline.com",
            "GRAPH_ENDPOINT": ENDPOINT,
            "PLATFORM_ISSUER": "https://platform.example",
            "PLATFORM_AUDIENCE": "emu.chat",
            "PLATFORM_JWKS_URL": "https://platform.example/jwks",
            "PORTAL_TOKEN_URL": "https://platform.example/token",
            "STATE_SECRET": "a secret of this test of 32 characters",
            **PUBLIC,
        }
    )
