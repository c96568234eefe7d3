"""A workspace on real parts, for one test: Azurite's tables and queue, the local directory, the production services."""

import asyncio
import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient
from msgspec.structs import replace

import limits
from connect.dispatch import Dispatch
from contacts.contact import Contact, Link, partition_of
from directory.credentials import TenantId
from local.microsoft.control import TenantControl
from mapping.configuration import Configuration, FieldMapping
from services import Services, build
from services.settings import Settings
from sync.messages import QUEUE, read_message
from workspace.connection import Connection, ListId, Stage, WorkspaceId, connection_operation, list_name_of
from workspace.run import Mode, Request, Run, Trigger
from workspace.state import SyncState

PUBLIC = {
    "PUBLIC_URL": "http://localhost:7071",
    "PORTAL_URL": "http://localhost:7071/api/portal/",
    "SYNC_SCHEDULE": "0 0 0 1 1 *",
    "CHANGE_NOTIFICATIONS": "off",
}


LIST = ListId("people")


class Killed(BaseException):
    """The worker's process died. Nothing of ours catches it."""


class Clock:
    """The services' clock, which a test can move on."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def sleep(self, seconds: float) -> None:
        """A pause that costs a test no time."""
        self.offset += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@dataclass
class Rig:
    """One workspace with one tenant. `services` are those of production, on settings alone."""

    services: Services
    queue: QueueClient
    tenant: TenantControl
    clock: Clock
    account: str
    """The connection string of its storage."""
    workspace: WorkspaceId = field(default_factory=lambda: WorkspaceId(f"w-{uuid.uuid4().hex[:12]}"))
    list_id: ListId = LIST
    kill_before: int | None = None
    """The worker dies before so many more storage calls."""

    def __post_init__(self) -> None:
        count = self.services.tables._count

        def counted(method: str) -> None:
            if self.kill_before is not None:
                self.kill_before -= 1
                if self.kill_before <= 0:
                    self.kill_before = None
                    raise Killed
            count(method)

        self.services.tables._count = counted

    async def connect(self, **configuration: Any) -> None:
        """Write the connection as a finished consent and a first saved configuration leave it."""
        chosen = replace(Configuration(version=1), **configuration)
        connection = Connection(
            self.workspace,
            Stage.ACTIVE,
            TenantId(self.tenant.id),
            "Contoso",
            self.list_id,
            list_name_of("Contoso"),
            self.clock(),
            configuration=chosen,
        )
        await self.services.schedule.enrol(self.workspace)
        await self.services.workspaces.update(
            self.workspace, lambda _, state: (None, state, [connection_operation(connection)])
        )

    async def configure(self, **changes: Any) -> Run:
        """Save another configuration and let its run go."""

        def save(connection: Connection | None, state: SyncState):
            chosen = replace(connection.configuration, version=connection.configuration.version + 1, **changes)
            return replace(connection, configuration=chosen), state, ()

        await self.services.workspaces.update(self.workspace, save)
        return await self.sync(Mode.FULL, Trigger.CONFIGURATION)

    async def ask(self, mode: Mode = Mode.DELTA, trigger: Trigger = Trigger.MANUAL) -> Run:
        return await self.services.requests.request(Request(self.workspace, mode, trigger, "test"))

    async def sync(self, mode: Mode = Mode.DELTA, trigger: Trigger = Trigger.MANUAL) -> Run:
        """Ask for a run and work until the queue is empty; the run as it ended."""
        asked = await self.ask(mode, trigger)
        await self.work()
        return await self.run(asked.id)

    async def full(self) -> Run:
        return await self.sync(Mode.FULL)

    async def delta(self) -> Run:
        return await self.sync(Mode.DELTA)

    def with_worker(self, **changes: Any) -> Dispatch:
        """The same services with a worker that differs in something, for instance in `slice_seconds`."""
        dispatch = self.services.dispatch
        return dataclasses.replace(dispatch, worker=dataclasses.replace(dispatch.worker, **changes))

    async def work(self, dispatch: Dispatch | None = None) -> int:
        """Do what the host does with visible messages until there is none; how many there were."""
        dispatch = dispatch or self.services.dispatch
        done = 0
        while (message := await self.queue.receive_message(visibility_timeout=600)) is not None:
            await dispatch.handle(read_message(message.content.encode()))
            await self.queue.delete_message(message)
            done += 1
        return done

    async def tick(self) -> int:
        """Let the timer tick and its messages become due; how many workspaces it visited. In memory only."""
        visited = await self.services.schedule.tick()
        self.clock.offset += limits.LONGEST_SPAN
        return visited

    async def run(self, run_id: str) -> Run:
        return await self.services.workspaces.run(self.workspace, run_id)

    async def state(self) -> SyncState:
        return (await self.services.workspaces.load(self.workspace))[1]

    @property
    def partition(self):
        return partition_of(self.workspace, self.list_id)

    async def rows(self) -> list[Contact]:
        """Every contact's row, those removed by a person included."""
        found, continuation = [], ""
        while True:
            contacts, continuation = await self.services.contacts.page(self.partition, 1000, continuation)
            found += contacts
            if not continuation:
                return found

    async def contacts(self) -> list[Contact]:
        return [one for one in await self.rows() if one.link is not Link.REMOVED]

    async def linked(self) -> dict[str, Mapping[str, str]]:
        """Fields of linked contacts, by object id."""
        return {one.source_id: dict(one.fields) for one in await self.contacts() if one.link is Link.LINKED}

    def expected(
        self, mappings: tuple[FieldMapping, ...] = Configuration().field_mappings
    ) -> dict[str, dict[str, str]]:
        """What linked contacts have to show, by the directory's own account."""
        return {
            user["id"]: fields_of(user, mappings)
            for user in self.tenant.users()
            if user["removed"] is None and user.get("accountEnabled", True) and user.get("userType") != "Guest"
        }


def fields_of(user: Mapping[str, Any], mappings: tuple[FieldMapping, ...]) -> dict[str, str]:
    values = {one.target: user.get(one.source) for one in mappings}
    plain = {target: value[0] if isinstance(value, list) and value else value for target, value in values.items()}
    return {target: value for target, value in plain.items() if value}


async def make_rig(storage_account: str, settings: Mapping[str, str], tenant: TenantControl) -> Rig:
    clock = Clock()
    read = Settings.read({"AzureWebJobsStorage": storage_account, **settings, **PUBLIC})
    services = build(read, clock, clock.sleep)
    queue = QueueClient.from_connection_string(storage_account, QUEUE, message_decode_policy=TextBase64DecodePolicy())
    await services.queue.make()
    return Rig(services, queue, tenant, clock, storage_account)


async def close_rig(rig: Rig) -> None:
    await asyncio.gather(rig.services.close(), rig.queue.close())


def decoded(body: bytes) -> Any:
    return msgspec.json.decode(body)
