"""History for investigators: which runs are shown, exactly when they were, and the same as a file."""

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

ROWS = "table[aria-label=Runs] tbody tr"


@pytest.fixture
async def history(visit, office):
    """A first sync, two runs that changed one person each, one that changed nothing, one that was cancelled."""
    office.set_up()
    one, other = [one for one in office.contacts() if one["firstName"] and one["lastName"]][:2]
    office.tenant.change(one["sourceId"], city="Bern", jobTitle="x", surname="Abernathy")
    office.sync()
    office.tenant.change(other["sourceId"], surname="Zuckerberg")
    office.sync()
    office.sync()
    office.tenant.fault("delta", status=429, retryAfter="600")
    run = office.admin.call("POST", "integrations/entra/sync", {})["run"]["id"]
    office.admin.call("POST", f"integrations/entra/runs/{run}/cancel")
    office.tenant.clear_faults()
    office.settle()
    visit.one = one
    return visit


async def test_runs_are_filtered_by_outcome_and_those_that_changed_nothing_are_a_switch(history):
    rows = history.page.locator(ROWS)
    await history.go("entra/history")
    await expect(rows).to_have_count(4)

    await history.page.get_by_label("Show runs that changed nothing, too").check()
    await expect(rows).to_have_count(5)
    await history.page.get_by_label("State").select_option("Cancelled")
    await expect(rows).to_have_count(1)
    await expect(history.page).to_have_url(re.compile(r"history\?all=&outcome=cancelled$"))
    await history.well_made("history-filtered")
    await history.page.reload()
    await expect(rows).to_have_count(1)
    await expect(history.page.get_by_label("State")).to_have_value("cancelled")
    await history.page.get_by_label("State").select_option("Failed")

    await history.sees("No such run.")


async def test_a_person_is_found_and_chosen_by_keyboard_and_kept_by_back(history):
    page, rows = history.page, history.page.locator(ROWS)
    await history.go("entra/history")
    await expect(rows).to_have_count(4)

    await page.get_by_label("Person").fill("abernath")
    found = page.get_by_role("group", name="People who are found").get_by_role("button")
    await expect(found).to_have_count(1)
    await history.well_made("history-person")
    await page.get_by_label("Person").press("Tab")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(2)
    await expect(page.get_by_label("Person")).to_be_focused()
    await expect(page.get_by_label("Person")).to_have_value(re.compile("Abernathy"))
    await rows.first.get_by_role("link").click()
    await history.sees("Field by field")
    await page.go_back()

    await expect(page.get_by_label("Person")).to_have_value(re.compile("Abernathy"))
    await expect(rows).to_have_count(2)
    await page.get_by_label("Person").fill("")
    await expect(rows).to_have_count(4)


async def test_a_contact_and_a_change_lead_to_a_persons_runs_also_once_the_contact_is_gone(history, office):
    page, rows = history.page, history.page.locator(ROWS)
    await history.go(f"contacts/{history.one['id']}")
    await page.get_by_role("link", name="History").click()
    await expect(rows).to_have_count(2)
    office.admin.call("DELETE", f"contact-lists/{office.card()['list']['id']}/contacts/{history.one['id']}")
    await rows.first.get_by_role("link").click()
    await page.get_by_role("link", name="all runs").click()

    await expect(rows).to_have_count(2)
    await expect(page.get_by_label("Person")).to_have_value(history.one["id"])


async def test_times_are_exact_and_the_file_holds_what_is_shown(history, office):
    page = history.page
    await history.go("entra/history?outcome=completed")
    await expect(page.locator(ROWS)).to_have_count(3)
    await expect(page.locator(f"{ROWS} time").first).to_contain_text(re.compile(r"\d{4}, \d\d:\d\d:\d\d CET"))

    async with page.expect_download() as saved:
        await history.click("Download as CSV")

    lines = Path(await (await saved.value).path()).read_text("utf-8-sig").splitlines()
    runs = [row["Run"] for row in csv.DictReader(lines)]
    shown = await page.locator(f"{ROWS} a").evaluate_all("all => all.map(one => one.hash.split('/').pop())")
    assert runs == shown


async def test_a_page_that_shows_none_of_many_says_that_there_are_more(visit, office):
    office.set_up()

    async def none_of_many(route):
        await route.fulfill(json={"runs": [], "continuation": "x"})

    await visit.context.route("**/runs?*", none_of_many)
    await visit.go("entra/history")

    await visit.sees("None among the newest runs.")
    await expect(visit.page.locator("#more")).to_be_visible()
