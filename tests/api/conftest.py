"""Tests that name the fixture `memory` get the API over a workspace in memory, without any server."""

import pytest

from tests.api.memory import MemoryApi
from tests.memory_microsoft import MemoryMicrosoft
from tests.memory_rig import make_memory_rig


@pytest.fixture
def memory():
    """Contoso with nobody in it, connected."""
    return MemoryApi(make_memory_rig(MemoryMicrosoft().tenant(shape={"sparse": True})))
