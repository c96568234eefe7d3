"""Find a person: in the list or not, and why; left out and let in again from there."""

import re

from playwright.async_api import expect

from local.office import ENTRA


def person(alias, **values):
    mail = f"{alias}@contoso.example"
    return {"userPrincipalName": mail, "mail": mail, "accountEnabled": True} | values


async def test_a_person_is_found_with_the_reason_and_left_out_and_let_in_again(visit, office):
    ada = office.tenant.hire(**person("ada.found", givenName="Ada", surname="Found", displayName="Ada Found"))
    guest = person("gus.found", givenName="Gus", surname="Found", displayName="Gus Found", userType="Guest")
    office.tenant.hire(**guest)
    off = person("dora.found", givenName="Dora", surname="Found", displayName="Dora Found") | {"accountEnabled": False}
    office.tenant.hire(**off)
    office.set_up()
    page = visit.page
    await visit.go("entra/people")
    await visit.field("Name, email or object id", "found")

    cards = page.locator(".found")
    await expect(cards).to_have_count(3)
    found = page.get_by_role("region", name="Ada Found")
    await expect(found).to_contain_text("In the list, and linked to the directory.")
    await expect(page.get_by_role("region", name="Gus Found")).to_contain_text("the account is a guest's")
    await expect(page.get_by_role("region", name="Dora Found")).to_contain_text("the account is disabled")
    await found.get_by_text("Value by value").click()
    await expect(found.get_by_role("row")).to_have_count(6)
    await visit.well_made("people")

    await found.get_by_role("button", name="Leave out of the list").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave out of the list").click()
    await expect(found).to_contain_text(re.compile("an administrator excluded the person"))
    assert office.admin.call("GET", f"{ENTRA}/config")["excludedPeople"] == [ada]
    office.settle()
    assert ada not in {one["sourceId"] for one in office.contacts() if one["linked"]}

    await page.reload()
    await expect(cards).to_have_count(3)
    await found.get_by_role("button", name="Let in again").click()
    await page.get_by_role("dialog").get_by_role("button", name="Let in again").click()
    await expect(found.get_by_role("button", name="Leave out of the list")).to_be_visible()
    office.settle()
    assert ada in {one["sourceId"] for one in office.contacts() if one["linked"]}
