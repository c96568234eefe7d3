"""Who is in the list, and who was named in this run so far (pure). Kept in memory, rebuilt from rows and the journal.

A full run scans the list once a slice and then knows, without another read, who is unchanged and, at its end, who was
not named. A delta run knows only whom it was told of, until that is so many that a scan is cheaper. A million people
take 25 bytes each: ids and hashes stand in arrays, in the order of the rows, and are found by bisection.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from enum import IntEnum
from itertools import chain
from typing import NamedTuple

from contacts.contact import ContactId, Link
from contacts.store import ScanRow
from mapping.fields import ObjectId
from workspace.journal import Person

_MAIL_PREFIX_LENGTH = len("mail:") + 32 + 1
_ID_LENGTH = 36
_LOW = 2**64 - 1
_LOOK_AGAIN = 0
"""Instead of a hash: what is stored has to be read."""


class _Said(IntEnum):
    """The last word of this run about a user. `GONE_AGAIN`: an earlier page had the user as present."""

    NOTHING = 0
    PRESENT = 1
    GONE = 2
    GONE_AGAIN = 3


_MENTIONED = (_Said.PRESENT, _Said.GONE_AGAIN)
_WORD = 3
"""The bits of a mark that hold the word."""

_SWEEPABLE = 4
"""The bit of a mark: the contact is linked, or was removed by a person."""


class _Elsewhere(NamedTuple):
    contact_id: ContactId
    sweepable: bool
    seen: int


class RollCall:
    """The list's directory users. `in` asks whether an earlier page of this run named one as present."""

    def __init__(self) -> None:
        self.scanned = False
        self.addresses: dict[str, list[ContactId]] = {}
        """Unlinked contacts by the prefix of their address's rows, the oldest first; only after a scan."""
        # One entry a contact whose id is its user's object id, in the order of ids.
        self._high, self._low, self._seen, self._marks = array("Q"), array("Q"), array("Q"), bytearray()
        self._elsewhere: dict[int, _Elsewhere] = {}
        """By user, the contacts that have another id."""
        self._taken: set[int] = set()
        # The words about users who are not in the arrays. A set takes two thirds of a dictionary.
        self._present: set[int] = set()
        self._gone: dict[int, _Said] = {}

    @property
    def size(self) -> int:
        """How many users it knows of, at the least."""
        return len(self._high)

    def __contains__(self, source_id: object) -> bool:
        return isinstance(source_id, str) and self._word(_number(source_id)) in _MENTIONED

    @property
    def empty(self) -> bool:
        """Whether the scan found no contact at all."""
        return self.scanned and not (self._high or self._elsewhere or self._taken)

    def named(self, source_id: ObjectId) -> bool:
        """Whether an earlier page of this run named one at all."""
        return self._word(_number(source_id)) != _Said.NOTHING

    def scan(self, rows: Iterable[ScanRow]) -> None:
        """Take in rows of the list, in key order. Words said before a scan are kept."""
        for row in rows:
            if row.link:
                self._know(row)
            elif row.row_key.startswith("mail:"):
                prefix = row.row_key[:_MAIL_PREFIX_LENGTH]
                self.addresses.setdefault(prefix, []).append(ContactId(row.row_key[-_ID_LENGTH:]))

    def _know(self, row: ScanRow) -> None:
        sweepable = row.link in (Link.LINKED, Link.REMOVED)
        seen = int(row.source_hash, 16) if row.source_hash and row.link == Link.LINKED else _LOOK_AGAIN
        if row.source_id != row.row_key:
            self._taken.add(_number(row.row_key))
            if row.source_id:
                self._elsewhere[_number(row.source_id)] = _Elsewhere(ContactId(row.row_key), sweepable, seen)
            return
        number = _number(row.row_key)
        self._high.append(number >> 64)
        self._low.append(number & _LOW)
        self._seen.append(seen)
        word = self._word_elsewhere(number)
        self._say_elsewhere(number, _Said.NOTHING)
        self._marks.append(word | (_SWEEPABLE if sweepable else 0))

    def _place(self, number: int) -> int | None:
        """Where a user stands in the arrays."""
        if not self._high:
            return None
        high = number >> 64
        place = bisect_left(self._high, high)
        while place < len(self._high) and self._high[place] == high:
            if self._low[place] == number & _LOW:
                return place
            place += 1
        return None

    def wrote(self, source_ids: Iterable[ObjectId]) -> None:
        """Note whose contacts were just written: whoever names them again has to read them."""
        for source_id in source_ids:
            number = _number(source_id)
            if (moved := self._elsewhere.get(number)) is not None:
                self._elsewhere[number] = moved._replace(seen=_LOOK_AGAIN)
            elif (place := self._place(number)) is not None:
                self._seen[place] = _LOOK_AGAIN

    def unchanged(self, person: Person) -> bool:
        """Whether a person's contact shows the directory's values already, so that nothing needs to be read."""
        if not self._high and not self._elsewhere:
            return False  # A first sync: nobody is known, and nothing is worth computing.
        number = _number(person.id)
        if (moved := self._elsewhere.get(number)) is not None:
            seen = moved.seen
        elif (place := self._place(number)) is not None:
            seen = self._seen[place]
        else:
            return False
        return seen == int(person.source_hash, 16) != _LOOK_AGAIN

    def contact_id(self, source_id: ObjectId) -> ContactId | None:
        """Whose contact it was when the list was scanned."""
        if not self._high and not self._elsewhere:
            return None
        number = _number(source_id)
        if number in self._elsewhere:
            return self._elsewhere[number].contact_id
        return ContactId(source_id) if self._place(number) is not None else None

    def holds(self, contact_id: ContactId) -> bool:
        """Whether the list held a contact when it was scanned."""
        number = _number(contact_id)
        return number in self._taken or self._place(number) is not None

    def taken(self, source_id: ObjectId) -> bool:
        """Whether another's contact has this object id as its own id."""
        return bool(self._taken) and _number(source_id) in self._taken

    def name(self, present: Iterable[ObjectId], gone: Iterable[ObjectId]) -> None:
        """Note who a page named; the last word about each counts."""
        for source_id in present:
            self._say(_number(source_id), _Said.PRESENT)
        for source_id in gone:
            number = _number(source_id)
            self._say(number, _Said.GONE_AGAIN if self._word(number) in _MENTIONED else _Said.GONE)

    def _say(self, number: int, word: _Said) -> None:
        place = self._place(number)
        if place is None:
            self._say_elsewhere(number, word)
        else:
            self._marks[place] = self._marks[place] & ~_WORD | word

    def _say_elsewhere(self, number: int, word: _Said) -> None:
        self._present.discard(number)
        self._gone.pop(number, None)
        if word is _Said.PRESENT:
            self._present.add(number)
        elif word is not _Said.NOTHING:
            self._gone[number] = word

    def _word(self, number: int) -> int:
        place = self._place(number)
        return self._word_elsewhere(number) if place is None else self._marks[place] & _WORD

    def _word_elsewhere(self, number: int) -> _Said:
        return _Said.PRESENT if number in self._present else self._gone.get(number, _Said.NOTHING)

    def gone(self) -> list[ObjectId]:
        """Whom this run was told to be gone."""
        known = (self._at(place) for place, mark in enumerate(self._marks) if mark & _WORD >= _Said.GONE)
        return [_text(number) for number in chain(known, self._told(_Said.GONE, _Said.GONE_AGAIN))]

    def absent(self) -> list[ObjectId]:
        """Users who may have a contact to sweep, and whom a complete round did not name, or not last, as present."""
        known = (
            self._at(place)
            for place, mark in enumerate(self._marks)
            if (mark & _SWEEPABLE and mark & _WORD != _Said.PRESENT) or mark & _WORD == _Said.GONE_AGAIN
        )
        moved = (
            number
            for number, contact in self._elsewhere.items()
            if contact.sweepable and self._word(number) != _Said.PRESENT
        )
        return [_text(number) for number in dict.fromkeys(chain(known, moved, self._told(_Said.GONE_AGAIN)))]

    def _told(self, *words: _Said) -> list[int]:
        return [number for number, word in self._gone.items() if word in words]

    def _at(self, place: int) -> int:
        return self._high[place] << 64 | self._low[place]

    def left(self, source_id: ObjectId) -> bool:
        """Whether this run last said of a user: gone."""
        return self._word(_number(source_id)) >= _Said.GONE

    def present(self, source_id: ObjectId) -> bool:
        """Whether this run last said of a user: present."""
        return self._word(_number(source_id)) == _Said.PRESENT


def _number(object_id: str) -> int:
    return int(object_id.replace("-", ""), 16)


def _text(number: int) -> ObjectId:
    digits = f"{number:032x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return ObjectId("-".join(parts))
