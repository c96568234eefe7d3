"""A storage that fails on purpose: a door in front of Azurite's tables and queues that spoils what passes."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from errors import TryLater

_SIGNED = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")
"""What a client may not add: the account's signature is over some of it."""
AFTER = ("lost_after", "error_after")
"""Azurite did the work, and the caller does not learn of it."""
BEFORE = ("lost_before", "500", "503", "stall")
SILENT = ("silent_before", "silent_after")
"""No answer at all: a time-out ends the call, of work that was not done, or was."""
_SILENCE_SECONDS = 60


@dataclass
class FlakyStorage:
    """`plan`: fault by the number of the request, from 1. `met` counts the faults that requests met."""

    account: str
    plan: dict[int, str] = field(default_factory=dict)
    only: str = ""
    """Only requests of this method are counted."""
    fails_on: bytes = b""
    """A text in a body of the table service that is answered with 500."""
    latency_seconds: float = 0
    """Before each request is passed on."""
    seen: int = 0
    kill: Callable[[], None] = lambda: None
    met: Counter = field(default_factory=Counter)

    async def open(self):
        self.held, self._go = asyncio.Event(), asyncio.Event()
        self._session = aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=_SIGNED)
        self._runners = []
        self.connection_string = self.account
        for service in ("QueueEndpoint", "TableEndpoint"):
            origin = re.search(rf"{service}=(http://[^/;]+)", self.account)[1]
            app = web.Application(client_max_size=64 * 1024 * 1024)
            app.router.add_route("*", "/{path:.*}", self._pass_on(origin))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._runners.append(runner)
            here = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self.connection_string = self.connection_string.replace(f"{service}={origin}", f"{service}={here}")
        return self

    async def close(self):
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    def spoil(self, **by_number):
        """Count anew, and fail the n-th request: spoil(**{"3": "500"})."""
        self.seen, self.plan = 0, {int(number): fault for number, fault in by_number.items()}

    def let_go(self):
        """Let a request pass that was held."""
        self._go.set()
        self.held, self._go = asyncio.Event(), asyncio.Event()

    def _pass_on(self, origin):
        async def pass_on(request):
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)
            self.seen += not self.only or request.method == self.only
            counted = not self.only or request.method == self.only
            fault = self.plan.pop(self.seen, None) if counted else None
            if fault == "412" and not request.path.endswith("$batch"):
                self.plan[self.seen + 1], fault = fault, None  # Only a write can come too late.
            if fault:
                self.met[fault] += 1
            if fault == "hold":
                go = self._go
                self.held.set()
                await go.wait()
            if fault == "kill_before":
                self.kill()
            if fault == "lost_before":
                request.transport.abort()
                return web.Response()
            if fault == "stall":
                await asyncio.sleep(0.5)
                fault = "503"
            if fault in ("412", "500", "503"):
                return web.Response(status=int(fault), text="made to fail")
            if fault == "silent_before":
                await asyncio.sleep(_SILENCE_SECONDS)
            body = await request.read()
            if self.fails_on and self.fails_on in body:
                return web.Response(status=500, text="made to fail")
            headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
            url = URL(f"{origin}{request.raw_path}", encoded=True)
            async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
                content = await answer.read()
                if fault == "kill_after":
                    self.kill()
                if fault == "silent_after":
                    await asyncio.sleep(_SILENCE_SECONDS)
                if fault == "lost_after":
                    request.transport.abort()
                    return web.Response()
                if fault == "error_after":
                    return web.Response(status=500, text="made to fail")
                dropped = ("content-length", "transfer-encoding")
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in dropped}
                return web.Response(status=answer.status, body=content, headers=kept)

        return pass_on


class AwayQueue:
    """A queue that takes nothing."""

    async def send(self, text, delay_seconds=0):
        raise TryLater("the queue is away")
