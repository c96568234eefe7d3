"""The form: what is shown is what is sent, whatever the page drew again; a failure in the background loses nothing."""

import json

import pytest
from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.visit import fails_with, hold

SHOWN = """() => {
  const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
  const on = (id) => document.getElementById(id).checked;
  const amount = (id) => Number(document.getElementById(id).value);
  return {
    fieldMappings: [...document.querySelectorAll("#mappings li")].map((row) => {
      const [source, target] = [...row.querySelectorAll("select")].map((one) => one.value);
      return { source, target };
    }),
    conflictResolution: chosen("conflictResolution"),
    deletionBehavior: chosen("deletionBehavior"),
    phoneNumbers: chosen("phoneNumbers"),
    includeGuests: on("includeGuests"),
    includeDisabled: on("includeDisabled"),
    removalGuard: on("guard") ? { minimum: amount("guard-minimum"), percent: amount("guard-percent") } : null,
  };
}"""


async def save(visit):
    """Click Save; what was sent."""
    async with visit.page.expect_request(lambda one: one.method == "PUT") as asked:
        await visit.click("Save Configuration")
    return json.loads((await asked.value).post_data)


async def change_everything(page, mark):
    """Use each kind of control once. `mark` is a number that the form does not show yet."""
    await page.locator("#source-3").select_option("city" if mark % 2 else "country")
    await page.locator("#target-3").select_option("city" if mark % 2 else "country")
    await page.locator(f"#conflictResolution-{'keep_local' if mark % 2 else 'source_wins'}").check()
    await page.locator("#includeGuests").set_checked(bool(mark % 2))
    await page.locator("#includeDisabled").set_checked(bool(mark % 2))
    await page.locator("#guard-minimum").fill(str(mark))
    await page.locator("#guard-percent").fill(str(mark % 100))


async def saved(visit):
    await save(visit)
    await visit.sees("Saved. A full sync applies it.")


async def previewed(visit):
    await visit.click("Preview")
    await visit.sees("Preview: nothing is saved or changed yet")


async def refused(visit):
    await visit.page.locator("#guard-percent").fill("500")
    await save(visit)
    await visit.sees("must be from 0 to 100")


async def row_added(visit):
    await visit.click("Add a field")


async def row_removed(visit):
    await visit.page.locator("#remove-1").click()


async def guard_off_and_on(visit):
    await visit.page.locator("#guard").uncheck()
    await visit.page.locator("#guard").check()


async def polled(visit):
    async with visit.page.expect_response(lambda one: one.url.endswith("/status")):
        pass


