"""What a configuration would do, before it is saved: the run's own plan, with nothing that could write (spec §7)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

import limits
from contacts.contact import Link, partition_of
from contacts.names import shown_name
from contacts.store import ContactStore
from directory.graph import Graph
from errors import TryLater
from mapping.configuration import Configuration, DeletionBehavior
from mapping.fields import DirectoryUser, ObjectId
from mapping.values import ValueReader
from storage.retry import Sleep
from storage.turns import apart, done_in_turns, in_turns
from sync.gathering import Gathering
from sync.plan import planning
from sync.reading import PageReader
from sync.room import Room
from sync.scoping import LeftOutPerson, RuleCost, ScopeTally
from sync.sifting import Sifted, is_whole, latest, sifting
from sync.writes import Plan, Stamp
from workspace.connection import Connection, tenant_of
from workspace.journal import Change, JournalPage, Outcome, Person
from workspace.run import Counts
from workspace.state import SyncState

READING_SECONDS = 20.0
"""What a person waits for at most; what was read until then is shown as a part."""

_LONGEST_SECONDS = 60.0
_SAMPLES = 3
"""Of each outcome."""


class PreviewPerson(msgspec.Struct, frozen=True, rename="camel"):
    """What would become of one person's contact: fields before (of those that change) and after (all of them)."""

    name: str
    outcome: str
    before: dict[str, str]
    after: dict[str, str]


class Preview(msgspec.Struct, frozen=True, rename="camel"):
    """`complete`: the whole directory was looked at; only then is it known who would be removed or unlinked.

    `left_out`: people out of scope, for the reasons in `reasons` (a person may have several), some of them in
    `left_out_sample`. `switches`: how many people each scope switch adds or, where it is on, takes when it is turned.
    `rules`: what each scope rule does, in the order of the rules. `waits_for_approval`: the removal guard would ask
    first.
    """

    complete: bool
    counts: Counts
    left_out: int
    left_out_sample: list[LeftOutPerson]
    reasons: dict[str, int]
    switches: dict[str, int]
    rules: list[RuleCost]
    waits_for_approval: bool
    sample: list[PreviewPerson]


@dataclass(slots=True)
class _Tally:
    scoping: ScopeTally
    counts: Counts = field(default_factory=Counts)
    sample: dict[str, list[PreviewPerson]] = field(default_factory=dict)
    matches: dict[ObjectId, Person] = field(default_factory=dict)

    def show(self, person: PreviewPerson) -> None:
        shown = self.sample.setdefault(person.outcome, [])
        if len(shown) < _SAMPLES:
            shown.append(person)


