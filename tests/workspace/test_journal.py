"""What a page's row keeps, and what it lets go when values are very long."""

import base64
import random

import pytest
from msgspec.structs import replace

from contacts.contact import Contact, Link, former_of, restored
from tests.builders import ADA, BOB, contact
from workspace.journal import (
    Change,
    Former,
    JournalPage,
    JournalRow,
    Outcome,
    WholeJournalRow,
    journal_columns,
    read_journal,
    without_person,
)

EVERYTHING = replace(
    contact(Link.UNLINKED, firstName="Ada", custom_x="1"),
    source={"givenName": "A"},
    source_hash="0123456789abcdef",
    run="9-a",
    page=7,
    touched=True,
    filled=("firstName",),
    created_by="p",
    updated_by="q",
    typed=("email",),
)


def row_of(page, kind=WholeJournalRow):
    columns = {name: value for name, value in journal_columns(page).items() if "@" not in name}
    return kind("journal:1:00000000", **{name: columns[name] for name in columns if name in kind.__struct_fields__})


def stored_bytes(page):
    columns = journal_columns(page)
    return sum(len(base64.b64decode(columns[name.removesuffix("@odata.type")])) for name in columns if "@" in name)


@pytest.mark.parametrize("one", [EVERYTHING, contact(), contact(Link.LOCAL, None)])
def test_a_former_contact_is_the_contact_in_all_but_its_etag(one):
    assert restored(former_of(one)) == replace(one, etag="")


def test_an_undo_loses_no_field_that_a_contact_gets_one_day():
    derived_when_written = {"etag", "named"}

    assert {*Former.__struct_fields__} == {*Contact.__struct_fields__} - derived_when_written


def test_a_page_comes_back_with_the_contacts_of_before_where_they_are_asked_for():
    page = JournalPage([ADA], changes=[Change(ADA, Outcome.UPDATED)], formers=[former_of(EVERYTHING)])

    assert read_journal(row_of(page)) == page
    assert read_journal(row_of(page, JournalRow)).formers == []


def test_a_page_of_a_version_that_kept_no_contacts_says_so():
    old = JournalPage([ADA], changes=[Change(ADA, Outcome.REMOVED)], kept=False)

    assert not read_journal(row_of(old)).kept
    assert read_journal(row_of(JournalPage([ADA]))).kept


def long(number, length):
    return "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def test_of_contacts_that_fit_into_no_row_the_largest_are_let_go():
    formers = [former_of(contact(contact_id=str(n), firstName=long(n, 40_000 if n % 2 else 40))) for n in range(200)]

    page = JournalPage(changes=[Change(one.id, Outcome.UPDATED) for one in formers], formers=formers)

    assert stored_bytes(page) < 1_000_000
    kept = read_journal(row_of(page))
    assert kept.changes == page.changes
    assert {one.id for one in kept.formers} == {str(n) for n in range(0, 200, 2)}


def test_of_entries_that_fit_into_no_row_the_largest_lose_their_values():
    changes = [Change(str(n), Outcome.UPDATED, before={"a": long(n, 40_000 if n % 2 else 40)}) for n in range(200)]

    kept = read_journal(row_of(JournalPage(changes=changes)))

    assert [one.contact_id for one in kept.changes] == [str(n) for n in range(200)]
    assert [bool(one.before) for one in kept.changes] == [n % 2 == 0 for n in range(200)]


@pytest.mark.parametrize(
    ("ids", "address"),
    [({ADA}, None), ({BOB}, None), (set(), "ada@x.example"), (set(), "former@x.example")],
)
def test_a_forgotten_person_stands_in_no_former_contact(ids, address):
    """By the contact's id, by its user's id, by an address that it shows, or by one that it only remembers."""
    known = replace(contact(source=BOB, contact_id=ADA, email="Ada@x.example"), source={"mail": "Former@x.example"})
    other = contact(source=None, contact_id="c", firstName="Eve")
    changes = [Change(ADA, Outcome.UPDATED, "Ada", {"firstName": "A"}, {"firstName": "B"}), Change("c", Outcome.ADDED)]

    bare = without_person(JournalPage(changes=changes, formers=[former_of(known), former_of(other)]), ids, address)

    assert bare.formers == [former_of(other)]
    assert bare.changes == [Change("", Outcome.UPDATED), changes[1]]
