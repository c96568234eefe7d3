"""Small mistakes that a person could make in the engine, each with the name of what it would break."""

from tests.mutations.borders import BORDERS
from tests.mutations.doorbell import DOORBELL
from tests.mutations.mutation import Mutation

MAPPING = (
    Mutation("a cleared field is not cleared", "mapping/conflict.py", "elif value is None and wins", "elif False"),
    Mutation("keep_local never fills", "mapping/conflict.py", "(wins or mapping.target not in resolved)", "wins"),
    Mutation("keep_local overwrites", "mapping/conflict.py", "(wins or mapping.target not in resolved)", "True"),
    Mutation("guests get in", "mapping/scope.py", 'user.user_type == "Guest"', 'user.user_type == "guest"'),
    Mutation("excluded people get in", "mapping/scope.py", "user.id in self._excluded", "False"),
    Mutation(
        "a number has the form in any country",
        "mapping/conflict.py",
        "region_of(*(remembered.get(one) for one in REGION_FIELDS))",
        '"CH"',
    ),
    Mutation("no rule is asked", "mapping/scope.py", "if not rule.is_met_by(user, known=known)", "if False"),
    Mutation("a silent patch fails a rule", "mapping/scope.py", "(known and value is UNSET) or", ""),
    Mutation("a patch of a stranger passes a rule", "mapping/scope.py", "(known and value is UNSET)", "value is UNSET"),
    Mutation("a rule compares with case", "mapping/scope.py", ".strip().casefold()", ".strip()"),
    Mutation(
        "what a rule looks at is not asked for",
        "mapping/configuration.py",
        "*self.sources, *(rule.field for rule in self.scope_rules)",
        "*self.sources",
    ),
    Mutation(
        "an account that says nothing is disabled",
        "mapping/scope.py",
        "user.account_enabled is False",
        "user.account_enabled is not True",
    ),
    Mutation(
        "absent is empty", "mapping/values.py", "remembered.get(source) if value is UNSET", "None if value is UNSET"
    ),
    Mutation(
        "cleared is absent",
        "mapping/values.py",
        "remembered.get(source) if value is UNSET",
        "remembered.get(source) if not value",
    ),
    Mutation("the guard takes the smaller limit", "mapping/configuration.py", "removals <= max(", "removals <= min("),
)

MICROSOFT = (
    Mutation(
        "a patch takes a removal back that waits", "sync/pages.py", "[one for one in ids if one not in waits]", "ids"
    ),
    Mutation("a link to another host is followed", "directory/graph.py", "_origin(url) != self._origin", "not url"),
    Mutation(
        "a delta link expires unnoticed", "directory/delta.py", "if expired and carried_token:", "if expired and False:"
    ),
    Mutation(
        "a refused link is tried for ever",
        "directory/delta.py",
        "if carried_token and answer.status in (_BAD_REQUEST, _NOT_FOUND):",
        "if False:",
    ),
    Mutation("a byte order mark spoils a page", "directory/delta.py", "answer.body.removeprefix(BOM)", "answer.body"),
    Mutation("a byte order mark hides an error", "directory/delta.py", "body.removeprefix(BOM)).error", "body).error"),
    Mutation(
        "ids differ by case",
        "directory/delta.py",
        "one if one.id == one.id.lower() else replace(one, id=ObjectId(one.id.lower())) for one in users",
        "one for one in users",
    ),
    Mutation(
        "text that cannot be decoded stops a page",
        "directory/delta.py",
        "(_all_at_once, _one_by_one, _repaired)",
        "(_all_at_once, _one_by_one)",
    ),
    Mutation(
        "a pause is longer than the queue takes",
        "directory/delta.py",
        "min(float(value), limits.LONGEST_DELAY_SECONDS)",
        "float(value)",
    ),
    Mutation(
        "a long pause is slept through", "sync/reading.py", "or pause > limits.LONGEST_SLEEP_SECONDS", "or pause < 0"
    ),
    Mutation(
        "no pause at all",
        "sync/reading.py",
        "max(error.after_seconds, limits.FIRST_GRAPH_PAUSE_SECONDS)",
        "error.after_seconds",
    ),
    Mutation("lost consent is believed at once", "sync/reading.py", "if doubted is type(error):", "if True:"),
    Mutation("a second doubt is not believed", "sync/reading.py", "if doubted is type(error):", "if False:"),
)

