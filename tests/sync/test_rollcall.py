"""The roll call: what a run knows of a list, and what it takes."""

import tracemalloc
import uuid

from contacts.contact import Link
from contacts.store import ScanRow
from mapping.fields import ObjectId
from sync.rollcall import RollCall
from tests.builders import ADA, BOB
from workspace.journal import Person

MANY = 10_000


def row(source, link=Link.LINKED, key=None, seen="00000000000000aa"):
    return ScanRow(key or source, link, source, seen)


def test_who_is_in_the_list_and_shows_the_same_values_is_unchanged():
    roll = RollCall()
    roll.scan([row(ADA), row(BOB, Link.UNLINKED)])

    assert roll.unchanged(Person(ADA, None, (), "00000000000000aa"))
    assert not roll.unchanged(Person(ADA, None, (), "00000000000000bb"))
    assert not roll.unchanged(Person(BOB, None, (), "00000000000000aa"))
    roll.wrote([ADA])
    assert not roll.unchanged(Person(ADA, None, (), "00000000000000aa"))


def test_the_last_word_about_somebody_counts():
    roll = RollCall()
    roll.scan([row(ADA)])
    roll.name([ADA, BOB], [])
    assert ADA in roll
    assert BOB in roll

    roll.name([], [ADA, BOB])

    assert set(roll.gone()) == set(roll.absent()) == {ADA, BOB}
    roll.name([ADA, BOB], [])
    assert roll.gone() == roll.absent() == []


def test_words_said_before_a_scan_are_kept():
    roll = RollCall()
    roll.name([ADA], [BOB])

    roll.scan([row(ADA), row(BOB)])

    assert ADA in roll
    assert roll.left(BOB)
    assert not roll.present(BOB)
    assert roll.absent() == [BOB]


def test_a_contact_with_another_id_is_found_and_swept():
    other = "00000000-0000-4000-8000-0000000000ff"
    roll = RollCall()
    roll.scan([row(ADA, key=other)])

    assert roll.contact_id(ADA) == other
    assert roll.taken(ObjectId(other))
    assert roll.absent() == [ADA]


def measured(work):
    """Bytes that something takes for good, a person."""
    tracemalloc.start()
    kept = work()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return size / MANY


def test_a_million_people_fit_into_a_small_instance():
    ids = sorted(
        ObjectId(str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))) for number in range(MANY)
    )

    def scanned():
        roll = RollCall()
        for one in ids:
            roll.scan([row(one)])
        roll.name(ids, [])
        return roll

    def named():
        roll = RollCall()
        roll.name(ids, [])
        return roll

    assert measured(scanned) < 32  # 32 MB for a million who are in the list,
    assert measured(named) < 110  # and 110 MB for a million who are new to it.
