"""Tables for spreadsheets: whole, without formulas, in parts of bounded size."""

import csv
import dataclasses
import io
import tracemalloc

import pytest

from api.csv import MOST_ROWS, line
from contacts.contact import Contact, ContactId, Link
from tests.api.calls import called


@pytest.mark.parametrize("text", ["=1+1", "+41 44", "-2", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "  =1+1"])
def test_no_cell_is_a_formula(text):
    [[cell]] = csv.reader(io.StringIO(line([text]), newline=""))

    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", 'a "b", c', "two\nlines", "1=1", "", "\u00fc\U0001f600"])
def test_any_other_text_is_read_back_as_it_was(text):
    [[cell]] = csv.reader(io.StringIO(line([text]), newline=""))

    assert cell == text


class LongList:
    """A list of made-up contacts, by pages as storage gives them."""

    def __init__(self, people):
        self.people, self.asked = people, 0

    async def page(self, partition, most, continuation=""):
        self.asked += 1
        start = int(continuation or "0", 16)
        end = min(start + min(most, 1000), self.people)
        return [made_up(number) for number in range(start, end)], f"{end:x}" if end < self.people else ""


def made_up(number):
    fields = {"firstName": f"Ada {number}", "email": f"a{number}@x.example", "mobilePhone": "+41 1"}
    then = "2026-01-01T00:00:00Z"
    return Contact(ContactId(f"{number:08x}-0000-4000-8000-000000000000"), fields, Link.LOCAL, then, then)


async def test_a_list_of_a_hundred_thousand_is_read_back_part_by_part(memory):
    people = 100_000
    await memory.rig.connect()
    store = LongList(people)
    calls = dataclasses.replace(memory.contacts, store=store)

    text, parts = await memory.table(calls.csv, route={"list": memory.rig.list_id}, who="member")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert len({row["Email"] for row in rows}) == len(rows) == people
    assert rows[0]["Mobile phone"] == "'+41 1"
    assert rows[0]["Source"] == "Made in emu.chat"
    assert (parts, store.asked) == (people // MOST_ROWS, people // 1000)


async def test_a_part_takes_no_more_memory_than_its_rows(memory):
    await memory.rig.connect()
    calls = dataclasses.replace(memory.contacts, store=LongList(100_000))

    tracemalloc.start()
    answer = await called(calls.csv, "GET", "member", route={"list": memory.rig.list_id})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.headers["Continuation"]
    assert peak < 60 * 1024 * 1024


async def test_contacts_that_a_person_removed_are_not_in_it(memory):
    rig = memory.rig
    there = [rig.tenant.hire(givenName=name, userPrincipalName=f"{name}@x.example") for name in ("Ada", "Bob")]
    await rig.connect()
    await rig.full()
    await memory.call(
        memory.contacts.remove, route={"list": rig.list_id, "contact": there[0]}, method="DELETE", who="member"
    )

    text, _ = await memory.table(memory.contacts.csv, route={"list": rig.list_id})

    assert [row["First name"] for row in csv.DictReader(io.StringIO(text))] == ["Bob"]
