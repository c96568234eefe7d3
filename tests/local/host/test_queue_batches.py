"""How many messages the host works on at once, and when it fetches the next (docs/facts/functions.md 11, Queues)."""

import os
import time

from azure.storage.queue import QueueServiceClient

from local.host.host_json import Queues
from tests.local.host.rig import send
from tests.local.waiting import until


def test_batches_of_four_and_no_threshold_let_one_long_message_hold_up_all_others(jobs):
    """'`batchSize 4, newBatchThreshold 0`: one long message holds up all others until it ends.'"""
    jobs.host_json(batchSize=4, newBatchThreshold=0)
    queue = jobs.queue()
    send(queue, name="long", sleep=1.5)
    for number in range(5):
        send(queue, name=f"short{number}")
    jobs.start()

    jobs.wait_for("end", count=6)

    begun = sorted(one["at"] for one in jobs.notes("begin"))
    assert begun[3] < jobs.notes("end", "long")[0]["at"] < begun[4]


def test_with_a_threshold_nothing_is_held_up(jobs):
    """'With a threshold of 1 and more nothing is held up.'"""
    jobs.host_json(batchSize=4, newBatchThreshold=1)
    queue = jobs.queue()
    send(queue, name="long", hold=True)
    for number in range(9):
        send(queue, name=f"short{number}")
    jobs.start()

    jobs.wait_for("end", count=9)

    jobs.release("long")
    jobs.wait_for("end", "long")


def test_a_batch_of_one_and_a_threshold_keep_every_place_filled(jobs):
    """'`batchSize 1, newBatchThreshold n-1`: exactly n at once, each place refilled within 0.01 s.'"""
    jobs.host_json(batchSize=1, newBatchThreshold=3, maxPollingInterval="00:01:00")
    queue = jobs.queue()
    for number in range(8):
        send(queue, name=f"held{number}", hold=True)
    jobs.start()

    jobs.wait_for("begin", count=4)
    for number in range(8):
        first = jobs.notes("begin")[number]["name"]
        jobs.release(first)
        jobs.wait_for("end", first)
        jobs.wait_for("begin", count=min(8, number + 5), seconds=3)

    assert jobs.most_at_once() == 4


def test_at_most_the_batch_and_the_threshold_run_at_once(jobs):
    """'Most at once = batchSize + newBatchThreshold (4 to 104 tried)'."""
    jobs.host_json(batchSize=5, newBatchThreshold=2)
    queue = jobs.queue()
    for number in range(20):
        send(queue, name=f"short{number}", sleep=0.1 * (number % 3))
    jobs.start()

    jobs.wait_for("end", count=20)

    assert 5 <= jobs.most_at_once() <= 7


def test_the_limit_is_a_function_s_own(jobs):
    """'The limit is per function'."""
    jobs.host_json(batchSize=1, newBatchThreshold=0)
    queue, elsewhere = jobs.queue(), jobs.queue("elsewhere")
    send(queue, name="held", hold=True)
    jobs.start()
    jobs.wait_for("begin", "held")

    elsewhere.send_message("b3RoZXI=")

    jobs.wait_for("elsewhere", "other")
    assert not jobs.notes("end", "held")


def test_the_default_threshold_is_half_a_batch_a_processor():
    """Section 1: 'newBatchThreshold (batchSize/2)' times N, 'integer division; N = ProcessorCount in code'."""
    processors = os.process_cpu_count()

    assert Queues().threshold == 8 * processors
    assert Queues(batch_size=5).threshold == 2 * processors
    assert Queues(batch_size=1).threshold == 0


def test_a_message_that_a_function_leaves_starts_at_its_end(jobs):
    """'a message queued by a function starts within 0.02 s of its end'."""
    jobs.host_json(maxPollingInterval="00:01:00", batchSize=1, newBatchThreshold=1)
    queue = jobs.queue()
    send(queue, name="first", hold=True)
    jobs.start()
    begun = jobs.wait_for("begin", "first")[0]["at"]
    until(lambda: time.time() - begun > 7)  # By now the host looks every six seconds, and then every twelve.

    send(queue, name="second")
    jobs.release("first")

    jobs.wait_for("begin", "second", seconds=3)


def test_a_missing_queue_is_not_made_and_is_taken_once_it_is_there(jobs, storage_account):
    """'Missing queue: not made, looked for every 2 s, taken 1.7 s after it is made.'"""
    jobs.start()
    assert jobs.post(name="the host works").text == "done"
    with QueueServiceClient.from_connection_string(storage_account) as account:
        assert list(account.list_queues()) == []

    queue = jobs.queue()
    send(queue, name="late")

    jobs.wait_for("end", "late")
    until(lambda: queue.get_queue_properties().approximate_message_count == 0)
