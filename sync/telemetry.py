"""What a run tells about itself: one trace over all its slices, and metrics (docs/operations.md lists them).

Only OpenTelemetry's API: in Azure the worker brings Azure Monitor's exporter, elsewhere `local/host/exporters.py` may
bring another, and without one all of this does next to nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry import context, metrics, trace

from workspace.run import Counts, Mode, Run, RunState

_tracer = trace.get_tracer("emu.chat.entra")
_meter = metrics.get_meter("emu.chat.entra")
_TOLD = frozenset({RunState.AWAITING_APPROVAL, RunState.COMPLETED, RunState.FAILED})

_QUIET: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
"""A conflict, a throttled request or an expired link leaves a span as an exception and is none: each would be a row of
AppExceptions, which is an alarm. What no one caught is told by the worker, once."""

_runs = _meter.create_counter("emu.sync.runs", description="Runs that ended, or wait for approval")
_read = _meter.create_counter("emu.sync.people_read")
_written = _meter.create_counter("emu.sync.contacts_written")
_removed = _meter.create_counter("emu.sync.contacts_removed", description="Deleted or unlinked")
_skipped = _meter.create_counter("emu.sync.people_skipped")
_requests = _meter.create_counter("emu.graph.requests")
_throttled = _meter.create_counter("emu.graph.throttled_seconds", "s")
_link_age = _meter.create_histogram("emu.sync.delta_link_age", "s")
_message_age = _meter.create_histogram("emu.queue.age", "s")
_poisoned = _meter.create_counter("emu.queue.poisoned")
_rejected = _meter.create_counter("emu.credential.rejected")
_exported = _meter.create_histogram("emu.export.workspaces", description="Workspaces of a daily export that ended")
_events_wait = _meter.create_counter("emu.events.wait", description="Timer visits that left events in the outbox")
_events_late = _meter.create_counter("emu.events.sent_late", description="Events that only the timer's visit sent")
_rung = _meter.create_counter("emu.doorbell.rung", description="Change notifications, by what became of them")
_to_list = _meter.create_histogram(
    "emu.doorbell.to_list", "s", "From a notification to the end of the slice it asked for"
)
_subscriptions = _meter.create_counter("emu.doorbell.subscriptions", description="Looked after, by how they stand")
_workspaces = _meter.create_histogram("emu.schedule.workspaces", description="Workspaces that the timer visited")


@contextmanager
def slice_span(workspace: str, run: Run) -> Iterator[None]:
    """A slice of a run. All slices of one run share a trace, whose id is the run's, hashed."""
    digest = hashlib.blake2b(run.id.encode(), digest_size=24).digest()
    root = trace.SpanContext(
        int.from_bytes(digest[:16]),
        int.from_bytes(digest[16:]),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    # No such span was ever sent. It only gives all slices of a run the same trace id.
    parent = trace.set_span_in_context(trace.NonRecordingSpan(root), context.Context())
    attributes = {"workspace": workspace, "run": run.id, "mode": run.mode.value, "step": run.step}
    with _tracer.start_as_current_span("slice", context=parent, attributes=attributes, **_QUIET):
        yield


@contextmanager
def span(name: str, **attributes: int) -> Iterator[None]:
    """A part of a slice: `page`, `plan` or `write`, with its counts. One that has nothing to do is not told.

    An idle run would else send a third more, and idle runs are nearly all of them.
    """
    if 0 in attributes.values():
        yield
        return
    with _tracer.start_as_current_span(name, attributes=attributes, **_QUIET):
        yield


def slice_ended(before: Counts, run: Run, graph_requests: int) -> None:
    """Count what a slice did, and its run if that ended."""
    did = run.counts - before
    for counter, count in (
        (_read, did.read),
        (_written, did.added + did.linked + did.updated),
        (_removed, did.removed + did.unlinked),
        (_skipped, did.skipped),
        (_requests, graph_requests),
    ):
        if count > 0:
            counter.add(count)
    if run.state in _TOLD:
        run_ended(run.state, run.mode)


def run_ended(state: RunState, mode: Mode) -> None:
    _runs.add(1, {"outcome": state.value, "mode": mode.value})


def delta_began(last_completed_at: datetime | None, now: datetime) -> None:
    if last_completed_at is not None:
        _link_age.record((now - last_completed_at).total_seconds())


def throttled(seconds: float) -> None:
    _throttled.add(seconds)


def message_came(seen_first: datetime | None, now: datetime) -> None:
    if seen_first is not None:
        _message_age.record(max(0.0, (now - seen_first).total_seconds()))


def poisoned() -> None:
    _poisoned.add(1)


def credential_rejected() -> None:
    _rejected.add(1)


def exported(workspaces: int, *, whole: bool) -> None:
    """A daily export ended; not whole when workspaces are missing in it."""
    _exported.record(workspaces, {"whole": whole})


def events_wait() -> None:
    _events_wait.add(1)


def events_sent_late(count: int) -> None:
    if count:
        _events_late.add(count)


def rung(outcome: str, times: int = 1) -> None:
    """`taken`, `forged` (or of an ended subscription), or `unreadable`."""
    if times:
        _rung.add(times, {"outcome": outcome})


def doorbell_to_list(seconds: float) -> None:
    _to_list.record(max(0.0, seconds))


def subscription(state: str) -> None:
    """`made`, `kept`, `lost`, `refused`, or `failed`."""
    _subscriptions.add(1, {"state": state})


def scheduled(workspaces: int) -> None:
    _workspaces.record(workspaces)
