"""With change notifications, a change in the directory is in the list within seconds, on the local stack (spec §6)."""

import contextlib

import pytest

from local.azurite import free_ports
from local.host.process import start_host
from local.office import Office, host_settings
from tests.local.waiting import until


@pytest.fixture
def told_office(azurite, directory, tmp_path):
    port = free_ports()[0]
    directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
    settings = host_settings(azurite.connection_string("account1480"), directory, port, CHANGE_NOTIFICATIONS="on")
    host = start_host(settings, tmp_path / "host.log", port=port)
    try:
        tenant = directory.control.tenant(people=20)
        with contextlib.closing(Office(host.url, directory, tenant)) as office:
            yield office
    finally:
        host.stop()


def test_a_change_comes_by_itself_and_the_status_says_until_when(told_office):
    told_office.set_up()
    assert told_office.status()["live"]["until"] > told_office.status()["lastCompletedAt"]
    person = next(one for one in told_office.contacts() if one["linked"])

    told_office.tenant.change(person["sourceId"], givenName="Newly")

    def shown():
        return next(one for one in told_office.contacts() if one["id"] == person["id"])["firstName"] == "Newly"

    until(shown, 60)
    assert told_office.settle()["trigger"] == "notification"
