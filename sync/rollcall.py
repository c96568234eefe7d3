"""Who is in the list, and who was named in this run so far (pure). Kept in memory, rebuilt from rows and the journal.

A full run scans the list once a slice and then knows, without another read, who is unchanged and, at its end, who was
not named. A delta run knows only whom it was told of.
"""

from collections.abc import Iterable
from enum import Enum

from contacts.contact import Contact, Link
from contacts.store import ScanRow
from mapping.fields import ObjectId
from sync.plan import Person

_MAIL_PREFIX_LENGTH = len("mail:") + 32 + 1


class _Said(Enum):
    """The last word of this run about a user. `GONE_AGAIN`: an earlier page had him as present."""

    PRESENT = 1
    GONE = 2
    GONE_AGAIN = 3


class RollCall:
    """The list's directory users by object id. `in` asks whether an earlier page of this run named one as present."""

    def __init__(self) -> None:
        self.scanned = False
        self.addresses: set[str] = set()
        """Prefixes of addresses that unlinked contacts have; only after a scan."""
        self._seen: dict[ObjectId, str] = {}
        self._contact_ids: dict[ObjectId, str] = {}
        self._removed: set[ObjectId] = set()
        self._taken: set[str] = set()
        self._named: dict[ObjectId, _Said] = {}

    def __contains__(self, source_id: object) -> bool:
        return isinstance(source_id, str) and self._named.get(ObjectId(source_id), _Said.GONE) is not _Said.GONE

    def scan(self, rows: Iterable[ScanRow]) -> None:
        """Take in rows of the list."""
        for row in rows:
            if row.link:
                self._know(row.row_key, row.link, row.source_id, row.seen)
            elif row.row_key.startswith("mail:"):
                self.addresses.add(row.row_key[:_MAIL_PREFIX_LENGTH])

    def _know(self, contact_id: str, link: str, source_id: str, seen: str) -> None:
        source = ObjectId(source_id)
        if source_id != contact_id:
            self._taken.add(contact_id)
        if source_id:
            # A contact that is not linked, or has to be looked at again, is known by its id alone.
            self._contact_ids[source] = contact_id
            self._seen.pop(source, None)
            self._removed.discard(source)
            if link == Link.LINKED:
                self._seen[source] = seen
            elif link == Link.REMOVED:
                self._removed.add(source)

    def wrote(self, contacts: Iterable[Contact]) -> None:
        """Take in contacts as they were just written."""
        for contact in contacts:
            self._know(contact.id, contact.link, contact.source_id or "", contact.seen)

    @property
    def linked(self) -> int:
        return len(self._seen)

    def unchanged(self, person: Person) -> bool:
        """Whether a person's contact shows the directory's values already, so that nothing needs to be read."""
        return self._seen.get(person.id) == person.seen

    def contact_id(self, source_id: ObjectId) -> str | None:
        return self._contact_ids.get(source_id)

    def taken(self, source_id: ObjectId) -> bool:
        """Whether another's contact has this object id as its own id."""
        return source_id in self._taken

    def name(self, present: Iterable[ObjectId], gone: Iterable[ObjectId]) -> None:
        """Note who a page named; the last word about each counts."""
        for source_id in present:
            self._named[source_id] = _Said.PRESENT
        for source_id in gone:
            self._named[source_id] = _Said.GONE_AGAIN if source_id in self else _Said.GONE

    def forget_names(self) -> None:
        """Begin the round again, as when a delta link expired on the way."""
        self._named.clear()

    def gone(self) -> list[ObjectId]:
        """Whom this run was told to be gone, in order."""
        return [source_id for source_id, said in self._named.items() if said is not _Said.PRESENT]

    def absent(self) -> list[ObjectId]:
        """Users whose contact is linked, or was removed by a person, and whom a complete round did not name."""
        return [
            one for known in (self._seen, self._removed) for one in known if self._named.get(one) is not _Said.PRESENT
        ]

    def left(self, source_id: ObjectId) -> bool:
        return self._named.get(source_id, _Said.PRESENT) is not _Said.PRESENT
