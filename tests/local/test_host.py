"""The function host: faithful to host.json, to the queue and to the timer (facts/functions.md 1 to 3)."""

import base64
import json
import socket
import subprocess
import sys

import httpx
import pytest
from azure.storage.queue import QueueClient
from msgspec.structs import replace

from local.azurite import ROOT
from local.host.process import HostError, start_host
from local.office import host_settings
from sync.messages import Continue
from tests.local.waiting import until_async
from workspace.run import RunState


@pytest.fixture
def settings(storage_account, directory):
    return host_settings(storage_account, directory, 7071)


def test_it_starts_with_the_table_of_functions(host):
    shown = host.log.read_text()

    assert f"start_run: [POST] {host.url}/api/integrations/entra/sync" in shown
    assert "work_on_run: queueTrigger" in shown


def test_a_method_or_path_that_no_function_has(host):
    assert httpx.get(f"{host.url}/api/nothing").status_code == 404
    assert httpx.post(f"{host.url}/api/health").status_code == 404
    assert httpx.get(f"{host.url}/health").status_code == 404
    assert httpx.get(f"{host.url}/api/health").json()["status"] == "ok"


def test_missing_settings_are_all_named_and_it_does_not_start(storage_account, tmp_path):
    with pytest.raises(HostError) as refused:
        start_host({"AzureWebJobsStorage": storage_account, "ENTRA_CLIENT_ID": "no"}, tmp_path / "log")

    assert "ENTRA_CLIENT_ID must be a GUID" in str(refused.value)
    assert "STATE_SECRET is missing" in str(refused.value)


def test_a_busy_port_is_one_clear_line(settings, tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]

        with pytest.raises(HostError, match=f"port {port} is busy"):
            start_host(settings, tmp_path / "log", port=port)


def test_help_is_there():
    for module in ("local.host", "local.microsoft", "local.azurite", "local.demo"):
        told = subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert told.returncode == 0
        assert "usage:" in told.stdout


async def test_a_message_goes_through_base64_and_the_worker_and_leaves_one_line_of_ours(
    rig, settings, storage_account, tmp_path
):
    tenant = rig.tenant
    tenant.hire(givenName="Ada", mail="ada@x.example")
    await rig.connect()
    raw = QueueClient.from_connection_string(storage_account, "entra-sync")
    body = json.dumps({"workspaceId": rig.workspace, "mode": "full", "requestedBy": "another service"})
    raw.send_message(base64.b64encode(body.encode()).decode())
    raw.close()
    host = start_host(settings, tmp_path / "log")
    try:

        async def ended():
            last = (await rig.state()).last
            return last if last is not None and last.state is RunState.COMPLETED else None

        run = await until_async(ended)
        await until_async(lambda: logged(tmp_path / "log", "Executed 'Functions.work_on_run' (Succeeded"))
    finally:
        host.stop()

    assert (run.requested_by, run.counts.added) == ("another service", 1)
    assert await rig.linked() == rig.expected()
    assert host.process.returncode == 0
    # The worker logs from INFO on, as in Azure (docs/facts/functions.md 5); Graph's addresses carry delta tokens.
    shown = (tmp_path / "log").read_text()
    assert shown.count("slice_done") == 1
    assert "users/delta" not in shown
    assert "Request URL" not in shown


async def test_the_timer_alone_brings_a_change_over(rig, settings, tmp_path):
    person = rig.tenant.hire(givenName="Ada")
    await rig.connect()
    await rig.full()
    rig.tenant.change(person, givenName="Ida")
    host = start_host({**settings, "SYNC_SCHEDULE": "*/2 * * * * *"}, tmp_path / "log")
    try:

        async def arrived():
            return (await rig.linked())[person]["firstName"] == "Ida"

        await until_async(arrived)
    finally:
        host.stop()

    last = (await rig.state()).last
    assert last.trigger.value == "schedule"


async def logged(log, text):
    return text in log.read_text()


async def test_a_killed_host_leaves_nothing_lost(rig, settings, tmp_path):
    for number in range(300):
        rig.tenant.hire(givenName=f"P{number}", mail=f"p{number}@x.example")
    rig.tenant.shape(pageSize=20, latencyMs=50)
    await rig.connect()
    asked = await rig.ask()
    first = start_host(settings, tmp_path / "first")

    async def on_the_way():
        return (await rig.run(asked.id)).counts.read >= 100

    await until_async(on_the_way)
    first.kill()
    # What the killed worker held is believed alive until its lease runs out; the test does not wait for that.
    state = await rig.state()
    await rig.services.workspaces.save(replace(state, lease_owner=None, lease_until=None))
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, state.run.step))

    run = await rig.run(asked.id)
    assert run.state is RunState.COMPLETED
    assert run.counts.added == 300
    assert await rig.linked() == rig.expected()
