"""The organisation's name, where Graph lets us read it (spec §2; facts/graph.md 3)."""

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
        return None  # A nicety: the run that asks has its own, louder, way to learn what is wrong.
    if answer.status != _OK:
        return None
    try:
        found = msgspec.json.decode(answer.body, type=_Body).value
    except msgspec.MsgspecError:
        return None
    return next((one.display_name for one in found if one.display_name), None)
