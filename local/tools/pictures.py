"""The pictures of docs/page.md: the page on the real host, with a believable organisation, light and dark.

python -m local.tools.pictures [FOLDER]     default: docs/pictures

The organisation is Contoso with 2,500 people, synced hourly. The month of changes in Overview is made up, because the
organisation is a minute old.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

from local.client import Client
from local.cloud import Cloud, cloud
from local.demo import changed_people, other_steps
from local.microsoft.__main__ import CONTOSO
from local.microsoft.control import TenantControl

_ROOT = Path(__file__).parents[2]
_ENTRA = "integrations/entra"
_ORGANISATION = ("--people", "2500", "--latency-ms", "40")
_PATIENCE_MS = 120_000
_WIDE, _NARROW = (1280, 900), (360, 800)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    finder = [str(_ROOT / "local" / "tools" / "find-browser"), sys.executable]
    chromium = subprocess.run(finder, check=True, capture_output=True, text=True).stdout.strip()
    with cloud(_ROOT / ".local", *_ORGANISATION, usual_ports=False) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        with _visit(browser, running) as page:
            _Scenes(page, running, folder).play()
        browser.close()


@contextmanager
def _visit(browser: Browser, running: Cloud) -> Iterator[Page]:
    context = browser.new_context(
        ignore_https_errors=True, locale="en-GB", timezone_id="Europe/Zurich", reduced_motion="reduce"
    )
    context.set_default_timeout(_PATIENCE_MS)
    context.request.post(
        f"{running.directory.desk}/identity/sign-in",
        data="person=alice&return=",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    yield context.new_page()
    context.close()


class _Scenes:
    """What an administrator sees, from the first visit on, in the order in which it comes about."""

    def __init__(self, page: Page, running: Cloud, folder: Path) -> None:
        self.page, self.running, self.folder = page, running, folder
        self.alice = Client(running.host.url, running.directory.control, "alice")
        self.contoso = TenantControl(running.directory.desk, CONTOSO, "")

    def play(self) -> None:
        self.connect()
        self.first_sync()
        self.every_day()
        self.trouble()

    def connect(self) -> None:
        page = self.page
        self.go()
        self.sees("Not connected")
        self.go("entra")
        self.sees("Microsoft permissions required")
        self.take("not-connected", narrow=True)
        page.get_by_role("button", name="Grant permissions").click()
        page.get_by_role("textbox").fill(f"global.admin@contoso-{CONTOSO[:8]}.example")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Accept").click()
        self.sees("Is this your organisation?")
        self.take("review")
        page.get_by_role("button", name="Connect", exact=True).click()
        self.sees("Example")
        page.locator(".sample", has_text="@").first.wait_for()
        self.take("choose-what-syncs")

    def first_sync(self) -> None:
        self.contoso.shape(pageSize=100, latencyMs=900)
        self.page.get_by_role("button", name="Save Configuration").click()
        self.sees("a second")
        self.take("first-sync")
        self.contoso.shape(pageSize=200, latencyMs=40)
        self.sees("Up to date")

    def every_day(self) -> None:
        self.change()
        self.page.route("**/status", _with_a_month)
        self.go("entra")
        self.sees("Changes in 30 days")
        self.take("up-to-date", narrow=True)
        self.go()
        self.sees("Up to date")
        self.take("integrations")
        self.go("entra/settings")
        self.page.locator("#conflictResolution-keep_local").check()
        self.page.locator(".sample", has_text="@").first.wait_for()
        self.page.get_by_role("button", name="Preview").click()
        self.sees("Preview: nothing is saved")
        self.take("preview", at="#preview")
        self.page.get_by_role("button", name="Discard changes").click()
        self.go("entra/history")
        self.sees("Sync of changes")
        self.take("history")
        self.page.get_by_role("link", name="Sync of changes").first.click()
        self.sees("Run id")
        self.page.locator("tbody tr").first.wait_for()
        self.take("run")
        self.go("entra/quality")
        self.sees("No mobile number")
        self.take("quality")
        self.go("entra/audit")
        self.sees("saved the configuration")
        self.take("audit")
        self.go("contacts")
        self.page.locator("tbody tr").first.wait_for()
        self.take("contacts", narrow=True)

    def trouble(self) -> None:
        staff = [one["sourceId"] for one in self.contacts() if one["linked"]]
        self.contoso.purge(*staff[:340])
        self.sync("delta", "awaiting_approval")
        self.go("entra")
        self.sees("people (")
        self.take("removals-waiting")

    def change(self) -> None:
        users = self.contoso.users()
        changed = changed_people(users)
        self.contoso.do(*changed, *other_steps(users, len(changed)))
        self.sync("delta", "completed")

    def sync(self, mode: str, state: str) -> None:
        run = self.alice.call("POST", f"{_ENTRA}/sync", {"mode": mode})["run"]
        until = time.monotonic() + _PATIENCE_MS / 1000
        while self.alice.call("GET", f"{_ENTRA}/runs/{run['id']}")["state"] != state:
            if time.monotonic() > until:
                raise TimeoutError(f"the run does not become {state}")
            time.sleep(0.2)

    def contacts(self) -> list[dict[str, Any]]:
        path, continuation = self.alice.call("GET", _ENTRA)["list"]["id"], ""
        found: list[dict[str, Any]] = []
        while len(found) < 400:
            page = self.alice.call("GET", f"contact-lists/{path}/contacts?limit=100&continuation={continuation}")
            found += page["contacts"]
            continuation = page["continuation"]
        return found

    def go(self, view: str = "") -> None:
        self.page.goto("about:blank")
        self.page.goto(f"{self.running.portal}#/{view}")

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def take(self, name: str, *, at: str = "body", narrow: bool = False) -> None:
        """Light and dark, scrolled to `at`; narrow too where it is asked for."""
        sizes = [("", _WIDE), *([("-narrow", _NARROW)] if narrow else [])]
        for end, (width, height) in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.locator(at).evaluate("one => one.scrollIntoView()")
            for scheme in ("dark", "light"):
                self.page.emulate_media(color_scheme=scheme)
                self.page.screenshot(path=self.folder / f"{name}{end}{'-dark' if scheme == 'dark' else ''}.png")
        self.page.set_viewport_size({"width": _WIDE[0], "height": _WIDE[1]})


def _with_a_month(route: Route) -> None:
    """A month of changes, in place of a minute's."""
    told = route.fetch().json()
    draw: Callable[[int, int], int] = random.Random(7).randint
    today = datetime.now(UTC).date()
    days = []
    for ago in range(29, -1, -1):
        day = today - timedelta(days=ago)
        # At the weekend hardly anything changes.
        came, updated, gone = (draw(0, 9), draw(8, 60), draw(0, 5)) if day.weekday() < 5 else (0, draw(0, 4), 0)
        days.append({"day": day.isoformat(), "came": came, "updated": updated, "gone": gone})
    route.fulfill(json=told | {"changedByDay": days, "changedLately": 47})


if __name__ == "__main__":
    main()
