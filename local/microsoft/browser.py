"""A browser's part of the consent, for the demo and for tests: follows redirects, keeps cookies, fills in forms."""

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_MOST_STEPS = 20


@dataclass(slots=True)
class Form:
    """A form of a page. `buttons` are (name, value, text)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows: an address, a text, and forms."""

    url: str
    status: int
    text: str
    forms: list[Form]


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told.get("action", ""), told.get("method", "get")))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[told.get("name", "")] = told.get("value", "")
        elif tag == "button" and self.forms:
            self._button = told.get("name", ""), told.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._button is not None and data.strip():
            self.forms[-1].buttons.append((*self._button, data.strip()))
            self._button = None


class Browser:
    """Goes where it is sent, up to an address at which it stops."""

    def __init__(self, ca: str) -> None:
        self._client = httpx.Client(verify=ssl.create_default_context(cafile=ca), follow_redirects=False, timeout=30)

    def open(self, url: str, stop_at: str = "\0") -> Page:
        """Open an address and follow its redirects; one that begins with `stop_at` is not opened, only told."""
        return self._follow(self._client.get(url), stop_at)

    def press(self, page: Page, text: str, stop_at: str = "\0", **filled: str) -> Page:
        """Fill in a form of a page and press its button."""
        for form in page.forms:
            for name, value, shown in form.buttons:
                if shown == text:
                    data = form.fields | filled | ({name: value} if name else {})
                    address = urljoin(page.url, form.action or page.url)
                    return self._follow(self._client.post(address, data=data), stop_at)
        raise LookupError(f"there is no button {text!r} at {page.url}")

    def close(self) -> None:
        self._client.close()

    def _follow(self, answer: httpx.Response, stop_at: str) -> Page:
        for _ in range(_MOST_STEPS):
            if answer.status_code not in (302, 303):
                parser = _FormParser()
                parser.feed(answer.text)
                return Page(str(answer.url), answer.status_code, answer.text, parser.forms)
            onward = urljoin(str(answer.url), answer.headers["location"])
            if onward.startswith(stop_at):
                return Page(onward, answer.status_code, "", [])
            answer = self._client.get(onward)
        raise LookupError("too many redirects")
