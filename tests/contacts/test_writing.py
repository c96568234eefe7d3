"""How a list is written: side by side with other lists, and never after the writer's lease (spec §6)."""

import asyncio

import limits
from contacts.contact import Contact, ContactId, Link, partition_of, write_operations
from contacts.store import ContactStore
from mapping.fields import ObjectId
from tests.memory import MemoryTables

LISTS = 3 * limits.TRANSACTIONS_AT_ONCE


class Busy:
    """Tables of which every call lasts for some turns of the loop."""

    def __init__(self):
        self.under_way = self.most = 0
        self.tables = MemoryTables()
        self.tables.pause = self._pause

    async def _pause(self):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1


def contact(number):
    made = ObjectId(f"{number:08x}-0000-4000-8000-000000000000")
    return Contact(ContactId(made), {"lastName": "Person"}, Link.LINKED, "2026", "2026", source_id=made)


async def test_however_many_lists_are_written_few_transactions_are_on_their_way():
    """A small run's few calls would wait behind all of them."""
    busy = Busy()
    store = ContactStore(busy.tables)

    async def write(number):
        await store.write(partition_of("w", f"list-{number}"), [write_operations(None, contact(one)) for one in (1, 2)])

    await asyncio.gather(*map(write, range(LISTS)))

    assert busy.most == limits.TRANSACTIONS_AT_ONCE
    assert len({row["PartitionKey"] for _, row in busy.tables.rows()}) == LISTS


async def test_a_lease_is_looked_at_after_the_wait_for_a_place():
    """Nobody may write with a lease that lapsed while he waited."""
    busy = Busy()
    store = ContactStore(busy.tables)
    looked = []

    async def look():
        looked.append(busy.under_way)

    for singly in (False, True):
        writes = (
            store.write(
                partition_of("w", f"list-{number}-{singly}"),
                [write_operations(None, contact(1))],
                singly=singly,
                before_each=look,
            )
            for number in range(LISTS)
        )
        await asyncio.gather(*writes)

    assert len(looked) == 2 * LISTS
    assert max(looked) < limits.TRANSACTIONS_AT_ONCE
