"""What people see of a contact's change: the entry that history shows of it (pure; spec §7)."""

from contacts.contact import Contact, Link
from contacts.names import shown_name
from workspace.journal import Change, Outcome


def change_between(before: Contact | None, after: Contact | None) -> Change | None:
    """The entry of a contact that was, or was not there, and then is, or is not; None where nobody sees a difference.

    Its mark is the contact's afterwards.
    """
    old, new = _shown(before), _shown(after)
    contact = new or old
    if contact is None:
        return None  # The memory of a removal by a person, which nobody sees.
    was, is_now = (old.fields if old else {}), (new.fields if new else {})
    names = [name for name in sorted({*was, *is_now}) if was.get(name) != is_now.get(name)]
    return Change(
        contact.id,
        _outcome(old, new),
        shown_name(contact.fields),
        {name: was[name] for name in names if name in was},
        {name: is_now[name] for name in names if name in is_now},
        mark=after.mark if after is not None else None,
    )


def _shown(contact: Contact | None) -> Contact | None:
    return contact if contact is not None and contact.link is not Link.REMOVED else None


def _outcome(old: Contact | None, new: Contact | None) -> Outcome:
    """What people see of it, in the words of a run."""
    if old is None:
        return Outcome.ADDED
    if new is None:
        return Outcome.REMOVED
    if (old.link is Link.LINKED) == (new.link is Link.LINKED):
        return Outcome.UPDATED
    return Outcome.LINKED if new.link is Link.LINKED else Outcome.UNLINKED
