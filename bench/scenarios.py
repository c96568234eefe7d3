"""What is measured. Each scenario takes a stage, and gives figures of one run."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import httpx
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient
from msgspec.structs import replace

from bench.measure import Figures, cpu_seconds, forget_peak, peak_mb
from bench.stage import Stage, any_goes_on, first_sync, settled, tenant_settings
from bench.ways import ROOT, run_way
from directory.credentials import TenantId
from local.azurite import free_ports
from local.host.process import start_host
from local.ingestion import bytes_a_run, deployed_settings, ingestion, slices_of
from local.office import ENTRA, Office, host_settings
from mapping.configuration import Configuration
from services import Services, build
from services.settings import Settings
from sync.messages import HOURLY_QUEUE, QUEUE
from workspace.connection import Connection, ConnectionState, ListId, WorkspaceId, connection_operation, list_name_of
from workspace.state import SyncState

IDLE_WORKSPACES = 1000
_TICKS = "*/30 * * * * *"
"""An hour of 30 seconds: the runs of a tick are spread over it."""
MOST_EDITED = 10_000
"""People's edits go through the API one by one: more of them only test patience."""

BESIDE_PEOPLE = 20_000
_STATUS_CALLS, _BETWEEN_STATUS_SECONDS = 40, 0.1
_STEPS_AT_ONCE = 2000
_TELEMETRY_RUNS = 20


def first(stage: Stage, people: int, **shape: float) -> tuple[Office, Figures]:
    """A first sync, with the default configuration."""
    office = stage.office(people, **shape)
    _, figures = stage.measured(office, lambda: first_sync(office))
    return office, figures


def run_again(stage: Stage, office: Office, mode: str) -> Figures:
    _, figures = stage.measured(office, lambda: office.admin.call("POST", f"{ENTRA}/sync", {"mode": mode}))
    return figures


def delta_of(stage: Stage, office: Office, changed: int) -> Figures:
    """A delta in which so many people changed."""
    there = [user["id"] for user in office.tenant.users() if user["removed"] is None][:changed]
    stamp = f"+41 {time.monotonic_ns()}"
    for start in range(0, len(there), _STEPS_AT_ONCE):
        office.tenant.do(*(("change", one, {"mobilePhone": stamp}) for one in there[start : start + _STEPS_AT_ONCE]))
    return run_again(stage, office, "delta")


