"""What was measured of the quality of a directory's data, and how it stands in rows (pure; spec §6).

`quality:<day>` holds a day's figures, `quality-of:<figure>` the contacts behind each figure of the last measurement.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from storage.document import document_columns
from storage.transaction import Operation, Verb

DAYS_PREFIX = "quality:"
PEOPLE_PREFIX = "quality-of:"

MOST_PEOPLE = 5_000
"""Contacts behind a figure that are kept: as many as a row holds."""


class Figure(StrEnum):
    """What can be wanting in a directory's data. A figure is there where the fields that it needs are mapped."""

    NO_NAME = "no_name"
    """No first name, or no last name."""
    NO_EMAIL = "no_email"
    NO_MOBILE = "no_mobile"
    NO_COMPANY = "no_company"
    SHARED_EMAIL = "shared_email"
    NOT_INTERNATIONAL = "not_international"
    """A phone number that is not written so that it can be called from anywhere."""


class Measured(msgspec.Struct, frozen=True, rename="camel"):
    """A measurement: of how many linked contacts, and for how many of them each figure holds."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    people: int
    counts: dict[Figure, int] = {}


def measured_operations(measured: Measured, people: Mapping[Figure, Collection[str]]) -> list[Operation]:
    """The rows of a measurement, which replace those of the one before. `people`: contact ids by figure."""
    rows = [Operation(Verb.PUT, day_key(measured.at), document_columns(measured))]
    rows += [
        Operation(Verb.PUT, f"{PEOPLE_PREFIX}{figure}", document_columns(list(people.get(figure, ()))[:MOST_PEOPLE]))
        for figure in Figure
    ]
    return rows


def day_key(at: datetime) -> str:
    return f"{DAYS_PREFIX}{at.date().isoformat()}"
