"""The connector at work, on this machine: connect an organisation, sync, change it, sync again, and look.

python -m local.demo            shows it and ends
python -m local.demo --serve    shows it, then serves until Ctrl-C
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from local.arguments import Parser, milliseconds, people, port
from local.azurite import AzuriteError
from local.client import ApiError, Client
from local.cloud import HOST_PORT, Cloud, FolderError, PortBusyError, cloud
from local.host.process import HostError
from local.microsoft.__main__ import CONTOSO
from local.microsoft.browser import Browser
from local.microsoft.control import TenantControl
from local.microsoft.process import DirectoryError
from local.told import EventsShown

_COUNTS = ("read", "added", "linked", "updated", "removed", "unlinked", "unchanged")
_SHOWN_CHANGES = 20


class DemoError(RuntimeError):
    """Something of the cloud ended, or a run did; the message is for a person."""


def main() -> int:
    arguments = _arguments()
    # A pipe has no width of its own; the table of runs needs this much.
    console = Console(width=None if sys.stdout.isatty() else 130, record=arguments.picture is not None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = ("--people", str(arguments.people), "--latency-ms", str(arguments.latency_ms))
    try:
        with cloud(Path(".local"), *options, usual_ports=arguments.serve, host_port=arguments.port) as running:
            events = EventsShown(running.azurite, console)
            try:
                _show(console, running, events, arguments.people)
                if arguments.picture is not None:
                    console.save_svg(str(arguments.picture), title="make demo")
                if arguments.serve:
                    _serve(console, running, events)
            except (httpx.HTTPError, OSError, TimeoutError) as error:
                ended = running.ended()
                raise DemoError(
                    f"{ended} has ended" if ended else f"the local cloud does not answer: {error}"
                ) from error
    except KeyboardInterrupt:
        console.print("\nEnded.")
    except (PortBusyError, FolderError, AzuriteError, DirectoryError, HostError, ApiError, DemoError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = Parser(prog="python -m local.demo", description="Show the connector at work on this machine.")
    parser.add_argument("--serve", action="store_true", help="go on serving until Ctrl-C, on the usual ports")
    parser.add_argument("--port", type=port, default=HOST_PORT, help=f"of the app, with --serve (default: {HOST_PORT})")
    parser.add_argument("--people", type=people, default=2500, help="users of the sample organisation (default: 2500)")
    parser.add_argument(
        "--latency-ms", type=milliseconds, default=150, help="what a page of Graph takes longer (default: 150)"
    )
    parser.add_argument("--picture", type=Path, help="save what was shown as SVG")
    return parser.parse_args()


def _show(console: Console, running: Cloud, events: EventsShown, size: int) -> None:
    alice = Client(running.host.url, running.directory.control, "alice")
    contoso = TenantControl(running.directory.desk, CONTOSO, "")
    console.print(f"[bold]Contoso[/] has {size} users in Microsoft Entra ID. Alice, an admin of emu.chat, connects it.")
    _connect(running, alice)
    console.print("  consent granted, signed in, tenant proven; the default configuration is saved\n")
    runs = [("First sync", _first_sync(console, running, alice, size))]
    events.show()
    changed = changed_people(contoso.users())
    contoso.do(*changed, *other_steps(contoso.users(), len(changed)))
    console.print(f"\n{len(changed)} people change, one is hired, two are disabled, two leave. [bold]Sync Now[/]:")
    runs.append(("Sync Now", _sync(alice, "delta")))
    _print_changes(console, alice, runs[-1][1]["id"])
    events.show()
    runs.append(("Full Resync", _sync(alice, "full")))
    full = runs[-1][1]["counts"]
    written = sum(full[name] for name in _COUNTS if name not in ("read", "unchanged"))
    console.print(f"\n[bold]Full Resync[/] looked at {full['unchanged']} contacts and wrote {written}.\n")
    console.print(_table(runs))


def _connect(running: Cloud, alice: Client) -> None:
    """As a person: Grant permissions, Microsoft's pages, back to the portal; then save the defaults."""
    browser = Browser(running.directory.ca)
    account = f"global.admin@contoso-{CONTOSO[:8]}.example"
    try:
        back = alice.grant(browser, running.portal, account)
    finally:
        browser.close()
    told = parse_qs(urlsplit(back).query)
    if "consent_code" not in told:
        raise DemoError(f"the consent failed: {told.get('consent_error', ['?'])[0]}")
    connected = alice.complete(told["consent_code"][0])
    if connected["connection"] != "not_configured":
        raise DemoError(f"the permission is not usable yet: {connected['permission']}")
    defaults = alice.call("GET", "integrations/entra/fields")["defaultMappings"]
    alice.call("PUT", "integrations/entra/config", {"fieldMappings": defaults})


