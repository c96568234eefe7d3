"""Syncing is paused and resumed on the page, and the page says whether changes come within seconds (spec §6)."""

import pytest
from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.visit import Visit


async def test_an_administrator_pauses_syncing_and_lets_it_go_on(visit, office):
    office.set_up()
    person = next(one for one in office.contacts() if one["linked"])
    await visit.go("entra/settings")
    await visit.click("Pause syncing")
    await visit.sees("Pause syncing?", "No sync starts, and one that goes on ends.", "a sync catches up on everything")
    await visit.well_made("pause-asked")
    await visit.click("Cancel")
    assert office.card()["connection"] == "active"

    await visit.click("Pause syncing")
    await visit.click("Pause")

    await visit.sees("Syncing is paused")
    await visit.sees(f"Paused by {office.card()['pause']['by']},")
    await expect(visit.page.locator("#live-line")).to_have_count(0)
    office.tenant.change(person["sourceId"], givenName="Newly")
    assert office.admin.send("POST", f"{ENTRA}/sync", {"mode": "delta"}).status_code == 409
    await visit.go("entra/settings")
    await visit.sees("Nothing syncs until an administrator resumes it.")
    await visit.click("Resume")
    await visit.sees("Sync Status")
    await expect(visit.page.locator("#resume")).to_have_count(0)
    assert office.settle()["counts"]["updated"] == 1


async def test_a_member_finds_no_pause(member_visit, office):
    office.set_up()
    await member_visit.go("entra/settings")

    await member_visit.sees("Ask your admin to configure it")
    await expect(member_visit.page.locator("#pause")).to_have_count(0)
    for call in ("pause", "resume"):
        assert office.member.send("POST", f"{ENTRA}/{call}").status_code == 403


@pytest.fixture(params=["en-GB", "de-CH"])
async def told_visit(chromium, told_office, request):
    made = await Visit.of(chromium, told_office, f"admin@{told_office.workspace}", request.param)
    made.is_german = request.param == "de-CH"
    yield made
    await made.end()


async def test_it_says_that_changes_come_within_seconds_and_until_when(told_visit, told_office):
    told_office.set_up()
    await told_visit.go("entra")

    line = told_visit.page.locator("#live-line")
    sentence = "Änderungen kommen innerhalb von Sekunden." if told_visit.is_german else "Changes come within seconds."
    await expect(line).to_contain_text(sentence)
    await told_visit.well_made("live")


async def test_it_says_why_they_do_not_and_what_helps(told_visit, told_office):
    told_office.tenant.fault("subscriptions", status=403)
    told_office.set_up()
    await told_visit.go("entra")

    line = told_visit.page.locator("#live-line")
    sentence = "bittet täglich wieder darum." if told_visit.is_german else "emu.chat asks again each day."
    await expect(line).to_contain_text(sentence)
    assert told_office.status()["liveReason"]["code"] == "quota"


async def test_an_installation_without_notifications_says_so(visit, office):
    office.set_up()
    await visit.go("entra")

    await visit.sees(
        "Changes come with the hourly sync", "emu.chat does without Microsoft's change notifications here."
    )
