"""Nothing on our side takes the process's one thread for long, whatever Microsoft sends (facts/functions.md 11).

All workspaces' runs and calls share it. Graph's pages have 200 people; these have many more, with long values.
"""

import asyncio
import base64
import json
import uuid

import pytest
from aiohttp import web

from api.keys import SigningKeys
from directory.answer import Answer
from directory.credentials import Credentials
from directory.graph import Graph
from mapping.configuration import DeletionBehavior, FieldMapping
from sync.preview import Previews
from sync.room import Room
from tests.loop_watch import LoopWatch
from tests.memory_microsoft import ENDPOINT
from tests.memory_rig import make_memory_rig
from workspace.run import Mode, RunState

LONGEST_SECONDS = 0.2
PAGE = PEOPLE = 4_000
HALF = PEOPLE // 2
FIELDS = ("givenName", "surname", "companyName", "jobTitle", "department", "officeLocation")
_OURS = {"givenName": "firstName", "surname": "lastName", "companyName": "company"}
MAPPINGS = tuple(FieldMapping(one, _OURS.get(one, one)) for one in FIELDS)


class Pages:
    """A sender that gives prepared pages; who prepares them takes the loop's time, and is not measured."""

    def __init__(self):
        self.bodies = []

    def hold(self, people, tag, *, odd=False):
        """A round over so many people. `odd`: one character of each page cannot be decoded."""
        self.bodies.clear()
        for start in range(0, people, PAGE):
            page = {"value": [_user(n, tag) for n in range(start, min(start + PAGE, people))]}
            last = start + PAGE >= people
            page["@odata.deltaLink" if last else "@odata.nextLink"] = f"{ENDPOINT}/v1.0/users/delta()?{start + PAGE}"
            body = json.dumps(page).encode()
            self.bodies.append(body.replace(b"lorem", rb"lorem \ud83d", 1) if odd else body)

    async def send(self, _, url, accept, *_rest):
        await asyncio.sleep(0)
        if accept == "text/plain" or "organization" in url:
            return Answer(403, {}, b"{}")
        query = url.partition("?")[2]
        return Answer(200, {}, self.bodies[int(query) // PAGE if query.isdigit() else 0])

    async def close(self):
        return


def _user(number, tag):
    # Spread over all ids, so that their order is not that of the pages.
    who = uuid.UUID(int=number * 2654435761 % 2**32 << 96 | number)
    text = "lorem ipsum dolor sit amet " * 4
    values = {one: f"{tag} {one} {number} {text}" for one in FIELDS}
    return {"id": str(who), "userPrincipalName": f"{number}@x.example", "accountEnabled": True, **values}


class Credential:
    async def close(self):
        return


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
async def rig(pages):
    graph = Graph(ENDPOINT, Credentials(lambda _: Credential()), lambda: None, pages)
    rig = make_memory_rig(graph=graph)
    await rig.connect(field_mappings=MAPPINGS, removal_guard=None, deletion_behavior=DeletionBehavior.UNLINK)
    return rig


async def watched(rig, work):
    async with LoopWatch(rig.services.tables) as watch:
        result = await work
    assert watch.longest < LONGEST_SECONDS
    return result


async def test_no_page_takes_the_loop_for_long(rig, pages):
    pages.hold(PEOPLE, "a")
    first = await watched(rig, rig.full())
    pages.hold(PEOPLE, "b", odd=True)
    changed = await watched(rig, rig.full())

    assert (first.counts.added, changed.counts.updated) == (PEOPLE, PEOPLE)


async def test_nobody_who_leaves_and_no_slice_that_goes_on_takes_the_loop_for_long(rig, pages):
    pages.hold(PEOPLE, "a")
    await rig.full()
    pages.hold(HALF, "a")
    asked = await rig.ask(Mode.FULL)

    await watched(rig, rig.work(rig.with_worker(slice_seconds=0)))

    run = await rig.run(asked.id)
    assert (run.state, run.counts.unlinked) == (RunState.COMPLETED, PEOPLE - HALF)


async def test_no_preview_takes_the_loop_for_long(rig, pages):
    pages.hold(PEOPLE, "a")
    await rig.full()
    pages.hold(HALF, "b")
    connection, state = await rig.services.workspaces.load(rig.workspace)
    previews = Previews(rig.services.contacts, rig.services.graph, Room(), rig.clock, rig.clock.sleep)

    preview = await watched(rig, previews.of(connection, state, connection.configuration))

    assert (preview.counts.updated, preview.counts.unlinked) == (HALF, PEOPLE - HALF)


async def test_no_set_of_keys_takes_the_loop_for_long(rig):
    """As many keys as fit into the largest set that is read."""
    x, y = (base64.urlsafe_b64encode(one.to_bytes(32)).rstrip(b"=").decode() for one in P256_GENERATOR)
    key = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256"}
    body = json.dumps({"keys": [key | {"kid": f"{number}"} for number in range(2_500)]}).encode()

    async def answer(_):
        return web.Response(body=body)

    app = web.Application()
    app.router.add_get("/keys", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    keys = SigningKeys(f"http://127.0.0.1:{runner.addresses[0][1]}/keys", lambda: 0.0)
    try:
        found = await watched(rig, keys.of("7"))
    finally:
        await runner.cleanup()

    assert found is not None


P256_GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
