"""The account's tables: rows in and out as typed values, over the SDK's own pipeline.

The SDK's client signs, retries and keeps connections. Its entities are not used, because turning every row into a
dict and back costs 60 to 80 µs a row (facts/functions.md 6), msgspec 2 µs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from azure.core.exceptions import AzureError, ClientAuthenticationError, ResourceExistsError
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.data.tables.aio import TableServiceClient

import limits
from errors import CredentialRejected, NotFound, TryLater
from storage.filters import beyond, within
from storage.rows import RowReader, columns_of
from storage.transaction import (
    CONTENT_TYPE,
    MOST_OPERATIONS,
    Operation,
    Partition,
    Verb,
    encode_transaction,
    is_key,
    read_transaction,
    storage_error,
)

log = logging.getLogger(__name__)

_OK, _BAD_REQUEST, _NOT_FOUND = 200, 400, 404
_NOT_TO_BE_READ = (400, 404, 409, 412, 413, 414)
"""Answers to a read that storage will never take, the last one because its address is too long."""
_BAD_KEY = (b"InvalidInput", b"OutOfRangeInput")
_NEXT = {"NextPartitionKey": "x-ms-continuation-NextPartitionKey", "NextRowKey": "x-ms-continuation-NextRowKey"}


class Tables:
    """The tables of one storage account. Every method is one transaction a page or a call, and counts it.

    Each of those that read raises NotFound for what storage refuses to look for, and TryLater.
    """

    def __init__(self, client: TableServiceClient, names: Sequence[str], count: Callable[[str], None]) -> None:
        self._client = client
        self._names = tuple(names)
        self._count = count
        self._ready = asyncio.Lock()
        self._made = False
        self._reader = RowReader()

    async def get[T](self, partition: Partition, row_key: str, row: type[T]) -> T | None:
        """One row, or None. A key that no row can have is not asked for: storage would refuse the request."""
        if not is_key(row_key):
            return None
        answer = await self._send("GET", partition.row_path(row_key))
        if answer.status_code == _NOT_FOUND and b"TableNotFound" not in answer.content:
            return None
        # A caller of the API may name any id. One that the service refuses as a key is one that no row has.
        if answer.status_code == _BAD_REQUEST and any(code in answer.content for code in _BAD_KEY):
            return None
        return self._reader.one(_checked(answer), row)

    async def page[T](
        self, table: str, where: str, row: type[T], continuation: str = "", most: int = 1000
    ) -> tuple[list[T], str]:
        """Up to `most` rows (1000 at the most) in key order, and where the next page begins, '' after the last.

        Only the columns that `row` names are asked for. A page may be empty and still have a next one. The
        continuation is good for the same query in this process; it is not for storing, nor for callers of the API.
        """
        query = {"$filter": where, "$top": str(most)}
        if columns := columns_of(row):
            query["$select"] = ",".join(columns)
        path = f"{table}()?{_query(query)}"
        answer = await self._send("GET", f"{path}&{continuation}" if continuation else path)
        rows = self._reader.many(_checked(answer), row)
        return rows, _continuation(answer.headers)

    async def after[T](self, table: str, where: str, row: type[T], row_key: str, most: int) -> tuple[list[T], str]:
        """Up to `most` rows of one partition that come after a key, and the last one's key where there are more.

        A caller may be given the key and bring it back: it opens nothing that `where` does not.
        """
        where = beyond(where, row_key)
        rows, continuation = await self.page(table, where, row, most=most)
        # The service may answer an empty page with a continuation; callers of the API would take that for the end.
        while continuation and not rows:
            rows, continuation = await self.page(table, where, row, continuation, most)
        if not continuation:
            return rows, ""
        # The last row's key, not the service's continuation: that one is good for exactly the same query only.
        last: Any = rows[-1]
        return rows, last["RowKey"] if isinstance(last, dict) else last.row_key

    async def query[T](self, table: str, where: str, row: type[T]) -> AsyncIterator[list[T]]:
        """All pages of a query, in key order."""
        continuation = ""
        while True:
            rows, continuation = await self.page(table, where, row, continuation)
            yield rows
            if not continuation:
                return

    async def transact(self, partition: Partition, operations: Sequence[Operation]) -> Iterator[str]:
        """Write rows of one partition, all or none; the new ETags in order.

        Raises:
            Conflict, RowRefused: nothing was written.
            TryLater: it may or may not have been written.
        """
        body = encode_transaction(self._client.url, partition, operations)
        answer = await self._send("POST", "$batch", body)
        return read_transaction(answer.status_code, answer.content, operations)

    async def check(self) -> None:
        """Prove that the account answers, and that its tables are there.

        Raises:
            TryLater, CredentialRejected
        """
        await self.page(self._names[0], within(""), _Nothing, most=1)

    async def close(self) -> None:
        await self._client.close()

    async def _send(self, method: str, path: str, body: bytes | None = None) -> AsyncHttpResponse:
        """Send one request with the SDK's policies; the tables are made at the first that misses one."""
        answer = await self._try(method, path, body)
        # Asking at every start whether the tables are there would cost four requests. They are missing once.
        if answer.status_code == _NOT_FOUND and b"TableNotFound" in answer.content and not self._made:
            await self._make_tables()
            answer = await self._try(method, path, body)
        # A transaction is accepted (202), and its answer says inside that the table is missing.
        if method == "POST" and b"TableNotFound" in answer.content and not self._made:
            await self._make_tables()
            answer = await self._try(method, path, body)
        return answer

    async def _try(self, method: str, path: str, body: bytes | None) -> AsyncHttpResponse:
        headers = {
            "Accept": "application/json;odata=minimalmetadata",
            "DataServiceVersion": "3.0",
            "x-ms-version": self._client.api_version,
        }
        if body is not None:
            headers["Content-Type"] = CONTENT_TYPE
        answer: AsyncHttpResponse
        request = HttpRequest(method, f"{self._client.url}/{path}", headers=headers, content=body)
        # Counted before it is sent, because a request that fails costs as much.
        self._count(method)
        try:
            async with asyncio.timeout(limits.TABLE_CALL_SECONDS):
                # The pipeline below the public client: its signing, retries and connections (azure-data-tables 12.7).
                # What lies between would copy the request first, to complete an address that is complete.
                answer = await self._client._client._client.send_request(request, stream=True)  # noqa: SLF001
                await answer.read()
        except ClientAuthenticationError as error:
            raise CredentialRejected("storage does not accept this app's identity", "storage") from error
        except (AzureError, TimeoutError) as error:
            raise TryLater(f"storage did not answer ({type(error).__name__})") from error
        return answer

    async def _make_tables(self) -> None:
        async with self._ready:
            # Two requests may find the tables missing at the same time. The second one waits and has nothing to do.
            if self._made:
                return
            for name in self._names:
                self._count("POST")
                try:
                    async with asyncio.timeout(limits.TABLE_CALL_SECONDS):
                        await self._client.create_table(name)
                except ResourceExistsError:
                    continue
                except (AzureError, TimeoutError) as error:
                    raise TryLater(f"storage did not make table {name} ({type(error).__name__})") from error
            self._made = True


