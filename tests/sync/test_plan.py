"""The decision of a page, rule by rule (spec §4, §5)."""

import msgspec
from msgspec.structs import replace

from contacts.contact import Link
from mapping.configuration import DeletionBehavior
from mapping.fields import Removed
from mapping.values import ValueReader
from sync.plan import Known, Moment, counts_of, plan_removals, sift
from tests.builders import ADA, BOB, KEEPS, MOMENT, WINS, contact, known, mapped, plan, seen_as, user
from workspace.journal import Counted, Outcome


def only(found):
    assert len(found.writes) == 1
    return found.writes[0].after


def test_a_new_person_becomes_a_contact_under_his_own_id():
    after = only(plan([user(given_name="Ada", mail="ada@x.example")]))

    assert after.id == ADA
    assert after.link is Link.LINKED
    assert after.fields == {"firstName": "Ada", "email": "ada@x.example"}


def test_of_several_contacts_with_the_address_the_oldest_is_taken_over():
    old = contact(Link.LOCAL, None, BOB, email="ada@x.example")
    young = contact(Link.LOCAL, None, "00000000-0000-4000-8000-00000000000c", email="ADA@x.example")

    after = only(plan([user(mail="ada@x.example")], known(old, young)))

    assert after.id == BOB


def test_a_contact_that_shows_everything_is_not_written():
    person = user(given_name="Ada")
    stored = seen_as(contact(firstName="Ada"), person)

    found = plan([person], known(stored))

    assert found.writes == []
    assert found.unchanged == 1


def test_a_cleared_field_is_cleared_when_the_source_wins():
    stored = seen_as(contact(firstName="Ada"), user(given_name="Ada"))

    assert only(plan([user(given_name=None)], known(stored))).fields == {}


def test_a_cleared_field_stays_when_local_changes_are_kept():
    stored = seen_as(contact(firstName="Ada"), user(given_name="Ada"))

    assert only(plan([user(given_name=None)], known(stored), KEEPS)).fields == {"firstName": "Ada"}


def test_a_field_that_is_not_mapped_is_never_touched():
    stored = contact(city="Bern", firstName="A")

    after = only(plan([user(given_name="Ada", city="Basel")], known(stored)))

    assert after.fields == {"city": "Bern", "firstName": "Ada"}


def test_the_last_word_about_a_person_counts():
    found = plan([user(given_name="Old"), user(removed=Removed("changed")), user(given_name="New")])

    assert only(found).fields == {"firstName": "New"}


def test_who_drops_out_of_scope_is_gone():
    configuration = WINS

    sifted = sift([user(account_enabled=False), user(BOB, user_type="Guest")], configuration, ValueReader(()))

    assert sifted.gone == [ADA, BOB]
    assert not sifted.present


def test_an_unlinked_contact_is_taken_back_under_the_same_id():
    stored = contact(Link.UNLINKED, contact_id="00000000-0000-4000-8000-0000000000ff", firstName="Ada")

    found = plan([user(given_name="Ada")], known(stored))

    assert only(found).id == stored.id
    assert found.changes[0].outcome is Outcome.LINKED


def test_a_hand_made_contact_is_adopted_by_its_address_whatever_its_case():
    stored = contact(Link.LOCAL, source=None, contact_id="00000000-0000-4000-8000-0000000000ff", email="Ada@X.example")

    found = plan([user(mail="ada@x.EXAMPLE")], known(stored))

    assert only(found).id == stored.id
    assert only(found).source_id == ADA


def test_two_people_with_one_address_stay_two_contacts():
    stored = contact(Link.LOCAL, source=None, contact_id="00000000-0000-4000-8000-0000000000ff", email="x@x.example")

    found = plan([user(mail="x@x.example"), user(BOB, mail="x@x.example")], known(stored))

    assert [change.outcome for change in found.changes] == [Outcome.LINKED, Outcome.ADDED]
    assert len({write.after.id for write in found.writes}) == 2


