"""Before saving: how the mapping looks on real people, and what a run would do; then the run does exactly that."""

import re

import pytest
from playwright.async_api import expect

from local.office import ENTRA


def person(alias):
    """What every user has in Microsoft Entra: a preview passes by an entity that is not whole (spec §3)."""
    return {"userPrincipalName": f"{alias}@contoso.example", "mail": f"{alias}@contoso.example"}


async def numbers(visit):
    await visit.sees("Preview: nothing is saved or changed yet")
    return await visit.page.locator("#preview-counts").inner_text()


async def test_a_mapping_is_changed_previewed_and_saved(visit, office):
    office.set_up()
    before = office.contacts()
    ada = office.tenant.hire(**person("ada"), givenName="Ada", surname="Lovelace", jobTitle="Analyst")
    await visit.go("entra/settings")
    await visit.click("Add a field")
    await visit.page.locator("#source-5").select_option("jobTitle")
    await visit.page.locator("#target-5").select_option("jobTitle")
    await visit.sees("1 change not saved yet")

    await visit.click("Preview")
    told = await numbers(visit)

    assert "1 added" in told
    await visit.sees("Job title", "Analyst")
    await visit.well_made("preview")
    assert office.contacts() == before
    assert len(office.admin.call("GET", f"{ENTRA}/runs")["runs"]) == 1
    await visit.click("Save Configuration")
    await visit.sees("Saved. A full sync applies it.", "Up to date")
    run = office.settle()
    assert f"{run['counts']['updated']} updated" in told
    assert next(one for one in office.contacts() if one["sourceId"] == ada)["jobTitle"] == "Analyst"


async def test_each_switch_says_whom_it_adds_and_takes(visit, office):
    guests = [office.tenant.hire(**person(f"g{n}"), givenName=f"G{n}", userType="Guest") for n in range(7)]
    office.set_up(includeDisabled=True)
    members = len(office.contacts())
    everybody = sum(user["removed"] is None for user in office.tenant.users())
    await visit.go("entra/settings")

    await visit.click("Preview")
    await numbers(visit)

    added = everybody - members
    assert added >= len(guests)
    await expect(visit.page.locator("#includeGuests-effect")).to_have_text(f" Guests: +{added}")
    await expect(visit.page.locator("#includeDisabled-effect")).to_contain_text("Disabled accounts: -")
    await visit.page.locator("#includeGuests").check()
    await visit.click("Preview")
    assert f"{added} added" in await numbers(visit)
    await visit.click("Save Configuration")
    await visit.sees("Saved. A full sync applies it.")
    office.settle()
    assert len(office.contacts()) == everybody


async def test_a_rule_says_whom_it_leaves_out_while_it_is_typed_and_the_saved_one_does_it(visit, office):
    office.set_up()
    office.tenant.hire(**person("sally"), givenName="Sally", surname="Seller", department="Sales")
    office.tenant.hire(**person("leo"), givenName="Leo", surname="Lawyer", department="Legal")
    office.sync()
    departments = {one.get("department") for one in office.tenant.users() if one["removed"] is None}
    assert {"Sales", "Legal"} <= departments
    page = visit.page
    await visit.go("entra/settings")
    await visit.click("Add a rule")
    await expect(page.locator("#rule-0-field")).to_be_focused()

    await page.locator("#rule-0-values").fill("Sales\nno such department")

    await expect(page.locator("#rule-0-effect")).to_contain_text(re.compile(r"Keeps \d+ pe\w+, leaves out \d+ people"))
    await expect(page.locator("#rule-0-effect")).to_contain_text("(Sales)")
    await expect(page.locator("#rule-0-values")).to_have_value("Sales\nno such department")
    await visit.well_made("rules")
    await page.locator("#rule-0-operator").select_option("is_empty")
    await expect(page.locator("#rule-0-values")).to_have_count(0)
    await page.locator("#rule-0-operator").select_option("is")
    await visit.click("Save Configuration")
    await visit.sees("Rule 1")
    assert office.admin.call("GET", f"{ENTRA}/config")["scopeRules"] == []
    await page.locator("#rule-0-values").fill("Sales")
    await page.locator("#guard").uncheck()
    await visit.click("Save Configuration")
    await visit.sees("Saved. A full sync applies it.")
    office.settle()
    sales = {one["id"] for one in office.tenant.users() if one.get("department") == "Sales"}
    linked = {one["sourceId"] for one in office.contacts() if one["linked"]}
    assert linked
    assert linked <= sales


async def test_a_preview_warns_of_removals_that_would_wait(visit, office):
    office.set_up()
    office.tenant.purge(*[one["sourceId"] for one in office.contacts()[:30]])
    await visit.go("entra/settings")

    await visit.click("Preview")

    assert "30 unlinked" in await numbers(visit)
    await visit.sees("The removals would wait for your approval: 30 contacts.")


