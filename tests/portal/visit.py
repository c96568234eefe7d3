"""A person at the page: goes to a view, waits for words, looks for what axe and the console have to say."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from local.office import Office

ROOT = Path(__file__).parents[2]
AXE = (ROOT / "local" / "node" / "node_modules" / "axe-core" / "axe.min.js").read_text()
PICTURES = os.environ.get("PICTURES")
"""A folder for a picture of each state, to look at. Those of the documentation are of `make pictures`."""

WIDTHS = (1280, 320)
SCHEMES: dict[Literal["light", "dark"], tuple[str, ...]] = {
    "light": ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
    # The dark scheme changes colours alone, so axe runs the two rules that look at colours.
    "dark": ("color-contrast", "link-in-text-block"),
}
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Visit:
    """One person's browser window."""

    context: BrowserContext
    page: Page
    office: Office
    said: list[str] = field(default_factory=list)
    """What went wrong, by the console: scripts that failed, and what the security policy stopped."""

    @classmethod
    async def of(cls, chromium: Browser, office: Office, person: str, locale: str = "en-GB") -> "Visit":
        context = await chromium.new_context(
            ignore_https_errors=True,
            viewport={"width": 1280, "height": 900},
            locale=locale,
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        visit = cls(context, page, office)
        page.on("console", visit._hear)
        page.on("pageerror", lambda error: visit.said.append(str(error)))
        await visit.sign_in(person)
        return visit

    def _hear(self, message: ConsoleMessage) -> None:
        # A refusal (4xx) is an answer, which the page shows; the browser notes it all the same.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.said.append(message.text)

    async def sign_in(self, person: str) -> None:
        form = urlencode({"person": person, "return": ""})
        await self.context.request.post(
            f"{self.office.directory.desk}/identity/sign-in",
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    async def sign_out(self) -> None:
        await self.context.request.get(f"{self.office.directory.desk}/identity/sign-out")

    async def go(self, view: str = "") -> None:
        """Open a view, such as 'entra', afresh."""
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.office.portal}#/{view}")

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await expect(self.page.locator("body")).to_contain_text(text)

    async def click(self, name: str, role: str = "button") -> None:
        await self.page.get_by_role(role, name=name, exact=True).click()

    async def field(self, label: str, value: str) -> None:
        await self.page.get_by_label(label, exact=True).fill(value)

    async def well_made(self, name: str) -> None:
        """Axe finds nothing and nothing scrolls sideways, light and dark, wide and narrow; and a picture is taken.

        Nothing scrolls sideways either at 400 % zoom, at 1,920 pixels, in forced colours, or from right to left.
        """
        await self.page.evaluate(AXE)
        for scheme, rules in SCHEMES.items():
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for width in WIDTHS:
                await self.page.set_viewport_size({"width": width, "height": 900})
                await self._fits(f"{name} {scheme} {width}")
                await self._axe(f"{name} {scheme} {width}", rules)
                if PICTURES and (scheme, width) == ("light", 1280):
                    await self._picture(name)
                if PICTURES and (scheme, width) == ("dark", 320):
                    await self._picture(f"{name}-narrow")
        await self.page.emulate_media(color_scheme="light", forced_colors="active")
        await self.page.evaluate("document.dir = 'rtl'")
        # 1,280 by 1,024 pixels at 400 %, and a wide screen.
        for width, height in ((320, 256), (1920, 900)):
            await self.page.set_viewport_size({"width": width, "height": height})
            await self._fits(f"{name} from right to left, {width}")
        await self.page.evaluate("document.dir = ''")
        await self.page.emulate_media(color_scheme="light", forced_colors="none")
        await self.page.set_viewport_size({"width": 1280, "height": 900})

    async def _picture(self, name: str) -> None:
        await self.page.screenshot(path=Path(PICTURES or "") / f"{name}.png")

    async def _fits(self, where: str) -> None:
        wide = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{where}: {wide} pixels too wide"

    async def _axe(self, where: str, rules: tuple[str, ...]) -> None:
        found = await self.page.evaluate("rules => axe.run({runOnly: rules})", rules)
        told = [
            (one["id"], [(node["target"], node["failureSummary"]) for node in one["nodes"]])
            for one in found["violations"]
        ]
        assert told == [], f"{where}: {told}"

    async def end(self) -> None:
        await self.context.close()
        assert self.said == []


async def hold(visit: Visit, method: str, address: str) -> asyncio.Event:
    """Let requests of this method wait until the event is set that is given back."""
    go = asyncio.Event()

    async def wait(route: Route) -> None:
        if route.request.method == method:
            await go.wait()
        await route.continue_()

    await visit.context.route(address, wait)
    return go


def fails_with(status: int, detail: str) -> Callable[[Route], Awaitable[None]]:
    """A handler for `route` that answers each request with a problem."""

    async def answer(route: Route) -> None:
        body = json.dumps({"type": "about:blank#x", "title": "", "status": status, "detail": detail})
        await route.fulfill(status=status, body=body, content_type="application/problem+json")

    return answer
