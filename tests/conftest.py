"""What tests share: an Azurite and a local directory a test process; a fresh account and tenant a test."""

# ruff: noqa: E402 - the HTTP libraries read the standard variables for a CA when they are imported
import atexit
import itertools
import os
import shutil
import tempfile
from pathlib import Path

from local.microsoft.authority import authority

_STATE = Path(tempfile.mkdtemp(prefix="emu-directory-"))
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)
os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(authority(_STATE)[1])

import pytest

from local.azurite import azurite as running_azurite
from local.azurite import free_ports, made_up_accounts
from local.host.process import start_host
from local.microsoft.process import directory as start_directory
from local.office import Office, host_settings
from tests.rig import close_rig, make_rig


@pytest.fixture(scope="session")
def azurite():
    with running_azurite(accounts=made_up_accounts(1500)) as azurite:
        yield azurite


_numbers = itertools.count()


@pytest.fixture
def storage_account(azurite):
    """The connection string of an account that nobody has used."""
    return azurite.connection_string(f"account{next(_numbers):04d}")


_HOST_PORT = free_ports()[0]


@pytest.fixture(scope="session")
def running_directory():
    callback = f"http://localhost:{_HOST_PORT}/api/integrations/entra/consent/callback"
    with start_directory(_STATE, "--people", "0", "--redirect-uri", callback) as directory:
        yield directory


@pytest.fixture(scope="session")
def directory(running_directory):
    return running_directory


@pytest.fixture(scope="session")
def host(azurite, directory, tmp_path_factory):
    """The function host with the app, for tests through real HTTP; workspaces and tenants are the tests' own."""
    settings = host_settings(azurite.connection_string("account1499"), directory, _HOST_PORT)
    running = start_host(settings, tmp_path_factory.mktemp("host") / "host.log", port=_HOST_PORT)
    yield running
    running.stop()


@pytest.fixture
def office(host, directory, tenant):
    """A workspace with its people at the API, its tenant, and a browser."""
    office = Office(host.url, directory, tenant)
    yield office
    office.close()


@pytest.fixture(scope="session")
def told_host(azurite, directory, tmp_path_factory):
    """Another one, which Microsoft tells of changes."""
    port = free_ports()[0]
    directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    settings = host_settings(azurite.connection_string("account1480"), directory, port, CHANGE_NOTIFICATIONS="on")
    running = start_host(settings, tmp_path_factory.mktemp("told") / "host.log", port=port)
    yield running
    running.stop()


@pytest.fixture
def told_office(told_host, directory, tenant):
    office = Office(told_host.url, directory, tenant)
    yield office
    office.close()


@pytest.fixture
def tenant(directory):
    """An empty organisation that has consented."""
    return directory.control.tenant(people=0)


@pytest.fixture
async def rig(storage_account, directory, tenant):
    rig = await make_rig(storage_account, directory.settings(), tenant)
    yield rig
    await close_rig(rig)
