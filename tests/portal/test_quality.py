"""How complete the directory's data is, on the page: figures, people behind them, a file, and how it went."""

import csv
from pathlib import Path

import pytest
from playwright.async_api import expect


@pytest.fixture
def wanting(office):
    """A tenant in which somebody has no company, and two share an address."""
    people = office.tenant.users()
    office.tenant.change(people[0]["id"], companyName=None, givenName="Nora", surname="Nowhere")
    for one in people[1:3]:
        office.tenant.change(one["id"], mail="shared@contoso.example")
    office.set_up()
    return office


async def test_an_administrator_sees_what_is_wanting_and_who_is_behind_it(visit, wanting):
    await visit.go("entra")
    await visit.click("Quality", role="link")
    await visit.sees("No company", "An email address that several have", "measured")
    await visit.well_made("quality")

    await visit.page.get_by_role("link", name="No company").click()
    await visit.sees("Nora Nowhere")
    await visit.well_made("quality-people")
    async with visit.page.expect_download() as file:
        await visit.page.locator("#csv").click()
    rows = list(csv.reader(Path(await (await file.value).path()).read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["Name", "Email", "Mobile phone", "Contact id"]
    assert "Nora Nowhere" in [row[0] for row in rows]

    await visit.page.get_by_role("link", name="Nora Nowhere").click()
    await visit.sees("1 found")


async def test_before_the_first_sync_nothing_is_measured(visit, office):
    office.connect()
    await visit.go("entra/quality")

    await expect(visit.page.locator("#quality-none")).to_be_visible()
