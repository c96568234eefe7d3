"""The bare chain of page requests: nothing decoded but the next link, nothing written. Nobody can be faster."""

import json

import httpx
from azure.identity.aio import ClientSecretCredential

from bench.others.common import AUTHORITY, CLIENT_ID, CLIENT_SECRET, GRAPH, SELECT, TENANT, measured


async def work() -> int:
    people = 0
    async with (
        ClientSecretCredential(
            TENANT, CLIENT_ID, CLIENT_SECRET, authority=AUTHORITY, disable_instance_discovery=True
        ) as credential,
        httpx.AsyncClient() as client,
    ):
        token = (await credential.get_token(f"{GRAPH}/.default")).token
        link = f"{GRAPH}/v1.0/users/delta?$select={','.join(SELECT)}"
        while link:
            page = json.loads((await client.get(link, headers={"Authorization": f"Bearer {token}"})).content)
            people += len(page["value"])
            link = page.get("@odata.nextLink")
    return people


if __name__ == "__main__":
    measured(work)
