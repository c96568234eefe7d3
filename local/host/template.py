"""The process that workers are forked from: it has imported what every worker needs, and never runs the app.

So a start costs no more than in one process, and a new worker is there as quickly as on the real host (0.4 s). The
host forks it before its event loop begins; it ends when the host closes the socket, or dies.
"""

import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

_PID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Spawned:
    """A worker's process id, and the host's end of the socket pair to it."""

    pid: int
    socket: socket.socket

    def kill(self) -> None:
        """End it, hard: nothing of the app's runs at the end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Template:
    """The host's side. `pids` is a file that gets a line with the process id of each worker, for tests."""

    pid: int
    commands: socket.socket
    pids: Path | None

    def spawn(self) -> Spawned:
        """Fork a worker."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self.commands, [b"w"], [theirs.fileno()])
        theirs.close()
        pid = int.from_bytes(self.commands.recv(_PID_BYTES), "big")
        if self.pids is not None:
            with self.pids.open("a") as file:
                file.write(f"{pid}\n")
        return Spawned(pid, ours)

    def close(self) -> None:
        """End the process. Its workers are not ended with it."""
        self.commands.close()
        os.waitpid(self.pid, 0)


def fork_template(root: Path, lifeline: int | None, pids: Path | None) -> Template:
    """Fork it. Call this with nothing started: no thread and no event loop.

    `root` is the app's folder. `lifeline` is a pipe's reading end: a worker dies with the pipe's last writer.
    """
    ours, theirs = socket.socketpair()
    if pid := os.fork():
        theirs.close()
        return Template(pid, ours, pids)
    ours.close()
    # A session of its own: Ctrl-C in a terminal is the host's to answer. The host's output is its starter's to read.
    os.setsid()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _fork_workers(theirs, root, lifeline)
    os._exit(0)


def _fork_workers(commands: socket.socket, root: Path, lifeline: int | None) -> None:
    """Fork a worker for each command, until the host closes the socket or dies."""
    from local.host.worker import run  # noqa: PLC0415 - Microsoft's library is not the host's

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        command, descriptors, _, _ = socket.recv_fds(commands, 1, 1)
        if not command:
            return
        if (pid := os.fork()) == 0:
            commands.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(root, socket.socket(fileno=descriptors[0]), lifeline)
        os.close(descriptors[0])
        commands.send(pid.to_bytes(_PID_BYTES, "big"))
