"""What the tables and the queue in memory can do on purpose, for other tests."""

import asyncio

import msgspec
import pytest

from errors import Conflict
from storage.filters import within
from storage.transaction import Operation, Partition, Verb
from tests.memory import MemoryQueue, MemoryTables
from tests.rig import Clock, Killed

HERE = Partition("People", "here")


class Name(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


@pytest.mark.parametrize("empty", [False, True])
async def test_pages_are_as_small_and_as_empty_as_a_test_wants(empty):
    tables = MemoryTables(page_size=2)
    tables.empty_pages = empty
    await tables.transact(HERE, [Operation(Verb.PUT, key, {}) for key in "abcde"])

    pages = [[row.row_key for row in page] async for page in tables.query("People", within("here"), Name)]
    behind = await tables.after("People", within("here"), Name, "b", 2)

    full = [["a", "b"], ["c", "d"], ["e"]]
    assert pages == ([page for one in full for page in ([], one)] if empty else full)
    assert ([row.row_key for row in behind[0]], behind[1]) == (["c", "d"], "d")


@pytest.mark.parametrize(("hook", "written"), [("before_call", False), ("after_call", True)])
async def test_a_worker_dies_before_or_after_a_call(hook, written):
    tables = MemoryTables()

    def die(method):
        if method == "transact":
            raise Killed

    setattr(tables, hook, die)
    with pytest.raises(Killed):
        await tables.transact(HERE, [Operation(Verb.PUT, "a", {})])

    assert (await tables.get(HERE, "a", Name) is not None) == written


async def test_a_transaction_is_seen_before_it_is_written():
    tables, seen = MemoryTables(), []
    tables.before_write = lambda partition, operations: seen.append((partition, list(operations)))
    operation = Operation(Verb.PUT, "a", {"name": "Ada"})

    await tables.transact(HERE, [operation])

    assert seen == [(HERE, [operation])]
    assert [(table, row["RowKey"], row["name"]) for table, row in tables.rows()] == [("People", "a", "Ada")]


async def test_of_two_writers_with_one_etag_one_conflicts():
    tables = MemoryTables()
    [etag] = await tables.transact(HERE, [Operation(Verb.PUT, "a", {})])
    change = Operation(Verb.REPLACE, "a", {"name": "x"}, etag)

    ends = await asyncio.gather(*(tables.transact(HERE, [change]) for _ in range(2)), return_exceptions=True)

    assert sum(isinstance(one, Conflict) for one in ends) == 1


async def test_a_message_is_visible_when_its_delay_is_over():
    clock = Clock()
    queue = MemoryQueue(clock)
    await queue.send("later", 60)
    await queue.send("now")
    await queue.send("now too")

    taken = [queue.take(), queue.take(), queue.take()]
    await clock.sleep(queue.next_at() - clock().timestamp())

    assert [*taken, queue.take(), queue.take(), len(queue)] == ["now", "now too", None, "later", None, 0]
