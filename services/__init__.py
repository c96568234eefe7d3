"""What lives as long as the process: settings → clients → stores → worker. Nothing is built at import."""

import asyncio
import functools
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.policies import RetryMode
from azure.data.tables.aio import TableServiceClient
from azure.identity import ManagedIdentityCredential as SyncManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from api.caller import Callers
from api.consent import ConsentCalls
from api.contacts import ContactCalls
from api.health import HealthCalls
from api.integration import Integration
from api.notifications import NotificationCalls
from api.pace import BulkEdits, EditPace, FullRunPace, OneAtATime
from api.people import PeopleCalls
from api.portal import PortalCalls
from api.quality import QualityCalls
from api.runs import RunCalls
from connect.connecting import Connecting
from connect.consent import Consent
from connect.disconnecting import Disconnecting
from connect.dispatch import Dispatch
from connect.exporting import Exporting
from connect.exports import Exports
from connect.forgetting import Forgetting
from connect.restoring import Restoring
from connect.sign_in import ClientCredential, SignIn
from connect.tenants import TenantIndex
from contacts.contact import TABLE as CONTACTS
from contacts.custom_fields import TABLE as CUSTOM_FIELDS
from contacts.edit_store import EditStore
from contacts.listing import Listing
from contacts.store import ContactStore
from directory.credentials import Credentials, assertion_scope, credential_builder
from directory.graph import Graph
from services.settings import EntraCredential, Settings, StorageAddress
from storage.blobs import Blobs
from storage.queue import MessageQueue
from storage.retry import Sleep
from storage.table import Tables
from sync.alarms import Alarms
from sync.doorbell import Doorbell
from sync.measuring import Measuring
from sync.messages import EVENTS_QUEUE, HOURLY_QUEUE, QUEUE
from sync.meter import count_graph_request, count_table_transaction
from sync.pausing import Pausing
from sync.pending import PendingPeople
from sync.people import People
from sync.preview import Previews
from sync.requests import RunRequests
from sync.room import Room
from sync.schedule import TABLE as SCHEDULE
from sync.schedule import Schedule
from sync.subscribing import Subscribing
from sync.timetable import Timetable
from sync.undoing import Undoing
from sync.worker import Worker
from workspace.connection import TABLE as CONNECTIONS
from workspace.outbox import Outbox
from workspace.store import WorkspaceStore

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

EXPORTS = "exports"
"""The container of the daily exports."""
TABLES = (CONNECTIONS, CONTACTS, SCHEDULE, CUSTOM_FIELDS)

# The defaults wait 15 s before a queue's second try, and up to a week in all (facts/functions.md 1, 6).
_PATIENCE: dict[str, Any] = {
    "connection_timeout": 5,
    "read_timeout": 30,
    "retry_total": 3,
    # With them, aiohttp reads ~/.netrc in a thread before every single request.
    "use_env_settings": False,
}


@dataclass(frozen=True, slots=True)
class Services:
    """The process's clients and stores."""

    settings: Settings
    tables: Tables
    queue: MessageQueue
    events: MessageQueue
    blobs: Blobs
    hourly: MessageQueue
    graph: Graph
    credentials: Credentials
    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    worker: Worker
    dispatch: Dispatch
    requests: RunRequests
    pausing: Pausing
    undoing: Undoing
    alarms: Alarms
    exporting: Exporting
    integration: Integration
    run_calls: RunCalls
    contact_calls: ContactCalls
    people_calls: PeopleCalls
    quality_calls: QualityCalls
    consent_calls: ConsentCalls
    notification_calls: NotificationCalls
    health: HealthCalls
    portal: PortalCalls

    async def close(self) -> None:
        await self.graph.close()
        await self.tables.close()
        await self.blobs.close()
        await self.queue.close()
        await self.hourly.close()
        await self.events.close()


@functools.cache
def services() -> Services:
    """The process's services. First called inside a coroutine, so that async clients get the right loop.

    Raises:
        SettingsError
    """
    # Modules stay for good, so the collector need not look at them. What is made for a page is in no reference cycle
    # and is freed without the collector, which therefore runs ten times less often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
    return build(Settings.read(os.environ), _now)