PAGES = (
    Mutation("whole is not asked", "sync/pages.py", "    if patches:\n", "    if False:\n"),
    Mutation(
        "somebody who has left the tenant is read whole",
        "sync/pages.py",
        "if one.removed is UNSET and one.id not in known and not is_whole(one)",
        "if one.id not in known and not is_whole(one)",
    ),
    Mutation(
        "half a user is whole", "sync/sifting.py", "user.account_enabled is not UNSET and user.user_pr", "user.user_pr"
    ),
    Mutation(
        "a patch lies over what an earlier page left",
        "sync/pages.py",
        "(not roll.left(one) if continuing else roll.present(one))",
        "(continuing or one in roll)",
    ),
    Mutation("a first round lays over old values", "sync/pages.py", "roll.present(one))]", "not roll.left(one))]"),
    Mutation("a later patch replaces", "sync/sifting.py", "if earlier is None else _laid_over(earlier, user)", ""),
    Mutation(
        "the first word about a user counts",
        "sync/sifting.py",
        "user if earlier is None else",
        "earlier or user if 1 else",
    ),
    Mutation(
        "a repeated link is followed",
        "sync/pages.py",
        "if page.next_link is not None and page.next_link in work.followed:",
        "if False:",
    ),
    Mutation(
        "idle pages do not end a round",
        "sync/pages.py",
        "if page.next_link is not None and idle >",
        "if False and idle >",
    ),
    Mutation("empty pages end a round", "sync/pages.py", "limits.MOST_IDLE_PAGES + people", "people"),
    Mutation(
        "an unreadable user counts as gone",
        "sync/pages.py",
        "*(one for one in page.unreadable if one)]",
        "*()]",
    ),
    Mutation("a user who could not be read whole is gone", "sync/pages.py", "*unknown, *(one", "*(one"),
    Mutation(
        "the read of whole users ends early",
        "sync/pages.py",
        "2 * len(wanted) + limits.IDLE_PAGES_AT_ONCE",
        "len(wanted)",
    ),
    Mutation("a run restarts without end", "sync/slice.py", "if self.run.restarted:", "if False:"),
)

PLAN = (
    Mutation("two people share a contact", "sync/plan.py", "if one.id not in adopted), None)", "if one.id), None)"),
    Mutation(
        "the youngest contact is taken over",
        "sync/plan.py",
        'candidates = known.by_email.get(matching_email(person.mail) or "", ())',
        'candidates = known.by_email.get(matching_email(person.mail) or "", [])[::-1]',
    ),
    Mutation("a match is decided on its page", "sync/plan.py", "            if matching:\n", "            if True:\n"),
    Mutation(
        "matches are met in the order of pages",
        "sync/local_edits.py",
        'key=lambda one: (matching_email(one.mail) or "", one.id)',
        "key=lambda one: 0",
    ),
    Mutation(
        "a removed contact comes back under keep_local",
        "sync/plan.py",
        "        if keeps:\n            # Removed by",
        "        if not keeps:\n            # Removed by",
    ),
    Mutation(
        "the first word under keep_local counts",
        "sync/plan.py",
        "_without_filled(before, configuration, stamp) if keeps else before.fields",
        "before.fields",
    ),
    Mutation(
        "what an earlier run filled is filled again",
        "contacts/contact.py",
        "not (self.run == run or self.run < since)",
        "False",
    ),
    Mutation(
        "what a run that failed filled is final",
        "contacts/contact.py",
        "self.run == run or self.run < since",
        "self.run == run",
    ),
    Mutation(
        "a field that is not mapped any more is touched",
        "sync/plan.py",
        "{mapping.target for mapping in configuration.field_mappings}.intersection(filled)",
        "set(filled)",
    ),
    Mutation(
        "an edit of what a run filled is lost",
        "contacts/edits.py",
        "tuple(name for name in filled if name not in edited_names)",
        "tuple(filled)",
    ),
    Mutation(
        "a repeated page counts twice",
        "sync/plan.py",
        "change = earlier.get(after.id) if applied else None",
        "change = None",
    ),
    Mutation("an unlinked contact forgets whose it was", "sync/removals.py", "link=Link.UNLINKED,", "link=Link.LOCAL,"),
    Mutation(
        "hard delete unlinks", "sync/removals.py", "if behavior is DeletionBehavior.HARD_DELETE else", "if False else"
    ),
    Mutation(
        "another user's contact goes with who left", "sync/removals.py", "contact.source_id != source_id:", "False:"
    ),
    Mutation("the guard is not asked", "sync/removals.py", "not work.run.approved and guard", "False and guard"),
    Mutation(
        "a sweep after an unreadable record", "sync/removals.py", "elif work.run.incomplete:", "elif not work.run:"
    ),
    Mutation("edits wait for a full run", "sync/local_edits.py", "if work.run.mode is Mode.DELTA:", "if False:"),
    Mutation(
        "who left is settled all the same", "sync/local_edits.py", "and not work.roll.left(contact.source_id)", ""
    ),
    Mutation("people who came back are removed", "workspace/store.py", "waiting.pop(source_id, None)", "pass"),
)

