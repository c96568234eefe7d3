"""What the host does while its storage is away (docs/facts/functions.md 11, host.json)."""

import asyncio

import pytest

from local.host.timing import Timing
from tests.local.host.door import Door
from tests.local.host.rig import send
from tests.local.waiting import until_async

TIMING = Timing(outage_seconds=10, patience_seconds=1)


@pytest.fixture
async def door(azurite, jobs):
    door = await Door(azurite.ports[1]).open()
    jobs.settings["AzureWebJobsStorage"] = jobs.storage.replace(f":{azurite.ports[1]}/", f":{door.port}/")
    yield door
    await door.shut()


async def test_a_long_refusal_ends_the_host_and_what_was_finished_comes_again(jobs, door):
    """'Storage refused for 60 s: the host ends after 27 s (finished but undeleted messages come again)'. Here: 3 s."""
    queue = jobs.queue()
    send(queue, name="message", hold=True)
    host = jobs.start(Timing(outage_seconds=3, patience_seconds=1, lease_seconds=6))
    await until_async(lambda: noted(jobs, "begin", "message"))

    await door.shut()
    jobs.release("message")
    await until_async(lambda: ended(host))

    assert jobs.notes("end", "message")
    assert host.living_workers == []
    await door.open()
    jobs.start()
    await until_async(lambda: noted(jobs, "end", "message", 2))


async def test_a_short_refusal_is_outlasted_and_nothing_comes_twice(jobs, door):
    """'for 16 s: recovers'. Here: a second or two of ten."""
    queue = jobs.queue()
    send(queue, name="message", hold=True)
    host = jobs.start(TIMING)
    await until_async(lambda: noted(jobs, "begin", "message"))

    await door.shut()
    jobs.release("message")
    await until_async(lambda: noted(jobs, "end", "message"))
    await asyncio.sleep(1)
    await door.open()

    await until_async(lambda: is_empty(queue))
    send(queue, name="later")
    await until_async(lambda: noted(jobs, "end", "later"))
    assert host.process.poll() is None
    assert len(jobs.notes("begin", "message")) == 1


async def test_a_storage_that_hangs_is_waited_for(jobs, door):
    """'hanging for 57 s: survives, nothing lost or doubled'. Here: longer than what a refusal may take."""
    queue = jobs.queue()
    send(queue, name="message", hold=True)
    host = jobs.start(Timing(outage_seconds=1))
    await until_async(lambda: noted(jobs, "begin", "message"))

    door.hang()
    jobs.release("message")
    await until_async(lambda: noted(jobs, "end", "message"))
    await asyncio.sleep(2)
    door.go_on()

    await until_async(lambda: is_empty(queue))
    send(queue, name="later")
    await until_async(lambda: noted(jobs, "end", "later"))
    assert host.process.poll() is None
    assert len(jobs.notes("begin", "message")) == 1


async def noted(jobs, what, name, count=1):
    return len(jobs.notes(what, name)) >= count


async def is_empty(queue):
    return await asyncio.to_thread(lambda: queue.get_queue_properties().approximate_message_count == 0)


async def ended(host):
    return host.process.poll() is not None
