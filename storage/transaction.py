"""Entity-group transactions as bytes: what is sent to `$batch`, and what its answer means (pure).

Written by hand because azure-core's multipart goes through `email`: 0.47 ms an entity against 0.013 ms
(measured by `make bench`). Format: learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

import msgspec

from errors import Conflict, RowRefused, TryLater

MOST_OPERATIONS = 100
MOST_BYTES = 3_500_000
"""The service's limits are 100 operations and 4 MiB with all headers (facts/functions.md 6)."""

BOUNDARY = "batch_emu"
CONTENT_TYPE = f"multipart/mixed; boundary={BOUNDARY}"
_CHANGESET = "changeset_emu"

_encode = msgspec.json.Encoder().encode
_SEPARATOR = b"\xe2\x80"
"""How U+2028 and U+2029, line and paragraph separator, begin in UTF-8."""


class Verb(StrEnum):
    """INSERT fails where the row exists; REPLACE where its ETag is another; PUT writes in any case."""

    INSERT = "POST"
    REPLACE = "PUT"
    PUT = "PUT "
    DELETE = "DELETE"


class Operation(msgspec.Struct, frozen=True):
    """One row's part in a transaction. `row` holds all columns but the keys; values are str, int, bool or float.

    `besides` holds further columns, where two rows of a transaction have the very same `row`: it is encoded once.
    """

    verb: Verb
    row_key: str
    row: dict[str, object] | None = None
    etag: str = "*"
    besides: dict[str, object] | None = None

    @property
    def columns(self) -> dict[str, object]:
        """All columns but the keys."""
        return {**(self.row or {}), **(self.besides or {})}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one table: what a transaction can span."""

    table: str
    key: str

    def row_path(self, row_key: str) -> str:
        """The path of a row below the account's address. A quote in a key is doubled, the rest escaped."""
        return f"{self.table}(PartitionKey='{_key(self.key)}',RowKey='{_key(row_key)}')"


def encode_transaction(account_url: str, partition: Partition, operations: Sequence[Operation]) -> bytes:
    """The body of one `$batch` request: 1 to 100 operations, each row once."""
    assert 0 < len(operations) <= MOST_OPERATIONS  # Azurite's answer to others is no HTTP (facts/functions.md 7).
    to_table = f"{account_url}/{partition.table} {_WRITE_HEADERS}"
    to_row = f"{account_url}/{partition.table}(PartitionKey='{_key(partition.key)}',RowKey='"
    keys = b'{"PartitionKey":%b,"RowKey":' % _encode(partition.key)
    parts, row, columns = [_OPENING], None, b"}"
    for operation in operations:
        # Two rows in a row that have the same columns: these are encoded once.
        if operation.row is not row:
            row, columns = operation.row, _encode(operation.row or {})[1:]
        parts.append(_head(operation, to_table, to_row))
        if operation.verb is not Verb.DELETE:
            parts.append(_body(operation, keys, columns))
    parts.append(_CLOSING)
    return b"".join(parts)


_OPENING = f"--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary={_CHANGESET}\r\n\r\n".encode()
_CLOSING = f"--{_CHANGESET}--\r\n--{BOUNDARY}--\r\n".encode()
_PART = f"--{_CHANGESET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_WRITE_HEADERS = (
    "HTTP/1.1\r\nContent-Type: application/json;odata=nometadata\r\nAccept: application/json;odata=minimalmetadata\r\n"
    "Prefer: return-no-content\r\nDataServiceVersion: 3.0\r\n"
)


_METHOD = {verb: f"{_PART}{verb.strip()} " for verb in Verb}


def _head(operation: Operation, to_table: str, to_row: str) -> bytes:
    verb = operation.verb
    # An insert is a POST to the table; every other verb names the row.
    if verb is Verb.INSERT:
        return (_METHOD[verb] + to_table).encode()
    head = f"{_METHOD[verb]}{to_row}{_key(operation.row_key)}') {_WRITE_HEADERS}"
    # A PUT without If-Match writes in any case. A DELETE needs one; '*' fits every ETag.
    if verb is not Verb.PUT:
        head += f"If-Match: {operation.etag}\r\n"
    if verb is Verb.DELETE:
        head += "\r\n\r\n"
    return head.encode()


def _body(operation: Operation, keys: bytes, columns: bytes) -> bytes:
    """A row's keys and columns. `keys` ends before the row key, `columns` begins after the opening brace."""
    body = keys + _encode(operation.row_key)
    if operation.besides:
        body += b"," + _encode(operation.besides)[1:-1]
    # Of a row without columns only the closing brace is left.
    body += b"," + columns if len(columns) > 1 else columns
    if _SEPARATOR in body:
        # Azurite answers 500 to these two unescaped (facts/graph.md 11). Inside JSON, both forms mean the same.
        body = body.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")
    return b"Content-Length: %d\r\n\r\n%b\r\n" % (len(body), body)


_NOT_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_KEY_BYTES = 1024


