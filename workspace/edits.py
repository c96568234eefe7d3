"""Edits of contacts that an administrator can undo: one person's of one kind, in a span (pure; spec §6, §7)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

type _Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class EditKind(StrEnum):
    """What a person did to a contact."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Edits(msgspec.Struct, frozen=True, rename="camel"):
    """The edits of a person that an audit entry, `entry`, tells of: those from `since` to before `until`."""

    entry: str
    person: str
    kind: EditKind
    since: _Moment
    until: _Moment
