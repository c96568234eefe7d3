"""What an administrator chooses: mappings, conflict resolution, deletion behaviour, scope, guard (pure; spec §3)."""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace

import limits
from errors import Refused
from mapping.contact_fields import ContactField
from mapping.fields import DIRECTORY_FIELDS, NEEDED_FIELDS, Kind
from mapping.phones import REGION_FIELDS, PhoneNumbers

_WHOLE = 100


class ConflictResolution(StrEnum):
    SOURCE_WINS = "source_wins"
    KEEP_LOCAL = "keep_local"


class DeletionBehavior(StrEnum):
    UNLINK = "unlink"
    HARD_DELETE = "hard_delete"


class FieldMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Directory field → contact field, by name."""

    source: str
    target: str


class RemovalGuard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that would remove more than max(minimum, percent of the linked contacts) waits for approval (spec §5)."""

    minimum: int = 20
    percent: int = 10

    def allows(self, removals: int, linked: int) -> bool:
        # With 30 people, 10 % alone would ask an administrator as soon as four of them leave: hence the minimum.
        return removals <= max(self.minimum, linked * self.percent / _WHOLE)


class Operator(StrEnum):
    """How a scope rule compares. A negative one is met when none of its values fits, any other when one does."""

    IS = "is"
    IS_NOT = "is_not"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


WITHOUT_VALUES = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})


class ScopeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person's directory field must be for the person to be in the list (spec §3)."""

    field: str
    operator: Operator
    values: tuple[str, ...] = ()


DEFAULT_MAPPINGS = (
    FieldMapping("givenName", "firstName"),
    FieldMapping("surname", "lastName"),
    FieldMapping("mail", "email"),
    FieldMapping("mobilePhone", "mobilePhone"),
    FieldMapping("companyName", "company"),
)