@dataclass(frozen=True, slots=True)
class Previews:
    """Makes previews. It holds no store that it would write to."""

    contacts: ContactStore
    graph: Graph
    room: Room
    now: Callable[[], datetime]
    sleep: Sleep

    async def of(self, connection: Connection, state: SyncState, configuration: Configuration) -> Preview:
        """Read the directory for some seconds, and plan.

        Raises:
            TryLater, ConsentLost, CredentialRejected: the directory or the list cannot be read.
        """
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await self._of(connection, state, configuration)
        except TimeoutError as error:
            raise TryLater("The preview takes too long at the moment", 30) from error

    async def _of(self, connection: Connection, state: SyncState, configuration: Configuration) -> Preview:
        partition = partition_of(connection.workspace_id, connection.list_id)
        gathering = Gathering(self.contacts, partition, state.totals.contacts, self.room)
        try:
            return await self._gathered(gathering, connection, state, configuration)
        finally:
            gathering.let_go()

    async def _gathered(
        self, gathering: Gathering, connection: Connection, state: SyncState, configuration: Configuration
    ) -> Preview:
        reader = PageReader(self.graph, tenant_of(connection), self.sleep)
        # A larger list does not fit into memory: then one page of people is shown as a part.
        whole = state.totals.contacts <= limits.MOST_KEPT_ROWS
        if whole:
            await gathering.scan(keep=True)
        tally, until = _Tally(ScopeTally.of(configuration)), time.monotonic() + READING_SECONDS
        link: str | None = self.graph.users_delta(configuration.select)
        while link is not None and (time.monotonic() < until and (whole or not tally.counts.read)):
            page = await reader.page(link, carried_token=False)
            await self._take_in(tally, gathering, page.users, configuration)
            link = page.next_link
        await self._match(tally, gathering, configuration)
        complete = whole and link is None
        leavers = 0
        if complete:
            leavers = await _leavers(tally, gathering, configuration)
        guard = configuration.removal_guard
        waits = guard is not None and not guard.allows(leavers, state.totals.linked)
        sample = [one for outcome in tally.sample.values() for one in outcome]
        scoping = tally.scoping
        return Preview(
            complete,
            tally.counts,
            scoping.left_out,
            scoping.sample,
            scoping.reasons,
            scoping.switches,
            scoping.rule_costs(),
            waits,
            sample,
        )

    async def _take_in(
        self, tally: _Tally, gathering: Gathering, users: list[DirectoryUser], configuration: Configuration
    ) -> None:
        # A patch is about a user whom the same round also names whole (facts/graph.md 11).
        whole = [one for one in latest(users).values() if one.removed is not msgspec.UNSET or is_whole(one)]
        sifted = Sifted({}, [])
        await done_in_turns(sifting(sifted, whole, {}, configuration, ValueReader(configuration)))
        people = list(sifted.present.values())
        plan = await self._plan(tally, gathering, people, configuration, matching=False)
        tally.counts += JournalPage(changes=plan.changes, read=len(users), unchanged=plan.unchanged).counts
        gathering.roll.name(sifted.present, sifted.gone)
        for one in (*sifted.present, *sifted.gone):
            tally.matches.pop(one, None)
        tally.matches |= {person.id: person for person in plan.matches}
        async for user in in_turns(whole):
            if user.removed is msgspec.UNSET:
                tally.scoping.count(user)

    async def _match(self, tally: _Tally, gathering: Gathering, configuration: Configuration) -> None:
        people = [tally.matches[one] for one in sorted(tally.matches)]
        plan = await self._plan(tally, gathering, people, configuration, matching=True)
        tally.counts += JournalPage(changes=plan.changes, unchanged=plan.unchanged).counts

    async def _plan(
        self,
        tally: _Tally,
        gathering: Gathering,
        people: list[Person],
        configuration: Configuration,
        *,
        matching: bool,
    ) -> Plan:
        stamp = Stamp("", 0, self.now().isoformat().replace("+00:00", "Z"))
        known = await gathering.known(people, stamp.is_passing)
        plan, reader = Plan(), ValueReader(configuration)
        await done_in_turns(planning(plan, people, known, configuration, reader, stamp, matching=matching))
        written = set()
        for write in plan.writes:
            if write.after is not None:
                written.add(write.after.source_id)
                if write.change is not None:
                    tally.show(_changed(write.change, dict(write.after.fields)))
        for person in people:
            contact = known.by_source.get(person.id)
            if person.id not in written and contact is not None and contact.link is Link.LINKED:
                tally.show(PreviewPerson(shown_name(contact.fields), "unchanged", {}, dict(contact.fields)))
        return plan


def _changed(change: Change, after: dict[str, str]) -> PreviewPerson:
    return PreviewPerson(change.name, change.outcome.value, change.before, after)


async def _leavers(tally: _Tally, gathering: Gathering, configuration: Configuration) -> int:
    found = await gathering.of_users(await apart(gathering.roll.size, gathering.roll.absent))
    leavers = [one for one in found.contacts.values() if one.link is Link.LINKED]
    unlinks = configuration.deletion_behavior is DeletionBehavior.UNLINK
    outcome = Outcome.UNLINKED if unlinks else Outcome.REMOVED
    tally.counts += Counts(unlinked=len(leavers)) if unlinks else Counts(removed=len(leavers))
    for one in leavers[:_SAMPLES]:
        tally.show(PreviewPerson(shown_name(one.fields), outcome.value, dict(one.fields), {}))
    return len(leavers)
