"""A real Chromium, looking at the page through the real host."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.portal.visit import Visit

ROOT = Path(__file__).parents[2]
# As root there is no sandbox; and a browser without a network of its own looks nothing up.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    # A window loads two pages for its address bar, which cost a second of CPU a test and are never seen. Chromium takes
    # the last list of this name, so the rest repeats what matters here of Playwright's own.
    (
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,HttpsUpgrades,LensOverlay,MediaRouter,"
        "OptimizationHints,PaintHolding"
    ),
]


@pytest.fixture(scope="session")
def chromium_path():
    finder = [ROOT / "local" / "tools" / "find-browser", sys.executable]
    return subprocess.run(finder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
async def chromium(chromium_path):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def tenant(directory):
    tenant = directory.control.tenant(people=60, name="Contoso")
    tenant.consent(given=True, organizationReadable=True)
    return tenant


@pytest.fixture
async def visit(chromium, office):
    """The workspace's admin at the page."""
    made = await Visit.of(chromium, office, f"admin@{office.workspace}")
    yield made
    await made.end()


@pytest.fixture
async def member_visit(chromium, office):
    made = await Visit.of(chromium, office, f"member@{office.workspace}")
    yield made
    await made.end()