async def test_a_wrong_mapping_is_told_at_its_place(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    await visit.page.locator("#source-0").select_option("jobTitle")
    await visit.page.locator("#target-0").select_option("email")
    await expect(visit.page.locator("#target-0")).to_have_accessible_description(re.compile("Job title is not one"))

    await visit.click("Save Configuration")

    await visit.sees("Mapping 1, contact field", "Job title is not one", "Mapping 3, contact field", "mapped twice")
    await expect(visit.page.locator("#target-0")).to_have_attribute("aria-invalid", "true")
    await visit.well_made("wrong-mapping")
    assert office.admin.call("GET", f"{ENTRA}/config")["version"] == 1


async def test_two_admins_at_once_do_not_overwrite_each_other(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    await expect(visit.page.locator("#save")).to_be_visible()
    office.configure(conflictResolution="keep_local")
    await visit.page.locator("#remove-4").click()

    await visit.click("Save Configuration")

    await visit.sees("The configuration was changed in the meantime. Look at it and save again.")
    await expect(visit.page.locator("#config-problem")).not_to_contain_text("If-Match")
    assert len(office.admin.call("GET", f"{ENTRA}/config")["fieldMappings"]) == 5
    await expect(visit.page.locator("#conflictResolution-keep_local")).to_be_checked()
    await expect(visit.page.locator("#mappings li.mapping")).to_have_count(4)
    await visit.click("Save Configuration")
    await visit.sees("Saved. A full sync applies it.")
    told = office.admin.call("GET", f"{ENTRA}/config")
    assert (len(told["fieldMappings"]), told["conflictResolution"]) == (4, "keep_local")


async def test_hard_delete_is_asked_about_once_more(visit, office):
    office.set_up()
    await visit.go("entra/settings")
    await visit.page.locator("#deletionBehavior-hard_delete").check()
    await visit.click("Save Configuration")
    await visit.sees("Delete for good?")
    await visit.well_made("hard-delete")
    await visit.click("Go back")
    assert office.admin.call("GET", f"{ENTRA}/config")["deletionBehavior"] == "unlink"

    await visit.click("Save Configuration")
    await visit.click("Use Hard Delete")

    await visit.sees("Saved. A full sync applies it.")
    assert office.admin.call("GET", f"{ENTRA}/config")["deletionBehavior"] == "hard_delete"


class TestTheCall:
    """The same through the API."""

    def test_a_preview_writes_nothing_and_agrees_with_the_run(self, office):
        office.set_up()
        everybody = office.contacts()
        office.tenant.change(everybody[0]["sourceId"], givenName="Changed", mail=None)
        office.tenant.purge(everybody[1]["sourceId"])
        office.tenant.hire(**person("new"), givenName="New")
        wanted = office.admin.call("GET", f"{ENTRA}/config")

        told = office.admin.call("POST", f"{ENTRA}/preview", wanted)

        assert office.contacts() == everybody
        run = office.sync("full")
        assert told["complete"]
        assert told["counts"] == run["counts"]
        assert not told["waitsForApproval"]
        assert {one["outcome"] for one in told["sample"]} == {"added", "updated", "unlinked", "unchanged"}

    def test_a_preview_before_the_first_save_names_everybody_as_new(self, office):
        office.connect()
        defaults = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]

        told = office.admin.call("POST", f"{ENTRA}/preview", {"fieldMappings": defaults})

        assert told["counts"]["added"] + told["leftOut"] == told["counts"]["read"] == 60
        assert office.configure()["counts"] == told["counts"]

    @pytest.mark.parametrize(("who", "status"), [("member", 403), ("admin", 409)])
    def test_only_an_admin_of_a_connected_workspace_may_ask(self, office, who, status):
        if who == "member":
            office.connect()
        defaults = office.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"]

        assert getattr(office, who).send("POST", f"{ENTRA}/preview", {"fieldMappings": defaults}).status_code == status


async def test_single_people_are_looked_at_under_choices_that_are_not_saved(visit, office):
    office.set_up()
    someone = office.contacts()[0]
    await visit.go("entra/settings")
    await visit.page.locator("#source-4").select_option("city")
    await visit.click("Preview")
    await visit.page.locator("#chosen-query").fill(someone["sourceId"])

    await visit.page.keyboard.press("Enter")

    await visit.sees("1 found", "The next run that hears of this person: updated.")
    await visit.well_made("preview-somebody")
    assert office.admin.call("GET", f"{ENTRA}/config")["version"] == 1
    await visit.page.locator("#conflictResolution-keep_local").check()
    await expect(visit.page.locator("#chosen")).to_have_count(0)
    await visit.click("Preview")
    await expect(visit.page.locator("#chosen-people")).to_be_empty()
