"""Drives a history: each step on the engine and on the model, and after each run both are compared (spec §3 to §6)."""

import asyncio
import contextlib
from datetime import timedelta

from msgspec.structs import replace

from contacts.contact import ContactId, Link, index_keys, name_keys, new_contact_id, own_contact_id
from contacts.edit_journal import EDIT_PREFIX, stamp_of
from contacts.edit_store import EditStore
from contacts.edits import created, edited, removed
from contacts.names import place_of
from contacts.store import TALLY_KEY
from errors import TryLater
from limits import LEASE, WEEK
from local.microsoft.odd_text import as_read
from mapping.configuration import ConflictResolution, DeletionBehavior, FieldMapping, Operator, ScopeRule
from mapping.phones import PhoneNumbers
from sync.messages import SCHEDULE, Continue, Start
from sync.requests import Paused
from tests.bells import Bells
from tests.flaky import AwayQueue
from tests.histories import DIRECTORY_FIELDS, pick
from tests.model import MAPPING, Model
from tests.rig import Killed
from tests.undos import Undos
from workspace.audit import Action, entry
from workspace.connection import Stage
from workspace.edits import EditKind
from workspace.journal import Outcome
from workspace.run import Mode, RunState, Trigger

MAPPINGS = tuple(FieldMapping(source, target) for source, target in MAPPING.items())
_MOST_DELIVERIES = 80
_MOST_REQUESTS = 200
"""Of a run, before a round that does not end has ended it."""
_REASONS = {"round_broken", "foreign_link", "consent_lost", "worker_died", "gave_up"}


