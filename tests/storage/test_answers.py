"""What Azure's tables answer and Azurite does not (docs/facts/functions.md 6), from a server that answers as told."""

import re
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import web
from yarl import URL

from errors import NotFound
from services import _table_client
from services.settings import StorageAddress
from storage.document import DocumentRow, document_columns
from storage.filters import within
from storage.table import Tables
from storage.transaction import Partition

HERE = Partition("People", "here")
NEXT_PARTITION, NEXT_ROW = "x-ms-continuation-NextPartitionKey", "x-ms-continuation-NextRowKey"


class Name(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")
    name: str = ""
    age: int = 0


@dataclass
class Service:
    """`answers`: (status, headers, body) of the next requests; `asked`: their queries."""

    answers: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    async def answer(self, request):
        self.asked.append(request.rel_url.query)
        status, headers, body = self.answers.pop(0)
        return web.json_response(body, status=status, headers=headers)


@pytest.fixture
async def service():
    return Service()


@pytest.fixture
async def tables(service, azurite):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = f"http://127.0.0.1:{runner.addresses[0][1]}"
    account = re.sub(r"TableEndpoint=http://[^/;]+", f"TableEndpoint={here}", azurite.connection_string("account1498"))
    tables = Tables(_table_client(StorageAddress(account)), ["People"], lambda _: None)
    yield tables
    await tables.close()
    await runner.cleanup()


def rows(*keys):
    return {"odata.metadata": str(URL("http://x/$metadata#People")), "value": [{"RowKey": key} for key in keys]}


@pytest.mark.parametrize(
    "headers",
    [
        {NEXT_PARTITION: "1!8!aGVyZQ--"},
        {NEXT_PARTITION: "1!8!aGVyZQ--", NEXT_ROW: ""},
        {NEXT_PARTITION: "1!8!aGVyZQ--", NEXT_ROW: "1!4!Yg+/=&"},
    ],
)
async def test_what_the_service_names_as_the_next_page_is_sent_back_and_nothing_else(service, tables, headers):
    service.answers = [(200, headers, rows()), (200, {}, rows("b"))]

    found = [row.row_key async for page in tables.query("People", within("here"), Name) for row in page]

    sent = {name: value for name, value in service.asked[1].items() if name.startswith("Next")}
    assert sent == {name.removeprefix("x-ms-continuation-"): value for name, value in headers.items() if value}
    assert {name: service.asked[1][name] for name in service.asked[0]} == dict(service.asked[0])
    assert found == ["b"]


async def test_a_reader_who_reads_on_after_a_key_goes_on_through_empty_pages_behind_it(service, tables):
    service.answers = [(200, {NEXT_PARTITION: "p"}, rows()), (200, {}, rows("d"))]

    found, _ = await tables.after("People", within("here"), Name, "c", 10)

    assert [row.row_key for row in found] == ["d"]
    assert all("RowKey gt 'c'" in query["$filter"] for query in service.asked)


@pytest.mark.parametrize("spoken", [',"x":null,', '{"a":null}', "null", ',"name":null}'])
async def test_a_selected_column_that_a_row_lacks_is_absent_though_the_service_says_null(service, tables, spoken):
    value = [
        {"odata.etag": "W/1", "RowKey": "a", "name": spoken, "age": None},
        {"odata.etag": "W/1", "RowKey": "b", "name": None, "age": 3},
    ]
    service.answers = [(200, {}, {"value": value})]

    found, _ = await tables.page("People", within("here"), Name)

    assert found == [Name("a", spoken), Name("b", "", 3)]


async def test_a_stored_document_of_one_piece_is_read_though_the_service_says_null_for_the_others(service, tables):
    columns = document_columns({"name": "Ada"})
    pieces = {f"document{number}": columns.get(f"document{number}") for number in range(7)}
    service.answers = [(200, {}, {"value": [{"odata.etag": "W/1", "RowKey": "connection"} | pieces]})]

    [row], _ = await tables.page("Connections", within("here"), DocumentRow)

    assert row.read(dict) == {"name": "Ada"}


@pytest.mark.parametrize("code", ["InvalidInput", "OutOfRangeInput"])
async def test_a_key_that_the_service_does_not_accept_is_not_there(service, tables, code):
    service.answers = [(400, {}, {"odata.error": {"code": code, "message": {"value": "Bad Request"}}})]

    assert await tables.get(HERE, "a%", Name) is None


@pytest.mark.parametrize(("status", "code"), [(400, "InvalidInput"), (400, "NotImplemented"), (413, ""), (414, "")])
async def test_what_storage_refuses_to_look_for_is_not_there_and_no_fault_of_ours(
    service, tables, caplog, status, code
):
    service.answers = [(status, {}, {"odata.error": {"code": code, "message": {"value": "Bad Request"}}})] * 2

    with pytest.raises(NotFound):
        await tables.page("People", within("here"), Name)
    with pytest.raises(NotFound):
        _ = [rows async for rows in tables.query("People", within("here"), Name)]
    assert [one.getMessage().split()[0] for one in caplog.records if one.name == "storage.table"] == [
        "read_refused"
    ] * 2


async def test_a_key_that_cannot_be_never_reaches_the_service(service, tables):
    assert await tables.get(HERE, "../a", Name) is None
    assert service.asked == []


@pytest.mark.parametrize("text", ["a" * 70_000, "\U0001f600" * 40_000, "a" + "\U0001f600" * 40_000, "\u00fc" * 40_000])
def test_a_long_value_is_cut_where_a_column_ends_and_put_together_again(text):
    columns = document_columns({"name": text})

    row = DocumentRow("key", "etag", **columns)
    assert max(len(piece.encode("utf-16-le")) for piece in columns.values()) <= 2 * 32_768
    assert row.read(dict[str, str]) == {"name": text}
