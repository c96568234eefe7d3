"""Storage is away in the middle of every kind of message: after it all is right, and nothing is told twice.

Storage that is refused for half a minute ends the host, and finished messages come again (facts/functions.md 11). Time
is the rig's: the host brings a failed message back after 30 s, and buries it after eight tries.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest

from errors import TryLater
from mapping.configuration import DeletionBehavior, RemovalGuard
from sync.messages import SCHEDULE, Forget, ForgetPerson, Prune, Start, TryPermission, read_message
from sync.messages import write_message as written
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, Stage
from workspace.run import Mode, Request, RunState, Trigger

_AGAIN_SECONDS = 30
_CALL_SECONDS = 2
"""What a call costs that is refused, with the SDK's own tries."""
_MOST_TRIES = 8


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=40, shape={"pageSize": 10})


@dataclass
class Outage:
    """From the n-th call on, tables and queue refuse everything for a while."""

    rig: object
    seconds: float
    number: int
    calls: int = 0
    until: object = None

    def __enter__(self):
        self.rig.services.tables.before_call = self.rig.queue.before_send = self._call

    def __exit__(self, *_):
        self.rig.services.tables.before_call = self.rig.queue.before_send = lambda _: None

    def _call(self, _):
        self.calls += 1
        if self.until is None and self.calls >= self.number:
            self.until = self.rig.clock() + timedelta(seconds=self.seconds)
        if self.until is not None and self.rig.clock() < self.until:
            self.rig.clock.offset += timedelta(seconds=_CALL_SECONDS)
            raise TryLater("storage did not answer (made to fail)")


async def serve(rig, *, again):
    """What the host does until no message is left. `again`: it ended, so that each finished message comes once more."""
    tried, finished = Counter(), set()
    while (at := rig.queue.next_at()) is not None:
        rig.clock.offset += timedelta(seconds=max(0.0, at - rig.clock().timestamp() + 0.001))
        text = rig.queue.take()
        tried[text] += 1
        try:
            await rig.services.dispatch.handle(read_message(text.encode()))
        except TryLater:
            if tried[text] < _MOST_TRIES:
                rig.queue.put(text, _AGAIN_SECONDS)
            else:
                await rig.services.dispatch.bury(text.encode())
            continue
        if again and text not in finished:
            finished.add(text)
            rig.queue.put(text, _AGAIN_SECONDS)


async def tick(rig):
    """The hour strikes: it finds whatever an outage has left."""
    rig.queue.put(written(Start(rig.workspace, Mode.DELTA, SCHEDULE)))
    await serve(rig, again=False)


async def told(rig):
    """How often the history tells of each contact, by outcome."""
    found = Counter()
    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    for run in runs:
        async for _, page in rig.services.workspaces.journal(rig.workspace, run.id):
            found.update((change.contact_id, change.outcome) for change in page.changes)
    return found


async def right(rig):
    """The list is the directory's, counters and history fit it, and nothing is told twice."""
    state = await rig.state()
    linked = await rig.linked()
    assert linked == rig.expected()
    assert (state.run, state.totals.linked, state.totals.contacts) == (None, len(linked), len(await rig.contacts()))
    assert set((await told(rig)).values()) <= {1}
    runs, _ = await rig.services.workspaces.history(rig.workspace, 100, "")
    assert all(run.state is not RunState.RUNNING for run in runs)
    audit, _ = await rig.services.workspaces.audit(rig.workspace, 100, "")
    assert len({(one.action, one.person) for one in audit}) == len(audit)