class _Nothing(msgspec.Struct):
    row_key: str = msgspec.field(default="", name="RowKey")


async def delete_rows(tables: Tables, partition: Partition, row_keys: Sequence[str]) -> None:
    """Delete rows that are there, a transaction a hundred.

    Raises:
        Conflict: one was not there; some may be deleted.
        TryLater
    """
    for some in batched(row_keys, MOST_OPERATIONS, strict=False):
        await tables.transact(partition, [Operation(Verb.DELETE, key) for key in some])


def _query(values: Mapping[str, str]) -> str:
    return urlencode(values, quote_via=quote)


def _continuation(headers: Mapping[str, str]) -> str:
    """What the service sent, as it goes back to the service: a row key that was absent or blank is not made up."""
    return _query({name: value for name, header in _NEXT.items() if (value := headers.get(header))})


def _checked(answer: AsyncHttpResponse) -> bytes:
    if answer.status_code == _OK:
        return answer.content
    error = storage_error(answer.status_code, answer.content)
    if answer.status_code in _NOT_TO_BE_READ and not isinstance(error, TryLater):
        # A query neither conflicts nor carries rows. A retry does not mend it, and a caller's text may have led to it:
        # no row has such a key.
        log.warning("read_refused reason=%s", error)
        raise NotFound("There is nothing of that name.") from error
    raise error
