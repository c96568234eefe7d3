"""The desk's sign-in page, at the address that `make run` prints: it confirms, links to the page, and signs out."""

import re

import httpx
import pytest


@pytest.fixture
def browser(directory):
    with httpx.Client(base_url=directory.desk, follow_redirects=True, timeout=30) as client:
        yield client


def test_signing_in_at_the_printed_address_confirms_and_links_to_the_page(browser):
    page = browser.post("/identity/sign-in", data={"person": "alice"})

    assert "You are signed in as Alice Admin" in page.text
    assert re.search(r'href="http://localhost:\d+/api/portal/"', page.text)


def test_signing_out_ends_it(browser):
    browser.post("/identity/sign-in", data={"person": "alice"})

    page = browser.get("/identity/sign-out")

    assert page.url.path == "/identity/sign-in"
    assert "You are signed in" not in page.text


def test_the_desks_root_leads_to_the_sign_in(browser):
    assert browser.get("/").url.path == "/identity/sign-in"