def test_whose_contact_it_was_comes_before_a_matching_address():
    stored = contact(Link.UNLINKED, source=BOB, email="x@x.example")

    found = plan([user(mail="x@x.example"), user(BOB, mail="x@x.example")], known(stored))

    by_source = {write.after.source_id: write.after.id for write in found.writes}
    assert by_source == {ADA: ADA, BOB: BOB}


def test_a_person_whose_own_id_is_anothers_contact_gets_another_id_always_the_same():
    taken = Known(taken={ADA})

    first, second = (only(plan([user(given_name="Ada")], taken)).id for _ in range(2))

    assert first == second != ADA


def test_a_contact_that_a_person_removed_is_back_when_the_source_wins():
    found = plan([user(given_name="Ada")], known(contact(Link.REMOVED)))

    assert only(found).link is Link.LINKED
    assert found.changes[0].outcome is Outcome.ADDED


def test_a_contact_that_a_person_removed_stays_away_when_local_changes_are_kept():
    found = plan([user(given_name="Ada")], known(contact(Link.REMOVED)), KEEPS)

    assert found.writes == []
    assert found.changes == []


def test_history_names_the_fields_that_changed_before_and_after():
    stored = contact(firstName="Ada", lastName="King")

    change = plan([user(given_name="Ada", surname="Lovelace")], known(stored)).changes[0]

    assert (change.before, change.after) == ({"lastName": "King"}, {"lastName": "Lovelace"})


def test_a_repeated_page_counts_and_tells_the_same():
    first = plan([user(given_name="Ada")], known(contact(firstName="A")))
    written = replace(only(first), etag="new")
    again = Moment("run", 0, MOMENT.now, journal={change.contact_id: change for change in first.changes})

    second = plan([user(given_name="Ada")], known(written), moment=again)

    assert second.writes == []
    assert counts_of(1, second.unchanged, second.changes) == counts_of(1, first.unchanged, first.changes)
    assert second.changes == first.changes


def test_a_person_named_again_on_a_later_page_counts_once():
    person = user(given_name="Ada")
    first = plan([person])
    later = Moment("run", 1, MOMENT.now, mentioned={ADA})

    second = plan([user(given_name="Ida")], known(replace(only(first), etag="x")), moment=later)

    counts = counts_of(1, first.unchanged, first.changes) + counts_of(1, second.unchanged, second.changes)
    assert (counts.added, counts.updated, counts.unchanged) == (1, 0, 0)


def test_unchanged_then_changed_in_one_run_is_updated_and_not_unchanged():
    stored = seen_as(contact(firstName="Ada"), user(given_name="Ada"))
    first = plan([user(given_name="Ada")], known(stored))
    later = Moment("run", 1, MOMENT.now, mentioned={ADA})

    second = plan([user(given_name="Ida")], known(stored), moment=later)

    assert second.changes[0].counted is Counted.INSTEAD
    counts = counts_of(1, first.unchanged, first.changes) + counts_of(1, second.unchanged, second.changes)
    assert (counts.updated, counts.unchanged) == (1, 0)


def test_a_leaver_is_unlinked_and_remembered():
    found = plan_removals([contact(firstName="Ada")], DeletionBehavior.UNLINK, MOMENT)

    assert only(found).link is Link.UNLINKED
    assert only(found).source_id == ADA
    assert only(found).fields == {"firstName": "Ada"}
    assert found.changes[0].outcome is Outcome.UNLINKED


def test_a_leaver_is_removed_for_good_and_history_keeps_his_name_only():
    found = plan_removals([contact(firstName="Ada", city="Bern")], DeletionBehavior.HARD_DELETE, MOMENT)

    assert only(found) is None
    assert msgspec.to_builtins(found.changes[0]) == {"contactId": ADA, "outcome": "removed", "name": "Ada"}


def test_one_directory_field_may_fill_two_contact_fields():
    both = mapped(("mail", "email"), ("mail", "employeeId"))

    assert only(plan([user(mail="a@x.example")], configuration=both)).fields == {
        "email": "a@x.example",
        "employeeId": "a@x.example",
    }
