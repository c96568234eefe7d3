"""What a configuration would do, before it is saved: the run's own plan, with nothing that could write (spec §7)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec.structs import replace

from contacts.contact import Link, partition_of
from contacts.store import ContactStore
from directory.credentials import Credentials
from directory.graph import Graph
from errors import TryLater
from mapping.configuration import Configuration, DeletionBehavior
from mapping.fields import DirectoryUser
from mapping.scope import in_scope
from mapping.values import ValueReader
from sync.gathering import MOST_KEPT, Gathering
from sync.plan import Moment, counts_of, plan_page, shown_name, sift
from sync.reading import PageReader, Sleep
from workspace.connection import Connection, tenant_of
from workspace.journal import Change, Outcome
from workspace.run import Counts
from workspace.state import Agenda

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

    `left_out`: people out of scope. `switches`: how many people each scope switch adds or, where it is on, takes when
    it is turned. `waits_for_approval`: the removal guard would ask first.
    """

    complete: bool
    counts: Counts
    left_out: int
    switches: dict[str, int]
    waits_for_approval: bool
    sample: list[PreviewPerson]


@dataclass(slots=True)
class _Tally:
    counts: Counts = field(default_factory=Counts)
    left_out: int = 0
    switches: dict[str, int] = field(default_factory=lambda: {"includeGuests": 0, "includeDisabled": 0})
    sample: dict[str, list[PreviewPerson]] = field(default_factory=dict)

    def show(self, person: PreviewPerson) -> None:
        shown = self.sample.setdefault(person.outcome, [])
        if len(shown) < _SAMPLES:
            shown.append(person)


@dataclass(frozen=True, slots=True)
class Previews:
    """Makes previews. It holds no store that it would write to."""

    contacts: ContactStore
    graph: Graph
    credentials: Credentials
    now: Callable[[], datetime]
    sleep: Sleep

    async def of(self, connection: Connection, agenda: Agenda, configuration: Configuration) -> Preview:
        """Read the directory for some seconds, and plan.

        Raises:
            TryLater, ConsentLost, CredentialRejected: the directory or the list cannot be read.
        """
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await self._of(connection, agenda, configuration)
        except TimeoutError as error:
            raise TryLater("The preview takes too long at the moment", 30) from error

    async def _of(self, connection: Connection, agenda: Agenda, configuration: Configuration) -> Preview:
        reader = PageReader(self.graph, self.credentials, tenant_of(connection), self.sleep)
        gathering = Gathering(
            self.contacts, partition_of(connection.workspace_id, connection.list_id), agenda.totals.contacts
        )
        whole = agenda.totals.contacts <= MOST_KEPT
        if whole:
            await gathering.scan(keep=True)
        tally, until = _Tally(), time.monotonic() + READING_SECONDS
        link: str | None = self.graph.users_delta(configuration.select)
        while link is not None and (time.monotonic() < until and (whole or not tally.counts.read)):
            page = await reader.page(link, carried_token=False)
            await self._take_in(tally, gathering, page.users, configuration)
            link = page.next_link
        complete = whole and link is None
        leavers = 0
        if complete:
            leavers = await _leavers(tally, gathering, configuration)
        guard = configuration.removal_guard
        waits = guard is not None and not guard.allows(leavers, agenda.totals.linked)
        sample = [one for outcome in tally.sample.values() for one in outcome]
        return Preview(complete, tally.counts, tally.left_out, tally.switches, waits, sample)

    async def _take_in(
        self, tally: _Tally, gathering: Gathering, users: list[DirectoryUser], configuration: Configuration
    ) -> None:
        values = ValueReader(configuration.sources)
        sifted = sift(users, configuration, values)
        people = list(sifted.present.values())
        known = await gathering.known(people, fresh=False)
        moment = Moment("", 0, self.now().isoformat().replace("+00:00", "Z"), gathering.roll)
        plan = plan_page(people, known, configuration, values, moment)
        tally.counts += counts_of(len(users), plan.unchanged, plan.changes)
        gathering.roll.name(sifted.present, sifted.gone)
        _count_switches(tally, users, configuration)
        changed = {write.change.contact_id: write.change for write in plan.writes if write.change is not None}
        for write in plan.writes:
            if write.after is not None and (change := changed.get(write.after.id)) is not None:
                tally.show(_changed(change, dict(write.after.fields)))
        written = {write.after.source_id for write in plan.writes if write.after is not None}
        for person in people:
            contact = known.by_source.get(person.id)
            if person.id not in written and contact is not None and contact.link is Link.LINKED:
                tally.show(PreviewPerson(shown_name(contact.fields), "unchanged", {}, dict(contact.fields)))


def _changed(change: Change, after: dict[str, str]) -> PreviewPerson:
    return PreviewPerson(change.name, change.outcome.value, change.before, after)


def _count_switches(tally: _Tally, users: list[DirectoryUser], configuration: Configuration) -> None:
    turned = {
        "includeGuests": replace(configuration, include_guests=not configuration.include_guests),
        "includeDisabled": replace(configuration, include_disabled=not configuration.include_disabled),
    }
    for user in users:
        if user.removed is not msgspec.UNSET:
            continue
        here = in_scope(user, configuration)
        tally.left_out += not here
        for switch, other in turned.items():
            tally.switches[switch] += in_scope(user, other) - here


async def _leavers(tally: _Tally, gathering: Gathering, configuration: Configuration) -> int:
    contacts, _ = await gathering.of_users(gathering.roll.absent())
    leavers = [one for one in contacts.values() if one.link is Link.LINKED]
    unlinks = configuration.deletion_behavior is DeletionBehavior.UNLINK
    outcome = Outcome.UNLINKED if unlinks else Outcome.REMOVED
    tally.counts += Counts(unlinked=len(leavers)) if unlinks else Counts(removed=len(leavers))
    for one in leavers[:_SAMPLES]:
        tally.show(PreviewPerson(shown_name(one.fields), outcome.value, dict(one.fields), {}))
    return len(leavers)
