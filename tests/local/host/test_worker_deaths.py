"""What happens when a worker dies or is too slow, and the host lives (docs/facts/functions.md 11, Queues)."""

import concurrent.futures
import time

import httpx

from local.host.timing import Timing
from tests.local.host.rig import send
from tests.local.waiting import until


def worker_of(jobs):
    return httpx.get(f"{jobs.url}/api/where", timeout=30).json()["pid"]


def test_the_worker_is_a_process_of_its_own(jobs):
    host = jobs.start()

    assert worker_of(jobs) == host.worker_pid != host.pid


def test_a_killed_worker_fails_what_runs_and_its_messages_come_back(jobs):
    """'Worker killed, host alive: executions fail at once, HTTP in flight gets 500, a new worker is there in 0.4 s, and
    messages come back after visibilityTimeout (30 s with our host.json), count + 1.' Here it is one second.
    """
    send(jobs.queue(), name="message", hold=True)
    host = jobs.start()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        answer = thread.submit(jobs.post, name="request", hold=True)
        jobs.wait_for("begin", "message")
        jobs.wait_for("begin", "request")

        killed = host.kill_worker()
        at = time.time()
        assert (answer.result(5).status_code, answer.result().content) == (500, b"")

    assert worker_of(jobs) == host.worker_pid != killed
    again = jobs.wait_for("begin", "message", count=2)[1]
    assert again["count"] == 2
    assert again["at"] - at > 0.9
    jobs.release("message")
    jobs.wait_for("end", "message")
    assert [one["pid"] for one in jobs.notes("finally")] == [host.worker_pid]
    assert host.process.poll() is None


def test_what_comes_while_there_is_no_worker_waits_for_the_next(jobs):
    """'a new worker is there in 0.4 s': nothing that arrives meanwhile is lost."""
    queue = jobs.queue()
    host = jobs.start()

    host.kill_worker()
    until(lambda: "The worker process ended" in jobs.log())
    send(queue, name="message")

    assert jobs.post(name="request").text == "done"
    jobs.wait_for("end", "message")


def test_the_third_death_ends_the_host(jobs):
    """'The third death within 30 minutes ends the host (rc 0).'"""
    host = jobs.start()
    for deaths in range(3):
        assert host.process.poll() is None
        until(lambda deaths=deaths: len(host.worker_pids) == deaths + 1 and worker_of(jobs) == host.worker_pid)
        host.kill_worker()

    assert host.wait(30) == 0
    assert host.living_workers == []


def test_deaths_further_apart_do_not_end_the_host(jobs):
    """'The third death within 30 minutes': 30 minutes are no time here."""
    host = jobs.start(Timing(deaths_seconds=0))
    for deaths in range(4):
        until(lambda deaths=deaths: len(host.worker_pids) == deaths + 1 and worker_of(jobs) == host.worker_pid)
        host.kill_worker()
    until(lambda: len(host.worker_pids) == 5)

    assert jobs.post(name="request").text == "done"


def test_a_timed_out_execution_ends_its_whole_worker_and_nothing_runs_at_the_end(jobs):
    """'functionTimeout: the execution fails, two seconds later the whole worker is killed, without a CancelledError […]
    The timed-out message does come back and ends in poison.'
    """
    jobs.host_json(functionTimeout="00:00:01", visibilityTimeout="00:00:01", maxDequeueCount=2)
    send(jobs.queue(), name="slow", hold=True)
    host = jobs.start()
    first = worker_of(jobs)
    began = jobs.wait_for("begin", "slow")[0]["at"]

    until(lambda: host.worker_pid != first)
    assert time.time() - began > 2.5

    jobs.wait_for("buried", "slow")
    assert {one["what"] for one in jobs.notes(name="slow")} == {"begin", "buried"}
    assert [one["count"] for one in jobs.notes("begin", "slow")] == [1, 2]


def test_other_executions_of_a_timed_out_worker_hang_until_their_own_time_out(jobs):
    """'other executions on it hang until their own time-out'; they do not fail with the worker."""
    jobs.host_json(functionTimeout="00:00:04", visibilityTimeout="00:00:01")
    send(jobs.queue(), name="slow", hold=True)
    host = jobs.start(Timing(grace_seconds=0.5))
    first = host.worker_pid
    began = jobs.wait_for("begin", "slow")[0]["at"]
    until(lambda: time.time() - began > 2)

    asked = time.time()
    answer = jobs.post(name="other", hold=True)

    assert answer.status_code == 500
    assert host.worker_pid != first
    assert time.time() - asked > 3.9
    jobs.wait_for("begin", "slow", count=2)
    assert jobs.notes("finally") == []


def test_an_execution_that_ends_within_the_grace_spares_its_worker(jobs):
    """'two seconds later the whole worker is killed': an execution that is over by then leaves nothing to kill for."""
    jobs.host_json(functionTimeout="00:00:01", visibilityTimeout="00:05:00")
    send(jobs.queue(), name="slow", sleep=1.3)
    host = jobs.start(Timing(grace_seconds=2))
    jobs.wait_for("end", "slow")

    assert "Timeout value of 1.0 s was exceeded" in until(lambda: "exceeded" in jobs.log() and jobs.log())
    assert jobs.post(name="later").text == "done"
    assert len(host.worker_pids) == 1


def test_a_blocked_event_loop_is_not_noticed(jobs):
    """'An event loop that is blocked for 40 s is not noticed.' Here it is two seconds."""
    send(jobs.queue(), name="blocking", block=2)
    host = jobs.start()
    jobs.wait_for("begin", "blocking")

    assert jobs.post(name="request").text == "done"

    assert jobs.notes("end", "blocking")
    assert len(host.worker_pids) == 1