_SECONDS = (5, 30, 120)
EVERYWHERE = [
    pytest.param(number, _SECONDS[number % 3], id=f"call {number}, {_SECONDS[number % 3]} s") for number in range(1, 23)
]


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
@pytest.mark.parametrize("mode", [Mode.DELTA, Mode.FULL])
async def test_a_run_comes_out_right(rig, tenant, mode, number, seconds):
    """A scheduled run in slices: its start and its continuations."""
    await rig.connect(removal_guard=None, deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    people = sorted(rig.expected())
    tenant.do(*(("change", one, {"surname": "Newly-Married"}) for one in people[:12]))
    tenant.purge(*people[12:16])
    tenant.hire(givenName="New", mail="new@x.example")
    rig.queue.put(written(Start(rig.workspace, mode, SCHEDULE)))

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    await tick(rig)
    await right(rig)


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
async def test_approved_removals_come_out_right(rig, tenant, number, seconds):
    await rig.connect(removal_guard=RemovalGuard(2, 0), deletion_behavior=DeletionBehavior.HARD_DELETE)
    await rig.full()
    tenant.purge(*sorted(rig.expected())[:10])
    await rig.full()
    waiting = (await rig.state()).waiting
    await rig.services.requests.approve(rig.workspace, waiting.id)

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    await tick(rig)
    await right(rig)


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
async def test_a_new_permission_comes_out_right(rig, tenant, number, seconds):
    record = entry(Action.CONNECTED, "ada", "Ada", rig.clock())
    tenant.consent(given=False)
    await rig.services.connecting.connect(rig.workspace, tenant.id, "Contoso", "Ada", record)
    tenant.consent(given=True)
    rig.queue.put(written(TryPermission(rig.workspace)))

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    connection, _ = await rig.services.workspaces.load(rig.workspace)
    audit, _ = await rig.services.workspaces.audit(rig.workspace, 100, "")
    assert (connection.stage, [one.action for one in audit]) == (Stage.GRANTED, [Action.CONNECTED])


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
@pytest.mark.parametrize("contacts", ContactsOnDisconnect)
async def test_a_disconnect_comes_out_right(rig, contacts, number, seconds):
    await rig.connect()
    await rig.full()
    people = len(await rig.contacts())
    record = entry(Action.DISCONNECTED, "ada", "Ada", rig.clock())
    await rig.services.connecting.disconnect(rig.workspace, contacts, record)

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    connection, state = await rig.services.workspaces.load(rig.workspace)
    audit, _ = await rig.services.workspaces.audit(rig.workspace, 100, "")
    kept = people if contacts is ContactsOnDisconnect.KEEP else 0
    assert (connection.stage, len(await rig.contacts()), await rig.linked()) == (Stage.NONE, kept, {})
    assert (state.totals.contacts, state.totals.linked, len(audit)) == (kept, 0, 1)


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
async def test_pruning_comes_out_right(rig, number, seconds):
    await rig.connect()
    old = await rig.full()
    rig.clock.offset += timedelta(days=91)
    rig.queue.put(written(Prune(rig.workspace)))

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    assert await rig.services.workspaces.history(rig.workspace, 100, "") == ([], "")
    assert await rig.services.workspaces.journal_page(rig.workspace, old.id, 0) is None
    assert await rig.linked() == rig.expected()


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
@pytest.mark.parametrize("kind", [Forget, ForgetPerson])
async def test_forgetting_comes_out_right(rig, kind, number, seconds):
    await rig.connect()
    await rig.full()
    someone = min(rig.expected())
    message = Forget(rig.workspace) if kind is Forget else ForgetPerson(rig.workspace, someone)
    rig.queue.put(written(message))

    with Outage(rig, seconds, number):
        await serve(rig, again=True)

    if kind is Forget:
        assert [row for _, row in rig.services.tables.rows() if rig.workspace in f"{row}"] == []
    else:
        assert await rig.linked() == {one: fields for one, fields in rig.expected().items() if one != someone}
        assert someone not in {contact for contact, _ in await told(rig)}


@pytest.mark.parametrize(("number", "seconds"), EVERYWHERE)
async def test_poison_comes_out_right(rig, number, seconds):
    """The run of a message that failed every time ends with its reason, or the next hour takes it up."""
    await rig.connect()
    asked = await rig.services.requests.request(Request(rig.workspace, Mode.FULL, Trigger.MANUAL, "ada"))
    text = rig.queue.take()

    with Outage(rig, seconds, number):
        await rig.services.dispatch.bury(text.encode())

    await tick(rig)
    assert (await rig.run(asked.id)).state in (RunState.FAILED, RunState.COMPLETED)
    await tick(rig)
    await right(rig)
