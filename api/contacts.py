"""Contact lists over HTTP: everybody of the workspace reads and edits them (spec §7)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func
import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from api.answers import Created, Nothing, Reply
from api.caller import Caller, Callers, require_admin
from api.connection_shapes import ContactList, ContactLists, list_shape
from api.contact_shapes import ContactCard, Contacts, ContactShape, contact_card, contact_shape
from api.csv import MOST_ROWS, Csv
from api.pace import BulkEdits, EditPace
from api.requests import page_of, read_body, search_of
from api.status_shapes import totals_of
from contacts.contact import Contact, ContactId, Link, own_contact_id, partition_of
from contacts.custom_fields import fields_of
from contacts.edit_journal import stamp_of
from contacts.edit_store import EditStore
from contacts.edits import Edit, checked, created, edited, removed
from contacts.listing import Listing, Part
from contacts.store import ContactStore
from errors import NotFound, Refused, TryLater
from mapping.configuration import Configuration
from mapping.contact_fields import STANDARD_FIELDS
from storage.table import Tables
from storage.transaction import Partition
from workspace.audit import Action, edits_entry, entry
from workspace.connection import Connection, ListId, Stage
from workspace.connection import partition_of as workspace_partition
from workspace.edits import EditKind
from workspace.state import SyncState, Totals
from workspace.store import Update, WorkspaceStore

log = logging.getLogger(__name__)

_LONGEST_NAME = 120
_PAGE = 1000
_MOST_PAGES = MOST_ROWS // _PAGE
_SOURCE = {Link.LINKED: "Microsoft Entra ID", Link.UNLINKED: "Left Microsoft Entra ID", Link.LOCAL: "Made in emu.chat"}
ORDERS = ("name", "id")
_ID_LENGTH = 36
ContactBody = msgspec.defstruct(
    "ContactBody",
    [
        *((name, str | None | UnsetType, UNSET) for name in STANDARD_FIELDS),
        ("custom", dict[str, str | None], msgspec.field(default_factory=dict)),
    ],
    frozen=True,
    forbid_unknown_fields=True,
    namespace={"__doc__": "A contact's fields as they are sent: absent is not said, null empties one."},
)


class BeingEnded(Refused):
    """The list's connection is being ended."""

    code = "being_ended"
    status = 409


class ListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list's new name."""

    name: str


