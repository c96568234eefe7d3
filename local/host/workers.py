"""The workers as the host sees them: one at a time, and a new one after each death (docs/facts/functions.md 11)."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from local.host.template import Spawned, Template
from local.host.timing import Timing
from local.host.wire import Call, Channel, Ended, Function, HttpAnswer, Invocation, Loaded, NotLoaded

log = logging.getLogger("host")

_MOST_DEATHS = 3


class NotStartedError(RuntimeError):
    """The app cannot be loaded; the message says why."""


class FunctionFailed(RuntimeError):
    """An execution failed: the function raised, its time was over, or its worker died."""


@dataclass(slots=True)
class _Worker:
    spawned: Spawned
    channel: Channel
    pending: dict[int, asyncio.Future[HttpAnswer | str | None]] = field(default_factory=dict)
    timed_out: bool = False
    """The host itself kills it: its other executions hang until their own time-out."""


class Workers:
    """Runs functions on the worker of the moment. `functions` is done when the first worker has loaded the app."""

    def __init__(self, template: Template, timing: Timing, timeout: float | None) -> None:
        self._template = template
        self._spawned = template.spawn()
        self._timing = timing
        self._timeout = timeout
        self._current: _Worker | None = None
        self._there = asyncio.Event()
        self._deaths: list[float] = []
        self._invocations = 0
        self._killing: set[asyncio.Task[None]] = set()
        self.functions: asyncio.Future[Sequence[Function]] = asyncio.get_running_loop().create_future()

    async def keep(self) -> None:
        """Keep a worker there. Returns when the host has to end: after the third death.

        Raises:
            NotStartedError: the first worker could not load the app.
        """
        while True:
            worker = _Worker(self._spawned, await Channel.over(self._spawned.socket))
            await self._serve(worker)
            self._there.clear()
            self._current = None
            worker.channel.close()
            if not self.functions.done():
                raise NotStartedError("the worker ended while it loaded the app")
            if not worker.timed_out and self._died(worker):
                return
            self._spawned = self._template.spawn()

    async def invoke(self, function: str, call: Call) -> HttpAnswer | str | None:
        """Run a function; while there is no worker, it waits for one.

        Raises:
            FunctionFailed
        """
        worker = None
        number = self._invocations = self._invocations + 1
        try:
            async with asyncio.timeout(self._timeout):
                while (worker := self._current) is None:
                    await self._there.wait()
                ended = worker.pending[number] = asyncio.get_running_loop().create_future()
                worker.channel.send(Invocation(number, function, call))
                # An execution goes on after its time-out; it ends in peace if it answers within the grace.
                return await asyncio.shield(ended)
        except TimeoutError:
            if worker is not None:
                task = asyncio.create_task(self._restart(worker, number))
                self._killing.add(task)
                task.add_done_callback(self._killing.discard)
            raise FunctionFailed(f"Timeout value of {self._timeout} s was exceeded") from None

    def kill(self) -> None:
        """End the worker of the moment, hard."""
        self._spawned.kill()

    async def _serve(self, worker: _Worker) -> None:
        """Take what a worker tells, until it has gone."""
        while (told := await worker.channel.from_worker()) is not None:
            match told:
                case Loaded(functions):
                    if not self.functions.done():
                        self.functions.set_result(functions)
                    self._current = worker
                    self._there.set()
                case NotLoaded(reason):
                    if not self.functions.done():
                        raise NotStartedError(reason)
                    log.error("The new worker cannot load the app: %s", reason)
                case Ended(number, answer, error):
                    _settle(worker.pending.pop(number), answer, error)

    def _died(self, worker: _Worker) -> bool:
        """Fail what ran on a dead worker. Whether the host has to end."""
        log.error("The worker process ended; %d executions fail.", len(worker.pending))
        for pending in worker.pending.values():
            _settle(pending, None, "the worker process ended")
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < self._timing.deaths_seconds] + [now]
        if len(self._deaths) < _MOST_DEATHS:
            return False
        log.error("The worker died %d times: the host ends.", _MOST_DEATHS)
        return True

    async def _restart(self, worker: _Worker, number: int) -> None:
        """After a time-out: kill the whole worker, unless the execution ends within the grace."""
        if (ended := worker.pending.get(number)) is not None:
            await asyncio.wait([ended], timeout=self._timing.grace_seconds)
        if number in worker.pending and worker is self._current:
            log.error("A function timeout has occurred. Restarting the worker process.")
            worker.timed_out = True
            worker.spawned.kill()


def _settle(ended: asyncio.Future[HttpAnswer | str | None], answer: HttpAnswer | str | None, error: str | None) -> None:
    if error is None:
        ended.set_result(answer)
        return
    ended.set_exception(FunctionFailed(error))
    ended.exception()  # Nobody may be waiting any more: then this is no unheard failure.
