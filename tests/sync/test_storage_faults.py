"""Storage that fails, answers late, or does the work and does not say so (spec §6)."""

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from errors import TryLater
from limits import LEASE
from sync.messages import QUEUE, Continue
from tests.flaky import AFTER, BEFORE, SILENT, AwayQueue, FlakyStorage
from tests.rig import close_rig, make_rig
from workspace.run import RunState

pytestmark = pytest.mark.servers

PEOPLE = 250
MOST_REQUESTS = 15


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE, shape={"pageSize": 100})


@pytest.fixture
async def flaky(storage_account):
    flaky = await FlakyStorage(storage_account).open()
    yield flaky
    await flaky.close()


@pytest.fixture
async def shaky(flaky, directory, tenant):
    """A workspace whose storage fails."""
    rig = await make_rig(flaky.connection_string, directory.settings(), tenant)
    await rig.connect()
    yield rig
    await close_rig(rig)


async def finish(rig, run_id):
    """Deliver the message as often as the host would, which is eight times."""
    for _ in range(8):
        try:
            run = await rig.run(run_id)
            if not run.going:
                return run
            await rig.services.dispatch.handle(Continue(rig.workspace, run_id, run.step))
        except TryLater:
            # A lease that could not be given back runs out by itself.
            rig.clock.offset += LEASE
    return await rig.run(run_id)


@pytest.mark.parametrize("fault", [*BEFORE, *AFTER])
@pytest.mark.parametrize("number", range(1, MOST_REQUESTS + 1, 3))
async def test_one_fault_at_any_request_changes_nothing_in_the_end(shaky, flaky, fault, number):
    asked = await shaky.ask()
    flaky.spoil(**{str(number): fault})

    run = await finish(shaky, asked.id)

    assert run.state is RunState.COMPLETED
    assert await shaky.linked() == shaky.expected()
    assert run.counts.added == len(shaky.expected())
    assert (await shaky.state()).totals.contacts == len(shaky.expected())
    assert flaky.met[fault] == 1


@pytest.mark.parametrize("fault", SILENT)
@pytest.mark.parametrize("number", [1, 3, 5, 7, 9])
async def test_a_call_without_an_answer_runs_out_of_time_and_changes_nothing(shaky, flaky, monkeypatch, fault, number):
    monkeypatch.setattr("limits.TABLE_CALL_SECONDS", 2.0)
    asked = await shaky.ask()
    flaky.spoil(**{str(number): fault})

    run = await finish(shaky, asked.id)

    assert run.state is RunState.COMPLETED
    assert await shaky.linked() == shaky.expected()
    assert run.counts.added == len(shaky.expected())
    assert (await shaky.state()).totals.contacts == len(shaky.expected())
    assert flaky.met[fault] == 1


@pytest.mark.parametrize("fault", ["503", "lost_after"])
async def test_a_storage_that_fails_for_a_while_is_waited_for(shaky, flaky, fault):
    asked = await shaky.ask()
    flaky.spoil(**{str(number): fault for number in range(5, 20)})

    run = await finish(shaky, asked.id)

    assert run.state is RunState.COMPLETED
    assert run.counts.added == len(shaky.expected())
    assert await shaky.linked() == shaky.expected()


async def test_a_delta_with_removals_survives_a_fault_at_each_request(shaky, flaky, tenant):
    await finish(shaky, (await shaky.ask()).id)
    for number in range(2, 14):
        there = sorted(shaky.expected())
        tenant.purge(there[0])
        tenant.change(there[1], givenName=f"Changed{number}", companyName=None)
        asked = await shaky.ask()
        flaky.spoil(**{str(number): "lost_after" if number % 2 else "lost_before"})

        run = await finish(shaky, asked.id)

        assert (run.state, run.counts.unlinked, run.counts.updated) == (RunState.COMPLETED, 1, 1), number
        assert await shaky.linked() == shaky.expected()


async def test_a_queue_that_is_away_when_a_continuation_is_due_loses_nothing(shaky, flaky, storage_account):
    asked = await shaky.ask()
    away = shaky.with_worker(slice_seconds=0, queue=AwayQueue())
    queue = QueueClient.from_connection_string(storage_account, QUEUE, message_decode_policy=TextBase64DecodePolicy())
    await queue.clear_messages()
    flaky.only = "POST"

    with pytest.raises(TryLater):
        await away.handle(Continue(shaky.workspace, asked.id, 0))
    # The message that failed is delivered again, and finds a run that nobody is at.
    run = await finish(shaky, asked.id)

    assert run.state is RunState.COMPLETED
    assert run.counts.added == len(shaky.expected())
    await queue.close()
