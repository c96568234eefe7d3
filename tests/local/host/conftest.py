import pytest

from tests.local.host.rig import make


@pytest.fixture
def jobs(tmp_path, storage_account):
    made = make(tmp_path, storage_account)
    yield made
    made.close()
