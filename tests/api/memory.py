"""The API's calls over a workspace in memory: the production's own calls and stores; only the callers are made up."""

import time
from dataclasses import dataclass

import msgspec

from api.caller import Caller
from api.contacts import ContactCalls
from api.pace import BulkEdits, EditPace, FullRunPace, OneAtATime
from api.people import PeopleCalls
from api.runs import RunCalls
from contacts.edit_store import EditStore
from contacts.listing import Listing
from sync.pending import PendingPeople
from sync.people import People
from sync.timetable import read_timetable
from tests.api.calls import called
from workspace.connection import WorkspaceId


@dataclass
class MadeUpCallers:
    """A token's text says who asks: 'admin' or 'member'."""

    workspace: WorkspaceId

    async def of(self, req):
        role = req.headers["authorization"].removeprefix("Bearer ")
        return Caller(role, role.title(), self.workspace, "Contoso", role == "admin")


class MemoryApi:
    """Calls by their handlers, as an administrator unless said otherwise."""

    def __init__(self, rig):
        services, callers = rig.services, MadeUpCallers(rig.workspace)
        self.rig = rig
        self.runs = RunCalls(
            callers,
            services.workspaces,
            services.requests,
            PendingPeople(services.workspaces, services.contacts),
            services.undoing,
            FullRunPace(time.monotonic),
            rig.clock,
        )
        self.contacts = ContactCalls(
            callers,
            services.tables,
            services.workspaces,
            services.contacts,
            Listing(services.tables, services.contacts),
            EditStore(services.tables, services.contacts, rig.clock.sleep),
            EditPace(time.monotonic),
            BulkEdits(),
            rig.clock,
        )

        self.people = PeopleCalls(
            callers,
            services.tables,
            services.workspaces,
            People(
                services.workspaces,
                services.contacts,
                Listing(services.tables, services.contacts),
                services.graph,
                rig.clock,
            ),
            OneAtATime("Later."),
            read_timetable("0 0 * * * *"),
            rig.clock,
        )

    async def call(self, handler, body=None, route=None, who="admin", method="GET", **params):
        """The status and the JSON of an answer."""
        answer = await called(handler, method, who, body, route, **params)
        return answer.status_code, msgspec.json.decode(answer.get_body()) if answer.get_body() else None

    async def table(self, handler, route=None, who="admin", **params):
        """A table's text, all its parts together, and how many parts there were."""
        text, parts, continuation = b"", 0, ""
        while continuation or not parts:
            answer = await called(handler, "GET", who, None, route, **params, continuation=continuation)
            assert (answer.status_code, answer.mimetype) == (200, "text/csv")
            text, parts = text + answer.get_body(), parts + 1
            continuation = answer.headers.get("Continuation", "")
        return text.decode("utf-8-sig"), parts
