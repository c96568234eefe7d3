"""The local directory as a child process, for the demo and for tests."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.lifeline import die_with_parent
from local.microsoft.control import DirectoryControl

_STOP_SECONDS = 10.0
ROOT = Path(__file__).resolve().parent.parent.parent


class DirectoryError(RuntimeError):
    """The directory did not start; the message is what it said."""


@dataclass(slots=True)
class RunningDirectory:
    """A running directory. `address` is login and Graph, `desk` identity and control, `ca` its authority's file."""

    process: subprocess.Popen[str]
    address: str
    desk: str
    ca: str

    @property
    def control(self) -> DirectoryControl:
        return DirectoryControl(self.desk)

    def settings(self) -> dict[str, str]:
        """What a connector needs to know to use it: settings, and the standard variables for a CA."""
        return {
            "ENTRA_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
            "ENTRA_CLIENT_SECRET": "local-only-client-secret",
            "ENTRA_AUTHORITY": self.address,
            "GRAPH_ENDPOINT": self.address,
            "PLATFORM_ISSUER": f"{self.desk}/identity",
            "PLATFORM_AUDIENCE": "emu.chat",
            "PLATFORM_JWKS_URL": f"{self.desk}/identity/jwks",
            "PORTAL_TOKEN_URL": f"{self.desk}/identity/token",
            "STATE_SECRET": "local-only-state-secret-of-32-characters",
            "SSL_CERT_FILE": self.ca,
            "REQUESTS_CA_BUNDLE": self.ca,
        }

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_directory(state: Path, *options: str, port: int = 0, desk_port: int = 0) -> RunningDirectory:
    """Start the directory and wait until it answers; `options` as its command has them.

    Raises:
        DirectoryError
    """
    command = [sys.executable, "-m", "local.microsoft", "--port", str(port), "--desk-port", str(desk_port)]
    process = subprocess.Popen(
        [*command, "--state", str(state), *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        told = json.loads(line)
    except ValueError as error:
        rest = process.stdout.read()
        RunningDirectory(process, "", "", "").stop()
        raise DirectoryError((line + rest).strip() or "the local directory ended at once") from error
    return RunningDirectory(process, told["graph"], told["desk"], told["ca"])


@contextlib.contextmanager
def directory(state: Path, *options: str) -> Iterator[RunningDirectory]:
    """The directory for the length of a block."""
    running = start_directory(state, *options)
    try:
        yield running
    finally:
        running.stop()
