"""Finds users of the directory by a name, an address or an object id (spec §7; facts/graph.md 2.1)."""

import re
from collections.abc import Sequence

from directory.credentials import TenantId
from directory.delta import read_users
from directory.graph import Graph
from mapping.fields import DirectoryUser

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMED = ("displayName", "givenName", "surname", "mail", "userPrincipalName")
NAMES = ("displayName", "givenName", "surname", "mail", "userPrincipalName")
"""What a found user is named by, besides what a caller selects."""


async def users_matching(
    graph: Graph, tenant: TenantId, select: Sequence[str], query: str, most: int
) -> list[DirectoryUser]:
    """Up to `most` users whose names, address or sign-in name begin with `query`, or whose object id it is.

    Two words are a first and a last name in either order as well.

    Raises:
        Throttled, ConsentLost, CredentialRejected, TokenRefused, TryLater
    """
    fields = tuple(sorted({"id", *NAMES, *select}))
    return read_users(await graph.get(tenant, graph.users_where(fields, condition(query), most)))


async def users_with_ids(
    graph: Graph, tenant: TenantId, select: Sequence[str], ids: Sequence[str]
) -> list[DirectoryUser]:
    """Those of some users who are still in the directory.

    Raises:
        Throttled, ConsentLost, CredentialRejected, TokenRefused, TryLater
    """
    fields = tuple(sorted({"id", *NAMES, *select}))
    named = " or ".join(f"id eq '{one}'" for one in ids)
    return read_users(await graph.get(tenant, graph.users_where(fields, named, len(ids))))


def condition(query: str) -> str:
    """The OData condition for a text that a person typed."""
    if _OBJECT_ID.fullmatch(query):
        return f"id eq '{query.lower()}'"
    parts = [_begins(field, query) for field in _NAMED]
    first, _, last = query.partition(" ")
    if last.strip():
        for one, other in ((first, last.strip()), (last.strip(), first)):
            parts.append(f"({_begins('givenName', one)} and {_begins('surname', other)})")
    return " or ".join(parts)


def _begins(field: str, text: str) -> str:
    # A quote is doubled, so that what a person typed stays a text.
    quoted = text.replace("'", "''")
    return f"startswith({field},'{quoted}')"
