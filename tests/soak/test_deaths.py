"""A run whose worker or host dies goes on within a minute, in real time (facts/functions.md 11; `make soak`)."""

import time

import pytest
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from local.host.process import start_host
from local.office import host_settings
from sync.messages import QUEUE, Start, write_message
from tests.local.waiting import until_async
from tests.rig import close_rig, make_rig
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, Stage
from workspace.run import Mode, RunState

WITHIN_SECONDS = 60.0
SLOW = {"page_size": 5, "latency_ms": 500}


@pytest.fixture
async def rigs(storage_account, directory):
    """Three workspaces of forty people on one storage account, each synced once; Graph is slow from now on."""
    made = []
    for _ in range(3):
        tenant = directory.control.tenant(people=40)
        rig = await make_rig(storage_account, directory.settings(), tenant)
        await rig.connect()
        await rig.full()
        tenant.shape(**SLOW)
        made.append(rig)
    yield made
    for rig in made:
        await close_rig(rig)


async def send(storage_account, text):
    async with QueueClient.from_connection_string(
        storage_account, QUEUE, message_encode_policy=TextBase64EncodePolicy()
    ) as queue:
        await queue.send_message(text)


async def pages_are_read(rig):
    run = (await rig.state()).run
    return run is not None and run.page >= 2


async def message_on_its_way(rig):
    return (await rig.queue.get_queue_properties()).approximate_message_count >= 2


async def is_on_its_way(rig, dead):
    """Another worker has the run, or it is over: the worker of a killed host finishes what it does."""
    state = await rig.state()
    return state.run is None or state.lease_owner not in (None, dead)


async def is_done(rig):
    return (await rig.state()).run is None


async def test_a_worker_that_dies_holds_up_no_run_for_more_than_a_minute(rigs, storage_account, directory, tmp_path):
    """In the first slice of a scheduled run, in a run that a person asked for, and in another at the same time."""
    host = start_host(host_settings(storage_account, directory, 7071), tmp_path / "host.log")
    try:
        scheduled, *clicked = rigs
        await send(storage_account, write_message(Start(scheduled.workspace, Mode.FULL, "schedule")))
        for rig in clicked:
            await rig.ask(Mode.FULL)
        for rig in rigs:
            await until_async(lambda rig=rig: pages_are_read(rig))
        began = time.monotonic()
        host.kill_worker()
        for rig in rigs:
            await until_async(lambda rig=rig: is_done(rig), WITHIN_SECONDS + 30)
        print(f"\nall three runs were over {time.monotonic() - began:.0f} s after their worker died")
    finally:
        host.stop()

    for rig in rigs:
        assert (await rig.state()).last.state is RunState.COMPLETED
        assert await rig.linked() == rig.expected()
    assert time.monotonic() - began < WITHIN_SECONDS + 10  # A round takes four seconds.


@pytest.mark.parametrize("how", ["terminate", "kill_host"])
async def test_a_host_that_ends_holds_up_no_run_for_more_than_a_minute(rigs, storage_account, directory, tmp_path, how):
    rig = rigs[0]
    rig.tenant.shape(page_size=5, latency_ms=3000)
    first = start_host(host_settings(storage_account, directory, 7071), tmp_path / "first.log")
    await rig.ask(Mode.FULL)
    await until_async(lambda: pages_are_read(rig))
    # A host that is killed in a slice's first seconds is made up for when its message returns, or by a click.
    await until_async(lambda: message_on_its_way(rig))
    dead = (await rig.state()).lease_owner
    began = time.monotonic()
    getattr(first, how)()
    second = start_host(host_settings(storage_account, directory, 7071), tmp_path / "second.log")
    try:
        await until_async(lambda: is_on_its_way(rig, dead), WITHIN_SECONDS + 30)
        took = time.monotonic() - began
        print(f"\nthe run was on its way again {took:.0f} s after its host ended by {how}")
        await until_async(lambda: is_done(rig), WITHIN_SECONDS)
    finally:
        second.stop()
        first.kill()

    assert (await rig.state()).last.state is RunState.COMPLETED
    assert await rig.linked() == rig.expected()
    assert took < WITHIN_SECONDS


async def test_a_disconnect_whose_worker_dies_goes_on_within_a_minute(rigs, storage_account, directory, tmp_path):
    rig = rigs[0]
    host = start_host(host_settings(storage_account, directory, 7071), tmp_path / "host.log")
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.dispatch.connecting.disconnect(rig.workspace, ContactsOnDisconnect.DELETE, record)
    host.kill_worker()
    try:

        async def is_closed():
            connection, _ = await rig.services.workspaces.load(rig.workspace)
            return connection.stage is Stage.NONE

        await until_async(is_closed, WITHIN_SECONDS + 10)
    finally:
        host.stop()

    assert await rig.contacts() == []
