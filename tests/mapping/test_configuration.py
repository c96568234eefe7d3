import pytest

from errors import Refused
from mapping.configuration import Configuration, FieldMapping, Operator, RemovalGuard, ScopeRule, validate
from mapping.contact_fields import contact_fields
from mapping.fields import DIRECTORY_FIELDS, DirectoryUser, Kind

FIELDS = contact_fields([("badge", "Badge number"), ("email", "not this one"), ("no good", "nor this")])


def test_the_defaults_are_those_of_the_help_article():
    pairs = {(one.source, one.target) for one in Configuration().field_mappings}

    assert pairs == {
        ("givenName", "firstName"),
        ("surname", "lastName"),
        ("mail", "email"),
        ("mobilePhone", "mobilePhone"),
        ("companyName", "company"),
    }
    validate(Configuration(), FIELDS)


@pytest.mark.parametrize(
    ("mappings", "field"),
    [
        ([], "fieldMappings"),
        ([("nickname", "firstName")], "fieldMappings[0].source"),
        ([("accountEnabled", "firstName")], "fieldMappings[0].source"),
        ([("givenName", "nickname")], "fieldMappings[0].target"),
        ([("mail", "email"), ("userPrincipalName", "email")], "fieldMappings[1].target"),
        ([("givenName", "email")], "fieldMappings[0].target"),
        ([("mail", "mobilePhone")], "fieldMappings[0].target"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_by_name(mappings, field):
    configuration = Configuration(field_mappings=tuple(FieldMapping(*pair) for pair in mappings))

    with pytest.raises(Refused) as refused:
        validate(configuration, FIELDS)

    assert list(refused.value.fields) == [field]


def test_one_source_may_fill_several_fields_custom_ones_included():
    pairs = (("mail", "email"), ("mail", "badge"), ("mobilePhone", "department"))

    validate(Configuration(field_mappings=tuple(FieldMapping(*pair) for pair in pairs)), FIELDS)


@pytest.mark.parametrize(("minimum", "percent"), [(-1, 10), (20, 101), (20, -1)])
def test_a_guard_outside_its_range_is_refused(minimum, percent):
    with pytest.raises(Refused):
        validate(Configuration(removal_guard=RemovalGuard(minimum, percent)), FIELDS)


@pytest.mark.parametrize(
    ("removals", "linked", "allowed"),
    [(20, 0, True), (21, 0, False), (21, 210, True), (22, 219, False), (100, 1000, True)],
)
def test_the_guard_allows_twenty_or_ten_percent(removals, linked, allowed):
    assert RemovalGuard().allows(removals, linked) is allowed


def test_only_what_is_mapped_and_needed_is_asked_for():
    one = Configuration(field_mappings=(FieldMapping("surname", "lastName"),))

    assert one.select == ("accountEnabled", "id", "mail", "surname", "userPrincipalName", "userType")


def test_a_custom_field_never_hides_a_standard_one():
    assert FIELDS["email"].kind is Kind.EMAIL
    assert FIELDS["badge"].custom
    assert "no good" not in FIELDS


def test_every_field_that_is_offered_can_be_read():
    for field in DIRECTORY_FIELDS.values():
        assert hasattr(DirectoryUser("0" * 36), field.attribute)


def test_rules_that_json_makes_too_long_for_a_row_are_refused():
    """A workspace whose row cannot be read back would answer nothing any more, to nobody."""
    values = [tuple(f"{rule}{number:03d}" + "\x01" * 70 for number in range(50)) for rule in range(10)]
    rules = tuple(ScopeRule("city", Operator.IS, one) for one in values)

    with pytest.raises(Refused) as caught:
        validate(Configuration(scope_rules=rules), FIELDS)

    assert "scopeRules" in caught.value.fields
