"""The servers that tests share: one Azurite a test process, and a fresh account of it a test."""

import itertools

import pytest

from local.azurite import azurite as running_azurite
from local.azurite import made_up_accounts


@pytest.fixture(scope="session")
def azurite():
    with running_azurite(accounts=made_up_accounts(1500)) as azurite:
        yield azurite


_numbers = itertools.count()


@pytest.fixture
def storage_account(azurite):
    """The connection string of an account that nobody has used."""
    return azurite.connection_string(f"account{next(_numbers):04d}")
