"""The SDK's part of a Graph request, on the local Microsoft."""

import asyncio

from directory.credentials import Credentials, credential_builder
from directory.graph import Graph


class Watched:
    """A tenant's real credential, which counts how often it was closed."""

    closed = 0

    def __init__(self, credential):
        self._credential = credential

    async def get_token(self, *scopes, **options):
        return await self._credential.get_token(*scopes, **options)

    async def close(self):
        self.closed += 1
        await self._credential.close()


async def test_two_first_requests_at_once_get_their_answers_and_leave_the_credential_open(directory, tenant):
    """kiota-python 528: a version of the SDK closed it after a token (facts/functions.md 11)."""
    settings = directory.settings()
    build = credential_builder(
        settings["ENTRA_CLIENT_ID"], settings["ENTRA_AUTHORITY"], client_secret=settings["ENTRA_CLIENT_SECRET"]
    )
    made = []

    def watched(of):
        made.append(Watched(build(of)))
        return made[-1]

    graph = Graph(settings["GRAPH_ENDPOINT"], Credentials(watched), lambda: None)
    try:
        first = await asyncio.gather(*(graph.get(tenant.id, graph.users_delta(("id",))) for _ in range(2)))
        again = await graph.get(tenant.id, graph.users_delta(("id",)))

        assert [one.status for one in (*first, again)] == [200] * 3
        assert [one.closed for one in made] == [0]
    finally:
        await graph.close()
