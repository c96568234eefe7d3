"""What decides in the page, run by Node: choices that are not saved yet."""

import pytest

from tests.portal import pure

SETTING = """
import * as choices from "./choices.js";
const saved = {
  fieldMappings: [{ source: "mail", target: "email" }, { source: "city", target: "city" }],
  conflictResolution: "source_wins",
  removalGuard: { minimum: 20, percent: 10 },
  version: 3,
};
const begun = choices.begin(saved);
"""


def promise(script):
    pure.promise(SETTING + script)


def test_every_change_gives_new_choices_and_leaves_the_saved_ones_alone():
    promise("""
      const before = structuredClone(begun);
      const later = [
        choices.choose(begun, "conflictResolution", "keep_local"),
        choices.addMapping(begun, { source: "country", target: "country" }),
        choices.changeMapping(begun, 1, "target", "country"),
        choices.removeMapping(begun, 0),
        choices.guardRemovals(begun, false),
        choices.limitRemovals(begun, "percent", "5"),
      ];
      assert.ok(!choices.isUnsaved(begun));
      for (const one of later) assert.ok(choices.isUnsaved(one));
      assert.deepEqual(begun, before);
    """)


def test_a_change_taken_back_is_no_change():
    promise("""
      const there = choices.changeMapping(begun, 1, "target", "country");
      assert.ok(!choices.isUnsaved(choices.changeMapping(there, 1, "target", "city")));
      assert.ok(!choices.isUnsaved(choices.guardRemovals(choices.guardRemovals(begun, false), true)));
    """)


def test_a_draft_goes_on_from_what_is_saved_now():
    promise("""
      const draft = { base: saved, chosen: choices.removeMapping(begun, 0).chosen };
      const now = { ...saved, conflictResolution: "keep_local", version: 4 };
      const merged = choices.merge(now, draft);
      assert.deepEqual(merged.choices.chosen, { ...now, fieldMappings: [saved.fieldMappings[1]] });
      assert.deepEqual(merged.conflicts, []);
      assert.ok(!choices.isUnsaved(choices.merge(draft.chosen, draft).choices));
    """)


def test_two_administrators_changes_are_merged_field_by_field_and_only_the_same_field_is_a_conflict():
    promise("""
      const mine = choices.choose(
        choices.addMapping(choices.changeMapping(begun, 1, "source", "country"), { source: "upn", target: "note" }),
        "removalGuard", null,
      ).chosen;
      const theirs = {
        ...saved,
        version: 4,
        fieldMappings: [{ source: "city", target: "city" }, { source: "jobTitle", target: "jobTitle" }],
        removalGuard: { minimum: 5, percent: 5 },
      };
      const { choices: merged, conflicts } = choices.merge(theirs, { base: saved, chosen: mine });
      assert.deepEqual(merged.chosen.fieldMappings, [
        { source: "country", target: "city" },
        { source: "jobTitle", target: "jobTitle" },
        { source: "upn", target: "note" },
      ]);
      assert.deepEqual(conflicts.map(({ name, target }) => [name, target]), [["removalGuard", null]]);
      const decided = choices.settle(merged, conflicts[0], conflicts[0].theirs);
      assert.deepEqual(decided.chosen.removalGuard, theirs.removalGuard);
      assert.equal(choices.changeCount(decided), 2);
      const both = choices.merge(
        { ...saved, fieldMappings: [saved.fieldMappings[0], { source: "state", target: "city" }] },
        { base: saved, chosen: mine },
      );
      assert.deepEqual(both.conflicts, [
        { name: "fieldMappings", target: "city", was: "city", theirs: "state", mine: "country" },
      ]);
      assert.deepEqual(both.choices.chosen.fieldMappings[1], { source: "country", target: "city" });
      const taken = choices.settle(both.choices, both.conflicts[0], "state");
      assert.deepEqual(taken.chosen.fieldMappings[1], { source: "state", target: "city" });
      const gone = choices.settle(both.choices, both.conflicts[0], null);
      assert.deepEqual(gone.chosen.fieldMappings.map((one) => one.target), ["email", "note"]);
    """)


def test_what_was_chosen_while_saving_stays_chosen():
    promise("""
      const sent = choices.choose(begun, "conflictResolution", "keep_local");
      const meanwhile = choices.removeMapping(sent, 0);
      const stored = choices.store(meanwhile, sent.chosen, { ...sent.chosen, version: 4 });
      assert.equal(stored.saved.version, 4);
      assert.equal(stored.chosen.version, 4);
      assert.equal(stored.chosen.fieldMappings.length, 1);
      assert.ok(choices.isUnsaved(stored));
      assert.ok(!choices.isUnsaved(choices.store(sent, sent.chosen, { ...sent.chosen, version: 4 })));
    """)


@pytest.mark.parametrize(("text", "sent"), [("7", 7), ("0", 0), ("", None), ("-1", None), ("1.5", None), ("1e3", None)])
def test_a_limit_is_a_whole_number_or_is_not_sent(text, sent):
    promise(f"""
      const typed = choices.limitRemovals(begun, "minimum", {text!r});
      const wrong = choices.unsendable(typed)["removalGuard.minimum"];
      if ({"true" if sent is None else "false"}) assert.equal(wrong, "must be a whole number");
      else assert.deepEqual([wrong, typed.chosen.removalGuard.minimum], [undefined, {sent or 0}]);
    """)


def test_fields_are_named_as_people_count():
    promise("""
      assert.equal(choices.nameOf("fieldMappings[2].target"), "Mapping 3, contact field");
      assert.equal(choices.nameOf("fieldMappings[0].source"), "Mapping 1, directory field");
      assert.match(choices.nameOf("removalGuard.minimum"), /Protection against accidental removals/);
      assert.equal(choices.nameOf("If-Match"), "");
    """)


def test_a_mapping_is_proposed_of_fields_that_are_free_and_fit():
    promise("""
      const field = (name, kind = "text") => ({ name, kind, label: name.toUpperCase() });
      const fields = {
        directoryFields: [field("jobTitle"), field("mail", "email"), field("city"), field("upn")],
        contactFields: [
          field("email", "email"), field("second", "email"), field("city"), field("jobTitle"), field("note"),
        ],
      };
      assert.deepEqual(choices.proposal(begun, fields), { source: "jobTitle", target: "jobTitle" });
      const two = choices.addMapping(begun, { source: "jobTitle", target: "jobTitle" });
      assert.deepEqual(choices.proposal(two, fields), { source: "mail", target: "second" });
      const three = choices.addMapping(two, { source: "mail", target: "second" });
      assert.deepEqual(choices.proposal(three, fields), { source: "upn", target: "note" });
      const full = choices.addMapping(three, { source: "upn", target: "note" });
      assert.equal(choices.proposal(full, fields), null);
      assert.deepEqual(choices.misfits(full, fields), {});
      const wrong = choices.changeMapping(choices.changeMapping(full, 2, "target", "city"), 0, "source", "city");
      assert.deepEqual(choices.misfits(wrong, fields), {
        "fieldMappings[0].target": "EMAIL takes an email address, and CITY is not one",
        "fieldMappings[2].target": "CITY is mapped twice",
      });
    """)
