"""A directory user's mapped values and their hash: what a contact remembers of its user (pure)."""

import hashlib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from mapping.configuration import Configuration
from mapping.fields import DIRECTORY_FIELDS, DirectoryUser
from mapping.phones import PhoneNumbers

_encode = msgspec.json.Encoder().encode


class ValueReader:
    """Reads the values of a configuration's directory fields, in their order.

    Absent, null, '' and [] are all empty: None.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.sources = configuration.sources
        attributes = [DIRECTORY_FIELDS[source].attribute for source in self.sources]
        # With `id`, because attrgetter gives a tuple only for two attributes or more.
        self._get = attrgetter("id", *attributes)
        self._salt = _encode(self.sources)
        # Nothing is added for numbers as they are written, so that lists of before stay as they are.
        if configuration.phone_numbers is not PhoneNumbers.AS_WRITTEN:
            self._salt += _encode(configuration.phone_numbers)

    def values(self, user: DirectoryUser) -> tuple[str | None, ...]:
        # A list inside `tuple` is faster than a generator, and this line runs for every person of every run.
        return tuple([value or None if type(value) is str else plain(value) for value in self._get(user)[1:]])

    def values_over(self, user: DirectoryUser, remembered: Mapping[str, str]) -> tuple[str | None, ...]:
        """A user's values, laid over the remembered ones: what Graph does not mention is unchanged (spec §3).

        Example: a patch with a new `mail` alone keeps the remembered `surname`.
        """
        return tuple(
            [
                remembered.get(source) if value is UNSET else plain(value)
                for source, value in zip(self.sources, self._get(user)[1:], strict=True)
            ]
        )

    def source_hash(self, values: Sequence[str | None]) -> str:
        """16 hex digits that change when a value, or the choice of fields, does."""
        # The salt is the choice of fields: after a changed mapping no contact may look unchanged.
        return hashlib.blake2b(self._salt + _encode(values), digest_size=8).hexdigest()

    def remembered(self, values: Sequence[str | None]) -> dict[str, str]:
        """The values that are not empty, by field name."""
        return {source: value for source, value in zip(self.sources, values, strict=True) if value}

    def recalled(self, remembered: Mapping[str, str]) -> tuple[str | None, ...]:
        """The inverse of `remembered`."""
        return tuple([remembered.get(source) for source in self.sources])


def plain(value: Any) -> str | None:
    """The one text of a field's value; absent, null, '' and [] are all None."""
    if value is None or value is UNSET:
        return None
    if type(value) is str:
        return value or None
    return value[0] or None if value else None  # businessPhones has one element at most (facts/graph.md 2.3).