def _first_sync(console: Console, running: Cloud, alice: Client, size: int) -> dict[str, Any]:
    run = alice.call("GET", "integrations/entra/runs")["runs"][0]
    columns = (
        TextColumn("First sync"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} people, {task.fields[rate]:.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("sync", total=size, rate=0.0)
        while run["state"] in ("queued", "running"):
            run = alice.call("GET", f"integrations/entra/runs/{run['id']}")
            read = run["counts"]["read"]
            progress.update(task, completed=read, rate=read / (time.monotonic() - began))
            if (part := running.ended()) is not None:
                raise DemoError(f"{part} has ended")
            time.sleep(0.1)
    return _good(run)


def _sync(alice: Client, mode: str) -> dict[str, Any]:
    run = alice.call("POST", "integrations/entra/sync", {"mode": mode})["run"]
    return _good(alice.wait(run["id"]))


def _good(run: dict[str, Any]) -> dict[str, Any]:
    if run["state"] != "completed":
        raise DemoError(f"the run is {run['state']}: {run['error']}")
    return run


type Step = tuple[Any, ...]
"""A change of the sample organisation, as its control takes it."""

_CHANGED = 12


def changed_people(users: Sequence[dict[str, Any]]) -> list[Step]:
    """A dozen people's changes, fewer in a small organisation. Each of them changes a value that a contact shows."""
    phone, name = {"mobilePhone": "+41 79 555 01 23"}, {"surname": "Newname-O'Hara"}
    steps: list[Step] = []
    for place, user in enumerate(_staff(users)[:_CHANGED]):
        company = {"companyName": None if user.get("companyName") else "Contoso Labs"}
        steps.append(("change", user["id"], (phone, name, company)[place % 3]))
    return steps


def other_steps(users: Sequence[dict[str, Any]], passed_by: int) -> list[Step]:
    """Two people are disabled and two leave, after those who change; one is hired."""
    others = _staff(users)[passed_by : passed_by + 4]
    hired = {"displayName": "Noor Newcomer", "givenName": "Noor", "surname": "Newcomer", "mail": "noor@contoso.example"}
    return [
        *(("change", user["id"], {"accountEnabled": False}) for user in others[:2]),
        *(("remove", user["id"]) for user in others[2:]),
        ("hire", {**hired, "accountEnabled": True}),
    ]


def _staff(users: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        user for user in users if user["removed"] is None and user["accountEnabled"] and user.get("userType") != "Guest"
    ]


def _print_changes(console: Console, alice: Client, run_id: str) -> None:
    changes = alice.call("GET", f"integrations/entra/runs/{run_id}/changes")["changes"]
    for change in changes[:_SHOWN_CHANGES]:
        before, after = change["before"], change["after"]
        told = [
            f"{name}: [red]{escape(before.get(name, '-'))}[/] → [green]{escape(after.get(name, '-'))}[/]"
            for name in sorted({*before, *after})
        ]
        console.print(f"  {change['outcome']:<9} {escape(change['name'])}  {'; '.join(told)}", soft_wrap=True)
    if len(changes) > _SHOWN_CHANGES:
        console.print(f"  … and {len(changes) - _SHOWN_CHANGES} more")


def _table(runs: Sequence[tuple[str, dict[str, Any]]]) -> Table:
    table = Table("run", *_COUNTS, "seconds", "requests to Graph", "storage transactions", expand=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, run in runs:
        counts = [str(run["counts"][count]) for count in _COUNTS]
        seconds = datetime.fromisoformat(run["completedAt"]) - datetime.fromisoformat(run["startedAt"])
        cost = run["cost"]
        table.add_row(
            name, *counts, f"{seconds.total_seconds():.2f}", str(cost["graphRequests"]), str(cost["tableTransactions"])
        )
    return table


def _serve(console: Console, running: Cloud, events: EventsShown) -> None:
    console.print(f"\n  Integrations page   {running.portal}")
    console.print(f"  Sign in to emu.chat {running.directory.desk}/identity/sign-in")
    console.print(f"  API                 {running.host.url}/api/health")
    console.print(f"  Microsoft (local)   {running.directory.address}")
    console.print("\nServing until Ctrl-C.")
    while (part := running.ended()) is None:
        events.show()
        time.sleep(0.5)
    raise DemoError(f"{part} has ended")


if __name__ == "__main__":
    sys.exit(main())
