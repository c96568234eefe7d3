"""Where it is measured: a real Azurite, the local directory in a process of its own, the product in its host."""

import contextlib
import itertools
import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from azure.data.tables import TableClient

from bench.measure import Figures, cpu_seconds, forget_peak, io_bytes, peak_mb
from local.azurite import RunningAzurite, azurite, free_ports, made_up_accounts
from local.host.process import RunningHost, start_host
from local.microsoft.control import TenantControl
from local.microsoft.process import RunningDirectory, directory
from local.office import ENTRA, Office, host_settings

_SLICES = re.compile(r"slice_done .*table_reads=(\d+) table_writes=(\d+)")
_LONGEST_SECONDS = 3600.0


@dataclass(slots=True)
class Stage:
    """Everything runs; each measurement takes an account and a tenant of its own."""

    azurite: RunningAzurite
    directory: RunningDirectory
    host: RunningHost
    folder: Path
    storage: str

    def office(self, people: int, **shape: Any) -> Office:
        """A connected workspace whose organisation has so many people; its first configuration is still to be saved."""
        tenant = self.directory.control.tenant(people=people, shape=shape)
        office = Office(self.host.url, self.directory, tenant)
        office.connect()
        return office

    def measured(self, office: Office, begin: Any) -> tuple[dict[str, Any], Figures]:
        """Let a run go, as the host runs it: the run, and what it took."""
        pid, log = self.host.worker_pid, self.host.log
        at, cpu, storage = log.stat().st_size, cpu_seconds(pid), self.azurite.pid
        storage_cpu, (taken, given) = cpu_seconds(storage), io_bytes(storage)
        forget_peak(pid)
        begin()
        run = settled(self, office)
        time.sleep(0.05)  # The host writes its line and deletes the message.
        reads = writes = 0
        with log.open() as lines:
            lines.seek(at)
            for found in _SLICES.finditer(lines.read()):
                reads, writes = reads + int(found[1]), writes + int(found[2])
        took = datetime.fromisoformat(run["completedAt"]) - datetime.fromisoformat(run["startedAt"])
        people = max(run["counts"]["read"], 1)
        figures = Figures(
            people,
            took.total_seconds(),
            cpu_seconds(pid) - cpu,
            peak_mb(pid),
            run["cost"]["graphRequests"],
            reads,
            writes,
            cpu_seconds(storage) - storage_cpu,
            io_bytes(storage)[0] - taken,
            io_bytes(storage)[1] - given,
        )
        if run["state"] != "completed":
            raise RuntimeError(f"the run is {run['state']}: {run['error']}")
        return run, figures


def first_sync(office: Office, **choices: Any) -> None:
    fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
    office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields, "removalGuard": None, **choices})


def settled(stage: "Stage", office: Office) -> dict[str, Any]:
    """The newest run, once nothing goes on. Looks at the row itself: asking the API would cost the host CPU."""
    began = time.monotonic()
    with TableClient.from_connection_string(stage.storage, "Connections") as table:
        while _goes_on(table, office):
            waited = time.monotonic() - began
            time.sleep(max(0.02, waited / 100))  # Looking costs Azurite time that a long run feels.
            if waited > _LONGEST_SECONDS:
                raise TimeoutError("the run does not end")
    newest: dict[str, Any] = office.admin.call("GET", f"{ENTRA}/runs?limit=1")["runs"][0]
    return newest


def any_goes_on(stage: "Stage", offices: Sequence[Office]) -> bool:
    """Whether a run goes on in one of the offices."""
    with TableClient.from_connection_string(stage.storage, "Connections") as table:
        return any(_goes_on(table, one) for one in offices)


def _goes_on(table: TableClient, office: Office) -> bool:
    return json.loads(_document(table.get_entity(office.workspace, "connection.agenda")))["run"] is not None


def _document(row: Mapping[str, Any]) -> str:
    return "".join(str(row[name]) for name in sorted(row) if name.startswith("document"))


_numbers = itertools.count()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start everything, end everything."""
    with tempfile.TemporaryDirectory(prefix="emu-bench-") as name, contextlib.ExitStack() as stack:
        folder, port = Path(name), free_ports()[0]
        storage = stack.enter_context(azurite(accounts=made_up_accounts(100)))
        callback = f"http://localhost:{port}/api/integrations/entra/consent/callback"
        running = stack.enter_context(directory(folder / "directory", "--people", "0", "--redirect-uri", callback))
        account = storage.connection_string("account0000")
        # As long a slice as can be set: Azurite sorts the whole list for each page of a scan, so a second slice over
        # a million people would be spent on reading where the first one ended.
        settings = host_settings(account, running, port, SLICE_SECONDS="420")
        host = start_host(settings, folder / "host.log", port=port)
        stack.callback(host.stop)
        yield Stage(storage, running, host, folder, account)


def tenant_settings(stage: Stage, tenant: TenantControl) -> dict[str, str]:
    """What another way needs to know to do the same work, in a partition of its own."""
    told = stage.directory.settings()
    return {
        **{
            name: told[name] for name in ("ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET", "ENTRA_AUTHORITY", "GRAPH_ENDPOINT")
        },
        **{name: told[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")},
        "TENANT": tenant.id,
        "STORAGE": stage.azurite.connection_string(f"account{1 + next(_numbers) % 99:04d}"),
    }
