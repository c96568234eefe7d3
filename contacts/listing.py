"""A list as people read it: in the order of names, page by page, and searched (spec §7)."""

import base64
from enum import StrEnum
from typing import Any

from contacts.contact import TABLE, Contact, Link, from_row
from contacts.names import ADDRESS, FIRST_NAME, ID_LENGTH, NAMES, Search
from contacts.store import ContactStore
from errors import Refused
from storage.filters import after_key, all_of, any_of, equals, is_true, starts_with
from storage.table import Tables
from storage.transaction import Partition

_NAME, _INSIDE, _ID = "n", "i", "d"


class Part(StrEnum):
    """A part of a list that a caller asks for."""

    LINKED = "linked"
    LEFT = "left"
    """Was linked, and is not now."""
    LOCAL = "local"
    """Made by a person, never linked."""
    ATTENTION = "attention"
    """Linked, and edited by a person since the last run: the next run decides whose value stands."""


_CONDITION = {
    Part.LINKED: equals("link", Link.LINKED),
    Part.LEFT: equals("link", Link.UNLINKED),
    Part.LOCAL: equals("link", Link.LOCAL),
    Part.ATTENTION: is_true("touched"),
}
"""One comparison each: with a search of two words, a query has all that the service takes (`_found_by`)."""


class Listing:
    """Reads pages of a list. A page may be short, or empty, and still have a next one.

    A continuation names the stage of a search and the last row's key; it opens nothing but the same list.
    """

    def __init__(self, tables: Tables, contacts: ContactStore) -> None:
        self._tables = tables
        self._contacts = contacts

    async def page(
        self,
        partition: Partition,
        text: str,
        most: int,
        continuation: str,
        part: Part | None = None,
        *,
        ordered: bool,
    ) -> tuple[list[Contact], str]:
        """Contacts by last name and first name, all of them or those that a search finds; and the continuation.

        `part`: only those of one part of the list; the rows of names hold what it asks for, so it costs no query.

        A search gives first, by one query, whom the beginning of a name or of the address finds; then, from call to
        call, those that hold each word somewhere. `ordered`: each contact has its name row. A list that an older
        version stored has not, and comes in the order of ids until its next full run.

        Raises:
            Refused: no answer of ours said this continuation.
        """
        stage, key = _read(continuation, _NAME if ordered else _ID)
        search = Search(text) if text else None
        condition = _CONDITION[part] if part is not None else ""
        if stage == _NAME and search is not None and not search.text:
            stage = _INSIDE  # For instance '%', which stands at the beginning of nothing.
        if stage == _NAME:
            contacts, key = await self._by_name(partition, search, most, key, condition)
            if search is not None and not key:
                return contacts, _token(_INSIDE, "")
        elif search is None:
            contacts, key = await self._contacts.page(partition, most, key, condition)
        else:
            contacts, key = await self._contacts.search(partition, search, most, key, condition, rest=stage == _INSIDE)
        return contacts, _token(stage, key) if key else ""

    async def _by_name(
        self, partition: Partition, search: Search | None, most: int, key: str, condition: str
    ) -> tuple[list[Contact], str]:
        where = after_key(partition.key, max(key, NAMES))
        where = all_of(where, starts_with("RowKey", NAMES) if search is None else _found_by(search))
        if condition:
            where = all_of(where, condition)
        rows, key = await self._tables.after(TABLE, where, dict[str, Any], "", most)
        return [from_row({**row, "RowKey": row["RowKey"][-ID_LENGTH:]}) for row in rows], key


def _found_by(search: Search) -> str:
    """The name rows that a search finds.

    With the partition, the first key and a part these are at most 15 comparisons: the service takes no more
    (learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities).
    """
    whole = [starts_with("RowKey", NAMES + search.text), starts_with(FIRST_NAME, search.text)]
    if not search.pairs:
        return any_of(*whole, starts_with(ADDRESS, search.text))
    for first, lasts in search.pairs:
        last = any_of(*(starts_with("RowKey", NAMES + one) for one in lasts))
        whole.append(all_of(starts_with(FIRST_NAME, first), last))
    return any_of(*whole)


def _token(stage: str, key: str) -> str:
    return f"{stage}.{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}"


def _read(continuation: str, first: str) -> tuple[str, str]:
    """Raises: Refused."""
    if not continuation:
        return first, ""
    stage, _, key = continuation.partition(".")
    try:
        if stage in (_NAME, _INSIDE, _ID):
            return stage, base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode()
    except ValueError:
        pass
    raise Refused("The continuation is not valid.", {"continuation": "use the one of an earlier answer"})
