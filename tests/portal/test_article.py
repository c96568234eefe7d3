"""The help article, from its first sentence to its last, in a browser."""

import pytest
from playwright.async_api import expect

from local.office import Office
from tests.portal.visit import Visit

READ = {"id", "accountEnabled", "userType", "mail", "userPrincipalName"} | {
    "givenName",
    "surname",
    "mobilePhone",
    "companyName",
}


@pytest.fixture
def elsewhere(office, host, directory, tenant):
    """Another workspace with the same organisation."""
    elsewhere = Office(host.url, directory, tenant)
    yield elsewhere
    elsewhere.close()


async def at_microsoft(visit, account, decision):
    page = visit.page
    await page.get_by_role("textbox").fill(account)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name=decision).click()


async def test_an_admin_connects_chooses_and_keeps_contacts_up_to_date(visit, office):
    # Connect Entra ID
    await visit.go()
    await expect(visit.page.get_by_role("heading", name="Integrations", exact=True)).to_be_visible()
    await visit.well_made("integrations")
    await visit.page.get_by_role("link", name="Entra Id").click()
    await visit.sees("Microsoft permissions required", "User.Read.All")
    shown = await visit.page.locator("#will-be-read li").evaluate_all("all => all.map(one => one.dataset.field)")
    assert set(shown) == READ
    await visit.well_made("not-connected")
    await visit.click("Grant permissions")
    await at_microsoft(visit, office.account(), "Accept")
    await visit.sees("Is this your organisation?", office.tenant.id, f"Gloria Global ({office.account()})")
    await visit.well_made("review")
    assert "consent_code" not in visit.page.url
    await visit.click("Connect")

    # Choose what syncs
    await visit.sees("Contoso", "Choose what syncs", "Field Mappings", "Conflict Resolution", "recommended")
    assert "consent_code" not in visit.page.url
    chosen = await visit.page.locator("#mappings select").evaluate_all("all => all.map(one => one.value)")
    assert chosen[0::2] == ["givenName", "surname", "mail", "mobilePhone", "companyName"]
    assert chosen[1::2] == ["firstName", "lastName", "email", "mobilePhone", "company"]
    await visit.sees("Always update from source", "Keep local changes", "Unlink", "Hard Delete")
    await visit.well_made("choose-what-syncs")
    await visit.click("Save Configuration")

    # Where synced contacts live
    await visit.sees("Sync Status", "Up to date")
    await expect(visit.page.locator("#go-list")).to_have_text(str(len(office.contacts())))
    await visit.sees(office.tenant.id)
    await visit.page.get_by_role("link", name="Contoso Users").first.click()
    await expect(visit.page.get_by_role("heading", name="Contoso Users")).to_be_visible()
    await visit.sees("Synced contacts.")

    # Keep contacts up to date
    someone = office.contacts()[0]
    office.tenant.change(someone["sourceId"], givenName="Changed")
    await visit.go("entra")
    await visit.click("Sync Now")
    await visit.sees("1 updated")
    await visit.click("Full Resync")
    await visit.sees("nothing changed", "Last started", "Last completed", "Next run")
    await visit.well_made("up-to-date")


async def test_the_same_with_the_keyboard_alone(visit, office):
    page, keys = visit.page, visit.page.keyboard

    async def walk_to(locator):
        for _ in range(80):
            await keys.press("Tab")
            if await locator.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"the keyboard does not reach {locator}")

    await visit.go()
    card = page.locator("#entra-card")
    await expect(card).to_be_visible()
    await walk_to(card)
    await keys.press("Enter")
    grant = page.locator("#grant")
    await expect(grant).to_be_visible()
    await walk_to(grant)
    await keys.press("Enter")
    account = page.get_by_role("textbox")
    await account.focus()
    await keys.press("ControlOrMeta+A")
    await keys.type(office.account())
    await keys.press("Enter")
    accept = page.get_by_role("button", name="Accept")
    await expect(accept).to_be_visible()
    await walk_to(accept)
    await keys.press("Enter")
    connect = page.locator("#connect")
    await expect(connect).to_be_visible()
    await walk_to(connect)
    await keys.press("Enter")
    save = page.locator("#save")
    await expect(save).to_be_visible()
    await walk_to(page.locator("#conflictResolution-source_wins"))
    await keys.press("ArrowDown")
    await walk_to(save)
    await keys.press("Enter")
    await visit.sees("Up to date")
    sync = page.locator("#sync-now")
    await walk_to(sync)
    await keys.press("Enter")
    await visit.sees("nothing changed")
    assert await sync.evaluate("one => one === document.activeElement")
    assert office.admin.call("GET", "integrations/entra/config")["conflictResolution"] == "keep_local"


