"""A debugger stops in the app's code while the host runs it, as docs/CONTRIBUTING.md says."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx

from local.azurite import ROOT, free_ports
from local.host.process import start_host
from local.host.worker import DEBUG_PORT
from local.office import host_settings

HEALTH = ROOT / "api" / "health.py"


class Debugger:
    """As much of the Debug Adapter Protocol as a breakpoint needs (microsoft.github.io/debug-adapter-protocol)."""

    def __init__(self, port):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            self.file = connection.makefile("rwb")
        self.sent = 0

    def send(self, command, **arguments):
        self.sent += 1
        body = json.dumps({"seq": self.sent, "type": "request", "command": command, "arguments": arguments}).encode()
        self.file.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.file.flush()

    def close(self):
        self.file.close()

    def wait(self, kind, name):
        """The next answer (`response`) to a command, or the next `event`, of a name."""
        while True:
            length = int(self.file.readline().partition(b":")[2])
            self.file.readline()
            told = json.loads(self.file.read(length))
            if told["type"] == kind and name in (told.get("event"), told.get("command")):
                return told


def test_a_debugger_attaches_and_stops_at_a_breakpoint(storage_account, directory, tmp_path):
    lines = HEALTH.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "await self.tables.check()" in text)
    [port, *_] = free_ports()
    settings = host_settings(storage_account, directory, 7071) | {DEBUG_PORT: str(port)}
    host = start_host(settings, tmp_path / "log")
    debugger = Debugger(port)
    try:
        debugger.send("initialize", adapterID="debugpy")
        debugger.send("attach", justMyCode=False)
        debugger.wait("event", "initialized")
        debugger.send("setBreakpoints", source={"path": str(HEALTH)}, breakpoints=[{"line": line}])
        assert debugger.wait("response", "setBreakpoints")["body"]["breakpoints"][0]["verified"]
        debugger.send("configurationDone")
        debugger.wait("response", "configurationDone")

        with ThreadPoolExecutor(1) as beside:
            answer = beside.submit(httpx.get, f"{host.url}/api/health", timeout=60)
            stopped = debugger.wait("event", "stopped")["body"]
            debugger.send("continue", threadId=stopped["threadId"])

            assert stopped["reason"] == "breakpoint"
            assert answer.result().status_code == 200
    finally:
        host.stop()
        debugger.close()
