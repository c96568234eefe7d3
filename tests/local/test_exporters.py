"""Where telemetry goes outside Azure: nowhere, to the console, or to an OTLP endpoint."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local.ingestion import about, deployed_settings, ingestion

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, os
from opentelemetry import _logs, metrics, trace
from local.host.exporters import export
export(os.environ)
with trace.get_tracer("test").start_as_current_span("slice"):
    lines = logging.getLogger("test")
    lines.setLevel("INFO")
    lines.info("a line")
    metrics.get_meter("test").create_counter("a.count").add(1)
for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
    if hasattr(provider, "shutdown"):
        provider.shutdown()
"""


def told(**variables):
    """What a process that ends a span writes to its error stream."""
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == ""  # The host speaks there.
    return done.stderr


@pytest.fixture
def endpoint():
    """A server that takes whatever is posted; the paths that were."""
    paths = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_variable_nothing_is_told():
    assert told() == ""


def test_the_console_is_the_error_stream():
    assert '"name": "slice"' in told(OTEL_TRACES_EXPORTER="console")


@pytest.fixture
def azure_monitor():
    with ingestion() as there:
        yield there


def test_an_endpoint_gets_traces_metrics_and_lines(endpoint):
    url, paths = endpoint

    told(OTEL_EXPORTER_OTLP_ENDPOINT=url)

    assert {"/v1/traces", "/v1/metrics", "/v1/logs"} <= set(paths)


def test_azure_monitor_gets_what_azure_would_get(azure_monitor):
    # Without the sampler that is deployed, Microsoft's own keeps five spans a second, and not always the first.
    told(**{"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"} | deployed_settings() | azure_monitor.settings())

    assert "slice" in [about(one)[1] for one in azure_monitor.envelopes]
