"""What people read: messages, the audit trail and history say what happened in words that they know from the page."""

from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.pure import promise
from tests.portal.visit import fails_with


class TestTheAuditTrail:
    async def test_says_which_save_was_the_first_and_what_later_ones_changed(self, visit, office):
        office.set_up()
        fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
        office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
        office.configure(
            fieldMappings=[*fields[:4], {"source": "jobTitle", "target": "jobTitle"}],
            conflictResolution="keep_local",
            deletionBehavior="hard_delete",
            includeGuests=True,
            removalGuard={"minimum": 5, "percent": 10},
        )
        office.configure(fieldMappings=fields, removalGuard=None)
        await visit.go("entra/audit")

        rows = visit.page.locator("tbody tr")
        await expect(rows).to_have_count(5)
        texts = [" ".join((await one.inner_text()).split()) for one in await rows.all()]
        assert "Protection against accidental removals: more than 10 percent and more than 5 contacts → off" in texts[0]
        assert "Field Mappings: Company → Company, Job title → Job title" in texts[1]
        assert "Conflict Resolution: Always update from source → Keep local changes" in texts[1]
        assert "Deletion Behavior: Unlink → Hard Delete" in texts[1]
        assert "Guest accounts: off → on" in texts[1]
        assert "saved the configuration, without a change" in texts[2]
        assert "saved the configuration for the first time, as it was proposed" in texts[3]
        assert not [text for text in texts if "fieldMappings" in text or "{" in text]
        await visit.well_made("audit-changes")

    async def test_is_for_administrators_and_says_so(self, member_visit, office):
        office.set_up()
        await member_visit.go("entra/audit")

        await member_visit.sees("Only a workspace administrator can see this.")
        await expect(member_visit.page.locator("main")).not_to_contain_text("That did not work")
        await expect(member_visit.page.get_by_role("button", name="Try again")).to_have_count(0)


async def test_a_run_says_how_long_it_took(visit, office):
    run = office.set_up()
    await visit.go(f"entra/history/{run['id']}")

    await expect(visit.page.locator("main")).to_contain_text("Completed in ")


async def test_a_limit_that_is_refused_is_named_as_on_the_page(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    await visit.page.locator("#guard-percent").fill("500")

    await visit.click("Save Configuration")

    problem = visit.page.locator("#config-problem")
    await expect(problem).to_contain_text("Protection against accidental removals, percent: must be from 0 to 100")
    await expect(problem).not_to_contain_text("removalGuard")
    await expect(visit.page.locator("#guard-percent")).to_have_accessible_description("must be from 0 to 100")


async def test_a_fault_of_emu_chat_is_not_called_the_persons_connection(visit, office):
    office.set_up()
    await visit.context.route("**/runs?*", lambda route: route.fulfill(status=500))

    await visit.go("entra/history")

    await visit.sees("emu.chat has a problem of its own.")
    await expect(visit.page.locator("main")).not_to_contain_text("Check your connection")


async def test_more_of_a_list_that_cannot_be_had_is_said_and_what_changed_nothing_is_hidden_at_first(visit, office):
    office.set_up()
    for _ in range(21):
        office.admin.call("PUT", f"{ENTRA}/config", office.admin.call("GET", f"{ENTRA}/config"))
        office.settle()
    await visit.go("entra/history?all")
    await expect(visit.page.locator("#more")).to_be_visible()
    await visit.context.route("**/runs?*", fails_with(503, "Storage does not answer."))

    await visit.click("Show more")

    await visit.sees("That did not work", "Storage does not answer.")
    await expect(visit.page.locator("tbody tr")).to_have_count(20)
    await visit.click("Close")
    await expect(visit.page.locator("#stumble")).to_be_empty()

    await visit.context.unroute("**/runs?*")
    await visit.page.get_by_label("Show runs that changed nothing, too").uncheck()

    await expect(visit.page.locator("tbody tr")).to_have_count(1)
    await visit.sees("52 added")


def test_a_name_that_javascript_has_on_every_object_is_nobodys_value():
    promise("""
        import { own } from "./words.js";
        assert.deepEqual([own({}, "constructor"), own(null, "x"), own({ x: 1 }, "x")], [undefined, undefined, 1]);
    """)
