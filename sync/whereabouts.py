"""Why a person is in the list, or is not, in one code and one sentence (pure; spec §7 `people`)."""

from enum import StrEnum

import msgspec

from contacts.contact import Contact, Link
from mapping.configuration import Configuration, ConflictResolution, Operator
from mapping.fields import DIRECTORY_FIELDS, DirectoryUser
from mapping.scope import LeftOut, Reason, Scope


class Whereabouts(StrEnum):
    """Where a person stands. The four in the middle are reasons of the scope (mapping/scope.py)."""

    IN_LIST = "in_list"
    LEAVES = "leaves"
    """In the list, and the next run takes the person out of it."""
    REMOVAL_WAITS = "removal_waits"
    DISABLED = "disabled"
    GUEST = "guest"
    RULE = "rule"
    EXCLUDED = "excluded"
    REMOVED_HERE = "removed_here"
    LEFT = "left"
    NOT_READ = "not_read"
    WILL_BE_ADDED = "will_be_added"


class Why(msgspec.Struct, frozen=True):
    """`rule` is the number of a scope rule, from 1; `by` the id of a person of emu.chat; `at` when it happened."""

    code: Whereabouts
    text: str
    rule: int | None = None
    by: str | None = None
    at: str | None = None


def whereabouts(
    user: DirectoryUser | None,
    contact: Contact | None,
    configuration: Configuration,
    *,
    waits: bool = False,
    not_read: str | None = None,
) -> Why:
    """Where somebody stands. `user` is None for whom the directory does not have any more.

    `waits`: the removal waits for approval. `not_read`: why a run could not take the person in.
    """
    if contact is not None and contact.link is Link.LINKED:
        return _of_linked(user, configuration, waits=waits)
    if user is None:
        return Why(Whereabouts.LEFT, "Left the directory.", at=contact.updated_at if contact is not None else None)
    reason = next(Scope(configuration).reasons(user), None)
    if reason is not None:
        return Why(Whereabouts(reason.code.value), f"Not in the list: {_said(reason, configuration)}.", reason.rule)
    if contact is not None and contact.link is Link.REMOVED:
        stays = configuration.conflict_resolution is ConflictResolution.KEEP_LOCAL
        then = "and stays away" if stays else "and comes back with the next run"
        text = f"Removed here by a person, {then}."
        return Why(Whereabouts.REMOVED_HERE, text, by=contact.updated_by, at=contact.updated_at)
    if not_read is not None:
        return Why(Whereabouts.NOT_READ, f"Not in the list: {not_read}.")
    return Why(Whereabouts.WILL_BE_ADDED, "Not in the list yet: a run that hears of the person adds the contact.")


def _of_linked(user: DirectoryUser | None, configuration: Configuration, *, waits: bool) -> Why:
    if waits:
        return Why(Whereabouts.REMOVAL_WAITS, "In the list; the removal waits for an administrator's approval.")
    if user is None:
        return Why(Whereabouts.LEAVES, "In the list until a run hears that the person left the directory.")
    reason = next(Scope(configuration).reasons(user), None)
    if reason is not None:
        return Why(Whereabouts.LEAVES, f"In the list until the next run: {_said(reason, configuration)}.", reason.rule)
    return Why(Whereabouts.IN_LIST, "In the list, and linked to the directory.")


def _said(reason: Reason, configuration: Configuration) -> str:
    if reason.code is not LeftOut.RULE or reason.rule is None:
        return _SAID[reason.code]
    rule = configuration.scope_rules[reason.rule - 1]
    label, values = DIRECTORY_FIELDS[rule.field].label, ", ".join(f"'{one}'" for one in rule.values)
    return f"rule {reason.rule} says that {label} {_WORDS[rule.operator]} {values}".rstrip()


_SAID = {
    LeftOut.DISABLED: "the account is disabled",
    LeftOut.GUEST: "the account is a guest's",
    LeftOut.EXCLUDED: "an administrator excluded the person",
}
_WORDS = {
    Operator.IS: "must be",
    Operator.IS_NOT: "must not be",
    Operator.STARTS_WITH: "must start with",
    Operator.ENDS_WITH: "must end with",
    Operator.CONTAINS: "must contain",
    Operator.IS_EMPTY: "must be empty",
    Operator.IS_NOT_EMPTY: "must not be empty",
}
