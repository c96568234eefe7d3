"""One host alone works for a timer: the one that holds a blob's lease (docs/facts/functions.md 2, 11)."""

import asyncio
import contextlib
import logging
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobLeaseClient, ContainerClient

from local.host.timing import Timing

log = logging.getLogger("host")


class LeaseLost(RuntimeError):
    """Another host may have the lease by now."""


class Singleton:
    """The lease of one name."""

    def __init__(self, container: ContainerClient, name: str, timing: Timing) -> None:
        self._container = container
        self._name = name
        self._timing = timing
        self._blob = container.get_blob_client(f"locks/local/{name}")
        self._lease: BlobLeaseClient | None = None

    async def acquire(self) -> None:
        """Wait until this host has the lease."""
        waited = False
        while self._lease is None:
            try:
                self._lease = await self._acquired()
            except (HttpResponseError, AzureError) as error:
                if not waited:
                    log.info("The lease of '%s' cannot be had (%s); trying again.", self._name, type(error).__name__)
                waited = True
                await asyncio.sleep(self._timing.singleton_retry_seconds)

    async def keep(self) -> None:
        """Renew it until cancelled.

        Raises:
            LeaseLost
        """
        while self._lease is not None:
            await asyncio.sleep(self._timing.singleton_seconds / 2)
            try:
                await self._lease.renew()
            except AzureError as error:
                self._lease = None
                raise LeaseLost from error

    async def release(self) -> None:
        """Give it back, so that the next host need not wait."""
        if self._lease is not None:
            with contextlib.suppress(AzureError):
                await self._lease.release()
            self._lease = None

    async def _acquired(self) -> BlobLeaseClient:
        seconds = self._timing.singleton_seconds
        try:
            return await _acquire(self._blob, seconds)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._container.create_container()
            with contextlib.suppress(ResourceExistsError):
                await self._blob.upload_blob(b"", overwrite=False)
            return await _acquire(self._blob, seconds)


async def _acquire(blob: Any, seconds: int) -> BlobLeaseClient:
    lease: BlobLeaseClient = await blob.acquire_lease(lease_duration=seconds)
    return lease
