"""The whole local cloud: Azurite, the directory, and the function host, started together and ended together."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.azurite import DEFAULT_PORTS, RunningAzurite, start_azurite
from local.host.process import RunningHost, start_host
from local.microsoft.process import RunningDirectory, start_directory

HOST_PORT, DIRECTORY_PORT, DESK_PORT = 7071, 8443, 8081


class PortBusyError(RuntimeError):
    """A port is in use; the message says which, and what to do."""


class FolderError(RuntimeError):
    """The folder for logs and the CA cannot be written; the message names it."""


@dataclass(slots=True)
class Cloud:
    """What runs, and where."""

    azurite: RunningAzurite
    directory: RunningDirectory
    host: RunningHost

    @property
    def portal(self) -> str:
        return f"{self.host.url}/api/portal/"

    def ended(self) -> str | None:
        """Which part has ended by itself, if any."""
        if self.azurite.process.poll() is not None:
            return "Azurite"
        if self.directory.process.poll() is not None:
            return "the local directory"
        return "the function host" if self.host.process.poll() is not None else None


@contextlib.contextmanager
def cloud(state: Path, *directory_options: str, usual_ports: bool, host_port: int = HOST_PORT) -> Iterator[Cloud]:
    """The cloud for the length of a block. `usual_ports`: `host_port` and those of the README, else free ones.

    Raises:
        PortBusyError, AzuriteError, DirectoryError, HostError
        FolderError: `state` cannot be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / "host.log").touch()
    except OSError as error:
        raise FolderError(f"the folder {state} cannot be written ({error.strerror})") from error
    if not usual_ports:
        host_port = _free_port()
    else:
        for port in (host_port, DIRECTORY_PORT, DESK_PORT, *DEFAULT_PORTS):
            _refuse_busy(port)
    public = f"http://localhost:{host_port}"
    callback = f"{public}/api/integrations/entra/consent/callback"
    with contextlib.ExitStack() as stack:
        azurite = start_azurite(ports=DEFAULT_PORTS if usual_ports else None)
        stack.callback(azurite.stop)
        ports = (DIRECTORY_PORT, DESK_PORT) if usual_ports else (0, 0)
        options = ("--redirect-uri", callback, *directory_options)
        directory = start_directory(state / "microsoft", *options, port=ports[0], desk_port=ports[1])
        stack.callback(directory.stop)
        settings = {
            **directory.settings(),
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": azurite.connection_string(),
            "PUBLIC_URL": public,
            "PORTAL_URL": f"{public}/api/portal/",
            "SYNC_SCHEDULE": "0 0 * * * *",
            "SLICE_SECONDS": "240",
        }
        host = start_host(settings, state / "host.log", port=host_port)
        stack.callback(host.stop)
        yield Cloud(azurite, directory, host)


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortBusyError(
                f"port {port} is busy: end what uses it (another `make run`?), then try again"
            ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