RUNS = (
    Mutation("old removals outlive a full run", "workspace/state.py", "moot = state.waiting if", "moot = None if"),
    Mutation(
        "the follower is lost", "workspace/state.py", "run=state.follow_up, follow_up=None", "run=None, follow_up=None"
    ),
    Mutation(
        "a newer configuration joins a running run",
        "workspace/state.py",
        "if request.trigger is Trigger.CONFIGURATION and run.state is RunState.RUNNING:",
        "if False:",
    ),
    Mutation(
        "an approved run swallows a full one",
        "workspace/run.py",
        "return not self.approved and self.mode is not Mode.UNDO",
        "return self.mode is not Mode.UNDO",
    ),
    Mutation(
        "an undo swallows a full run",
        "workspace/run.py",
        "return not self.approved and self.mode is not Mode.UNDO",
        "return not self.approved",
    ),
    Mutation("a lost write goes unnoticed", "workspace/state.py", "columns, state.etag)", 'columns, "*")'),
    Mutation(
        "totals forget who was unlinked", "workspace/state.py", "- counts.removed - counts.unlinked", "- counts.removed"
    ),
    Mutation("a week never ends", "workspace/state.py", "total_seconds() > since_slot", "total_seconds() < 0"),
    Mutation("a lease is not respected", "sync/worker.py", "if end is not None and end > now]", "if end and not now]"),
    Mutation("a lease is never renewed", "sync/worker.py", "                    await work.renew_lease()\n", ""),
    Mutation(
        "a failed worker keeps its lease",
        "sync/worker.py",
        "await self._release(work, failures.explain(error))",
        "pass",
    ),
    Mutation("deaths are not counted", "sync/worker.py", "deaths=run.deaths + 1 if", "deaths=1 if"),
    Mutation(
        "deaths at different places add up", "sync/worker.py", "if run.died_at == run.place else 1", "if True else 1"
    ),
    Mutation(
        "RoundBroken keeps the delta link",
        "sync/worker.py",
        "replace(state, delta_link=None, missing_since=None)",
        "replace(state, missing_since=None)",
    ),
    Mutation(
        "a tenant that is not found is lost at once", "sync/worker.py", "now - since < limits.TENANT_MISSING", "False"
    ),
    Mutation(
        "a pause that was never queued lasts for ever",
        "sync/worker.py",
        "message.step == run.step or (not leased and message.step == run.step - 1):",
        "message.step == run.step:",
    ),
    Mutation("a verification is a delta", "sync/slice.py", "await self._read_everything(restarted=False)", "pass"),
    Mutation("a superseded worker goes on", "sync/lease.py", "or not mine:", "or False:"),
    Mutation(
        "a paused connection takes requests",
        "sync/requests.py",
        "if connection.state is ConnectionState.PAUSED:",
        "if False:",
    ),
    Mutation(
        "a pause loses approved removals",
        "workspace/state.py",
        "if run is not None and run.approved:",
        "if run is not None and False:",
    ),
    Mutation("an event is sent and not written", "workspace/store.py", "extra += announcements(", "_ = announcements("),
    Mutation(
        "a slice tells nothing",
        "sync/lease.py",
        "self.workspaces.save(state, *operations, *told)",
        "self.workspaces.save(state, *operations)",
    ),
    Mutation(
        "every failure is told",
        "workspace/events.py",
        "if old.failures < FAILURES_TOLD <= new.failures:",
        "if new.failures > old.failures:",
    ),
    Mutation(
        "a sent event stays",
        "workspace/outbox.py",
        "[Operation(Verb.DELETE, row.row_key)]",
        "[Operation(Verb.PUT, row.row_key, {})]",
    ),
    Mutation(
        "a cancelled run goes on",
        "workspace/run.py",
        "Event.CANCELLED): RunState.CANCELLED,\n    (RunState.QUEUED",
        "Event.CANCELLED): RunState.RUNNING,\n    (RunState.QUEUED",
    ),
    Mutation(
        "pages leave no trace of who was there",
        "workspace/journal.py",
        "bool(self.present or self.gone or self.changes)",
        "bool(self.changes)",
    ),
    Mutation(
        "a repeated page forgets what its first try wrote",
        "sync/slice.py",
        "not (earlier or self.run.reconsider or batch.matching)",
        "not (self.run.reconsider or batch.matching)",
    ),
    Mutation(
        "a new configuration passes by who is unchanged",
        "sync/slice.py",
        "not (earlier or self.run.reconsider or batch.matching)",
        "not (earlier or batch.matching)",
    ),
    Mutation(
        "a page is written without a journal",
        "sync/slice.py",
        "        await self._journal(self.run, self.run.page, page)\n        groups",
        "        groups",
    ),
)

