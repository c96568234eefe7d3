"""Random histories on the real stack, with faults, redeliveries and dying workers, against the model (spec §3 to §6).

HISTORIES sets how many; `make soak` runs thousands. Workers die inside a storage call, before it is sent: between any
two writes of a slice. What the message, the clock and the next worker then do is what the host and the timer do.
"""

import asyncio
import itertools
import os
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from msgspec.structs import replace

from contacts.contact import ContactId, Link, own_contact_id
from contacts.edit_store import EditStore
from contacts.edits import created, edited, removed
from errors import TryLater
from limits import LEASE
from mapping.configuration import Configuration, ConflictResolution, DeletionBehavior, FieldMapping
from sync.messages import Continue, Start
from tests.flaky import AwayQueue, FlakyStorage
from tests.histories import DIRECTORY_FIELDS, FAULTY_HISTORY, ONE_OF_EACH, STORAGE_FAULTS, pick, play_on_model, progress
from tests.model import MAPPING, Model
from tests.rig import Killed, close_rig, make_rig
from workspace.run import Mode, RunState, Trigger

EXAMPLES = int(os.environ.get("HISTORIES", "300"))
_MAPPINGS = tuple(FieldMapping(source, target) for source, target in MAPPING.items())
_LONGEST_RUN = 60
FAULT_KINDS = {
    "killed",
    "paused",
    "429 1",
    "429 0",
    "429 3600",
    "429 http-date:2",
    "429 None",
    "500 None",
    "502 None",
} | {
    *(f"storage {fault}" for fault in STORAGE_FAULTS),
    *("queue away", "refused by storage", "stall"),
    *("503 None", "504 None", "403 None", "reset", "truncated", "malformed", "claims", "410 None", "400 None"),
}
met = Counter()


