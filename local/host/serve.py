"""The host at work: a worker, the listeners of its functions, and how all of it ends (docs/facts/functions.md 11)."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.host.host_json import HostJson, HostJsonProblem, read_host_json
from local.host.http_listener import HttpListener
from local.host.queue_listener import QueueListener
from local.host.routes import RouteProblem, Routes, methods_of, read_routes, template_of
from local.host.settings_file import SettingsFileError, resolved, storage_of
from local.host.template import Template
from local.host.timer_listener import TimerListener
from local.host.timing import Timing
from local.host.wire import Function
from local.host.workers import Workers

log = logging.getLogger("host")


class PortBusyError(RuntimeError):
    """The port is in use; the message says what to do."""


@dataclass
class _Listeners:
    """What the app's functions need. `unusable` is why the host answers 503 to everything instead."""

    routes: Routes = field(default_factory=lambda: Routes([], {}))
    queues: list[QueueListener] = field(default_factory=list)
    timers: list[TimerListener] = field(default_factory=list)
    unusable: str | None = None


async def serve(template: Template, root: Path, port: int, timing: Timing) -> int:
    """Run an app until a signal, a third death of its worker, or a lost storage; the process's exit status.

    Raises:
        NotStartedError, PortBusyError
    """
    stop, hurry = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, lambda: hurry.set() if stop.is_set() else stop.set())
    host, unusable = _host_json(root)
    workers = Workers(template, timing, host.timeout_seconds)
    keeping = asyncio.create_task(workers.keep())
    try:
        await _first(keeping, workers.functions)
        if keeping.done():
            keeping.result()
        functions = workers.functions.result()
        listeners = _listeners(functions, host, workers, timing, unusable)
        http = HttpListener(listeners.routes, workers.invoke, listeners.unusable)
        try:
            bound = await http.start(port)
        except OSError as error:
            raise PortBusyError(
                f"port {port} is busy: end what uses it, or choose another with --port ({error.strerror})"
            ) from error
        _tell(functions, host, listeners, f"http://localhost:{bound}")
        listening = [asyncio.create_task(one.listen()) for one in listeners.queues]
        listening += [asyncio.create_task(one.listen()) for one in listeners.timers]
        status = await _until(stop, keeping, [*listening, *(queue.failed for queue in listeners.queues)])
        await http.refuse()
        if not keeping.done():
            await _settle(lambda: _running(http, listeners), timing.patience_seconds, hurry)
        settled = not _running(http, listeners)
        await _cancel(listening)
        workers.kill()
        await http.close()
        if settled:
            await asyncio.gather(*(timer.close() for timer in listeners.timers))
        await asyncio.gather(*(queue.close() for queue in listeners.queues))
        return status
    finally:
        workers.kill()
        await _cancel([keeping])
        # Clients that the end interrupted are no leak that somebody has to hear of.
        logging.disable(logging.ERROR)


def _host_json(root: Path) -> tuple[HostJson, str | None]:
    """The app's host.json; with the defaults and a reason where it cannot be used."""
    try:
        return read_host_json(root), None
    except HostJsonProblem as problem:
        return HostJson(), str(problem)


def _listeners(
    functions: Sequence[Function], host: HostJson, workers: Workers, timing: Timing, unusable: str | None
) -> _Listeners:
    """A listener a function. A function that cannot have one is off, and the others run."""
    made = _Listeners(unusable=unusable)
    if made.unusable is None:
        try:
            triggered = [one for one in functions if one.kind == "httpTrigger"]
            made.routes = read_routes(triggered, host.extensions.http.route_prefix)
        except RouteProblem as problem:
            made.unusable = str(problem)
    if made.unusable is not None:
        log.error("The host answers 503 to everything: %s", made.unusable)
        return made
    for name, reason in made.routes.in_error.items():
        log.error("The '%s' function is in error: %s", name, reason)
    for one in functions:
        try:
            if one.kind == "queueTrigger":
                made.queues.append(_queue(one, host, workers, timing))
            elif one.kind == "timerTrigger":
                made.timers.append(_timer(one, workers, timing))
        except (SettingsFileError, ValueError) as problem:
            log.error("The '%s' function is in error: %s", one.name, problem)
    return made


def _queue(function: Function, host: HostJson, workers: Workers, timing: Timing) -> QueueListener:
    connection = storage_of(str(function.trigger.get("connection") or "AzureWebJobsStorage"), os.environ)
    queue = resolved(function.trigger["queueName"], os.environ)
    return QueueListener(function.name, workers.invoke, connection, queue, host.extensions.queues, timing)


def _timer(function: Function, workers: Workers, timing: Timing) -> TimerListener:
    schedule = resolved(function.trigger["schedule"], os.environ)
    connection = storage_of("AzureWebJobsStorage", os.environ)
    return TimerListener(function.name, workers.invoke, connection, schedule, function.trigger, timing)


async def _until(stop: asyncio.Event, keeping: asyncio.Task[None], watched: Iterable[asyncio.Future[None]]) -> int:
    """Wait for the signal, the third death (both 0), or a listener that fails (1); the exit status."""
    stopping = asyncio.create_task(stop.wait())
    done = await _first(stopping, keeping, *watched)
    stopping.cancel()
    failures = [error for one in done - {stopping} if (error := one.exception()) is not None]
    for error in failures:
        log.critical("The host ends: %s", error, exc_info=error)
    return 1 if failures else 0


def _running(http: HttpListener, listeners: _Listeners) -> set[asyncio.Task[Any]]:
    """The executions of the moment."""
    running: set[asyncio.Task[Any]] = set(http.running)
    running.update(*(queue.running for queue in listeners.queues), *(timer.running for timer in listeners.timers))
    return running


async def _settle(running: Callable[[], set[asyncio.Task[Any]]], patience_seconds: float, hurry: asyncio.Event) -> None:
    """Let executions end, those of new messages too, until there is none, or for so long, or until a second signal."""
    hurrying = asyncio.create_task(hurry.wait())
    try:
        async with asyncio.timeout(patience_seconds):
            while (tasks := running()) and not hurry.is_set():
                await asyncio.wait([hurrying, *tasks], return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        log.warning("%d executions are cut off.", len(running()))
    finally:
        hurrying.cancel()


async def _first(*futures: asyncio.Future[Any]) -> set[asyncio.Future[Any]]:
    """Those that are done as soon as one is."""
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _tell(functions: Sequence[Function], host: HostJson, listeners: _Listeners, address: str) -> None:
    """The table of functions for a person, and a line for the process that started this one."""
    lines = ["", "Functions:", ""]
    for function in sorted(functions, key=lambda one: (one.kind != "httpTrigger", one.name)):
        about = function.kind
        if function.kind == "httpTrigger":
            path = template_of(function, host.extensions.http.route_prefix)
            about = f"[{','.join(methods_of(function))}] {address}/{path}"
        lines.append(f"        {function.name}: {about}")
    print("\n".join([*lines, ""]), file=sys.stderr)
    print(json.dumps({"url": address, "pid": os.getpid(), "unusable": listeners.unusable}), flush=True)