@dataclass(frozen=True, slots=True)
class ContactCalls:
    """The calls about lists and contacts."""

    callers: Callers
    tables: Tables
    workspaces: WorkspaceStore
    store: ContactStore
    listing: Listing
    edits: EditStore
    pace: EditPace
    bulk: BulkEdits
    now: Callable[[], datetime]

    async def lists(self, req: func.HttpRequest) -> Reply[ContactLists]:
        caller = await self.callers.of(req)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return Reply(ContactLists([list_shape(connection)] if connection is not None else [], None))

    async def rename(self, req: func.HttpRequest) -> Reply[ContactList]:
        """A list that a person named follows the organisation's name no more."""
        caller = await self.callers.of(req)
        require_admin(caller)
        name = read_body(req, ListBody).name.strip()
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise Refused("The name is not valid.", {"name": f"1 to {_LONGEST_NAME} characters"})

        def decide(connection: Connection | None, state: SyncState) -> Update:
            connection = _require_list(connection, req)
            renamed = replace(connection, list_name=name, list_follows=False)
            record = entry(Action.RENAMED, caller.person, caller.name, self.now(), {"name": name})
            return renamed, state, [record]

        connection, _ = await self.workspaces.update(caller.workspace_id, decide)
        assert connection is not None
        return Reply(list_shape(connection))

    async def contacts(self, req: func.HttpRequest) -> Reply[Contacts]:
        """A page by last name and first name, of contacts that `search` and `filter` find.

        A short one may still have a next.
        """
        caller = await self.callers.of(req)
        connection, state = await self.workspaces.load(caller.workspace_id)
        list_id = _require_list(connection, req).list_id
        partition = partition_of(caller.workspace_id, list_id)
        most, asked = page_of(req)
        order = req.params.get("order", ORDERS[0])
        if order not in ORDERS:
            raise Refused("The order is not valid.", {"order": " or ".join(ORDERS)})
        ordered = state.ordered and order == ORDERS[0]
        search, part = search_of(req), part_of(req)
        contacts, after = await self.listing.page(partition, search, most, asked, part, ordered=ordered)
        shown = [contact_shape(one, list_id) for one in contacts if one.link is not Link.REMOVED]
        total = None
        if not asked and not after:
            total = len(shown)
        elif not asked and not search and part in (None, Part.LINKED):
            totals = await self._totals(partition, state)
            total = totals.contacts if part is None else totals.linked
        return Reply(Contacts(shown, after or None, total))

    async def csv(self, req: func.HttpRequest) -> Csv:
        """A part of the whole list, in the order of ids."""
        caller = await self.callers.of(req)
        partition, _ = await self._list(caller, req)
        known = await fields_of(self.tables, caller.workspace_id)
        most, asked = page_of(req, default=_MOST_PAGES)
        contacts: list[Contact] = []
        after = asked
        # By pages, because storage answers a thousand rows at most.
        for _ in range(min(most, _MOST_PAGES)):
            page, after = await self.store.page(partition, _PAGE, after)
            contacts += [one for one in page if one.link is not Link.REMOVED]
            if not after:
                break
        rows = ([*map(one.fields.get, known), _SOURCE[one.link], one.updated_at] for one in contacts)
        heads = [*(field.label for field in known.values()), "Source", "Last changed"]
        return Csv("contacts", heads, rows, asked, after)

    async def contact(self, req: func.HttpRequest) -> Reply[ContactCard]:
        caller = await self.callers.of(req)
        partition, list_id = await self._list(caller, req)
        contact = await self.edits.contact(partition, _contact_id(req))
        connection, _ = await self.workspaces.load(caller.workspace_id)
        chosen = connection.configuration if connection is not None else Configuration()
        return Reply(contact_card(contact, list_id, chosen))

    async def add(self, req: func.HttpRequest) -> Created[ContactShape]:
        caller = await self.callers.of(req)
        partition, list_id = await self._editable(caller, req)
        edit, now = await self._edit(caller, req), self.now()
        contact = created(own_contact_id(), edit, stamp_of(now), caller.person)
        await self.edits.add(partition, contact)
        await self._note(caller, EditKind.ADDED, now)
        return Created(contact_shape(contact, list_id))

    async def change(self, req: func.HttpRequest) -> Reply[ContactShape]:
        caller = await self.callers.of(req)
        partition, list_id = await self._editable(caller, req)
        edit, now = await self._edit(caller, req), self.now()
        at, person = stamp_of(now), caller.person
        contact = await self.edits.change(
            partition, _contact_id(req), lambda before: edited(before, edit, at, person), at, person
        )
        assert contact is not None
        # A save that changes nothing is none.
        if (contact.updated_at, contact.updated_by) == (at, person):
            await self._note(caller, EditKind.CHANGED, now)
        return Reply(contact_shape(contact, list_id))

    async def remove(self, req: func.HttpRequest) -> Nothing:
        caller = await self.callers.of(req)
        partition, _ = await self._editable(caller, req)
        now = self.now()
        at, person = stamp_of(now), caller.person
        await self.edits.change(partition, _contact_id(req), lambda before: removed(before, at, person), at, person)
        await self._note(caller, EditKind.REMOVED, now)
        return Nothing()

    async def _note(self, caller: Caller, kind: EditKind, at: datetime) -> None:
        """Count an edit, and tell of many in the audit trail."""
        if (many := self.bulk.count(caller, kind, at)) is not None:
            record = edits_entry(kind, caller.person, caller.name, self.now(), *many)
            try:
                await self.tables.transact(workspace_partition(caller.workspace_id), [record])
            except TryLater as error:
                # The edit is made: an error would have the caller make it twice.
                log.warning("edits_not_told workspace=%s reason=%s", caller.workspace_id, error)

    async def _totals(self, partition: Partition, state: SyncState) -> Totals:
        tally = await self.store.tally(partition)
        return totals_of(state, Totals(tally.contacts, tally.linked))

    async def _list(self, caller: Caller, req: func.HttpRequest) -> tuple[Partition, ListId]:
        """Raises: NotFound: the workspace has no such list, whoever else may have one."""
        connection, _ = await self.workspaces.load(caller.workspace_id)
        list_id = _require_list(connection, req).list_id
        return partition_of(caller.workspace_id, list_id), list_id

    async def _editable(self, caller: Caller, req: func.HttpRequest) -> tuple[Partition, ListId]:
        """The list, for an edit.

        Raises:
            NotFound, TooMany
            BeingEnded: a disconnect unlinks or deletes its contacts. An edit must neither delay that nor get lost.
        """
        self.pace.take(caller)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        connection = _require_list(connection, req)
        if connection.stage is Stage.CLOSING:
            raise BeingEnded("The connection is being ended. Try again in a minute.")
        return partition_of(caller.workspace_id, connection.list_id), connection.list_id

    async def _edit(self, caller: Caller, req: func.HttpRequest) -> Edit:
        body = msgspec.structs.asdict(read_body(req, ContactBody))
        custom = body.pop("custom")
        known = await fields_of(self.tables, caller.workspace_id)
        wrong = {f"custom.{name}"[:64]: "there is no such custom field" for name in custom if name in STANDARD_FIELDS}
        if wrong:
            raise Refused("Some fields of the contact need attention.", wrong)
        return checked({name: value for name, value in body.items() if value is not UNSET} | custom, known)


def part_of(req: func.HttpRequest) -> Part | None:
    """`filter` of a request.

    Raises:
        Refused
    """
    text = req.params.get("filter", "")
    if text and text not in list(Part):
        raise Refused("The filter is not valid.", {"filter": f"one of {', '.join(Part)}"})
    return Part(text) if text else None


def _require_list(connection: Connection | None, req: func.HttpRequest) -> Connection:
    # Another workspace's list looks like one that does not exist.
    if connection is None or connection.list_id != req.route_params["list"]:
        raise NotFound("There is no such contact list.")
    return connection


def _contact_id(req: func.HttpRequest) -> ContactId:
    """Raises: NotFound: for what could not be an id, so that it cannot reach another kind of row."""
    text = req.route_params["contact"]
    if len(text) != _ID_LENGTH or set(text) - set("0123456789abcdef-"):
        raise NotFound("There is no such contact.")
    return ContactId(text)
