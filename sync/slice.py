"""A slice of a run, on one screen: gather, decide, apply, remember (spec §6).

The phases only gather. The slice alone plans, journals, writes, tries again and remembers. It is safe to repeat from
any line: contacts are written before the checkpoint, and a page that is repeated finds in the journal what its earlier
attempt meant to do.
"""

import dataclasses
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

import limits
from contacts.contact import Link, partition_of, write_operations
from contacts.store import ContactStore, Left
from errors import DeltaLinkExpired, RoundBroken, TryLater
from mapping.configuration import Configuration
from mapping.fields import ObjectId
from mapping.values import ValueReader
from storage.retry import tries
from storage.transaction import Operation, Partition
from storage.turns import apart, done_in_turns, in_turns
from sync import telemetry
from sync.batch import Batch, Waits
from sync.ending import end_run
from sync.failures import NOT_DECODED, OVERTAKEN, why_skipped
from sync.gathering import Gathering
from sync.lease import LeasedRun
from sync.local_edits import gather_local_edits, gather_matches
from sync.pages import gather_pages
from sync.plan import planning
from sync.reading import PageReader
from sync.removals import gather_removals, plan_removals
from sync.rollcall import RollCall
from sync.room import Room
from sync.undo import plan_undo
from sync.undo_pages import DONE, gather_undo, now_of
from sync.writes import Earlier, Plan, Stamp, Write, formers_of, settle_others, skipped
from workspace.audit import adoption_entry
from workspace.journal import Change, Former, JournalPage, Person, journal_operation
from workspace.run import NEXT_PHASE, Event, Mode, Phase, Run, RunState, Trigger


