"""Progress as it is: pace and time left come from what moved in the last seconds, and standing still is said."""

import re

import pytest
from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.pure import promise

RUN = """
import { lookAt, paceOf } from "./pace.js";
const run = (read, id = "a") => ({ id, state: "running", mode: "full", counts: { read }, cost: {} });
const looked = (...reads) => reads.reduce((looks, read, second) => lookAt(run(read), looks, second * 1000), []);
"""


def test_the_pace_is_that_of_the_last_seconds():
    promise(RUN + "assert.equal(paceOf(looked(0, 100, 200, 300)).rate, 100);")
    slower = [*range(0, 2900, 100), *range(2900, 3100, 10)]
    promise(RUN + f"assert.equal(paceOf(looked(...{slower})).rate, 10);")


def test_without_movement_there_is_no_pace_and_it_is_said_since_when():
    promise(RUN + f"assert.deepEqual(paceOf(looked(0, 100, ...{[100] * 16})), {{ rate: 0, stillSince: 1000 }});")
    promise(RUN + f"assert.equal(paceOf(looked(0, ...{[100] * 10})).stillSince, null);")


def test_each_run_begins_anew():
    promise(RUN + 'assert.equal(paceOf(lookAt(run(5, "b"), looked(0, 100, 200), 3000)).rate, 0);')
    promise(RUN + "assert.deepEqual(paceOf([]), { rate: 0, stillSince: null });")


class TestAtThePage:
    @pytest.fixture
    def tenant(self, directory):
        tenant = directory.control.tenant(people=600, name="Contoso", shape={"pageSize": 100, "latencyMs": 300})
        tenant.consent(given=True, organizationReadable=True)
        return tenant

    async def test_a_run_that_stands_still_shows_neither_pace_nor_time_left(self, visit, office):
        office.connect()
        fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
        page = visit.page
        await page.clock.install()
        office.tenant.shape(pageSize=100, latencyMs=9000)
        office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
        await visit.go("entra")
        await visit.sees("First sync")

        # The page's time runs ahead of the directory's: to the page, nothing moves for a quarter of a minute.
        for _ in range(12):
            async with page.expect_response("**/status"):
                await page.clock.run_for(1100)

        numbers = page.locator("#sync-numbers")
        await expect(numbers).to_contain_text(re.compile(r"Nothing has moved since \d\d:\d\d:\d\d"))
        await expect(numbers).not_to_contain_text("left")
        await visit.well_made("standing-still")
        office.tenant.shape(pageSize=100)
        await visit.click("Cancel this run")
