"""The stages of a connection's life, whole (spec §2)."""

import pytest

from workspace.connection import NEXT, ConnectionEvent, Stage, WorkspaceId, next_stage, place_of

LIFE = [
    (Stage.NONE, ConnectionEvent.JOINED, Stage.SPREADING),
    (Stage.SPREADING, ConnectionEvent.LET_IN, Stage.GRANTED),
    (Stage.SPREADING, ConnectionEvent.RESUMED, Stage.ACTIVE),
    (Stage.SPREADING, ConnectionEvent.GAVE_UP, Stage.REFUSED),
    (Stage.REFUSED, ConnectionEvent.JOINED, Stage.SPREADING),
    (Stage.GRANTED, ConnectionEvent.CONFIGURED, Stage.ACTIVE),
    (Stage.ACTIVE, ConnectionEvent.CONFIGURED, Stage.ACTIVE),
    (Stage.ACTIVE, ConnectionEvent.CONSENT_LOST, Stage.LOST),
    (Stage.LOST, ConnectionEvent.JOINED, Stage.SPREADING),
    (Stage.ACTIVE, ConnectionEvent.JOINED, Stage.ACTIVE),
    (Stage.ACTIVE, ConnectionEvent.KEPT_OUT, Stage.SPREADING),
    (Stage.ACTIVE, ConnectionEvent.PAUSED, Stage.PAUSED),
    (Stage.PAUSED, ConnectionEvent.CONFIGURED, Stage.PAUSED),
    (Stage.PAUSED, ConnectionEvent.JOINED, Stage.PAUSED),
    (Stage.PAUSED, ConnectionEvent.RESUMED, Stage.PAUSED),
    (Stage.PAUSED, ConnectionEvent.UNPAUSED, Stage.ACTIVE),
    (Stage.PAUSED, ConnectionEvent.DISCONNECTED, Stage.CLOSING),
    (Stage.ACTIVE, ConnectionEvent.DISCONNECTED, Stage.CLOSING),
    (Stage.CLOSING, ConnectionEvent.CLOSED, Stage.NONE),
]


@pytest.mark.parametrize(("before", "event", "after"), LIFE)
def test_a_step_of_its_life(before, event, after):
    assert next_stage(before, event) is after


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("event", list(ConnectionEvent))
def test_an_event_that_does_not_fit_leaves_the_stage_alone(stage, event):
    assert next_stage(stage, event) is NEXT.get((stage, event), stage)


def test_nothing_but_the_end_of_its_contacts_leaves_closing():
    assert {event for stage, event in NEXT if stage is Stage.CLOSING} == {ConnectionEvent.CLOSED}


def test_workspaces_spread_over_a_span_each_at_its_own_place():
    places = [place_of(WorkspaceId(f"w-{n}"), 3600) for n in range(1000)]

    assert places == [place_of(WorkspaceId(f"w-{n}"), 3600) for n in range(1000)]
    assert max(sum(place // 360 == tenth for place in places) for tenth in range(10)) < 150
