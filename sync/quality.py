"""Measures how complete and how usable a directory's data is (pure; spec §6)."""

from collections.abc import Mapping
from hashlib import blake2b

from mapping.configuration import Configuration
from mapping.contact_fields import matching_email
from mapping.fields import DIRECTORY_FIELDS, Kind
from mapping.phones import international
from workspace.quality import MOST_PEOPLE, Figure

_WANTED = {
    Figure.NO_NAME: ("givenName", "surname"),
    Figure.NO_EMAIL: ("mail",),
    Figure.NO_MOBILE: ("mobilePhone",),
    Figure.NO_COMPANY: ("companyName",),
}


class Quality:
    """Takes one contact's directory values after the other, and counts. Only what is mapped is known of anybody."""

    def __init__(self, configuration: Configuration) -> None:
        mapped = {one.source for one in configuration.field_mappings}
        self._wanted = {figure: [one for one in fields if one in mapped] for figure, fields in _WANTED.items()}
        self._wanted = {figure: fields for figure, fields in self._wanted.items() if fields}
        self._phones = [one for one in mapped if DIRECTORY_FIELDS[one].kind is Kind.PHONE]
        figures = [*self._wanted, *([Figure.SHARED_EMAIL] if "mail" in mapped else [])]
        figures += [Figure.NOT_INTERNATIONAL] if self._phones else []
        self.taken = 0
        self.counts = dict.fromkeys(figures, 0)
        self.people: dict[Figure, list[str]] = {figure: [] for figure in figures}
        self._first_with: dict[bytes, str] = {}

    def take(self, contact_id: str, source: Mapping[str, str]) -> None:
        """Count a contact. `source`: its directory values last seen, by directory field; only what is not empty."""
        self.taken += 1
        for figure, fields in self._wanted.items():
            if not all(source.get(one) for one in fields):
                self._note(figure, contact_id)
        if any(not international(source[one], None) for one in self._phones if source.get(one)):
            self._note(Figure.NOT_INTERNATIONAL, contact_id)
        if Figure.SHARED_EMAIL in self.counts and (email := matching_email(source.get("mail"))):
            self._take_email(contact_id, email)

    def _take_email(self, contact_id: str, email: str) -> None:
        # Eight bytes instead of an address: a large list's addresses would fill the memory.
        key = blake2b(email.encode(), digest_size=8).digest()
        first = self._first_with.setdefault(key, contact_id)
        if first == contact_id:
            return
        if first:
            self._note(Figure.SHARED_EMAIL, first)
            self._first_with[key] = ""  # It was counted.
        self._note(Figure.SHARED_EMAIL, contact_id)

    def _note(self, figure: Figure, contact_id: str) -> None:
        self.counts[figure] += 1
        if len(self.people[figure]) < MOST_PEOPLE:
            self.people[figure].append(contact_id)
