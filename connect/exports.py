"""Where exports stand: blobs by workspace, day and number (docs/operations.md). A part a blob, the last one says so."""

from collections.abc import Iterable
from dataclasses import dataclass

from connect.exported import is_day, mark_of
from storage.blobs import Blobs
from workspace.connection import WorkspaceId

_FORGOTTEN = "forgotten"
_LAST = "-last"


@dataclass(frozen=True, slots=True)
class Exports:
    """The container of exports. Raises TryLater and CredentialRejected, as `Blobs` does."""

    blobs: Blobs

    async def put(self, workspace: WorkspaceId, day: str, number: int, content: bytes, *, last: bool) -> None:
        """Write a part; repeating it changes nothing."""
        await self.blobs.put(f"{_folder(workspace)}{day}/{number:05d}{_LAST if last else ''}", content)

    async def get(self, name: str) -> bytes | None:
        return await self.blobs.get(name)

    async def parts(self, workspace: WorkspaceId, until: str) -> list[str]:
        """The names of the parts of the newest whole export that is not younger than a day, in order; none if none."""
        names: dict[str, list[str]] = {}
        for name in await self.blobs.names(_folder(workspace)):
            day, _, _ = name.removeprefix(_folder(workspace)).partition("/")
            if is_day(day) and day <= until:
                names.setdefault(day, []).append(name)
        whole = [day for day, parts in names.items() if _is_whole(parts)]
        return _chain(names[max(whole)]) if whole else []

    async def forget(self, workspace: WorkspaceId) -> None:
        """Delete a workspace's exports; repeating it changes nothing."""
        await self.blobs.delete(await self.blobs.names(_folder(workspace)))

    async def note_forgotten(self, workspace: WorkspaceId, values: Iterable[str]) -> None:
        """Note that no export may bring a person back, named by ids and an address; repeating it changes nothing."""
        for mark in sorted({mark_of(workspace, value) for value in values}):
            await self.blobs.put(f"{_folder(workspace)}{_FORGOTTEN}/{mark}", b"")

    async def forgotten(self, workspace: WorkspaceId) -> set[str]:
        """The marks of people who were forgotten while an export may still hold them."""
        return {name.rpartition("/")[2] for name in await self.blobs.names(f"{_folder(workspace)}{_FORGOTTEN}/")}


def _folder(workspace: WorkspaceId) -> str:
    # An id holds no '~'. It may end with a dot, and a part of a blob's name may not.
    return f"{workspace}~/"


def _is_whole(parts: list[str]) -> bool:
    return any(name.endswith(_LAST) for name in parts)


def _chain(parts: list[str]) -> list[str]:
    """The parts up to the last one: an export that was made twice on a day may have left longer remains."""
    chain = sorted(parts)
    return chain[: next(place for place, name in enumerate(chain) if name.endswith(_LAST)) + 1]
