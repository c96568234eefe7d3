"""Three members who edit without pause hold up nothing: through real HTTP, on a storage of 30 ms (`make soak`)."""

import asyncio
from collections import Counter

import httpx
import pytest

from local.azurite import free_ports
from local.host.process import start_host
from local.office import ENTRA, Office, host_settings
from tests.flaky import FlakyStorage
from tests.local.waiting import until_async

WITHIN_SECONDS = 20


@pytest.fixture
async def slow_storage(storage_account):
    storage = await FlakyStorage(storage_account, latency_seconds=0.03).open()
    yield storage
    await storage.close()


@pytest.fixture
async def office(slow_storage, directory, tmp_path):
    """A workspace that is set up. The storage's door is in this process: whatever blocks has a thread of its own."""
    tenant = directory.control.tenant(people=40, consented=False)
    port = free_ports()[0]
    directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    settings = host_settings(slow_storage.connection_string, directory, port)
    host = await asyncio.to_thread(start_host, settings, tmp_path / "host.log", port=port)
    office = Office(host.url, directory, tenant)
    await asyncio.to_thread(office.set_up)
    yield office
    office.close()
    await asyncio.to_thread(host.stop)


async def edit_without_pause(office, name, path, answered):
    headers = {"Authorization": f"Bearer {office.directory.control.token(f'{name}@{office.workspace}')}"}
    async with httpx.AsyncClient(base_url=f"{office.url}/api/", headers=headers, timeout=30) as client:
        while True:
            body = {"department": f"Mine {answered.total()}"}
            answered[(await client.patch(path, json=body)).status_code] += 1


async def is_empty(office):
    return (await asyncio.to_thread(office.status))["totals"] == {"contacts": 0, "linked": 0}


async def test_a_run_and_a_disconnect_end_within_twenty_seconds_each(office):
    contacts = await asyncio.to_thread(office.contacts)
    office.tenant.do(*(("change", one["sourceId"], {"givenName": "New"}) for one in contacts))
    answered = Counter()
    paths = [f"contact-lists/{one['listId']}/contacts/{one['id']}" for one in contacts[:3]]
    editors = [
        asyncio.create_task(edit_without_pause(office, f"member-{number}", path, answered))
        for number, path in enumerate(paths)
    ]
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            run = await asyncio.to_thread(office.sync)
        edits_of_the_run = answered[200]
        await asyncio.to_thread(office.admin.send, "DELETE", f"{ENTRA}?contacts=delete")
        await until_async(lambda: is_empty(office), WITHIN_SECONDS)
    finally:
        for editor in editors:
            editor.cancel()
        await asyncio.gather(*editors, return_exceptions=True)

    assert run["state"] == "completed"
    assert run["counts"]["updated"] + run["counts"]["skipped"] >= len(contacts) - 3
    assert edits_of_the_run > 0
    assert answered.keys() <= {200, 404, 409, 429}
