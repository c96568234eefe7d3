"""The contact list for everyone, a contact's card, and history; with hostile names all the way."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.visit import fails_with, hold

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
FIELDS = ("givenName", "surname", "mail", "mobilePhone", "companyName")


async def test_hostile_strings_are_text_everywhere(visit, office):
    someone = office.tenant.hire(givenName="A", surname="B")
    office.set_up()
    office.tenant.change(someone, **{name: f"{HOSTILE}{name}" for name in FIELDS})
    office.sync()
    office.admin.call("PATCH", f"contact-lists/{office.card()['list']['id']}", {"name": f"{HOSTILE} list"})
    contact = next(one for one in office.contacts() if one["sourceId"] == someone)
    run = office.admin.call("GET", f"{ENTRA}/runs")["runs"][0]["id"]

    views = (
        "",
        "entra",
        "contacts",
        f"contacts/{contact['id']}",
        "entra/history",
        f"entra/history/{run}",
        "entra/audit",
    )
    for view in views:
        await visit.go(view)
        await expect(visit.page.locator("h1")).to_be_visible()
        if view != "entra/history":
            await visit.sees("<img src=x onerror=")
        assert await visit.page.locator("img[src=x]").count() == 0
        assert await visit.page.title() != "owned"
    await visit.go("entra/settings")
    await visit.click("Preview")
    await visit.sees("Preview: nothing is saved")
    office.tenant.purge(someone)
    office.sync("full")
    await visit.go(f"contacts/{contact['id']}")
    await visit.click("Remove")
    await visit.sees(f"Remove {HOSTILE}")
    assert await visit.page.locator("img[src=x]").count() == 0


async def test_a_member_searches_edits_adds_and_removes(member_visit, office):
    email = next(one["mail"] for one in office.tenant.users() if one.get("mail") and one.get("accountEnabled"))
    path = f"contact-lists/{office.connect()['list']['id']}/contacts"
    made = office.member.call("POST", path, {"firstName": "Typed", "email": email})
    office.configure()
    someone = next(one for one in office.contacts() if one["id"] == made["id"])
    await member_visit.go("contacts")
    await expect(member_visit.page.locator(f"a[href='mailto:{someone['email']}']").first).to_be_attached()
    await member_visit.well_made("contacts")
    await member_visit.field("Search", someone["email"].upper())
    await member_visit.sees("1 found")
    await member_visit.page.locator("#contacts td a").first.click()

    await member_visit.sees("Linked to Microsoft Entra ID.", "from Entra (First name)")
    await expect(member_visit.page.get_by_text("a person had typed a value here before")).to_have_count(2)
    await member_visit.click("Edit")
    await member_visit.well_made("edit-contact")
    await member_visit.field("First name", "Edited")
    await member_visit.click("Save")
    await member_visit.sees("edited here; Entra says", "Your edit will be replaced at the next sync")
    await member_visit.well_made("contact")
    office.sync()
    await member_visit.go(f"contacts/{someone['id']}")
    await member_visit.sees("from Entra (First name)")
    await expect(member_visit.page.locator("[data-field=firstName]")).to_have_text(someone["firstName"])

    await member_visit.go("contacts")
    await member_visit.click("Add a contact")
    await member_visit.field("First name", "Own")
    await member_visit.click("Save")
    await member_visit.sees("Not linked to Microsoft Entra ID")
    await member_visit.click("Remove")
    await member_visit.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(member_visit.page.locator("h1")).to_have_text("Contoso Users")
    assert "Own" not in [one["firstName"] for one in office.contacts()]


async def test_an_edit_that_is_refused_says_so_at_its_field(member_visit, office):
    office.set_up()
    await member_visit.go(f"contacts/{office.contacts()[0]['id']}")
    await member_visit.click("Edit")
    await member_visit.field("City", "x" * 5000)
    await member_visit.click("Save")

    await member_visit.sees("Some fields of the contact need attention.", "at most 4096 characters")
    await expect(member_visit.page.locator("#edit-city")).to_have_attribute("aria-invalid", "true")


async def test_a_search_says_nobody_only_when_it_has_ended_and_back_finds_it_again(member_visit, office):
    office.set_up()
    someone = next(one for one in office.contacts() if one["email"])
    page = member_visit.page
    await member_visit.go("contacts")
    await member_visit.sees("50 of 52 shown")
    waiting = await hold(member_visit, "GET", "**/contacts?*search=nobody*")
    await member_visit.field("Search", "nobody at all")
    await member_visit.sees("Searching…")
    await expect(page.locator("#contacts")).not_to_contain_text("Nobody here.")
    waiting.set()
    await member_visit.sees("0 found", "Nobody here.")

    await member_visit.field("Search", someone["email"])
    await member_visit.sees("1 found")
    await page.locator("#contacts td a").first.click()
    await member_visit.sees("Linked to Microsoft Entra ID.")
    await page.go_back()

    await member_visit.sees("1 found")
    await expect(page.get_by_label("Search")).to_have_value(someone["email"])
    await page.get_by_role("navigation").get_by_role("link", name="Contacts").click()
    await member_visit.sees("50 of 52 shown")
    await expect(page.get_by_label("Search")).to_have_value("")


async def test_a_search_that_fails_says_so_until_one_succeeds(member_visit, office):
    office.set_up()
    await member_visit.go("contacts")
    await member_visit.sees("50 of 52 shown")
    await member_visit.context.route("**/contacts?*", fails_with(503, "Storage does not answer."))
    await member_visit.field("Search", "a")
    await member_visit.sees("Storage does not answer.")
    await member_visit.context.unroute("**/contacts?*")

    await member_visit.field("Search", "example")

    await member_visit.sees("found")
    await expect(member_visit.page.locator("main")).not_to_contain_text("Storage does not answer.")


class TestAPartOfTheList:
    """From Entra, was from Entra, made here, need attention."""

    @pytest.fixture
    async def parts(self, member_visit, office):
        """One who left, one made here, one who was edited since the last sync."""
        office.set_up()
        left, edited = [one for one in office.contacts() if one["firstName"] and one["lastName"]][:2]
        office.tenant.remove(left["sourceId"])
        office.sync()
        path = f"contact-lists/{office.card()['list']['id']}/contacts"
        office.member.call("POST", path, {"firstName": "Own", "lastName": "Contact"})
        office.member.call("PATCH", f"{path}/{edited['id']}", {"city": "Bern"})
        return {"left": left, "edited": edited}

    async def choose(self, visit, name):
        await visit.page.get_by_role("radio", name=name, exact=True).check()

    async def test_is_chosen_counted_and_found_again_by_back(self, member_visit, parts):
        page = member_visit.page
        rows = page.locator("#contacts tbody tr")
        await member_visit.go("contacts")
        await member_visit.sees("50 of 53 shown")
        await expect(page.get_by_role("radio", name="Everybody")).to_be_checked()

        await self.choose(member_visit, "Made here")
        await member_visit.sees("1 found")
        await expect(rows).to_contain_text(["made here"])
        await self.choose(member_visit, "Need attention")
        await member_visit.sees("The next one decides whose value stands.")
        await expect(rows.locator("a").first).to_have_attribute("href", f"#/contacts/{parts['edited']['id']}")
        await self.choose(member_visit, "From Entra")
        await member_visit.sees("50 of 51 shown")
        await self.choose(member_visit, "Was from Entra")
        await expect(rows).to_contain_text(["was from Entra"])
        await member_visit.well_made("contacts-left")
        await rows.locator("a").first.click()

        await expect(page.locator("#link")).to_contain_text("Was from Microsoft Entra ID until")
        await expect(page.locator("#link time")).to_have_attribute("datetime", re.compile("^20"))
        await member_visit.well_made("contact-left")
        await page.go_back()
        await expect(page.get_by_role("radio", name="Was from Entra")).to_be_checked()
        await member_visit.sees("1 found")

    async def test_is_searched(self, member_visit, parts):
        await member_visit.go("contacts?filter=left")
        await member_visit.field("Search", "Own")
        await member_visit.sees("0 found", "Nobody here.")
        await expect(member_visit.page).to_have_url(re.compile(r"#/contacts\?search=Own&filter=left$"))

        await self.choose(member_visit, "Made here")

        await member_visit.sees("1 found")

    async def test_is_chosen_and_its_rows_are_walked_by_keyboard_alone(self, member_visit, office, parts):
        page = member_visit.page
        names = page.locator("#contacts tbody tr td:first-child a")
        await member_visit.go("contacts")
        await member_visit.sees("50 of 53 shown")
        await page.get_by_role("radio", name="Everybody").focus()
        await page.keyboard.press("ArrowRight")
        await member_visit.sees("50 of 51 shown")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("region", name="Contacts")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(names.first).to_be_focused()

        for key, place in (("ArrowDown", 1), ("End", 49), ("ArrowDown", 49), ("ArrowUp", 48), ("Home", 0)):
            await page.keyboard.press(key)
            await expect(names.nth(place)).to_be_focused()
        await page.keyboard.press("Enter")

        await member_visit.sees("Linked to Microsoft Entra ID.")


class TestWhileTyping:
    """Before an edit is saved, the form says what the next sync does with it."""

    async def type_into(self, visit, contact, text):
        await visit.go(f"contacts/{contact['id']}")
        await visit.click("Edit")
        await visit.page.locator("#edit-firstName").fill(text)

    async def test_that_the_directory_replaces_an_edit(self, member_visit, office):
        office.set_up()
        someone = next(one for one in office.contacts() if one["firstName"])
        field = member_visit.page.locator("#edit-firstName")
        await self.type_into(member_visit, someone, "Edited")

        text = f"The next sync replaces this by “{someone['firstName']}”, as Entra says."
        await expect(field).to_have_accessible_description(text)
        await member_visit.well_made("edit-replaced")
        await field.fill(someone["firstName"])
        await expect(field).to_have_accessible_description("")
        await member_visit.page.locator("#edit-city").fill("Not mapped")
        await expect(member_visit.page.locator("#edit-city")).to_have_accessible_description("")

    async def test_that_an_edit_is_kept_and_an_emptied_field_filled_again(self, member_visit, office):
        office.set_up(conflictResolution="keep_local")
        someone = next(one for one in office.contacts() if one["firstName"])
        field = member_visit.page.locator("#edit-firstName")
        await self.type_into(member_visit, someone, "Edited")

        await expect(field).to_have_accessible_description("")
        await field.fill("")
        text = f"The next sync fills this again with “{someone['firstName']}”, as Entra says."
        await expect(field).to_have_accessible_description(text)


async def test_the_list_is_paged(member_visit, office):
    for n in range(40):
        office.tenant.hire(givenName=f"Person {n}")
    office.set_up()
    everybody = len(office.contacts())
    await member_visit.go("contacts")

    await member_visit.sees(f"50 of {everybody} shown")
    await member_visit.click("Show more")

    await member_visit.sees(f"{everybody} shown")
    await expect(member_visit.page.locator("#contacts tbody tr")).to_have_count(everybody)
    await expect(member_visit.page.locator("#more")).to_be_hidden()
    async with member_visit.page.expect_download() as saved:
        await member_visit.click("Download as CSV")
    lines = Path(await (await saved.value).path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == everybody + 1
    assert '"Email"' in lines[0]


async def test_history_shows_runs_changes_and_who_did_what(visit, office):
    office.set_up()
    someone = next(one for one in office.contacts() if one["lastName"])
    office.tenant.change(someone["sourceId"], surname="Newname")
    office.sync()
    await visit.go("entra/history")
    await visit.sees("Sync of changes", "Full sync", "new configuration", "1 updated")
    await visit.well_made("history")
    await visit.page.get_by_role("link", name="Sync of changes").click()

    row = visit.page.locator("tbody tr")
    await expect(row).to_have_count(1)
    await expect(row.locator("del")).to_have_text(someone["lastName"])
    await expect(row.locator("ins")).to_have_text("Newname")
    await visit.well_made("run")
    await visit.go("entra/audit")
    await visit.sees("connected Microsoft Entra ID", "saved the configuration", "asked for Sync Now")
    await visit.well_made("audit")
