import pytest

from tests.local.graph_caller import Caller


@pytest.fixture
def graph(directory, tenant):
    """An app with a token for the test's tenant."""
    caller = Caller(directory, tenant)
    yield caller
    caller.close()
