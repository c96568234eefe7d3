"""The decision of a page, rule by rule (spec §4, §5)."""

import dataclasses

import msgspec
import pytest
from msgspec.structs import replace

from contacts.contact import Link
from mapping.configuration import DeletionBehavior
from mapping.fields import Removed
from mapping.values import ValueReader
from sync.plan import Known
from sync.removals import plan_removals
from sync.sifting import latest, sift
from sync.writes import Stamp
from tests.builders import ADA, BOB, KEEPS, STAMP, WINS, contact, known, mapped, plan, seen_as, user
from workspace.journal import JournalPage, Outcome

JOB = mapped(("givenName", "firstName"), ("jobTitle", "jobTitle"))


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

    users = [user(account_enabled=False), user(BOB, user_type="Guest")]
    sifted = sift(users, {}, configuration, ValueReader(configuration))

    assert sifted.gone == [ADA, BOB]
    assert not sifted.present


def test_an_unlinked_contact_is_taken_back_under_the_same_id():
    stored = contact(Link.UNLINKED, contact_id="00000000-0000-4000-8000-0000000000ff", firstName="Ada")

    found = plan([user(given_name="Ada")], known(stored))

    assert only(found).id == stored.id
    assert found.changes[0].outcome is Outcome.LINKED
    assert (only(found).typed, found.changes[0].adopted) == ((), False)


def test_a_hand_made_contact_is_adopted_by_its_address_whatever_its_case():
    stored = contact(Link.LOCAL, source=None, contact_id="00000000-0000-4000-8000-0000000000ff", email="Ada@X.example")

    found = plan([user(mail="ada@x.EXAMPLE")], known(stored))

    assert only(found).id == stored.id
    assert only(found).source_id == ADA
    assert (only(found).typed, found.changes[0].adopted) == (("email",), True)


def test_two_people_with_one_address_stay_two_contacts():
    stored = contact(Link.LOCAL, source=None, contact_id="00000000-0000-4000-8000-0000000000ff", email="x@x.example")

    found = plan([user(mail="x@x.example"), user(BOB, mail="x@x.example")], known(stored))

    assert [change.outcome for change in found.changes] == [Outcome.LINKED, Outcome.ADDED]
    assert len({write.after.id for write in found.writes}) == 2


def test_whose_contact_it_was_comes_before_a_matching_address():
    stored = contact(Link.UNLINKED, source=BOB, email="x@x.example")

    found = plan([user(mail="x@x.example"), user(BOB, mail="x@x.example")], known(stored), matching=False)

    assert only(found).source_id == BOB
    assert [one.id for one in found.matches] == [ADA]


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

    second = plan([user(given_name="Ada")], known(written), earlier={one.contact_id: one for one in first.changes})

    assert second.writes == []
    assert counts_of(second) == counts_of(first)
    assert second.changes == first.changes


def test_a_repeated_page_that_is_told_more_remembers_whose_contact_it_adopted():
    stored = contact(Link.LOCAL, None, BOB, email="ada@x.example")
    first = plan([user(mail="ada@x.example")], known(stored))
    written, earlier = replace(only(first), etag="new"), {one.contact_id: one for one in first.changes}

    second = plan([user(mail="ada@x.example", given_name="Ada")], known(written), earlier=earlier)

    assert [one.adopted for one in second.changes] == [True]


def counts_of(found):
    return JournalPage(changes=found.changes, unchanged=found.unchanged).counts


def test_what_graph_does_not_mention_in_a_continuing_round_is_as_it_was():
    stored = seen_as(contact(firstName="Ada", jobTitle="Analyst"), user(given_name="Ada", job_title="Analyst"), JOB)

    found = plan([user(job_title="Head")], known(stored), JOB, continuing=True)

    assert only(found).fields == {"firstName": "Ada", "jobTitle": "Head"}


def test_null_clears_in_a_continuing_round():
    stored = seen_as(contact(firstName="Ada", jobTitle="Analyst"), user(given_name="Ada", job_title="Analyst"), JOB)

    found = plan([user(job_title=None)], known(stored), JOB, continuing=True)

    assert only(found).fields == {"firstName": "Ada"}


def test_what_graph_does_not_mention_in_a_first_round_is_empty():
    stored = seen_as(contact(firstName="Ada", jobTitle="Analyst"), user(given_name="Ada", job_title="Analyst"), JOB)

    assert only(plan([user(given_name="Ada")], known(stored), JOB)).fields == {"firstName": "Ada"}


def test_a_patch_that_disables_a_known_user_takes_the_user_out_of_scope():
    sifted = sift([user(account_enabled=False)], {ADA: contact()}, WINS, ValueReader(WINS))

    assert sifted.gone == [ADA]


def test_a_later_entity_of_a_page_is_laid_over_the_earlier_one():
    merged = latest([user(given_name="Ada", surname="King"), user(surname="Lovelace")])

    assert (merged[ADA].given_name, merged[ADA].surname) == ("Ada", "Lovelace")


def test_under_keep_local_the_last_word_of_a_run_counts_in_a_field_that_the_run_filled():
    stored = contact(city="Bern")
    first = only(plan([user(given_name="Old")], known(stored), KEEPS))

    second = only(plan([user(given_name="New")], known(first), KEEPS, Stamp("run", 1, STAMP.now)))

    assert first.fields == {"firstName": "Old", "city": "Bern"}
    assert second.fields == {"firstName": "New", "city": "Bern"}


def test_under_keep_local_a_later_run_keeps_what_an_earlier_one_filled():
    first = only(plan([user(given_name="Old")], known(contact(city="Bern")), KEEPS))

    second = plan([user(given_name="New")], known(first), KEEPS, Stamp("another run", 0, STAMP.now))

    assert only(second).fields == {"firstName": "Old", "city": "Bern"}


