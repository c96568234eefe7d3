"""What a page of a run did, written before it is done (pure; docs/decisions.md).

It holds who was there and who was gone (16 bytes an id), so that a sweep survives a crash and needs no write a contact,
every change field by field, so that history can show it and a repeated page counts nothing twice, and each contact as
it was before, so that an undo restores it exactly.
"""

import base64
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from storage.transaction import Operation, Verb
from workspace.run import Counts, RunId

JOURNAL_PREFIX = "journal:"
PENDING_PREFIX = "pending:"


class Outcome(StrEnum):
    """What happened to a contact. An unchanged one has no entry."""

    ADDED = "added"
    LINKED = "linked"
    UPDATED = "updated"
    REMOVED = "removed"
    UNLINKED = "unlinked"
    SKIPPED = "skipped"


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a contact says of its last change that people saw: which page of which run, when, and by whom."""

    run: str
    page: int
    at: str
    by: str | None = None


class Change(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One contact's entry in a run's history: the fields that changed, before and after.

    `mark` is the contact's afterwards. None is that of this page of this run, or that there is no contact any more.
    `adopted`: a person made the contact, and this run linked it. `source_id`: the directory user, where the contact's
    id is another one.
    """

    contact_id: str
    outcome: Outcome
    name: str = ""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    reason: str | None = None
    mark: Mark | None = None
    adopted: bool = False
    source_id: ObjectId | None = None


