import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.configuration import Configuration
from mapping.conflict import resolve
from mapping.scope import Scope
from mapping.values import ValueReader
from tests.builders import KEEPS, WINS, mapped, user


def reader_of(*sources):
    return ValueReader(mapped(*((one, f"custom{place}") for place, one in enumerate(sources))))


TEXTS = st.none() | st.text(max_size=8)


@pytest.mark.parametrize(
    ("person", "counts"),
    [
        (user(), True),
        (user(account_enabled=True, user_type="Member"), True),
        (user(account_enabled=None, user_type=None), True),
        (user(account_enabled=False), False),
        (user(user_type="Guest"), False),
    ],
)
def test_who_counts_as_one_of_the_people(person, counts):
    assert Scope(WINS).keeps(person) is counts
    assert Scope(Configuration(include_guests=True, include_disabled=True)).keeps(person)


def test_absent_null_and_blank_are_all_empty():
    reader = reader_of("businessPhones", "givenName", "mail")

    assert reader.values(user()) == (None, None, None)
    assert reader.values(user(given_name=None, mail="", business_phones=[])) == (None, None, None)
    assert reader.values(user(business_phones=["+41"], given_name="Ada")) == ("+41", "Ada", None)


@given(st.lists(TEXTS, min_size=3, max_size=3), st.lists(TEXTS, min_size=3, max_size=3))
def test_the_hash_tells_values_apart(one, other):
    reader = reader_of("department", "givenName", "mail")
    one, other = (tuple(value or None for value in values) for values in (one, other))

    assert (reader.source_hash(one) == reader.source_hash(other)) == (one == other)


def test_the_hash_tells_the_choice_of_fields_apart():
    assert reader_of("mail").source_hash((None,)) != reader_of("surname").source_hash((None,))


@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_what_is_remembered_is_recalled(values):
    reader = reader_of("givenName", "mail")
    plain = tuple(value or None for value in values)

    assert reader.recalled(reader.remembered(plain)) == plain


@pytest.mark.parametrize(
    ("stored", "directory", "after_wins", "after_keeps"),
    [
        ({}, {"givenName": "Ada"}, {"firstName": "Ada"}, {"firstName": "Ada"}),
        ({"firstName": "A"}, {"givenName": "Ada"}, {"firstName": "Ada"}, {"firstName": "A"}),
        ({"firstName": "A"}, {}, {}, {"firstName": "A"}),
        ({}, {}, {}, {}),
        (
            {"city": "Bern"},
            {"givenName": "Ada"},
            {"city": "Bern", "firstName": "Ada"},
            {"city": "Bern", "firstName": "Ada"},
        ),
    ],
)
def test_whose_value_stands(stored, directory, after_wins, after_keeps):
    assert resolve(stored, directory, WINS) == after_wins
    assert resolve(stored, directory, KEEPS) == after_keeps


@given(
    st.dictionaries(st.sampled_from(["firstName", "lastName", "city"]), st.text(min_size=1, max_size=3)),
    st.dictionaries(st.sampled_from(["givenName", "surname"]), st.text(min_size=1, max_size=3)),
)
def test_resolving_twice_changes_nothing_more_and_never_touches_what_is_not_mapped(stored, directory):
    for configuration in (mapped(("givenName", "firstName"), ("surname", "lastName")), KEEPS):
        once = resolve(stored, directory, configuration)

        assert resolve(once, directory, configuration) == once
        assert once.get("city") == stored.get("city")
