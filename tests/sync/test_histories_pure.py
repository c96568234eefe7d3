"""Thousands of random histories over the pure plan, held against the model: no server, no clock."""

import os
from itertools import count

from hypothesis import HealthCheck, given, settings

from contacts.contact import ContactId, Link
from contacts.edits import created, edited, removed
from mapping.configuration import Configuration, ConflictResolution, DeletionBehavior, FieldMapping
from mapping.fields import DirectoryUser, Removed
from mapping.values import ValueReader
from sync.plan import Known, Moment, Person, plan_page, plan_removals, sift
from tests.histories import HISTORY, pick, play_on_model, progress
from tests.model import MAPPING, Model

EXAMPLES = int(os.environ.get("HISTORIES_PURE", "2000"))
_MAPPINGS = tuple(FieldMapping(source, target) for source, target in MAPPING.items())
tell = progress("histories over the pure plan", EXAMPLES)
_ATTRIBUTES = {
    "givenName": "given_name",
    "companyName": "company_name",
    "accountEnabled": "account_enabled",
    "userType": "user_type",
}


class PlanWorld:
    """The engine's decisions with a dictionary for a store; a page for a round."""

    def __init__(self):
        self.rows = {}
        self.configuration = Configuration(field_mappings=_MAPPINGS, removal_guard=None)
        self._times = (f"2026-01-01T00:00:{n:06d}" for n in count())

    def configure(self, model):
        self.configuration = Configuration(
            field_mappings=_MAPPINGS,
            conflict_resolution=ConflictResolution.KEEP_LOCAL if model.keep_local else ConflictResolution.SOURCE_WINS,
            deletion_behavior=DeletionBehavior.HARD_DELETE if model.hard_delete else DeletionBehavior.UNLINK,
            include_guests=model.include_guests,
            include_disabled=model.include_disabled,
            removal_guard=None,
        )

    def add(self, fields, number):
        contact = created(ContactId(f"{number:08x}-0000-4000-9000-000000000000"), fields, next(self._times))
        self.rows[contact.id] = contact
        return contact.id

    def row(self, card):
        return next(one for one in self.rows.values() if (one.source_id or one.id) == (card.user or card.own_id))

    def write(self, before, after):
        if after is None:
            del self.rows[before.id]
        else:
            assert before is not None or after.id not in self.rows
            self.rows[after.id] = after

    def run(self, users, heard, *, full):
        reader, moment = ValueReader(self.configuration.sources), Moment("run", 0, next(self._times))
        told = [user_of(one, users[one]) for one in heard]
        sifted = sift(told, self.configuration, reader)
        self.apply(list(sifted.present.values()), reader, moment)
        if not full:
            touched = [one for one in self.rows.values() if one.touched and one.source_id not in sifted.gone]
            people = [
                Person(one.source_id, None, values := reader.recalled(one.source), reader.seen(values))
                for one in touched
            ]
            self.apply(people, reader, moment)
        gone = set(sifted.gone) | (set(self.by_source()) - set(sifted.present) if full else set())
        leavers = [
            one for one in self.rows.values() if one.source_id in gone and one.link in (Link.LINKED, Link.REMOVED)
        ]
        for write in plan_removals(leavers, self.configuration.deletion_behavior, moment).writes:
            self.write(write.before, write.after)

    def apply(self, people, reader, moment):
        free = sorted(
            (one for one in self.rows.values() if one.link in (Link.UNLINKED, Link.LOCAL) and one.email),
            key=lambda one: (one.created_at, one.id),
        )
        by_email = {}
        for one in free:
            by_email.setdefault(one.email, []).append(one)
        taken = {one.id for one in self.rows.values() if one.source_id != one.id}
        known = Known(self.by_source(), by_email, taken)
        for write in plan_page(people, known, self.configuration, reader, moment).writes:
            self.write(write.before, write.after)

    def by_source(self):
        found = {}
        for one in self.rows.values():
            if one.source_id is not None:
                assert one.source_id not in found, "two contacts of one user"
                found[one.source_id] = one
        return found

    def shown(self):
        return {
            one.source_id or one.id: (one.link is Link.LINKED, dict(one.fields))
            for one in self.rows.values()
            if one.link is not Link.REMOVED
        }


def user_of(user_id, values):
    if values is None:
        return DirectoryUser(user_id, removed=Removed("changed"))
    return DirectoryUser(user_id, **{_ATTRIBUTES.get(name, name): value for name, value in values.items()})


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORY)
def test_every_history_ends_in_the_list_that_the_spec_says(history):
    model, world, numbers = Model(), PlanWorld(), count(1)

    for step in history:
        take(step, model, world, numbers)

        assert world.shown() == model.shown()
    tell()


def take(step, model, world, numbers):
    play_on_model(model, step)
    match step:
        case ("configure", _):
            world.configure(model)
        case ("add", fields):
            if any(fields.values()):
                model.add(**fields).own_id = world.add(fields, next(numbers))
        case ("edit", nth, fields):
            if (card := pick(model, nth)) is not None:
                row = world.row(card)
                world.rows[row.id] = edited(row, fields, "later")
                model.edit(card, **fields)
        case ("drop", nth):
            if (card := pick(model, nth)) is not None:
                row = world.row(card)
                world.write(row, removed(row, "later"))
                model.drop(card)
        case ("run", full, _):
            full = full or model.look_at_all
            heard = [one for one in model.users if full or one in model.unheard]
            world.run(model.users, heard, full=full)
            model.run(full=full)


def test_the_model_is_not_the_engine():
    """A model that imported the engine could not find it wrong."""
    import ast
    from pathlib import Path

    tree = ast.parse((Path(__file__).parents[1] / "model.py").read_text())

    assert {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} == {"dataclasses"}
