"""A host with the small app of `jobs/`, on a storage account of its own, and what the app noted."""

import base64
import contextlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.host.process import RunningHost, start_host
from local.host.timing import Timing
from tests.local.waiting import until

HERE = Path(__file__).parent
NEVER = "0 0 0 1 1 *"


@dataclass
class JobsHost:
    """`folder` holds the app, its notes, and the files that messages on hold wait for."""

    folder: Path
    storage: str
    settings: dict[str, str] = field(default_factory=dict)
    hosts: list[RunningHost] = field(default_factory=list)
    clients: list[QueueClient] = field(default_factory=list)

    def host_json(self, **queues):
        timeout = queues.pop("functionTimeout", "00:05:00")
        told = {"version": "2.0", "functionTimeout": timeout, "extensions": {"queues": queues}}
        (self.folder / "host.json").write_text(json.dumps(told))

    def start(self, timing: Timing | None = None, **settings) -> RunningHost:
        """Start a host; a second one uses the same app and storage."""
        environment = {
            "AzureWebJobsStorage": self.storage,
            "OtherStorage": self.storage,
            "NOTES": str(self.folder / "notes"),
            "TICK": NEVER,
            **self.settings,
            **settings,
        }
        log = self.folder / f"log{len(self.hosts)}"
        self.hosts.append(start_host(environment, log, root=self.folder, timing=timing))
        return self.hosts[-1]

    @property
    def url(self):
        return self.hosts[-1].url

    def log(self):
        return "".join(path.read_text() for path in sorted(self.folder.glob("log?")))

    def queue(self, name="jobs") -> QueueClient:
        """A client of a queue that exists from now on."""
        client = QueueClient.from_connection_string(self.storage, name)
        self.clients.append(client)
        # The host makes a poison queue itself, perhaps before the test asks for it.
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        return client

    def notes(self, what=None, name=None):
        path = self.folder / "notes"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        notes = [json.loads(line) for line in lines if line.endswith("\n")]
        return [one for one in notes if what in (None, one["what"]) and name in (None, one["name"])]

    def wait_for(self, what, name=None, count=1, seconds=30.0):
        return until(lambda: len(found := self.notes(what, name)) >= count and found, seconds)

    def release(self, name):
        (self.folder / name).touch()

    def post(self, **task):
        return httpx.post(f"{self.url}/api/do", json=task, timeout=30)

    def most_at_once(self):
        running = most = 0
        for one in self.notes():
            running += {"begin": 1, "finally": -1}.get(one["what"], 0)
            most = max(most, running)
        return most

    def close(self):
        for host in self.hosts:
            host.kill()
        for client in self.clients:
            client.close()


def send(queue, **task):
    queue.send_message(base64.b64encode(json.dumps(task).encode()).decode())


def make(folder, storage) -> JobsHost:
    shutil.copy(HERE / "jobs" / "function_app.py", folder)
    made = JobsHost(folder, storage)
    made.host_json(visibilityTimeout="00:00:01", maxPollingInterval="00:00:00.5")
    return made
