"""Writes docs/events.md from the shapes of workspace/events.py, with an example of each; `--check` only compares."""

import inspect
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import UNSET

from sync.messages import EVENTS_QUEUE
from workspace.connection import ContactsOnDisconnect, ListId
from workspace.events import (
    FAILURES_TOLD,
    KINDS,
    CloudEvent,
    Connected,
    Disconnected,
    ListChanged,
    Paused,
    PeopleSkipped,
    PermissionLost,
    RemovalsWaiting,
    Resumed,
    RunFailed,
    Told,
    type_of,
)
from workspace.run import RunError

PAGE = Path(__file__).parents[2] / "docs" / "events.md"

_LIST, _TENANT = ListId("9b5e0c52-6d0f-4c53-9d57-3f3f0d3c5a11"), "b2f6a3f0-7a53-4f0e-9f7e-2d9a5a3c1e77"
_BROKEN = RunError("foreign_link", "Microsoft's answer pointed to another address.", "Try Full Resync.")
EXAMPLES: dict[type[Told], Told] = {
    Connected: Connected(_LIST, _TENANT),
    Disconnected: Disconnected(_LIST, ContactsOnDisconnect.KEEP),
    PermissionLost: PermissionLost(_LIST, _TENANT),
    RemovalsWaiting: RemovalsWaiting(_LIST, 240),
    RunFailed: RunFailed(_LIST, failing=True, error=_BROKEN),
    PeopleSkipped: PeopleSkipped(_LIST, 2),
    Paused: Paused(_LIST),
    Resumed: Resumed(_LIST),
    ListChanged: ListChanged(_LIST, added=3, linked=0, updated=12, removed=0, unlinked=1),
}
_OF_A_RUN = (RemovalsWaiting, RunFailed, PeopleSkipped, ListChanged)


def page() -> str:
    parts = [_opening(), *(_chapter(kind) for kind in KINDS)]
    return "\n".join(parts)


def _opening() -> str:
    fields = ", ".join(f"`{one.name}`" for one in msgspec.structs.fields(CloudEvent))
    return f"""# Events

Made by `make events` from `workspace/events.py`. What emu.chat should know goes to the queue `{EVENTS_QUEUE}` of the
app's own storage, as CloudEvents 1.0 (JSON, in Base64 as every message of the host's): {fields}.
`source` is the workspace, `subject` the run, where an event is of one. `data` holds what follows, and nothing about a
person.

Each event comes at least once: it is written in the transaction of what it tells of, sent after, and sent again by the
hourly timer where the process died or the queue was away. A copy has the same `id`. Their order is that of `time`, not
of the queue. `run_failed` comes with failure number {FAILURES_TOLD} in a row, and once when a run gets through again.
"""


def _chapter(kind: type[Told]) -> str:
    run = "8204341679762-614bcf35" if kind in _OF_A_RUN else UNSET
    told = msgspec.to_builtins(EXAMPLES[kind])
    event = CloudEvent(
        "0d4f7a52c1e94c0f8a4f4b7f0a3b9c11",
        "/workspaces/w-1",
        type_of(kind),
        datetime(2026, 11, 26, 9, tzinfo=UTC),
        told,
        run,
    )
    example = json.dumps(json.loads(event.json()), indent=2, ensure_ascii=False)
    return f"## {type_of(kind)}\n\n{inspect.getdoc(kind)}\n\n```json\n{example}\n```\n"


def main() -> int:
    if "--check" in sys.argv:
        return int(PAGE.read_text() != page())
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
