"""A function host for machines without Core Tools; `func start` does the same job.

python -m local.host [--port 7071]
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from local.host.app import AppError, Function, load_app
from local.host.host_json import HostJson, read_host_json, seconds
from local.host.http_listener import http_app, methods_of, path_of
from local.host.preflight import SettingsProblem, check_settings
from local.host.queue_listener import QueueListener
from local.host.settings_file import SettingsFileError, merged, read_values, resolved
from local.host.timer_listener import TimerListener
from sync.timetable import read_timetable

log = logging.getLogger("host")

_DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"
_PATIENCE_SECONDS = 10.0


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(
        level=logging.WARNING if arguments.quiet else logging.INFO,
        format="[%(asctime)s] %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("azure", "aiohttp.access", "httpx", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings = read_values(arguments.settings) if arguments.settings.exists() or not _ready() else {}
        os.environ.update(merged(os.environ, settings))
        root = arguments.root.resolve()
        sys.path.insert(0, str(root))
        check_settings(root)
        functions = load_app(root)
        return asyncio.run(_serve(functions, read_host_json(root), arguments.port))
    except (SettingsFileError, SettingsProblem, AppError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _ready() -> bool:
    """Whether the environment alone holds what a host needs."""
    return "AzureWebJobsStorage" in os.environ


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one (default: 7071)")
    parser.add_argument("--root", type=Path, default=Path(), help="the app's folder (default: this one)")
    parser.add_argument(
        "--settings", type=Path, default=Path("local.settings.json"), help="a variable already set wins"
    )
    parser.add_argument("--quiet", action="store_true", help="only warnings and errors")
    return parser.parse_args()


async def _serve(functions: Sequence[Function], host: HostJson, port: int) -> int:
    """Listen until told to stop; running functions get some seconds to end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connection = os.environ.get("AzureWebJobsStorage", "")
    timeout = seconds(host.function_timeout)
    queues = [
        QueueListener(
            one, _storage(connection), resolved(one.trigger["queueName"], os.environ), host.extensions.queues, timeout
        )
        for one in functions
        if one.kind == "queueTrigger"
    ]
    timers = [
        TimerListener(one, read_timetable(resolved(one.trigger["schedule"], os.environ)), _storage(connection), timeout)
        for one in functions
        if one.kind == "timerTrigger"
    ]
    prefix = host.extensions.http.route_prefix
    runner = web.AppRunner(
        http_app([one for one in functions if one.kind == "httpTrigger"], prefix), access_log=None, shutdown_timeout=5
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        print(
            f"port {port} is busy: end what uses it, or choose another with --port ({error.strerror})", file=sys.stderr
        )
        return 1
    address = f"http://localhost:{runner.addresses[0][1]}"
    print(_table(functions, prefix, address), file=sys.stderr)
    listening = [asyncio.create_task(queue.listen()) for queue in queues]
    listening += [asyncio.create_task(timer.listen()) for timer in timers]
    print(json.dumps({"url": address, "pid": os.getpid()}), flush=True)
    await _until(stop, listening)
    await runner.cleanup()
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    await asyncio.gather(*(queue.drain(_PATIENCE_SECONDS) for queue in queues), *(timer.close() for timer in timers))
    # The app's clients end with the process, as in Azure; asyncio would complain of each.
    logging.disable(logging.ERROR)
    return 0


async def _until(stop: asyncio.Event, listening: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the signal; a listener that ends on its own is a bug of the host, and ends it."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *listening], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done - {stopping}:
        task.result()


def _storage(connection: str) -> str:
    if connection.rstrip(";") == _DEVELOPMENT_STORAGE:
        from local.azurite import DEFAULT_ACCOUNT, DEFAULT_KEY, DEFAULT_PORTS, connection_string  # noqa: PLC0415 - only here

        return connection_string(DEFAULT_PORTS, DEFAULT_ACCOUNT, DEFAULT_KEY)
    if not connection:
        raise SettingsFileError("AzureWebJobsStorage is missing: the host keeps its queues and timers there")
    return connection


def _table(functions: Sequence[Function], prefix: str, address: str) -> str:
    lines = ["", "Functions:", ""]
    for function in sorted(functions, key=lambda one: (one.kind != "httpTrigger", one.name)):
        about = function.kind
        if function.kind == "httpTrigger":
            about = f"[{','.join(methods_of(function))}] {address}{path_of(function, prefix)}"
        lines.append(f"        {function.name}: {about}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