TURNS = (
    Mutation(
        "a large slice takes room that is not there",
        "sync/room.py",
        "return self.held_bytes + size_bytes <= self._size or",
        "return True or",
    ),
    Mutation("a slice keeps its room for ever", "sync/gathering.py", "self.room.give(held)", "pass"),
    Mutation(
        "a slice that had its turn goes on while others wait",
        "sync/slice.py",
        "now >= self.until or (",
        "now >= self.until and (",
    ),
    Mutation(
        "a renamed contact keeps its old place, too", "contacts/contact.py", 'before.named not in ("", place)', "False"
    ),
    Mutation(
        "a list of an older version is never completed",
        "sync/ending.py",
        "await work.contacts.complete_names(work.partition)",
        "pass",
    ),
    Mutation(
        "a run reads the name rows",
        "contacts/store.py",
        "within(partition.key, lt=NAMES), row)",
        "within(partition.key), row)",
    ),
    Mutation(
        "a click waits while our own credential fails",
        "workspace/state.py",
        "if request.trigger in _BY_PEOPLE:",
        "if False:",
    ),
    Mutation(
        "a click ends a pause that Microsoft asked for",
        "workspace/state.py",
        "run.waiting_for is not WaitingFor.OURSELVES",
        "run.waiting_for is None",
    ),
    Mutation(
        "each click in a pause leaves a message for ever",
        "sync/worker.py",
        "message.step == run.step or (not leased and message.step == run.step - 1):",
        "message.step == run.step or not leased:",
    ),
    Mutation(
        "a missed tick begins everybody at once",
        "sync/schedule.py",
        "own + (tick.began - tick.at)",
        "tick.began",
    ),
    Mutation(
        "a part of a tick begins where the one before did",
        "sync/schedule.py",
        "tick = replace(tick, after=after)",
        "tick = replace(tick, after=tick.after)",
    ),
    Mutation("everybody is pruned every hour", "sync/schedule.py", "row.day == today", "row.day != today"),
    Mutation(
        "who is enrolled within the hour waits for the next",
        "sync/schedule.py",
        ") > now:\n            await",
        ") < now:\n            await",
    ),
)

