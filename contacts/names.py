"""Where a contact stands in its list by name, and what a search compares (pure; spec §7).

Beside each contact that is shown stands a row `name:<last name>  <first name>  <id>` with the contact's own columns,
so that a page of the list in order, and a search by the beginning of a name or an address, is one query. The rows come
after all that the scan of a run reads. Two blanks part names: they sort before any letter, and no name holds them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

NAMES = "name:"
PARTED = "  "
FIRST_NAME, ADDRESS = "byFirstName", "byAddress"
"""Columns of a name row beside the contact's own."""
ID_LENGTH = 36
_LONGEST = 40
_LAST = "~"
"""Where a contact stands that has none of these: after every letter of the Latin alphabet."""
_ODD = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f\ud800-\udfff]|\s\s|^\s|\s$|[^\S ]")
_NOT_SORTED = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def plain(text: str) -> str:
    """A text as a search compares it: without case and accents, so that 'muller' finds Müller."""
    if text.isascii():
        return text.lower()
    parted = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join([one for one in parted if not unicodedata.combining(one)]).casefold())


def sortable(text: str) -> str:
    """A text as keys compare it: plain, cut short, fit for a key (facts/functions.md 6)."""
    text = plain(text[: 2 * _LONGEST])
    # Nearly all: a name is one word of letters, an address has no blanks.
    if not text.isalnum() and _ODD.search(text) is not None:
        text = " ".join(_NOT_SORTED.sub(" ", text).split())
    return text[:_LONGEST]


def place_of(fields: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    """Where a contact stands in its list, never empty; and what its name row is found by besides, where there is any.

    By last name, then first name; without a last name by first name, address or company.
    """
    first, last = sortable(fields.get("firstName", "")), sortable(fields.get("lastName", ""))
    address = sortable(fields.get("email", ""))
    place = last + PARTED + first if last else first or address or sortable(fields.get("company", "")) or _LAST
    if first and address:
        return place, {FIRST_NAME: first, ADDRESS: address}
    return place, {name: value for name, value in ((FIRST_NAME, first), (ADDRESS, address)) if value}


def name_key(place: str, contact_id: str) -> str:
    return NAMES + place + PARTED + contact_id


class Search:
    """A text that somebody looks for: one word, or several in any order."""

    def __init__(self, text: str) -> None:
        self.text = sortable(text)
        self._words = plain(text).split()

    @property
    def pairs(self) -> list[tuple[str, tuple[str, ...]]]:
        """Beginnings of a first name, each with those of the last name that may go with it; [] for one word.

        'clarke ruth' may be either way round. Of more than two words, the first one belongs to the first name, and
        the last name begins with all others, or with the last one: 'ann van der berg', 'mary ann smith'.
        """
        first, _, others = self.text.partition(" ")
        if not others:
            return []
        if " " not in others:
            return [(first, (others,)), (others, (first,))]
        return [(first, (others, others.rpartition(" ")[2]))]

    def at_the_beginning(self, fields: Mapping[str, str]) -> bool:
        """Whether a contact is found by the beginning of its names or its address: what the name rows are asked for."""
        if not self.text:
            return False
        place, besides = place_of(fields)
        first, address = (str(besides.get(name, "")) for name in (FIRST_NAME, ADDRESS))
        if any(one.startswith(self.text) for one in (place, first, *(() if self.pairs else (address,)))):
            return True
        return any(first.startswith(one) and place.startswith(lasts) for one, lasts in self.pairs)

    def inside(self, values: Sequence[str]) -> bool:
        """Whether each word stands somewhere in a contact's values."""
        texts = [plain(value) for value in values]
        return all(any(word in text for text in texts) for word in self._words)


# A label for a line of the history. The fields have the whole value.
_LONGEST_SHOWN = 120


def shown_name(fields: Mapping[str, str]) -> str:
    """How a person is named to an administrator: by name, else by address."""
    first, last = fields.get("firstName"), fields.get("lastName")
    name = f"{first} {last}" if first and last else first or last
    return (name or fields.get("displayName") or fields.get("email") or "")[:_LONGEST_SHOWN]