async def test_a_member_sees_a_disabled_card_that_says_why(member_visit: Visit, office):
    office.set_up()
    await member_visit.go()
    card, tip = member_visit.page.locator("#entra-card"), member_visit.page.get_by_role("tooltip")

    await expect(tip).to_be_hidden()
    await card.focus()

    await expect(tip).to_be_visible()
    await expect(tip).to_have_text("Ask your admin to configure it")
    await expect(card).to_have_accessible_description("Ask your admin to configure it")
    await expect(card).to_have_attribute("aria-disabled", "true")
    await member_visit.well_made("member")
    await card.click(force=True)
    await expect(member_visit.page.get_by_role("heading", name="Integrations", exact=True)).to_be_visible()
    await member_visit.go("entra")
    await member_visit.sees("Only a workspace administrator can set up this integration.")


async def test_who_does_not_know_the_organisation_connects_nothing_but_ends_what_reads_it(visit, office, elsewhere):
    elsewhere.set_up()
    await visit.go("entra")
    await visit.click("Grant permissions")
    await at_microsoft(visit, office.account(), "Accept")
    await visit.sees("Is this your organisation?", "Also connected to this organisation")
    await visit.well_made("review-others")

    await visit.page.locator("#others button").click()
    await expect(visit.page.locator("#others")).to_have_count(0)
    await visit.click("Do not connect")

    await visit.sees("Microsoft permissions required")
    assert office.card()["tenant"] is None
    await visit.sign_in(f"admin@{elsewhere.workspace}")
    await visit.go()
    await visit.sees("Ended by your organisation's administrator")
    await visit.go("entra")
    await visit.sees("Your organisation's administrator ended this connection", f"Gloria Global ({office.account()})")


async def test_a_link_with_a_code_that_somebody_sent_connects_nothing(visit, office):
    """Somebody who saw the request approves it with his own tenant, and sends the administrator the address."""
    code = office.grant()["consent_code"]

    await visit.page.goto(f"{office.portal}?consent_code={code}")

    await visit.sees("This is not your request")
    assert await visit.page.get_by_role("button", name="Connect", exact=True).count() == 0
    assert office.card()["tenant"] is None


async def test_who_cancels_at_microsoft_can_try_again(visit, office):
    await visit.go("entra")
    await visit.click("Grant permissions")

    await at_microsoft(visit, office.account(), "Cancel")

    await visit.sees("Nothing was granted")
    await expect(visit.page.locator("#grant")).to_be_visible()
    # An address that somebody made up is no reason, whatever JavaScript has of that name.
    await visit.page.goto(f"{office.portal}?consent_error=constructor#/entra")
    await visit.sees("Microsoft's answer did not add up")
    await visit.page.goto(f"{office.portal}#/constructor")
    await expect(visit.page.get_by_role("heading", level=1)).to_be_visible()


async def test_who_may_not_grant_is_given_a_link_for_who_may(visit, office):
    await visit.go("entra")
    await visit.click("Grant permissions")
    await visit.page.get_by_role("textbox").fill(office.account("member"))
    await visit.page.get_by_role("button", name="Sign in").click()
    await visit.page.get_by_role("button", name="Return to the application").click()
    await visit.sees("Waiting for an administrator", "Global Administrator")
    await visit.well_made("waiting-for-an-administrator")


async def test_a_link_that_is_handed_over_is_granted_without_an_account_here_and_confirmed_by_who_began(
    visit, office, chromium
):
    await visit.go("entra")
    await visit.page.get_by_text("Does somebody else manage Microsoft for you?").click()
    await visit.click("Make a link")
    await visit.sees("Good until")
    link = await visit.page.get_by_label("Link to hand over").input_value()
    await visit.page.reload()
    await expect(visit.page.get_by_label("Link to hand over")).to_have_value(link)
    await visit.well_made("handed-over")

    other = await chromium.new_context(ignore_https_errors=True, locale="en-GB")
    page = await other.new_page()
    await page.goto(link)
    await page.get_by_role("textbox").fill(office.account())
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Accept").click()
    back = await page.get_by_label("Address to send back").input_value()
    await expect(page.get_by_role("button", name="Connect", exact=True)).to_have_count(0)
    await other.close()
    assert office.card()["tenant"] is None

    await visit.page.goto(back)
    await visit.sees("Is this your organisation?", office.tenant.id, f"Gloria Global ({office.account()})")
    await visit.click("Connect")
    await visit.sees("Choose what syncs")
    assert office.card()["tenant"]["id"] == office.tenant.id