class Configuration(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An administrator's choices. `version` counts the saved ones, from 1; 0 was never saved.

    A person must meet all `scope_rules`. `excluded_people` are object ids in small letters, of people who are never in
    the list.
    """

    field_mappings: tuple[FieldMapping, ...] = DEFAULT_MAPPINGS
    conflict_resolution: ConflictResolution = ConflictResolution.SOURCE_WINS
    deletion_behavior: DeletionBehavior = DeletionBehavior.UNLINK
    include_guests: bool = False
    include_disabled: bool = False
    scope_rules: tuple[ScopeRule, ...] = ()
    excluded_people: tuple[str, ...] = ()
    removal_guard: RemovalGuard | None = RemovalGuard()
    phone_numbers: PhoneNumbers = PhoneNumbers.AS_WRITTEN
    version: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The directory fields that a contact remembers, each once, in a fixed order: the mapped ones.

        And those that tell a number's country, because a later patch may tell of the number alone, or of the country.
        """
        regions = REGION_FIELDS if self.phone_numbers is PhoneNumbers.E164 else ()
        return tuple(sorted({*(mapping.source for mapping in self.field_mappings), *regions}))

    @property
    def select(self) -> tuple[str, ...]:
        """What is asked of Graph: what is mapped, what a rule looks at, what the connector itself needs (spec §3)."""
        # Sorted, because a delta link is bound to its `$select`: the same fields in another order must not look
        # changed.
        return tuple(sorted({*NEEDED_FIELDS, *self.sources, *(rule.field for rule in self.scope_rules)}))


def validate(configuration: Configuration, targets: Mapping[str, ContactField]) -> Configuration:
    """Check an administrator's choices against the fields there are; the choices as they are to be stored.

    Raises:
        Refused: naming every bad field by its place, such as `fieldMappings[2].target`, and the reason.
    """
    problems: dict[str, str] = {}
    if not configuration.field_mappings:
        problems["fieldMappings"] = "at least one field must be mapped"
    taken: set[str] = set()
    for place, mapping in enumerate(configuration.field_mappings):
        problems |= _mapping_problems(f"fieldMappings[{place}]", mapping, targets, taken)
        # A target of a refused mapping counts as taken too: mapping it again is a mistake of its own.
        taken.add(mapping.target)
    problems |= _scope_problems(configuration)
    problems |= _guard_problems(configuration.removal_guard)
    # All problems are told at once, so that the page can mark every field.
    if problems:
        raise Refused("The configuration was not saved: some of its fields need attention.", problems)
    return _tidied(configuration)


def _tidied(configuration: Configuration) -> Configuration:
    # One form of the same choices, so that saving them again changes nothing.
    rules = tuple(replace(rule, values=tuple(one.strip() for one in rule.values)) for rule in configuration.scope_rules)
    excluded = tuple(sorted({one.lower() for one in configuration.excluded_people}))
    return replace(configuration, scope_rules=rules, excluded_people=excluded)


def _mapping_problems(
    place: str, mapping: FieldMapping, targets: Mapping[str, ContactField], taken: set[str]
) -> dict[str, str]:
    source, target = DIRECTORY_FIELDS.get(mapping.source), targets.get(mapping.target)
    if source is None:
        return {f"{place}.source": f"there is no directory field {_quoted(mapping.source)} that can be mapped"}
    if target is None:
        return {f"{place}.target": f"there is no contact field {_quoted(mapping.target)}"}
    if mapping.target in taken:
        return {f"{place}.target": f"{target.label} is mapped twice"}
    # A text field takes every kind of value; an address or a phone number takes only its own (spec §3).
    if target.kind not in (Kind.TEXT, source.kind):
        return {f"{place}.target": f"{target.label} takes {_ARTICLE[target.kind]}, and {source.label} is not one"}
    return {}


def _scope_problems(configuration: Configuration) -> dict[str, str]:
    rules, excluded = configuration.scope_rules, configuration.excluded_people
    problems: dict[str, str] = {}
    if len(rules) > limits.MOST_RULES:
        problems["scopeRules"] = f"at most {limits.MOST_RULES} rules"
    for place, rule in enumerate(rules[: limits.MOST_RULES]):
        problems |= _rule_problems(f"scopeRules[{place}]", rule)
    if len(excluded) > limits.MOST_EXCLUDED:
        problems["excludedPeople"] = f"at most {limits.MOST_EXCLUDED:,} people"
    # The sync state holds a copy for the run that goes on and one for a run that waits: both have to fit into its row.
    if len(msgspec.json.encode(rules).decode()) > limits.LONGEST_RULES:
        problems.setdefault("scopeRules", "all rules together are too long")
    bad = (place for place, one in enumerate(excluded) if not _OBJECT_ID.fullmatch(one))
    problems |= {f"excludedPeople[{place}]": "is not the object id of a user" for place in bad}
    return problems


def _rule_problems(place: str, rule: ScopeRule) -> dict[str, str]:
    problems = {}
    if rule.field not in DIRECTORY_FIELDS:
        problems[f"{place}.field"] = f"there is no directory field {_quoted(rule.field)} that a rule can look at"
    if rule.operator in WITHOUT_VALUES:
        return problems | ({f"{place}.values": "must be left empty with this operator"} if rule.values else {})
    if not 1 <= len(rule.values) <= limits.MOST_RULE_VALUES:
        problems[f"{place}.values"] = f"1 to {limits.MOST_RULE_VALUES} values"
    for number, value in enumerate(rule.values):
        if not value.strip():
            problems[f"{place}.values[{number}]"] = "must not be blank"
        elif _too_long(value):
            problems[f"{place}.values[{number}]"] = f"at most {limits.LONGEST_RULE_VALUE} characters"
    return problems


def _too_long(value: str) -> bool:
    # In UTF-16 units, in which Table Storage measures a column.
    return len(value.encode("utf-16-le", "surrogatepass")) > 2 * limits.LONGEST_RULE_VALUE


def _guard_problems(guard: RemovalGuard | None) -> dict[str, str]:
    if guard is None:
        return {}
    problems = {}
    if guard.minimum < 0:
        problems["removalGuard.minimum"] = "must be 0 or more"
    if not 0 <= guard.percent <= _WHOLE:
        problems["removalGuard.percent"] = "must be from 0 to 100"
    return problems


_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ARTICLE = {Kind.EMAIL: "an email address", Kind.PHONE: "a phone number", Kind.TEXT: "text"}


def _quoted(name: str) -> str:
    # The name is the caller's text, of any length: an answer repeats only its beginning.
    return f"'{name[:64]}'"
