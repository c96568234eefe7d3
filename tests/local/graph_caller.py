"""A small client of the local Microsoft, for its own tests: a token, and answers of Graph as they are on the wire."""

import ssl

import httpx

from local.microsoft.control import TenantControl
from local.microsoft.process import RunningDirectory

SELECT = "id,accountEnabled,userPrincipalName,userType,givenName,surname,mail,jobTitle"


class Caller:
    """An app in a tenant. Addresses may be whole or begin at /v1.0."""

    def __init__(self, directory: RunningDirectory, tenant: TenantControl) -> None:
        self.address, self.tenant = directory.address, tenant
        self._settings = directory.settings()
        self._client = httpx.Client(verify=ssl.create_default_context(cafile=directory.ca), timeout=30)
        self._token = ""

    def token(self) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings["ENTRA_CLIENT_ID"],
            "client_secret": self._settings["ENTRA_CLIENT_SECRET"],
            "scope": "https://graph.microsoft.com/.default",
        }
        return self._client.post(f"{self.address}/{self.tenant.id}/oauth2/v2.0/token", data=form)

    def send(self, method: str, address: str, json: object = None, **headers: str) -> httpx.Response:
        self._token = self._token or self.token().json()["access_token"]
        url = address if address.startswith("http") else self.address + address
        told = {"Authorization": f"Bearer {self._token}", **headers}
        return self._client.request(method, url, json=json, headers=told)

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self.send("GET", address, **headers)

    def pages(self, link: str | None = None, **headers: str) -> list[dict]:
        """Every page of a round; a first one without `link`."""
        link, pages = link or f"/v1.0/users/delta?$select={SELECT}", []
        while link:
            answer = self.get(link, **headers)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            link = pages[-1].get("@odata.nextLink")
        return pages

    def round(self, link: str | None = None) -> tuple[list[dict], str]:
        """Every entity of a round, and the delta link at its end."""
        pages = self.pages(link)
        return [entity for page in pages for entity in page["value"]], pages[-1]["@odata.deltaLink"]

    def close(self) -> None:
        self._client.close()


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error of Graph's."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]
