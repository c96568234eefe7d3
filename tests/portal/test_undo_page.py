"""A mistake is undone on the page: from a wrong mapping that was saved, over the undo, to a resumed connection."""

import pytest
from playwright.async_api import expect

import limits
from local.office import ENTRA

WRONG = [{"source": "surname", "target": "firstName"}, {"source": "givenName", "target": "lastName"}]


@pytest.fixture
def contacts(office):
    """The fields of the list's contacts, by id."""
    office.set_up()

    def shown():
        one = office.admin.call("GET", "contact-lists")["contactLists"][0]["id"]
        page = office.admin.call("GET", f"contact-lists/{one}/contacts?limit=100")
        return {it["id"]: (it["firstName"], it["lastName"]) for it in page["contacts"]}

    return shown


async def test_what_a_member_removed_is_undone_by_the_trails_entry(visit, office, contacts):
    right = contacts()
    path = f"contact-lists/{office.card()['list']['id']}/contacts"
    gone = list(right)[: limits.BULK_EDITS[0] + 2]
    for one in gone:
        office.member.send("DELETE", f"{path}/{one}")
    await visit.go("entra/audit")
    await visit.sees("removed many contacts: 20")

    await visit.click("Undo these edits")
    await visit.sees("within that hour", "22 added", "Syncing is paused until you resume it")
    await visit.well_made("undo-edits")
    await visit.click("Pause and undo")

    await visit.sees("Syncing is paused")
    assert office.settle()["mode"] == "undo"
    assert contacts() == right
    await visit.go("entra/audit")
    await visit.sees("undid a person's edits")
    await visit.go("entra")
    await visit.click("Resume")
    await expect(visit.page.locator("#resume")).to_have_count(0)
    assert office.settle()["mode"] == "full"
    assert contacts() == right


async def test_a_wrong_mapping_is_undone_and_syncing_resumed(visit, member_visit, office, contacts):
    right = contacts()
    office.configure(fieldMappings=WRONG)
    mistake = office.admin.call("GET", f"{ENTRA}/runs")["runs"][0]["id"]
    assert contacts() != right
    await visit.go("entra/history")
    await visit.page.get_by_role("link", name="Full sync").first.click()

    await visit.click("Undo this run")
    await visit.sees("goes back to what it was before", "52 updated", "Syncing is paused so that it is not done again")
    await visit.well_made("undo")
    await visit.click("Pause and undo")

    await visit.sees("Syncing is paused", "Change the settings")
    assert office.settle()["mode"] == "undo"
    assert contacts() == right
    await expect(visit.page.locator("#sync-progress")).to_be_empty()
    await visit.well_made("paused")

    fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
    office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
    await visit.click("Resume")
    await expect(visit.page.locator("#resume")).to_have_count(0)
    assert office.settle()["mode"] == "full"
    assert contacts() == right

    await member_visit.go(f"entra/history/{mistake}")
    await member_visit.sees("Changes")
    await expect(member_visit.page.locator(".undo")).to_have_count(0)
    assert office.member.send("POST", f"{ENTRA}/runs/{mistake}/undo").status_code == 403
