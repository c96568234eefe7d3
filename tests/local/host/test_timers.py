"""When the host runs a timer's function (docs/facts/functions.md 11, Timers)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobLeaseClient, ContainerClient

from local.host.timing import Timing
from tests.local.waiting import until

EVERY_SECOND = "* * * * * *"
HOURLY = "0 0 * * * *"
STATUS, LOCK = "timers/local/tick/status", "locks/local/tick.Listener"


@pytest.fixture
def container(jobs):
    """Where hosts keep the timers' state."""
    with ContainerClient.from_connection_string(jobs.storage, "azure-webjobs-hosts") as container:
        container.create_container()
        yield container


def stored(container):
    names = [blob.name for blob in container.list_blobs()]
    return json.loads(container.download_blob(STATUS).readall()) if STATUS in names else None


def store(container, last, following):
    status = {"Last": last.isoformat(), "Next": following.isoformat(), "LastUpdated": last.isoformat()}
    container.upload_blob(STATUS, json.dumps(status), overwrite=True)


def the_hour():
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def test_there_is_no_run_at_the_first_start(jobs, container):
    """'no run at the first start'."""
    jobs.start(TICK=HOURLY)

    status = until(lambda: stored(container))

    assert datetime.fromisoformat(status["Next"]) == the_hour() + timedelta(hours=1)
    assert jobs.notes("tick") == []


def test_missed_occurrences_are_one_run_past_due(jobs, container):
    """'Missed ones: one run, `past_due`.'"""
    hour = the_hour()
    store(container, hour - timedelta(hours=5), hour - timedelta(hours=4))
    jobs.start(TICK=HOURLY)

    until(lambda: datetime.fromisoformat(stored(container)["Next"]) == hour + timedelta(hours=1))

    assert [one["past_due"] for one in jobs.notes("tick")] == [True]


def test_another_schedule_makes_up_for_nothing_of_the_old_one(jobs, container):
    """Section 2: 'Changing the cron resets Next, no catch-up'."""
    hour = the_hour()
    store(container, hour - timedelta(hours=5), hour - timedelta(hours=4))
    jobs.start(TICK="0 0 0 1 1 *")

    until(lambda: datetime.fromisoformat(stored(container)["Next"]) > hour)

    assert jobs.notes("tick") == []


def test_a_state_of_another_form_begins_anew(jobs, container):
    container.upload_blob(STATUS, json.dumps({"Next": the_hour().isoformat(), "Schedule": "an older host's"}))
    jobs.start(TICK=HOURLY)

    until(lambda: "LastUpdated" in stored(container))

    assert jobs.notes("tick") == []


def test_under_a_minute_no_state_is_kept(jobs, container):
    """'Under one minute: no state is kept.'"""
    jobs.start(TICK=EVERY_SECOND)

    ticks = jobs.wait_for("tick", count=3)

    assert stored(container) is None
    assert not any(one["past_due"] for one in ticks)


def test_after_an_overrun_the_next_run_starts_at_once_and_never_beside(jobs):
    """'After an overrun the next run starts at once (corrects 2).' Every second second, and each run takes three."""
    jobs.start(TICK="*/2 * * * * *", TICK_SECONDS="2.5")

    jobs.wait_for("tick end", count=2, seconds=40)

    notes = [one for one in jobs.notes() if one["what"].startswith("tick")]
    assert [one["what"] for one in notes[:4]] == ["tick", "tick end", "tick", "tick end"]
    assert notes[2]["at"] - notes[1]["at"] < 1


def test_a_run_that_is_killed_comes_again_past_due(jobs, container):
    """'Killed in the middle: the same occurrence again, `past_due`.'"""
    hour = the_hour()
    store(container, hour - timedelta(hours=2), hour - timedelta(hours=1))
    first = jobs.start(TICK=HOURLY, TICK_SECONDS="100")
    jobs.wait_for("tick")

    first.kill()
    lapse(container)
    jobs.start(TICK=HOURLY)

    again = jobs.wait_for("tick end")
    assert len(again) == 1
    assert [one["past_due"] for one in jobs.notes("tick")] == [True, True]


def lapse(container):
    """What a minute does: a dead host's lease ends."""
    BlobLeaseClient(container.get_blob_client(LOCK)).break_lease(0)


def test_a_failing_worker_does_not_stop_the_schedule(jobs):
    """Section 2: 'Timer errors don't stop the schedule'."""
    host = jobs.start(TICK=EVERY_SECOND)
    jobs.wait_for("tick end")

    host.kill_worker()

    jobs.wait_for("tick end", count=len(jobs.notes("tick end")) + 2)


def test_of_two_hosts_one_runs_and_the_other_takes_over_after_a_kill(jobs, container):
    """'Two hosts: one runs; after a kill the other takes over in 78 s.' Here the lease ends at once."""
    timing = Timing(singleton_retry_seconds=0.2)
    first = jobs.start(timing, TICK=EVERY_SECOND)
    jobs.wait_for("tick")
    second = jobs.start(timing, TICK=EVERY_SECOND)
    until(lambda: "The lease of 'tick.Listener' cannot be had" in jobs.log())
    seen = len(jobs.notes("tick"))
    jobs.wait_for("tick", count=seen + 2)
    assert {one["pid"] for one in jobs.notes("tick")} == {first.worker_pid}

    first.kill()
    lapse(container)

    until(lambda: jobs.notes("tick")[-1]["pid"] == second.worker_pid)


def test_a_host_that_ends_in_peace_gives_its_timers_back(jobs, container):
    """A lease that lasts for a minute would hold up the next host of a developer."""
    first = jobs.start(TICK=EVERY_SECOND)
    jobs.wait_for("tick end")

    first.stop()

    BlobLeaseClient(container.get_blob_client(LOCK)).acquire(15)


def test_a_lease_is_held_and_renewed(jobs, container):
    """Section 2: 'lease 60 s renewed'."""
    jobs.start(Timing(singleton_seconds=15), TICK=EVERY_SECOND)
    jobs.wait_for("tick")

    with pytest.raises(HttpResponseError, match="LeaseAlreadyPresent"):
        BlobLeaseClient(container.get_blob_client(LOCK)).acquire(15)


@pytest.mark.parametrize("schedule", ["every hour", "0 0 25 * * *", "* * * *"])
def test_a_bad_schedule_turns_that_function_alone_off(jobs, schedule):
    """'Bad or missing schedule: that function alone is off, the rest runs.'"""
    jobs.start(TICK=schedule)

    assert jobs.post(name="request").text == "done"
    assert "The 'tick' function is in error" in jobs.log()


def test_a_missing_schedule_turns_that_function_alone_off(jobs):
    """'Bad or missing schedule: that function alone is off, the rest runs.'"""
    text = (jobs.folder / "function_app.py").read_text()
    (jobs.folder / "function_app.py").write_text(text.replace("%TICK%", "%NO_SUCH_SETTING%"))
    jobs.start()

    assert jobs.post(name="request").text == "done"
    assert "The 'tick' function is in error: the setting NO_SUCH_SETTING is missing" in jobs.log()
