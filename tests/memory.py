"""Tables and a queue in memory, for tests of what decides and of the shell: no server, and the same rules.

`MemoryTables` keeps what docs/facts/functions.md 6 says of Azure's tables where Azurite is laxer (null for a selected
column that a row lacks, names of columns, sizes); tests/storage/test_tables.py holds both to the same tests.
"""

import asyncio
import base64
import bisect
import functools
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import eq, ge, gt, le, lt

import msgspec

from errors import Conflict, RowRefused
from storage.queue import MessageQueue
from storage.rows import RowReader, columns_of
from storage.table import Tables
from storage.transaction import MOST_OPERATIONS, Operation, Partition, Verb, encode_transaction, is_key

_TERM = re.compile(r"(PartitionKey|RowKey) (eq|ge|gt|le|lt) '((?:[^']|'')*)'")
_COMPARISON = re.compile(r"(\w+) (eq|ge|gt|le|lt) (?:'((?:[^']|'')*)'|(true))")
_COMPARED = {"eq": eq, "ge": ge, "gt": gt, "le": le, "lt": lt}
_FROM = {"ge": bisect.bisect_left, "gt": bisect.bisect_right}
_TO = {"le": bisect.bisect_right, "lt": bisect.bisect_left}
_COLUMN = re.compile(r"[^\W\d]\w{0,254}")
_TYPE = "@odata.type"
_MOST_COLUMNS = 252
_MOST_COMPARISONS = 15
_LARGEST_COLUMN_BYTES, _LARGEST_ROW, _LARGEST_BATCH = 64 * 1024, 1024 * 1024, 4 * 1024 * 1024
_LARGEST_PAGE = 1000

type Row = dict[str, object]
"""A row as the service stores it: its keys, `odata.etag`, `Timestamp`, its columns and the types of some."""


@dataclass
class _Stored:
    """One partition: its rows by row key, and their keys in order."""

    rows: dict[str, Row] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


