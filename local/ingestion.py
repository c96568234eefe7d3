"""Azure Monitor's ingestion on loopback: it takes what Microsoft's exporter posts, and gives it to who asks."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Envelope = dict[str, Any]
_DEPLOYED = Path(__file__).parents[1] / "infra" / "snapshots" / "ours.snapshot.json"
_KEY = "00000000-0000-4000-8000-000000000001"


def deployed_settings() -> dict[str, str]:
    """What infra/ sets for telemetry in Azure, but for what only Azure knows (by infra/snapshots)."""
    [settings] = [
        one["properties"]
        for one in json.loads(_DEPLOYED.read_text())["predictedResources"]
        if one["type"] == "Microsoft.Web/sites/config"
    ]
    ours = ("OTEL_", "PYTHON_APPLICATIONINSIGHTS_", "APPLICATIONINSIGHTS_")
    return {name: value for name, value in settings.items() if name.startswith(ours) and not value.startswith("[")}


class Ingestion:
    """What has arrived: `posted` as it came (unpacked), `envelopes` one by one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._arrived = threading.Condition()
        self._posted: list[bytes] = []

    def settings(self) -> dict[str, str]:
        """What a process needs to send here, and nothing to Microsoft about the exporter itself."""
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": (
                f"InstrumentationKey={_KEY};IngestionEndpoint={self.url};LiveEndpoint={self.url}"
            ),
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        }

    @property
    def posted(self) -> bytes:
        with self._arrived:
            return b"\n".join(self._posted)

    @property
    def envelopes(self) -> list[Envelope]:
        with self._arrived:
            return [one for body in self._posted for one in json.loads(body)]

    def take(self, body: bytes) -> int:
        """Keep a post; how many items it holds."""
        with self._arrived:
            self._posted.append(body)
            self._arrived.notify_all()
        return len(json.loads(body))

    def forget(self) -> None:
        with self._arrived:
            self._posted.clear()

    def wait(self, done: Callable[[list[Envelope]], bool], seconds: float = 60.0) -> list[Envelope]:
        """The envelopes, once they are what is waited for.

        Raises:
            TimeoutError: with the kinds and names of what did arrive.
        """
        until = time.monotonic() + seconds
        while not done(there := self.envelopes):
            with self._arrived:
                if time.monotonic() > until:
                    raise TimeoutError(sorted({str(about(one)) for one in there}))
                self._arrived.wait(0.5)
        return there


@contextmanager
def ingestion() -> Iterator[Ingestion]:
    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer: Envelope = {}
            if self.path.endswith("/track"):
                items = received.take(body)
                answer = {"itemsReceived": items, "itemsAccepted": items, "errors": []}
            self.send_response(200)
            # Live metrics ask whether somebody watches: nobody does.
            self.send_header("x-ms-qps-subscribed", "false")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    received = Ingestion(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def about(envelope: Envelope) -> tuple[str, str]:
    """Its kind, and its name or the beginning of its message."""
    kind, data = envelope["data"]["baseType"], envelope["data"]["baseData"]
    if kind == "MetricData":
        return kind, data["metrics"][0]["name"]
    if kind == "ExceptionData":
        return kind, data["exceptions"][0]["message"][:60]
    return kind, data.get("name") or data.get("message", "")[:60]


def slices_of(envelopes: list[Envelope]) -> set[str]:
    """The runs whose slices have arrived as spans."""
    data = (one["data"]["baseData"] for one in envelopes if one["data"]["baseType"] == "RemoteDependencyData")
    return {one["properties"]["run"] for one in data if one["name"] == "slice"}


def bytes_a_run(envelopes: list[Envelope]) -> float:
    """What spans and lines of idle runs take. Metrics come once a minute and instance, however many runs there were."""
    told = [
        one
        for one in envelopes
        if one["data"]["baseType"] != "MetricData"
        # The stand-in's own lines: in Azure they are the host's.
        and one["data"]["baseData"]["properties"].get("logger_name", "").partition(".")[0] not in ("host", "worker")
    ]
    return sum(len(json.dumps(one)) for one in told) / len(slices_of(told))
