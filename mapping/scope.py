"""Who counts as one of the organisation's people (pure; spec §3). users/delta cannot filter, so it is decided here."""

import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from msgspec import UNSET

from mapping.configuration import Configuration, Operator, ScopeRule
from mapping.fields import DIRECTORY_FIELDS, DirectoryUser
from mapping.values import plain


class LeftOut(StrEnum):
    """Why a person is not to be in the list."""

    DISABLED = "disabled"
    GUEST = "guest"
    RULE = "rule"
    EXCLUDED = "excluded"


class Reason(NamedTuple):
    """A reason and, for a scope rule, its number from 1."""

    code: LeftOut
    rule: int | None = None


class Scope:
    """A configuration's switches, rules and exclusions, ready to be asked about many users."""

    def __init__(self, configuration: Configuration) -> None:
        self._guests = configuration.include_guests
        self._disabled = configuration.include_disabled
        self._excluded = frozenset(configuration.excluded_people)
        self.rules = tuple([Rule(rule) for rule in configuration.scope_rules])

    def keeps(self, user: DirectoryUser, *, known: bool = False) -> bool:
        """Whether a user is to be in the list. A missing `userType` or `accountEnabled` counts as a member, enabled.

        `known`: the user was in scope when Graph last told of the user. Then what Graph does not mention now keeps
        nobody out, because it is unchanged. Each rule looks at one field, so each can be decided by itself.
        """
        return next(self.reasons(user, known=known), None) is None

    def reasons(self, user: DirectoryUser, *, known: bool = False) -> Iterator[Reason]:
        """Everything that keeps a user out, the switches first; nothing for a user who is to be in the list."""
        # UNSET and None are not False: what Graph does not say keeps nobody out.
        if user.account_enabled is False and not self._disabled:
            yield Reason(LeftOut.DISABLED)
        if user.user_type == "Guest" and not self._guests:
            yield Reason(LeftOut.GUEST)
        for number, rule in enumerate(self.rules, 1):
            if not rule.is_met_by(user, known=known):
                yield Reason(LeftOut.RULE, number)
        if user.id in self._excluded:
            yield Reason(LeftOut.EXCLUDED)


class Rule:
    """A scope rule, ready to be asked about many users."""

    def __init__(self, rule: ScopeRule) -> None:
        self._attribute = DIRECTORY_FIELDS[rule.field].attribute
        self._fits = _FITS[rule.operator]
        self._values = tuple([_folded(value) for value in rule.values])

    def is_met_by(self, user: DirectoryUser, *, known: bool = False) -> bool:
        """Whether a user meets it; of a `known` user, a field that is not mentioned still does."""
        value = getattr(user, self._attribute)
        return (known and value is UNSET) or self._fits(_folded(plain(value) or ""), self._values)

    def value_of(self, user: DirectoryUser) -> str | None:
        """The value that the rule looks at."""
        return plain(getattr(user, self._attribute))


# Neither `is` nor a beginning ever fits an empty field: a rule has no blank values.
_FITS: dict[Operator, Callable[[str, tuple[str, ...]], bool]] = {
    Operator.IS: lambda text, values: text in values,
    Operator.IS_NOT: lambda text, values: text not in values,
    Operator.STARTS_WITH: lambda text, values: text.startswith(values),
    Operator.ENDS_WITH: lambda text, values: text.endswith(values),
    Operator.CONTAINS: lambda text, values: any(value in text for value in values),
    Operator.IS_EMPTY: lambda text, _: not text,
    Operator.IS_NOT_EMPTY: lambda text, _: bool(text),
}


def _folded(text: str) -> str:
    """A text in the form in which two are compared: without case and blanks at the ends, accents composed."""
    return unicodedata.normalize("NFC", text).strip().casefold()
