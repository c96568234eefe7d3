"""A typed value as the columns of a row: JSON, cut into pieces that a column holds (pure)."""

from typing import Any

import msgspec

from errors import RowRefused

_MOST_PIECES = 7
_PIECE = 30_000
"""UTF-16 units; a text column holds 32,768 (facts/functions.md 6)."""
_LAST_OF_ONE_UNIT = "\uffff"
_FIRST_OF_TWO = range(0xD8, 0xDC)
"""The upper byte of the first of two units."""


class DocumentRow(msgspec.Struct, frozen=True):
    """A row that holds one value, in up to seven pieces: 210,000 characters, far more than any value of ours needs."""

    row_key: str = msgspec.field(name="RowKey")
    etag: str = msgspec.field(name="odata.etag")
    document0: str = ""
    document1: str = ""
    document2: str = ""
    document3: str = ""
    document4: str = ""
    document5: str = ""
    document6: str = ""

    def read[T](self, kind: type[T]) -> T:
        return msgspec.json.decode(self._text, type=kind)

    def with_field(self, name: str, value: object) -> "DocumentRow":
        """The same row with a field that an older version did not write. For reading it; it may exceed a column."""
        document = msgspec.json.decode(self._text) | {name: value}
        return DocumentRow(self.row_key, self.etag, msgspec.json.encode(document).decode())

    @property
    def _text(self) -> str:
        pieces = (self.document0, self.document1, self.document2, self.document3, self.document4, self.document5)
        return "".join(pieces) + self.document6


def document_columns(value: Any) -> dict[str, object]:
    """The inverse of `DocumentRow.read`.

    Raises:
        RowRefused: it is too large to be read back, so it must not be written.
    """
    text = msgspec.json.encode(value).decode()
    pieces = _pieces(text)
    if len(pieces) > _MOST_PIECES:
        raise RowRefused(f"a value of {len(text)} characters fits into no row")
    return {f"document{number}": piece for number, piece in enumerate(pieces)}


def _pieces(text: str) -> list[str]:
    if max(text) <= _LAST_OF_ONE_UNIT:
        return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]
    # A character outside of the basic plane, for instance an emoji, is two units, which stay together.
    units, pieces, start = text.encode("utf-16-le"), [], 0
    while start < len(units):
        end = start + 2 * _PIECE
        end -= 2 if end < len(units) and units[end - 1] in _FIRST_OF_TWO else 0
        pieces.append(units[start:end].decode("utf-16-le"))
        start = end
    return pieces
