"""What Graph may tell of an organisation: its name, and how many users it has (spec §2; facts/graph.md 2, 3)."""

import msgspec

from directory.credentials import TenantId
from directory.graph import Graph
from errors import ConnectorError

_OK = 200


class _Organization(msgspec.Struct):
    display_name: str | None = msgspec.field(default=None, name="displayName")


class _Body(msgspec.Struct):
    value: list[_Organization] = []


async def organization_name(graph: Graph, tenant: TenantId) -> str | None:
    """The tenant's display name; None where it cannot be read, which User.Read.All alone does not promise."""
    try:
        answer = await graph.get(tenant, graph.organization())
    except ConnectorError:
        return None  # Only a name is missing. The run that asks meets the same failure at its own requests.
    if answer.status != _OK:
        return None
    try:
        found = msgspec.json.decode(answer.body, type=_Body).value
    except msgspec.MsgspecError:
        return None
    return next((one.display_name for one in found if one.display_name), None)


async def users_count(graph: Graph, tenant: TenantId) -> int | None:
    """How many users the directory says it has, guests and disabled ones included; None where it does not say."""
    try:
        answer = await graph.get(tenant, graph.users_count(), accept="text/plain")
    except ConnectorError:
        return None  # Only progress needs it.
    text = answer.body.decode("utf-8-sig", "replace").strip()
    return int(text) if answer.status == _OK and text.isascii() and text.isdigit() else None
