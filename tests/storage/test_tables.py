"""What the stores rely on of a table, held against Azurite and against the tables in memory that other tests use."""

import base64
from typing import Any

import msgspec
import pytest

from errors import Conflict, RowRefused, TryLater
from services import _table_client
from services.settings import StorageAddress
from storage.filters import after_key, all_of, any_of, beginning, starts_with, within
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from tests.memory import MemoryTables

TABLE = "People"
HERE = Partition(TABLE, "w-1:people")
EVERYBODY = within(HERE.key)


class Name(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")
    etag: str = msgspec.field(default="", name="odata.etag")
    name: str = ""
    age: int = 0


@pytest.fixture(params=["memory", "azurite"])
async def tables(request):
    calls = []
    if request.param == "memory":
        made = MemoryTables(calls.append)
    else:
        account = request.getfixturevalue("storage_account")
        made = Tables(_table_client(StorageAddress(account)), [TABLE], calls.append)
        await made.check()
        calls.clear()
    made.calls = calls
    yield made
    await made.close()


def put(key: str, **columns: object) -> Operation:
    return Operation(Verb.PUT, key, columns)


async def keys(tables, where=EVERYBODY) -> list[str]:
    return [row.row_key async for rows in tables.query(TABLE, where, Name) for row in rows]


class TestTables:
    async def test_a_row_is_read_as_it_was_written(self, tables):
        written = {"text": "Zoë \u20ac 'x' \U0001f600", "number": 7, "flag": True, "share": 0.5, "empty": ""}

        etags = list(await tables.transact(HERE, [put("a", **written)]))

        row = await tables.get(HERE, "a", dict[str, Any])
        assert {name: row[name] for name in written} == written
        assert (row["PartitionKey"], row["RowKey"], [row["odata.etag"]]) == (HERE.key, "a", etags)
        assert row["Timestamp"]

    async def test_a_row_is_read_as_the_type_that_is_asked_for(self, tables):
        [etag] = await tables.transact(HERE, [put("a", name="Ada", other=1)])

        assert await tables.get(HERE, "a", Name) == Name("a", etag, "Ada")
        assert [rows async for rows in tables.query(TABLE, EVERYBODY, Name)] == [[Name("a", etag, "Ada")]]

    async def test_a_column_that_is_not_there_is_the_types_default(self, tables):
        await tables.transact(HERE, [put("a"), put("b", name=',"age":null,'), put("c", name=None)])

        [rows] = [rows async for rows in tables.query(TABLE, EVERYBODY, Name)]

        assert [(row.name, row.age) for row in rows] == [("", 0), (',"age":null,', 0), ("", 0)]

    async def test_bytes_come_back_as_base64(self, tables):
        blob = base64.b64encode(bytes(range(256)) * 256).decode()

        await tables.transact(HERE, [put("a", **{"ids": blob, "ids@odata.type": "Edm.Binary"})])

        row = await tables.get(HERE, "a", dict[str, Any])
        assert (row["ids"], row["ids@odata.type"]) == (blob, "Edm.Binary")

    async def test_whole_rows_come_as_raw_json_too(self, tables):
        await tables.transact(HERE, [put("a", name="Ada")])

        [[raw]] = [rows async for rows in tables.query(TABLE, EVERYBODY, msgspec.Raw)]

        assert msgspec.json.decode(raw)["name"] == "Ada"

    @pytest.mark.parametrize("key", ["b", "a/b", "..", "%2F", "%ff", "a\\b", "a?b", "a#b", "a\nb", "\ud800", "x" * 600])
    async def test_a_row_that_is_not_there_or_cannot_be_is_none(self, tables, key):
        await tables.transact(HERE, [put("a")])

        assert await tables.get(HERE, key, Name) is None

    @pytest.mark.parametrize("key", ["it's", "a b", "a:b;c", "ü€", "%41", "a+b&c=d", "A"])
    async def test_keys_are_what_they_are(self, tables, key):
        await tables.transact(HERE, [put(key, name="it"), put("other"), put("a")])

        assert (await tables.get(HERE, key, Name)).name == "it"
        assert key in await keys(tables)
        assert await keys(tables, within(HERE.key, ge=key, le=key)) == [key]

    async def test_a_partition_key_with_a_quote_opens_no_other(self, tables):
        await tables.transact(HERE, [put("a")])

        assert await keys(tables, within(f"x' or PartitionKey eq '{HERE.key}")) == []

    async def test_partitions_and_tables_do_not_mix(self, tables):
        await tables.transact(HERE, [put("a")])
        await tables.transact(Partition(TABLE, "w-2:people"), [put("b")])

        assert await keys(tables) == ["a"]
        assert await tables.get(Partition(TABLE, "w-2:people"), "a", Name) is None

    async def test_rows_come_in_the_order_of_their_keys(self, tables):
        await tables.transact(HERE, [put(key) for key in ("b", "a:2", "B", "a", "a;", "a:10", "0")])

        assert await keys(tables) == ["0", "B", "a", "a:10", "a:2", "a;", "b"]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (within(HERE.key, ge="b"), ["b", "c:1", "c:2", "c;", "d"]),
            (within(HERE.key, ge="b", lt="d"), ["b", "c:1", "c:2", "c;"]),
            (within(HERE.key, ge="b", le="c:1"), ["b", "c:1"]),
            (within(HERE.key, lt="b"), ["a"]),
            (within(HERE.key, ge="x"), []),
            (within(HERE.key, ge="d", lt="b"), []),
            (beginning(HERE.key, "c:"), ["c:1", "c:2"]),
        ],
    )
    async def test_a_range_of_keys_has_the_ends_that_it_names(self, tables, where, expected):
        await tables.transact(HERE, [put(key) for key in ("a", "b", "c:1", "c:2", "c;", "d")])

        assert await keys(tables, where) == expected

    async def test_pages_join_without_a_gap_or_a_repetition(self, tables):
        names = [f"{number:04d}" for number in range(250)]
        for start in range(0, 250, 100):
            await tables.transact(HERE, [put(name) for name in names[start : start + 100]])

        found, continuation, sizes = [], "", []
        while continuation or not found:
            rows, continuation = await tables.page(TABLE, EVERYBODY, Name, continuation, 60)
            found += [row.row_key for row in rows]
            sizes.append(len(rows))

        assert (found, sizes) == (names, [60, 60, 60, 60, 10])

    async def test_a_condition_on_columns_picks_rows_and_one_without_the_column_meets_none(self, tables):
        rows = [put("a", name="Ada O'Hara"), put("b", name="Bob"), put("c", age=3), put("d", name="Adam"), put("e")]
        await tables.transact(HERE, rows)
        either = any_of(starts_with("name", "Ada O'"), all_of(starts_with("RowKey", "d"), starts_with("name", "A")))

        assert await keys(tables, all_of(EVERYBODY, either)) == ["a", "d"]
        assert await keys(tables, all_of(after_key(HERE.key, "a"), either)) == ["d"]
        assert await keys(tables, all_of(EVERYBODY, any_of(starts_with("name", "Z")))) == []

    async def test_two_rows_with_the_very_same_columns_and_one_with_more(self, tables):
        columns = {"name": "Ada", "age": 36}
        beside = Operation(Verb.PUT, "name:ada", columns, besides={"first": "ada \u2028"})

        await tables.transact(HERE, [Operation(Verb.INSERT, "a", columns), beside, put("b")])

        rows = {key: await tables.get(HERE, key, dict[str, Any]) for key in ("a", "name:ada", "b")}
        shown = {key: (row.get("name"), row.get("age"), row.get("first")) for key, row in rows.items()}
        assert shown == {
            "a": ("Ada", 36, None),
            "name:ada": ("Ada", 36, "ada \u2028"),
            "b": (None, None, None),
        }

    async def test_rows_written_between_two_pages_do_not_disturb_the_next(self, tables):
        await tables.transact(HERE, [put(key) for key in "aceg"])
        first, continuation = await tables.page(TABLE, EVERYBODY, Name, "", 2)

        await tables.transact(HERE, [put("b"), put("f"), Operation(Verb.DELETE, "a"), Operation(Verb.DELETE, "e")])

        rows, end = await tables.page(TABLE, EVERYBODY, Name, continuation, 5)
        assert ([row.row_key for row in first], [row.row_key for row in rows], end) == (["a", "c"], ["f", "g"], "")

    async def test_a_caller_reads_on_after_a_row_key(self, tables):
        await tables.transact(HERE, [put(f"run:{letter}") for letter in "abcde"] + [put("sun:x")])
        runs = beginning(HERE.key, "run:")

        first, key = await tables.after(TABLE, runs, Name, "", 2)
        second, second_key = await tables.after(TABLE, runs, Name, key, 2)
        third, end = await tables.after(TABLE, runs, dict[str, Any], second_key, 2)

        assert (key, second_key, end) == ("run:b", "run:d", "")
        assert [row.row_key for row in first + second] == ["run:a", "run:b", "run:c", "run:d"]
        assert [row["RowKey"] for row in third] == ["run:e"]
        assert await tables.after(TABLE, runs, Name, "it's", 2) == (await tables.after(TABLE, runs, Name, "", 2))
        assert await tables.after(TABLE, runs, Name, "z", 2) == ([], "")

    async def test_put_replaces_the_whole_row(self, tables):
        await tables.transact(HERE, [put("a", name="Ada", age=36)])

        await tables.transact(HERE, [put("a", name="Bob")])

        row = await tables.get(HERE, "a", Name)
        assert (row.name, row.age) == ("Bob", 0)

    async def test_an_insert_conflicts_with_a_row_that_is_there(self, tables):
        await tables.transact(HERE, [Operation(Verb.INSERT, "a", {"name": "first"})])

        with pytest.raises(Conflict):
            await tables.transact(HERE, [Operation(Verb.INSERT, "a", {"name": "second"})])

        assert (await tables.get(HERE, "a", Name)).name == "first"

    @pytest.mark.parametrize("verb", [Verb.REPLACE, Verb.DELETE])
    async def test_a_change_conflicts_with_every_other_writer(self, tables, verb):
        [old] = await tables.transact(HERE, [put("a", name="first")])
        [new] = await tables.transact(HERE, [Operation(Verb.REPLACE, "a", {"name": "second"}, old)])
        assert new != old

        with pytest.raises(Conflict):
            await tables.transact(HERE, [Operation(verb, "a", {"name": "late"}, old)])

        row = await tables.get(HERE, "a", Name)
        assert (row.name, row.etag) == ("second", new)

    @pytest.mark.parametrize("verb", [Verb.REPLACE, Verb.DELETE])
    @pytest.mark.parametrize("etag", ["*", "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\""])
    async def test_a_change_conflicts_with_a_row_that_is_gone(self, tables, verb, etag):
        with pytest.raises(Conflict):
            await tables.transact(HERE, [Operation(verb, "a", {"name": "late"}, etag)])

    async def test_any_etag_will_do_for_a_change_that_does_not_mind(self, tables):
        await tables.transact(HERE, [put("a"), put("b")])

        await tables.transact(HERE, [Operation(Verb.REPLACE, "a", {"name": "Ada"}), Operation(Verb.DELETE, "b")])

        assert (await tables.get(HERE, "a", Name)).name == "Ada"
        assert await tables.get(HERE, "b", Name) is None

    async def test_the_same_content_written_again_has_another_etag(self, tables):
        [first] = await tables.transact(HERE, [put("a", name="Ada")])
        [second] = await tables.transact(HERE, [put("a", name="Ada")])

        assert first != second

    async def test_etags_come_in_the_order_of_the_operations(self, tables):
        await tables.transact(HERE, [put("z")])

        etags = list(await tables.transact(HERE, [put("b"), Operation(Verb.DELETE, "z"), put("a")]))

        assert etags[1] == ""
        assert etags[::2] == [(await tables.get(HERE, key, Name)).etag for key in "ba"]

    async def test_a_transaction_is_written_whole_or_not_at_all(self, tables):
        await tables.transact(HERE, [put("b", name="old"), put("c")])
        changes = [put("a"), put("b", name="new"), Operation(Verb.DELETE, "c"), Operation(Verb.INSERT, "b", {})]

        with pytest.raises((Conflict, RowRefused)):
            await tables.transact(HERE, changes)
        with pytest.raises(Conflict):
            await tables.transact(HERE, [*changes[:3], Operation(Verb.DELETE, "d")])

        assert await keys(tables) == ["b", "c"]
        assert (await tables.get(HERE, "b", Name)).name == "old"

    async def test_a_row_twice_in_a_transaction_is_refused(self, tables):
        with pytest.raises(RowRefused):
            await tables.transact(HERE, [put("a", name="1"), put("a", name="2")])

        assert await keys(tables) == []

    @pytest.mark.parametrize("count", [0, 101])
    async def test_a_transaction_of_no_or_too_many_operations_is_a_bug(self, tables, count):
        with pytest.raises(AssertionError):
            await tables.transact(HERE, [put(str(number)) for number in range(count)])

        assert tables.calls == []

    async def test_a_transaction_of_a_hundred_operations_is_written(self, tables):
        await tables.transact(HERE, [put(f"{number:03d}") for number in range(100)])

        assert len(await keys(tables)) == 100

    @pytest.mark.parametrize("text", ["x" * 32_768, "\u20ac" * 32_768, "\U0001f600" * 16_384])
    async def test_a_column_of_64_kib_is_written(self, tables, text):
        await tables.transact(HERE, [put("a", name=text)])

        assert (await tables.get(HERE, "a", Name)).name == text

    @pytest.mark.parametrize("text", ["x" * 32_769, "\U0001f600" * 16_385])
    async def test_a_column_beyond_64_kib_is_refused_by_its_position(self, tables, text):
        with pytest.raises(RowRefused) as refused:
            await tables.transact(HERE, [put("a"), put("b", name=text), put("c")])

        assert refused.value.position == 1
        assert await keys(tables) == []

    async def test_a_blob_beyond_64_kib_is_refused_by_its_position(self, tables):
        blob = base64.b64encode(b"x" * 65_537).decode()

        with pytest.raises(RowRefused) as refused:
            await tables.transact(HERE, [put("a", **{"ids": blob, "ids@odata.type": "Edm.Binary"})])

        assert refused.value.position == 0

    @pytest.mark.filterwarnings("ignore:Sending a large body")
    async def test_a_row_beyond_1_mib_is_refused_by_its_position(self, tables):
        column = "x" * 32_000
        large = {f"c{number}": column for number in range(40)}

        with pytest.raises(RowRefused) as refused:
            await tables.transact(HERE, [put("a"), put("b", **large)])

        assert refused.value.position == 1
        assert await keys(tables) == []

    @pytest.mark.filterwarnings("ignore:Sending a large body")
    async def test_a_transaction_beyond_4_mib_is_refused_as_a_whole(self, tables):
        half = {f"c{number}": "x" * 32_000 for number in range(15)}

        with pytest.raises(RowRefused) as refused:
            await tables.transact(HERE, [put(str(number), **half) for number in range(10)])

        assert refused.value.position == -1

    @pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\tb", "x" * 513])
    async def test_a_row_whose_key_cannot_be_is_not_written(self, tables, key):
        with pytest.raises((RowRefused, TryLater)):
            await tables.transact(HERE, [put("a"), put(key)])

        assert await keys(tables) == []

    async def test_calls_are_counted_one_a_page_and_one_a_transaction(self, tables):
        await tables.transact(HERE, [put("a"), put("b")])
        await tables.get(HERE, "a", Name)
        await keys(tables)

        assert tables.calls == ["POST", "GET", "GET"]