def test_under_keep_local_what_a_run_filled_that_never_completed_is_not_final():
    """Run ids are newest first: 'b' came before 'a', and neither has completed since 'c' did."""
    first = only(plan([user(given_name="Old")], known(contact(city="Bern")), KEEPS, Stamp("b", 0, STAMP.now, "c")))

    second = only(plan([user(given_name="New")], known(first), KEEPS, Stamp("a", 0, STAMP.now, "c")))
    final = only(plan([user(given_name="New")], known(first), KEEPS, Stamp("a", 0, STAMP.now, "b")))

    assert second.fields == {"firstName": "New", "city": "Bern"}
    assert final.fields == {"firstName": "Old", "city": "Bern"}


def test_what_is_not_mapped_any_more_stays_although_a_run_that_never_completed_filled_it():
    pairs = (("givenName", "firstName"), ("surname", "lastName"))
    both, one = (mapped(*some, conflict_resolution=KEEPS.conflict_resolution) for some in (pairs, pairs[:1]))
    first = only(plan([user(given_name="Ada", surname="King")], known(), both, Stamp("b", 0, STAMP.now, "c")))

    second = only(plan([user(given_name="Eve", surname="King")], known(first), one, Stamp("a", 0, STAMP.now, "c")))

    assert second.fields == {"firstName": "Eve", "lastName": "King"}


def test_a_new_contact_is_as_old_as_its_run():
    stamp = Stamp("a", 7, "2026-01-01T09:00:00Z", began="2026-01-01T08:00:00Z")

    added = only(plan([user(given_name="Ada")], stamp=stamp))

    assert (added.created_at, added.updated_at) == ("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z")


def test_a_new_person_with_the_address_of_an_unlinked_contact_waits_for_the_end_of_the_round():
    stored = contact(Link.UNLINKED, source=BOB, email="x@x.example")

    found = plan([user(mail="X@x.example")], known(stored), matching=False)

    assert [one.id for one in found.matches] == [ADA]
    assert (found.writes, found.unchanged) == ([], 0)


def test_who_came_with_an_earlier_address_takes_an_unlinked_contact_over_at_the_end_of_the_round():
    stamp = replace_stamp(began="2026-01-01T08:00:00Z", completed="2026-01-01T07:00:00Z")
    passing = replace(contact(email="before@x.example"), created_at=stamp.began)
    free = contact(Link.LOCAL, source=None, contact_id=BOB, email="x@x.example", department="Mine")
    stored = known(passing, free)

    early = plan([user(mail="x@x.example")], stored, stamp=stamp, matching=False)
    late = plan([user(mail="x@x.example")], stored, stamp=stamp)

    assert [one.id for one in early.matches] == [ADA]
    assert only(early).fields == {"email": "x@x.example"}
    assert only(late).fields == {"email": "x@x.example", "department": "Mine"}
    assert late.writes[0].replaced == passing
    assert [(one.contact_id, one.outcome) for one in late.changes] == [(ADA, Outcome.REMOVED), (BOB, Outcome.LINKED)]


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": "2026-01-01T06:00:00Z"},
        {"updated_by": "somebody"},
        {"link": Link.UNLINKED},
        {"fields": {"email": "before@x.example", "department": "Typed"}},
    ],
)
def test_a_contact_that_people_know_already_stays_its_users(changes):
    stamp = replace_stamp(began="2026-01-01T08:00:00Z", completed="2026-01-01T07:00:00Z")
    own = replace(contact(email="before@x.example"), **({"created_at": stamp.began} | changes))
    free = contact(Link.LOCAL, source=None, contact_id=BOB, email="x@x.example")

    found = plan([user(mail="x@x.example")], known(own, free), stamp=stamp)

    assert [(one.before.id, one.replaced) for one in found.writes] == [(ADA, None)]


def replace_stamp(**changes):
    return dataclasses.replace(STAMP, **changes)


def removals(stored, behavior=DeletionBehavior.UNLINK, *, now=None, earlier=None):
    """The plan for one leaver, of whom `now` is what is stored by now."""
    there = stored if now is None else now
    return plan_removals({stored.id: ADA}, {there.id: there}, behavior, STAMP, earlier or {})


def test_a_leaver_is_unlinked_and_remembered():
    found = removals(contact(firstName="Ada"))

    assert only(found).link is Link.UNLINKED
    assert only(found).source_id == ADA
    assert only(found).fields == {"firstName": "Ada"}
    assert found.changes[0].outcome is Outcome.UNLINKED


def test_a_leaver_is_removed_for_good_and_history_keeps_the_name_only():
    found = removals(contact(firstName="Ada", city="Bern"), DeletionBehavior.HARD_DELETE)

    assert only(found) is None
    assert msgspec.to_builtins(found.changes[0]) == {"contactId": ADA, "outcome": "removed", "name": "Ada"}


def test_a_removal_that_an_earlier_attempt_applied_is_told_once_more_and_not_done_again():
    first = removals(contact(firstName="Ada"))
    earlier = {one.contact_id: one for one in first.changes}

    second = removals(contact(firstName="Ada"), now=only(first), earlier=earlier)

    assert (second.writes, second.changes) == ([], first.changes)


def test_a_contact_that_somebody_else_has_by_now_is_not_removed():
    assert removals(contact(), now=contact(source=BOB, contact_id=ADA)).writes == []


def test_one_directory_field_may_fill_two_contact_fields():
    both = mapped(("mail", "email"), ("mail", "employeeId"))

    assert only(plan([user(mail="a@x.example")], configuration=both)).fields == {
        "email": "a@x.example",
        "employeeId": "a@x.example",
    }