class MemoryTables(Tables):
    """The interface of `Tables`, and its `query` and `after`.

    `page_size` is the most that one page holds, `empty_pages` lets an empty page with a continuation come before each
    page. A test's hooks may raise: `before_call(method)` with nothing done, `after_call(method)` with the
    work done and the answer lost; methods are get, page, transact, check. `before_write` sees each transaction.
    `pause` comes before a call and may last: others run meanwhile, as they do while a server is asked.
    """

    def __init__(self, count: Callable[[str], None] = lambda _: None, page_size: int = _LARGEST_PAGE) -> None:
        self.page_size = page_size
        self.empty_pages = False
        self.before_call: Callable[[str], None] = lambda _: None
        self.after_call: Callable[[str], None] = lambda _: None
        self.before_write: Callable[[Partition, Sequence[Operation]], None] = lambda _, __: None
        self.pause: Callable[[], Awaitable[None]] = _turn
        self.closed = False
        self._count = count
        self._reader = RowReader()
        self._stored: dict[tuple[str, str], _Stored] = {}
        self._writes = 0

    def rows(self) -> list[tuple[str, Row]]:
        """Every row of every table, with the table's name."""
        found = sorted(self._stored.items())
        return [(table, stored.rows[key]) for (table, _), stored in found for key in stored.keys]

    async def get[T](self, partition: Partition, row_key: str, row: type[T]) -> T | None:
        if not is_key(row_key):
            return None
        await self._call("get", "GET")
        found = self._partition(partition).rows.get(row_key)
        self.after_call("get")
        return None if found is None else self._reader.one(msgspec.json.encode(found), row)

    async def page[T](
        self, table: str, where: str, row: type[T], continuation: str = "", most: int = _LARGEST_PAGE
    ) -> tuple[list[T], str]:
        await self._call("page", "GET")
        assert 1 <= most <= _LARGEST_PAGE
        where, condition = _parted(where)
        partition_key, low, high = _range(where)
        stored = self._stored.get((table, partition_key), _Stored())
        keys = stored.keys[low(stored.keys) : high(stored.keys)]
        if condition:
            keys = [one for one in keys if _holds(condition, stored.rows[one])]
        kind, _, key = continuation.partition(":")
        begin = bisect.bisect_left(keys, key) if continuation else 0
        if self.empty_pages and kind != "full":
            return [], f"full:{keys[begin] if begin < len(keys) else key}"
        stop = min(len(keys), begin + min(most, self.page_size))
        columns = columns_of(row)
        body = b",".join([_projected(stored.rows[one], columns) for one in keys[begin:stop]])
        rows = self._reader.many(b'{"value":[' + body + b"]}", row)
        self.after_call("page")
        return rows, f"next:{keys[stop]}" if stop < len(keys) else ""

    async def transact(self, partition: Partition, operations: Sequence[Operation]) -> Iterator[str]:
        assert 0 < len(operations) <= MOST_OPERATIONS
        await self._call("transact", "POST")
        self.before_write(partition, operations)
        stored = self._partition(partition)
        written: dict[str, Row | None] = {}
        for position, operation in enumerate(operations):
            columns = {name: value for name, value in operation.columns.items() if value is not None}
            refusal = _refusal(partition, operation, columns)
            if refusal or operation.row_key in written:
                raise RowRefused(f"storage answered 400 {refusal or 'InvalidDuplicateRow'}", position)
            _conflict(operation, stored.rows.get(operation.row_key))
            gone = operation.verb is Verb.DELETE
            written[operation.row_key] = None if gone else self._row(partition, operation.row_key, columns)
        if len(encode_transaction("http://memory", partition, operations)) > _LARGEST_BATCH:
            raise RowRefused("storage answered 413 RequestBodyTooLarge")
        self._stored[partition.table, partition.key] = stored
        for key, row in written.items():
            _put(stored, key, row)
        self.after_call("transact")
        return iter(["" if row is None else str(row["odata.etag"]) for row in written.values()])

    async def check(self) -> None:
        await self._call("check", "GET")

    async def close(self) -> None:
        self.closed = True

    async def _call(self, method: str, counted: str) -> None:
        self._count(counted)
        await self.pause()
        self.before_call(method)

    def _partition(self, partition: Partition) -> _Stored:
        return self._stored.get((partition.table, partition.key)) or _Stored()

    def _row(self, partition: Partition, row_key: str, columns: Row) -> Row:
        self._writes += 1
        stamp = f"2026-01-01T00:00:{self._writes // 10_000_000:02d}.{self._writes % 10_000_000:07d}Z"
        etag = f"W/\"datetime'{stamp.replace(':', '%3A')}'\""
        keys: Row = {"odata.etag": etag, "PartitionKey": partition.key, "RowKey": row_key, "Timestamp": stamp}
        return keys | columns


async def _turn() -> None:
    await asyncio.sleep(0)


def _put(stored: _Stored, key: str, row: Row | None) -> None:
    place = bisect.bisect_left(stored.keys, key)
    if row is None:
        del stored.rows[key], stored.keys[place]
        return
    if key not in stored.rows:
        stored.keys.insert(place, key)
    stored.rows[key] = row


def _projected(row: Row, columns: Sequence[str]) -> bytes:
    """A row of a query's answer: a selected column that the row lacks is null."""
    if not columns:
        return msgspec.json.encode(row)
    return msgspec.json.encode({"odata.etag": row["odata.etag"]} | {name: row.get(name) for name in columns})


def _parted(where: str) -> tuple[str, str]:
    """A filter's range of keys, and the condition that its rows have to meet besides."""
    found = re.match(f"{_TERM.pattern}(?: and {_TERM.pattern})*", where)
    assert found is not None, f"not known to this memory: {where}"
    rest = where[found.end() :].removeprefix(" and ")
    assert len(_COMPARISON.findall(where)) <= _MOST_COMPARISONS, "the service takes no more"
    return found[0], rest


def _holds(condition: str, row: Row) -> bool:
    """Whether a row meets a condition; a column that it lacks compares to nothing."""

    def compared(found: re.Match[str]) -> str:
        value = row.get(found[1])
        other = True if found[4] else found[3].replace("''", "'")
        return str(type(value) is type(other) and _COMPARED[found[2]](value, other))

    return bool(eval(_COMPARISON.sub(compared, condition), {}))  # Of True, False, and, or, brackets only.


