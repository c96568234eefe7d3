"""The worker process: the app on Microsoft's worker library, told by the host what to run.

It is forked from the template. When the host dies, it finishes what it runs and ends (docs/facts/functions.md 11).
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn

from local.host.app import App, AppError, load_app
from local.host.preflight import SettingsProblem, check_settings
from local.host.wire import Channel, Ended, Invocation, Loaded, NotLoaded

log = logging.getLogger("worker")

DEBUG_PORT = "EMU_HOST_DEBUG_PORT"
"""The variable by which the host tells its workers at which port a debugger may attach."""


def run(root: Path, connected: socket.socket, lifeline: int | None) -> NoReturn:
    """Be the worker of an app until the host has gone and nothing runs any more, or until the lifeline is cut.

    Nothing of the app's runs at the process's end: no worker is ever asked to end, in Azure as here.
    """
    try:
        if lifeline is not None:
            _end_with(lifeline)
        if port := os.environ.get(DEBUG_PORT):
            _listen_for_debugger(int(port))
        asyncio.run(_work(root, connected))
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        traceback.print_exc()
    finally:
        os._exit(0)


async def _work(root: Path, connected: socket.socket) -> None:
    """Load the app, then run what the host asks for, all of it on this loop."""
    channel = await Channel.over(connected)
    try:
        sys.path.insert(0, str(root))
        check_settings(root)
        app = load_app(root)
    except (AppError, SettingsProblem) as error:
        channel.send(NotLoaded(str(error)))
        return
    channel.send(Loaded(list(app.functions)))
    running: set[asyncio.Task[None]] = set()
    while (asked := await channel.from_host()) is not None:
        task = asyncio.create_task(_run(app, asked, channel))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        log.warning("The host has gone; %d executions go on.", len(running))
        await asyncio.wait(running)


async def _run(app: App, asked: Invocation, channel: Channel) -> None:
    try:
        ended = await app.run(asked)
    except Exception as error:  # noqa: BLE001 - the library's own failure is the execution's
        ended = Ended(asked.id, error=repr(error))
    channel.send(ended)


def _listen_for_debugger(port: int) -> None:
    """Let a debugger attach to this process, before the app is loaded."""
    import debugpy  # noqa: PLC0415, T100 - asked for by --debug; costs half a second

    debugpy.listen(("127.0.0.1", port))  # noqa: T100
    log.warning("A debugger can attach to the app at port %d.", port)


def _end_with(lifeline: int) -> None:
    """Kill this process when the pipe's last writer has gone. In a thread: the app may block the loop."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
