"""One run at a time; a request joins it, or follows it (spec §6)."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from mapping.configuration import Configuration
from workspace.connection import WorkspaceId
from workspace.run import (
    NEXT,
    Counts,
    Event,
    Mode,
    PendingRemovals,
    Request,
    RunId,
    RunState,
    Trigger,
    WaitingFor,
    next_state,
    run_id,
)
from workspace.state import SyncState, approve, ask, concluded, settled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = WorkspaceId("w")


def wish(mode=Mode.DELTA, trigger=Trigger.MANUAL):
    return Request(WORKSPACE, mode, trigger, "Ada")


def asked(state, *wishes):
    runs = []
    for number, one in enumerate(wishes):
        state, run = ask(state, one, RunId(f"r{number}"), NOW)
        runs.append(run.id)
    return state, runs


def running(mode=Mode.DELTA):
    state, _ = asked(SyncState(WORKSPACE), wish(mode))
    return replace(state, run=state.run.after(Event.STARTED))


def test_a_request_joins_the_run_that_goes_on():
    state, runs = asked(SyncState(WORKSPACE), *[wish()] * 50)

    assert set(runs) == {"r0"}
    assert state.follow_up is None


@pytest.mark.parametrize(
    ("trigger", "waiting_for", "tries"),
    [
        (Trigger.MANUAL, WaitingFor.OURSELVES, True),
        (Trigger.CONFIGURATION, WaitingFor.OURSELVES, True),
        (Trigger.SCHEDULE, WaitingFor.OURSELVES, False),
        (Trigger.MANUAL, WaitingFor.MICROSOFT, False),
    ],
)
def test_only_a_person_ends_a_pause_and_only_one_for_our_own_credential(trigger, waiting_for, tries):
    state = running(Mode.FULL)
    paused = replace(state, run=replace(state.run, step=3, resume_at=NOW, waiting_for=waiting_for))

    asked_for, _ = ask(paused, wish(trigger=trigger), RunId("r1"), NOW)

    assert (asked_for.run.resume_at is None, asked_for.run.step) == (tries, 4 if tries else 3)


def test_fifty_full_resyncs_over_a_delta_make_one_follower():
    state, runs = asked(running(), *[wish(Mode.FULL)] * 50)

    assert state.run.mode is Mode.DELTA
    assert set(runs) == {state.follow_up.id}


def test_a_newer_configuration_follows_a_run_that_has_begun_but_not_one_that_waits():
    begun, _ = asked(running(Mode.FULL), wish(Mode.FULL, Trigger.CONFIGURATION))
    waiting, runs = asked(SyncState(WORKSPACE), wish(Mode.FULL), wish(Mode.FULL, Trigger.CONFIGURATION))

    assert begun.follow_up is not None
    assert waiting.follow_up is None
    assert runs == ["r0", "r0"]


@pytest.mark.parametrize(
    "request_", [wish(Mode.FULL), wish(Mode.FULL, Trigger.CONFIGURATION), wish(Mode.FULL, Trigger.RECOVERY), wish()]
)
@pytest.mark.parametrize("begun", [False, True])
def test_approved_removals_cover_no_request_because_they_read_nothing(request_, begun):
    ended = replace(running(Mode.FULL).run.after(Event.WAITED), pending_removals=PendingRemovals(30))
    state = approve(settled(running(Mode.FULL), ended))
    if begun:
        state = replace(state, run=state.run.after(Event.STARTED))

    state, runs = asked(state, request_)

    assert state.run.approved
    assert [state.follow_up.id] == runs
    assert state.follow_up.mode is request_.mode


def test_a_follower_is_upgraded_rather_than_followed():
    begun, _ = asked(running(Mode.FULL), wish(Mode.FULL, Trigger.CONFIGURATION))
    delta_follows = replace(begun, follow_up=replace(begun.follow_up, mode=Mode.DELTA))

    state, runs = asked(delta_follows, wish(Mode.FULL, Trigger.CONFIGURATION))

    assert state.follow_up.mode is Mode.FULL
    assert runs == [delta_follows.follow_up.id]


def test_what_follows_takes_the_place_of_what_ended():
    state, _ = asked(running(), wish(Mode.FULL))

    after = settled(state, state.run.after(Event.COMPLETED))

    assert after.run.mode is Mode.FULL
    assert after.follow_up is None
    assert after.last.state is RunState.COMPLETED


def test_what_is_unfinished_begins_after_the_last_run_that_completed():
    state = SyncState(WORKSPACE)
    first, second = RunId("0002-first"), RunId("0001-second")
    run = replace(running().run, id=first, configuration=Configuration())
    completed, _ = concluded(replace(state, run=run), run.after(Event.COMPLETED), "link")
    completed = replace(completed, last_completed_at=NOW)
    failed = settled(replace(completed, run=replace(run, id=second)), replace(run, id=second).after(Event.FAILED))

    assert second < failed.unfinished_before == first
    assert first < state.unfinished_before
    assert not SyncState(WORKSPACE, last_completed_at=NOW).unfinished_before


def test_totals_take_in_each_run_once():
    state = running()
    ended = replace(
        state.run.after(Event.WAITED), counts=Counts(added=5, linked=1), pending_removals=PendingRemovals(30)
    )
    waiting = settled(state, ended)
    assert (waiting.totals.contacts, waiting.totals.linked) == (5, 6)

    approved = approve(waiting)
    done = replace(approved.run.after(Event.STARTED), counts=approved.run.counts + Counts(unlinked=3))
    after = settled(approved, done.after(Event.COMPLETED))

    assert (after.totals.contacts, after.totals.linked) == (5, 3)
    assert after.waiting is None


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("event", list(Event))
def test_an_event_that_does_not_fit_leaves_the_state_alone(state, event):
    expected = NEXT.get((state, event), state)

    assert next_state(state, event) is expected


def test_an_ended_run_stays_ended():
    ended = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.DISCARDED)

    assert all(next_state(state, event) is state for state in ended for event in Event)


def test_the_newest_run_comes_first_in_key_order():
    assert run_id(NOW + timedelta(seconds=1), "0") < run_id(NOW, "0")
