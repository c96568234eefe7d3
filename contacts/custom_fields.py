"""The workspace's own contact fields. emu.chat writes them; we read them (spec §3)."""

import msgspec

from mapping.contact_fields import ContactField, contact_fields
from storage.filters import within
from storage.table import Tables
from workspace.connection import WorkspaceId

TABLE = "CustomFields"


class _Row(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="RowKey")
    label: str = ""


async def fields_of(tables: Tables, workspace: WorkspaceId) -> dict[str, ContactField]:
    """All fields that the workspace's contacts have, by name."""
    custom: list[tuple[str, str]] = []
    async for rows in tables.query(TABLE, within(workspace), _Row):
        custom.extend((row.name, row.label) for row in rows)
    return contact_fields(custom)
