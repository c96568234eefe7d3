"""What must hold between the time limits."""

import json
from pathlib import Path

import limits

HOST = json.loads((Path(__file__).parents[1] / "host.json").read_text())
LEASE_SECONDS = limits.LEASE.total_seconds()


def seconds(span):
    hours, minutes, rest = span.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_a_lease_outlives_a_heartbeat_and_the_longest_call_to_storage():
    assert LEASE_SECONDS >= limits.HEARTBEAT_SECONDS + limits.TABLE_CALL_SECONDS
    assert LEASE_SECONDS <= 45


def test_a_run_goes_on_within_a_minute_of_its_workers_death():
    assert LEASE_SECONDS + limits.MARGIN_SECONDS + limits.LOOK_AGAIN_AFTER_SECONDS < 60


def test_a_slice_ends_before_the_host_ends_the_worker():
    timeout = seconds(HOST["functionTimeout"])

    assert limits.SLICE_SECONDS <= limits.LONGEST_SLICE_SETTING_SECONDS < limits.LONGEST_SLICE_SECONDS
    ending = limits.TABLE_CALL_SECONDS + limits.QUEUE_CALL_SECONDS
    assert limits.LONGEST_SLICE_SECONDS + ending < limits.LONGEST_MESSAGE_SECONDS
    assert timeout > limits.LONGEST_MESSAGE_SECONDS + limits.QUEUE_CALL_SECONDS


def test_a_pause_that_is_slept_through_is_shorter_than_a_slice():
    assert limits.LONGEST_SLEEP_SECONDS < limits.SLICE_SECONDS


def test_the_longest_delay_is_less_than_a_messages_life():
    assert limits.LONGEST_DELAY_SECONDS < 7 * 86_400


def test_host_json_says_its_times_as_spans():
    """`"30"` means thirty days there, and the first failing message shuts the host down (facts/functions.md 11)."""
    queues = HOST["extensions"]["queues"]

    assert 0 < seconds(queues["visibilityTimeout"]) <= 60
    assert 0.1 <= seconds(queues["maxPollingInterval"]) <= 60
    assert queues["maxDequeueCount"] >= 8


def test_the_host_takes_as_many_messages_at_once_as_there_are_places_and_refills_each():
    """batchSize 1 and newBatchThreshold n-1: exactly n at once (facts/functions.md 11)."""
    queues = HOST["extensions"]["queues"]

    assert queues["batchSize"] == 1
    assert queues["newBatchThreshold"] + 1 == limits.PLACES


def test_a_list_that_is_kept_is_larger_than_what_never_waits_and_three_of_them_have_room():
    kept = limits.MOST_KEPT_ROWS * (limits.KEPT_ROW_BYTES + limits.ROLL_BYTES)

    assert kept > limits.SMALL_BYTES
    assert 3 * kept <= limits.ROOM_BYTES
