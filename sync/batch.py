"""What a phase of a run gathered for one journal page (pure). The slice decides about it, applies it, remembers it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from contacts.contact import Contact, ContactId
from contacts.store import Found
from mapping.fields import ObjectId
from sync.undo import Entry
from workspace.journal import Change, Person
from workspace.run import PendingRemovals, Run


@dataclass(frozen=True, slots=True)
class Waits:
    """Removals that the guard holds back."""

    ids: Sequence[ObjectId]
    told: PendingRemovals


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of Graph's, or some contacts.

    `run` is the run as it stands after the batch, without its counts and its page. `people` may need a write.
    `present` and `gone` are the users that were named, `read` how many objects Graph sent. `unread` are entries for
    users that could not be read, `repaired` users with a text that could not be decoded. `found` is what was read of
    the people's contacts already. `matching`: the round is complete, so addresses decide. `removes`: it is about
    contacts of users who left, `leavers`, as `stored` just now. `entries`: it is about these entries of the run that is
    undone, whose contacts are `stored`; `holders` says whose contact their users have. `waits` ends the run.
    """

    run: Run
    people: Sequence[Person] = ()
    present: Sequence[ObjectId] = ()
    gone: Sequence[ObjectId] = ()
    read: int = 0
    unread: Sequence[Change] = ()
    repaired: Collection[ObjectId] = ()
    found: Found | None = None
    matching: bool = False
    removes: bool = False
    leavers: Mapping[ContactId, ObjectId] = field(default_factory=dict)
    stored: Mapping[str, Contact] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    holders: Mapping[ObjectId, ContactId] = field(default_factory=dict)
    waits: Waits | None = None
