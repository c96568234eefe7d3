"""The engine's tests run in memory. Those marked with `servers` are about HTTP, tables or queues, and get real ones."""

import pytest

from tests.memory_microsoft import MemoryMicrosoft
from tests.memory_rig import make_memory_rig
from tests.rig import close_rig, make_rig


@pytest.fixture
def directory(request):
    if request.node.get_closest_marker("servers"):
        return request.getfixturevalue("running_directory")
    return MemoryMicrosoft()


@pytest.fixture
async def rig(request, tenant):
    if not request.node.get_closest_marker("servers"):
        yield make_memory_rig(tenant)
        return
    directory = request.getfixturevalue("running_directory")
    rig = await make_rig(request.getfixturevalue("storage_account"), directory.settings(), tenant)
    yield rig
    await close_rig(rig)
