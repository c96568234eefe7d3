"""The part of a request to Graph that the SDK does: what its telemetry may hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio
import aiohttp.web as web
from azure.core.credentials import AccessToken
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider(sampler=sampling.ALWAYS_ON)
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

from directory.sdk import Sender


class Credential:
    async def get_token(self, *_, **__):
        return AccessToken("secret-access", 2**40)

    async def close(self):
        pass


async def answer(request):
    return web.json_response({"value": []})


async def main():
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0)
    await site.start()
    here = f"http://localhost:{runner.addresses[0][1]}"
    sender = Sender(here)
    told = await sender.send(Credential(), f"{here}/v1.0/users/delta?$deltatoken=secret-delta", "application/json")
    await sender.close()
    await runner.cleanup()
    print(told.status, len(spans.get_finished_spans()), *[one.to_json() for one in spans.get_finished_spans()])

asyncio.run(main())
"""


def test_no_span_of_a_request_holds_its_address_or_token_whoever_keeps_them():
    command = [sys.executable, "-c", SCRIPT]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout

    status, count, rest = told.split(" ", 2)
    assert (status, int(count) > 0) == ("200", True)
    assert "secret" not in rest
