"""A client of the connector's API, for the demo and for tests: what the portal does, without the portal."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from local.microsoft.browser import Browser
from local.microsoft.control import DirectoryControl

_PATIENCE_SECONDS = 30.0


class ApiError(RuntimeError):
    """The API refused something; the message is the problem's."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
        self.status = answer.status_code
        self.problem: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}


@dataclass(slots=True)
class Client:
    """Somebody signed in to emu.chat. A token is fetched for each call: it may have expired since."""

    url: str
    directory: DirectoryControl
    person: str
    verifier: str = ""
    """Of the newest grant attempt, as the person's browser keeps it."""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One call; the answer's body.

        Raises:
            ApiError: anything but 2xx.
        """
        answer = self.send(method, path, body, **headers)
        if not answer.is_success:
            raise ApiError(answer)
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        token = self.directory.token(self.person)
        told = {
            "Authorization": f"Bearer {token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return httpx.request(method, f"{self.url}/api/{path}", json=body, headers=told, timeout=_PATIENCE_SECONDS)

    def begin(self) -> str:
        """Begin a grant attempt; the address of Microsoft's page."""
        begun = self.call("POST", "integrations/entra/consent")
        self.verifier = begun["verifier"]
        address: str = begun["redirectUrl"]
        return address

    def complete(self, code: str) -> Any:
        """Spend the code of the newest grant attempt; the card."""
        return self.call("POST", "integrations/entra/consent/complete", {"code": code, "verifier": self.verifier})

    def grant(self, browser: Browser, portal: str, account: str) -> str:
        """Click through Microsoft's pages as an administrator; the address at which the portal is opened again."""
        page = browser.open(self.begin())
        if "Sign in" in page.text:
            page = browser.press(page, "Sign in", account=account)
        return browser.press(page, "Accept", stop_at=portal).url

    def wait(self, run_id: str, seconds: float = 120.0) -> dict[str, Any]:
        """A run, once it has ended or waits for approval.

        Raises:
            TimeoutError
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run: dict[str, Any] = self.call("GET", f"integrations/entra/runs/{run_id}")
            if run["state"] not in ("queued", "running"):
                return run
            time.sleep(0.05)
        raise TimeoutError(f"run {run_id} did not end within {seconds:.0f} s")