class Stack:
    """One history's engine, and the model beside it. `met` counts what happened, over all histories."""

    def __init__(self, world, met):
        self.world, self.rig, self.met = world, world.rig, met
        self.model = Model()
        self.edits = EditStore(self.rig.services.tables, self.rig.services.contacts, self.rig.clock.sleep)
        self.dispatch = self.rig.services.dispatch
        self.spoiled = None
        self.away = None
        self.kills = []
        self.trouble = None
        self.messages = []
        self.ended = set()
        self.failures = []
        self.orphans = []
        self.undos = Undos(self)
        self.incomplete = False
        self.paused = False
        self.late = set()
        self.bells = Bells(self)

    async def take(self, step):
        self.met[step[0]] += 1
        match step:
            case ("run" | "twice" | "orphan" | "hidden", *_) if self.paused:
                await self.is_refused()
            case ("hire" | "change" | "leave", who, *_) | ("missed" | "late", *_, (_, who, *_)) if who in self.late:
                pass  # What comes next would be told late, too, or the late thing with it.
            case ("hire" | "change" | "leave", who, *_):
                self.happen(step, missed=who in self.model.missed)
            case ("late", rounds, (_, who, *_) as told) if who not in self.model.missed | self.model.unheard:
                self.happen(told, missed=True, late=rounds)
            case ("missed", ("hire" | "change" | "leave", who, *_) as told):
                # What is still to be told of a person would be told with it.
                self.happen(told, missed=who not in self.model.unheard)
            case ("configure", choices):
                await self.configure(choices)
            case ("add", fields) if any(fields.values()):
                contact = created(own_contact_id(), fields, self.stamp(), "p")
                await self.edits.add(self.rig.partition, contact)
                self.model.add(**fields).own_id = contact.id
                self.undos.note_edit(EditKind.ADDED, contact.created_at)
            case ("edit", nth, fields) if (card := pick(self.model, nth)) is not None:
                at = await self.edit(card, lambda it, at: edited(it, fields, at, "p"))
                if self.model.edit(card, **fields):
                    self.undos.note_edit(EditKind.CHANGED, at)
            case ("drop", nth) if (card := pick(self.model, nth)) is not None:
                at = await self.edit(card, lambda it, at: removed(it, at, "p"))
                self.model.drop(card)
                self.undos.note_edit(EditKind.REMOVED, at)
            case ("shape", shape):
                self.rig.tenant.shape(**shape)
            case ("fault", {"expire": shape}):
                self.met[f"expire {shape}"] += 1
                self.rig.tenant.expire(shape)
            case ("fault", fault):
                self.rig.tenant.fault("delta", **fault)
            case ("storage", kind, number):
                self.spoiled = (kind, number)
            case ("outage", number, deliveries):
                self.away = [number, deliveries]
            case ("queue away",):
                self.dispatch = self.rig.with_worker(queue=AwayQueue())
            case ("ends", trouble):
                self.let_end(trouble)
            case _:
                await self.take_run(step)
        await self.let_orphans_go()
        await self.bells.let_late_ones_come()

    async def take_run(self, step):
        match step:
            case ("run", full, kills):
                self.kills = list(kills)
                await self.run(full=full)
            case ("twice", full):
                await self.run(full=full, at_once=2)
            case ("orphan", full, number, patience):
                await self.let_orphans_go(all_of_them=True)
                await self.run(full=full, hold=(number, patience))
            case ("hidden", hidden):
                # accountEnabled is not told to a full run, and is told to the next one.
                self.rig.tenant.shape(account_enabled=hidden)
                self.model.enabled_untold = hidden != "missing_later"
                await self.run(full=True)
                self.rig.tenant.shape(account_enabled="told")
                self.model.enabled_untold = False
                await self.run(full=True)
            case ("tick",):
                await self.hear(Start(self.rig.workspace, Mode.DELTA, SCHEDULE))
            case ("week",):
                self.rig.clock.offset += WEEK
                await self.hear(Start(self.rig.workspace, Mode.DELTA, SCHEDULE))
            case ("undo", nth, again, kills):
                await self.let_orphans_go(all_of_them=True)
                await self.undos.of_a_run(nth, kills, again=again)
            case ("undo edits", nth, again, kills):
                await self.let_orphans_go(all_of_them=True)
                await self.undos.of_edits(nth, kills, again=again)
            case ("ring", kind, patience):
                await self.bells.take(kind, patience)
            case ("pause",):
                await self.pause()
            case ("resume",) if self.paused:
                await self.resume()
            case ("pause in a run", full, number) if not self.paused:
                await self.pause_in_a_run(full=full, number=number)
            case ("old", nth) if self.messages:
                await self.hear(self.messages[nth % len(self.messages)])

    # The directory and emu.chat.

    def happen(self, step, *, missed, late=None):
        match step:
            case ("hire", who, values) if who in self.model.users:
                # An object id is never another user's: whoever has it comes back, and what was set is told as null.
                nulls = dict.fromkeys(DIRECTORY_FIELDS) | {"accountEnabled": True}
                self.tell([("restore", who), ("change", who, nulls | values)], missed=missed, late=late)
                self.model.come_back(who, **_read(values))
            case ("hire", who, values):
                always = {"id": who, "userPrincipalName": f"{who[-2:]}@x.example", "accountEnabled": True}
                self.tell([("hire", always | values)], missed=missed, late=late)
                self.model.hire(who, **_read(values))
            case ("change", who, values) if self.model.users.get(who) is not None:
                self.tell([("change", who, values)], missed=missed, late=late)
                self.model.change(who, **_read(values))
            case ("leave", who) if self.model.users.get(who) is not None:
                self.tell([("remove", who)], missed=missed, late=late)
                self.model.leave(who)
        if missed:
            self.model.miss(step[1])
        if late is not None and self.is_late(step[1]):
            self.late.add(step[1])

    def tell(self, steps, *, missed, late):
        how = ("late", late) if late is not None else ("missed",) if missed else ()
        self.rig.tenant.do(*[(*how, *step) for step in steps])

    def is_late(self, who):
        return who in self.rig.tenant.state()["late"]

    def hear_late(self):
        """A round that has just ended told of those of whom earlier ones did not."""
        for who in [one for one in self.late if not self.is_late(one)]:
            self.late.discard(who)
            self.met["told late"] += 1
            self.model.missed.discard(who)
            self.model.unheard.add(who)

    async def edit(self, card, decide):
        """A person edits a contact; when."""
        wanted = card.user or card.own_id
        contact_id = next(ContactId(one.id) for one in await self.rig.rows() if (one.source_id or one.id) == wanted)
        at = self.stamp()
        await self.edits.change(self.rig.partition, contact_id, lambda it: decide(it, at), at, "p")
        return at

    def stamp(self):
        # No two edits are at the same moment.
        self.rig.clock.offset += timedelta(microseconds=1)
        return stamp_of(self.rig.clock())

    async def configure(self, choices):
        for name, value in choices.items():
            setattr(self.model, name, value)
        wins, unlink = ConflictResolution.SOURCE_WINS, DeletionBehavior.UNLINK
        chosen = {
            "conflict_resolution": ConflictResolution.KEEP_LOCAL if choices["keep_local"] else wins,
            "deletion_behavior": DeletionBehavior.HARD_DELETE if choices["hard_delete"] else unlink,
            "include_guests": choices["include_guests"],
            "include_disabled": choices["include_disabled"],
            "scope_rules": tuple(
                ScopeRule(name, Operator(kind), tuple(values)) for name, kind, *values in self.model.rules
            ),
            "excluded_people": tuple(self.model.excluded),
            "phone_numbers": PhoneNumbers.E164 if self.model.e164 else PhoneNumbers.AS_WRITTEN,
        }
        self.met["numbers in international form"] += self.model.e164
        self.met["rules"] += bool(self.model.rules)
        self.met["excluded"] += bool(self.model.excluded)

        def save(connection, state):
            version = connection.configuration.version + 1
            return (
                replace(connection, configuration=replace(connection.configuration, version=version, **chosen)),
                state,
                (),
            )

        await self.rig.services.workspaces.update(self.rig.workspace, save)

    def let_end(self, trouble):
        match trouble:
            case {"endless": kind}:
                self.rig.tenant.shape(endless=kind)
            case {"fault": fault}:
                self.rig.tenant.fault("delta", **fault)
            case {"missing": code}:
                self.rig.tenant.consent(given=False, lost_as=code)
        self.trouble = trouble

    async def end_trouble(self):
        """Microsoft is well again; consent that was believed lost is granted again."""
        self.rig.tenant.shape(endless="no")
        self.rig.tenant.clear_faults()
        self.rig.tenant.consent(given=True)
        self.trouble = None

        def grant(connection, state):
            if connection.stage is Stage.LOST:
                return replace(connection, stage=Stage.ACTIVE), state, ()
            return None, state, ()

        await self.rig.services.workspaces.update(self.rig.workspace, grant)

    # Pauses.

    def record(self, action):
        return entry(action, "p", "P", self.rig.clock())

    async def is_refused(self):
        """Nobody gets a run while syncing is paused."""
        self.met["refused in a pause"] += 1
        for mode in (Mode.DELTA, Mode.FULL):
            with contextlib.suppress(Paused):
                raise AssertionError(await self.rig.ask(mode))

    async def pause(self):
        await self.rig.services.pausing.pause(self.rig.workspace, "P", self.record(Action.PAUSED))
        self.paused = True
        await self.note_end()

    async def resume(self):
        await self.rig.services.pausing.resume(self.rig.workspace, "P", self.record(Action.RESUMED))
        self.paused = False
        await self.work(None)
        await self.follow_failures()
        await self.check()

    async def pause_in_a_run(self, *, full, number):
        """A worker dies in a run, and before another one takes over an administrator pauses, and resumes."""
        await self.let_orphans_go(all_of_them=True)
        asked = await self.rig.ask(Mode.FULL if full else Mode.DELTA, Trigger.MANUAL)
        self.kills = [number]
        await self.deliver(Continue(self.rig.workspace, asked.id, asked.step))
        self.kills = []
        self.met["paused in a run"] += (await self.rig.state()).run is not None
        await self.pause()
        await self.resume()

    # Runs.

    async def run(self, *, full, at_once=1, hold=None):
        """Ask for a run, and work until nothing is left to do. A run that fails is followed by one that does not."""
        asked = await self.rig.ask(Mode.FULL if full else Mode.DELTA, Trigger.MANUAL)
        await self.work(asked.id, at_once=at_once, hold=hold)
        if asked.id not in self.ended:
            raise AssertionError(f"the run that was asked for never ended: {await self.rig.state()}")
        await self.follow_failures()
        await self.check()

    async def hear(self, message):
        """Let a message come, whatever it means by now."""
        await self.world.send(message)
        await self.deliver(message)
        await self.work(None)
        await self.follow_failures()
        await self.check()

    async def work(self, wanted, *, at_once=1, hold=None):
        """Deliver messages until no run goes on or follows."""
        for _ in range(_MOST_DELIVERIES):
            state = await self.rig.state()
            run = state.run
            if run is None:
                break
            letter = await self.world.receive(run)
            if letter is None and run.mode is Mode.UNDO:
                # Nobody can ask for a run in a pause. The hour strikes.
                self.rig.clock.offset += timedelta(hours=1)
                await self.deliver(Start(self.rig.workspace, Mode.DELTA, SCHEDULE))
                continue
            if letter is None:
                self.met["woken by a click"] += 1
                self.rig.clock.offset += timedelta(hours=1)
                await self.rig.ask()
                continue
            if run.resume_at is not None:
                self.met["paused"] += 1
            await self.deliver(letter.message, letter, at_once, hold)
            at_once, hold = 1, None
        else:
            raise AssertionError(f"a run does not end: {state}")
        await self.world.forget_messages()

    async def deliver(self, message, letter=None, at_once=1, hold=None):
        self.messages.append(message)
        self.arm()
        try:
            if hold is not None:
                await self.orphan(message, *hold)
            elif at_once > 1:
                await self.both(message)
            else:
                await self.bells.while_it_rings(self.dispatch.handle(message))
        except (Killed, TryLater) as error:
            if isinstance(error, Killed):
                self.kills[:1] = []
            away = self.dispatch is not self.rig.services.dispatch
            self.met["killed" if isinstance(error, Killed) else "queue was away" if away else "tried later"] += 1
            if self.away is not None:
                self.met["outage met"] += 1
            self.disarm()
            if letter is not None:
                await self.world.failed(letter)
        self.disarm()
        await self.note_end()

    def arm(self):
        self.rig.kill_before = self.kills[0] if self.kills else None
        if self.spoiled is not None:
            self.world.spoil(*self.spoiled)
        if self.away is not None:
            self.world.go_away(self.away[0])

    def disarm(self):
        self.rig.kill_before = self.spoiled = None
        self.world.be_well()
        self.dispatch = self.rig.services.dispatch
        if self.away is not None:
            self.away = [1, self.away[1] - 1] if self.away[1] > 1 else None

    async def both(self, message):
        """The same message, delivered twice at once."""
        told = await asyncio.gather(*(self.dispatch.handle(message) for _ in range(2)), return_exceptions=True)
        for error in told:
            if error is not None and not isinstance(error, TryLater):
                raise error
        if all(told):
            raise told[0]

    async def orphan(self, message, number, patience):
        """A worker that stands still before a storage call, and goes on after another one took over."""
        self.world.hold(number)
        worker = asyncio.create_task(self.dispatch.handle(message))
        held = asyncio.create_task(self.world.held())
        await asyncio.wait({worker, held}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            held.cancel()
            await worker
            return
        self.met["orphaned"] += 1
        self.orphans.append([worker, patience])
        self.rig.clock.offset += LEASE + timedelta(seconds=1)
        raise Killed

    async def let_orphans_go(self, *, all_of_them=False):
        """Let those go on whose time has come; what they write must change nothing."""
        if self.orphans and (all_of_them or self.orphans[0][1] <= 0):
            worker, _ = self.orphans.pop(0)
            self.world.let_go()
            told = await asyncio.gather(worker, return_exceptions=True)
            # A death that was meant for the other worker may have met one of its calls.
            if told[0] is not None and not isinstance(told[0], (TryLater, Killed)):
                raise told[0]
            self.met["orphan went on"] += 1
            await self.note_end()
            await self.work(None)
            await self.check_rows()
        for one in self.orphans:
            one[1] -= 1

    async def note_end(self):
        """What a run that has just ended means for the model."""
        run = (await self.rig.state()).last
        if run is None or run.id in self.ended:
            return
        self.ended.add(run.id)
        assert run.cost.graph_requests <= _MOST_REQUESTS, run
        if run.state is RunState.COMPLETED and run.mode is Mode.UNDO:
            self.check_counts(run)
            self.undos.meaning(self.model)
            self.undos.note_run(run)
        elif run.state is RunState.COMPLETED:
            self.check_counts(run)
            self.met["refused by storage"] += run.counts.skipped
            self.met["run by a doorbell"] += run.trigger is Trigger.NOTIFICATION
            self.met["verified"] += run.trigger is Trigger.VERIFICATION
            self.met["drift"] += run.drift
            self.hear_late()
            told = await self.told(run)
            self.model.run(full=run.mode is Mode.FULL, verifies=run.trigger is Trigger.VERIFICATION, told=told)
            self.undos.note_run(run)
        elif run.state is RunState.CANCELLED:
            assert self.paused, run
            self.incomplete = True
        else:
            assert run.state is RunState.FAILED, run
            assert run.error.code in _REASONS, run.error
            self.met[f"ended by {run.error.code}"] += 1
            self.failures.append(run)
            self.incomplete = True

    async def told(self, run):
        """The rows that a run's history names as changed."""
        rows = {_id_of(one): one.row for one in self.model.cards}
        pages = [page async for _, page in self.rig.services.workspaces.journal(self.rig.workspace, run.id)]
        changes = [one for page in pages for one in page.changes if one.outcome is not Outcome.SKIPPED]
        return {rows.get(one.contact_id, one.contact_id) for one in changes}

    async def follow_failures(self):
        """The next run after one that failed, with the trouble over, is right."""
        if self.failures:
            full = any(one.mode is Mode.FULL for one in self.failures)
            self.failures.clear()
            await self.end_trouble()
            await self.run(full=full)
            assert not self.failures

    # What must hold.

    @staticmethod
    def check_counts(run):
        counts = run.counts
        numbers = (counts.added, counts.updated, counts.linked, counts.unchanged, counts.removed, counts.unlinked)
        assert min(numbers) >= 0, counts

    async def shown(self):
        rows = await self.rig.rows()
        return {
            one.source_id or one.id: (one.link is Link.LINKED, dict(one.fields))
            for one in rows
            if one.link is not Link.REMOVED
        }

    async def check(self):
        shown = await self.shown()
        assert shown == self.model.shown(), (shown, self.model.shown())
        state, tally = await self.rig.state(), await self.rig.services.contacts.tally(self.rig.partition)
        assert state.totals.contacts + tally.contacts == len(shown)
        assert state.totals.linked + tally.linked == sum(linked for linked, _ in shown.values())
        await self.check_rows()

    async def check_rows(self):
        """Beside the contacts stand exactly the rows that find them."""
        keys = await self.world.keys()
        if keys is not None:
            rows = await self.rig.rows()
            beside = {key for one in rows for key in index_keys(one) | name_keys(one)}
            assert all(one.named == place_of(one.fields)[0] for one in rows if one.link is not Link.REMOVED)
            kept = {one for one in keys if not one.startswith(EDIT_PREFIX)}
            assert kept - {TALLY_KEY} == beside | {one.id for one in rows}

    async def abandon(self):
        """Let nobody be left who works, whatever became of the history."""
        for worker, _ in self.orphans:
            worker.cancel()
        await asyncio.gather(*(worker for worker, _ in self.orphans), return_exceptions=True)


def _id_of(card):
    """The id of a contact of the model."""
    if card.own_id:
        return card.own_id
    taken = isinstance(card.row, tuple)
    return new_contact_id(card.row[1] if taken else card.row, taken=taken)


def _read(values):
    return {name: as_read(value) for name, value in values.items()}


async def play(world, history, met):
    """Take a whole history.

    Raises:
        AssertionError: something is not as the specification says.
    """
    stack = Stack(world, met)
    try:
        await world.rig.connect(field_mappings=MAPPINGS, removal_guard=None)
        await world.subscribe()
        for step in history:
            await stack.take(step)
        await stack.let_orphans_go(all_of_them=True)
        await stack.bells.settle()
        if stack.paused:
            await stack.resume()
        await stack.check()
        met.update(world.rig.tenant.state()["faultsMet"])
        met.update(world.met)
    finally:
        await stack.abandon()
        await world.close()
