"""When a contact exists in both systems: whose value stands (pure; spec §4)."""

from collections.abc import Mapping

from mapping.configuration import Configuration, ConflictResolution
from mapping.fields import DIRECTORY_FIELDS, Kind
from mapping.phones import REGION_FIELDS, PhoneNumbers, international, region_of


def resolve(fields: Mapping[str, str], remembered: Mapping[str, str], configuration: Configuration) -> dict[str, str]:
    """A contact's fields after the directory's values (`remembered`, by directory field) met them.

    Both sides hold only what is not empty. A field that is not mapped is never touched.
    """
    wins = configuration.conflict_resolution is ConflictResolution.SOURCE_WINS
    resolved = dict(fields)
    told = mapped(remembered, configuration)
    for mapping in configuration.field_mappings:
        value = told.get(mapping.target)
        # Keep local changes fills an empty field and never replaces a value, not even one that no person edited (spec
        # §4).
        if value is not None and (wins or mapping.target not in resolved):
            resolved[mapping.target] = value
        # The directory has no value. Under Keep local changes the contact's value may be a person's, so it stays.
        elif value is None and wins:
            resolved.pop(mapping.target, None)
    return resolved


def mapped(remembered: Mapping[str, str], configuration: Configuration) -> dict[str, str]:
    """The directory's values by contact field, as they are stored: phone numbers in the form that was chosen.

    What a contact remembers stays as the directory wrote it, because the country may become known, or another one.
    """
    told = {one.target: remembered[one.source] for one in configuration.field_mappings if remembered.get(one.source)}
    if configuration.phone_numbers is PhoneNumbers.E164:
        region = region_of(*(remembered.get(one) for one in REGION_FIELDS))
        for one in configuration.field_mappings:
            if one.target in told and DIRECTORY_FIELDS[one.source].kind is Kind.PHONE:
                told[one.target] = international(told[one.target], region) or told[one.target]
    return told
