"""What an export holds of a workspace: all that Full Resync cannot bring back (pure; docs/decisions.md).

The connection with its configuration, the history of what runs and people did, the workspace's own fields, and those
contacts that hold more than the directory's values. An export is a chain of parts. A part is a header and then a line
a row, JSON each, packed with gzip. No line names its workspace or list: the reader says whose export it reads, so that
rows of one workspace can never come into another one.
"""

import gzip
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from contacts.contact import Contact, Link, from_row, to_row
from mapping.configuration import Configuration
from mapping.conflict import mapped
from storage.document import DocumentRow, document_columns
from workspace.audit import AUDIT_PREFIX
from workspace.connection import (
    CONNECTION_KEY,
    Connection,
    ListId,
    WorkspaceId,
    connection_operation,
    read_connection,
)
from workspace.journal import JOURNAL_PREFIX
from workspace.run import Counts, Run, RunState, without_sample

VERSION = 1
_KEYS = ("PartitionKey", "RowKey", "Timestamp", "Timestamp@odata.type")
_RUN = "run:"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Kind(StrEnum):
    """What a line tells of: which partition its row stands in."""

    CONNECTION = "connection"
    WORKSPACE = "workspace"
    CONTACT = "contact"
    FIELD = "field"
    TENANT = "tenant"


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """The first line of a part."""

    version: int
    workspace_id: WorkspaceId
    list_id: ListId
    at: datetime


class Line(msgspec.Struct, frozen=True):
    """One row: its key, and its columns as they are written."""

    kind: Kind
    key: str
    row: dict[str, Any]


def pack(header: Header, lines: Iterable[Line]) -> bytes:
    """A part as it is stored."""
    return gzip.compress(b"\n".join(msgspec.json.encode(one) for one in (header, *lines)), compresslevel=1, mtime=0)


def unpack(part: bytes, workspace: WorkspaceId) -> tuple[Header, list[Line]]:
    """The inverse of `pack`.

    Raises:
        ValueError: the part is of another workspace, of another version, or damaged.
    """
    first, *rest = gzip.decompress(part).split(b"\n")
    header = msgspec.json.decode(first, type=Header)
    if header.workspace_id != workspace or header.version != VERSION:
        raise ValueError("the part is of another workspace or version")
    return header, [msgspec.json.decode(one, type=Line) for one in rest]


def connection_line(connection: Connection) -> Line:
    """The connection, for the first part."""
    return Line(Kind.CONNECTION, CONNECTION_KEY, connection_operation(connection).row or {})


def connection_in(lines: Iterable[Line]) -> Connection:
    """The connection of an export's first part, as one that is not stored."""
    line = next(one for one in lines if one.kind is Kind.CONNECTION)
    row = msgspec.convert(line.row | {"RowKey": line.key, "odata.etag": ""}, DocumentRow)
    return replace(read_connection(row), etag="")


def workspace_line(row: Mapping[str, Any]) -> Line | None:
    """What is kept of a row of the workspace's own partition; None for what a run makes anew.

    Left out: the connection, which `connection_line` keeps; the sync state, what waits for approval, grant attempts; of
    the history, runs that changed nothing, and the journal pages that only say who was there.
    """
    key = row["RowKey"]
    if key.startswith(AUDIT_PREFIX):
        return Line(Kind.WORKSPACE, key, columns_of(row))
    if key.startswith(JOURNAL_PREFIX) and "piece0" in row:
        return Line(Kind.WORKSPACE, key, columns_of(row))
    if key.startswith(_RUN):
        run = without_sample(msgspec.convert(dict(row), DocumentRow, strict=False).read(Run))
        if run is not None and _did_something(run):
            return Line(Kind.WORKSPACE, key, document_columns(run))
    return None


def contact_line(contact: Contact, configuration: Configuration) -> Line | None:
    """What is kept of a contact; None where a full run makes the same one from the directory's values.

    Without what a run noted for itself, so that the next run looks at the contact.
    """
    is_a_runs = contact.link is Link.LINKED and str(contact.source_id) == contact.id and contact.created_by is None
    if is_a_runs and mapped(contact.source, configuration) == contact.fields:
        return None
    bare = replace(contact, source_hash="", run="", page=0, filled=())
    return Line(Kind.CONTACT, contact.id, to_row(bare))


def contact_of(line: Line) -> Contact:
    """The inverse of `contact_line`: a contact that is not stored."""
    return from_row(line.row | {"RowKey": line.key, "odata.etag": ""})


def columns_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's own columns, with their types: as they were written."""
    return {name: value for name, value in row.items() if name not in _KEYS and not name.startswith("odata.")}


def mark_of(workspace: WorkspaceId, value: str) -> str:
    """How a forgotten person's id or address is noted: hashed, so that the note names nobody."""
    return sha256(f"{workspace}:{value.strip().lower()}".encode()).hexdigest()


def is_forgotten(contact: Contact, workspace: WorkspaceId, marks: Collection[str]) -> bool:
    """Whether a contact is of a person who was forgotten, by its ids or by any value."""
    if not marks:
        return False
    values = {contact.id, contact.source_id or "", *contact.fields.values(), *contact.source.values()}
    return any(mark_of(workspace, value) in marks for value in values)


def is_day(text: str) -> bool:
    """Whether a text is a day as exports are named by: YYYY-MM-DD."""
    return _DAY.fullmatch(text) is not None


def _did_something(run: Run) -> bool:
    counts = replace(run.counts, read=0, unchanged=0)
    return run.state is not RunState.COMPLETED or counts != Counts()