@functools.lru_cache(maxsize=10_000)
def _range(where: str) -> tuple[str, Callable[[list[str]], int], Callable[[list[str]], int]]:
    """The partition key of a filter, and where its range of keys begins and ends in a list of keys."""
    terms = [(found[1], found[2], found[3].replace("''", "'")) for found in _TERM.finditer(where)]
    assert " and ".join(found[0] for found in _TERM.finditer(where)) == where, f"not known to this memory: {where}"
    (name, operator, partition_key), *ends = terms
    assert (name, operator) == ("PartitionKey", "eq")
    assert all(name == "RowKey" for name, _, _ in ends)

    def low(keys: list[str]) -> int:
        return max([0, *(_FROM[operator](keys, end) for _, operator, end in ends if operator in _FROM)])

    def high(keys: list[str]) -> int:
        return min([len(keys), *(_TO[operator](keys, end) for _, operator, end in ends if operator in _TO)])

    return partition_key, low, high


def _conflict(operation: Operation, stored: Row | None) -> None:
    if operation.verb is Verb.INSERT and stored is not None:
        raise Conflict("storage answered 409 EntityAlreadyExists")
    if operation.verb in (Verb.REPLACE, Verb.DELETE):
        if stored is None:
            raise Conflict("storage answered 404 ResourceNotFound")
        if operation.etag not in ("*", stored["odata.etag"]):
            raise Conflict("storage answered 412 UpdateConditionNotSatisfied")


def _refusal(partition: Partition, operation: Operation, columns: Row) -> str:
    """Why the service never takes a row, '' when it does. Sizes as the service counts them (facts/functions.md 6)."""
    if not (is_key(partition.key) and is_key(operation.row_key)):
        return "OutOfRangeInput"
    names = [name for name in columns if not name.endswith(_TYPE)]
    if len(names) > _MOST_COLUMNS:
        return "TooManyProperties"
    if not all(map(_is_column, names)):
        return "PropertyNameInvalid"
    if 4 * sum(len(value) for value in columns.values() if isinstance(value, str)) < _LARGEST_COLUMN_BYTES:
        return ""  # Nearly all rows: the exact sizes do not matter.
    sizes = [_bytes(columns, name) for name in names]
    if max(sizes) > _LARGEST_COLUMN_BYTES:
        return "PropertyValueTooLarge"
    keys = 2 * (len(partition.key) + len(operation.row_key))
    return "EntityTooLarge" if 4 + keys + sum(sizes) + sum(8 + 2 * len(one) for one in names) > _LARGEST_ROW else ""


@functools.cache
def _is_column(name: str) -> bool:
    return _COLUMN.fullmatch(name) is not None


def _bytes(columns: Row, name: str) -> int:
    value = columns[name]
    if not isinstance(value, str):
        return 8
    if columns.get(name + _TYPE) == "Edm.Binary":
        return len(base64.b64decode(value, validate=True))
    return len(value.encode("utf-16-le"))


@dataclass(order=True)
class _Message:
    visible_at: float
    number: int
    text: str = field(compare=False)


class MemoryQueue(MessageQueue):
    """A queue whose messages a test takes at a time of its own. `before_send` may raise."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.before_send: Callable[[str], None] = lambda _: None
        self.closed = False
        self._now = now
        self._messages: list[_Message] = []
        self._sent = 0

    async def send(self, text: str, delay_seconds: float = 0) -> None:
        await asyncio.sleep(0)
        self.before_send(text)
        self.put(text, delay_seconds)

    def put(self, text: str, delay_seconds: float = 0) -> None:
        """A message that comes from outside, or comes again."""
        visible_at = self._now().timestamp() + max(0, round(delay_seconds))
        bisect.insort(self._messages, _Message(visible_at, self._sent, text))
        self._sent += 1

    def take(self, now: datetime | None = None) -> str | None:
        """Remove the message that is visible the longest at a time; None when none is."""
        moment = (now or self._now()).timestamp()
        return self._messages.pop(0).text if self._messages and self._messages[0].visible_at <= moment else None

    def next_at(self) -> float | None:
        """When the next message is visible, in seconds since 1970; None when there is none."""
        return self._messages[0].visible_at if self._messages else None

    def __len__(self) -> int:
        return len(self._messages)

    async def make(self) -> None:
        return

    async def close(self) -> None:
        self.closed = True