ORPHANS = (
    Mutation(
        "an orphan goes on writing contacts",
        "sync/slice.py",
        "singly=singly, before_each=self.keep_lease",
        "singly=singly",
    ),
    Mutation(
        "an orphan forgets what a later run left",
        "contacts/store.py",
        'left.row_key, etag=left.etag or "*"',
        "left.row_key",
    ),
    Mutation(
        "removals of an earlier attempt wait with a later one's",
        "workspace/store.py",
        "for row in rows[len(kept) :]",
        "for row in rows[:0]",
    ),
    Mutation(
        "an orphan of a disconnect decides again",
        "connect/disconnecting.py",
        "                state = await self._hold(state)\n                stored",
        "                stored",
    ),
    Mutation(
        "poison of a dead run is forgotten",
        "sync/worker.py",
        "if leased and state.run is not None:",
        "if leased and state.run is None:",
    ),
    Mutation(
        "a tenant that answers stays missing",
        "sync/worker.py",
        "replace(state, delta_link=None, missing_since=None)",
        "replace(state, delta_link=None)",
    ),
)

UNDO = (
    Mutation(
        "an undo overwrites what was changed since", "sync/undo.py", "if not _as_left(entry, contact):", "if False:"
    ),
    Mutation(
        "an undo takes a person's edit for the run's",
        "sync/undo.py",
        "(contact.run, contact.page, contact.updated_by) == (entry.run, entry.page, None)",
        "(contact.run, contact.page) == (entry.run, entry.page)",
    ),
    Mutation("a run is undone from its beginning", "sync/undo.py", "return found[::-1]", "return found"),
    Mutation(
        "a person gets a second contact",
        "sync/undo.py",
        "return None if holder == target.id else holder",
        "return None",
    ),
    Mutation("a repeated undo counts less", "sync/undo.py", "                found.plan.changes.append(change)\n", ""),
    Mutation(
        "an undo cannot be undone", "contacts/changes.py", "mark=after.mark if after is not None else None", "mark=None"
    ),
    Mutation(
        "a removal by a person is forgotten",
        "sync/undo.py",
        "if one.link == Link.REMOVED]",
        "if one.link == Link.LOCAL]",
    ),
    Mutation(
        "a repeated page forgets what its contacts were",
        "sync/writes.py",
        "found = {one.contact_id: earlier[one.contact_id] for one in plan.changes if one.contact_id in earlier}",
        "found: dict[str, Former] = {}",
    ),
    Mutation(
        "a repeated page takes its own first try for the state before",
        "sync/writes.py",
        "        if (before.run, before.page) != (stamp.run, stamp.page):\n            found",
        "        if before:\n            found",
    ),
    Mutation(
        "the run after an undo passes by who is unchanged",
        "workspace/state.py",
        "delta_link=None, select=(), applied_version=0)",
        "delta_link=None, select=())",
    ),
    Mutation(
        "the edits of everybody are undone",
        "contacts/edit_journal.py",
        'all_of(where, equals("person", edits.person), equals("kind", edits.kind))',
        'all_of(where, equals("kind", edits.kind))',
    ),
    Mutation(
        "edits of every kind are undone",
        "contacts/edit_journal.py",
        'all_of(where, equals("person", edits.person), equals("kind", edits.kind))',
        'all_of(where, equals("person", edits.person))',
    ),
    Mutation(
        "what was edited while a person is forgotten is kept",
        "connect/forgetting.py",
        "just now.\n        await self.contacts.edit_journal.forget_person(partition, ids, address)",
        "just now.",
    ),
    Mutation("an undo does not pause", "sync/undoing.py", "return halted, undo_asked", "return connection, undo_asked"),
    Mutation(
        "a pause stops an undo",
        "workspace/run.py",
        "connection.stage is Stage.PAUSED and run.mode",
        "False and run.mode",
    ),
)

MUTATIONS = (*BORDERS, *DOORBELL, *MAPPING, *MICROSOFT, *PAGES, *PLAN, *RUNS, *TURNS, *ORPHANS, *UNDO)
