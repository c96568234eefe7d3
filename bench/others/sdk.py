"""(a) and (b): msgraph-sdk's models and PageIterator, then upsert_entity one by one, or submit_transaction.

As learn.microsoft.com/graph/sdks/paging and the azure-data-tables samples show it.
"""

import sys
from typing import Any

from azure.data.tables.aio import TableClient
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.user import User
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder
from msgraph_core.tasks.page_iterator import PageIterator

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
    entity,
    is_member,
    measured,
)


def entity_of_model(user: User) -> dict[str, str]:
    return entity(user.id or "", user.given_name, user.surname, user.mail, user.mobile_phone, user.company_name)


async def work() -> int:
    batched = sys.argv[1] == "batch"
    credential = ClientSecretCredential(
        TENANT, CLIENT_ID, CLIENT_SECRET, authority=AUTHORITY, disable_instance_discovery=True
    )
    provider = AzureIdentityAuthenticationProvider(credential, scopes=[f"{GRAPH}/.default"])  # type: ignore[arg-type]
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{GRAPH}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)
    parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=SELECT)
    users: list[User] = []

    def keep(user: User) -> bool:
        users.append(user)
        return True

    async with TableClient.from_connection_string(STORAGE, TABLE) as table, credential:
        await table.create_table()
        first = await graph.users.delta.get(RequestConfiguration(query_parameters=parameters))
        iterator: Any = PageIterator(first, adapter)
        await iterator.iterate(keep)  # Its callback cannot be awaited, so people are written afterwards.
        entities = [
            entity_of_model(user)
            for user in users
            if "@removed" not in (user.additional_data or {}) and is_member(user.account_enabled, user.user_type)
        ]
        if batched:
            for start in range(0, len(entities), BATCH):
                await table.submit_transaction([("upsert", one) for one in entities[start : start + BATCH]])
        else:
            for one in entities:
                await table.upsert_entity(one)
    return len(users)


if __name__ == "__main__":
    measured(work)