class Former(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A contact as it was before a page changed it; the fields are those of `contacts.contact.Contact`."""

    id: str
    fields: dict[str, str]
    link: str
    created_at: str
    updated_at: str
    source_id: ObjectId | None = None
    source: dict[str, str] = {}
    source_hash: str = ""
    run: str = ""
    page: int = 0
    touched: bool = False
    filled: tuple[str, ...] = ()
    created_by: str | None = None
    updated_by: str | None = None
    typed: tuple[str, ...] = ()


class Person(NamedTuple):
    """A directory user in scope, reduced to what the plan needs. `source_hash` changes when a mapped value does."""

    id: ObjectId
    mail: str | None
    values: tuple[str | None, ...]
    source_hash: str


_PIECE_BYTES = 60_000
"""Bytes; a binary column holds 64 KiB (facts/functions.md 6)."""

_PIECES = 12
_MOST_TOLD_BYTES = _PIECES * _PIECE_BYTES
_FORMER_PIECES = 6
_MOST_ROW_BYTES = 1_000_000
"""A row holds 1 MiB, its keys and the names of its columns included."""

_ID_BYTES = 16


class _Told(msgspec.Struct):
    """What stands in the pieces. Without matches, nearly always, it is the list of changes alone."""

    changes: list[Change] = []
    matches: list[Person] = []


_encode = msgspec.json.Encoder().encode
_decode_changes = msgspec.json.Decoder(list[Change]).decode
_decode_told = msgspec.json.Decoder(_Told).decode
_decode_formers = msgspec.json.Decoder(list[Former]).decode


@dataclass(frozen=True, slots=True)
class JournalPage:
    """One page of a run.

    `present` and `gone` are the users that it named, `read` how many objects Graph sent. `unchanged` counts people
    whose contacts needed nothing. `changes` are the contacts' entries. `matches` are people whose contact is decided
    at the end of the round, when everybody with the same address is known. `formers` are the contacts as they were
    before; one that a page added has none. `kept`: False for a page that an older version wrote,
    which kept none.
    """

    present: list[ObjectId] = field(default_factory=list)
    gone: list[ObjectId] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    matches: list[Person] = field(default_factory=list)
    read: int = 0
    unchanged: int = 0
    formers: list[Former] = field(default_factory=list)
    kept: bool = True

    def __bool__(self) -> bool:
        """Whether it tells of anybody."""
        return bool(self.present or self.gone or self.changes)

    @property
    def adopted(self) -> int:
        """How many contacts that people had made it links."""
        return sum(change.adopted for change in self.changes)

    @property
    def counts(self) -> Counts:
        """What it adds to the run's counters. A person whom Graph names on two pages counts on both of them."""
        # From the entries themselves, so that history and counters cannot disagree.
        counted = dict.fromkeys(Outcome, 0)
        for change in self.changes:
            counted[change.outcome] += 1
        return Counts(read=self.read, unchanged=self.unchanged, **{one.value: n for one, n in counted.items()})


def journal_key(run_id: RunId, page: int) -> str:
    return f"{JOURNAL_PREFIX}{run_id}:{page:08d}"


class JournalRow(msgspec.Struct, frozen=True):
    """A journal row: ids, and zlib'd changes in pieces, all Base64 (Edm.Binary as JSON has it)."""

    row_key: str = msgspec.field(name="RowKey")
    ids: str = ""
    gone: int = 0
    piece0: str = ""
    piece1: str = ""
    piece2: str = ""
    piece3: str = ""
    piece4: str = ""
    piece5: str = ""
    piece6: str = ""
    piece7: str = ""
    piece8: str = ""
    piece9: str = ""
    piece10: str = ""
    piece11: str = ""


class WholeJournalRow(JournalRow, frozen=True):
    """Besides, the contacts as they were before, which only an undo and a repeated page need.

    `formers` says how many there are; a row of an older version, which kept none, has no such column.
    """

    formers: int = -1
    former0: str = ""
    former1: str = ""
    former2: str = ""
    former3: str = ""
    former4: str = ""
    former5: str = ""


def journal_columns(page: JournalPage) -> dict[str, object]:
    """The columns of a page's row; ids are the present ones, then the `gone` gone ones.

    What does not fit into a row is left out, the largest first: former contacts, then the values of entries.
    """
    columns: dict[str, object] = {"gone": len(page.gone)}
    blobs = {"ids": pack(page.present + page.gone)}
    # On most pages of a full run nothing changed: such a page is its ids alone.
    if page.changes or page.matches:
        packed = _packed_told(page)
        blobs |= _pieces("piece", packed)
        room = min(_FORMER_PIECES * _PIECE_BYTES, _MOST_ROW_BYTES - len(packed) - len(blobs["ids"]))
    else:
        room = _FORMER_PIECES * _PIECE_BYTES
    if page.kept:
        formers, packed = _packed_formers(page.formers, room)
        columns["formers"] = formers
        blobs |= _pieces("former", packed)
    for name, blob in blobs.items():
        columns |= {name: base64.b64encode(blob).decode(), f"{name}@odata.type": "Edm.Binary"}
    return columns


def _pieces(name: str, packed: bytes) -> dict[str, bytes]:
    return {f"{name}{i // _PIECE_BYTES}": packed[i : i + _PIECE_BYTES] for i in range(0, len(packed), _PIECE_BYTES)}


def _packed_told(page: JournalPage) -> bytes:
    changes = page.changes
    while True:
        packed = _packed(_Told(changes, page.matches) if page.matches else changes)
        if len(packed) <= _MOST_TOLD_BYTES or not any(one.before or one.after for one in changes):
            return packed
        # The history tells who changed, and not every value of those whose values are very long.
        median = sorted(len(_encode(one)) for one in changes)[len(changes) // 2]
        changes = [
            msgspec.structs.replace(one, before={}, after={}) if len(_encode(one)) >= median else one for one in changes
        ]


def _packed_formers(formers: list[Former], room: int) -> tuple[int, bytes]:
    """How many of them are kept, and those; b'' for none."""
    while formers:
        packed = _packed(formers)
        if len(packed) <= room:
            return len(formers), packed
        formers = sorted(formers, key=lambda one: len(_encode(one)))[: len(formers) // 2]
    return 0, b""


def _packed(told: _Told | list[Change] | list[Former]) -> bytes:
    # Level 1, because a journal is written at every page and read seldom.
    return zlib.compress(_encode(told), level=1)


def journal_operation(run_id: RunId, page: int, journal: JournalPage) -> Operation:
    return Operation(Verb.PUT, journal_key(run_id, page), journal_columns(journal))


def read_journal(row: JournalRow) -> JournalPage:
    """The inverse of `journal_columns`. What only counts is not stored: the run's checkpoint holds it.

    Without the columns of a `WholeJournalRow`, no former contacts.
    """
    ids = list(unpack(base64.b64decode(row.ids)))
    pieces = b"".join(base64.b64decode(getattr(row, f"piece{i}")) for i in range(_PIECES))
    text = zlib.decompress(pieces) if pieces else b"[]"
    # A page without matches holds the list of changes alone, as rows of before 2026-11-25 do.
    told = _decode_told(text) if text.startswith(b"{") else _Told(_decode_changes(text))
    there = len(ids) - row.gone
    page = JournalPage(ids[:there], ids[there:], told.changes, told.matches)
    return replace(page, formers=_formers(row), kept=row.formers >= 0) if isinstance(row, WholeJournalRow) else page


def _formers(row: WholeJournalRow) -> list[Former]:
    pieces = b"".join(base64.b64decode(getattr(row, f"former{i}")) for i in range(_FORMER_PIECES))
    return _decode_formers(zlib.decompress(pieces)) if pieces else []


def without_person(page: JournalPage, ids: Collection[str], address: str | None) -> JournalPage:
    """A page that no longer tells of a person: of a contact or user with one of the ids, or with the address.

    The counts stay: an entry keeps its outcome, and loses whose it was and every value.
    """
    formers = [one for one in page.formers if one.source_id in ids or _stands_in(address, one.fields, one.source)]
    changes = [one for one in page.changes if one.source_id in ids or _stands_in(address, one.before, one.after)]
    # Either may be the only one that tells whose contact it is; the contact's id joins them.
    about = {*ids, *(one.id for one in formers), *(one.contact_id for one in changes)}
    return replace(
        page,
        present=[one for one in page.present if one not in ids],
        gone=[one for one in page.gone if one not in ids],
        changes=[Change("", one.outcome) if one.contact_id in about else one for one in page.changes],
        matches=[one for one in page.matches if one.id not in ids and not _has(one, address)],
        formers=[one for one in page.formers if one.id not in about],
    )


def ids_about(page: JournalPage, ids: Collection[str], address: str | None) -> set[str]:
    """The ids of contacts and users of whom a page tells one of the ids, or the address, now or formerly theirs."""
    changes = [one for one in page.changes if one.source_id in ids or _stands_in(address, one.before, one.after)]
    formers = [one for one in page.formers if one.source_id in ids or _stands_in(address, one.fields, one.source)]
    contacts = [*(one.contact_id for one in changes), *(one.id for one in formers)]
    users = [*(one.source_id for one in changes), *(one.source_id for one in formers)]
    matched = [one.id for one in page.matches if _has(one, address)]
    return {*contacts, *matched, *(one for one in users if one is not None)}


def _stands_in(address: str | None, *fields: Mapping[str, str]) -> bool:
    return address is not None and any(address == one.lower() for values in fields for one in values.values())


def _has(person: Person, address: str | None) -> bool:
    return address is not None and matching_email(person.mail) == address


def pack(ids: Iterable[ObjectId]) -> bytes:
    """Object ids as 16 bytes each."""
    return b"".join([bytes.fromhex(one.replace("-", "")) for one in ids])


def unpack(packed: bytes) -> Iterator[ObjectId]:
    for start in range(0, len(packed), _ID_BYTES):
        yield ObjectId(str(UUID(bytes=packed[start : start + _ID_BYTES])))


class NamedRow(msgspec.Struct, frozen=True):
    """What a journal row says of who was there and who was gone."""

    row_key: str = msgspec.field(name="RowKey")
    ids: str = ""
    gone: int = 0

    @property
    def present(self) -> list[ObjectId]:
        ids = list(unpack(base64.b64decode(self.ids)))
        return ids[: len(ids) - self.gone]


class PendingRow(msgspec.Struct, frozen=True):
    """Object ids whose removal waits for approval."""

    row_key: str = msgspec.field(name="RowKey")
    ids: str = ""


MOST_PENDING = _PIECE_BYTES // _ID_BYTES
"""Ids a row."""


def pending_key(run_id: RunId, number: int) -> str:
    return f"{PENDING_PREFIX}{run_id}:{number:08d}"


def pending_columns(ids: Iterable[ObjectId]) -> dict[str, object]:
    return {"ids": base64.b64encode(pack(ids)).decode(), "ids@odata.type": "Edm.Binary"}


def read_pending(row: PendingRow) -> list[ObjectId]:
    """The inverse of `pending_columns`."""
    return list(unpack(base64.b64decode(row.ids)))
