"""How the page is put together: imports go one way, and what decides knows no page and no network."""

import re

from tests.portal.visit import ROOT

PORTAL = ROOT / "portal"
LAYERS = [
    ["texts.en.js", "texts.de.js"],
    ["words.js"],
    ["choices.js", "pace.js"],
    ["state.js"],
    ["dom.js", "api.js", "draft.js", "handover.js"],
    ["parts.js", "download.js"],
    ["pending.js"],
    [
        "chart.js",
        "undo.js",
        "pausing.js",
        "stage.js",
        "paged.js",
        "edit.js",
        "fieldsets.js",
        "merging.js",
        "notices.js",
        "preview.js",
        "somebody.js",
        "review.js",
    ],
    ["sample.js", "frame.js", "scope.js", "runfilter.js"],
    ["settings.js", "overview.js", "permissions.js"],
    ["integrations.js", "entra.js", "history.js", "audit.js", "people.js", "quality.js", "contacts.js", "contact.js"],
    ["app.js"],
]
"""A module imports only from lines above its own. So a view knows neither another view nor the app that shows it."""
PURE = [name for layer in LAYERS[1:4] for name in layer]


def imports_of(path):
    return re.findall(r'\bimport\b[^;]*?"\./([\w.]+)"', path.read_text())


def test_imports_go_one_way():
    allowed = set()

    for layer in LAYERS:
        for name in layer:
            assert set(imports_of(PORTAL / name)) <= allowed, name
        allowed |= set(layer)
    assert allowed == {path.name for path in PORTAL.glob("*.js")}


def test_what_decides_knows_no_page_and_no_network():
    for name in PURE:
        assert not re.search(
            r"\b(document|window|location|fetch|localStorage|addEventListener)\b", (PORTAL / name).read_text()
        )
