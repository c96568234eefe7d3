"""The app with Microsoft's own exporter, against an ingestion endpoint on loopback: what a run sends."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.azurite import free_ports
from local.host.process import start_host
from local.ingestion import Envelope, Ingestion, deployed_settings, ingestion, slices_of
from local.office import ENTRA, Office, host_settings
from sync.messages import POISON_QUEUE, QUEUE

RUNS = 12
ACCOUNT = "account1489"
# Somebody who could not be mistaken for anything else.
PERSON = {
    "givenName": "Xanthippe",
    "surname": "Quackenbush",
    "displayName": "Xanthippe Quackenbush",
    "mail": "xanthippe.quackenbush@contoso.example",
    "userPrincipalName": "xq@contoso.example",
    "mobilePhone": "+41 79 555 01 23",
}
# The tests wait less than a minute for what Azure gets once a minute.
_SOONER = {
    "OTEL_BSP_SCHEDULE_DELAY": "300",
    "OTEL_BLRP_SCHEDULE_DELAY": "300",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}


@dataclass(frozen=True)
class Told:
    """What arrived in the course of one thing that happened, and the runs in it."""

    posted: bytes
    envelopes: list[Envelope]
    runs: list[str]


@dataclass(frozen=True)
class Watched:
    """A workspace on a host that exports."""

    office: Office
    ingestion: Ingestion


@pytest.fixture(scope="session")
def watched(azurite, directory, tmp_path_factory) -> Iterator[Watched]:
    port = free_ports()[0]
    directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    with ingestion() as there:
        settings = host_settings(
            azurite.connection_string(ACCOUNT),
            directory,
            port,
            SYNC_SCHEDULE="*/5 * * * * *",
            **deployed_settings(),
            **_SOONER,
            **there.settings(),
        )
        running = start_host(settings, tmp_path_factory.mktemp("telemetry") / "host.log", port=port)
        tenant = directory.control.tenant(people=3)
        tenant.hire(**PERSON)
        office = Office(running.url, directory, tenant)
        try:
            office.set_up()
            yield Watched(office, there)
        finally:
            office.close()
            running.stop()


def told(watched: Watched, runs: list[str], done: Callable[[list[Envelope]], bool]) -> Told:
    envelopes = watched.ingestion.wait(done)
    return Told(watched.ingestion.posted, envelopes, runs)


@pytest.fixture(scope="session")
def ordinary(watched) -> Told:
    """An hour in which nothing happens, a dozen times within seconds: runs, and ticks of the timer.

    What a process sends while it starts is gone by then: the exporter's own lines until the app's import silences them.
    """
    watched.ingestion.forget()
    runs = [watched.office.sync()["id"] for _ in range(RUNS)]

    def done(there: list[Envelope]) -> bool:
        # A tick from before the workspace was set up visits nobody, and may be told only now.
        visited = has_metric(there, "emu.schedule.workspaces", lambda point: point["max"] > 0)
        return slices_of(there) >= set(runs) and visited and has_metric(there, "emu.sync.runs")

    return told(watched, runs, done)


def message_data(envelopes: list[Envelope], beginning: str) -> list[Envelope]:
    """The lines that begin so."""
    lines = [one for one in envelopes if one["data"]["baseType"] == "MessageData"]
    return [one for one in lines if one["data"]["baseData"]["message"].startswith(beginning)]


def has_metric(
    envelopes: list[Envelope], name: str, counts: Callable[[dict[str, Any]], bool] = lambda point: True
) -> bool:
    points = (one["data"]["baseData"]["metrics"][0] for one in envelopes if one["data"]["baseType"] == "MetricData")
    return any(point["name"] == name and counts(point) for point in points)


@pytest.fixture(scope="session")
def failed(watched, directory, ordinary) -> Told:
    """A workspace whose run fails three times, because Graph names a link elsewhere."""
    tenant = directory.control.tenant(people=5, shape={"pageSize": 2})
    with contextlib.closing(Office(watched.office.url, directory, tenant)) as office:
        office.set_up()
        watched.ingestion.forget()
        tenant.fault("delta", kind="foreign_link", times=3)
        runs = [office.sync("full")["id"] for _ in range(3)]
        return told(watched, runs, lambda there: len(message_data(there, "run_failed ")) == 3)


@pytest.fixture(scope="session")
def poisoned(watched, azurite, ordinary) -> Told:
    """A message that failed every time, where the host puts it."""
    watched.ingestion.forget()
    _send(azurite, POISON_QUEUE, "nonsense")
    return told(watched, [], lambda there: has_metric(there, "emu.queue.poisoned"))


@pytest.fixture(scope="session")
def rejected(watched, directory, ordinary) -> Told:
    """A workspace whose token no longer serves, and for which Microsoft refuses the app's own credential."""
    tenant = directory.control.tenant(people=1)
    with contextlib.closing(Office(watched.office.url, directory, tenant)) as office:
        office.set_up()
        watched.ingestion.forget()
        tenant.consent(given=True, credentialError="7000222")
        tenant.fault("delta", status=401, times=2)
        office.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})
        return told(watched, [], lambda there: has_metric(there, "emu.credential.rejected"))


@pytest.fixture(scope="session")
def raised(watched, azurite, ordinary) -> Told:
    """Messages that the function cannot read: it raises, and the worker's library tells the exception."""
    watched.ingestion.forget()
    for _ in range(5):
        _send(azurite, QUEUE, "nonsense")
    return told(watched, [], lambda there: sum(one["data"]["baseType"] == "ExceptionData" for one in there) >= 5)


def _send(azurite, queue, text) -> None:
    with QueueClient.from_connection_string(
        azurite.connection_string(ACCOUNT), queue, message_encode_policy=TextBase64EncodePolicy()
    ) as client:
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(text)