def build(settings: Settings, now: Callable[[], datetime], sleep: Sleep = asyncio.sleep) -> Services:
    """Make everything from settings; tests call it with settings and a time of their own."""
    tables = Tables(_table_client(settings.tables), TABLES, count_table_transaction)
    queue = MessageQueue(_queue_client(settings.queues, QUEUE))
    blobs = Blobs(lambda: _container_client(settings.blobs, EXPORTS))
    hourly = MessageQueue(_queue_client(settings.queues, HOURLY_QUEUE))
    entra = settings.entra_credential
    credentials = Credentials(
        credential_builder(
            settings.entra_client_id,
            settings.entra_authority,
            client_secret=entra.client_secret,
            certificate_path=entra.certificate_path,
            managed_identity_client_id=entra.managed_identity_client_id,
        )
    )
    graph = Graph(settings.graph_endpoint, credentials, count_graph_request)
    events = MessageQueue(_queue_client(settings.queues, EVENTS_QUEUE))
    address = f"{settings.public_url}/api/integrations/entra/notifications" if settings.change_notifications else None
    engine = build_engine(
        tables, queue, hourly, events, blobs, graph, settings.timetable, settings.slice_seconds, now, sleep, address
    )
    workspaces, contacts, requests = engine.workspaces, engine.contacts, engine.requests
    previews = Previews(contacts, graph, engine.worker.room, now, sleep)
    sign_in = SignIn(
        settings.entra_client_id,
        settings.entra_authority,
        f"{settings.public_url}/api/integrations/entra/consent/callback",
        client_credential(entra, settings.entra_authority),
    )
    consent = Consent(
        tables,
        engine.schedule,
        sign_in,
        graph,
        settings.graph_endpoint,
        settings.portal_url,
        settings.state_secret,
        now,
    )
    callers = Callers(settings.platform_issuer, settings.platform_audience, settings.platform_jwks_url, time.monotonic)
    return Services(
        settings=settings,
        tables=tables,
        queue=queue,
        events=events,
        blobs=blobs,
        hourly=hourly,
        graph=graph,
        credentials=credentials,
        workspaces=workspaces,
        contacts=contacts,
        schedule=engine.schedule,
        worker=engine.worker,
        dispatch=engine.dispatch,
        requests=requests,
        pausing=engine.pausing,
        undoing=engine.undoing,
        alarms=engine.alarms,
        exporting=engine.exporting,
        integration=Integration(
            callers,
            tables,
            workspaces,
            contacts,
            engine.schedule,
            requests,
            engine.pausing,
            previews,
            OneAtATime("Other previews of this workspace go on. Try again in a moment."),
            settings.change_notifications,
            now,
        ),
        run_calls=RunCalls(
            callers,
            workspaces,
            requests,
            PendingPeople(workspaces, contacts),
            engine.undoing,
            FullRunPace(time.monotonic),
            now,
        ),
        contact_calls=ContactCalls(
            callers,
            tables,
            workspaces,
            contacts,
            Listing(tables, contacts),
            EditStore(tables, contacts, sleep),
            EditPace(time.monotonic),
            BulkEdits(),
            now,
        ),
        people_calls=PeopleCalls(
            callers,
            tables,
            workspaces,
            People(workspaces, contacts, Listing(tables, contacts), graph, now),
            OneAtATime("Other searches of this workspace go on. Try again in a moment."),
            settings.timetable,
            now,
        ),
        quality_calls=QualityCalls(
            callers,
            workspaces,
            engine.measuring,
            OneAtATime("The list is being measured. Try again in a moment."),
        ),
        consent_calls=ConsentCalls(callers, consent, engine.connecting, engine.tenants, workspaces, now),
        notification_calls=NotificationCalls(engine.doorbell),
        health=HealthCalls(tables, engine.alarms, now),
        portal=PortalCalls(settings.portal_token_url, settings.portal_url),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """What works on messages: everything between the queue and the tables, without HTTP."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    requests: RunRequests
    pausing: Pausing
    doorbell: Doorbell
    undoing: Undoing
    measuring: Measuring
    alarms: Alarms
    tenants: TenantIndex
    connecting: Connecting
    worker: Worker
    dispatch: Dispatch
    exporting: Exporting


def build_engine(
    tables: Tables,
    queue: MessageQueue,
    hourly: MessageQueue,
    events: MessageQueue,
    blobs: Blobs,
    graph: Graph,
    timetable: Timetable,
    slice_seconds: int,
    now: Callable[[], datetime],
    sleep: Sleep,
    notification_url: str | None = None,
) -> Engine:
    """Put the engine together; the random histories do so over tables, a queue, blobs and a Graph in memory.

    `notification_url` is where Microsoft reaches the app; None where it does without change notifications.
    """
    outbox = Outbox(tables, events)
    subscribing = Subscribing(graph, notification_url, now)
    workspaces, contacts = WorkspaceStore(tables, sleep, outbox, now), ContactStore(tables)
    alarms, requests = Alarms(tables), RunRequests(workspaces, queue, now)
    schedule = Schedule(tables, hourly, timetable, now)
    pausing, tenants = Pausing(workspaces, requests, now), TenantIndex(tables, workspaces)
    undoing, exports = Undoing(workspaces, contacts, requests, now), Exports(blobs)
    room = Room()
    measuring = Measuring(workspaces, contacts, room, now)
    connecting = Connecting(workspaces, schedule, requests, queue, graph, now)
    disconnecting = Disconnecting(
        workspaces, contacts, schedule, tenants, exports, outbox, subscribing, queue, slice_seconds, now, sleep
    )
    forgetting = Forgetting(workspaces, contacts, schedule, disconnecting, exports, queue, now, sleep)
    restoring = Restoring(tables, workspaces, contacts, schedule, requests, exports, queue, now, sleep)
    exporting = Exporting(tables, workspaces, schedule, exports, slice_seconds, now)
    doorbell = Doorbell(workspaces, queue, now)
    worker = Worker(workspaces, contacts, graph, queue, alarms, room, subscribing, slice_seconds, now, sleep)
    dispatch = Dispatch(
        workspaces,
        worker,
        connecting,
        disconnecting,
        forgetting,
        restoring,
        measuring,
        schedule,
        queue,
        outbox,
        doorbell,
        requests,
        now,
        sleep,
    )
    return Engine(
        workspaces,
        contacts,
        schedule,
        requests,
        pausing,
        doorbell,
        undoing,
        measuring,
        alarms,
        tenants,
        connecting,
        worker,
        dispatch,
        exporting,
    )


def client_credential(entra: EntraCredential, authority: str) -> Callable[[], ClientCredential]:
    """The app's own proof as MSAL takes it, for the administrator's sign-in; called beside the event loop."""
    if entra.client_secret is not None:
        return lambda: entra.client_secret or ""
    if entra.certificate_path is not None:
        return lambda: _certificate(entra.certificate_path or "")
    identity = SyncManagedIdentityCredential(client_id=entra.managed_identity_client_id)
    scope = assertion_scope(authority)
    return lambda: {"client_assertion": identity.get_token(scope).token}


def _certificate(path: str) -> dict[str, str]:
    pem = Path(path).read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    fingerprint = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - the name of a key, not its protection
    return {"private_key": pem.decode(), "thumbprint": fingerprint}


def _now() -> datetime:
    return datetime.now(UTC)


def _table_client(address: StorageAddress) -> TableServiceClient:
    patience = _PATIENCE | {"retry_backoff_factor": 0.3, "retry_mode": RetryMode.Exponential}
    # Only local and self-managed storage has a connection string. In Azure a managed identity is the key.
    if address.connection_string is not None:
        return TableServiceClient.from_connection_string(address.connection_string, **patience)
    assert address.uri is not None
    return TableServiceClient(address.uri, credential=_identity(address), **patience)


def _queue_client(address: StorageAddress, name: str) -> QueueClient:
    options: dict[str, Any] = _PATIENCE | {"message_encode_policy": TextBase64EncodePolicy(), "initial_backoff": 1}
    if address.connection_string is not None:
        return QueueClient.from_connection_string(address.connection_string, name, **options)
    assert address.uri is not None
    return QueueClient(address.uri, name, credential=_identity(address), **options)


def _container_client(address: StorageAddress, name: str) -> "ContainerClient":
    from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415 - most processes export nothing

    options: dict[str, Any] = _PATIENCE | {"initial_backoff": 1}
    if address.connection_string is not None:
        return ContainerClient.from_connection_string(address.connection_string, name, **options)
    assert address.uri is not None
    return ContainerClient(address.uri, name, credential=_identity(address), **options)


def _identity(address: StorageAddress) -> ManagedIdentityCredential:
    return ManagedIdentityCredential(client_id=address.identity_client_id)
