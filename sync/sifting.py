"""Who of the users that Graph named is there, and who is gone (pure; spec §3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from contacts.contact import Contact
from mapping.configuration import Configuration
from mapping.fields import DirectoryUser, ObjectId
from mapping.scope import Scope
from mapping.values import ValueReader
from workspace.journal import Person


def latest(users: Iterable[DirectoryUser]) -> dict[ObjectId, DirectoryUser]:
    """A page's users, each once. Graph may name a user twice (facts/graph.md 1.4, 11): the later entity counts.

    A later entity that leaves properties out is a patch: it is laid over the earlier one.
    """
    found: dict[ObjectId, DirectoryUser] = {}
    for user in users:
        earlier = found.get(user.id)
        found[user.id] = user if earlier is None else _laid_over(earlier, user)
    return found


def _laid_over(earlier: DirectoryUser, later: DirectoryUser) -> DirectoryUser:
    # A removal ends what was said before. What comes after a removal is a user who is back, told whole.
    if later.removed is not UNSET or earlier.removed is not UNSET:
        return later
    said = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not UNSET}
    return replace(earlier, **said)


def is_whole(user: DirectoryUser) -> bool:
    """Whether an entity is more than a patch: these two are set on every user, null included (facts/graph.md 11)."""
    return user.account_enabled is not UNSET and user.user_principal_name is not UNSET


@dataclass(frozen=True, slots=True)
class Sifted:
    """A page's users: who is there, who is gone or out of scope."""

    present: dict[ObjectId, Person]
    gone: list[ObjectId]


def sift(
    users: Iterable[DirectoryUser],
    known: Mapping[ObjectId, Contact],
    configuration: Configuration,
    reader: ValueReader,
) -> Sifted:
    """Sort users, each named once. `known` holds the contacts of those whose earlier values still stand.

    What Graph does not mention of a known user is unchanged, of any other user it is empty (spec §3). A known user was
    in scope when the contact was written, so only a property that is mentioned can take the user out of it.
    """
    sifted = Sifted({}, [])
    for _ in sifting(sifted, users, known, configuration, reader):
        pass
    return sifted


def sifting(
    sifted: Sifted,
    users: Iterable[DirectoryUser],
    known: Mapping[ObjectId, Contact],
    configuration: Configuration,
    reader: ValueReader,
) -> Iterator[None]:
    """What `sift` does, a step a user; it fills `sifted`."""
    scope = Scope(configuration)
    for user in users:
        yield
        # Example: a patch of Ada with a new `city` alone. She is known, so her name, which it does not mention, stays.
        contact = known.get(user.id)
        if user.removed is UNSET and scope.keeps(user, known=contact is not None):
            values = reader.values(user) if contact is None else reader.values_over(user, contact.source)
            # Only people without a contact are matched by mail, and for them UNSET and null both mean: no address.
            mail = user.mail if type(user.mail) is str else None
            sifted.present[user.id] = Person(user.id, mail, values, reader.source_hash(values))
        else:
            sifted.gone.append(user.id)
