"""The other ways of bench/others do the same work: their contacts are right, or wrong in the documented way."""

import pytest
from azure.data.tables import TableClient

from bench.ways import WAYS, mistakes, run_way
from tests.bench.place import settings_for

SDK = [name for name in WAYS if "msgraph-sdk" in name]


@pytest.mark.parametrize("name", WAYS)
def test_its_contacts_are_right(name, storage_account, directory):
    tenant = directory.control.tenant(people=120, shape={"pageSize": 50})
    settings = settings_for(storage_account, directory, tenant)

    told = run_way(settings, *WAYS[name])

    assert mistakes(settings, tenant) == ""
    assert told["people"] == 120
    assert told["cpu"] > 0
    with TableClient.from_connection_string(storage_account, "Others") as table:
        assert sum(1 for _ in table.list_entities()) > 90


@pytest.mark.parametrize("name", WAYS)
def test_pages_that_are_empty_end_the_sdks_iterator_and_no_other(name, storage_account, directory):
    tenant = directory.control.tenant(people=120, shape={"pageSize": 50, "emptyPages": True})
    settings = settings_for(storage_account, directory, tenant)

    told = run_way(settings, *WAYS[name])

    assert ("missing" in mistakes(settings, tenant)) == (name in SDK)
    assert (told["people"] < 120) == (name in SDK)
