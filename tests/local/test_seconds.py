"""With change notifications, a change in the directory is in the list within seconds, on the local stack (spec §6)."""

import pytest

from tests.local.waiting import until


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=20)


def test_a_change_comes_by_itself_and_the_status_says_until_when(told_office):
    told_office.set_up()
    assert told_office.status()["live"]["until"] > told_office.status()["lastCompletedAt"]
    person = next(one for one in told_office.contacts() if one["linked"])

    told_office.tenant.change(person["sourceId"], givenName="Newly")

    def shown():
        return next(one for one in told_office.contacts() if one["id"] == person["id"])["firstName"] == "Newly"

    until(shown, 60)
    assert told_office.settle()["trigger"] == "notification"
