"""The help article, in both languages, and the links to it from where a question arises."""

import re
from html.parser import HTMLParser

import pytest
from playwright.async_api import expect

from tests.portal.visit import ROOT

LINKS = {"": "before", "entra": "keep", "entra/settings": "choose", "contacts": "list"}


class Told(HTMLParser):
    """The texts of a page's paragraphs, headings and list items, and the headings' ids."""

    def __init__(self):
        super().__init__()
        self.texts, self.ids, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.inside = tag in ("h1", "h2", "p", "li")
        if self.inside:
            self.texts.append("")
            self.ids += [value for name, value in attrs if tag == "h2" and name == "id"]

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data

    def handle_endtag(self, tag):
        self.inside = False


def told(language):
    page = Told()
    page.feed((ROOT / "portal" / f"help.{language}.html").read_text())
    # The formatter breaks long lines.
    page.texts = [" ".join(one.split()) for one in page.texts]
    return page


def test_the_page_says_what_the_article_says():
    lines = [one.strip() for one in (ROOT / "docs" / "help-article.md").read_text().splitlines()]
    article = [re.sub(r"^(\d+\.|•)\s+", "", one) for one in lines[: lines.index("Related")] if one]

    assert told("en").texts == [one for one in article if not one.startswith(("Written By", "Last updated"))]


def test_the_german_one_has_the_same_parts():
    assert told("de").ids == told("en").ids
    assert len(told("de").texts) == len(told("en").texts)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_it_is_well_made(visit, host, language):
    await visit.page.goto(f"{host.url}/api/portal/help.{language}.html")

    await visit.well_made(f"help-{language}")


async def test_where_a_question_arises_a_link_answers_it(visit, office):
    for address, part in LINKS.items():
        await visit.go(address)
        link = visit.page.locator(".help-link a").first
        await expect(link).to_have_attribute("href", f"help.en.html#{part}")
        if not address:
            office.set_up()
    async with visit.page.context.expect_page() as opened:
        await link.click()
    page = await opened.value
    await expect(page.locator("#list")).to_be_in_viewport()
    await page.close()
