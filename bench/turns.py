"""Many workspaces on one instance: does each get its turn, and how even is the hour? (spec §6)"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from bench.measure import forget_peak, peak_mb, percentile
from bench.scenarios import bare_chain
from bench.stage import Stage, any_goes_on, first_sync, settled
from local.office import ENTRA, Office, host_settings
from services import build
from services.settings import Settings
from storage.transaction import Operation, Partition, Verb
from sync.messages import Tick, read_message
from sync.schedule import TABLE
from workspace.connection import WorkspaceId

SYNCS, PEOPLE, LATENCY_MS = 20, 5000, 150
FULL_RUNS, LISTED = 3, 30_000
TICKED = 20_000
_TICKS = "0 0 * * * *"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Clicks of a small workspace beside first syncs. `clicks`: seconds from each Sync Now to its run's end.

    `together`: seconds from the first of the first syncs' beginnings to the last end. `chain`: the bare chain of pages.
    """

    clicks: Sequence[float]
    together: float
    chain: float
    peak_mb: float

    @property
    def p95(self) -> float:
        return percentile(self.clicks, 95)


@dataclass(frozen=True, slots=True)
class Ticked:
    """A tick over many workspaces: its parts' seconds, and how often the rows were read."""

    workspaces: int
    parts: Sequence[float]
    reads: int


def crowd(stage: Stage, syncs: int = SYNCS, people: int = PEOPLE) -> Crowd:
    """A workspace of 50 people asks for syncs, one after the other, while so many first syncs go on."""
    small = stage.office(50)
    first_sync(small)
    settled(stage, small)
    offices = [stage.office(people) for _ in range(syncs)]
    for office in offices:
        office.tenant.shape(latency_ms=LATENCY_MS)
    chain = bare_chain(stage, offices[0])
    forget_peak(stage.host.worker_pid)
    for office in offices:
        first_sync(office)
    clicks: list[float] = []
    going = list(offices)
    while going:
        began = time.monotonic()
        small.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})
        settled(stage, small)
        clicks.append(time.monotonic() - began)
        going = [office for office in going if any_goes_on(stage, [office])]
    runs = [settled(stage, office) for office in offices]
    return Crowd(clicks, _together(runs), chain, peak_mb(stage.host.worker_pid))


def full_runs(stage: Stage, runs: int = FULL_RUNS, people: int = LISTED) -> float:
    """The worker's peak of memory in MB beside full runs that keep the rows of their lists."""
    offices = [stage.office(people) for _ in range(runs)]
    for office in offices:
        first_sync(office)
        settled(stage, office)
    forget_peak(stage.host.worker_pid)
    for office in offices:
        # Another choice looks at everybody again, with the rows at hand.
        first_sync(office, conflictResolution="keep_local")
    for office in offices:
        settled(stage, office)
    return peak_mb(stage.host.worker_pid)


def tick(stage: Stage, workspaces: int = TICKED) -> Ticked:
    """The timer's work over so many workspaces, on Azurite's tables and queue, part by part."""
    with patch.dict(os.environ, stage.directory.settings()):
        return asyncio.run(_tick(stage, workspaces))


async def _tick(stage: Stage, workspaces: int) -> Ticked:
    account = stage.azurite.connection_string("account0098")
    settings = Settings.read(host_settings(account, stage.directory, 7071) | {"SYNC_SCHEDULE": _TICKS})
    services = build(settings, lambda: datetime.now(UTC))
    try:
        ids = [WorkspaceId(f"ticked-{number:06d}") for number in range(workspaces)]
        for start in range(0, workspaces, 100):
            rows = [Operation(Verb.PUT, one, {}) for one in ids[start : start + 100]]
            await services.tables.transact(Partition(TABLE, "active"), rows)
        continued: list[Tick] = []
        send, reads = services.hourly.send, 0

        async def sent(text: str, delay_seconds: float = 0) -> None:
            """What continues the work is done here, not by a host."""
            if isinstance(message := read_message(text.encode()), Tick):
                continued.append(message)
            else:
                await send(text, delay_seconds)

        count = services.tables._count  # noqa: SLF001 - what the meter hears of

        def counted(method: str) -> None:
            nonlocal reads
            reads += method == "GET"
            count(method)

        services.hourly.send, services.tables._count = sent, counted  # type: ignore[method-assign] # noqa: SLF001
        parts = [await _timed(services.schedule.tick())]
        while continued:
            parts.append(await _timed(services.schedule.work(continued.pop(0))))
        return Ticked(workspaces, parts, reads)
    finally:
        await services.close()


async def _timed(work: Any) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


def _together(runs: Sequence[dict[str, Any]]) -> float:
    began = min(datetime.fromisoformat(run["startedAt"]) for run in runs)
    return (max(datetime.fromisoformat(run["completedAt"]) for run in runs) - began).total_seconds()


def listed(office: Office) -> dict[str, float]:
    """Milliseconds of the first page of a list by name, and of searches by the beginning of a name and an address."""
    path = f"contact-lists/{office.card()['list']['id']}/contacts?limit=50"
    found = office.member.call("GET", path)["contacts"]
    someone = next(one for one in found if one["lastName"] and one["email"])
    asked = {
        "the first page": path,
        "by the beginning of a last name": f"{path}&search={someone['lastName'][:4]}",
        "by the beginning of an address": f"{path}&search={someone['email'][:6]}",
    }
    took = {}
    for what, address in asked.items():
        began = time.monotonic()
        office.member.call("GET", address)
        took[what] = 1000 * (time.monotonic() - began)
    return took
