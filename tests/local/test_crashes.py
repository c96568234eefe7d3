"""Host and worker are killed (SIGKILL) at every write of a slice, before and after it, and started again.

Contacts, counters and history come out as if nothing had happened.
"""

import base64
import json

import pytest
from azure.storage.queue.aio import QueueClient
from msgspec.structs import replace

from local.host.process import start_host
from local.office import host_settings
from sync.messages import QUEUE
from tests.flaky import FlakyStorage
from tests.local.waiting import until_async
from workspace.run import RunState

MOST_WRITES = 40


@pytest.fixture
async def flaky(storage_account):
    flaky = await FlakyStorage(storage_account, only="POST").open()
    yield flaky
    await flaky.close()


async def prepare(rig, tenant):
    """A list of forty, and a directory in which everything that can happen has happened since."""
    tenant.do(*(("hire", {"id": person(n), "givenName": f"P{n}", "mail": f"p{n}@x.example"}) for n in range(40)))
    await rig.connect()
    await rig.full()
    tenant.do(
        *(("change", person(n), {"givenName": f"New{n}"}) for n in range(10)),
        *(("purge", person(n)) for n in range(10, 14)),
        *(("hire", {"id": person(n), "givenName": f"P{n}"}) for n in range(40, 50)),
    )


def person(number):
    return f"00000000-0000-4000-8000-{number:012x}"


@pytest.mark.parametrize("kind", ["kill_before", "kill_after"])
async def test_a_host_killed_at_any_write_leaves_the_same_list(rig, flaky, directory, storage_account, tmp_path, kind):
    tenant = rig.tenant
    tenant.shape(pageSize=10)
    await prepare(rig, tenant)
    # The message itself comes from outside; one page a slice makes every kind of write happen.
    settings = host_settings(flaky.connection_string, directory, 7071, SLICE_SECONDS="1")
    queue = QueueClient.from_connection_string(storage_account, QUEUE)
    ended, points = await journey(rig, flaky, settings, queue, tmp_path, kind)

    assert points > 5
    assert ended.state is RunState.COMPLETED
    counts = ended.counts
    assert (counts.added, counts.updated, counts.unlinked) == (10, 10, 4)
    assert await rig.linked() == rig.expected()
    assert (await rig.state()).totals.linked == len(rig.expected())
    told = [
        change async for _, page in rig.services.workspaces.journal(rig.workspace, ended.id) for change in page.changes
    ]
    assert sorted(change.outcome for change in told) == ["added"] * 10 + ["unlinked"] * 4 + ["updated"] * 10
    await queue.close()


async def journey(rig, flaky, settings, queue, tmp_path, kind):
    """Kill the host at its first write, start it again, kill it at the second from there, and so on to the end."""
    asked = await rig.ask()
    for point in range(1, MOST_WRITES):
        flaky.spoil(**{str(point % 4 + 1): kind})
        host = start_host(settings, tmp_path / f"log{point}")
        flaky.kill = host.kill

        async def over(host=host):
            run = await rig.run(asked.id)
            return (run if not run.going else None) or host.process.poll() is not None

        await wake(rig, queue)
        await until_async(over)
        if host.process.poll() is None:
            host.stop()
        else:
            host.kill()
        run = await rig.run(asked.id)
        if not run.going:
            return run, point
    raise AssertionError("the run does not get on")


async def wake(rig, queue):
    """What time does: the dead worker's lease runs out, and the timer comes."""
    state = await rig.state()
    await rig.services.workspaces.save(replace(state, lease_owner=None, lease_until=None))
    await queue.clear_messages()
    body = json.dumps({"workspaceId": rig.workspace, "mode": "delta", "requestedBy": "schedule"})
    await queue.send_message(base64.b64encode(body.encode()).decode())
