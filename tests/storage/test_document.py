"""A typed value as columns of a row, and back (storage/document.py)."""

import pytest

from errors import RowRefused
from storage.document import DocumentRow, document_columns


def test_the_longest_value_comes_back_as_it_was_and_a_longer_one_is_never_written():
    longest = "x" * (7 * 30_000 - 2)

    row = DocumentRow("key", "etag", **document_columns(longest))

    assert row.read(str) == longest
    with pytest.raises(RowRefused):
        document_columns(longest + "x")