async def test_what_is_shown_is_what_is_sent_whatever_was_drawn_again(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    for n, drawn in enumerate([saved, previewed, refused, guard_off_and_on, polled, row_added, row_removed]):
        await change_everything(visit.page, 41 + 2 * n)
        await drawn(visit)

        await change_everything(visit.page, 42 + 2 * n)
        shown = await visit.page.evaluate(SHOWN)

        sent = await save(visit)
        assert {name: sent[name] for name in shown} == shown, drawn.__name__
        assert shown["removalGuard"] == {"minimum": 42 + 2 * n, "percent": 42 + 2 * n}
        await visit.sees("Saved. A full sync applies it.")


async def test_phone_numbers_are_stored_in_the_international_form(visit, office):
    office.set_up()
    someone = office.contacts()[0]
    office.tenant.change(someone["sourceId"], mobilePhone="044 668 18 00", usageLocation="CH")
    await visit.go("entra/settings")
    await visit.page.get_by_label("In international form").check()

    await save(visit)
    await visit.sees("Saved. A full sync applies it.")
    office.settle()

    phones = {one["id"]: one["mobilePhone"] for one in office.contacts()}
    assert phones[someone["id"]] == "+41446681800"


async def test_an_edit_made_while_saving_is_kept_and_still_unsaved(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    await visit.page.locator("#conflictResolution-keep_local").check()
    waiting = await hold(visit, "PUT", "**/config")
    async with visit.page.expect_response(lambda one: one.request.method == "PUT"):
        async with visit.page.expect_request(lambda one: one.method == "PUT"):
            await visit.click("Save Configuration")
        await visit.page.locator("#includeGuests").check()
        waiting.set()

    await expect(visit.page.locator("#save")).not_to_have_attribute("aria-disabled", "true")
    await visit.sees("not saved yet")
    await expect(visit.page.locator("#includeGuests")).to_be_checked()
    told = office.admin.call("GET", f"{ENTRA}/config")
    assert (told["conflictResolution"], told["includeGuests"]) == ("keep_local", False)


async def test_a_preview_of_earlier_choices_is_not_shown(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    waiting = await hold(visit, "POST", "**/preview")
    await visit.click("Preview")
    await visit.sees("Reading your directory")
    await visit.page.locator("#includeGuests").check()

    async with visit.page.expect_response("**/preview"):
        waiting.set()

    await visit.sees("not saved yet")
    await expect(visit.page.locator("#save")).not_to_have_attribute("aria-disabled", "true")
    await expect(visit.page.locator("#preview")).to_be_empty()


class TestWhatIsNotSaved:
    """An edit ends by Save or Discard, and by nothing else."""

    @pytest.fixture
    async def edited(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await visit.page.locator("#source-4").select_option("city")
        return visit

    async def is_there(self, visit):
        await visit.sees("These are your changes of")
        await expect(visit.page.locator("#source-4")).to_have_value("city")

    async def test_survives_a_reload_until_it_is_discarded(self, edited):
        await edited.page.reload()
        await self.is_there(edited)
        await edited.well_made("unsaved-changes")

        await edited.click("Discard changes")

        await expect(edited.page.locator("#source-4")).to_have_value("companyName")
        await expect(edited.page.locator("#save")).to_be_focused()
        await edited.page.reload()
        await edited.sees("Field Mappings")
        await expect(edited.page.locator("#source-4")).to_have_value("companyName")
        await expect(edited.page.locator("#draft-note")).to_have_count(0)

    async def test_survives_a_reload_until_it_is_saved(self, edited):
        await edited.page.reload()
        await self.is_there(edited)
        sent = await save(edited)
        await edited.sees("Saved. A full sync applies it.")

        await edited.page.reload()

        assert sent["fieldMappings"][4]["source"] == "city"
        await edited.sees("Field Mappings")
        await expect(edited.page.locator("#draft-note")).to_have_count(0)

    async def test_survives_an_ended_sign_in(self, edited, office):
        await edited.context.route("**/config", fails_with(401, "Sign in."))
        await edited.sign_out()
        await edited.click("Save Configuration")
        await edited.sees("Sign in to emu.chat.")
        await edited.context.unroute("**/config")
        await edited.sign_in(f"admin@{office.workspace}")

        await edited.page.goto("about:blank")
        await edited.go("entra/settings")

        await self.is_there(edited)

    async def test_is_not_dropped_by_try_again(self, edited):
        await edited.context.route("**/fields", fails_with(503, "Storage does not answer."))
        await edited.page.reload()
        await edited.sees("That did not work")
        await edited.context.unroute("**/fields")

        await edited.click("Try again")

        await self.is_there(edited)

    async def test_goes_on_from_what_another_administrator_saved(self, edited, office):
        office.configure(conflictResolution="keep_local")

        await edited.page.reload()

        await self.is_there(edited)
        await expect(edited.page.locator("#conflictResolution-keep_local")).to_be_checked()

    async def test_says_what_another_administrator_saved_differently_and_can_take_it(self, edited, office):
        fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
        office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields[:4]})

        await edited.page.reload()

        await edited.sees("Another administrator has saved in the meantime", "Theirs not mapped", "Yours City")
        await edited.well_made("two-administrators")
        await expect(edited.page.locator("#source-4")).to_have_value("city")
        await edited.page.locator("#conflict-0-theirs").click()
        await expect(edited.page.locator("#source-4")).to_have_count(0)

    async def test_is_nobody_elses(self, edited, office):
        await edited.sign_in(f"admin-two@{office.workspace}")

        await edited.page.reload()

        await edited.sees("Field Mappings")
        await expect(edited.page.locator("#source-4")).to_have_value("companyName")
        await expect(edited.page.locator("#draft-note")).to_have_count(0)


class TestAFailureInTheBackground:
    async def test_one_503_neither_loses_an_edit_nor_leaves_a_trace(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await visit.page.locator("#source-3").select_option("country")
        await visit.page.locator("#guard-percent").scroll_into_view_if_needed()
        await visit.page.locator("#source-3").focus()
        await visit.context.route("**/status", fails_with(503, "Storage does not answer."))

        await visit.sees("Trying again", "Storage does not answer.")
        await expect(visit.page.locator("#trouble")).to_be_in_viewport()
        await visit.well_made("trying-again")
        await visit.context.unroute("**/status")

        await expect(visit.page.locator("#trouble")).to_be_empty()
        await expect(visit.page.locator("#source-3")).to_have_value("country")
        await expect(visit.page.locator("#source-3")).to_be_focused()
        await visit.sees("Up to date", "1 change not saved yet")

    async def test_seconds_offline_lose_nothing(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await visit.page.locator("#conflictResolution-keep_local").check()
        await visit.context.set_offline(True)
        await visit.sees("Trying again")

        await visit.context.set_offline(False)

        await expect(visit.page.locator("#trouble")).to_be_empty()
        await expect(visit.page.locator("#conflictResolution-keep_local")).to_be_checked()

    async def test_an_ended_sign_in_asks_to_sign_in_and_keeps_the_form(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await visit.page.locator("#conflictResolution-keep_local").check()
        await visit.context.route("**/status", fails_with(401, "Sign in."))
        await visit.sign_out()

        await visit.sees("Your sign-in has ended.")

        await expect(visit.page.locator("#conflictResolution-keep_local")).to_be_checked()
        await expect(visit.page.locator("#sign-in")).to_be_visible()

    async def test_the_first_look_may_fail_too(self, visit, office):
        office.set_up()
        await visit.context.route("**/status", fails_with(503, "Storage does not answer."))
        await visit.go("entra/settings")
        await visit.sees("Trying again", "Field Mappings")

        await visit.context.unroute("**/status")

        await visit.sees("Up to date")
        await expect(visit.page.locator("#trouble")).to_be_empty()
