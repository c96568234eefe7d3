"""Every state that the page can show, provoked in the local directory; each with axe and its picture."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from local.office import ENTRA
from tests.portal.visit import fails_with


async def test_the_permission_is_spreading(visit, office):
    office.tenant.consent(given=True, spreading=2, organizationReadable=True)
    office.connect()
    await visit.go("entra")

    await visit.sees("The permission is spreading")
    await visit.well_made("permission-spreading")
    await visit.sees("Choose what syncs")  # By itself, when Microsoft is ready.


async def test_connected_and_never_synced(visit, office):
    office.connect()
    office.tenant.fault("delta", status=429, retryAfter="600")
    fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
    office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
    run = office.status()["currentRun"]
    office.admin.call("POST", f"{ENTRA}/runs/{run['id']}/cancel")
    await visit.go("entra")

    await visit.sees("Not synced yet.")
    await visit.well_made("never-synced")


class TestFirstSync:
    @pytest.fixture
    def tenant(self, directory):
        tenant = directory.control.tenant(people=2000, name="Contoso", shape={"pageSize": 100, "latencyMs": 2500})
        tenant.consent(given=True, organizationReadable=True)
        return tenant

    async def test_a_first_sync_tells_how_far_it_is(self, visit, office):
        office.connect()
        fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
        office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
        await visit.go("entra")

        await visit.sees("First sync", "of about 2,000 people", "a second", "left")
        bar = visit.page.get_by_role("progressbar")
        assert 0 < await bar.evaluate("one => one.value") < 2000
        await visit.well_made("first-sync")
        await visit.click("Cancel this run")
        await visit.sees("Cancelled")
        assert office.settle()["state"] == "cancelled"


async def test_waiting_for_microsoft(visit, office):
    office.set_up()
    office.tenant.fault("delta", status=429, retryAfter="1800")
    office.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})
    await visit.go("entra")

    await visit.sees("Waiting for Microsoft", "Microsoft asked for a pause. The sync goes on by itself in 30 minutes.")
    await visit.well_made("waiting-for-microsoft")


async def test_our_own_problem_is_not_the_administrators(visit, office):
    office.connect()
    office.tenant.consent(given=True, credentialError="7000222", organizationReadable=True)
    office.tenant.fault("delta", status=401, code="InvalidAuthenticationToken")
    fields = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]
    office.admin.call("PUT", f"{ENTRA}/config", {"fieldMappings": fields})
    await visit.go("entra")

    await visit.sees("emu.chat has a problem of its own. There is nothing for you to do")
    await visit.well_made("our-own-problem")


async def test_some_people_need_attention(visit, office):
    office.tenant.hire(givenName="x" * 70_000, surname="Toolong", mail="toolong@contoso.example")
    office.set_up()
    await visit.go("entra")

    await visit.sees("1 person needs attention", "Everybody else is synced.")
    await expect(visit.page.locator("#skipped li")).to_have_count(1)
    await visit.sees("One of the values in Microsoft is too long to be stored.")
    await visit.well_made("people-need-attention")
    await visit.go()
    await visit.sees("Needs you", "Contoso: 1 person needs attention.")


async def test_change_tracking_was_lost(visit, office):
    office.set_up()
    office.tenant.expire("syncStateNotFound")
    office.tenant.shape(pageSize=20, latencyMs=2500)
    office.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})
    await visit.go("entra")

    await visit.sees("Microsoft lost track of what had changed, so everything is read again. Nothing is lost.")
    await visit.well_made("change-tracking-lost")
    office.tenant.shape(pageSize=200)
    await visit.sees("Up to date")


async def test_the_permission_was_withdrawn(visit, office):
    office.set_up()
    office.tenant.consent(given=False, organizationReadable=True)
    office.sync()
    await visit.go("entra")

    await visit.sees("The permission was withdrawn", "Microsoft permissions required", "Grant permissions")
    await visit.well_made("permission-withdrawn")
    await visit.go()
    await visit.sees("Needs you", "Contoso: Microsoft's permission was withdrawn; syncing has stopped.")


async def test_a_run_that_failed_says_why_and_what_to_do_and_the_card_goes_on_saying_how_it_stands(visit, office):
    office.set_up()
    completed = office.status()["lastCompletedAt"]
    await visit.go()
    await visit.sees("Up to date", "Contoso: Syncing every hour.")
    office.tenant.fault("delta", kind="foreign_link")
    office.sync("full")
    await visit.sees("Failed", "Contoso: The last sync failed.")
    await visit.go("entra")

    await visit.sees("The last sync failed.", "not Microsoft Graph", "Try Full Resync.")
    await expect(visit.page.locator("button.primary", has_text="Full Resync")).to_be_visible()
    await expect(visit.page.locator("button.primary", has_text="Sync Now")).to_have_count(0)
    await expect(visit.page.locator("dt:text('Last completed') + dd time")).to_have_attribute("datetime", completed)
    await visit.well_made("failed")
    await visit.click("Full Resync")
    await visit.sees("Up to date")
    await expect(visit.page.locator("button.primary", has_text="Sync Now")).to_be_visible()


class TestDisconnecting:
    async def choose(self, visit, *, delete):
        await visit.click("Disconnect")
        await visit.sees("What becomes of the 52 contacts from the directory?")
        if delete:
            await visit.page.locator("#delete-contacts").check()
        await visit.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()

    async def test_keeps_the_contacts_and_says_how_many(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await self.choose(visit, delete=False)

        await visit.sees(
            "Disconnected", "Contoso Users stays in your workspace, with 52 contacts.", "Grant permissions"
        )
        await visit.well_made("disconnected")
        assert not any(one["linked"] for one in office.contacts())

    async def test_deletes_the_contacts_and_says_that_the_list_is_empty(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await self.choose(visit, delete=True)

        await visit.sees("Disconnected", "Contoso Users is empty.")
        await visit.go("contacts")
        await visit.sees("Nobody here.")

    async def test_that_fails_says_so_and_can_be_repeated(self, visit, office):
        office.set_up()
        await visit.go("entra/settings")
        await visit.context.route("**/entra?contacts=*", fails_with(503, "Storage does not answer."))
        await self.choose(visit, delete=False)
        await visit.sees("Not disconnected. Storage does not answer.")
        assert office.card()["connection"] == "active"
        await visit.context.unroute("**/entra?contacts=*")

        await self.choose(visit, delete=False)

        await visit.sees("Disconnected")

    class TestMany:
        @pytest.fixture
        def tenant(self, directory):
            tenant = directory.control.tenant(people=4000, name="Contoso", shape={"pageSize": 1000})
            tenant.consent(given=True, organizationReadable=True)
            return tenant

        async def test_says_what_becomes_of_the_contacts_until_it_is_done(self, visit, office):
            office.set_up()
            linked = office.status()["totals"]["linked"]
            await visit.go("entra/settings")
            await visit.click("Disconnect")
            await visit.page.locator("#delete-contacts").check()
            await visit.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()

            await visit.sees("Disconnecting…", f"The {linked:,} contacts from the directory are being deleted")
            await visit.sees("Contoso Users is empty.")


class TestRemovalsThatWait:
    @pytest.fixture
    def waiting(self, office):
        """Thirty of 52 people are gone at once."""

        def waiting(**configuration):
            office.set_up(removalGuard={"minimum": 5, "percent": 10}, **configuration)
            office.tenant.purge(*[one["sourceId"] for one in office.contacts()[:30]])
            office.sync()

        return waiting

    async def test_say_how_many_and_what_becomes_of_them_before_they_are_approved(self, visit, office, waiting):
        waiting()
        await visit.go("entra")
        await visit.sees("Unlink 30 of 52 people (57.7%)?", "and 20 more", "Their contacts stay in the list")
        await expect(visit.page.locator(".head .chip")).to_have_text("Needs you")
        await visit.well_made("removals-waiting")

        await visit.click("See all of them")
        rows = visit.page.locator("dialog tbody tr")
        await expect(rows).to_have_count(30)
        await visit.well_made("removals-all")
        someone = (await rows.nth(7).inner_text()).split("\t")[0].strip()
        await visit.page.locator("#pending-search").fill(someone)
        await expect(visit.page.locator("#pending-count")).to_have_text(re.compile(r"^[1-9] found$"))
        async with visit.page.expect_download() as saved:
            await visit.page.locator("#pending-csv").click()
        text = Path(await (await saved.value).path()).read_text("utf-8-sig")
        assert len(text.splitlines()) == 31
        assert someone in text
        await visit.click("Close")

        await visit.click("Unlink them…")
        dialog = visit.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Unlink 30 of 52 people?")
        await visit.well_made("removals-approved")
        await visit.click("Go back")
        assert office.status()["state"] == "awaiting_approval"
        await visit.click("Unlink them…")
        await visit.click("Unlink 30 people")

        await visit.sees("Up to date", "30 unlinked")
        assert sum(one["linked"] for one in office.contacts()) == len(office.contacts()) - 30

    async def test_are_called_deletions_where_hard_delete_is_chosen(self, visit, office, waiting):
        waiting(deletionBehavior="hard_delete")
        await visit.go("entra")
        await visit.sees("Delete 30 of 52 people (57.7%)?", "can undo that for 90 days.")

        await visit.click("Delete them…")
        await visit.click("Delete 30 people")

        await visit.sees("Up to date", "30 deleted")
        assert len(office.contacts()) == 22

    async def test_wait_for_a_full_sync_that_finds_out_anew_who_is_missing(self, visit, office, waiting):
        waiting()
        office.tenant.shape(latencyMs=8000)
        office.admin.call("POST", f"{ENTRA}/sync", {"mode": "full"})
        await visit.go("entra")

        await visit.sees("A full sync is under way. It finds out anew who is missing")
        await expect(visit.page.locator("#approve")).to_have_count(0)

    class TestManyOfThem:
        @pytest.fixture
        def tenant(self, directory):
            tenant = directory.control.tenant(people=4000, name="Contoso", shape={"pageSize": 1000})
            tenant.consent(given=True, organizationReadable=True)
            return tenant

        async def test_are_counted_while_they_are_removed(self, visit, office, waiting):
            office.set_up()
            linked = office.status()["totals"]["linked"]
            gone = [one["id"] for one in office.tenant.users() if one["removed"] is None][: linked // 2]
            office.tenant.purge(*gone)
            office.sync()
            count = office.status()["waitingRun"]["pendingRemovals"]["count"]
            await visit.go("entra")
            await visit.click("Unlink them…")

            await visit.page.get_by_role("dialog").get_by_role("button", name="Unlink").click()

            await expect(visit.page.locator("#sync-numbers")).to_contain_text(
                re.compile(rf"Removing [\d,]+ of {count:,}")
            )
            await visit.sees("Up to date", f"{count:,} unlinked")


async def test_removals_wait_for_approval_and_are_discarded(visit, office):
    office.set_up(removalGuard={"minimum": 5, "percent": 10})
    gone = [one["sourceId"] for one in office.contacts()[:10]]
    office.tenant.remove(*gone)
    office.sync()
    await visit.go("entra")

    await visit.sees("Unlink 10 of 52 people")
    office.tenant.restore(*gone)
    await visit.click("Keep them, and read everything again")
    await visit.sees("Up to date")
    assert all(one["linked"] for one in office.contacts())
    await visit.go("entra/history")
    await visit.sees("Removals discarded")
