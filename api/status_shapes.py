"""What callers are told of the state of a workspace's sync (spec §6, §7)."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from api.moments import Moment
from api.run_shapes import RunShape, run_shape
from workspace.connection import Stage
from workspace.run import RunError, RunState
from workspace.state import Bell, SyncState, Totals, Verification, WhyNotLive


class Activity(StrEnum):
    """The connection's sync state (spec §6)."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    FAILED = "failed"


class VerificationShape(msgspec.Struct, frozen=True):
    """The last full run that completed: over how many people, and what it changed that no delta had told of."""

    at: Moment
    people: int
    drift: int
    run: str | None


def _verification(verified: Verification | None) -> VerificationShape | None:
    return msgspec.convert(verified, VerificationShape, from_attributes=True) if verified else None


class DayShape(msgspec.Struct, frozen=True):
    """A day of UTC, and how many contacts runs brought in or linked, changed, and took out or unlinked."""

    day: date
    came: int
    updated: int
    gone: int


class Live(msgspec.Struct, frozen=True):
    """Change notifications are on; their subscription is renewed before this."""

    until: Moment


class LiveReason(msgspec.Struct, frozen=True):
    """Why changes do not come within seconds, in plain words, and what helps."""

    code: WhyNotLive
    text: str


class StatusShape(msgspec.Struct, frozen=True, rename="camel"):
    """The Sync Status area.

    `waitingRun`, the run whose removals wait for approval, and `interrupted` go beyond spec §7: the run's worker died,
    and another one resumes it within a minute. `live` tells until when change notifications are on, else `liveReason`
    why they are not. So do `changedLately`, the contacts that runs changed in 24 hours, and
    `changedByDay`, the days of a month in which runs changed any.
    """

    state: Activity
    interrupted: bool
    totals: Totals
    current_run: RunShape | None
    waiting_run: RunShape | None
    last_run: RunShape | None
    last_started_at: Moment | None
    last_completed_at: Moment | None
    next_run_at: Moment | None
    verification: VerificationShape | None
    changed_lately: int
    changed_by_day: list[DayShape]
    live: Live | None
    live_reason: LiveReason | None
    last_error: RunError | None


def status_shape(
    stage: Stage, state: SyncState, people_did: Totals, next_run_at: datetime | None, now: datetime, *, notified: bool
) -> StatusShape:
    """The status of a workspace.

    `people_did`: what people themselves added to the list and took from it. `notified`: whether this installation takes
    change notifications.
    """
    run, waiting = state.run, state.waiting
    return StatusShape(
        state_of(state),
        state.interrupted(now),
        totals_of(state, people_did),
        run_shape(run) if run else None,
        run_shape(waiting) if waiting else None,
        run_shape(state.last) if state.last else None,
        state.last_started_at,
        state.last_completed_at,
        next_run_at,
        _verification(state.verification),
        state.activity.last_hours(now),
        [
            DayShape(date.fromisoformat(name), day.came, day.updated, day.gone)
            for name, day in state.activity.last_days(now).items()
        ],
        *_live(stage, state.bell, now, notified=notified),
        state.last.error if state.last else None,
    )


def totals_of(state: SyncState, people_did: Totals) -> Totals:
    """What is in the list. `people_did`: what people themselves added to it and took from it."""
    run, totals = state.run, state.totals
    if run is not None:
        # Before the run ends, so that people see a first sync fill the list.
        totals = totals.after(run.counts - run.totalled)
    return Totals(totals.contacts + people_did.contacts, totals.linked + people_did.linked)


_WHY_NOT_LIVE = {
    WhyNotLive.PAUSED: "Syncing is paused. Changes come again once an administrator resumes it.",
    WhyNotLive.NOT_SYNCING: "Nothing syncs yet.",
    WhyNotLive.OFF: "emu.chat does without Microsoft's change notifications here. The hourly sync brings changes.",
    WhyNotLive.SOON: "Microsoft is asked for change notifications by the next run.",
    WhyNotLive.LAPSED: "Microsoft's change notifications ran out. The next run asks for them again.",
    WhyNotLive.QUOTA: "Microsoft gives this organisation no change notifications, or no more of them. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.UNREACHABLE: "Microsoft could not reach emu.chat's address. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.REFUSED: "Microsoft refuses change notifications. "
    "emu.chat asks again each day; the hourly sync brings changes meanwhile.",
    WhyNotLive.NO_ANSWER: "Microsoft did not answer. The next run asks for change notifications again.",
}


def _live(stage: Stage, bell: Bell | None, now: datetime, *, notified: bool) -> tuple[Live | None, LiveReason | None]:
    if stage is Stage.ACTIVE and bell is not None and bell.until is not None and bell.until > now:
        return Live(bell.until), None
    code = _why_not_live(stage, bell, notified=notified)
    return None, LiveReason(code, _WHY_NOT_LIVE[code])


def _why_not_live(stage: Stage, bell: Bell | None, *, notified: bool) -> WhyNotLive:
    if stage is not Stage.ACTIVE:
        return WhyNotLive.PAUSED if stage is Stage.PAUSED else WhyNotLive.NOT_SYNCING
    if not notified:
        return WhyNotLive.OFF
    if bell is None:
        return WhyNotLive.SOON
    if bell.id is not None:
        return WhyNotLive.LAPSED
    return bell.why or WhyNotLive.REFUSED


def state_of(state: SyncState) -> Activity:
    if state.run is not None:
        return Activity(state.run.state.value)
    if state.waiting is not None:
        return Activity.AWAITING_APPROVAL
    if state.last is not None and state.last.state is RunState.FAILED:
        return Activity.FAILED
    return Activity.IDLE
