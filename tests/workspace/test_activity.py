"""What runs changed lately, by day and by hour."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from workspace.activity import Activity, Changed
from workspace.connection import WorkspaceId
from workspace.run import Counts, Mode, Run, RunId, RunState, Trigger
from workspace.state import SyncState, settled

NOON = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


def test_the_runs_of_a_day_are_added_up():
    after = Activity().after(Counts(added=2, linked=1), NOON).after(Counts(updated=4, removed=1, unlinked=2), NOON)

    assert after.last_days(NOON) == {"2026-11-26": Changed(3, 4, 3)}
    assert after.last_hours(NOON) == 10


def test_a_run_that_changed_nothing_leaves_no_trace():
    assert Activity().after(Counts(read=9, unchanged=9, skipped=1), NOON) == Activity()


def test_what_is_older_than_a_day_or_a_month_is_left_out_and_not_kept():
    old = Activity().after(Counts(added=1), NOON - timedelta(days=31)).after(Counts(added=1), NOON - timedelta(days=2))

    assert old.last_hours(NOON) == 0
    assert list(old.last_days(NOON)) == ["2026-11-24"]
    kept = old.after(Counts(updated=1), NOON)
    assert (list(kept.days), list(kept.hours)) == (["2026-11-24", "2026-11-26"], ["2026-11-26T12"])


def test_a_run_that_waited_for_approval_counts_each_of_its_changes_once():
    ended = Run(
        RunId("r"),
        Mode.FULL,
        Trigger.MANUAL,
        RunState.AWAITING_APPROVAL,
        NOON,
        counts=Counts(added=5),
        completed_at=NOON,
    )
    waited = settled(SyncState(WorkspaceId("w"), run=ended), ended)
    removed = replace(waited.last, counts=Counts(added=5, unlinked=3))

    state = settled(replace(waited, run=removed), removed)

    assert state.activity.last_days(NOON) == {"2026-11-26": Changed(5, 0, 3)}
