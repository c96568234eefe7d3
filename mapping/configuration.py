"""What an administrator chooses: mappings, conflict resolution, deletion behaviour, scope, guard (pure; spec §3)."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from errors import Refused
from mapping.contact_fields import ContactField
from mapping.fields import DIRECTORY_FIELDS, NEEDED_FIELDS, Kind

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


DEFAULT_MAPPINGS = (
    FieldMapping("givenName", "firstName"),
    FieldMapping("surname", "lastName"),
    FieldMapping("mail", "email"),
    FieldMapping("mobilePhone", "mobilePhone"),
    FieldMapping("companyName", "company"),
)


class Configuration(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An administrator's choices. `version` counts the saved ones, from 1; 0 was never saved."""

    field_mappings: tuple[FieldMapping, ...] = DEFAULT_MAPPINGS
    conflict_resolution: ConflictResolution = ConflictResolution.SOURCE_WINS
    deletion_behavior: DeletionBehavior = DeletionBehavior.UNLINK
    include_guests: bool = False
    include_disabled: bool = False
    removal_guard: RemovalGuard | None = RemovalGuard()
    version: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The mapped directory fields, each once, in a fixed order."""
        return tuple(sorted({mapping.source for mapping in self.field_mappings}))

    @property
    def select(self) -> tuple[str, ...]:
        """What is asked of Graph: what is mapped and what the connector itself needs, nothing else (spec §3)."""
        # Sorted, because a delta link is bound to its `$select`: the same fields in another order must not look
        # changed.
        return tuple(sorted({*NEEDED_FIELDS, *self.sources}))


def validate(configuration: Configuration, targets: Mapping[str, ContactField]) -> None:
    """Check an administrator's choices against the fields there are.

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
    problems |= _guard_problems(configuration.removal_guard)
    # All problems are told at once, so that the page can mark every field.
    if problems:
        raise Refused("The configuration was not saved: some of its fields need attention.", problems)


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


def _guard_problems(guard: RemovalGuard | None) -> dict[str, str]:
    if guard is None:
        return {}
    problems = {}
    if guard.minimum < 0:
        problems["removalGuard.minimum"] = "must be 0 or more"
    if not 0 <= guard.percent <= _WHOLE:
        problems["removalGuard.percent"] = "must be from 0 to 100"
    return problems


_ARTICLE = {Kind.EMAIL: "an email address", Kind.PHONE: "a phone number", Kind.TEXT: "text"}


def _quoted(name: str) -> str:
    # The name is the caller's text, of any length: an answer repeats only its beginning.
    return f"'{name[:64]}'"
