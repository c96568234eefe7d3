"""A container of blobs: small files by name, in the account of the tables or in any other."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ClientAuthenticationError, ResourceExistsError, ResourceNotFoundError

import limits
from errors import CredentialRejected, TryLater

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient


class Blobs:
    """One container. `open_container` makes its client at the first call, because most processes never need it."""

    def __init__(self, open_container: Callable[[], "ContainerClient"]) -> None:
        self._open = open_container
        self._client: ContainerClient | None = None

    async def put(self, name: str, content: bytes) -> None:
        """Write a blob, or replace it. The first one that finds no container makes it.

        Raises:
            TryLater: it may or may not be written.
            CredentialRejected
        """

        async def put() -> None:
            client = self._container()
            try:
                await client.upload_blob(name, content, overwrite=True)
            except ResourceNotFoundError:
                # In Azure the container is part of the infrastructure. On a developer's machine it is missing once.
                await self._make()
                await client.upload_blob(name, content, overwrite=True)

        await self._answered(put())

    async def get(self, name: str) -> bytes | None:
        """A blob's content, None where there is none (raises as `put`)."""

        async def get() -> bytes | None:
            try:
                return await (await self._container().download_blob(name)).readall()
            except ResourceNotFoundError:
                return None

        return await self._answered(get())

    async def names(self, prefix: str) -> list[str]:
        """The names that begin with a prefix, in order (raises as `put`)."""

        async def names() -> list[str]:
            try:
                return [name async for name in self._container().list_blob_names(name_starts_with=prefix)]
            except ResourceNotFoundError:
                return []

        return await self._answered(names())

    async def delete(self, names: Collection[str]) -> None:
        """Delete blobs; one that is gone does no harm (raises as `put`)."""

        async def delete(name: str) -> None:
            try:
                await self._container().delete_blob(name)
            except ResourceNotFoundError:
                return

        for name in names:
            await self._answered(delete(name))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _container(self) -> "ContainerClient":
        if self._client is None:
            self._client = self._open()
        return self._client

    async def _make(self) -> None:
        try:
            await self._container().create_container()
        except ResourceExistsError:
            return  # Another process made it at the same time.

    @staticmethod
    async def _answered[T](call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(limits.BLOB_CALL_SECONDS):
                return await call
        except ClientAuthenticationError as error:
            raise CredentialRejected("blob storage does not accept this app's identity", "storage") from error
        except (AzureError, TimeoutError) as error:
            raise TryLater(f"blob storage did not answer ({type(error).__name__})") from error
