"""A worker of one small instance holds fifty thousand people (issue: under 250 MB, under 1 ms of CPU a person)."""

import os
from pathlib import Path

import pytest

from local.host.process import start_host
from local.office import host_settings
from tests.local.waiting import until_async

PEOPLE = 50_000
MOST_KILOBYTES = 250 * 1024


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE)


async def test_fifty_thousand_people_in_a_small_worker(rig, storage_account, directory, tmp_path):
    await rig.connect()
    asked = await rig.ask()
    host = start_host(host_settings(storage_account, directory, 7071), tmp_path / "log")
    try:

        async def ended():
            run = await rig.run(asked.id)
            return run if run.completed_at is not None else None

        run = await until_async(ended, seconds=100)
        status = Path(f"/proc/{host.worker_pid}/status").read_text()
        ticks = Path(f"/proc/{host.worker_pid}/stat").read_text().split()[13:15]
    finally:
        host.stop()

    assert run.counts.added == len(rig.expected())
    assert int(status.split("VmHWM:")[1].split()[0]) < MOST_KILOBYTES
    cpu_seconds = sum(int(tick) for tick in ticks) / os.sysconf("SC_CLK_TCK")
    assert cpu_seconds / PEOPLE < 0.001
    assert run.counts.read / (run.completed_at - run.started_at).total_seconds() > 1000