def is_key(text: str) -> bool:
    """Whether a row can have this key: 512 UTF-16 units, without the characters of facts/functions.md 6."""
    return _NOT_IN_KEYS.search(text) is None and len(text.encode("utf-16-le")) <= _LONGEST_KEY_BYTES


_SAFE_KEY = re.compile(r"[\w.~-]*", re.ASCII)


def _key(value: str) -> str:
    if "%" not in value:
        # The keys of nearly all rows, without a look at each of their characters.
        escaped = value.replace(":", "%3A").replace(" ", "%20").replace("@", "%40")
        if _SAFE_KEY.fullmatch(escaped.replace("%", "")):
            return escaped
    return quote(value.replace("'", "''"), safe="")


# They begin with plain bytes, which are looked for fast: 0.01 instead of 0.11 ms for a hundred operations.
_STATUS = re.compile(rb"\r\nHTTP/1\.1 (\d{3}) ")
_ETAG = re.compile(rb"\r\n(?:ETag|etag): *([^\r\n]+)")
_ERROR = re.compile(rb"\{.*\}", re.DOTALL)


def read_transaction(status: int, body: bytes, operations: Sequence[Operation]) -> Iterator[str]:
    """The rows' new ETags, in the operations' order; '' for a deleted row. Read as they are taken: most never are.

    Raises:
        Conflict: a row exists, is gone, or has another ETag; nothing was written.
        RowRefused: storage will never take one of the rows; nothing was written.
        TryLater: anything else; it may or may not have been written.
    """
    if status != 202:  # noqa: PLR2004 - Accepted: the transaction ran; its outcome is inside.
        raise storage_error(status, body)
    # A transaction is accepted as a whole; whether it happened stands in the parts.
    statuses = [int(found) for found in _STATUS.findall(body)]
    failed = next((found for found in statuses if found >= 400), None)  # noqa: PLR2004
    if failed is not None:
        raise storage_error(failed, body)
    # The answer was cut off. The transaction happened whole or not at all, and which of the two is not known.
    if len(statuses) != len(operations):
        raise TryLater(f"storage answered {len(statuses)} of {len(operations)} operations")
    etags = (found[1].decode().strip() for found in _ETAG.finditer(body))
    return ("" if operation.verb is Verb.DELETE else next(etags, "") for operation in operations)


class _ErrorText(msgspec.Struct):
    value: str = ""


class _ErrorBody(msgspec.Struct):
    code: str = ""
    message: _ErrorText | str = ""


class _Error(msgspec.Struct):
    error: _ErrorBody = msgspec.field(default_factory=_ErrorBody, name="odata.error")


_decode_error = msgspec.json.Decoder(_Error).decode
_GONE_OR_CHANGED = {404, 409, 412}
_REFUSED = {400, 413, 414}
# Some of these come with 404 or 409, although the same request succeeds later.
_PASSING_CODES = {"OperationTimedOut", "ServerBusy", "TableBeingDeleted", "TableNotFound"}


def storage_error(status: int, body: bytes) -> Conflict | RowRefused | TryLater:
    """The error for an answer of storage. Only codes and the row's position are told on: a message may quote a row."""
    code, position = _read_error(body)
    told = f"storage answered {status} {code}".rstrip()
    if code in _PASSING_CODES:
        return TryLater(told)
    if status in _GONE_OR_CHANGED:
        return Conflict(told)
    if status in _REFUSED:
        return RowRefused(told, position)
    return TryLater(told)


def _read_error(body: bytes) -> tuple[str, int]:
    found = _ERROR.search(body)
    try:
        error = _decode_error(found.group()).error if found else _ErrorBody()
    except msgspec.MsgspecError:
        return "", -1
    text = error.message if isinstance(error.message, str) else error.message.value
    # The message begins with the operation's index, as in '3:The specified entity already exists.'
    position, colon, _ = text.partition(":")
    return error.code, int(position) if colon and position.isascii() and position.isdigit() else -1


def grouped(groups: Iterable[Sequence[Operation]]) -> Iterator[list[Sequence[Operation]]]:
    """Fill transactions with whole groups: operations that must happen together stay together."""
    filled: list[Sequence[Operation]] = []
    count = size = 0
    for group in groups:
        weight, row = 0, None
        for operation in group:
            # Of two rows with the same columns the second one weighs as much.
            if operation.row is not row or not weight:
                row, weighed = operation.row, _weight(operation)
            weight += weighed
        # A group that is too large by itself is sent alone: storage refuses it, and the run lists it as skipped.
        if filled and (count + len(group) > MOST_OPERATIONS or size + weight > MOST_BYTES):
            yield filled
            filled, count, size = [], 0, 0
        filled.append(group)
        count += len(group)
        size += weight
    if filled:
        yield filled


def _weight(operation: Operation) -> int:
    """An upper bound of an operation's bytes, cheap to have: text is at most six bytes a character as JSON."""
    row = operation.row or {}
    text = sum([len(value) for value in row.values() if type(value) is str])  # A list is the faster by half.
    return 1000 + 40 * len(row) + text * (1 if text < 10_000 else 6)  # noqa: PLR2004