def edits(stage: Stage, office: Office, percent: int) -> Figures:
    """`keep_local`, where people emptied a field of some contacts: a delta fills them again, Graph says nothing."""
    first_sync(office, conflictResolution="keep_local")
    settled(stage, office)
    path = f"contact-lists/{office.card()['list']['id']}/contacts"
    contacts = office.contacts()
    for one in contacts[: len(contacts) * percent // 100]:
        office.member.call("PATCH", f"{path}/{one['id']}", {"firstName": None})
    return run_again(stage, office, "delta")


def stored_bytes(stage: Stage, office: Office) -> int:
    """What the list takes in the table: its contacts, by the size of a thousand of them."""
    partition = f"{office.workspace}:{office.card()['list']['id']}"
    with TableClient.from_connection_string(stage.storage, "Contacts") as table:
        rows = table.query_entities(f"PartitionKey eq '{partition}'", results_per_page=1000)
        pages = (list(page) for page in rows.by_page())
        sample = next(pages)
    share = sum(len(str(dict(row))) for row in sample) / len(sample)
    contacts: int = office.status()["totals"]["contacts"]
    return round(share * contacts)


@dataclasses.dataclass(frozen=True, slots=True)
class Night:
    """What the daily export of one workspace took: requests to the tables, and its blobs, packed."""

    transactions: int
    blobs: int
    stored: int


def export(stage: Stage, office: Office, days: int = 0) -> Night:
    """The export of one workspace, so many days from now: one that was exported is not exported again that day."""
    with patch.dict(os.environ, stage.directory.settings()):
        return asyncio.run(_export(stage, WorkspaceId(office.workspace), days))


class _Only:
    """A schedule that knows one workspace."""

    def __init__(self, workspace: WorkspaceId) -> None:
        self._workspace = workspace

    async def known(self, _after: str, _most: int) -> tuple[list[str], str]:
        return [self._workspace], ""


async def _export(stage: Stage, workspace: WorkspaceId, days: int) -> Night:
    settings = Settings.read(host_settings(stage.storage, stage.directory, 7071))
    services = build(settings, lambda: datetime.now(UTC))
    transactions, count = 0, services.tables._count  # noqa: SLF001 - what the meter hears of

    def counted(method: str) -> None:
        nonlocal transactions
        transactions += 1
        count(method)

    services.tables._count = counted  # type: ignore[method-assign] # noqa: SLF001
    try:
        tomorrow = datetime.now(UTC) + timedelta(days=days)
        only = dataclasses.replace(services.exporting, schedule=_Only(workspace), now=lambda: tomorrow)  # type: ignore[arg-type]
        await only.work()
        names = await only.exports.parts(workspace, tomorrow.date().isoformat())
        parts = [await only.exports.get(name) for name in names]
        return Night(transactions, len(parts), sum(len(part or b"") for part in parts))
    finally:
        await services.close()


def status_beside(stage: Stage, syncs: int, people: int = BESIDE_PEOPLE) -> list[float]:
    """Seconds that each status call of a small workspace takes beside so many first syncs, all on one worker."""
    small = stage.office(5)
    first_sync(small)
    settled(stage, small)
    busy = [stage.office(people) for _ in range(syncs)]
    signed_in = {"Authorization": f"Bearer {small.directory.control.token(small.admin.person)}"}
    took: list[float] = []
    with httpx.Client(headers=signed_in, timeout=60) as page:
        for office in busy:
            first_sync(office)
        # Looking whether they go on costs Azurite time, so it is done seldom.
        while len(took) < _STATUS_CALLS or any_goes_on(stage, busy):
            for _ in range(_STATUS_CALLS // 4):
                began = time.monotonic()
                page.get(f"{small.url}/api/{ENTRA}/status").raise_for_status()
                took.append(time.monotonic() - began)
                time.sleep(_BETWEEN_STATUS_SECONDS)
    return took


def bare_chain(stage: Stage, office: Office) -> float:
    """Seconds that the page requests alone take, one after the other."""
    told = run_way(tenant_settings(stage, office.tenant), "bench.others.bare_chain")
    return float(told["seconds"])


def idle_workspaces(stage: Stage, count: int = IDLE_WORKSPACES) -> Figures:
    """The top of the hour: so many workspaces in which nothing happened, and one worker. From tick to the last."""
    with patch.dict(os.environ, stage.directory.settings()):
        return _idle_workspaces(stage, count)


def _idle_workspaces(stage: Stage, count: int) -> Figures:
    settings = Settings.read(host_settings(stage.storage, stage.directory, 7071) | {"SYNC_SCHEDULE": _TICKS})

    async def with_services[T](work: Callable[[Services], Awaitable[T]]) -> T:
        services = build(settings, lambda: datetime.now(UTC))
        try:
            return await work(services)
        finally:
            await services.close()

    tenant = stage.directory.control.tenant(people=5)
    workspaces = [WorkspaceId(f"idle-{number:05d}") for number in range(count)]

    async def set_up(services: Services) -> None:
        for workspace in workspaces:
            connection = _connected(workspace, TenantId(tenant.id))
            await services.schedule.enrol(workspace)

            def write(
                _: object, state: SyncState, made: Connection = connection
            ) -> tuple[None, SyncState, list[object]]:
                return None, state, [connection_operation(made)]

            await services.workspaces.update(workspace, write)  # type: ignore[arg-type]

    async def tick(services: Services) -> None:
        await services.schedule.tick()

    asyncio.run(with_services(set_up))
    asyncio.run(with_services(tick))
    _wait_until_empty(stage)  # The first sync of each.
    cpu, began = cpu_seconds(stage.host.pid), time.monotonic()
    forget_peak(stage.host.pid)
    asyncio.run(with_services(tick))
    _wait_until_empty(stage)
    took = time.monotonic() - began
    return Figures(count, took, cpu_seconds(stage.host.pid) - cpu, peak_mb(stage.host.pid))


def evenness(stage: Stage) -> float:
    """Of the idle workspaces' hourly runs: the largest number of starts in any second, over the mean."""
    started: list[datetime] = []
    with TableClient.from_connection_string(stage.storage, "Connections") as table:
        for row in table.query_entities("PartitionKey ge 'idle-' and PartitionKey lt 'idle.'"):
            if row["RowKey"] == "connection.agenda":
                last = json.loads(str(row["document0"]))["last"]
                if last is not None and last["trigger"] == "schedule":
                    started.append(datetime.fromisoformat(last["startedAt"]).replace(microsecond=0))
    span = (max(started) - min(started)).total_seconds() + 1
    return max(Counter(started).values()) * span / len(started)


def _connected(workspace: WorkspaceId, tenant: TenantId) -> Connection:
    return Connection(
        workspace,
        ConnectionState.ACTIVE,
        tenant,
        "Idle",
        ListId("people"),
        list_name_of("Idle"),
        datetime.now(UTC),
        configuration=replace(Configuration(), version=1),
    )


def _wait_until_empty(stage: Stage) -> None:
    # The hour's queue first: its runs may leave messages in the other one.
    for name in (HOURLY_QUEUE, QUEUE):
        with QueueClient.from_connection_string(stage.storage, name) as queue:
            while queue.get_queue_properties().approximate_message_count:
                time.sleep(0.25)


def telemetry(stage: Stage) -> float:
    """Bytes that an idle delta sends to Azure Monitor, with Microsoft's exporter set as infra/ sets it."""
    port = free_ports()[0]
    stage.directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    with ingestion() as there:
        settings = host_settings(stage.azurite.connection_string("account0099"), stage.directory, port)
        running = start_host(
            settings | deployed_settings() | there.settings(), stage.folder / "telemetry.log", port=port
        )
        office = Office(running.url, stage.directory, stage.directory.control.tenant(people=5))
        try:
            office.set_up()
            there.forget()
            runs = {office.sync()["id"] for _ in range(_TELEMETRY_RUNS)}
            return bytes_a_run(there.wait(lambda arrived: slices_of(arrived) >= runs))
        finally:
            office.close()
            running.stop()


IMPORTS = {
    "the app": "import function_app",
    "what a slice needs besides": "import function_app; import services",
    "the SDKs it stands on": (
        "import azure.functions, azure.identity.aio, azure.data.tables.aio, azure.storage.queue.aio;"
        " from msgraph_core.graph_client_factory import GraphClientFactory;"
        " from msgraph import GraphRequestAdapter"
    ),
}


def import_seconds(statement: str) -> float:
    """CPU seconds of a fresh interpreter that imports something, less those of one that imports nothing."""
    took = []
    for script in (statement, "pass"):
        before = os.times()
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
        after = os.times()
        took.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return took[0] - took[1]