class Stack:
    """The engine, and the model beside it. `door`: what stands before its storage, where the history spoils that."""

    def __init__(self, rig, door=None):
        self.rig = rig
        self.door = door
        self.spoiled = {}
        self.dispatch = rig.services.dispatch
        self.model = Model()
        self.edits = EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)
        self.kill = None
        self.known = set()

    async def take(self, step):
        play_on_model(self.model, step)
        match step:
            case ("hire", who, values) if who in self.known:
                # An object id is never another user's: whoever has it comes back, and what was set is told as null.
                self.rig.tenant.do(("restore", who), ("change", who, dict.fromkeys(DIRECTORY_FIELDS) | values))
            case ("hire", who, values):
                self.rig.tenant.do(("hire", {**values, "id": who}))
                self.known.add(who)
            case ("change", who, values) if who in self.known and self.model.users[who] is not None:
                self.rig.tenant.change(who, **values)
                self.known.add(who)
            case ("leave", who) if who in self.known:
                self.rig.tenant.remove(who)
                self.known.add(who)
            case ("configure", choices):
                await self.configure(choices)
            case ("add", fields) if any(fields.values()):
                contact = created(own_contact_id(), fields, self.stamp())
                await self.edits.add(self.rig.partition, contact)
                self.model.add(**fields).own_id = contact.id
            case ("edit", nth, fields) if (card := pick(self.model, nth)) is not None:
                await self.edits.change(
                    self.rig.partition, await self.id_of(card), lambda it: edited(it, fields, self.stamp())
                )
                self.model.edit(card, **fields)
            case ("drop", nth) if (card := pick(self.model, nth)) is not None:
                await self.edits.change(
                    self.rig.partition, await self.id_of(card), lambda it: removed(it, self.stamp())
                )
                self.model.drop(card)
            case ("fault", {"expire": shape}):
                self.rig.tenant.expire(shape)
                self.model.look_at_all = True
            case ("fault", fault):
                self.rig.tenant.fault("delta", **fault)
            case ("storage", kind, number):
                self.spoiled = {str(number): kind}
            case ("queue away",):
                self.dispatch = self.rig.with_worker(queue=AwayQueue())
            case ("run", full, kill):
                await self.run(full=full, kill=kill)

    def stamp(self):
        return self.rig.clock().isoformat().replace("+00:00", "Z")

    async def id_of(self, card):
        wanted = card.user or card.own_id
        return next(ContactId(one.id) for one in await self.rig.rows() if (one.source_id or one.id) == wanted)

    async def configure(self, choices):
        def save(connection, state):
            chosen = replace(
                connection.configuration,
                version=connection.configuration.version + 1,
                conflict_resolution=ConflictResolution.KEEP_LOCAL
                if choices["keep_local"]
                else ConflictResolution.SOURCE_WINS,
                deletion_behavior=DeletionBehavior.HARD_DELETE if choices["hard_delete"] else DeletionBehavior.UNLINK,
                include_guests=choices["include_guests"],
                include_disabled=choices["include_disabled"],
            )
            return replace(connection, configuration=chosen), state, ()

        await self.rig.services.workspaces.update(self.rig.workspace, save)

    async def run(self, *, full, kill):
        asked = await self.rig.ask(Mode.FULL if full else Mode.DELTA, Trigger.MANUAL)
        message = Continue(self.rig.workspace, asked.id, 0)
        self.kill = kill
        for _ in range(_LONGEST_RUN):
            run = await self.rig.run(asked.id)
            if not run.going:
                break
            await self.deliver(run, message)
            # A message comes twice; or late, with a step that is long past.
            message = Start(self.rig.workspace) if run.step % 2 else Continue(self.rig.workspace, run.id, run.step)
        await self.rig.queue.clear_messages()
        assert run.state is RunState.COMPLETED, run.error
        self.check_counts(run)
        met["refused by storage"] += run.counts.skipped
        full = run.mode is Mode.FULL
        self.model.run(full=full)

    async def deliver(self, run, message):
        self.rig.kill_before = self.kill
        if self.door is not None:
            self.door.spoil(**self.spoiled)
        try:
            await self.dispatch.handle(message)
        except Killed:
            met["killed"] += 1
            self.rig.clock.offset += LEASE + timedelta(seconds=1)
        except TryLater:
            met["queue away" if self.dispatch is not self.rig.services.dispatch else "tried later"] += 1
            # A lease that could not be given back runs out by itself.
            self.rig.clock.offset += LEASE + timedelta(seconds=1)
        finally:
            self.kill, self.rig.kill_before = self.rig.kill_before, None
            self.spoiled, self.dispatch = {}, self.rig.services.dispatch
            if self.door is not None:
                self.door.plan.clear()
        if run.resume_at is not None:
            met["paused"] += 1
            self.rig.clock.offset += timedelta(seconds=3601)

    @staticmethod
    def check_counts(run):
        counts = run.counts
        assert (
            min(counts.added, counts.updated, counts.linked, counts.unchanged, counts.removed, counts.unlinked) >= 0
        ), counts

    async def shown(self):
        return {
            one.source_id or one.id: (one.link is Link.LINKED, dict(one.fields))
            for one in await self.rig.rows()
            if one.link is not Link.REMOVED
        }

    async def check(self):
        shown = await self.shown()
        assert shown == self.model.shown()
        state, tally = await self.rig.state(), await self.rig.services.contacts.tally(self.rig.partition)
        assert state.totals.contacts + tally.contacts == len(shown)
        assert state.totals.linked + tally.linked == sum(linked for linked, _ in shown.values())


@pytest.fixture(scope="session")
def storage(azurite):
    """An account for some hundred histories, then the next one: Azurite gets slower the more an account holds."""
    number = itertools.count()
    return lambda: azurite.connection_string(f"account{1380 + next(number) // 200 % 100:04d}")


async def play(directory, storage, history):
    account, kinds = storage(), {step[0] for step in history}
    door = await FlakyStorage(account).open() if "storage" in kinds else None
    rig = await make_rig(door.connection_string if door else account, directory.settings(), directory.control.tenant())
    try:
        await rig.connect(field_mappings=_MAPPINGS, removal_guard=None)
        if any(step[0] == "fault" and step[1].get("kind") == "stall" for step in history):
            rig.services.graph.longest_request_seconds = 0.5
        stack = Stack(rig, door)
        for step in history:
            await stack.take(step)
            if step[0] == "run":
                await stack.check()
        met.update(rig.tenant.state()["faultsMet"])
    finally:
        await close_rig(rig)
        if door is not None:
            met.update({f"storage {kind}": times for kind, times in door.met.items()})
            await door.close()


def test_every_history_ends_in_the_list_that_the_spec_says(directory, storage):
    assert Configuration().removal_guard is not None
    tell = progress("histories on real parts", EXAMPLES)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(FAULTY_HISTORY)
    def every(history):
        asyncio.run(play(directory, storage, history))
        tell()

    for history in ONE_OF_EACH:
        every = example(history)(every)
    every()
    print(f"\n{EXAMPLES} histories met: {dict(sorted(met.items()))}")
    assert met["killed"] > EXAMPLES // 10
    assert not FAULT_KINDS - set(met), "some kinds of faults were never met"
