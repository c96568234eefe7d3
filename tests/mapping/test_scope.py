"""Scope rules and excluded people (spec §3)."""

import pytest

from errors import Refused
from mapping.configuration import Configuration, Operator, ScopeRule, validate
from mapping.contact_fields import STANDARD_FIELDS
from mapping.scope import LeftOut, Reason, Scope
from tests.builders import ADA, BOB, known, plan, seen_as, user
from tests.builders import contact as contact_of
from workspace.journal import Outcome


def ruled(*rules, **changes):
    scope_rules = tuple(ScopeRule(field, Operator(operator), values) for field, operator, values in rules)
    return Configuration(version=1, scope_rules=scope_rules, **changes)


@pytest.mark.parametrize(
    ("operator", "values", "value", "meets"),
    [
        ("is", ("Sales", "HR"), " sales ", True),
        ("is", ("Sales", "HR"), "Sales EMEA", False),
        ("is", ("Sales",), None, False),
        ("is", ("M\u00fcnchen",), "mu\u0308nchen", True),
        ("is_not", ("Sales", "HR"), "hr", False),
        ("is_not", ("Sales", "HR"), "Legal", True),
        ("is_not", ("Sales",), None, True),
        ("starts_with", ("Sa", "Le"), "legal", True),
        ("starts_with", ("Sa",), "Resale", False),
        ("starts_with", ("Sa",), None, False),
        ("ends_with", ("EMEA",), "Sales emea ", True),
        ("ends_with", ("EMEA",), "EMEA Sales", False),
        ("contains", ("ale",), "SALES", True),
        ("contains", ("ale",), None, False),
        ("is_empty", (), None, True),
        ("is_empty", (), "  ", True),
        ("is_empty", (), "Sales", False),
        ("is_not_empty", (), "Sales", True),
        ("is_not_empty", (), "", False),
    ],
)
def test_a_rule_compares_without_case_and_blanks_at_the_ends(operator, values, value, meets):
    configuration = ruled(("department", operator, values))

    assert Scope(configuration).keeps(user(department=value)) is meets


def test_a_person_must_meet_all_rules_and_may_not_be_excluded():
    configuration = ruled(("department", "is", ("Sales",)), ("city", "is", ("Bern",)), excluded_people=(BOB,))
    scope = Scope(configuration)

    assert scope.keeps(user(department="Sales", city="Bern"))
    assert list(scope.reasons(user(department="Sales", city="Basel"))) == [Reason(LeftOut.RULE, 2)]
    assert list(scope.reasons(user(BOB, department="HR", city="Bern", account_enabled=False))) == [
        Reason(LeftOut.DISABLED),
        Reason(LeftOut.RULE, 1),
        Reason(LeftOut.EXCLUDED),
    ]


def test_a_business_phone_is_looked_at_by_its_one_number():
    assert Scope(ruled(("businessPhones", "starts_with", ("+41",)))).keeps(user(business_phones=["+41 31 1"]))


def test_what_a_rule_looks_at_is_asked_for_and_not_stored():
    configuration = ruled(("department", "is", ("Sales",)))
    person = user(department="Sales", given_name="Ada")

    [write] = plan([person], configuration=configuration).writes

    assert "department" in configuration.select
    assert write.after.source == {"givenName": "Ada"}


def test_a_patch_of_a_known_person_that_does_not_tell_what_a_rule_looks_at_keeps_the_person():
    configuration = ruled(("department", "is", ("Sales",)))
    stored = seen_as(contact_of(firstName="Ada"), user(given_name="Ada"), configuration)

    quiet = plan([user(given_name="Bob")], known(stored), configuration, continuing=True)
    told = plan([user(department="HR")], known(stored), configuration, continuing=True)
    unknown = plan([user(given_name="Bob")], configuration=configuration)

    assert [change.outcome for change in quiet.changes] == [Outcome.UPDATED]
    assert told.writes == unknown.writes == []


@pytest.mark.parametrize(
    ("rules", "excluded", "fields"),
    [
        ([("nickname", "is", ("x",))], (), ["scopeRules[0].field"]),
        ([("id", "is", ("x",))], (), ["scopeRules[0].field"]),
        ([("city", "is", ("x",)), ("city", "is", ())], (), ["scopeRules[1].values"]),
        ([("city", "is", tuple("x" * 51))], (), ["scopeRules[0].values"]),
        ([("city", "contains", ("x", " "))], (), ["scopeRules[0].values[1]"]),
        ([("city", "is", ("x" * 101,))], (), ["scopeRules[0].values[0]"]),
        ([("city", "is", ("\U0001f600" * 51,))], (), ["scopeRules[0].values[0]"]),
        ([("city", "is_empty", ("x",))], (), ["scopeRules[0].values"]),
        ([("city", "is", ("x",))] * 11, (), ["scopeRules"]),
        ([], ("ada@contoso.example",), ["excludedPeople[0]"]),
        ([], (ADA, "no"), ["excludedPeople[1]"]),
        ([], (ADA,) * 1001, ["excludedPeople"]),
    ],
)
def test_a_scope_that_cannot_be_is_refused_by_name(rules, excluded, fields):
    with pytest.raises(Refused) as refused:
        validate(ruled(*rules, excluded_people=excluded), STANDARD_FIELDS)

    assert list(refused.value.fields) == fields


def test_the_same_scope_is_stored_in_one_form():
    one = validate(ruled(("city", "is", (" Bern ",)), excluded_people=(BOB, ADA.upper(), ADA)), STANDARD_FIELDS)

    assert one == ruled(("city", "is", ("Bern",)), excluded_people=(ADA, BOB))
