"""Small mistakes that a person could make in the engine, each with the name of what it would break."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """`old` stands exactly once in the file at `path`; the mistake puts `new` in its place."""

    name: str
    path: str
    old: str
    new: str


MUTATIONS = (
    Mutation("a cleared field is not cleared", "mapping/conflict.py", "elif value is None and wins", "elif False"),
    Mutation("keep_local never fills", "mapping/conflict.py", "(wins or mapping.target not in resolved)", "wins"),
    Mutation("keep_local overwrites", "mapping/conflict.py", "(wins or mapping.target not in resolved)", "True"),
    Mutation("guests get in", "mapping/scope.py", 'user.user_type == "Guest"', 'user.user_type == "guest"'),
    Mutation(
        "an account that says nothing is disabled",
        "mapping/scope.py",
        "user.account_enabled is not False",
        "user.account_enabled is True",
    ),
    Mutation(
        "the first word about a user counts",
        "sync/plan.py",
        "{user.id: user for user in users}",
        "{user.id: user for user in reversed(list(users))}",
    ),
    Mutation("two people share a contact", "sync/plan.py", "if candidate.id not in adopted:", "if candidate:"),
    Mutation(
        "the youngest contact is taken over",
        "sync/plan.py",
        'in known.by_email.get(matching_email(person.mail) or "", ()):',
        'in reversed(known.by_email.get(matching_email(person.mail) or "", [])):',
    ),
    Mutation(
        "a removed contact comes back under keep_local",
        "sync/plan.py",
        "is ConflictResolution.KEEP_LOCAL:",
        "is ConflictResolution.SOURCE_WINS:",
    ),
    Mutation(
        "an unlinked contact forgets whose it was",
        "sync/plan.py",
        "        link=Link.UNLINKED,\n",
        "        link=Link.LOCAL,\n",
    ),
    Mutation(
        "a repeated page counts twice", "sync/plan.py", "if change.counted is not Counted.BEFORE:", "if change.counted:"
    ),
    Mutation("hard delete unlinks", "sync/plan.py", "if behavior is DeletionBehavior.HARD_DELETE:", "if not behavior:"),
    Mutation("the guard takes the smaller limit", "mapping/configuration.py", "removals <= max(", "removals <= min("),
    Mutation("the guard is not asked", "sync/removals.py", "not work.run.approved and guard", "False and guard"),
    Mutation(
        "a sweep after an unreadable record", "sync/removals.py", "elif work.run.incomplete:", "elif not work.run:"
    ),
    Mutation(
        "edits wait for a full run",
        "sync/removals.py",
        "if work.run.mode is Mode.DELTA:\n        people",
        "if False:\n        people",
    ),
    Mutation("people who came back are removed", "workspace/store.py", "waiting.pop(source_id, None)", "pass"),
    Mutation("old removals outlive a full run", "sync/removals.py", "moot = state.waiting is not None", "moot = False"),
    Mutation(
        "the follower is lost", "workspace/state.py", "run=state.follow_up, follow_up=None", "run=None, follow_up=None"
    ),
    Mutation(
        "a newer configuration joins a running run",
        "workspace/state.py",
        'newer = request.trigger.value == "configuration"',
        "newer = False",
    ),
    Mutation("a lost write goes unnoticed", "workspace/state.py", "columns, state.etag)", 'columns, "*")'),
    Mutation(
        "totals forget who was unlinked", "workspace/state.py", "- counts.removed - counts.unlinked", "- counts.removed"
    ),
    Mutation("a lease is not respected", "sync/worker.py", "if end is not None and end > now]", "if end and not now]"),
    Mutation(
        "a cancelled run goes on",
        "workspace/run.py",
        "Event.CANCELLED): RunState.CANCELLED,\n    (RunState.QUEUED",
        "Event.CANCELLED): RunState.RUNNING,\n    (RunState.QUEUED",
    ),
    Mutation("a long pause is slept through", "sync/reading.py", "or pause > LONGEST_WAIT_SECONDS", "or pause < 0"),
    Mutation(
        "no pause at all", "sync/reading.py", "max(error.after_seconds, _FIRST_PAUSE_SECONDS)", "error.after_seconds"
    ),
    Mutation("lost consent is believed at once", "sync/reading.py", "confirmed = False", "confirmed = True"),
    Mutation(
        "pages leave no trace of who was there",
        "sync/applying.py",
        "told = page.present or page.gone or changes",
        "told = changes",
    ),
    Mutation(
        "a repeated page forgets what its first try wrote",
        "sync/applying.py",
        "if journal or work.run.reconsider",
        "if work.run.reconsider",
    ),
    Mutation("a new configuration passes by who is unchanged", "sync/applying.py", "work.run.reconsider or not", "not"),
    Mutation(
        "a delta link expires unnoticed", "directory/delta.py", "if expired and carried_token:", "if expired and False:"
    ),
    Mutation(
        "an unreadable user counts as gone",
        "sync/pages.py",
        "one for one in page.unreadable if one)",
        "one for one in ())",
    ),
    Mutation("a link to another host is followed", "directory/graph.py", "_origin(url) != self._origin", "not url"),
)
