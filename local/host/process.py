"""The host as a child process, for the demo and for tests: its start, its end, and its accidents."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from local.host.timing import Timing
from local.lifeline import die_with_parent

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_KILL_SECONDS = 10.0
_PAUSE_SECONDS = 0.01
ROOT = Path(__file__).resolve().parent.parent.parent
_NO_SETTINGS = Path(__file__).with_name("no_settings.json")
"""A developer's own local.settings.json must not reach the demo or a test."""


class HostError(RuntimeError):
    """The host did not start; the message is what it said."""


@dataclass(slots=True)
class RunningHost:
    """A running host. `log` is a file with all that it and its workers printed."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    pids: Path
    """A file with the process ids of its workers, the oldest first."""
    lifeline: int
    """The writing end of a pipe: when it closes, the workers die, those without a host too."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def worker_pids(self) -> list[int]:
        """Every worker that the host has started, the oldest first."""
        return [int(line) for line in self.pids.read_text().split()] if self.pids.exists() else []

    @property
    def worker_pid(self) -> int:
        """The newest worker, which runs the functions."""
        return self.worker_pids[-1]

    @property
    def living_workers(self) -> list[int]:
        """The workers that are alive, orphans included."""
        return [pid for pid in self.worker_pids if is_alive(pid)]

    def stop(self) -> None:
        """End it in peace: what runs may finish, for some seconds. Nothing is left behind."""
        self.terminate()
        try:
            self.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.kill()

    def terminate(self) -> None:
        """Send SIGTERM, as Azure does at a deployment, and do not wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Wait for the end of the host itself; its exit status.

        Raises:
            subprocess.TimeoutExpired
        """
        return self.process.wait(seconds)

    def kill_worker(self) -> int:
        """Kill the worker alone (SIGKILL), as an accident does; its process id. The host starts another one."""
        pid = self.worker_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_host(self) -> None:
        """Kill the host alone (SIGKILL). Its worker lives on until it has finished what it runs, or until `stop`."""
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        """End the host and every worker at once, whatever they do."""
        self.process.kill()
        self._cut_lifeline()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        until = time.monotonic() + _KILL_SECONDS
        while self.living_workers and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)

    def _cut_lifeline(self) -> None:
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1


def start_host(
    settings: Mapping[str, str],
    log: Path,
    *,
    port: int = 0,
    root: Path = ROOT,
    beside: Path = ROOT,
    quiet: bool = False,
    timing: Timing | None = None,
) -> RunningHost:
    """Start the host with settings of its own (they win over the caller's environment), and wait until it listens.

    `root` is where the app is, `beside` where the host's own code is. `timing` shortens what takes long.

    Raises:
        HostError
    """
    pids = log.with_name(f"{log.name}.workers")
    pids.unlink(missing_ok=True)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "local.host", "--port", str(port), "--root", str(root)]
    command += ["--settings", str(_NO_SETTINGS), "--pids", str(pids), "--lifeline", str(reading)]
    command += ["--quiet"] if quiet else []
    command += [] if timing is None else ["--timing", msgspec.json.encode(timing).decode()]
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
            pass_fds=[reading],
        )
    os.close(reading)
    running = RunningHost(process, "", log, pids, writing)
    until = time.monotonic() + _START_SECONDS
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line or time.monotonic() > until:
        running.stop()
        said = [one for one in log.read_text().splitlines() if one.strip()]
        raise HostError("\n".join(said[-20:]) or "the host ended at once")
    running.url = json.loads(line)["url"]
    return running


def is_alive(pid: int) -> bool:
    """Whether a process is there, and more than an entry that nobody has fetched yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
