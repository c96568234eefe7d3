"""A function host for machines without Core Tools; `func start` does the same job.

python -m local.host [--port 7071] [--debug 5678]
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import msgspec

from local.arguments import Parser, port
from local.host.output import log_to_stderr, quieten_host
from local.host.serve import PortBusyError, serve
from local.host.settings_file import SettingsFileError, merged, read_values, storage_of
from local.host.template import fork_template
from local.host.timing import Timing
from local.host.worker import DEBUG_PORT
from local.host.workers import NotStartedError


def main() -> int:
    arguments = _arguments()
    log_to_stderr(quiet=arguments.quiet)
    try:
        settings = _settings(arguments.settings)
        os.environ.update(merged(os.environ, settings))
        storage_of("AzureWebJobsStorage", os.environ)
    except SettingsFileError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.debug is not None:
        os.environ[DEBUG_PORT] = str(arguments.debug)
    template = fork_template(arguments.root.resolve(), arguments.lifeline, arguments.pids)
    quieten_host()
    try:
        return asyncio.run(serve(template, arguments.root.resolve(), arguments.port, arguments.timing))
    except (NotStartedError, PortBusyError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        template.close()


def _settings(named: Path | None) -> dict[str, str]:
    """The values of the file that was named, or of the usual one; none where the environment alone is enough.

    Raises:
        SettingsFileError
    """
    usual = Path("local.settings.json")
    if named is not None:
        return read_values(named)
    return {} if "AzureWebJobsStorage" in os.environ and not usual.exists() else read_values(usual)


def _arguments() -> argparse.Namespace:
    parser = Parser(prog="python -m local.host", description="Run the app as Core Tools would.")
    parser.add_argument("--port", type=port, default=7071, help="0 takes a free one (default: 7071)")
    parser.add_argument("--root", type=Path, default=Path(), help="the app's folder (default: this one)")
    parser.add_argument(
        "--settings",
        type=Path,
        help="a variable already set wins (default: local.settings.json, where the environment is not enough)",
    )
    parser.add_argument("--debug", type=port, help="let a debugger (debugpy's protocol) attach to the app at this port")
    parser.add_argument("--quiet", action="store_true", help="only warnings and errors")
    parser.add_argument(
        "--timing",
        type=_timing,
        default=Timing(),
        help='shorter times than the real ones, as JSON: {"leaseSeconds": 2}',
    )
    parser.add_argument("--lifeline", type=int, help="a pipe's reading end: workers die with its last writer")
    parser.add_argument("--pids", type=Path, help="a file that gets the process id of each worker")
    return parser.parse_args()


def _timing(text: str) -> Timing:
    return msgspec.json.decode(text, type=Timing)


if __name__ == "__main__":
    sys.exit(main())
