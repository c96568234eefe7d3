"""The host as a child process, for the demo and for tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.lifeline import die_with_parent

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
ROOT = Path(__file__).resolve().parent.parent.parent


class HostError(RuntimeError):
    """The host did not start; the message is what it said."""


@dataclass(slots=True)
class RunningHost:
    """A running host. `log` is a file with all that it printed."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """End it in peace: what runs may finish."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_host(
    settings: Mapping[str, str],
    log: Path,
    *,
    port: int = 0,
    root: Path = ROOT,
    beside: Path = ROOT,
    quiet: bool = False,
) -> RunningHost:
    """Start the host with settings of its own (they win over the caller's environment), and wait until it listens.

    `root` is where the app is, `beside` where the host's own code is.

    Raises:
        HostError
    """
    command = [sys.executable, "-m", "local.host", "--port", str(port), "--root", str(root)]
    command += ["--settings", os.devnull + ".none", *(["--quiet"] if quiet else [])]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{beside}", **settings}
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=beside,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    running = RunningHost(process, "", log)
    until = time.monotonic() + _START_SECONDS
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line or time.monotonic() > until:
        running.stop()
        said = [one for one in log.read_text().splitlines() if one.strip()]
        raise HostError("\n".join(said[-20:]) or "the host ended at once")
    running.url = json.loads(line)["url"]
    return running
