"""Every row of every table as text, so that a test can look for a name that must be gone."""

import base64
import re
import zlib

from azure.data.tables.aio import TableServiceClient

from tests.memory import MemoryTables


async def rows_that_hold(storage_account: str, text: str) -> list[str]:
    """Table, partition and row key of each row that holds a text: in a key, a column, or packed into pieces."""
    found: list[str] = []
    async with TableServiceClient.from_connection_string(storage_account) as client:
        async for table in client.list_tables():
            rows = [dict(row) async for row in client.get_table_client(table.name).list_entities()]
            holding = [row for row in rows if text.lower() in _text_of(row).lower()]
            found += [f"{table.name} {row['PartitionKey']} {row['RowKey']}" for row in holding]
    return found


def memory_rows_that_hold(tables: MemoryTables, text: str) -> list[str]:
    """The same of tables in memory."""
    found = [(table, {name: _plain(row, name) for name in row}) for table, row in tables.rows()]
    holding = [(table, row) for table, row in found if text.lower() in _text_of(row).lower()]
    return [f"{table} {row['PartitionKey']} {row['RowKey']}" for table, row in holding]


def _plain(row: dict[str, object], name: str) -> object:
    binary = row.get(f"{name}@odata.type") == "Edm.Binary"
    return base64.b64decode(str(row[name])) if binary else row[name]


def _text_of(row: dict[str, object]) -> str:
    ids = row.get("ids", b"")
    return f"{row} {_unpacked(row, 'piece')} {_unpacked(row, 'former')} {ids.hex() if isinstance(ids, bytes) else ''}"


def _unpacked(row: dict[str, object], name: str) -> str:
    numbered = sorted((item for item in row.items() if re.fullmatch(rf"{name}\d+", item[0])), key=_order)
    pieces = b"".join(value for _, value in numbered)
    return zlib.decompress(pieces).decode() if pieces else ""


def _order(item: tuple[str, object]) -> tuple[int, str]:
    return len(item[0]), item[0]
