"""How a host ends, in peace and by force, and what its worker does then (docs/facts/functions.md 11, Queues)."""

import concurrent.futures
import json
import signal
import subprocess
import sys
import time

import httpx
import pytest

from local.host.process import ROOT, HostError, is_alive
from local.host.timing import Timing
from tests.local.host.rig import send
from tests.local.waiting import until


def test_a_killed_host_leaves_a_worker_that_finishes_and_the_work_is_done_twice(jobs):
    """'Host killed: its messages are visible after 600 s. The Python worker lives on and finishes what it does (39.6 s
    later); nobody deletes the message, so the work is done twice.' The lease is two seconds here.
    """
    send(jobs.queue(), name="message", hold=True)
    first = jobs.start(Timing(lease_seconds=2))
    orphan = jobs.wait_for("begin", "message")[0]["pid"]

    first.kill_host()
    assert first.living_workers == [orphan]
    second = jobs.start(Timing(lease_seconds=2))
    jobs.wait_for("begin", "message", count=2)
    jobs.release("message")

    ends = jobs.wait_for("end", "message", count=2)
    assert {one["pid"] for one in ends} == {orphan, second.worker_pid}
    until(lambda: first.living_workers == [])


def test_an_orphan_with_nothing_to_do_ends(jobs):
    host = jobs.start()

    host.kill_host()

    until(lambda: host.living_workers == [])


def test_stopping_leaves_no_process_behind_an_orphan_neither(jobs):
    send(jobs.queue(), name="message", hold=True)
    host = jobs.start()
    jobs.wait_for("begin", "message")
    host.kill_host()
    assert host.living_workers

    host.stop()

    assert host.living_workers == []
    assert group(host.pid) == []


def group(pid):
    """The processes of the host's session."""
    told = subprocess.run(["ps", "-o", "pid=", "-s", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.split()


def test_a_worker_dies_with_the_process_that_started_its_host(jobs):
    script = (
        "import json, os, sys; from pathlib import Path; from local.host.process import start_host;"
        "host = start_host(json.loads(sys.argv[1]), Path(sys.argv[2]), root=Path(sys.argv[3]));"
        "print(host.url, host.worker_pid, flush=True); sys.stdin.read()"
    )
    settings = {"AzureWebJobsStorage": jobs.storage, "NOTES": str(jobs.folder / "notes"), "TICK": "0 0 0 1 1 *"}
    starter = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(settings), str(jobs.folder / "log0"), str(jobs.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url, worker = starter.stdout.readline().split()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        thread.submit(httpx.post, f"{url}/api/do", json={"name": "request", "hold": True})
        jobs.wait_for("begin", "request")

        starter.kill()

    starter.communicate()
    until(lambda: not is_alive(int(worker)))


def test_after_sigterm_requests_are_refused_messages_still_taken_and_what_runs_is_answered(jobs):
    """'SIGTERM: HTTP is refused at once, running requests are answered, new messages are still taken'."""
    queue = jobs.queue()
    host = jobs.start(Timing(patience_seconds=60))
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        answer = thread.submit(jobs.post, name="running", hold=True)
        jobs.wait_for("begin", "running")

        host.terminate()
        until(lambda: is_refused(jobs.url))
        send(queue, name="message")
        jobs.wait_for("end", "message")
        jobs.release("running")

        assert answer.result(10).text == "done"
    assert host.wait(10) == 0
    assert host.living_workers == []


def test_after_sigterm_a_connection_that_is_kept_open_takes_no_request_either(jobs):
    """'SIGTERM: HTTP is refused at once'."""
    send(jobs.queue(), name="message", hold=True)
    host = jobs.start(Timing(patience_seconds=60))
    jobs.wait_for("begin", "message")
    with httpx.Client(base_url=host.url) as client:
        assert client.get("/api/where").status_code == 200

        host.terminate()
        until(lambda: is_refused(host.url))

        with pytest.raises(httpx.TransportError):
            client.get("/api/where")


def is_refused(url):
    try:
        httpx.get(url, timeout=1)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False  # Its connection was made just before the host closed the port, and nobody reads from it any more.
    return False


def test_ten_seconds_after_sigterm_everything_is_killed_and_nothing_runs_at_the_end(jobs):
    """'after 10 s everything is killed: no CancelledError, no `finally`, no `atexit`. Unfinished messages stay hidden
    for their 600 s.' The ten seconds are one here.
    """
    queue = jobs.queue()
    send(queue, name="message", hold=True)
    host = jobs.start(Timing(patience_seconds=1))
    jobs.wait_for("begin", "message")
    began = time.monotonic()

    host.terminate()

    assert host.wait(30) == 0
    assert time.monotonic() - began > 0.9
    until(lambda: host.living_workers == [])
    assert [one["what"] for one in jobs.notes()] == ["begin"]
    assert list(queue.receive_messages()) == []
    assert queue.get_queue_properties().approximate_message_count == 1


def test_an_idle_host_ends_at_once(jobs):
    host = jobs.start()

    host.terminate()

    assert host.wait(8) == 0
    assert host.living_workers == []


def test_a_second_signal_does_not_wait(jobs):
    send(jobs.queue(), name="message", hold=True)
    host = jobs.start(Timing(patience_seconds=600))
    jobs.wait_for("begin", "message")

    host.terminate()
    until(lambda: is_refused(jobs.url))
    host.process.send_signal(signal.SIGINT)

    assert host.wait(20) == 0


@pytest.mark.parametrize("text", ["", "raise RuntimeError('told to')", "import nothing_of_that_name"])
def test_an_app_that_cannot_be_loaded_is_said_and_nothing_is_left(jobs, text):
    (jobs.folder / "function_app.py").write_text(text)

    with pytest.raises(HostError, match="the app cannot be loaded"):
        jobs.start()
