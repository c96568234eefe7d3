"""When a contact exists in both systems: whose value stands (pure; spec §4)."""

from collections.abc import Mapping

from mapping.configuration import Configuration, ConflictResolution


def resolve(fields: Mapping[str, str], remembered: Mapping[str, str], configuration: Configuration) -> dict[str, str]:
    """A contact's fields after the directory's values (`remembered`, by directory field) met them.

    Both sides hold only what is not empty. A field that is not mapped is never touched.
    """
    wins = configuration.conflict_resolution is ConflictResolution.SOURCE_WINS
    resolved = dict(fields)
    for mapping in configuration.field_mappings:
        value = remembered.get(mapping.source)
        # Keep local changes fills an empty field and never replaces a value, not even one that no person edited (spec
        # §4).
        if value is not None and (wins or mapping.target not in resolved):
            resolved[mapping.target] = value
        # The directory has no value. Under Keep local changes the contact's value may be a person's, so it stays.
        elif value is None and wins:
            resolved.pop(mapping.target, None)
    return resolved
