"""Histories that went wrong once, each with what it held against the engine (spec §3 to §6). In memory."""

from collections import Counter

import pytest

from tests.histories import PEOPLE, URL, begin
from tests.memory_rig import make_memory_rig
from tests.stack import play
from tests.worlds import MemoryWorld

FIRST, SECOND, THIRD, FOURTH, *_ = PEOPLE
FOUND = {
    # Page 1 has a user with an older name, page 2 as a guest with the present one, page 3 only that it is no guest.
    "a patch that lets a user in again is not laid over what an earlier page left": [
        *begin(odd=True),
        ("ends", {"endless": "same_link"}),
        ("hire", FIRST, {}),
        ("hire", FIRST, {}),
        ("run", False, ()),
    ],
    "users who are read whole are read to the end of their round, empty pages and all": [
        *begin(),
        ("hire", FIRST, {}),
        ("shape", {"page_size": 1, "empty_pages": True}),
        ("hidden", "missing"),
    ],
    # A run that failed had filled an empty field with an earlier word.
    "under keep local the last word counts although an earlier run came no further": [
        *begin(odd=True),
        ("ends", {"endless": "new_links"}),
        ("configure", {"keep_local": True, "hard_delete": False, "include_guests": False, "include_disabled": False}),
        ("run", False, ()),
    ],
    # The first page was written, its worker died, and the round that began again named others on it.
    "an undo gives back whom the first try of a page had changed": [
        *begin(odd=True),
        ("orphan", True, 20, 0),
        ("run", True, (8,)),
        ("run", False, ()),
        ("undo", 1, False, ()),
    ],
    "whom the first try of a page had brought back is counted": [
        *begin(odd=True),
        ("orphan", True, 1, 0),
        ("shape", {"page_size": 3}),
        ("drop", 1),
        ("run", True, (7,)),
    ],
    # The first worker's round told an older company of somebody, and the second one's did not.
    "an orphan's older word of somebody whom the run's other worker does not write is not written late": [
        *begin(),
        ("shape", {"patches_percent": 50}),
        ("tick",),
        ("orphan", True, 7, 0),
    ],
    # An earlier page has the new user with another address. Workers die where one contact takes the other's place.
    **{
        f"the last address of a round decides whose contact it is, {name}": [
            *begin(),
            ("shape", {"patches_percent": 100, "seed": seed, "page_size": 1}),
            ("hire", FOURTH, {"givenName": "Ada", "mail": "one@x.example"}),
            ("add", {"firstName": "Local", "department": "Mine", "email": "one@x.example"}),
            ("run", True, kills),
            ("undo", 0, True, (6,)),
        ]
        for seed in range(1, 21)
        for name, kills in ((f"seed {seed}", ()), (f"seed {seed}, with deaths", (24, 7)))
    },
    "a pause goes on although the queue was away when it began": [
        *begin(),
        ("fault", {"status": 429, "retryAfter": "3600"}),
        ("queue away",),
        ("run", False, ()),
    ],
}


@pytest.mark.parametrize("history", FOUND.values(), ids=FOUND.keys())
async def test_it_stays_mended(history):
    await play(MemoryWorld(make_memory_rig(notification_url=URL)), [*history, ("run", False, ())], Counter())


async def test_a_write_whose_answer_was_lost_is_known_to_a_later_page_of_the_run():
    """The list was scanned before, and the second attempt at the page found nothing left to write."""
    choices = dict.fromkeys(("keep_local", "hard_delete", "include_guests", "include_disabled"), False)
    history = [*begin(odd=True), ("configure", choices), ("storage", "lost_after", 8), ("run", False, ())]

    await play(MemoryWorld(make_memory_rig(notification_url=URL)), history, Counter())
