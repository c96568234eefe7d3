"""What becomes of a message: decoding, failure, poison, lease (docs/facts/functions.md 11, Queues)."""

import base64
from itertools import pairwise

import pytest

from local.host.timing import Timing
from tests.local.host.rig import send
from tests.local.waiting import until


def count(queue):
    return queue.get_queue_properties().approximate_message_count


def test_a_failed_message_comes_back_after_the_visibility_timeout_and_ends_in_poison_as_it_was(jobs):
    """'the message comes back after visibilityTimeout, at the maximum it goes to poison'; the body is identical."""
    jobs.host_json(visibilityTimeout="00:00:01", maxDequeueCount=3, maxPollingInterval="00:00:00.1")
    queue = jobs.queue()
    send(queue, name="bad", fail=True)
    sent = queue.peek_messages()[0].content
    jobs.start()

    buried = jobs.wait_for("buried", "bad")

    tries = jobs.notes("begin", "bad")
    assert [one["count"] for one in tries] == [1, 2, 3]
    assert all(later["at"] - earlier["at"] > 0.9 for earlier, later in pairwise(tries))
    assert buried[0]["count"] == 1
    assert sent == base64.b64encode(b'{"name": "bad", "fail": true}').decode()


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"unpadded").decode().rstrip("="), "_-__"])
def test_what_is_not_base64_is_poison_at_once(jobs, text):
    """'Not Base64, unpadded or URL-safe: poison at once, never called.'"""
    queue = jobs.queue()
    queue.send_message(text)
    (jobs.folder / "function_app.py").write_text(without_bury(jobs))
    jobs.start()

    poison = jobs.queue("jobs-poison")
    until(lambda: count(poison) == 1)

    assert poison.peek_messages()[0].content == text
    assert jobs.notes() == []
    until(lambda: count(queue) == 0)


def test_what_is_not_utf8_is_never_called_and_ends_in_poison(jobs):
    """'Not UTF-8: never called, fails in the binding, poison.'"""
    jobs.host_json(visibilityTimeout="00:00:00", maxDequeueCount=2, maxPollingInterval="00:00:00.1")
    (jobs.folder / "function_app.py").write_text(without_bury(jobs))
    text = base64.b64encode(b"\xff\xfe").decode()
    jobs.queue().send_message(text)
    jobs.start()

    poison = jobs.queue("jobs-poison")
    until(lambda: count(poison) == 1)

    assert poison.peek_messages()[0].content == text
    assert jobs.notes() == []
    assert jobs.log().count("Executed 'Functions.work' (Failed)") == 2


def without_bury(jobs):
    text = (jobs.folder / "function_app.py").read_text()
    return text.replace('queue_name="jobs-poison"', 'queue_name="nowhere"')


def test_white_space_around_is_accepted_and_an_empty_message_is_called(jobs):
    """'White space around is accepted. Empty: called with `b""`.'"""
    queue = jobs.queue()
    queue.send_message(" \n" + base64.b64encode(b"padded").decode() + "\t\r\n")
    queue.send_message("")
    jobs.start()

    jobs.wait_for("end", "padded")
    jobs.wait_for("end", "")


def test_a_poison_function_that_raises_is_called_again_after_the_lease_without_a_maximum(jobs):
    """'its message comes back after 600 s, with no maximum, until its life ends' (600 s are one here)."""
    jobs.host_json(maxDequeueCount=3, visibilityTimeout="00:00:00", maxPollingInterval="00:00:00.1")
    send(jobs.queue("jobs-poison"), name="bad", restless=True)
    jobs.start(Timing(lease_seconds=1))

    calls = jobs.wait_for("buried", "bad", count=4)

    assert [one["count"] for one in calls] == [1, 2, 3, 4]
    assert calls[3]["at"] - calls[0]["at"] > 2.5


def test_a_lease_is_renewed_while_the_function_runs(jobs):
    """'Lease 600 s, renewed after 300 s' (600 s are four here)."""
    queue = jobs.queue()
    send(queue, name="long", sleep=6)
    jobs.start(Timing(lease_seconds=4))

    jobs.wait_for("end", "long")

    until(lambda: count(queue) == 0)
    assert len(jobs.notes("begin", "long")) == 1


def test_another_storage_account_is_used_where_the_binding_names_one(jobs, azurite):
    """Section 1: the binding's `connection` names the setting."""
    jobs.storage, first = azurite.connection_string("account1480"), jobs.storage
    elsewhere = jobs.queue("elsewhere")
    elsewhere.send_message(base64.b64encode(b"other").decode())
    jobs.start(AzureWebJobsStorage=first, OtherStorage=jobs.storage)

    jobs.wait_for("elsewhere", "other")


def test_a_function_whose_connection_is_missing_is_off_and_the_others_run(jobs):
    """Section 1: the binding's `connection` names the setting."""
    jobs.start(OtherStorage="")
    queue = jobs.queue()
    send(queue, name="one")

    jobs.wait_for("end", "one")

    assert "The 'work_elsewhere' function is in error: OtherStorage is missing" in jobs.log()


def test_thirty_for_a_visibility_timeout_means_days_and_the_first_failure_ends_the_host(jobs):
    """'`visibilityTimeout: "30"` means thirty days, and the first failing message shuts the host down.'"""
    jobs.host_json(visibilityTimeout="30")
    queue = jobs.queue()
    send(queue, name="good")
    host = jobs.start()
    jobs.wait_for("end", "good")

    send(queue, name="bad", fail=True)

    host.wait(30)
    assert len(jobs.notes("begin", "bad")) == 1
