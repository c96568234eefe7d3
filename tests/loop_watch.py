"""How long one turn of the event loop takes: what every other request of the process waits for."""

import asyncio
import gc
import time


class LoopWatch:
    """Measures each turn of the loop while its block lasts.

    In CPU seconds of the loop's thread, so that other processes and other threads on the machine do not count; nor
    does the work of tables that stand in for a server. What stood before the block is kept from the collector, as the
    app's own modules are in production: a test process holds far more of it.
    """

    def __init__(self, tables):
        self.longest = self._not_ours = self._began = 0.0
        tables.before_call, tables.after_call = self._server_begins, self._server_ends

    def _server_begins(self, _):
        self._began = time.thread_time()

    def _server_ends(self, _):
        self._not_ours += time.thread_time() - self._began

    async def __aenter__(self):
        gc.collect()
        gc.freeze()
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_):
        self._ticker.cancel()
        await asyncio.gather(self._ticker, return_exceptions=True)
        gc.unfreeze()

    async def _tick(self):
        while True:
            began = time.thread_time() - self._not_ours
            # Everything that is ready has its turn before this task has the next one.
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - self._not_ours - began)
