"""(c): a plain httpx loop over the pages, then submit_transaction; what a careful person writes in an afternoon."""

import httpx
from azure.data.tables.aio import TableClient
from azure.identity.aio import ClientSecretCredential

from bench.others.common import (
    AUTHORITY,
    BATCH,
    CLIENT_ID,
    CLIENT_SECRET,
    GRAPH,
    SELECT,
    STORAGE,
    TABLE,
    TENANT,
    entity_of,
    is_member,
    measured,
)


async def work() -> int:
    credential = ClientSecretCredential(
        TENANT, CLIENT_ID, CLIENT_SECRET, authority=AUTHORITY, disable_instance_discovery=True
    )
    people = 0
    async with (
        credential,
        httpx.AsyncClient() as client,
        TableClient.from_connection_string(STORAGE, TABLE) as table,
    ):
        await table.create_table()
        token = (await credential.get_token(f"{GRAPH}/.default")).token
        link = f"{GRAPH}/v1.0/users/delta?$select={','.join(SELECT)}"
        while link:
            answer = await client.get(link, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
            page = answer.json()
            people += len(page["value"])
            entities = [
                entity_of(user)
                for user in page["value"]
                if "@removed" not in user and is_member(user.get("accountEnabled"), user.get("userType"))
            ]
            for start in range(0, len(entities), BATCH):
                await table.submit_transaction([("upsert", one) for one in entities[start : start + BATCH]])
            link = page.get("@odata.nextLink")
    return people


if __name__ == "__main__":
    measured(work)
