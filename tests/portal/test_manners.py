"""What a good page does: it is small, safe, quick, guards what is unsaved, and outlives a token."""

import json
import re
import time

import httpx
from playwright.async_api import expect

from tests.portal.visit import ROOT

LARGEST_BYTES = 100_000


def test_the_page_is_small_and_names_no_other_host():
    files = [path for path in (ROOT / "portal").iterdir() if path.is_file()]

    assert sum(path.stat().st_size for path in files) < LARGEST_BYTES
    for path in files:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert not re.search(r"(inner|outer)HTML\s*=[^=]|insertAdjacentHTML|document\.write|eval\(", text), path


def test_its_policy_is_strict_and_its_files_are_served_as_what_they_are(host):
    answers = {name: httpx.get(f"{host.url}/api/portal/{name}") for name in ("", "app.js", "style.css", "config.json")}

    policy = answers[""].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    kinds = [one.headers["content-type"].split(";")[0] for one in answers.values()]
    assert kinds == ["text/html", "text/javascript", "text/css", "application/json"]
    assert httpx.get(f"{host.url}/api/portal/../settings.py").status_code == 404
    assert httpx.get(f"{host.url}/api/portal/no-such-file").status_code == 404
    again = httpx.get(f"{host.url}/api/portal/", headers={"If-None-Match": answers[""].headers["etag"]})
    assert again.status_code == 304


async def test_after_a_click_the_page_looks_again_within_a_second(visit, office):
    office.set_up()
    office.tenant.shape(latencyMs=3000)
    page = visit.page
    await page.clock.install()
    await visit.go("entra")
    await visit.sees("Up to date.")

    await visit.click("Sync Now")
    await visit.sees("Cancel this run")

    async with page.expect_request("**/status", timeout=2000):
        await page.clock.run_for(1100)


async def test_first_content_comes_within_a_second(visit, office):
    await visit.go()
    await visit.sees("Entra Id")
    began = time.monotonic()

    await visit.go()
    await expect(visit.page.locator("#entra-card")).to_be_visible()

    took = time.monotonic() - began
    painted = await visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1000
    assert took < 10  # A machine that is busy with other tests is no reason to fail.


async def test_unsaved_changes_are_guarded(visit, office):
    office.set_up()
    await visit.go("entra")
    await visit.page.locator("#conflictResolution-keep_local").check()
    await visit.page.get_by_role("link", name="History").click()
    await visit.sees("Leave without saving?")

    await visit.click("Stay")
    await expect(visit.page.locator("#conflictResolution-keep_local")).to_be_checked()
    await visit.page.get_by_role("link", name="History").click()
    await visit.click("Leave")

    await expect(visit.page.locator("h1")).to_have_text("History")


async def test_an_expired_token_is_renewed_without_a_word(visit, office):
    office.set_up()
    long_ago = {"exp": int(time.time()) - 3600}
    old = office.directory.control.odd_token(person=f"admin@{office.workspace}", claims=long_ago)
    asked = []

    async def first_an_old_one(route):
        asked.append(route.request.url)
        if len(asked) > 1:
            await route.continue_()
            return
        body = json.dumps({"token": old, "expiresIn": 600})
        origin = {"Access-Control-Allow-Origin": office.url, "Access-Control-Allow-Credentials": "true"}
        await route.fulfill(body=body, content_type="application/json", headers=origin)

    await visit.context.route("**/identity/token", first_an_old_one)
    await visit.go("entra")

    await visit.sees("Up to date.")
    assert len(asked) >= 2


async def test_who_is_signed_out_is_asked_to_sign_in_and_comes_back(visit, office):
    office.set_up()
    await visit.sign_out()
    await visit.go("history")

    await visit.sees("Sign in to emu.chat", "Your sign-in is missing or has ended.")
    await visit.well_made("signed-out")
    link = await visit.page.locator("#sign-in").get_attribute("href")
    assert link.startswith(f"{office.directory.desk}/identity/sign-in?return=")


async def test_times_are_relative_with_the_exact_one_on_hover_and_a_live_region_tells(visit, office):
    office.set_up()
    await visit.go("entra")
    await visit.sees("Up to date.")

    times = visit.page.locator("dl time")
    assert await times.count() == 3
    assert all([await times.nth(n).get_attribute("title") for n in range(3)])
    await expect(visit.page.locator("#live")).to_have_text("Up to date.")


async def test_polling_neither_moves_the_page_nor_the_focus(visit, office):
    office.set_up()
    await visit.go("entra")
    await visit.sees("Up to date.")
    link = visit.page.locator("#last-run")
    await link.focus()
    place = await visit.page.locator("#settings-title").bounding_box()

    async with visit.page.expect_response(lambda one: one.url.endswith("/status")):
        pass

    assert await link.evaluate("one => one === document.activeElement")
    assert await visit.page.locator("#settings-title").bounding_box() == place