@dataclass(slots=True, kw_only=True)
class Slice(LeasedRun):
    """One worker's turn at a run.

    `until` is the slice's end in seconds of the monotonic clock. `resumed`: an earlier slice may have done part of the
    current page.
    """

    contacts: ContactStore
    reader: PageReader
    resumed: bool
    until: float
    room: Room
    matches: dict[ObjectId, Person] = field(default_factory=dict)
    """People of this round whose contact is decided when it is complete."""
    followed: set[str] = field(default_factory=set)
    """Links that this slice followed."""
    told: set[ObjectId] = field(default_factory=set)
    """In a verification: the users of whom its delta round told."""
    turn: float = field(init=False, default=0.0)
    """When it begins to make way for others, in seconds of the monotonic clock."""
    gathering: Gathering = field(init=False)
    values: ValueReader = field(init=False)
    _earlier: Earlier | None = None
    _formers: Mapping[str, Former] = field(default_factory=dict)
    _held_back: frozenset[ObjectId] | None = None

    def __post_init__(self) -> None:
        self.gathering = self._new_gathering()
        self.values = ValueReader(self.configuration)

    async def work(self) -> None:
        """Work until the run ends or, while pages are read, the time is up.

        Raises:
            Superseded, TryLater, ConsentLost, CredentialRejected, RoundBroken
        """
        began = time.monotonic()
        await self._recall()
        # The list of a large organisation takes a while to read; a slice has its budget after that.
        recalled = time.monotonic() - began
        self.until += recalled
        self.turn = began + recalled + max(limits.SLICE_TURN_SECONDS, 2 * recalled)
        while self.run.state is RunState.RUNNING:
            phase = self.run.phase
            try:
                async with aclosing(_GATHER[phase](self)) as batches:
                    async for batch in batches:
                        await self._take(batch)
            except DeltaLinkExpired as error:
                if self.run.restarted:
                    raise RoundBroken(
                        f"Microsoft Graph lost track of the changes twice in one run ({error})"
                    ) from error
                await self._read_everything(restarted=True)
                continue
            if phase is Phase.READ and self.run.phase is Phase.READ:
                return  # The time is up.
            if phase is Phase.UNDO and self.run.cursor != DONE:
                return
            await self._next_phase(phase)

    async def _next_phase(self, phase: Phase) -> None:
        if phase is Phase.MATCH and self.run.trigger is Trigger.VERIFICATION and self.run.mode is Mode.DELTA:
            await self._read_everything(restarted=False)
        elif phase in NEXT_PHASE and self.run.phase is phase:
            self.run = replace(self.run, phase=NEXT_PHASE[phase])
        elif phase in (Phase.REMOVE, Phase.UNDO) and self.run.state is RunState.RUNNING:
            await self._end(Event.COMPLETED)

    async def _take(self, batch: Batch) -> None:
        """Decide about a batch, apply it, remember it; again from what is stored now when a write failed."""
        if batch.waits is not None:
            await self._end(Event.WAITED, batch.waits)
            return
        # Only the first batch of a slice that resumes a run can have an earlier attempt.
        earlier = dict(await self.interrupted())
        formers, self._formers = self._formers, {}
        self.resumed, self._earlier, failures = False, {}, 0
        async for last in tries(self.sleep):
            stamp = self._stamp()
            plan = await self._decide(batch, earlier, stamp, again=failures > 0)
            kept = formers_of(plan, formers, stamp)
            try:
                page = await self._apply(plan, self._page_of(batch, plan, kept), singly=failures > 1)
            except TryLater as error:
                # The failure may be another worker's doing: only the lease's owner goes on.
                await self.confirm()
                if last:
                    raise
                failures += 1
                # What was read of these contacts may be out of date: the answer may be lost, and the write done.
                self.gathering.wrote([one for write in plan.writes for one in write.contacts])
                # This attempt may be applied in part, so its entries stand for what was written.
                earlier |= {change.contact_id: change for change in plan.changes}
                formers = {one.id: one for one in kept}
                if error.after_seconds:
                    await self.sleep(error.after_seconds)
            else:
                await self._remember(batch, plan, page)
                return

    def _stamp(self) -> Stamp:
        began = _iso(self.run.started_at) if self.run.started_at is not None else ""
        completed = _iso(self.state.last_completed_at) if self.state.last_completed_at is not None else ""
        return Stamp(self.run.id, self.run.page, _iso(self.now()), self.state.unfinished_before, began, completed)

    async def _decide(self, batch: Batch, earlier: Earlier, stamp: Stamp, *, again: bool) -> Plan:
        """What to write. `again`: an attempt failed, so only what is stored now counts."""
        if batch.entries:
            stored, holders = (batch.stored, batch.holders) if not again else await now_of(self, batch.entries)
            return plan_undo(batch.entries, stored, holders, stamp, earlier).plan
        if batch.removes:
            # The journal of an interrupted attempt may name contacts that were not gathered.
            unread = {*batch.leavers, *earlier}.difference(() if again else batch.stored)
            stored = {**({} if again else batch.stored), **await self.contacts.read(self.partition, unread)}
            return plan_removals(batch.leavers, stored, self.configuration.deletion_behavior, stamp, earlier)
        # A contact with the same hash needs nothing, unless the configuration changed or an attempt was interrupted.
        pass_by = not (earlier or self.run.reconsider or batch.matching)
        unchanged = self.roll.unchanged
        look = [one async for one in in_turns(batch.people) if not (pass_by and unchanged(one))]
        passing = stamp.is_passing
        if again:
            known = await self.gathering.known_now(look, passing)
        else:
            known = await self.gathering.known(look, passing, batch.found)
        plan = Plan()
        with telemetry.span("plan", people=len(look)):
            given = (known, self.configuration, self.values, stamp, earlier)
            await done_in_turns(planning(plan, look, *given, matching=batch.matching))
        plan.unchanged += len(batch.people) - len(look)
        # A round that begins again may name others on its first page.
        others = earlier.keys() - {change.contact_id for change in plan.changes}
        settle_others(plan, await self.contacts.read(self.partition, others) if others else {}, stamp, earlier)
        return plan

    def _page_of(self, batch: Batch, plan: Plan, formers: list[Former]) -> JournalPage:
        def told(change: Change) -> Change:
            source_id = plan.source_of.get(change.contact_id)
            if source_id in batch.repaired:
                change = replace(change, reason=NOT_DECODED)
            # An adopted contact has an id of its own. When it is deleted, only this says whose entry it was.
            return change if source_id in (None, change.contact_id) else replace(change, source_id=source_id)

        everything = [*batch.unread, *map(told, plan.changes)]
        named = [*batch.present], [*batch.gone]
        return JournalPage(*named, everything, plan.matches, batch.read, plan.unchanged, formers)

    async def _apply(self, plan: Plan, page: JournalPage, *, singly: bool) -> JournalPage:
        """Journal the page, then write its contacts; the page as it turned out, rows not written as skipped.

        Raises:
            TryLater: part of it may be written. Planning again from what is stored then continues it.
        """
        if not plan.writes:
            return page  # It is journalled with its checkpoint.
        # The journal comes first: after a crash the page is repeated from these entries.
        await self._journal(self.run, self.run.page, page)
        groups = [
            write_operations(write.before, write.after, replaced=write.replaced)
            async for write in in_turns(plan.writes)
        ]
        with telemetry.span("write", contacts=len(groups)):
            outcome = await self.contacts.write(self.partition, groups, singly=singly, before_each=self.keep_lease)
        for number in outcome.overtaken:
            await self.keep_lease()
            await self._leave(plan.writes[number], plan.mails)
        reasons = {n: why_skipped(reason) for n, reason in outcome.refused.items()}
        reasons |= dict.fromkeys(outcome.overtaken, OVERTAKEN)
        # The journal said that these would be written, and a history must not show what did not happen.
        if reasons:
            not_written = [skipped(plan.writes[n], reason) for n, reason in reasons.items()]
            contact_ids = {one.contact_id for one in not_written}
            contact_ids |= {one.id for n in reasons if (one := plan.writes[n].replaced) is not None}
            kept = [one for one in page.changes if one.contact_id not in contact_ids]
            formers = [one for one in page.formers if one.id not in contact_ids]
            page = dataclasses.replace(page, changes=[*kept, *not_written], formers=formers)
            await self._journal(self.run, self.run.page, page)
        return page

    async def _leave(self, write: Write, mails: Mapping[ObjectId, str | None]) -> None:
        """Leave a contact to the next run that a person writes faster than this one can (spec §6)."""
        contact = write.after or write.before
        assert contact is not None
        # Without a directory user the next run has nothing to bring the contact up to. The run after an undo looks at
        # everybody.
        if contact.source_id is None or self.run.mode is Mode.UNDO:
            return
        stays = write.after is not None and write.after.link is Link.LINKED
        values = dict(contact.source) if stays else None
        left = Left(self.run.id, contact.id, contact.source_id, mails.get(contact.source_id), values)
        await self.contacts.leave(self.partition, left)

    async def _remember(self, batch: Batch, plan: Plan, page: JournalPage) -> None:
        """Move the checkpoint on. After a write it goes with the next write: a crash until then repeats the page."""
        self.gathering.wrote([one for write in plan.writes for one in write.contacts])
        self._recall_page(page)
        if self.run.trigger is Trigger.VERIFICATION and self.run.mode is Mode.DELTA:
            self.told.update(page.present, page.gone)
        number = self.run.page
        run = replace(
            batch.run,
            counts=self.run.counts + page.counts,
            # A page that names nobody takes no number, so that empty pages leave no rows.
            page=number + 1 if page or plan.writes else number,
            drift=self.run.drift + self._drift(plan, page),
            adopted=self.run.adopted + page.adopted,
        )
        told = [adoption_entry(run)] if page.adopted else []
        # With writes, `_apply` has journalled the page already.
        if page and not plan.writes:
            await self._journal(run, number, page, *told)
        elif told:
            await self.checkpoint(run, *told)
        else:
            self.run = run

    # What is not a batch: beginning, starting over, ending.

    async def _recall(self) -> None:
        """Learn what a slice must know before it goes on: for a full run the list, and who was named so far."""
        run = self.run
        if run.approved or run.mode is Mode.UNDO:
            return  # It reads nothing of Microsoft: what it is about stands in rows of its own.
        if run.mode is Mode.FULL and not self.roll.scanned:
            await self.gathering.scan(keep=run.reconsider)
            # What is written from now on has its name row.
            if self.roll.empty:
                self.state = replace(self.state, ordered=True)
        await self.hold_newcomers()
        if not self.resumed or not run.page:
            return
        async for number, page in self.workspaces.journal(self.workspace, run.id):
            if run.first_page <= number < run.page:
                self._recall_page(page)
            # In a verification these pages are its delta round: what they name is no drift.
            elif number < run.first_page and not run.restarted:
                self.told.update(page.present, page.gone)

    async def hold_newcomers(self) -> None:
        """Take room for the people who are to be read and are in no list yet. Raises: NoRoom."""
        await self.gathering.hold(max(0, (self.run.expected or 0) - self.gathering.expected) * limits.ROLL_BYTES)

    def _recall_page(self, page: JournalPage) -> None:
        self.roll.name(page.present, page.gone)
        if self.matches:
            for source_id in (*page.present, *page.gone):
                self.matches.pop(source_id, None)
        self.matches |= {person.id: person for person in page.matches}

    async def _read_everything(self, *, restarted: bool) -> None:
        """Begin a full round, and sweep at its end. What was written so far stays counted.

        `restarted`: Graph does not know the delta link any more (spec §6). Else it is a verification: its delta round
        is complete, and what the full round still changes is drift. The old delta link stays until the run's end,
        because who left is removed only then.
        """
        self.gathering.let_go()
        self.gathering = self._new_gathering()
        self.matches.clear()
        self.followed.clear()
        if restarted:
            self.state = replace(self.state, delta_link=None)
        run = replace(self.run, counts=replace(self.run.counts, read=0, unchanged=0), first_page=self.run.page)
        run = replace(run, mode=Mode.FULL, restarted=restarted, cursor=None, phase=Phase.READ, idle_pages=0)
        await self.checkpoint(run)
        await self._recall()

    async def _end(self, event: Event, waits: Waits | None = None) -> None:
        self.run, decided = await end_run(self, event, waits)
        for run in decided:
            await self.workspaces.forget_pending(self.workspace, run)

    # The one way to remember how far it came.

    async def _journal(self, run: Run, number: int, page: JournalPage, *others: Operation) -> None:
        """A checkpoint with a page of the journal."""
        await self.checkpoint(run, await apart(len(page.changes), journal_operation, run.id, number, page), *others)

    async def interrupted(self) -> Earlier:
        """What the journal says of the current page, by contact id: only a slice that resumes a run finds anything."""
        if self._earlier is None:
            page = None
            if self.resumed:
                page = await self.workspaces.journal_page(self.workspace, self.run.id, self.run.page)
            self._earlier = {change.contact_id: change for change in page.changes} if page is not None else {}
            self._formers = {one.id: one for one in page.formers} if page is not None else {}
        return self._earlier

    async def waiting_for_approval(self) -> frozenset[ObjectId]:
        """The users whose removal an earlier run holds back."""
        if self._held_back is None:
            waiting = self.state.waiting
            ids = await self.workspaces.pending(self.workspace, waiting.id) if waiting is not None else []
            self._held_back = frozenset(ids)
        return self._held_back

    def _drift(self, plan: Plan, page: JournalPage) -> int:
        """Changes of a verification's full round of which its delta round did not tell."""
        run = self.run
        if run.trigger is not Trigger.VERIFICATION or run.mode is not Mode.FULL or run.restarted:
            return 0
        return sum(plan.source_of.get(change.contact_id) not in self.told for change in page.changes)

    def _new_gathering(self) -> Gathering:
        """Nothing is read yet, nobody is named."""
        return Gathering(self.contacts, self.partition, self.state.totals.contacts, self.room)

    @property
    def roll(self) -> RollCall:
        return self.gathering.roll

    @property
    def time_is_up(self) -> bool:
        """Whether to go on in another slice: the budget is used up, or this slice had its turn and others wait."""
        now = time.monotonic()
        return now >= self.until or (now >= self.turn and self.room.wanted(self.gathering.held_bytes))

    @property
    def partition(self) -> Partition:
        return partition_of(self.connection.workspace_id, self.connection.list_id)

    @property
    def configuration(self) -> Configuration:
        """The choices the run started with; a newer one is the next run's."""
        assert self.run.configuration is not None
        return self.run.configuration


def _iso(moment: datetime) -> str:
    """Always with microseconds: these texts are compared."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


_GATHER: dict[Phase, Callable[[Slice], AsyncGenerator[Batch]]] = {
    Phase.READ: gather_pages,
    Phase.MATCH: gather_matches,
    Phase.SETTLE: gather_local_edits,
    Phase.REMOVE: gather_removals,
    Phase.UNDO: gather_undo,
}
