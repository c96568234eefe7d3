"""A workspace as its people meet it: over HTTP, with tokens, and with a browser for Microsoft's pages."""

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.client import Client
from local.microsoft.browser import Browser
from local.microsoft.control import TenantControl
from local.microsoft.process import RunningDirectory

ENTRA = "integrations/entra"


def host_settings(storage: str, directory: RunningDirectory, port: int, **changes: str) -> dict[str, str]:
    return {
        **directory.settings(),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": storage,
        "PUBLIC_URL": f"http://localhost:{port}",
        "PORTAL_URL": f"http://localhost:{port}/api/portal/",
        "SYNC_SCHEDULE": "0 0 0 1 1 *",
        "SLICE_SECONDS": "240",
        "CHANGE_NOTIFICATIONS": "off",
        **changes,
    }


class Office:
    """A workspace. `admin` began things, `second` is another admin, `member` is neither."""

    def __init__(self, url: str, directory: RunningDirectory, tenant: TenantControl) -> None:
        self.url = url
        self.directory = directory
        self.tenant = tenant
        self.workspace = f"w-{uuid.uuid4().hex[:12]}"
        self.admin = Client(url, directory.control, f"admin@{self.workspace}")
        self.second = Client(url, directory.control, f"admin-two@{self.workspace}")
        self.member = Client(url, directory.control, f"member@{self.workspace}")
        self.browser = Browser(directory.ca)

    @property
    def portal(self) -> str:
        return f"{self.url}/api/portal/"

    def account(self, alias: str = "global.admin") -> str:
        return f"{alias}@{self.tenant.domain}"

    def grant(self, alias: str = "global.admin") -> dict[str, str]:
        """Through Microsoft's pages; what the portal is told."""
        return told(self.admin.grant(self.browser, self.portal, self.account(alias)))

    def connect(self) -> dict[str, Any]:
        """Connected; the configuration is still to be saved."""
        card: dict[str, Any] = self.admin.complete(self.grant()["consent_code"])
        return card

    def configure(self, **changes: Any) -> dict[str, Any]:
        """Save a configuration, and wait for its run."""
        body = {"fieldMappings": self.admin.call("GET", f"{ENTRA}/fields")["defaultMappings"], **changes}
        self.admin.call("PUT", f"{ENTRA}/config", body)
        return self.settle()

    def set_up(self, **changes: Any) -> dict[str, Any]:
        self.connect()
        return self.configure(**changes)

    def sync(self, mode: str = "delta") -> dict[str, Any]:
        run = self.admin.call("POST", f"{ENTRA}/sync", {"mode": mode})["run"]
        return self.admin.wait(run["id"])

    def settle(self) -> dict[str, Any]:
        """Wait until nothing is queued or running; the newest run."""
        while (run := self.status()["currentRun"]) is not None:
            self.admin.wait(run["id"])
        newest: dict[str, Any] = self.admin.call("GET", f"{ENTRA}/runs")["runs"][0]
        return newest

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.admin.call("GET", f"{ENTRA}/status")
        return status

    def card(self) -> dict[str, Any]:
        card: dict[str, Any] = self.admin.call("GET", ENTRA)
        return card

    def contacts(self) -> list[dict[str, Any]]:
        """All contacts of the list, page by page."""
        path = f"contact-lists/{self.card()['list']['id']}/contacts"
        found, continuation = [], ""
        while True:
            page = self.member.call("GET", f"{path}?limit=50&continuation={continuation}")
            found += page["contacts"]
            continuation = page["continuation"]
            if not continuation:
                return found

    def close(self) -> None:
        self.browser.close()


def told(address: str) -> dict[str, str]:
    """The query of the address at which the portal is opened."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
